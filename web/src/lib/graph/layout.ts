/**
 * Places the vertices of an attribution graph: rows are layers, the last on top; bands are columns (one in Explore,
 * three in Compare).
 *
 * 1. Within each row and band, vertices start in a fixed order (that of their channel index).
 * 2. Barycenter sweeps, up and down in turn, reorder them by the mean place of their neighbours; the order with the
 *    fewest crossings is kept (Sugiyama, Tagawa and Toda, 1981).
 * 3. Each is drawn towards the mean of its neighbours as far as order and gaps allow; under a fixed order this is an
 *    isotonic regression, solved exactly by pooling adjacent violators.
 * 4. A crowded row is laid in several lines, its vertices on each line in turn, so that pictures stay large.
 *
 * Nothing depends on the window, on the order of the input or on chance: the same graph always draws the same.
 */

import { countCrossings } from './crossings';
import { clamp, spread } from './spread';

export interface LayoutVertex {
  id: string;
  /** Index of the layer; rows follow it, the largest on top. */
  layer: number;
  /** Column, from 0 at the left. */
  band: number;
  /** Fixed order to start from and to settle ties: the channel's index. */
  order: number;
  /** Side of the picture in px. */
  size: number;
}

export interface LayoutEdge {
  source: string;
  target: string;
  /** At least 0; heavier edges pull harder. */
  weight: number;
}

export interface Place {
  id: string;
  /** Centre, in px. */
  x: number;
  y: number;
  size: number;
  /** 0 for the top row. */
  row: number;
  /** Position within the row, from 0 at the left, bands included. */
  column: number;
  band: number;
}

export interface Layout {
  places: Map<string, Place>;
  /** From the top: the layer's index and the row's centre in px. */
  rows: { layer: number; y: number }[];
  /** From the left: a band's left and right border in px. */
  bands: Band[];
  width: number;
  height: number;
}

interface Band {
  left: number;
  right: number;
}

interface Node extends LayoutVertex {
  x: number;
  neighbors: { node: Node; weight: number }[];
}

/** The vertices of one row and band, left to right, and on how many lines they lie. */
interface Cell {
  nodes: Node[];
  lines: number;
}

/** Air between pictures in px: as much as the aspect leaves for the widest row, within bounds. */
const AIR_LEAST = 12;
const AIR_MOST = 36;
const LINE_AIR = 12;
const BAND_AIR = 56;
/** One of several bands has to hold its title. */
const BAND_LEAST = 150;
/** Vertices that one line holds in the only band, and in one of several. */
const LINE_ALONE = 18;
const LINE_BESIDE = 7;
/** Room between two rows for the edges, from the lowest line of one to the highest of the next, centre to centre. */
const ROW_LEAST = 92;
const ROW_MOST = 150;
/** Width to height that rows and air aim at: that of the pane on common screens. */
const ASPECT = 1;
const ORDER_SWEEPS = 16;
const PLACE_SWEEPS = 12;
/** How much of its way back to the middle a row goes in one sweep, where there is one band. */
const CENTERING = 0.35;

/** Places vertices; `bandCount` columns exist even where one of them is empty. */
export function layoutGraph(vertices: LayoutVertex[], edges: LayoutEdge[], bandCount = 1): Layout {
  const { rows, layers, links } = arrangeRows(vertices, edges, bandCount);
  const air = airBetween(rows);
  const bands = widestBands(rows, bandCount, air);
  for (const row of rows) row.forEach((cell, band) => pack(cell, bands[band]!, air));
  reorder(rows, links, bands, air);
  settle(rows, bands, air);
  shrink(rows, bands, bandCount > 1 ? BAND_LEAST : 0);

  const width = bands.at(-1)?.right ?? 0;
  const lineGaps = rows.map((row) => lineGap(row));
  const spans = rows.map((row, i) => (Math.max(1, ...row.map((cell) => cell.lines)) - 1) * lineGaps[i]!);
  const stacked = spans.reduce((sum, span) => sum + span, 0);
  const rowGap = clamp((width / ASPECT - stacked) / Math.max(1, rows.length - 1), ROW_LEAST, ROW_MOST);
  const places = new Map<string, Place>();
  let top = 0;
  const centres = rows.map((row, index) => {
    const y = top + spans[index]! / 2;
    const across = row.flatMap((cell) =>
      cell.nodes.map((node, i) => ({ node, line: (i % cell.lines) - (cell.lines - 1) / 2 })),
    );
    across.forEach(({ node: { id, x, size, band }, line }, column) => {
      places.set(id, { id, x, y: y + line * lineGaps[index]!, size, row: index, column, band });
    });
    top += spans[index]! + rowGap;
    return y;
  });
  return {
    places,
    rows: layers.map((layer, index) => ({ layer, y: centres[index]! })),
    bands,
    width,
    height: Math.max(0, top - rowGap),
  };
}

function arrangeRows(vertices: LayoutVertex[], edges: LayoutEdge[], bandCount: number) {
  const nodes = new Map<string, Node>();
  const sorted = [...vertices].sort((a, b) => b.layer - a.layer || a.band - b.band || byOrder(a, b));
  for (const vertex of sorted) nodes.set(vertex.id, { ...vertex, x: 0, neighbors: [] });
  const links: { source: Node; target: Node }[] = [];
  const sortedEdges = [...edges].sort(
    (a, b) => compareText(a.target, b.target) || compareText(a.source, b.source),
  );
  for (const edge of sortedEdges) {
    const [source, target] = [nodes.get(edge.source), nodes.get(edge.target)];
    if (!source || !target) continue;
    source.neighbors.push({ node: target, weight: edge.weight });
    target.neighbors.push({ node: source, weight: edge.weight });
    links.push({ source, target });
  }

  const layers = [...new Set(sorted.map((vertex) => vertex.layer))];
  const rowOf = new Map(layers.map((layer, row) => [layer, row]));
  const rows: Cell[][] = layers.map(() => Array.from({ length: bandCount }, () => ({ nodes: [], lines: 1 })));
  for (const node of nodes.values()) rows[rowOf.get(node.layer)!]![node.band]!.nodes.push(node);
  const crowd = Math.max(0, ...rows.flat().map((cell) => cell.nodes.length));
  // Very crowded rows become blocks rather than towers.
  const line = Math.max(bandCount > 1 ? LINE_BESIDE : LINE_ALONE, Math.ceil(Math.sqrt(2 * crowd)));
  for (const cell of rows.flat()) cell.lines = Math.max(1, Math.ceil(cell.nodes.length / line));
  return { rows, layers, links };
}

function reorder(rows: Cell[][], links: { source: Node; target: Node }[], bands: Band[], air: number): void {
  const crossings = (): number => {
    const pairs = new Map<string, { sourceX: number; targetX: number }[]>();
    for (const { source, target } of links) {
      const key = `${source.layer} ${target.layer}`;
      const ends = pairs.get(key) ?? [];
      ends.push({ sourceX: source.x, targetX: target.x });
      pairs.set(key, ends);
    }
    return [...pairs.values()].reduce((sum, ends) => sum + countCrossings(ends), 0);
  };
  const orders = (): Node[][][] => rows.map((row) => row.map((cell) => [...cell.nodes]));
  let best = orders();
  let fewest = crossings();
  for (let sweep = 0; sweep < ORDER_SWEEPS && fewest > 0; sweep += 1) {
    const down = sweep % 2 === 0;
    for (const row of down ? rows : [...rows].reverse()) {
      row.forEach((cell, band) => {
        // Only what was already passed pulls: layers above while going down, below while going up.
        const passed = (node: Node) => (other: Node) =>
          down ? other.layer > node.layer : other.layer < node.layer;
        const pull = new Map(cell.nodes.map((node) => [node, meanPlace(node, passed(node))]));
        cell.nodes.sort((a, b) => pull.get(a)! - pull.get(b)! || byOrder(a, b));
        pack(cell, bands[band]!, air);
      });
    }
    const now = crossings();
    if (now < fewest) {
      fewest = now;
      best = orders();
    }
  }
  rows.forEach((row, index) => {
    row.forEach((cell, band) => {
      cell.nodes = best[index]![band]!;
      pack(cell, bands[band]!, air);
    });
  });
}

function settle(rows: Cell[][], bands: Band[], air: number): void {
  const centering = bands.length === 1 ? CENTERING : 0;
  for (let sweep = 0; sweep < PLACE_SWEEPS; sweep += 1) {
    for (const row of sweep % 2 === 0 ? rows : [...rows].reverse()) {
      row.forEach(({ nodes, lines }, band) => {
        if (nodes.length === 0) return;
        const { left, right } = bands[band]!;
        const joined = nodes.filter((node) => node.neighbors.length > 0);
        // A vertex without edges keeps close to the others.
        const middle = mean(joined.map((node) => node.x)) ?? (left + right) / 2;
        const wished = nodes.map((node) => (node.neighbors.length > 0 ? meanPlace(node) : middle));
        const back = centering * ((left + right) / 2 - mean(wished)!);
        const places = spread(
          wished.map((x) => x + back),
          distances(nodes, lines, air),
          left + nodes[0]!.size / 2,
          right - nodes.at(-1)!.size / 2,
        );
        nodes.forEach((node, i) => (node.x = places[i]!));
      });
    }
  }
}

/** Takes away the room that no row of a band uses. */
function shrink(rows: Cell[][], bands: Band[], least: number): void {
  let start = 0;
  bands.forEach((band, index) => {
    const nodes = rows.flatMap((row) => row[index]!.nodes);
    const middle = (band.left + band.right) / 2;
    const left = nodes.length > 0 ? Math.min(...nodes.map((node) => node.x - node.size / 2)) : middle;
    const right = nodes.length > 0 ? Math.max(...nodes.map((node) => node.x + node.size / 2)) : middle;
    const spare = Math.max(0, least - (right - left)) / 2;
    for (const node of nodes) node.x += start - left + spare;
    const end = start + right - left + 2 * spare;
    Object.assign(band, { left: start, right: end });
    start = end + BAND_AIR;
  });
}

/** Mean place of the neighbours that count, weighted by the edges; the vertex's own where it has none. */
function meanPlace(node: Node, counts: (other: Node) => boolean = () => true): number {
  let [sum, weight] = [0, 0];
  for (const neighbor of node.neighbors) {
    if (!counts(neighbor.node)) continue;
    sum += neighbor.node.x * neighbor.weight;
    weight += neighbor.weight;
  }
  return weight > 0 ? sum / weight : node.x;
}

function widestBands(rows: Cell[][], bandCount: number, air: number): Band[] {
  let left = 0;
  return Array.from({ length: bandCount }, (_, band) => {
    const right = left + Math.max(0, ...rows.map((row) => packedWidth(row[band]!, air)));
    const borders = { left, right };
    left = right + BAND_AIR;
    return borders;
  });
}

function airBetween(rows: Cell[][]): number {
  const wanted = Math.max(1, rows.length - 1) * ROW_LEAST * ASPECT;
  const left = rows.map((row) => {
    const filled = row.reduce((sum, cell) => sum + packedWidth(cell, 0), 0);
    const gaps = row.reduce((sum, cell) => sum + Math.ceil(cell.nodes.length / cell.lines), -1);
    return (wanted - filled) / Math.max(1, gaps);
  });
  return clamp(Math.floor(Math.min(AIR_MOST, ...left)), AIR_LEAST, AIR_MOST);
}

/** Least distances from one vertex's centre to the next; on several lines the next lies on another one. */
function distances(nodes: Node[], lines: number, air: number): number[] {
  const largest = Math.max(...nodes.map((node) => node.size));
  return nodes
    .slice(1)
    .map((node, i) => (lines > 1 ? (largest + air) / lines : (nodes[i]!.size + node.size) / 2 + air));
}

function packedWidth({ nodes, lines }: Cell, air: number): number {
  if (nodes.length === 0) return 0;
  const centres = distances(nodes, lines, air).reduce((sum, distance) => sum + distance, 0);
  return centres + (nodes[0]!.size + nodes.at(-1)!.size) / 2;
}

function pack(cell: Cell, { left, right }: Band, air: number): void {
  const { nodes, lines } = cell;
  if (nodes.length === 0) return;
  let x = (left + right - packedWidth(cell, air)) / 2 + nodes[0]!.size / 2;
  const steps = distances(nodes, lines, air);
  nodes.forEach((node, i) => {
    node.x = x;
    x += steps[i] ?? 0;
  });
}

/** From one line of a row to the next. */
function lineGap(row: Cell[]): number {
  return Math.max(0, ...row.flatMap((cell) => cell.nodes.map((node) => node.size))) + LINE_AIR;
}

function byOrder(a: LayoutVertex, b: LayoutVertex): number {
  return a.order - b.order || compareText(a.id, b.id);
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function mean(values: number[]): number | undefined {
  return values.length > 0 ? values.reduce((sum, value) => sum + value, 0) / values.length : undefined;
}
