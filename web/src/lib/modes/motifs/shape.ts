/** Where the channels of a motif stand in its small drawing: layers from left to right, in the order of the network. */

export interface MotifPlace {
  id: string;
  /** Of the centre, in px. */
  x: number;
  y: number;
}

export interface MotifShape {
  places: MotifPlace[];
  /** Each edge as an SVG path, in the order given. */
  edges: { source: string; target: string; path: string }[];
  width: number;
  height: number;
  /** Side of a picture in px. */
  side: number;
}

interface MotifChannel {
  id: string;
  layerIndex: number;
}

const SIDE = 40;
const ACROSS = 76;
const DOWN = 48;

/**
 * Lays a motif out.
 *
 * Channels of one layer stand below each other, in the order given; a column is as wide as any other, however many
 * layers lie between. An edge that passes a column by is bent so that it does not run through a picture there.
 */
export function layoutMotif(
  channels: readonly MotifChannel[],
  edges: readonly { source: string; target: string }[],
): MotifShape {
  const layers = [...new Set(channels.map(({ layerIndex }) => layerIndex))].sort((a, b) => a - b);
  const columns = layers.map((layer) => channels.filter(({ layerIndex }) => layerIndex === layer));
  const tallest = Math.max(1, ...columns.map((column) => column.length));
  const columnOf = new Map(channels.map(({ id, layerIndex }) => [id, layers.indexOf(layerIndex)]));
  const passing = edges.some(({ source, target }) => columnOf.get(target)! - columnOf.get(source)! > 1);
  // An arc over a lone row needs room above it.
  const above = passing && tallest === 1 ? 18 : 0;
  const height = tallest * DOWN + above;
  const places = columns.flatMap((column, at) =>
    column.map(({ id }, row) => ({
      id,
      x: SIDE / 2 + at * ACROSS,
      y: above + ((row + 0.5) * tallest * DOWN) / column.length,
    })),
  );
  const placeOf = new Map(places.map((place) => [place.id, place]));
  return {
    places,
    edges: edges.flatMap(({ source, target }) => {
      const [from, to] = [placeOf.get(source), placeOf.get(target)];
      if (!from || !to) return [];
      const passes = columnOf.get(target)! - columnOf.get(source)! > 1;
      const covered = places.some(
        ({ x, y }) => x > from.x && x < to.x && Math.abs(y - (from.y + to.y) / 2) < SIDE / 2,
      );
      return [{ source, target, path: edgePath(from, to, passes && covered) }];
    }),
    width: SIDE + Math.max(0, columns.length - 1) * ACROSS,
    height,
    side: SIDE,
  };
}

function edgePath(from: MotifPlace, to: MotifPlace, bent: boolean): string {
  const [x1, x2] = [from.x + SIDE / 2 + 1, to.x - SIDE / 2 - 2];
  if (bent) {
    const top = Math.min(from.y, to.y) - SIDE / 2 - 14;
    return `M${from.x + SIDE / 4} ${from.y - SIDE / 2}C${from.x + SIDE} ${top} ${to.x - SIDE} ${top} ${to.x - SIDE / 4} ${to.y - SIDE / 2 - 1}`;
  }
  const middle = (x1 + x2) / 2;
  return `M${x1} ${from.y}C${middle} ${from.y} ${middle} ${to.y} ${x2} ${to.y}`;
}
