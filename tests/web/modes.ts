/** What the tests of Compare, Motifs, Matrix and Model share: classes to look at, files that the page saves. */

import { readFileSync } from 'node:fs';
import type { Page } from 'playwright-core';
import { query } from './browser';

export interface ClassOf {
  id: string;
  index: number;
  name: string;
  mass: number;
}

export interface RunOf {
  id: string;
  classes: ClassOf[];
  layers: { id: string; name: string; channelCount: number; parents: string[] }[];
}

/** The first run that has at least `least` classes with a graph. */
export async function runWith(least: number): Promise<RunOf> {
  const { runs } = await query<{
    runs: {
      id: string;
      layers: RunOf['layers'];
      classes: { nodes: (ClassOf & { mass: number | null })[] };
    }[];
  }>(
    '{ runs { id layers { id name channelCount parents } classes(first: 100) { nodes { id index name mass } } } }',
  );
  for (const { id, layers, classes } of runs) {
    const drawn = classes.nodes.filter(({ mass }) => mass !== null);
    if (drawn.length >= least) return { id, layers, classes: drawn };
  }
  throw new Error(`the server under test holds no run with ${least} classes that have a graph`);
}

/** An id without its run. */
export const local = (id: string): string => id.slice(id.indexOf('/') + 1);

/** Chooses an entry of the export menu and reads the file that the page hands over. */
export async function saved(page: Page, entry: RegExp): Promise<{ name: string; content: Buffer }> {
  const button = page.getByRole('button', { name: 'Export', exact: true });
  if ((await button.getAttribute('aria-expanded')) !== 'true') await button.click();
  const [download] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('group', { name: 'Export and share' }).getByRole('button', { name: entry }).click(),
  ]);
  return { name: download.suggestedFilename(), content: readFileSync(await download.path()) };
}

/** The lines of a CSV file, each a list of fields; the mark at its start is taken off. */
export function parseCsv(content: Buffer): string[][] {
  const text = content.toString('utf8').replace(/^\ufeff/, '');
  const rows: string[][] = [[]];
  let field = '';
  let quoted = false;
  for (let at = 0; at < text.length; at += 1) {
    const letter = text[at]!;
    if (quoted) {
      if (letter !== '"') field += letter;
      else if (text[at + 1] === '"') field += text[(at += 1)]!;
      else quoted = false;
    } else if (letter === '"') quoted = true;
    else if (letter === ',' || letter === '\n') {
      rows.at(-1)!.push(field);
      field = '';
      if (letter === '\n') rows.push([]);
    } else if (letter !== '\r') field += letter;
  }
  return rows.slice(0, -1);
}
