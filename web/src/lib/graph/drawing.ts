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
  /** What the counts are of: images of a class, or classes of a group. */
  unit: 'image' | 'class';
  /** How many of them there are: of the class, or of A and B. */
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
  return assemble(vertices, edges, { images: [images] });
}

/**
 * The drawing of two graphs laid over each other: only A, shared and only B as three bands; or without bands, where
 * each graph is drawn by itself with a shared vertex at the same place in both.
 */
export function drawComparison(comparison: Comparison, banded = true): Drawing {
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
  return assemble(vertices, edges, { images: [a.images, b.images], banded });
}

/** An edge's id: both channels, from source to target. */
export function edgeId(source: string, target: string): string {
  return `${source}>${target}`;
}

interface Kind {
  images: number[];
  unit?: Drawing['unit'];
  banded?: boolean;
}

/** Leaves out what is too much, and lays out the rest. */
export function assemble(
  all: DrawnVertex[],
  allEdges: Omit<DrawnEdge, 'strength'>[],
  { images, unit = 'image', banded = images.length > 1 }: Kind,
): Drawing {
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
      band: membership === null || !banded ? 0 : BAND[membership],
      order: channel.index,
      size,
    })),
    edges.map(({ source, target, share }) => ({ source, target, weight: share })),
    banded ? 3 : 1,
  );
  return {
    unit,
    images,
    vertices,
    edges,
    layout,
    ...drawCurves(edges, layout),
    byId,
    omitted: { vertices: all.length - vertices.length, edges: allEdges.length - edges.length },
  };
}

/** Every edge's curve, from the upper side of its source to the lower side of its target. */
export function drawCurves(
  edges: readonly Pick<DrawnEdge, 'id' | 'source' | 'target'>[],
  layout: Pick<Layout, 'places'>,
): Pick<Drawing, 'curves' | 'paths'> {
  const curves = edges.map(({ id, source, target }) => {
    const [from, to] = [layout.places.get(source)!, layout.places.get(target)!];
    return { id, from: { x: from.x, y: from.y - from.size / 2 }, to: { x: to.x, y: to.y + to.size / 2 } };
  });
  return { curves, paths: new Map(curves.map((curve) => [curve.id, curvePath(curve)])) };
}

/** The same drawing with its places drawn apart or together; pictures keep their size. */
export function stretchDrawing(drawing: Drawing, width: number, height: number): Drawing {
  if (width === 1 && height === 1) return drawing;
  const { layout } = drawing;
  const places = [...layout.places.values()].map((place) => ({
    ...place,
    x: place.x * width,
    y: place.y * height,
  }));
  const stretched: Layout = {
    places: new Map(places.map((place) => [place.id, place])),
    rows: layout.rows.map((row) => ({ ...row, y: row.y * height })),
    bands: layout.bands.map(({ left, right }) => ({ left: left * width, right: right * width })),
    width: layout.width * width,
    height: layout.height * height,
  };
  return { ...drawing, layout: stretched, ...drawCurves(drawing.edges, stretched) };
}

/**
 * One of two graphs alone, at the places that it has in the drawing of both: a vertex is as large as this class's share
 * makes it, an edge as thick.
 */
export function drawSide(drawing: Drawing, side: 0 | 1): Drawing {
  const vertices = drawing.vertices
    .filter(({ membership }) => membership !== (side === 0 ? 'ONLY_B' : 'ONLY_A'))
    .map((vertex) => ({ ...vertex, size: vertexSize(vertex.shares[side]!) }));
  const places = new Map(
    vertices.map(({ id, size }) => [id, { ...drawing.layout.places.get(id)!, size }] as const),
  );
  const layout = { ...drawing.layout, places };
  const largest = Math.max(0, ...drawing.edges.map((edge) => edge.share));
  const edges = drawing.edges
    .filter(({ membership }) => membership !== (side === 0 ? 'ONLY_B' : 'ONLY_A'))
    .map((edge) => ({ ...edge, strength: largest > 0 ? edge.shares[side]! / largest : 0 }));
  const byId = new Map(vertices.map((vertex) => [vertex.id, vertex]));
  return { ...drawing, vertices, edges, layout, ...drawCurves(edges, layout), byId };
}

/** The `most` items of the largest value, in the order given; of equal ones the earlier. */
function strongest<Item>(items: Item[], most: number, value: (item: Item) => number): Item[] {
  if (items.length <= most) return items;
  const order = items.map((item, index) => ({ index, value: value(item) }));
  order.sort((a, b) => b.value - a.value || a.index - b.index);
  const kept = new Set(order.slice(0, most).map(({ index }) => index));
  return items.filter((_, index) => kept.has(index));
}
