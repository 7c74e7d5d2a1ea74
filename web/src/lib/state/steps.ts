/** Adjustments of the same thing within this time of each other are one step, in ms. */
const ONE_STEP_MS = 800;
const REMEMBERED = 100;

/** The states before and after the present one. */
export class Steps<State> {
  #before: State[] = [];
  #after: State[] = [];
  #kind: string | null = null;
  #time = -Infinity;

  /**
   * Remembers the state that is left.
   *
   * @param kind what is adjusted; null for a step that never joins the one before
   * @param now in ms
   */
  add(left: State, kind: string | null, now = performance.now()): void {
    const joins = kind !== null && kind === this.#kind && now - this.#time < ONE_STEP_MS;
    this.#kind = kind;
    this.#time = now;
    this.#after = [];
    if (joins) return;
    this.#before.push(left);
    if (this.#before.length > REMEMBERED) this.#before.shift();
  }

  /** The state before; undefined where there is none. */
  undo(present: State): State | undefined {
    return this.#move(this.#before, this.#after, present);
  }

  /** The state that was undone last. */
  redo(present: State): State | undefined {
    return this.#move(this.#after, this.#before, present);
  }

  #move(from: State[], to: State[], present: State): State | undefined {
    const state = from.pop();
    if (state === undefined) return undefined;
    to.push(present);
    this.#kind = null;
    return state;
  }
}
