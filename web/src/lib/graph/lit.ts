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
 */
export function lightUp(cut: Cut, edge: string | null, looked: (string | null)[]): Lit {
  const ends = new Set(looked.filter((id): id is string => id !== null && cut.shown.has(id)));
  const edges = cut.edges.filter(({ id, source, target }) =>
    edge === null ? ends.has(source) || ends.has(target) : id === edge,
  );
  return { edges, vertices: new Set([...edges.flatMap(({ source, target }) => [source, target]), ...ends]) };
}
