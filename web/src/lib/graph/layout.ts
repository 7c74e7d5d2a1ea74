/**
 * Places the vertices of an attribution graph: rows are layers, the last on top; bands are columns (one in Explore,
 * three in Compare).
 *
 * 1. Within each row and band, vertices start in a fixed order (that of their channel index).
 * 2. Barycenter sweeps, up and down in turn, reorder them by the mean place of their neighbours; the order with the
 *    fewest crossings is kept (Sugiyama, Tagawa and Toda, 1981).
 * 3. Each is drawn towards the mean of its neighbours as far as order and gaps allow; under a fixed order this is an
 *    isotonic regression, solved exactly by pooling adjacent violators.
 *
 * Nothing depends on the window, on the order of the input or on chance: the same graph always draws the same.
 */

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
  bands: { left: number; right: number }[];
  width: number;
  height: number;
}

/** Air between pictures in px: as much as the aspect leaves for the widest row, within bounds. */
const GAP_LEAST = 12;
const GAP_MOST = 36;
const BAND_GAP = 56;
const ORDER_SWEEPS = 16;
const PLACE_SWEEPS = 12;
const ROW_GAP_LEAST = 92;
const ROW_GAP_MOST = 150;
/** Width to height that the rows' distance aims at: that of the pane on common screens. */
const ASPECT = 1.35;

interface Node extends LayoutVertex {
  x: number;
  neighbors: { node: Node; weight: number }[];
}

type Cell = Node[];

/** Places vertices; `bandCount` columns exist even where one of them is empty. */
export function layoutGraph(vertices: LayoutVertex[], edges: LayoutEdge[], bandCount = 1): Layout {
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
  const rows: Cell[][] = layers.map(() => Array.from({ length: bandCount }, () => []));
  const rowOf = new Map(layers.map((layer, row) => [layer, row]));
  for (const node of nodes.values()) rows[rowOf.get(node.layer)!]![node.band]!.push(node);

  const air = airBetween(rows);
  const bands = bandBorders(rows, bandCount, air);
  for (const row of rows) row.forEach((cell, band) => pack(cell, bands[band]!, air));
  reorder(rows, links, bands, air);
  settle(rows, bands, air);

  const width = bands.at(-1)?.right ?? 0;
  const gap =
    rows.length < 2 ? ROW_GAP_LEAST : clamp(width / ASPECT / (rows.length - 1), ROW_GAP_LEAST, ROW_GAP_MOST);
  const places = new Map<string, Place>();
  rows.forEach((row, index) => {
    row.flat().forEach(({ id, x, size, band }, column) => {
      places.set(id, { id, x, y: index * gap, size, row: index, column, band });
    });
  });
  return {
    places,
    rows: layers.map((layer, index) => ({ layer, y: index * gap })),
    bands,
    width,
    height: Math.max(0, (rows.length - 1) * gap),
  };
}

/** Crossings between edges that join the same two rows, given the x of both ends. */
export function countCrossings(ends: { sourceX: number; targetX: number }[]): number {
  const sorted = [...ends].sort((a, b) => a.sourceX - b.sourceX || a.targetX - b.targetX);
  const targets = [...new Set(sorted.map((end) => end.targetX))].sort((a, b) => a - b);
  const place = new Map(targets.map((x, index) => [x, index + 1]));
  // A Fenwick tree counts, for each edge, the earlier ones that end farther right.
  const tree = new Int32Array(targets.length + 1);
  let crossings = 0;
  for (let first = 0; first < sorted.length;) {
    let last = first;
    while (last < sorted.length && sorted[last]!.sourceX === sorted[first]!.sourceX) last += 1;
    for (let i = first; i < last; i += 1) {
      let atMost = 0;
      for (let at = place.get(sorted[i]!.targetX)!; at > 0; at -= at & -at) atMost += tree[at]!;
      crossings += first - atMost;
    }
    for (let i = first; i < last; i += 1) {
      for (let at = place.get(sorted[i]!.targetX)!; at < tree.length; at += at & -at) tree[at]! += 1;
    }
    first = last;
  }
  return crossings;
}

/**
 * The places nearest to the wished ones (least squares) that keep the order and the least distances.
 *
 * @param wished one wished place each, left to right
 * @param distances least distance between one and the next; one fewer than `wished`
 * @param left no place may lie left of it, `right` none right of it; where both cannot hold, `left` does
 */
export function spread(wished: number[], distances: number[], left: number, right: number): number[] {
  const offsets = [0];
  for (const distance of distances) offsets.push(offsets.at(-1)! + distance);
  const blocks: { sum: number; count: number }[] = [];
  wished.forEach((wish, index) => {
    blocks.push({ sum: wish - offsets[index]!, count: 1 });
    for (;;) {
      const [before, last] = [blocks.at(-2), blocks.at(-1)!];
      if (!before || before.sum / before.count <= last.sum / last.count) break;
      before.sum += last.sum;
      before.count += last.count;
      blocks.pop();
    }
  });
  const most = Math.max(left, right - (offsets[wished.length - 1] ?? 0));
  const places: number[] = [];
  for (const { sum, count } of blocks) {
    const start = clamp(sum / count, left, most);
    for (let i = 0; i < count; i += 1) places.push(start + offsets[places.length]!);
  }
  return places;
}

function reorder(
  rows: Cell[][],
  links: { source: Node; target: Node }[],
  bands: Layout['bands'],
  air: number,
): void {
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
  let best = rows.map((row) => row.map((cell) => [...cell]));
  let fewest = crossings();
  for (let sweep = 0; sweep < ORDER_SWEEPS && fewest > 0; sweep += 1) {
    const down = sweep % 2 === 0;
    const order = down ? rows : [...rows].reverse();
    for (const row of order) {
      row.forEach((cell, band) => {
        // Only what was already passed pulls: layers above while going down, below while going up.
        const pull = new Map(
          cell.map((node) => [
            node,
            meanPlace(node, (other) => (down ? other.layer > node.layer : other.layer < node.layer)),
          ]),
        );
        cell.sort((a, b) => pull.get(a)! - pull.get(b)! || byOrder(a, b));
        pack(cell, bands[band]!, air);
      });
    }
    const now = crossings();
    if (now < fewest) {
      fewest = now;
      best = rows.map((row) => row.map((cell) => [...cell]));
    }
  }
  rows.forEach((row, index) => {
    row.forEach((cell, band) => {
      cell.splice(0, cell.length, ...best[index]![band]!);
      pack(cell, bands[band]!, air);
    });
  });
}

function settle(rows: Cell[][], bands: Layout['bands'], air: number): void {
  for (let sweep = 0; sweep < PLACE_SWEEPS; sweep += 1) {
    const order = sweep % 2 === 0 ? rows : [...rows].reverse();
    for (const row of order) {
      row.forEach((cell, band) => {
        if (cell.length === 0) return;
        const { left, right } = bands[band]!;
        const wished = cell.map((node) => meanPlace(node, () => true));
        const distances = cell.slice(1).map((node, i) => (cell[i]!.size + node.size) / 2 + air);
        const places = spread(wished, distances, left + cell[0]!.size / 2, right - cell.at(-1)!.size / 2);
        cell.forEach((node, i) => (node.x = places[i]!));
      });
    }
  }
}

function meanPlace(node: Node, counts: (other: Node) => boolean): number {
  let [sum, weight] = [0, 0];
  for (const neighbor of node.neighbors) {
    if (!counts(neighbor.node)) continue;
    sum += neighbor.node.x * neighbor.weight;
    weight += neighbor.weight;
  }
  return weight > 0 ? sum / weight : node.x;
}

function bandBorders(rows: Cell[][], bandCount: number, air: number): Layout['bands'] {
  const bands: Layout['bands'] = [];
  let left = 0;
  for (let band = 0; band < bandCount; band += 1) {
    const widest = Math.max(48, ...rows.map((row) => packedWidth(row[band]!, air)));
    bands.push({ left, right: left + widest });
    left += widest + BAND_GAP;
  }
  return bands;
}

function airBetween(rows: Cell[][]): number {
  const wanted = Math.max(1, rows.length - 1) * ROW_GAP_LEAST * ASPECT;
  const needed = rows.map((row) => {
    const nodes = row.flat();
    return (wanted - nodes.reduce((sum, node) => sum + node.size, 0)) / Math.max(1, nodes.length - 1);
  });
  return clamp(Math.floor(Math.min(GAP_MOST, ...needed)), GAP_LEAST, GAP_MOST);
}

function packedWidth(cell: Cell, air: number): number {
  return cell.reduce((sum, node) => sum + node.size + air, -air);
}

function pack(cell: Cell, { left, right }: { left: number; right: number }, air: number): void {
  let x = (left + right - packedWidth(cell, air)) / 2;
  for (const node of cell) {
    node.x = x + node.size / 2;
    x += node.size + air;
  }
}

function byOrder(a: LayoutVertex, b: LayoutVertex): number {
  return a.order - b.order || compareText(a.id, b.id);
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function clamp(value: number, least: number, most: number): number {
  return Math.min(Math.max(value, least), most);
}
