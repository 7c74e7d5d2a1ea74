/** What this browser keeps between visits. Where storage is switched off nothing is kept, and nothing fails. */

/** Null where nothing was kept. */
export function remembered(key: string): string | null {
  try {
    return localStorage.getItem(key);
  } catch {
    return null;
  }
}

export function remember(key: string, value: string): void {
  try {
    localStorage.setItem(key, value);
  } catch {
    // It holds until the page is closed.
  }
}
