import { describe, expect, it } from 'vitest';
import { countCrossings } from './crossings';
import { layoutGraph, type Layout, type LayoutEdge, type LayoutVertex } from './layout';
import { spread } from './spread';

/** A small generator with a seed (mulberry32), so that a failing case can be run again. */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

function graph(seed: number, layers: number, width: number, bands = 1) {
  const next = random(seed);
  const vertices: LayoutVertex[] = [];
  for (let layer = 0; layer < layers; layer += 1) {
    const count = 1 + Math.floor(next() * width);
    for (let i = 0; i < count; i += 1) {
      const order = Math.floor(next() * 1000) * 100 + i;
      vertices.push({
        id: `l${layer}/${order}`,
        layer,
        band: Math.floor(next() * bands),
        order,
        size: 28 + Math.round(next() * 36),
      });
    }
  }
  const edges: LayoutEdge[] = [];
  for (const source of vertices) {
    for (const target of vertices) {
      if (target.layer === source.layer + 1 && next() < 0.3) {
        edges.push({ source: source.id, target: target.id, weight: next() });
      }
    }
  }
  return { vertices, edges };
}

function shuffled<Item>(items: Item[], seed: number): Item[] {
  const next = random(seed);
  return items
    .map((item) => ({ item, key: next() }))
    .sort((a, b) => a.key - b.key)
    .map(({ item }) => item);
}

/** Crossings by the definition: every pair of edges between the same rows. */
function crossingsByPairs(layout: Layout, edges: LayoutEdge[]): number {
  let crossings = 0;
  edges.forEach((first, i) => {
    for (const second of edges.slice(i + 1)) {
      const [a, b, c, d] = [first.source, first.target, second.source, second.target].map((id) =>
        layout.places.get(id)!,
      );
      if (a!.row !== c!.row || b!.row !== d!.row) continue;
      if ((a!.x - c!.x) * (b!.x - d!.x) < 0) crossings += 1;
    }
  });
  return crossings;
}

const SEEDS = [1, 2, 3, 4, 5];

describe('layoutGraph', () => {
  it('draws the same graph the same, whatever the order it comes in', () => {
    for (const seed of SEEDS) {
      const { vertices, edges } = graph(seed, 7, 14, 3);
      const first = layoutGraph(vertices, edges, 3);
      const second = layoutGraph(shuffled(vertices, seed), shuffled(edges, seed + 1), 3);
      expect([...second.places.entries()].sort()).toEqual([...first.places.entries()].sort());
      expect(second.bands).toEqual(first.bands);
    }
  });

  it('puts layers in rows, the last on top', () => {
    const { vertices, edges } = graph(9, 5, 6);
    const { places, rows } = layoutGraph(vertices, edges);
    expect(rows.map(({ layer }) => layer)).toEqual([4, 3, 2, 1, 0]);
    expect(rows.every(({ y }, i) => i === 0 || y > rows[i - 1]!.y)).toBe(true);
    for (const { id, layer } of vertices) expect(rows[places.get(id)!.row]!.layer).toBe(layer);
  });

  it('lets no two pictures touch and none leave its band', () => {
    for (const seed of SEEDS) {
      for (const bands of [1, 3]) {
        const { vertices, edges } = graph(seed, 6, 40, bands);
        const layout = layoutGraph(vertices, edges, bands);
        const all = [...layout.places.values()];
        const outside = all.filter(({ x, size, band }) => {
          const { left, right } = layout.bands[band]!;
          return x - size / 2 < left - 1e-6 || x + size / 2 > right + 1e-6;
        });
        const touching = all.flatMap((a, i) =>
          all
            .slice(i + 1)
            .filter((b) => Math.max(Math.abs(a.x - b.x), Math.abs(a.y - b.y)) < (a.size + b.size) / 2 + 4)
            .map((b) => [a.id, b.id]),
        );
        expect(outside).toEqual([]);
        expect(touching).toEqual([]);
      }
    }
  });

  it('has fewer crossings than the order it starts from', () => {
    for (const seed of SEEDS) {
      const { vertices, edges } = graph(seed, 6, 12);
      const layout = layoutGraph(vertices, edges);
      const byOrder = [...vertices].sort((a, b) => a.order - b.order);
      const start = new Map(
        byOrder.map((vertex, i) => [vertex.id, { ...layout.places.get(vertex.id)!, x: i }]),
      );
      expect(crossingsByPairs(layout, edges)).toBeLessThan(
        crossingsByPairs({ ...layout, places: start }, edges),
      );
    }
  });

  it('untangles a graph that can be drawn without crossings', () => {
    const vertices = ['a', 'b', 'c', 'd'].flatMap((name, i) => [
      { id: `low-${name}`, layer: 0, band: 0, order: i, size: 40 },
      { id: `high-${name}`, layer: 1, band: 0, order: 3 - i, size: 40 },
    ]);
    const edges = ['a', 'b', 'c', 'd'].map((name) => ({
      source: `low-${name}`,
      target: `high-${name}`,
      weight: 1,
    }));
    const layout = layoutGraph(vertices, edges);
    expect(crossingsByPairs(layout, edges)).toBe(0);
    for (const { source, target } of edges) {
      expect(layout.places.get(source)!.x).toBeCloseTo(layout.places.get(target)!.x, 0);
    }
  });

  it('keeps the order of the bands in every row, also beside an empty one', () => {
    const { vertices, edges } = graph(3, 5, 9, 3);
    const withoutShared = vertices.filter(({ band }) => band !== 1);
    const { places, bands } = layoutGraph(withoutShared, edges, 3);
    expect(bands).toHaveLength(3);
    expect(bands[0]!.right).toBeLessThan(bands[1]!.left);
    expect(bands[1]!.right).toBeLessThan(bands[2]!.left);
    for (const { band, x } of places.values()) expect(x < bands[1]!.left).toBe(band === 0);
  });

  it('copes with nothing, and with one vertex', () => {
    expect(layoutGraph([], []).places.size).toBe(0);
    const { places, height } = layoutGraph([{ id: 'a', layer: 2, band: 0, order: 0, size: 40 }], []);
    expect(places.get('a')).toMatchObject({ x: 20, y: 0, row: 0, column: 0 });
    expect(height).toBe(0);
  });
});

describe('countCrossings', () => {
  it('counts as many as there are pairs that cross', () => {
    const next = random(7);
    const ends = Array.from({ length: 60 }, () => ({
      sourceX: Math.floor(next() * 12),
      targetX: Math.floor(next() * 12),
    }));
    let expected = 0;
    ends.forEach((a, i) => {
      for (const b of ends.slice(i + 1)) {
        if ((a.sourceX - b.sourceX) * (a.targetX - b.targetX) < 0) expected += 1;
      }
    });
    expect(expected).toBeGreaterThan(100);
    expect(countCrossings(ends)).toBe(expected);
  });
});

describe('spread', () => {
  it('leaves places that are far enough apart', () => {
    expect(spread([10, 30, 80], [15, 15], 0, 100)).toEqual([10, 30, 80]);
  });

  it('shares out what is too close, about the mean', () => {
    expect(spread([50, 50, 50], [10, 10], 0, 100)).toEqual([40, 50, 60]);
  });

  it('stays within its bounds', () => {
    expect(spread([-40, -30], [10], 0, 100)).toEqual([0, 10]);
    expect(spread([150, 160], [10], 0, 100)).toEqual([90, 100]);
  });

  it('is nearer to the wishes than any of its neighbours', () => {
    const next = random(11);
    const wished = Array.from({ length: 6 }, () => next() * 60);
    const distances = Array.from({ length: 5 }, () => 5 + next() * 5);
    const found = spread(wished, distances, 0, 100);
    const cost = (places: number[]): number =>
      places.reduce((sum, place, i) => sum + (place - wished[i]!) ** 2, 0);
    for (let trial = 0; trial < 500; trial += 1) {
      const other = found.map((place) => place + (next() - 0.5) * 4);
      const allowed =
        other.every((place, i) => i === 0 || place - other[i - 1]! >= distances[i - 1]!) &&
        other[0]! >= 0 &&
        other.at(-1)! <= 100;
      if (allowed) expect(cost(other)).toBeGreaterThanOrEqual(cost(found) - 1e-9);
    }
  });
});
