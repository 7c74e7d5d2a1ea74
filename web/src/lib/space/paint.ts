import { labelled, type Point, type Size } from './scatter';
import { paintTiles, type DrawableTile } from './tiles.svelte';

/** What a map shows of each class beside its place. */
export interface Marks {
  /** Classes of the graph on show: A, and B where two are compared. */
  a: number | null;
  b: number | null;
  pointed: number | null;
  /** Visible in the list. */
  listed: ReadonlySet<number>;
  selected: ReadonlySet<number>;
  /** The second of two groups, of which `selected` is the first then. */
  selectedB: ReadonlySet<number>;
  two: boolean;
  nameOf: (index: number) => string;
  /** Small picture of a class, where one is there. */
  tileOf: (index: number) => DrawableTile | undefined;
}

/** How a map is seen just now. */
export interface Frame {
  size: Size;
  /** How far it is zoomed in, 1 for the whole. */
  zoom: number;
  /** The line being drawn around points, in px. */
  lasso: readonly { x: number; y: number }[];
  colors: Colors;
}

const NAMES = ['--pane', '--ink', '--ink-2', '--ink-3', '--line-strong', '--accent', '--a', '--b'] as const;
export type Colors = Record<(typeof NAMES)[number], string>;

const TURN = 2 * Math.PI;
const LABEL_PX = 14;
const MOST_LABELS = 40;
/** Names are drawn from this zoom on, as far as there is room, and pictures from the other. */
const NAMES_FROM = 2.5;
export const TILES_FROM = 5;
const TILE_PX = 28;

/** The page's colours as they are now: a canvas knows no custom properties. */
export function readColors(element: HTMLElement): Colors {
  const probe = document.createElement('span');
  element.append(probe);
  const colors = Object.fromEntries(
    NAMES.map((name) => {
      probe.style.color = `var(${name})`;
      return [name, getComputedStyle(probe).color];
    }),
  ) as Colors;
  probe.remove();
  return colors;
}

/** Draws all points, in px, the marked ones over the others. */
export function paint(
  context: CanvasRenderingContext2D,
  points: readonly Point[],
  marks: Marks,
  { size, zoom, lasso, colors }: Frame,
): void {
  context.clearRect(0, 0, size.width, size.height);
  const visible = points.filter(({ x, y }) => x > -8 && y > -8 && x < size.width + 8 && y < size.height + 8);
  const dots = (some: readonly Point[], radius: number, color: string): void => {
    context.fillStyle = color;
    context.beginPath();
    for (const { x, y } of some) {
      context.moveTo(x + radius, y);
      context.arc(x, y, radius, 0, TURN);
    }
    context.fill();
  };
  const unmarked = visible.filter(({ index }) => !marks.selected.has(index) && !marks.selectedB.has(index));
  const isListed = ({ index }: Point): boolean => marks.listed.has(index);
  dots(
    unmarked.filter((point) => !isListed(point)),
    1.8,
    colors['--line-strong'],
  );
  dots(unmarked.filter(isListed), 2.4, colors['--ink-2']);
  const sides = [
    [marks.selected, marks.two ? colors['--a'] : colors['--accent']],
    [marks.selectedB, colors['--b']],
  ] as const;
  for (const [members, color] of sides) {
    dots(
      visible.filter(({ index }) => members.has(index)),
      2.8,
      color,
    );
  }
  // Pictures lie under the marks; where two would meet, the class that matters less keeps its dot.
  const pictured =
    zoom >= TILES_FROM ? paintTiles(context, sorted(visible, marks), marks.tileOf, TILE_PX, colors) : [];
  const below = new Set(pictured.map(({ index }) => index));
  const byIndex = new Map(visible.map((point) => [point.index, point]));
  const named: [Point, string][] = [];
  const mark = (index: number | null, color: string, radius: number): void => {
    const point = index === null ? undefined : byIndex.get(index);
    if (!point) return;
    dots([point], radius + 2, colors['--pane']);
    dots([point], radius, color);
    named.push([point, color]);
  };
  mark(marks.b, colors['--b'], 4.5);
  mark(marks.a, marks.b === null ? colors['--accent'] : colors['--a'], 4.5);
  if (marks.pointed !== marks.a && marks.pointed !== marks.b) mark(marks.pointed, colors['--ink'], 3.5);

  context.font = `11px ${getComputedStyle(context.canvas).fontFamily}`;
  context.textAlign = 'center';
  context.textBaseline = 'top';
  const important = named.map(([point]) => point).reverse();
  const others = zoom >= NAMES_FROM ? sorted(visible, marks) : [];
  const width = ({ index }: Point): number => context.measureText(marks.nameOf(index)).width + 8;
  // Where a name is drawn: under its point, inside the window.
  const wanted = [...new Set([...important, ...others])].map((point): Point => {
    const half = width(point) / 2;
    const x = Math.min(Math.max(point.x, half), Math.max(half, size.width - half));
    const under = below.has(point.index) ? TILE_PX / 2 + 2 : 5;
    const y = point.y + under > size.height - LABEL_PX ? point.y - LABEL_PX - under + 1 : point.y + under;
    return { index: point.index, x, y };
  });
  const colorOf = new Map(named.map(([{ index }, color]) => [index, color]));
  for (const { index, x, y } of labelled(wanted, width, LABEL_PX, MOST_LABELS)) {
    context.lineWidth = 3;
    context.lineJoin = 'round';
    context.strokeStyle = colors['--pane'];
    context.strokeText(marks.nameOf(index), x, y);
    context.fillStyle = colorOf.get(index) ?? colors['--ink-2'];
    context.fillText(marks.nameOf(index), x, y);
  }

  paintLasso(context, lasso, colors);
}

/** Draws the line around points, as far as it is. */
export function paintLasso(
  context: CanvasRenderingContext2D,
  lasso: readonly { x: number; y: number }[],
  colors: Colors,
): void {
  if (lasso.length < 2) return;
  context.beginPath();
  for (const { x, y } of lasso) context.lineTo(x, y);
  context.closePath();
  context.strokeStyle = colors['--accent'];
  context.lineWidth = 1.5;
  context.setLineDash([4, 3]);
  context.stroke();
  context.setLineDash([]);
}

const sorted = (points: readonly Point[], marks: Marks): Point[] =>
  [...points].sort((a, b) => order(a, marks) - order(b, marks));

/** Names of selected classes before those of listed ones, and those before the rest; else by index. */
function order({ index }: Point, marks: Marks): number {
  const rank = marks.selected.has(index) || marks.selectedB.has(index) ? 0 : marks.listed.has(index) ? 1 : 2;
  return rank * 1_000_000 + index;
}
