import { formatView, parseView, type View } from './address';

/** What is looked at: one object that is the address, so that links, back and forward need nothing else. */
export class ViewState {
  current = $state.raw<View>(parseView(location.search));

  /** Follows back and forward until the returned function is called. */
  listen(): () => void {
    const follow = (): void => {
      this.current = parseView(location.search);
    };
    addEventListener('popstate', follow);
    return () => removeEventListener('popstate', follow);
  }

  /**
   * Changes the view.
   *
   * @param how `push` for a step that Back should undo, `replace` for adjustments (sliders, pins, first choices)
   */
  go(patch: Partial<View>, how: 'push' | 'replace' = 'push'): void {
    const next = { ...this.current, ...patch };
    const address = formatView(next);
    if (address === formatView(this.current) && address === location.search) return;
    this.current = next;
    history[how === 'push' ? 'pushState' : 'replaceState'](null, '', address);
  }
}
