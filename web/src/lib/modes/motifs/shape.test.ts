import { describe, expect, it } from 'vitest';
import { layoutMotif } from './shape';

const channel = (id: string, layerIndex: number) => ({ id, layerIndex });
const edge = (text: string) => ({ source: text[0]!, target: text[1]! });

describe('the drawing of a motif', () => {
  it('puts a path in one row, from the input on', () => {
    const { places, edges, width } = layoutMotif(
      [channel('a', 2), channel('b', 3), channel('c', 7)],
      [edge('ab'), edge('bc')],
    );
    expect(new Set(places.map(({ y }) => y)).size).toBe(1);
    expect(places.map(({ x }) => x)).toEqual([...places.map(({ x }) => x)].sort((a, b) => a - b));
    expect(places[2]!.x - places[1]!.x).toBe(places[1]!.x - places[0]!.x);
    expect(width).toBe(places[2]!.x + 20);
    expect(edges).toHaveLength(2);
  });

  it('puts the two middle channels of a diamond above each other, its ends between them', () => {
    const { places } = layoutMotif(
      [channel('a', 0), channel('b', 1), channel('c', 1), channel('d', 2)],
      [edge('ab'), edge('ac'), edge('bd'), edge('cd')],
    );
    const [a, b, c, d] = places as [Place, Place, Place, Place];
    expect(b.x).toBe(c.x);
    expect(a.y).toBe(d.y);
    expect(a.y).toBeCloseTo((b.y + c.y) / 2);
    expect(Math.abs(b.y - c.y)).toBeGreaterThan(40);
  });

  it('bends the skip edge of a triangle around the channel between', () => {
    const { edges, height } = layoutMotif(
      [channel('a', 0), channel('b', 1), channel('c', 2)],
      [edge('ab'), edge('bc'), edge('ac')],
    );
    const heights = [...edges[2]!.path.matchAll(/ (-?[\d.]+)(?=[ C]|$)/g)].map((found) => Number(found[1]));
    expect(Math.min(...heights)).toBeLessThan(
      Math.min(...[edges[0]!.path.split(/[ C]/)[1]!].map(Number)) - 20,
    );
    expect(Math.min(...heights)).toBeGreaterThanOrEqual(0);
    expect(height).toBeGreaterThan(48);
  });
});

type Place = { x: number; y: number };
