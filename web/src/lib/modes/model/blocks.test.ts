import { describe, expect, it } from 'vitest';
import { BLOCK_WIDTH, layoutBlocks } from './blocks';

const layer = (index: number, ...parents: number[]) => ({
  id: `run/${index}`,
  index,
  parents: parents.map((parent) => `run/${parent}`),
});

describe('the block diagram', () => {
  it('stacks a chain, the last layer on top, joined straight', () => {
    const { blocks, links, width } = layoutBlocks([layer(0), layer(1, 0), layer(2, 1)]);
    expect(blocks.map(({ id }) => id)).toEqual(['run/2', 'run/1', 'run/0']);
    expect(blocks[0]!.top).toBeLessThan(blocks[1]!.top);
    expect(links.map(({ kind }) => kind)).toEqual(['next', 'next']);
    expect(width).toBeLessThan(BLOCK_WIDTH + 20);
  });

  it('takes skip edges round, nested and apart', () => {
    // 0 → 1 → 2 → 3, 0 → 2 and 1 → 3 cross; 0 → 3 goes round both.
    const { links } = layoutBlocks([layer(0), layer(1, 0), layer(2, 1, 0), layer(3, 2, 1, 0)]);
    const arcs = links.filter(({ kind }) => kind === 'arc');
    expect(arcs.map(({ source, target }) => `${source}>${target}`).sort()).toEqual([
      'run/0>run/2',
      'run/0>run/3',
      'run/1>run/3',
    ]);
    const reach = (source: string, target: string) =>
      Number(arcs.find((arc) => arc.source === source && arc.target === target)!.path.match(/Q(\d+)/)![1]);
    const [a, b, c] = [reach('run/0', 'run/2'), reach('run/1', 'run/3'), reach('run/0', 'run/3')];
    expect(new Set([a, b, c]).size).toBe(3);
    expect(c).toBeGreaterThan(Math.max(a!, b!));
  });

  it('lets arcs that do not meet share a lane', () => {
    const { links } = layoutBlocks([layer(0), layer(1, 0), layer(2, 1, 0), layer(3, 2), layer(4, 3, 2)]);
    const reaches = links.filter(({ kind }) => kind === 'arc').map(({ path }) => path.match(/Q(\d+)/)![1]);
    expect(reaches).toHaveLength(2);
    expect(new Set(reaches).size).toBe(1);
  });

  it('leaves out parents that are no layer of the run', () => {
    expect(layoutBlocks([layer(1, 0)]).links).toEqual([]);
    expect(layoutBlocks([]).blocks).toEqual([]);
  });
});
