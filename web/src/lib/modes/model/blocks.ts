/**
 * The traced network as a block diagram: one block a layer, the last on top, in the order of the network. An edge
 * between two blocks next to each other runs straight up; any other one is an arc at the right, the farther out the more
 * it has to go round.
 */

export interface BlockLayer {
  id: string;
  index: number;
  parents: readonly string[];
}

export interface Block {
  id: string;
  /** Of the upper edge, in px. */
  top: number;
}

export interface Link {
  source: string;
  target: string;
  kind: 'next' | 'arc';
  /** SVG path, from the source up to the target. */
  path: string;
}

export interface BlockDiagram {
  blocks: Block[];
  links: Link[];
  width: number;
  height: number;
}

export const BLOCK_WIDTH = 320;
export const BLOCK_HEIGHT = 52;
export const GAP = 20;
/** From one arc to the next, outwards. */
const LANE = 14;
const MOST_LANES = 24;
const MARGIN = 8;

/** Lays the diagram out. */
export function layoutBlocks(layers: readonly BlockLayer[]): BlockDiagram {
  const sorted = [...layers].sort((a, b) => b.index - a.index);
  const topOf = new Map(sorted.map(({ id }, row) => [id, MARGIN + row * (BLOCK_HEIGHT + GAP)]));
  const rowOf = new Map(sorted.map(({ id }, row) => [id, row]));
  const all = sorted.flatMap(({ id, parents }) =>
    parents.filter((parent) => rowOf.has(parent)).map((parent) => ({ source: parent, target: id })),
  );
  const span = ({ source, target }: { source: string; target: string }): number =>
    rowOf.get(source)! - rowOf.get(target)!;
  // Short arcs lie inside longer ones, as far as lanes go round.
  const arcs = all
    .filter((link) => span(link) !== 1)
    .sort((a, b) => span(a) - span(b) || rowOf.get(a.target)! - rowOf.get(b.target)!);
  const lanes: { from: number; to: number }[][] = [];
  const laneOf = new Map<object, number>();
  for (const arc of arcs) {
    const [to, from] = [rowOf.get(arc.target)!, rowOf.get(arc.source)!];
    let lane = lanes.findIndex((taken) => taken.every((other) => other.to >= from || other.from <= to));
    if (lane < 0) lane = lanes.push([]) - 1;
    lanes[lane]!.push({ from, to });
    laneOf.set(arc, Math.min(lane, MOST_LANES - 1));
  }
  const links = all.map((link): Link => {
    const bottom = topOf.get(link.source)!;
    const top = topOf.get(link.target)! + BLOCK_HEIGHT;
    const lane = laneOf.get(link);
    if (lane === undefined) {
      return { ...link, kind: 'next', path: `M${BLOCK_WIDTH / 2} ${bottom}L${BLOCK_WIDTH / 2} ${top + 2}` };
    }
    // It leaves the upper half of its source and arrives at the lower half of its target.
    const [y1, y2] = [bottom + BLOCK_HEIGHT * 0.3, top - BLOCK_HEIGHT * 0.3];
    const x = BLOCK_WIDTH + 18 + lane * LANE;
    const r = Math.min(10, Math.abs(y1 - y2) / 2);
    return {
      ...link,
      kind: 'arc',
      path: `M${BLOCK_WIDTH} ${y1}L${x - r} ${y1}Q${x} ${y1} ${x} ${y1 - r}L${x} ${y2 + r}Q${x} ${y2} ${x - r} ${y2}L${BLOCK_WIDTH + 3} ${y2}`,
    };
  });
  const outermost = Math.max(-1, ...laneOf.values());
  return {
    blocks: sorted.map(({ id }) => ({ id, top: topOf.get(id)! })),
    links,
    width: BLOCK_WIDTH + (outermost < 0 ? 0 : 18 + outermost * LANE) + MARGIN,
    height: 2 * MARGIN + sorted.length * BLOCK_HEIGHT + Math.max(0, sorted.length - 1) * GAP,
  };
}
