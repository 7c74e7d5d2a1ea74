/** The cells of a matrix: their order, which of them are in sight, their colour, and the way of the keyboard. */

export interface MatrixRow {
  id: string;
  /** One value a column, 0 to 1: share of the class's images, or of the image's largest activation. */
  values: ArrayLike<number>;
  /** Whether it is a single image's. */
  single?: boolean;
}

/** Orders that are no row's: the layer's own, the rows' mean, the difference between their largest and smallest. */
export const INDEX = 'index';
export const MEAN = 'mean';
export const SPREAD = 'spread';

/** Columns in the order of one row's values, of the rows' mean or their spread, largest first; otherwise by index. */
export function orderColumns(rows: readonly MatrixRow[], columns: number, by: string): number[] {
  const order = Array.from({ length: columns }, (_, column) => column);
  const values = keysOf(rows, columns, by);
  return values ? order.sort((a, b) => values[b]! - values[a]! || a - b) : order;
}

function keysOf(rows: readonly MatrixRow[], columns: number, by: string): ArrayLike<number> | undefined {
  if (by !== MEAN && by !== SPREAD) return rows.find(({ id }) => id === by)?.values;
  // A share of images and a share of the largest activation have no mean: the classes lead, as far as there are any.
  const classes = rows.filter(({ single }) => !single);
  const counted = classes.length >= (by === MEAN ? 1 : 2) ? classes : rows;
  return Float64Array.from({ length: columns }, (_, column) => {
    let [sum, least, most] = [0, Infinity, -Infinity];
    for (const { values } of counted) {
      const value = values[column]!;
      sum += value;
      least = Math.min(least, value);
      most = Math.max(most, value);
    }
    return by === MEAN ? sum / Math.max(1, counted.length) : most - least;
  });
}

export interface Span {
  /** The first one in sight. */
  first: number;
  /** One past the last one in sight. */
  end: number;
}

/** The places of a span, one by one. */
export const range = ({ first, end }: Span): number[] =>
  Array.from({ length: Math.max(0, end - first) }, (_, i) => first + i);

/** Which of `count` cells of one size are in sight, and `beside` more at each side. */
export function spanInSight(scroll: number, room: number, size: number, count: number, beside = 0): Span {
  const first = Math.min(count, Math.max(0, Math.floor(scroll / size) - beside));
  return { first, end: Math.min(count, Math.max(first, Math.ceil((scroll + room) / size) + beside)) };
}

/**
 * How dark a cell is, 0 to 1. The root spreads the many small values apart; the scale is the same for all rows, so that
 * rows can be compared.
 */
export function tone(value: number, largest: number): number {
  return largest > 0 ? Math.sqrt(Math.min(1, Math.max(0, value / largest))) : 0;
}

export interface Cell {
  row: number;
  /** Place in the order on show, not the channel's index. */
  column: number;
}

/** Where a key leads to from a cell; null for a key that leads nowhere. `page` is how many columns are in sight. */
export function stepCell(
  cell: Cell,
  key: string,
  rows: number,
  columns: number,
  page: number,
  whole = false,
): Cell | null {
  const at = (row: number, column: number): Cell => ({
    row: Math.min(rows - 1, Math.max(0, row)),
    column: Math.min(columns - 1, Math.max(0, column)),
  });
  switch (key) {
    case 'ArrowLeft':
      return at(cell.row, cell.column - 1);
    case 'ArrowRight':
      return at(cell.row, cell.column + 1);
    case 'ArrowUp':
      return at(cell.row - 1, cell.column);
    case 'ArrowDown':
      return at(cell.row + 1, cell.column);
    case 'PageUp':
      return at(cell.row, cell.column - Math.max(1, page));
    case 'PageDown':
      return at(cell.row, cell.column + Math.max(1, page));
    case 'Home':
      return at(whole ? 0 : cell.row, 0);
    case 'End':
      return at(whole ? rows - 1 : cell.row, columns - 1);
    default:
      return null;
  }
}
