import { describe, expect, it } from 'vitest';
import type { AttributionGraph, Channel, ChannelInClass, ClassInfo, Comparison } from '$lib/api/operations';
import { beyond } from './beyond';
import { drawComparison, drawGraph, stretchDrawing, MOST_EDGES, MOST_VERTICES, vertexSize } from './drawing';
import { cutDrawing } from './cut';
import { lightUp, tileAt } from './lit';
import { edgeTable, sortRows, toTsv, vertexTable } from './table';

function channel(layerIndex: number, index: number): Channel {
  return {
    id: `r/l${layerIndex}/${index}`,
    layer: `l${layerIndex}`,
    layerIndex,
    index,
    label: null,
    feature: null,
    picture: null,
  };
}

function classInfo(index: number, images: number): ClassInfo {
  return {
    id: `r/${index}`,
    index,
    name: `class ${index}`,
    kind: 'LABEL',
    images,
    failed: 0,
    accuracy: null,
    histogram: null,
    mass: 0.1,
    droppedShare: 0,
    runId: 'r',
  };
}

const graph: AttributionGraph = {
  mass: 0.1,
  cypher: '',
  vertices: [
    { channel: channel(0, 3), count: 50, share: 0.5, rank: 0.02 },
    { channel: channel(0, 9), count: 10, share: 0.1, rank: 0.01 },
    { channel: channel(1, 2), count: 90, share: 0.9, rank: 0.03 },
  ],
  edges: [
    { source: 'r/l0/3', target: 'r/l1/2', count: 80, share: 0.8 },
    { source: 'r/l0/9', target: 'r/l1/2', count: 20, share: 0.2 },
  ],
};

describe('drawGraph', () => {
  it('sizes vertices by A and measures edges by the strongest', () => {
    const drawing = drawGraph(graph, 100);
    expect(drawing.vertices.map(({ size }) => size)).toEqual([0.5, 0.1, 0.9].map(vertexSize));
    expect(vertexSize(0.9)).toBeGreaterThan(vertexSize(0.5));
    expect(drawing.edges.map(({ strength }) => strength)).toEqual([1, 0.25]);
    expect(drawing.layout.places.get('r/l1/2')!.row).toBe(0);
    expect(drawing.omitted).toEqual({ vertices: 0, edges: 0 });
  });

  it('draws the strongest of too many, and says how many it left out', () => {
    const many = MOST_VERTICES + 25;
    const vertices = Array.from({ length: many }, (_, i) => ({
      channel: channel(i % 2, i),
      count: 1,
      share: 0.01,
      // The first 25 rank lowest.
      rank: (i + 1) / many,
    }));
    const ids = vertices.map((vertex) => vertex.channel.id);
    const lower = ids.filter((_, i) => i % 2 === 0);
    const upper = ids.filter((_, i) => i % 2 === 1);
    const edges = lower.flatMap((source, i) =>
      upper.slice(0, 12).map((target) => ({ source, target, count: i, share: i / 1000 })),
    );
    const drawing = drawGraph({ ...graph, vertices, edges }, 1000);
    expect(drawing.vertices).toHaveLength(MOST_VERTICES);
    expect(drawing.byId.has(ids[0]!)).toBe(false);
    expect(drawing.byId.has(ids.at(-1)!)).toBe(true);
    expect(drawing.edges.length).toBeLessThanOrEqual(MOST_EDGES);
    expect(drawing.omitted).toEqual({ vertices: 25, edges: edges.length - drawing.edges.length });
    expect(
      drawing.edges.every(({ source, target }) => drawing.byId.has(source) && drawing.byId.has(target)),
    ).toBe(true);
  });
});

describe('cutDrawing of one graph', () => {
  it('leaves out the edges under the floor; those at it stay, and all vertices', () => {
    const drawing = drawGraph(graph, 100);
    expect(cutDrawing(drawing, 0).edges).toHaveLength(2);
    expect(cutDrawing(drawing, 0.2).edges).toHaveLength(2);
    const cut = cutDrawing(drawing, 0.21);
    expect(cut.edges.map(({ id }) => id)).toEqual(['r/l0/3>r/l1/2']);
    expect(cut.vertices).toHaveLength(3);
    expect(cut.faint.size).toBe(0);
  });
});

describe('lightUp', () => {
  const cut = cutDrawing(drawGraph(graph, 100), 0);

  it('lights a vertex with its edges and neighbours', () => {
    const lit = lightUp(cut, null, ['r/l0/3', null]);
    expect(lit.edges.map(({ id }) => id)).toEqual(['r/l0/3>r/l1/2']);
    expect([...lit.vertices].sort()).toEqual(['r/l0/3', 'r/l1/2']);
  });

  it('lights one edge alone, but keeps a pinned vertex', () => {
    const lit = lightUp(cut, 'r/l0/9>r/l1/2', [null, 'r/l0/3']);
    expect(lit.edges).toHaveLength(1);
    expect([...lit.vertices].sort()).toEqual(['r/l0/3', 'r/l0/9', 'r/l1/2']);
  });

  it('lights nothing for what is not there', () => {
    expect(lightUp(cut, null, ['r/l9/9', null]).vertices.size).toBe(0);
  });
});

describe('tileAt', () => {
  it('runs through the diverse pictures from left to right, and stays with the only one there is', () => {
    expect([-0.1, 0, 0.24, 0.26, 0.6, 0.99, 1.2].map((part) => tileAt(part, 5))).toEqual([
      1, 1, 1, 2, 3, 4, 4,
    ]);
    expect(tileAt(0.7, 1)).toBe(0);
  });
});

describe('drawComparison', () => {
  const comparison: Comparison = {
    a: classInfo(0, 100),
    b: classInfo(1, 50),
    operation: 'UNION',
    massA: 0.1,
    massB: 0.1,
    cypher: '',
    vertices: [
      { channel: channel(0, 1), membership: 'ONLY_A', countA: 40, countB: 5, rankA: 0.02, rankB: 0 },
      { channel: channel(0, 2), membership: 'SHARED', countA: 10, countB: 25, rankA: 0.01, rankB: 0.03 },
      { channel: channel(0, 3), membership: 'ONLY_B', countA: 0, countB: 10, rankA: 0, rankB: 0.01 },
      { channel: channel(1, 2), membership: 'SHARED', countA: 10, countB: 10, rankA: 0.01, rankB: 0.01 },
    ],
    edges: [
      { source: 'r/l0/1', target: 'r/l1/2', membership: 'ONLY_A', countA: 30, countB: 0 },
      { source: 'r/l0/2', target: 'r/l1/2', membership: 'SHARED', countA: 10, countB: 30 },
    ],
    layers: [],
    partsAt: null,
  };

  it('puts each into its band, with shares of both classes’ images', () => {
    const drawing = drawComparison(comparison);
    const band = (id: string): number => drawing.layout.places.get(id)!.band;
    expect(['r/l0/1', 'r/l0/2', 'r/l0/3'].map(band)).toEqual([0, 1, 2]);
    const shared = drawing.byId.get('r/l0/2')!;
    expect(shared.shares).toEqual([0.1, 0.5]);
    expect(shared.share).toBe(0.5);
    expect(drawing.edges.map(({ share }) => share)).toEqual([0.3, 0.6]);
  });

  it('keeps what an operation asks for, and the ends of its edges faintly', () => {
    const drawing = drawComparison(comparison);
    const ids = (operation: Parameters<typeof cutDrawing>[2]) => {
      const cut = cutDrawing(drawing, 0, operation);
      return [cut.vertices.map(({ id }) => id), cut.edges.map(({ id }) => id), [...cut.faint]];
    };
    expect(ids('INTERSECTION')).toEqual([['r/l0/2', 'r/l1/2'], ['r/l0/2>r/l1/2'], []]);
    expect(ids('A_MINUS_B')).toEqual([['r/l0/1'], ['r/l0/1>r/l1/2'], ['r/l1/2']]);
    expect(ids('B_MINUS_A')).toEqual([['r/l0/3'], [], []]);
  });

  it('takes an edge out of the class in which it lies under the floor', () => {
    // Seen in 10% of A's images and 60% of B's.
    const cut = cutDrawing(drawComparison(comparison), 0.2);
    const edge = cut.edgeById.get('r/l0/2>r/l1/2')!;
    expect(edge).toMatchObject({ membership: 'ONLY_B', counts: [0, 30], shares: [0, 0.6] });
    expect(cutDrawing(drawComparison(comparison), 0.2, 'INTERSECTION').edges).toEqual([]);
  });

  it('has the same rows as tables', () => {
    const drawing = drawComparison(comparison);
    const classes = [comparison.a, comparison.b];
    const channels = vertexTable(drawing.vertices, classes);
    expect(channels.rows.map(({ cells }) => cells[0]!.text)).toEqual(['l0/1', 'l0/2', 'l0/3', 'l1/2']);
    expect(channels.rows.every(({ cells }) => cells.length === channels.columns.length)).toBe(true);
    expect(channels.rows[1]!.cells[2]!.text).toBe('shared');
    const edges = edgeTable(drawing.edges, drawing.byId, classes, new Map());
    expect(edges.rows.every(({ cells }) => cells.length === edges.columns.length)).toBe(true);
    expect(toTsv(edges).split('\n')[1]).toBe('l0/1\tl1/2\t1\tonly A\t30\t0.3\t0\t0');
  });

  it('sorts a table by any column', () => {
    const { rows } = vertexTable(drawComparison(comparison).vertices, [comparison.a, comparison.b]);
    const byA = sortRows(rows, 3, true).map(({ cells }) => cells[3]!.value);
    expect(byA).toEqual([40, 10, 10, 0]);
    expect(sortRows(rows, 0, true)[0]!.cells[0]!.text).toBe('l1/2');
  });
});

describe('a least A', () => {
  it('takes weaker channels out, and every edge that ends there', () => {
    const cut = cutDrawing(drawGraph(graph, 100), 0, 'UNION', 0.3);
    expect(cut.vertices.map(({ id }) => id)).toEqual(['r/l0/3', 'r/l1/2']);
    expect(cut.edges.map(({ source }) => source)).toEqual(['r/l0/3']);
    expect(cut.faint.size).toBe(0);
  });
});

describe('stretchDrawing', () => {
  it('moves places and lines and leaves sizes as they are', () => {
    const drawing = drawGraph(graph, 100);
    expect(stretchDrawing(drawing, 1, 1)).toBe(drawing);
    const wide = stretchDrawing(drawing, 2, 0.5);
    for (const [id, place] of drawing.layout.places) {
      expect(wide.layout.places.get(id)).toEqual({ ...place, x: 2 * place.x, y: 0.5 * place.y });
    }
    expect(wide.layout).toMatchObject({
      width: 2 * drawing.layout.width,
      height: 0.5 * drawing.layout.height,
    });
    const end = wide.layout.places.get('r/l1/2')!;
    expect(wide.curves[0]!.to).toEqual({ x: end.x, y: end.y + end.size / 2 });
  });
});

describe('beyond', () => {
  const joined = (layer: number, index: number, share: number) => ({
    channel: channel(layer, index),
    count: 100 * share,
    share,
  });
  const known = {
    inputs: [joined(0, 3, 0.8), joined(0, 77, 0.4), joined(0, 5, 0.2)],
    outputs: [joined(9, 1, 0.5)],
  } as unknown as ChannelInClass;

  it('draws what the graph lacks at the right end of its row, the strongest first', () => {
    const drawing = drawGraph(graph, 100);
    const { vertices, edges, places, paths } = beyond(drawing, 'r/l1/2', known);
    // 3 is in the graph, and layer 9 has no row.
    expect(vertices.map(({ id }) => id)).toEqual(['r/l0/77', 'r/l0/5']);
    expect(edges.map(({ id, strength }) => [id, strength])).toEqual([
      ['r/l0/77>r/l1/2', 0.5],
      ['r/l0/5>r/l1/2', 0.25],
    ]);
    const row = [...drawing.layout.places.values()].filter((place) => place.row === 1);
    const end = Math.max(...row.map(({ x, size }) => x + size / 2));
    const [first, second] = [places.get('r/l0/77')!, places.get('r/l0/5')!];
    expect(first.x - first.size / 2).toBeGreaterThan(end);
    expect(second.x - second.size / 2).toBeGreaterThan(first.x + first.size / 2);
    expect(first.y).toBe(drawing.layout.rows[1]!.y);
    expect([...paths.keys()]).toEqual(edges.map(({ id }) => id));
  });

  it('is nothing without a pin or an answer', () => {
    const drawing = drawGraph(graph, 100);
    expect(beyond(drawing, null, known).vertices).toEqual([]);
    expect(beyond(drawing, 'r/l1/2', null).vertices).toEqual([]);
    expect(beyond(drawing, 'r/gone/1', known).vertices).toEqual([]);
  });
});
