/** A drawing of channels as a scene: what the page shows of it, whole, whatever is zoomed into. */

import type { Cut } from '$lib/graph/cut';
import type { DrawnVertex, Drawing } from '$lib/graph/drawing';
import type { Membership } from '$lib/api/operations';
import { localId } from '$lib/util/ids';
import type { ColorName, Colors } from './raster';
import { channelTile, type Outline, type Scene, type Shape } from './scene';

export interface GraphPart {
  drawing: Drawing;
  cut: Cut;
  /** Above it, where several stand side by side. */
  title?: string;
  color?: ColorName;
}

export interface GraphPicture {
  title: string;
  parts: readonly GraphPart[];
  /** Each layer's name by its index, and what is said below it. */
  layerName: (index: number) => string;
  layerNote: (index: number) => string;
  /** Titles of the bands, from the left. */
  bands?: readonly string[];
  /** Name of the layer where the graphs part. */
  partsAt?: string | null;
}

const MARGIN = 24;
const LABELS = 128;
const HEAD = 44;
const AROUND = 44;
const BAND_MARGIN = 26;
const BAND_COLORS: [ColorName, ColorName][] = [
  ['a-soft', 'a'],
  ['paper', 'ink'],
  ['b-soft', 'b'],
];
const OUTLINES: Record<Membership, Outline> = { ONLY_A: 'square', SHARED: 'circle', ONLY_B: 'octagon' };
const COLORS: Record<Membership, ColorName> = { ONLY_A: 'a', SHARED: 'both', ONLY_B: 'b' };

/** Draws it in the page's colours. */
export function graphScene(picture: GraphPicture, colors: Colors): Scene {
  const shapes: Shape[] = [];
  const heading = picture.bands || picture.parts.some(({ title }) => title) ? 2 * HEAD : HEAD;
  const top = heading + AROUND;
  const first = picture.parts[0]!.drawing.layout;
  let left = MARGIN + LABELS;
  for (const part of picture.parts) {
    const { layout } = part.drawing;
    const x = left + AROUND;
    if (picture.bands) shapes.push(...bandShapes(part.drawing, picture.bands, x, heading, colors));
    if (part.title) {
      shapes.push({
        kind: 'text',
        x: x + layout.width / 2,
        y: heading - 12,
        text: part.title,
        size: 13,
        fill: colors[part.color ?? 'ink'],
        anchor: 'middle',
        bold: true,
      });
    }
    shapes.push(...edgeShapes(part, x, top, colors));
    const largest = Math.max(Number.MIN_VALUE, ...part.drawing.vertices.map(({ share }) => share));
    for (const vertex of part.drawing.vertices) {
      if (part.cut.shown.has(vertex.id)) shapes.push(...vertexShapes(vertex, part, largest, x, top, colors));
    }
    left = x + layout.width + AROUND;
  }
  for (const [row, { layer, y }] of first.rows.entries()) {
    const name = picture.layerName(layer);
    const label = { kind: 'text', x: MARGIN, size: 12 } as const;
    shapes.push({ ...label, y: top + y, text: name, fill: colors.ink });
    shapes.push({
      ...label,
      y: top + y + 15,
      size: 11,
      text: picture.layerNote(layer),
      fill: colors['ink-2'],
    });
    const below = first.rows[row + 1];
    if (name !== picture.partsAt || !below) continue;
    const parting = top + (y + below.y) / 2;
    shapes.push({ kind: 'path', d: `M${MARGIN} ${parting}H${left}`, stroke: colors['ink-3'], width: 1 });
    shapes.push({ ...label, y: parting - 4, size: 11, text: 'they part here', fill: colors.ink });
  }
  shapes.push({
    kind: 'text',
    x: MARGIN,
    y: 30,
    text: picture.title,
    size: 15,
    fill: colors.ink,
    bold: true,
  });
  return {
    title: picture.title,
    width: left + MARGIN,
    height: top + first.height + AROUND + MARGIN,
    background: colors.pane,
    empty: colors.sunk,
    shapes,
  };
}

function bandShapes(
  drawing: Drawing,
  titles: readonly string[],
  x: number,
  heading: number,
  colors: Colors,
): Shape[] {
  return drawing.layout.bands.flatMap(({ left, right }, band): Shape[] => {
    const [ground, ink] = BAND_COLORS[band]!;
    return [
      {
        kind: 'rect',
        x: x + left - BAND_MARGIN,
        y: heading,
        width: right - left + 2 * BAND_MARGIN,
        height: drawing.layout.height + 2 * AROUND,
        radius: 12,
        fill: colors[ground],
        opacity: 0.7,
      },
      {
        kind: 'text',
        x: x + (left + right) / 2,
        y: heading - 12,
        text: titles[band] ?? '',
        size: 13,
        fill: colors[ink],
        anchor: 'middle',
        bold: true,
      },
    ];
  });
}

function edgeShapes({ drawing, cut }: GraphPart, x: number, y: number, colors: Colors): Shape[] {
  return drawing.edges.flatMap((edge): Shape[] => {
    const shown = cut.edgeById.get(edge.id);
    if (!shown) return [];
    return [
      {
        kind: 'path',
        id: edge.id,
        d: moved(drawing.paths.get(edge.id)!, x, y),
        stroke: colors[shown.membership ? COLORS[shown.membership] : 'edge'],
        width: 0.8 + 5.2 * edge.strength,
        opacity: 0.14 + 0.4 * edge.strength,
      },
    ];
  });
}

function vertexShapes(
  vertex: DrawnVertex,
  part: GraphPart,
  largest: number,
  x: number,
  y: number,
  colors: Colors,
): Shape[] {
  const place = part.drawing.layout.places.get(vertex.id)!;
  const { membership, size } = vertex;
  const name = localId(vertex.id);
  const picture: Shape = {
    kind: 'picture',
    id: vertex.id,
    x: x + place.x,
    y: y + place.y,
    side: size,
    outline: membership ? OUTLINES[membership] : 'rounded',
    color: colors[membership ? COLORS[membership] : 'line-strong'],
    line: membership ? 2.5 : 1,
    ...(part.cut.faint.has(vertex.id) && { opacity: 0.3 }),
    tile: channelTile(vertex.channel),
    title: name,
  };
  if (membership !== 'SHARED' || vertex.shares.length < 2) return [picture];
  // A of both classes, from the middle outwards.
  const half = (size + 8) / 2;
  const bars = vertex.shares.map((share, i): Shape => {
    const width = Math.max(0, (half * share) / largest - 0.5);
    const left = x + place.x + (i === 0 ? -0.5 - width : 0.5);
    return {
      kind: 'rect',
      x: left,
      y: y + place.y + size / 2 + 4,
      width,
      height: 3,
      fill: colors[i === 0 ? 'a' : 'b'],
    };
  });
  return [picture, ...bars];
}

/** A path of absolute M, L, Q and C commands, moved. */
export function moved(path: string, dx: number, dy: number): string {
  return path.replaceAll(/([MLQC])([^MLQC]*)/g, (_, command: string, numbers: string) => {
    const values = numbers
      .trim()
      .split(/[\s,]+/)
      .map(Number);
    return command + values.map((value, i) => Math.round(10 * (value + (i % 2 ? dy : dx))) / 10).join(' ');
  });
}
