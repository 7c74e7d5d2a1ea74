/**
 * The places nearest to the wished ones (least squares) that keep the order and the least distances.
 *
 * @param wished one wished place each, left to right
 * @param distances least distance between one and the next; one fewer than `wished`
 * @param left no place may lie left of it, `right` none right of it; where both cannot hold, `left` does
 */
export function spread(wished: number[], distances: number[], left: number, right: number): number[] {
  const offsets = [0];
  for (const distance of distances) offsets.push(offsets.at(-1)! + distance);
  const blocks: { sum: number; count: number }[] = [];
  wished.forEach((wish, index) => {
    blocks.push({ sum: wish - offsets[index]!, count: 1 });
    for (;;) {
      const [before, last] = [blocks.at(-2), blocks.at(-1)!];
      if (!before || before.sum / before.count <= last.sum / last.count) break;
      before.sum += last.sum;
      before.count += last.count;
      blocks.pop();
    }
  });
  const most = Math.max(left, right - (offsets[wished.length - 1] ?? 0));
  const places: number[] = [];
  for (const { sum, count } of blocks) {
    const start = clamp(sum / count, left, most);
    for (let i = 0; i < count; i += 1) places.push(start + offsets[places.length]!);
  }
  return places;
}

/** `value`, or the bound that it lies beyond. */
export function clamp(value: number, least: number, most: number): number {
  return Math.min(Math.max(value, least), most);
}
