/** What a mode has on screen, ready to be written as files. */

import type { Table } from '$lib/graph/table';
import type { Colors } from './raster';
import type { Scene } from './scene';

export interface Output {
  /** What it is, in words that name a file: the run, the mode's subject. */
  name: string[];
  /** The drawing in the page's colours; null where a mode has none. */
  scene: ((colors: Colors) => Scene) | null;
  /** Everything on screen with ids and unrounded numbers. */
  json: () => object;
  /** The same as tables: a title and what it holds. */
  tables: [string, Table][];
}
