/** A drawing as a list of shapes, so that SVG and PNG are made of the same. */

/** How a picture is cut: as on the page, membership is told by the outline's shape as well as by its colour. */
export type Outline = 'rounded' | 'square' | 'circle' | 'octagon';

/** One tile of a picture that holds several side by side. */
export interface Tile {
  url: string;
  column: number;
  row: number;
  columns: number;
  rows: number;
}

export type Shape =
  | {
      kind: 'rect';
      x: number;
      y: number;
      width: number;
      height: number;
      radius?: number;
      fill: string;
      opacity?: number;
      id?: string;
    }
  | { kind: 'path'; d: string; stroke: string; width: number; opacity?: number; id?: string }
  | {
      kind: 'text';
      x: number;
      /** Of the baseline. */
      y: number;
      text: string;
      size: number;
      fill: string;
      anchor?: 'start' | 'middle' | 'end';
      bold?: boolean;
    }
  | {
      kind: 'picture';
      /** What it stands for, a channel's id. */
      id: string;
      /** Of the centre. */
      x: number;
      y: number;
      side: number;
      outline: Outline;
      /** Of the outline. */
      color: string;
      line: number;
      opacity?: number;
      tile: Tile | null;
      /** For those who cannot see it. */
      title: string;
    };

export interface Scene {
  title: string;
  width: number;
  height: number;
  background: string;
  /** Behind pictures that are not there. */
  empty: string;
  shapes: Shape[];
}

const OCTAGON = [0.28, 0, 0.72, 0, 1, 0.28, 1, 0.72, 0.72, 1, 0.28, 1, 0, 0.72, 0, 0.28];

/** The outline of a square of a given centre and side, as an SVG path. */
export function outlinePath(outline: Outline, x: number, y: number, side: number): string {
  const [left, top] = [x - side / 2, y - side / 2];
  if (outline === 'circle') {
    const r = n(side / 2);
    return `M${n(left)} ${n(y)}a${r} ${r} 0 1 1 ${n(side)} 0a${r} ${r} 0 1 1 ${n(-side)} 0z`;
  }
  if (outline === 'octagon') {
    const points: string[] = [];
    for (let i = 0; i < OCTAGON.length; i += 2) {
      points.push(`${n(left + OCTAGON[i]! * side)} ${n(top + OCTAGON[i + 1]! * side)}`);
    }
    return `M${points.join('L')}z`;
  }
  const r = n(outline === 'rounded' ? 0.22 * side : Math.min(2, 0.1 * side));
  const inner = n(side - 2 * r);
  return `M${n(left + r)} ${n(top)}h${inner}a${r} ${r} 0 0 1 ${r} ${r}v${inner}a${r} ${r} 0 0 1 ${-r} ${r}h${-inner}a${r} ${r} 0 0 1 ${-r} ${-r}v${-inner}a${r} ${r} 0 0 1 ${r} ${-r}z`;
}

/** The key under which a tile's own picture is kept. */
export function tileKey({ url, column, row }: Tile): string {
  return `${url} ${column} ${row}`;
}

interface Strip {
  url: string;
  tiles: number;
  atlas: Tile | null;
}

/**
 * What stands for a channel: its feature visualization, else its best dataset example; null where it has neither.
 *
 * @param small whether the tile in the picture of the whole layer will do: one file for all of its channels
 */
export function channelTile(
  { feature, picture }: { feature: Strip | null; picture: Strip | null },
  small = false,
): Tile | null {
  const strip = feature ?? picture;
  if (small && strip?.atlas) return strip.atlas;
  return strip && { url: strip.url, column: 0, row: 0, columns: strip.tiles, rows: 1 };
}

function n(value: number): number {
  return Math.round(value * 100) / 100;
}
