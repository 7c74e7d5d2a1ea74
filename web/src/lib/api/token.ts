/** The token that lets this page write. `arete serve` prints it in the page's address, behind the `#`. */

const KEY = 'arete.token';

let current: string | null = null;

/** Takes the token out of the address, so that a copied link does not carry it, and keeps it until the tab is closed. */
export function takeToken(): void {
  const given = new URLSearchParams(location.hash.slice(1)).get('token');
  try {
    if (given) sessionStorage.setItem(KEY, given);
    current = given ?? sessionStorage.getItem(KEY);
  } catch {
    // Storage is switched off: the token holds until the page is left.
    current = given;
  }
  if (given) history.replaceState(history.state, '', location.pathname + location.search);
}

/** Null where this page may only read. */
export function token(): string | null {
  return current;
}
