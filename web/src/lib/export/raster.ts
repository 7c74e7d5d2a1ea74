/** What of an export only a browser can do: cut pictures, paint, read the page's colours, hand over a file. */

import { outlinePath, tileKey, type Scene, type Shape, type Tile } from './scene';

/** Largest side of a picture inside an SVG, in px: twice what the page shows at full size. */
const MOST_PX = 128;
/** Largest number of px that a PNG may have: beyond it browsers give an empty one. */
const MOST_AREA = 64_000_000;
const FONT = 'system-ui, -apple-system, "Segoe UI", Roboto, Helvetica, Arial, sans-serif';

export type Colors = Record<ColorName, string>;
const NAMES = [
  'pane',
  'sunk',
  'line',
  'line-strong',
  'ink',
  'ink-2',
  'ink-3',
  'a',
  'a-soft',
  'b',
  'b-soft',
  'both',
  'edge',
  'accent',
  'accent-soft',
  'paper',
] as const;
export type ColorName = (typeof NAMES)[number];

/** The page's colours as they are now, light or dark. */
export function readColors(): Colors {
  const probe = document.createElement('span');
  document.body.append(probe);
  const read = (name: string): string => {
    probe.style.color = `var(--${name})`;
    return getComputedStyle(probe).color;
  };
  const colors = Object.fromEntries(NAMES.map((name) => [name, read(name)])) as Colors;
  probe.remove();
  return colors;
}

/** The pictures of a scene, each fetched once; those that cannot be had are left out. */
export async function loadPictures(scene: Scene): Promise<Map<string, HTMLCanvasElement>> {
  const tiles = new Map<string, Tile>();
  for (const shape of scene.shapes) {
    if (shape.kind === 'picture' && shape.tile) tiles.set(tileKey(shape.tile), shape.tile);
  }
  const sheets = new Map<string, Promise<ImageBitmap | null>>();
  for (const { url } of tiles.values()) if (!sheets.has(url)) sheets.set(url, sheet(url));
  const found = new Map<string, HTMLCanvasElement>();
  for (const [key, tile] of tiles) {
    const bitmap = await sheets.get(tile.url)!;
    if (bitmap) found.set(key, cut(bitmap, tile));
  }
  for (const each of sheets.values()) (await each)?.close();
  return found;
}

async function sheet(url: string): Promise<ImageBitmap | null> {
  try {
    const response = await fetch(url);
    return response.ok ? await createImageBitmap(await response.blob()) : null;
  } catch {
    return null;
  }
}

function cut(bitmap: ImageBitmap, { column, row, columns, rows }: Tile): HTMLCanvasElement {
  const [width, height] = [bitmap.width / columns, bitmap.height / rows];
  const canvas = document.createElement('canvas');
  const side = Math.min(MOST_PX, Math.round(Math.max(width, height)));
  canvas.width = canvas.height = Math.max(1, side);
  const context = canvas.getContext('2d')!;
  context.imageSmoothingQuality = 'high';
  context.drawImage(bitmap, column * width, row * height, width, height, 0, 0, canvas.width, canvas.height);
  return canvas;
}

/** Cut pictures as `data:` addresses, in a format that every program reads. */
export function inlinePictures(pictures: ReadonlyMap<string, HTMLCanvasElement>): Map<string, string> {
  return new Map([...pictures].map(([key, canvas]) => [key, canvas.toDataURL('image/jpeg', 0.9)]));
}

/** A scene as a PNG, at twice its size where that is not too large. */
export async function toPng(scene: Scene, pictures: ReadonlyMap<string, HTMLCanvasElement>): Promise<Blob> {
  const scale = Math.min(2, Math.sqrt(MOST_AREA / (scene.width * scene.height)));
  const canvas = document.createElement('canvas');
  canvas.width = Math.max(1, Math.round(scene.width * scale));
  canvas.height = Math.max(1, Math.round(scene.height * scale));
  const context = canvas.getContext('2d')!;
  context.scale(scale, scale);
  context.fillStyle = scene.background;
  context.fillRect(0, 0, scene.width, scene.height);
  for (const shape of scene.shapes) paint(context, shape, scene, pictures);
  return new Promise((resolve, reject) => {
    canvas.toBlob(
      (blob) => (blob ? resolve(blob) : reject(new Error('The picture is too large.'))),
      'image/png',
    );
  });
}

function paint(
  context: CanvasRenderingContext2D,
  shape: Shape,
  scene: Scene,
  pictures: ReadonlyMap<string, HTMLCanvasElement>,
): void {
  context.save();
  if (shape.kind !== 'text') context.globalAlpha = shape.opacity ?? 1;
  if (shape.kind === 'rect') {
    context.fillStyle = shape.fill;
    context.beginPath();
    context.roundRect(shape.x, shape.y, shape.width, shape.height, shape.radius ?? 0);
    context.fill();
  } else if (shape.kind === 'path') {
    context.strokeStyle = shape.stroke;
    context.lineWidth = shape.width;
    context.stroke(new Path2D(shape.d));
  } else if (shape.kind === 'text') {
    context.fillStyle = shape.fill;
    context.font = `${shape.bold ? '600 ' : ''}${shape.size}px ${FONT}`;
    context.textAlign = shape.anchor === 'middle' ? 'center' : (shape.anchor ?? 'start');
    context.fillText(shape.text, shape.x, shape.y);
  } else {
    const { x, y, side, outline, color, line } = shape;
    const inner = Math.max(0, side - 2 * line);
    context.fillStyle = color;
    context.fill(new Path2D(outlinePath(outline, x, y, side)));
    const inside = new Path2D(outlinePath(outline, x, y, inner));
    const picture = shape.tile ? pictures.get(tileKey(shape.tile)) : undefined;
    if (picture) {
      context.clip(inside);
      context.drawImage(picture, x - inner / 2, y - inner / 2, inner, inner);
    } else {
      context.fillStyle = scene.empty;
      context.fill(inside);
    }
  }
  context.restore();
}

/** Hands a file to the person's download folder. */
export function download(name: string, content: Blob | string, type: string): void {
  const url = URL.createObjectURL(typeof content === 'string' ? new Blob([content], { type }) : content);
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  // The download has begun by then; the address would hold the file in memory for ever.
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
