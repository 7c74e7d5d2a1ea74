/** The view as an address, and back: `?v=3&run=demo&class=3&mode=compare&b=5`. */

import type { MotifPattern, SetOperation } from '$lib/api/operations';
import {
  choice,
  flag,
  indexSet,
  list,
  nullableShare,
  share,
  text,
  unless,
  whole,
  type Field,
} from './fields';

export type Mode = 'explore' | 'compare' | 'motifs' | 'matrix' | 'model';
export type ClassSort = 'similarity' | 'index' | 'name' | 'accuracy-down' | 'accuracy-up';

/** What every mode looks at; ids and indexes stay text, so that an unknown one can be named as such. */
interface FrameView {
  run: string | null;
  mode: Mode;
  /** Index of the class explored, A when comparing. */
  class: string | null;
  /** The layer of the left column, by name; null for the last. */
  layer: string | null;
  sort: ClassSort;
  /** The channel whose page is open, `layer/channel`. */
  channel: string | null;
  /** Several classes: indexes, or `@name` of a group; what the map has selected and what some modes look at. */
  set: readonly string[];
}

/** What a drawing of channels looks like. */
interface DrawingView {
  /** Share of each layer's rank mass that is kept; null for each class's own. */
  mass: number | null;
  /** Least share of the class's images for an edge to be shown. */
  floor: number;
  /** Least share of the class's images for a vertex to be shown. */
  least: number;
  /** Width and height of the drawing, relative to its own. */
  width: number;
  height: number;
  /** The pinned channel, `layer/channel`. */
  pin: string | null;
  /** Channels that stand out, `layer/channel`: those of a motif. */
  mark: readonly string[];
  /** Whether attributed channels of the pinned one that are not in the graph are drawn too. */
  more: boolean;
  table: boolean;
}

export type CompareForm = 'bands' | 'beside' | 'group' | 'groups';

interface CompareView {
  /** Index of the second class. */
  b: string | null;
  operation: SetOperation;
  /** One drawing of two classes, one drawing each, what a group has in common, or one group against another. */
  form: CompareForm;
  /** Whether each class is cut at its own mass where none is chosen: not both of two at the same, motifs at none found for them. */
  own: boolean;
  /** In how many of a group's classes a channel has to be; 0 for half of them. */
  atLeast: number;
  /** The second of two groups, as `set` is the first, and in how many of its classes a channel has to be. */
  setB: readonly string[];
  atLeastB: number;
}

interface MotifsView {
  pattern: MotifPattern;
  /** Least share of the set's classes that hold a motif. */
  support: number;
  /** Whether motifs are listed too that are a part of a larger one which the same classes share. */
  parts: boolean;
}

interface MatrixView {
  /** Id of the row that columns are sorted by, without its run, or `index` or `spread`; null for the rows' mean. */
  by: string | null;
  /** Numbers of the images that are rows. */
  images: readonly string[];
}

/** Everything that a link carries. */
export interface View extends FrameView, DrawingView, CompareView, MotifsView, MatrixView {}

/** Each part of a view: the address's word for it and how it is read and written. A mode adds its own at the end. */
const FIELDS: { [Name in keyof View]: Field<View[Name]> } = {
  run: text('run'),
  mode: choice('mode', {
    explore: 'explore',
    compare: 'compare',
    motifs: 'motifs',
    matrix: 'matrix',
    model: 'model',
  }),
  class: text('class'),
  b: text('b'),
  operation: choice('op', {
    union: 'UNION',
    intersection: 'INTERSECTION',
    'a-b': 'A_MINUS_B',
    'b-a': 'B_MINUS_A',
  }),
  mass: nullableShare('mass'),
  floor: share('floor', 0),
  least: share('least', 0),
  width: share('width', 1, 0.5, 3),
  height: share('height', 1, 0.5, 3),
  pin: text('pin'),
  mark: list('mark'),
  more: flag('show-more', 'yes'),
  table: flag('show', 'table'),
  layer: text('layer'),
  channel: text('channel'),
  sort: choice('sort', {
    similarity: 'similarity',
    index: 'index',
    name: 'name',
    'accuracy-down': 'accuracy-down',
    'accuracy-up': 'accuracy-up',
  }),
  form: choice('form', { bands: 'bands', beside: 'beside', group: 'group', groups: 'groups' }),
  own: flag('masses', 'own'),
  atLeast: whole('k', 0, 0, 100_000),
  setB: indexSet('set-b'),
  atLeastB: whole('k-b', 0, 0, 100_000),
  set: indexSet('set'),
  pattern: choice('pattern', {
    'path-2': 'PATH_2',
    'path-3': 'PATH_3',
    'path-4': 'PATH_4',
    'wedge-in': 'WEDGE_IN',
    'wedge-out': 'WEDGE_OUT',
    diamond: 'DIAMOND',
    triangle: 'TRIANGLE',
    subgraph: 'SUBGRAPH',
  }),
  support: share('support', 0.5, 0.01),
  parts: unless('parts', 'all', 'largest'),
  by: text('by'),
  images: indexSet('images'),
};
const NAMES = Object.keys(FIELDS) as (keyof View)[];

export const FIRST_VIEW: Readonly<View> = Object.fromEntries(
  NAMES.map((name) => [name, FIELDS[name].first]),
) as unknown as View;

const VERSION = 3;

/** What an older version meant where its address says nothing. */
const MIGRATIONS: Record<number, (fields: URLSearchParams) => void> = {
  // The list was sorted by index unless told otherwise.
  1: (fields) => {
    if (!fields.has('sort')) fields.set('sort', 'index');
  },
  // Only the largest motifs were listed, and those of each class's own mass, unless told otherwise.
  2: (fields) => {
    if (fields.get('mode') !== 'motifs') return;
    if (!fields.has('parts')) fields.set('parts', 'largest');
    if (!fields.has('mass')) fields.set('masses', 'own');
  },
};

export interface Opened {
  view: View;
  /** What the address asks for and this version does not know, as it was written. */
  unknown: string[];
}

/** Reads an address of this version or an older one. What is not understood counts as not given, and is named. */
export function openView(search: string): Opened {
  const fields = new URLSearchParams(search);
  const written = Number(fields.get('v') ?? VERSION);
  for (let version = written; version < VERSION; version += 1) MIGRATIONS[version]?.(fields);
  const unknown: string[] = [];
  const view = { ...FIRST_VIEW } as Record<string, unknown>;
  for (const name of NAMES) {
    const field = FIELDS[name] as Field<View[keyof View]>;
    const given = fields.get(field.key);
    if (given === null || given === '') continue;
    const value = field.read(given);
    if (value === undefined) unknown.push(`${field.key}=${given}`);
    else view[name] = value;
  }
  const keys = new Set<string>(['v', ...NAMES.map((name) => FIELDS[name].key)]);
  for (const [key, value] of fields) if (!keys.has(key)) unknown.push(`${key}=${value}`);
  return { view: view as unknown as View, unknown };
}

/** The view of an address, whatever of it is not understood. */
export const parseView = (search: string): View => openView(search).view;

/** Writes an address; only what differs from the first view, in a fixed order. */
export function formatView(view: View): string {
  const fields = new URLSearchParams({ v: String(VERSION) });
  for (const name of NAMES) {
    const field = FIELDS[name] as Field<View[keyof View]>;
    const written = view[name] === field.first ? null : field.write(view[name]);
    if (written !== null && written !== '') fields.set(field.key, written);
  }
  // A slash and a comma are allowed in a query, and `layer/channel` reads better with them.
  return `?${fields.toString().replaceAll('%2F', '/').replaceAll('%2C', ',')}`;
}
