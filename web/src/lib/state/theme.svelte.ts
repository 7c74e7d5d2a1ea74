import { MediaQuery } from 'svelte/reactivity';

export type Theme = 'system' | 'light' | 'dark';

const KEY = 'arete.theme';

/** Light, dark, or as the system wishes; remembered on this machine. `theme.js` applies it before the first paint. */
export class ThemeState {
  current = $state<Theme>(read());
  readonly #wish = new MediaQuery('prefers-color-scheme: dark');
  /** Whether the page is dark now. */
  readonly dark = $derived(this.current === 'system' ? this.#wish.current : this.current === 'dark');

  choose(theme: Theme): void {
    this.current = theme;
    if (theme === 'system') delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = theme;
    try {
      localStorage.setItem(KEY, theme);
    } catch {
      // Storage is switched off: the choice holds until the page is closed.
    }
  }
}

function read(): Theme {
  const theme = document.documentElement.dataset.theme;
  return theme === 'light' || theme === 'dark' ? theme : 'system';
}
