import type { Cut } from './cut';
import type { DrawnEdge } from './drawing';

export interface Lit {
  edges: DrawnEdge[];
  vertices: Set<string>;
}

/**
 * What stands out: one edge with its ends, or vertices with all their edges and neighbours.
 *
 * @param edge the edge under the pointer; it alone is lit then, beside the pinned vertex
 * @param looked vertices looked at: under the pointer, focused, pinned
 * @param marked vertices that stand out, with the edges between them, while nothing is looked at
 */
export function lightUp(
  cut: Cut,
  edge: string | null,
  looked: (string | null)[],
  marked: readonly string[] = [],
): Lit {
  const ends = new Set(looked.filter((id): id is string => id !== null && cut.shown.has(id)));
  if (edge === null && ends.size === 0 && marked.length > 0) {
    const vertices = new Set(marked.filter((id) => cut.shown.has(id)));
    const edges = cut.edges.filter(({ source, target }) => vertices.has(source) && vertices.has(target));
    return { edges, vertices };
  }
  const edges = cut.edges.filter(({ id, source, target }) =>
    edge === null ? ends.has(source) || ends.has(target) : id === edge,
  );
  return { edges, vertices: new Set([...edges.flatMap(({ source, target }) => [source, target]), ...ends]) };
}

/**
 * Which of a channel's feature visualizations is shown: 0 is the one of the whole channel, the diverse ones follow.
 *
 * @param part how far along the vertex the pointer is, from its left side: 0 to 1
 * @param tiles how many there are in all
 */
export function tileAt(part: number, tiles: number): number {
  const diverse = tiles - 1;
  return diverse < 1 ? 0 : 1 + Math.min(diverse - 1, Math.max(0, Math.floor(part * diverse)));
}
