/** The cells of a matrix: their order, which of them are in sight, their colour, and the way of the keyboard. */

export interface MatrixRow {
  id: string;
  /** One value a column, 0 to 1: share of the class's images, or of the image's largest activation. */
  values: ArrayLike<number>;
}

/** Columns in the order of one row's values, largest first; by index where no row is given. */
export function orderColumns(rows: readonly MatrixRow[], columns: number, by: string | null): number[] {
  const order = Array.from({ length: columns }, (_, column) => column);
  const values = rows.find(({ id }) => id === by)?.values;
  return values ? order.sort((a, b) => values[b]! - values[a]! || a - b) : order;
}

export interface Span {
  /** The first one in sight. */
  first: number;
  /** One past the last one in sight. */
  end: number;
}

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
