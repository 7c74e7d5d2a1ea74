/** The view as an address, and back: `?v=1&run=demo&class=3&mode=compare&b=5`. */

import type { SetOperation } from '$lib/api/operations';

export type Mode = 'explore' | 'compare';
export type ClassSort = 'index' | 'name' | 'accuracy-down' | 'accuracy-up';

/** Everything that a link carries; ids and indexes stay text, so that an unknown one can be named as such. */
export interface View {
  run: string | null;
  mode: Mode;
  /** Index of the class explored, A when comparing. */
  class: string | null;
  /** Index of the second class. */
  b: string | null;
  operation: SetOperation;
  /** Share of each layer's rank mass that is kept; null for each class's own. */
  mass: number | null;
  /** Least share of the class's images for a vertex or an edge to be shown. */
  floor: number;
  /** The pinned channel, `layer/channel`. */
  pin: string | null;
  table: boolean;
  sort: ClassSort;
}

export const FIRST_VIEW: Readonly<View> = {
  run: null,
  mode: 'explore',
  class: null,
  b: null,
  operation: 'UNION',
  mass: null,
  floor: 0,
  pin: null,
  table: false,
  sort: 'index',
};

const VERSION = '1';
const OPERATIONS: Record<string, SetOperation> = {
  union: 'UNION',
  intersection: 'INTERSECTION',
  'a-b': 'A_MINUS_B',
  'b-a': 'B_MINUS_A',
};
const SORTS: ClassSort[] = ['index', 'name', 'accuracy-down', 'accuracy-up'];

/** Reads an address. What it does not know, or what lies out of range, counts as not given. */
export function parseView(search: string): View {
  const fields = new URLSearchParams(search);
  return {
    run: fields.get('run') || null,
    mode: fields.get('mode') === 'compare' ? 'compare' : 'explore',
    class: fields.get('class') || null,
    b: fields.get('b') || null,
    operation: OPERATIONS[fields.get('op') ?? ''] ?? 'UNION',
    mass: share(fields.get('mass')) || null,
    floor: share(fields.get('floor')) ?? 0,
    pin: fields.get('pin') || null,
    table: fields.get('show') === 'table',
    sort: SORTS.find((sort) => sort === fields.get('sort')) ?? 'index',
  };
}

/** Writes an address; only what differs from the first view, in a fixed order. */
export function formatView(view: View): string {
  const fields = new URLSearchParams({ v: VERSION });
  if (view.run !== null) fields.set('run', view.run);
  if (view.mode !== 'explore') fields.set('mode', view.mode);
  if (view.class !== null) fields.set('class', view.class);
  if (view.b !== null) fields.set('b', view.b);
  if (view.operation !== 'UNION') {
    fields.set(
      'op',
      Object.keys(OPERATIONS).find((name) => OPERATIONS[name] === view.operation)!,
    );
  }
  if (view.mass !== null) fields.set('mass', String(round(view.mass)));
  if (view.floor > 0) fields.set('floor', String(round(view.floor)));
  if (view.pin !== null) fields.set('pin', view.pin);
  if (view.table) fields.set('show', 'table');
  if (view.sort !== 'index') fields.set('sort', view.sort);
  // A slash is allowed in a query, and `layer/channel` reads better with it.
  return `?${fields.toString().replaceAll('%2F', '/')}`;
}

function share(text: string | null): number | null {
  if (text === null || text.trim() === '') return null;
  const value = Number(text);
  return value >= 0 && value <= 1 ? value : null;
}

function round(value: number): number {
  return Math.round(value * 10_000) / 10_000;
}
