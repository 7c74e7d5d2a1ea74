import { formatView, openView, type View } from './address';
import { Steps } from './steps';

/**
 * What is looked at: one object that is the address, so that links, back and forward need nothing else; with the steps
 * that led here, to undo and redo.
 */
export class ViewState {
  current = $state.raw<View>(openView(location.search).view);
  /** What the address asked for and this version does not know. */
  unknown = $state.raw<string[]>(openView(location.search).unknown);
  #steps = new Steps<View>();

  /** Follows back and forward until the returned function is called. */
  listen(): () => void {
    const follow = (): void => {
      const { view, unknown } = openView(location.search);
      this.#steps.add(this.current, null);
      this.current = view;
      this.unknown = unknown;
    };
    addEventListener('popstate', follow);
    return () => removeEventListener('popstate', follow);
  }

  /**
   * Changes the view.
   *
   * @param how `push` for a step that Back should undo, `replace` for adjustments (sliders, pins), `fill` for what an
   *   address left open, which is no step at all
   */
  go(patch: Partial<View>, how: 'push' | 'replace' | 'fill' = 'push'): void {
    const next = { ...this.current, ...patch };
    const address = formatView(next);
    if (address === formatView(this.current) && address === location.search) return;
    // The steps of one drag are one step to undo.
    if (how !== 'fill') this.#steps.add(this.current, how === 'replace' ? Object.keys(patch).join() : null);
    this.current = next;
    if (how === 'push') this.unknown = [];
    history[how === 'push' ? 'pushState' : 'replaceState'](null, '', address);
  }

  /** Goes one step back in what was changed here, sliders included; false where there is none. */
  undo(): boolean {
    return this.#show(this.#steps.undo(this.current));
  }

  /** Takes an undo back. */
  redo(): boolean {
    return this.#show(this.#steps.redo(this.current));
  }

  #show(view: View | undefined): boolean {
    if (!view) return false;
    this.current = view;
    history.pushState(null, '', formatView(view));
    return true;
  }
}
