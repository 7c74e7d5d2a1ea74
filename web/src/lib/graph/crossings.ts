/** Crossings between edges that join the same two rows, given the x of both ends. */
export function countCrossings(ends: { sourceX: number; targetX: number }[]): number {
  const sorted = [...ends].sort((a, b) => a.sourceX - b.sourceX || a.targetX - b.targetX);
  const targets = [...new Set(sorted.map((end) => end.targetX))].sort((a, b) => a - b);
  const place = new Map(targets.map((x, index) => [x, index + 1]));
  // A Fenwick tree counts, for each edge, the earlier ones that end farther right.
  const tree = new Int32Array(targets.length + 1);
  let crossings = 0;
  for (let first = 0; first < sorted.length;) {
    let last = first;
    while (last < sorted.length && sorted[last]!.sourceX === sorted[first]!.sourceX) last += 1;
    for (let i = first; i < last; i += 1) {
      let atMost = 0;
      for (let at = place.get(sorted[i]!.targetX)!; at > 0; at -= at & -at) atMost += tree[at]!;
      crossings += first - atMost;
    }
    for (let i = first; i < last; i += 1) {
      for (let at = place.get(sorted[i]!.targetX)!; at < tree.length; at += at & -at) tree[at]! += 1;
    }
    first = last;
  }
  return crossings;
}
