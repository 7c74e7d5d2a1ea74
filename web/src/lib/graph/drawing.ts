/** What a graph or a comparison looks like as one list of vertices and edges, whichever of the two it is. */

import type { AttributionGraph, Channel, Comparison, Membership } from '$lib/api/operations';
import { curvePath, type Curve } from './curve';
import { layoutGraph, type Layout } from './layout';

/** Largest picture drawing that stays quick; beyond it the weakest are left out and said so. */
export const MOST_VERTICES = 400;
export const MOST_EDGES = 2_000;

export interface DrawnVertex {
  id: string;
  channel: Channel;
  /** In which class's graph; null where there is only one class. */
  membership: Membership | null;
  /** Activation count A and its share of the class's images: of the class, or of A and B. */
  counts: number[];
  shares: number[];
  ranks: number[];
  /** The larger share. */
  share: number;
  size: number;
}

export interface DrawnEdge {
  id: string;
  source: string;
  target: string;
  membership: Membership | null;
  /** Influence count I and its share of the class's images: of the class, or of A and B. */
  counts: number[];
  shares: number[];
  share: number;
  /** Share relative to the drawing's largest, 0 to 1: what thickness shows. */
  strength: number;
}

export interface Drawing {
  /** Images of the class, or of A and B. */
  images: number[];
  vertices: DrawnVertex[];
  edges: DrawnEdge[];
  layout: Layout;
  /** Of each edge, in the order of `edges`. */
  curves: Curve[];
  /** SVG path of each edge, by its id. */
  paths: Map<string, string>;
  byId: Map<string, DrawnVertex>;
  /** Vertices and edges that were too many to draw. */
  omitted: { vertices: number; edges: number };
}

const BAND: Record<Membership, number> = { ONLY_A: 0, SHARED: 1, ONLY_B: 2 };

/** Side of a vertex's picture in px: its area beyond the least grows with A's share of the class's images. */
export function vertexSize(share: number): number {
  return Math.round(28 + 36 * Math.sqrt(Math.min(Math.max(share, 0), 1)));
}

/** The drawing of one class's attribution graph. */
export function drawGraph(graph: AttributionGraph, images: number): Drawing {
  const vertices = graph.vertices.map(({ channel, count, share, rank }) => ({
    id: channel.id,
    channel,
    membership: null,
    counts: [count],
    shares: [share],
    ranks: [rank],
    share,
    size: vertexSize(share),
  }));
  const edges = graph.edges.map(({ source, target, count, share }) => ({
    id: edgeId(source, target),
    source,
    target,
    membership: null,
    counts: [count],
    shares: [share],
    share,
  }));
  return assemble(vertices, edges, [images]);
}

/** The drawing of two graphs laid over each other: only A, shared and only B as three bands. */
export function drawComparison(comparison: Comparison): Drawing {
  const { a, b } = comparison;
  const shares = (countA: number, countB: number): number[] => [
    countA / Math.max(1, a.images),
    countB / Math.max(1, b.images),
  ];
  const vertices = comparison.vertices.map((vertex) => {
    const each = shares(vertex.countA, vertex.countB);
    const share = Math.max(...each);
    return {
      id: vertex.channel.id,
      channel: vertex.channel,
      membership: vertex.membership,
      counts: [vertex.countA, vertex.countB],
      shares: each,
      ranks: [vertex.rankA, vertex.rankB],
      share,
      size: vertexSize(share),
    };
  });
  const edges = comparison.edges.map((edge) => {
    const each = shares(edge.countA, edge.countB);
    return {
      id: edgeId(edge.source, edge.target),
      source: edge.source,
      target: edge.target,
      membership: edge.membership,
      counts: [edge.countA, edge.countB],
      shares: each,
      share: Math.max(...each),
    };
  });
  return assemble(vertices, edges, [a.images, b.images]);
}

/** An edge's id: both channels, from source to target. */
export function edgeId(source: string, target: string): string {
  return `${source}>${target}`;
}

function assemble(all: DrawnVertex[], allEdges: Omit<DrawnEdge, 'strength'>[], images: number[]): Drawing {
  const vertices = strongest(all, MOST_VERTICES, (vertex) => Math.max(...vertex.ranks));
  const byId = new Map(vertices.map((vertex) => [vertex.id, vertex]));
  const joined = allEdges.filter(({ source, target }) => byId.has(source) && byId.has(target));
  const kept = strongest(joined, MOST_EDGES, (edge) => edge.share);
  const largest = kept.reduce((most, edge) => Math.max(most, edge.share), 0);
  const edges = kept.map((edge) => ({ ...edge, strength: largest > 0 ? edge.share / largest : 0 }));
  const layout = layoutGraph(
    vertices.map(({ id, channel, membership, size }) => ({
      id,
      layer: channel.layerIndex,
      band: membership === null ? 0 : BAND[membership],
      order: channel.index,
      size,
    })),
    edges.map(({ source, target, share }) => ({ source, target, weight: share })),
    images.length > 1 ? 3 : 1,
  );
  const curves = edges.map(({ id, source, target }) => {
    const [from, to] = [layout.places.get(source)!, layout.places.get(target)!];
    return { id, from: { x: from.x, y: from.y - from.size / 2 }, to: { x: to.x, y: to.y + to.size / 2 } };
  });
  return {
    images,
    vertices,
    edges,
    layout,
    curves,
    paths: new Map(curves.map((curve) => [curve.id, curvePath(curve)])),
    byId,
    omitted: { vertices: all.length - vertices.length, edges: allEdges.length - edges.length },
  };
}

/** The `most` items of the largest value, in the order given; of equal ones the earlier. */
function strongest<Item>(items: Item[], most: number, value: (item: Item) => number): Item[] {
  if (items.length <= most) return items;
  const order = items.map((item, index) => ({ index, value: value(item) }));
  order.sort((a, b) => b.value - a.value || a.index - b.index);
  const kept = new Set(order.slice(0, most).map(({ index }) => index));
  return items.filter((_, index) => kept.has(index));
}
