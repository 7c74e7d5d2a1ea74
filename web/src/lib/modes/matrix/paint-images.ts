/** Paints single images where they lie: a shape and a colour for each class, thumbnails as far as there is room. */

import { paintLasso, type Frame } from '$lib/space/paint';
import { paintTiles, type DrawableTile } from '$lib/space/tiles.svelte';
import type { Point } from '$lib/space/scatter';
import { shapePath } from './kinds';

/** What a map of images shows of each beside its place. */
export interface ImageMarks {
  /** Kind of its class; null for a class without one. */
  kindOf: (number: number) => number | null;
  /** Colours of the kinds, then that of those without one. */
  colors: readonly string[];
  tileOf: (number: number) => DrawableTile | undefined;
  /** Those that are rows. */
  chosen: ReadonlySet<number>;
  pointed: number | null;
}

/** Thumbnails are drawn from this zoom on, and on the whole map where there are few enough. */
const TILES_FROM = 2;
const FEW = 24;
const TILE_PX = 30;
const LARGE_PX = 56;
const DOT = 3;

export function paintImages(
  context: CanvasRenderingContext2D,
  points: readonly Point[],
  marks: ImageMarks,
  { size, zoom, lasso, colors }: Frame,
): void {
  context.clearRect(0, 0, size.width, size.height);
  const visible = points.filter(
    ({ x, y }) => x > -16 && y > -16 && x < size.width + 16 && y < size.height + 16,
  );
  const colorOf = (index: number): string => marks.colors[marks.kindOf(index) ?? marks.colors.length - 1]!;
  const dot = (point: Point, radius: number): void => {
    context.fillStyle = colorOf(point.index);
    context.fill(new Path2D(shapePath(marks.kindOf(point.index), point, radius)));
  };
  // Rows and what is pointed at come first where pictures would meet.
  const order = ({ index }: Point): number => (index === marks.pointed ? 0 : marks.chosen.has(index) ? 1 : 2);
  const sorted = [...visible].sort((a, b) => order(a) - order(b));
  const tiles =
    zoom >= TILES_FROM || visible.length <= FEW
      ? paintTiles(context, sorted, marks.tileOf, TILE_PX, colors)
      : [];
  const pictured = new Set(tiles.map(({ index }) => index));
  for (const point of visible) if (!pictured.has(point.index)) dot(point, DOT);
  // At a picture's corner its class's shape, so that pictures tell classes apart as well.
  for (const point of tiles) {
    dot({ index: point.index, x: point.x - TILE_PX / 2 + 2, y: point.y - TILE_PX / 2 + 2 }, DOT + 0.5);
  }
  context.strokeStyle = colors['--ink'];
  context.lineWidth = 1.5;
  for (const point of visible) {
    if (!marks.chosen.has(point.index)) continue;
    const reach = pictured.has(point.index) ? TILE_PX / 2 + 1 : DOT + 3;
    context.strokeRect(point.x - reach, point.y - reach, 2 * reach, 2 * reach);
  }
  const pointed = visible.find(({ index }) => index === marks.pointed);
  if (pointed) paintPointed(context, pointed, marks, { size, zoom, lasso, colors });
  paintLasso(context, lasso, colors);
}

/** What is pointed at, large, beside its place and inside the map. */
function paintPointed(
  context: CanvasRenderingContext2D,
  { index, x, y }: Point,
  marks: ImageMarks,
  { size, colors }: Frame,
): void {
  context.strokeStyle = colors['--accent'];
  context.lineWidth = 2;
  context.beginPath();
  context.arc(x, y, DOT + 4, 0, 2 * Math.PI);
  context.stroke();
  const tile = marks.tileOf(index);
  if (!tile) return;
  const left = x + LARGE_PX + 14 < size.width ? x + 12 : x - LARGE_PX - 12;
  const top = Math.min(Math.max(4, y - LARGE_PX / 2), size.height - LARGE_PX - 4);
  context.drawImage(
    tile.strip,
    tile.index * tile.tilePx,
    0,
    tile.tilePx,
    tile.tilePx,
    left,
    top,
    LARGE_PX,
    LARGE_PX,
  );
  context.strokeRect(left - 1, top - 1, LARGE_PX + 2, LARGE_PX + 2);
}
