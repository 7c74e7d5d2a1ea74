import { SvelteSet } from 'svelte/reactivity';

const asked = new Set<string>();
const broken = new SvelteSet<string>();

/** Whether a layer's picture can be shown, as far as is known: a background says nothing when it does not load. */
export function atlasLoads(url: string): boolean {
  if (!asked.has(url)) {
    asked.add(url);
    const image = new Image();
    image.onerror = () => broken.add(url);
    image.src = url;
  }
  return !broken.has(url);
}
