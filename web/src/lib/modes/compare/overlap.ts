/** What a group of classes has in common as a drawing: a vertex is the larger, the more of the classes keep it. */

import { assemble, edgeId, vertexSize, type Drawing } from '$lib/graph/drawing';
import type { Overlap } from '$lib/api/operations';

/** The drawing of the channels and edges that enough classes of a group keep. */
export function drawOverlap(overlap: Overlap): Drawing {
  const classes = overlap.a.length;
  const vertices = overlap.vertices.map(({ channel, classesA, rankA }) => ({
    id: channel.id,
    channel,
    membership: null,
    counts: [classesA],
    shares: [classesA / classes],
    ranks: [rankA],
    share: classesA / classes,
    size: vertexSize(classesA / classes),
  }));
  const edges = overlap.edges.map(({ source, target, classesA }) => ({
    id: edgeId(source, target),
    source,
    target,
    membership: null,
    counts: [classesA],
    shares: [classesA / classes],
    share: classesA / classes,
  }));
  return assemble(vertices, edges, { images: [classes], unit: 'class' });
}

/** In how many of `n` classes a channel has to be where nobody chose: half of them. */
export const halfOf = (n: number): number => Math.max(1, Math.ceil(n / 2));
