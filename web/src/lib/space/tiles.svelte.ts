/** Small pictures on a map: read once they are wanted, drawn where there is room. */

import type { Colors } from './paint';
import { labelled, type Point } from './scatter';

/** One tile of a strip: square tiles side by side. */
export interface TileOf {
  url: string;
  index: number;
  tilePx: number;
}

export interface DrawableTile extends TileOf {
  strip: HTMLImageElement;
}

/** Strips of tiles, each read when it is first wanted; who asks in an effect is told when one is there. */
export class Tiles {
  #strips = new Map<string, HTMLImageElement>();
  #there = $state.raw<ReadonlySet<string>>(new Set());

  /** A tile that can be drawn now; undefined while its strip is on its way, and where there is none. */
  get(tile: TileOf | null | undefined): DrawableTile | undefined {
    if (!tile) return undefined;
    const strip = this.#strips.get(tile.url) ?? this.#read(tile.url);
    return this.#there.has(tile.url) ? { ...tile, strip } : undefined;
  }

  #read(url: string): HTMLImageElement {
    const strip = new Image();
    this.#strips.set(url, strip);
    strip.src = url;
    // Decoded here, so that drawing it holds up no frame. A strip that cannot be read leaves the points as they are.
    strip.decode().then(
      () => (this.#there = new Set([...this.#there, url])),
      () => undefined,
    );
    return strip;
  }
}

/**
 * Draws tiles centred at points, as far as no two of them meet; the earlier points first.
 *
 * @param side of a tile, in px
 * @returns the points that have one now
 */
export function paintTiles(
  context: CanvasRenderingContext2D,
  points: readonly Point[],
  tileOf: (index: number) => DrawableTile | undefined,
  side: number,
  colors: Colors,
  most = 400,
): Point[] {
  const there = points.filter(({ index }) => tileOf(index) !== undefined);
  const chosen = labelled(there, () => side + 2, side + 2, most);
  for (const { index, x, y } of chosen) {
    const { strip, index: at, tilePx } = tileOf(index)!;
    const [left, top] = [x - side / 2, y - side / 2];
    context.drawImage(strip, at * tilePx, 0, tilePx, tilePx, left, top, side, side);
    context.strokeStyle = colors['--pane'];
    context.lineWidth = 1;
    context.strokeRect(left - 0.5, top - 0.5, side + 1, side + 1);
  }
  return chosen;
}
