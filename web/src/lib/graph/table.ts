/** The drawing as two tables: the same vertices and edges, for reading aloud, sorting and copying. */

import type { Layer } from '$lib/api/operations';
import { formatCount, formatRank, formatShare } from '$lib/util/format';
import { localId } from '$lib/util/ids';
import type { DrawnEdge, DrawnVertex, Drawing } from './drawing';

export interface Column {
  name: string;
  numeric: boolean;
  /** Whether it holds ids. */
  id?: boolean;
}

export interface Cell {
  text: string;
  /** What is sorted by and copied. */
  value: number | string;
}

export interface Table {
  columns: Column[];
  rows: { id: string; cells: Cell[] }[];
}

const WHERE = { ONLY_A: 'only A', SHARED: 'shared', ONLY_B: 'only B' };

/**
 * One row a channel: A and rank, of the class or of both; of a group, in how many of its classes it is.
 *
 * @param sides one for each class, or each group
 */
export function vertexTable(
  vertices: DrawnVertex[],
  sides: readonly unknown[],
  unit: Drawing['unit'] = 'image',
): Table {
  const comparing = sides.length > 1;
  return {
    columns: [
      { name: 'Channel', numeric: false, id: true },
      { name: 'Layer', numeric: true },
      ...(comparing ? [{ name: 'In', numeric: false }] : []),
      ...numbers(
        sides,
        unit === 'class' ? ['Classes', 'Share of classes', 'Mean rank'] : ['A, images', 'A, share', 'Rank'],
        unit === 'class' ? ['Classes', 'Share of classes', 'Mean rank'] : ['Images', 'Share', 'Rank'],
      ),
    ],
    rows: vertices.map(({ id, channel, membership, counts, shares, ranks }) => ({
      id,
      cells: [
        text(localId(id)),
        count(channel.layerIndex),
        ...(membership ? [text(WHERE[membership])] : []),
        ...counts.flatMap((images, i) => [count(images), share(shares[i]!), rank(ranks[i]!)]),
      ],
    })),
  };
}

/** One row an edge: I of the class or of both; of a group, in how many of its classes it is. */
export function edgeTable(
  edges: DrawnEdge[],
  vertices: Map<string, DrawnVertex>,
  sides: readonly unknown[],
  layers: Map<number, Layer>,
  unit: Drawing['unit'] = 'image',
): Table {
  const comparing = sides.length > 1;
  const layerOf = (id: string): Cell => {
    const index = vertices.get(id)!.channel.layerIndex;
    return { text: layers.get(index)?.name ?? String(index), value: index };
  };
  return {
    columns: [
      { name: 'From', numeric: false, id: true },
      { name: 'To', numeric: false, id: true },
      { name: 'Into layer', numeric: false },
      ...(comparing ? [{ name: 'In', numeric: false }] : []),
      ...numbers(
        sides,
        unit === 'class' ? ['Classes', 'Share of classes'] : ['I, images', 'I, share'],
        unit === 'class' ? ['Classes', 'Share of classes'] : ['Images', 'Share'],
      ),
    ],
    rows: edges.map(({ id, source, target, membership, counts, shares }) => ({
      id,
      cells: [
        text(localId(source)),
        text(localId(target)),
        layerOf(target),
        ...(membership ? [text(WHERE[membership])] : []),
        ...counts.flatMap((images, i) => [count(images), share(shares[i]!)]),
      ],
    })),
  };
}

/** Rows in the order of one column; equal ones stay in the order given. */
export function sortRows(rows: Table['rows'], column: number, down: boolean): Table['rows'] {
  const sign = down ? -1 : 1;
  return [...rows].sort((a, b) => {
    const [left, right] = [a.cells[column]!.value, b.cells[column]!.value];
    if (typeof left === 'number' && typeof right === 'number') return sign * (left - right);
    return sign * String(left).localeCompare(String(right), 'en', { numeric: true });
  });
}

/** Tab-separated text with a head line; numbers as they are, not rounded for reading. */
export function toTsv(table: Table): string {
  const lines = [
    table.columns.map(({ name }) => name),
    ...table.rows.map(({ cells }) => cells.map(({ value }) => value)),
  ];
  return lines.map((line) => line.join('\t')).join('\n') + '\n';
}

/** Columns of numbers, of the class or of A and then of B. */
function numbers(sides: readonly unknown[], alone: string[], compared: string[]): Column[] {
  if (sides.length < 2) return alone.map((name) => ({ name, numeric: true }));
  return ['A', 'B'].flatMap((letter) =>
    compared.map((name) => ({ name: `${name}, ${letter}`, numeric: true })),
  );
}

const text = (value: string): Cell => ({ text: value, value });
const count = (value: number): Cell => ({ text: formatCount(value), value });
const share = (value: number): Cell => ({ text: formatShare(value), value });
const rank = (value: number): Cell => ({ text: formatRank(value), value });
