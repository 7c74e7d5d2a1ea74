/**
 * What a group of classes has in common as a drawing, or what two groups have and share: a vertex is the larger, the more
 * of the classes keep it.
 */

import { assemble, edgeId, vertexSize, type Drawing } from '$lib/graph/drawing';
import type { Overlap } from '$lib/api/operations';

/** The drawing of the channels and edges that enough classes of a side keep; in three bands where there are two sides. */
export function drawOverlap(overlap: Overlap): Drawing {
  const sizes = sizesOf(overlap);
  const two = sizes.length > 1;
  const sharesOf = (counts: number[]): number[] => counts.map((count, i) => count / sizes[i]!);
  const vertices = overlap.vertices.map(({ channel, membership, classesA, classesB, rankA, rankB }) => {
    const counts = two ? [classesA, classesB] : [classesA];
    const shares = sharesOf(counts);
    const share = Math.max(...shares);
    return {
      id: channel.id,
      channel,
      membership: two ? membership : null,
      counts,
      shares,
      ranks: two ? [rankA, rankB] : [rankA],
      share,
      size: vertexSize(share),
    };
  });
  const edges = overlap.edges.map(({ source, target, membership, classesA, classesB }) => {
    const counts = two ? [classesA, classesB] : [classesA];
    const shares = sharesOf(counts);
    return {
      id: edgeId(source, target),
      source,
      target,
      membership: two ? membership : null,
      counts,
      shares,
      share: Math.max(...shares),
    };
  });
  return assemble(vertices, edges, { images: sizes, unit: 'class' });
}

/** How many classes each side has. */
export const sizesOf = ({ a, b }: Pick<Overlap, 'a' | 'b'>): number[] =>
  b.length > 0 ? [a.length, b.length] : [a.length];

/** In how many of `n` classes a channel has to be where nobody chose: half of them. */
export const halfOf = (n: number): number => Math.max(1, Math.ceil(n / 2));

/** In how many of `n` classes a channel has to be: as chosen, 0 for nobody's choice, and never more than there are. */
export const enoughOf = (chosen: number, n: number): number => Math.min(chosen || halfOf(n), Math.max(1, n));

/** `at least 2 of 4`; of one class alone, and of all, in plainer words. */
export function enoughWords(atLeast: number, n: number): string {
  if (n === 1) return 'the one class';
  return atLeast === n ? `all ${n} classes` : `at least ${atLeast} of ${n} classes`;
}
