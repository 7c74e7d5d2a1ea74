/** Paints the cells in sight: so many rectangles would be too many for the page's own elements. */

import { tone, type Cell, type MatrixRow, type Span } from './grid';

export const CELL_WIDTH = 28;
export const CELL_HEIGHT = 24;
/** Free above and below a cell of an image's row, in px. */
export const IMAGE_INSET = 4;

export interface Sight {
  rows: Span;
  columns: Span;
  scrollLeft: number;
  scrollTop: number;
}

/** Draws cells onto a canvas of the given size in CSS px; `colors` are those of the page. */
export function paintCells(
  canvas: HTMLCanvasElement,
  size: { width: number; height: number },
  data: { rows: readonly MatrixRow[]; order: readonly number[]; largest: number },
  sight: Sight,
  at: Cell | null,
  colors: { cell: string; image: string; ground: string; line: string },
): void {
  const fine = devicePixelRatio;
  const [width, height] = [Math.round(size.width * fine), Math.round(size.height * fine)];
  if (canvas.width !== width) canvas.width = width;
  if (canvas.height !== height) canvas.height = height;
  const context = canvas.getContext('2d')!;
  context.setTransform(fine, 0, 0, fine, 0, 0);
  context.globalAlpha = 1;
  context.fillStyle = colors.ground;
  context.fillRect(0, 0, size.width, size.height);
  const x = (column: number): number => column * CELL_WIDTH - sight.scrollLeft;
  const y = (row: number): number => row * CELL_HEIGHT - sight.scrollTop;
  for (let row = sight.rows.first; row < sight.rows.end; row += 1) {
    const { values, single } = data.rows[row]!;
    // An image's cells are lower and of another colour: the same scale, but not the same thing.
    const inset = single ? IMAGE_INSET : 0;
    context.fillStyle = single ? colors.image : colors.cell;
    for (let column = sight.columns.first; column < sight.columns.end; column += 1) {
      const dark = tone(values[data.order[column]!]!, data.largest);
      if (dark === 0) continue;
      context.globalAlpha = dark;
      context.fillRect(x(column), y(row) + inset, CELL_WIDTH - 1, CELL_HEIGHT - 1 - 2 * inset);
    }
  }
  if (!at) return;
  context.globalAlpha = 1;
  context.strokeStyle = colors.line;
  context.lineWidth = 1;
  const bottom = data.rows.length * CELL_HEIGHT - sight.scrollTop;
  const right = data.order.length * CELL_WIDTH - sight.scrollLeft;
  context.strokeRect(x(at.column) - 0.5, -1, CELL_WIDTH, Math.min(size.height, bottom) + 1);
  context.strokeRect(-1, y(at.row) - 0.5, Math.min(size.width, right) + 1, CELL_HEIGHT);
  context.lineWidth = 2;
  context.strokeRect(x(at.column), y(at.row), CELL_WIDTH - 1, CELL_HEIGHT - 1);
}
