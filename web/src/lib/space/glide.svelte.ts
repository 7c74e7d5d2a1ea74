import { untrack } from 'svelte';
import { between, type Point } from './scatter';

const MOVE_MS = 450;

/** Points that move to where they shall be instead of jumping there; at once where motion is not wished. */
export class Glide {
  /** Where they are just now. */
  present = $state.raw<readonly Point[]>([]);

  /** @returns a function that stops the move */
  to(goal: readonly Point[]): (() => void) | undefined {
    const start = untrack(() => new Map(this.present.map((point) => [point.index, point])));
    if (start.size === 0 || matchMedia('(prefers-reduced-motion: reduce)').matches) {
      this.present = goal;
      return undefined;
    }
    const begun = performance.now();
    const move = (now: number): void => {
      const part = Math.min(1, Math.max(0, (now - begun) / MOVE_MS));
      this.present = part === 1 ? goal : between(start, goal, 1 - (1 - part) ** 3);
      if (part < 1) frame = requestAnimationFrame(move);
    };
    let frame = requestAnimationFrame(move);
    return () => cancelAnimationFrame(frame);
  }
}
