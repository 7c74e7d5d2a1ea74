/** What Matrix hands over as files. */

import type { Channel } from '$lib/api/operations';
import type { Colors } from '$lib/export/raster';
import type { Output } from '$lib/export/output';
import { channelTile, type Scene, type Shape } from '$lib/export/scene';
import type { Table } from '$lib/graph/table';
import { formatShare } from '$lib/util/format';
import { localId } from '$lib/util/ids';
import { tone } from './grid';
import { CELL_HEIGHT, CELL_WIDTH, IMAGE_INSET } from './paint';
import type { ShownRow } from './rows';

export interface Shown {
  run: string;
  layer: string;
  rows: readonly ShownRow[];
  /** In the order on screen. */
  channels: readonly Channel[];
  order: readonly number[];
  largest: number;
}

/** All cells, in the order on screen. */
export function matrixOutput(shown: Shown): Output {
  const { run, layer, rows, channels, order } = shown;
  return {
    name: [run, layer, 'matrix'],
    scene: (colors) => matrixScene(shown, colors),
    json: () => ({
      layer,
      rows: rows.map(plainRow),
      channels: order.map((column) => channels[column]!.id),
      values: rows.map(({ values }) => order.map((column) => values[column]!)),
    }),
    tables: [['Matrix', matrixTable(shown, order.length)]],
  };
}

/** A row without its values: of a class, or of an image with what 1 stands for in it. */
function plainRow({ id, name, image, largest }: ShownRow): object {
  if (!image) return { id, name, unit: 'share of images' };
  const { classId, predictedId, probability } = image;
  return { id, name, unit: 'of its largest activation', largest, classId, predictedId, probability };
}

/** One row a channel, one column a class or image; the first `most` channels. */
export function matrixTable({ rows, channels, order }: Shown, most: number): Table {
  return {
    columns: [
      { name: 'Channel', numeric: false, id: true },
      ...rows.map(({ name, image }) => ({
        name: image ? `image ${image.number}, ${name}` : name,
        numeric: true,
      })),
    ],
    rows: order.slice(0, most).map((column) => ({
      id: channels[column]!.id,
      cells: [
        { text: localId(channels[column]!.id), value: localId(channels[column]!.id) },
        ...rows.map(({ values }) => ({ text: formatShare(values[column]!), value: values[column]! })),
      ],
    })),
  };
}

/** An image's thumbnail as a part of the strip that it is in. */
const tileOf = ({ url, index, tiles }: { url: string; index: number; tiles: number }) => ({
  url,
  column: index,
  row: 0,
  columns: tiles,
  rows: 1,
});

const MARGIN = 24;
const LABELS = 180;
const HEAD = 84;

function matrixScene({ layer, rows, channels, order, largest }: Shown, colors: Colors): Scene {
  const shapes: Shape[] = [
    { kind: 'text', x: MARGIN, y: 34, text: layer, size: 15, fill: colors.ink, bold: true },
  ];
  const x = (at: number): number => MARGIN + LABELS + at * CELL_WIDTH;
  const y = (row: number): number => HEAD + MARGIN + row * CELL_HEIGHT;
  order.forEach((column, at) => {
    const channel = channels[column]!;
    shapes.push({
      kind: 'picture',
      id: channel.id,
      x: x(at) + (CELL_WIDTH - 1) / 2,
      y: y(0) - 30,
      side: CELL_WIDTH - 1,
      outline: 'rounded',
      color: colors['line-strong'],
      line: 0,
      tile: channelTile(channel, true),
      title: localId(channel.id),
    });
    const number = { kind: 'text', x: x(at) + (CELL_WIDTH - 1) / 2, y: y(0) - 5, size: 9 } as const;
    shapes.push({ ...number, text: String(channel.index), fill: colors['ink-2'], anchor: 'middle' });
  });
  rows.forEach(({ name, values, image }, row) => {
    const inset = image ? IMAGE_INSET : 0;
    if (image) {
      shapes.push({
        kind: 'picture',
        id: image.id,
        x: MARGIN + 18,
        y: y(row) + CELL_HEIGHT / 2 - 1,
        side: CELL_HEIGHT - 4,
        outline: 'rounded',
        color: colors['line-strong'],
        line: 0,
        tile: image.thumbnail && tileOf(image.thumbnail),
        title: `image ${image.number}, ${name}`,
      });
    }
    const left = image ? MARGIN + 34 : MARGIN;
    const ink = image ? colors['ink-2'] : colors.ink;
    shapes.push({ kind: 'text', x: left, y: y(row) + 16, text: name, size: 12, fill: ink });
    order.forEach((column, at) => {
      const dark = tone(values[column]!, largest);
      if (dark === 0) return;
      const size = { width: CELL_WIDTH - 1, height: CELL_HEIGHT - 1 - 2 * inset };
      const fill = image ? colors.edge : colors.accent;
      shapes.push({ kind: 'rect', x: x(at), y: y(row) + inset, ...size, fill, opacity: dark });
    });
  });
  return {
    title: layer,
    width: x(order.length) + MARGIN,
    height: y(rows.length) + MARGIN,
    background: colors.pane,
    empty: colors.sunk,
    shapes,
  };
}
