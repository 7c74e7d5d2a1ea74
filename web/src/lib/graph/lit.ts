import type { DrawnEdge, Drawing } from './drawing';
import type { Hidden } from './floor';

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
export function lightUp(
  drawing: Drawing,
  hidden: Hidden,
  edge: string | null,
  looked: (string | null)[],
): Lit {
  const ends = new Set(
    looked.filter((id) => id !== null && drawing.byId.has(id) && !hidden.vertices.has(id)),
  );
  const edges = drawing.edges.filter(
    ({ id, source, target }) =>
      !hidden.edges.has(id) && (edge === null ? ends.has(source) || ends.has(target) : id === edge),
  );
  const vertices = new Set<string>(edges.flatMap(({ source, target }) => [source, target]));
  for (const id of ends) vertices.add(id!);
  return { edges, vertices };
}
