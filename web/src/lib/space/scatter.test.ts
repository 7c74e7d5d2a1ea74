import { describe, expect, it } from 'vitest';
import {
  between,
  enclosed,
  labelled,
  nearest,
  pointAhead,
  toWindow,
  toggled,
  unitPoints,
  wayIntoSight,
  type Point,
} from './scatter';

const at = (index: number, x: number, y: number): Point => ({ index, x, y });

describe('unitPoints', () => {
  it('fills the square along the longer axis and centres the other', () => {
    expect(unitPoints([7, 8, 9], [0, 10, 20], [5, 10, 5])).toEqual([
      at(7, 0, 0.375),
      at(8, 0.5, 0.625),
      at(9, 1, 0.375),
    ]);
  });

  it('puts one point, and equal points, in the middle', () => {
    expect(unitPoints([3], [42], [-1])).toEqual([at(3, 0.5, 0.5)]);
  });
});

describe('toWindow', () => {
  it('keeps the square in the middle of the window, and follows zoom and pan', () => {
    const size = { width: 228, height: 128 };
    expect(toWindow({ x: 0, y: 0 }, size, { k: 1, x: 0, y: 0 })).toEqual({ x: 64, y: 14 });
    expect(toWindow({ x: 1, y: 1 }, size, { k: 2, x: -10, y: 5 })).toEqual({ x: 318, y: 233 });
  });
});

describe('nearest', () => {
  const points = [at(0, 10, 10), at(1, 14, 10), at(2, 100, 100)];
  it('is the closest within reach', () => {
    expect(nearest(points, { x: 13, y: 10 }, 8)?.index).toBe(1);
    expect(nearest(points, { x: 60, y: 60 }, 8)).toBeNull();
  });
});

describe('enclosed', () => {
  it('holds what lies inside, also of a line with a dent', () => {
    const line = [
      { x: 0, y: 0 },
      { x: 10, y: 0 },
      { x: 10, y: 10 },
      { x: 5, y: 4 },
      { x: 0, y: 10 },
    ];
    const points = [at(0, 2, 2), at(1, 5, 8), at(2, 9, 8), at(3, 11, 5), at(4, 5, 3)];
    expect(enclosed(points, line).map(({ index }) => index)).toEqual([0, 2, 4]);
    expect(enclosed(points, [])).toEqual([]);
  });
});

describe('pointAhead', () => {
  const points = [at(0, 0, 0), at(1, 10, 1), at(2, 5, 30), at(3, -8, 2), at(4, 3, -9)];
  const lead = (key: string): number | undefined => pointAhead(points, points[0]!, key)?.index;
  it('leads to what lies in the direction of the key', () => {
    expect([lead('ArrowRight'), lead('ArrowDown'), lead('ArrowLeft'), lead('ArrowUp')]).toEqual([1, 2, 3, 4]);
    expect(pointAhead(points, points[1]!, 'ArrowRight')).toBeNull();
  });
});

describe('between', () => {
  it('moves what was there, and puts what is new at its goal', () => {
    const from = new Map([[0, at(0, 0, 0)]]);
    expect(between(from, [at(0, 1, 2), at(5, 3, 3)], 0.5)).toEqual([at(0, 0.5, 1), at(5, 3, 3)]);
  });
});

describe('labelled', () => {
  it('lets no two labels meet, the earlier ones first', () => {
    const points = [at(0, 0, 0), at(1, 10, 5), at(2, 60, 0), at(3, 61, 40)];
    expect(labelled(points, () => 30, 14, 9).map(({ index }) => index)).toEqual([0, 2, 3]);
    expect(labelled(points, () => 30, 14, 2)).toHaveLength(2);
  });
});

describe('wayIntoSight', () => {
  it('is nothing for what is seen, and the shortest way for what is outside', () => {
    const size = { width: 100, height: 60 };
    expect(wayIntoSight({ x: 50, y: 30 }, size, 10)).toEqual({ dx: 0, dy: 0 });
    expect(wayIntoSight({ x: -5, y: 55 }, size, 10)).toEqual({ dx: 15, dy: -5 });
    expect(wayIntoSight({ x: 130, y: 3 }, size, 10)).toEqual({ dx: -40, dy: 7 });
  });
});

describe('toggled', () => {
  it('takes in what was outside and lets go what was in', () => {
    expect(toggled(new Set([3, 5]), 4)).toEqual([3, 5, 4]);
    expect(toggled(new Set([3, 5]), 3)).toEqual([5]);
  });
});
