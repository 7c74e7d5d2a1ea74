/** What of a drawing is on show: floors leave weak edges and channels out, an operation keeps one part of two graphs. */

import type { Membership, SetOperation } from '$lib/api/operations';
import type { DrawnEdge, DrawnVertex, Drawing } from './drawing';

export interface Cut {
  vertices: DrawnVertex[];
  /** With the membership and counts that they have at the floor. */
  edges: DrawnEdge[];
  edgeById: Map<string, DrawnEdge>;
  /** Vertices that are not part of the answer but hold an end of an edge that is: drawn faintly. */
  faint: Set<string>;
  /** Ids of `vertices` and of `faint` ones. */
  shown: Set<string>;
}

const KEEPS: Record<SetOperation, readonly Membership[]> = {
  UNION: ['ONLY_A', 'SHARED', 'ONLY_B'],
  INTERSECTION: ['SHARED'],
  A_MINUS_B: ['ONLY_A'],
  B_MINUS_A: ['ONLY_B'],
};

/**
 * Cuts a drawing as the server cuts a graph (`minShare`) and a comparison (`operation`); places stay.
 *
 * An edge is in a class's graph where it was seen in at least `floor` of the class's images; so a floor can turn a
 * shared edge into one of A or B alone.
 *
 * @param least vertices active in a smaller share of the class's images leave, with their edges; of two classes the
 *   larger share counts
 * @param without what is left out besides: of one of two graphs drawn alone, what is of the other one only
 */
export function cutDrawing(
  drawing: Drawing,
  floor: number,
  operation: SetOperation = 'UNION',
  least = 0,
  without: Membership | null = null,
): Cut {
  const keeps = (membership: Membership | null): boolean =>
    membership === null || (KEEPS[operation].includes(membership) && membership !== without);
  const weak = new Set(drawing.vertices.filter(({ share }) => share < least).map(({ id }) => id));
  const vertices = drawing.vertices.filter(({ id, membership }) => keeps(membership) && !weak.has(id));
  const edges = drawing.edges.flatMap((edge): DrawnEdge[] => {
    if (weak.has(edge.source) || weak.has(edge.target)) return [];
    // In how many classes of a group an edge has to be, and at which floor in each, was the server's question.
    if (drawing.unit === 'class') return keeps(edge.membership) ? [edge] : [];
    const there = edge.counts.map((count, i) => count > 0 && count >= floor * drawing.images[i]!);
    if (!there.includes(true)) return [];
    const membership: Membership | null =
      edge.membership && (!there[1] ? 'ONLY_A' : there[0] ? 'SHARED' : 'ONLY_B');
    if (!keeps(membership)) return [];
    if (membership === edge.membership) return [edge];
    const seen = (values: number[]): number[] => values.map((value, i) => (there[i] ? value : 0));
    return [{ ...edge, membership, counts: seen(edge.counts), shares: seen(edge.shares) }];
  });
  const shown = new Set(vertices.map(({ id }) => id));
  const faint = new Set(
    edges.flatMap(({ source, target }) => [source, target]).filter((id) => !shown.has(id)),
  );
  for (const id of faint) shown.add(id);
  return { vertices, edges, edgeById: new Map(edges.map((edge) => [edge.id, edge])), faint, shown };
}
