/** From what is on screen to files; asked for when a person first opens the menu. */

import { fileName, toCsv } from './csv';
import type { Output } from './output';
import { download, inlinePictures, loadPictures, readColors, toPng } from './raster';
import { toSvg } from './svg';

/** Version of the JSON's form. */
const FORMAT = 'arete-view/1';

export async function saveSvg(output: Output): Promise<void> {
  const scene = output.scene!(readColors());
  const svg = toSvg(scene, inlinePictures(await loadPictures(scene)));
  download(fileName(output.name, 'svg'), svg, 'image/svg+xml');
}

export async function savePng(output: Output): Promise<void> {
  const scene = output.scene!(readColors());
  download(fileName(output.name, 'png'), await toPng(scene, await loadPictures(scene)), 'image/png');
}

/** With the address that shows the same again. */
export function saveJson(output: Output): void {
  const content = { format: FORMAT, address: location.search, ...output.json() };
  download(fileName(output.name, 'json'), JSON.stringify(content, null, 1) + '\n', 'application/json');
}

export function saveCsv(output: Output, table: number): void {
  const [title, content] = output.tables[table]!;
  // The mark tells spreadsheets that names are UTF-8.
  download(fileName([...output.name, title.toLowerCase()], 'csv'), '\ufeff' + toCsv(content), 'text/csv');
}
