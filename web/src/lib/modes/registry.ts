import type { Component } from 'svelte';
import type { App } from '$lib/state/app.svelte';
import type { Mode } from '$lib/state/address';

/** What the keys of the page reach in a mode's drawing. */
export interface DrawingHandle {
  zoomBy: (factor: number) => void;
  fit: () => void;
  full: () => void;
  /** Brings a channel into sight and pins it. */
  visit: (id: string) => void;
}

/** What a mode's component exports. */
export interface ModeExports {
  /** Its drawing, where there is one. */
  current?: () => DrawingHandle | undefined;
}

export type ModeComponent = Component<{ app: App }, ModeExports>;

export interface ModeInfo {
  id: Mode;
  name: string;
  /** The key that opens it. */
  key: string;
  /** The question that it answers, as a sentence. */
  question: string;
  /** Its code, which the page asks for when the mode is first opened. */
  load: () => Promise<{ default: ModeComponent }>;
}

/** The modes in the order of the bar. */
export const MODES: readonly ModeInfo[] = [
  {
    id: 'explore',
    name: 'Explore',
    key: 'e',
    question: 'What does the model look for in this class?',
    load: () => import('./explore/Explore.svelte'),
  },
  {
    id: 'compare',
    name: 'Compare',
    key: 'c',
    question: 'What do these classes share, and where do they part?',
    load: () => import('./compare/Compare.svelte'),
  },
];
