import type { View } from '$lib/state/address';
import { remembered } from './storage';

/** Where this browser keeps that the first visit is over. */
export const SEEN = 'arete.tour';

/** Whether somebody came for the first time, to one class as the demo's own address shows it, and to nothing further. */
export function firstVisit(view: View): boolean {
  const plain = view.mode === 'explore' && view.pin === null && view.channel === null && !view.table;
  return plain && remembered(SEEN) === null;
}
