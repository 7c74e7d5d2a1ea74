import { describe, expect, it } from 'vitest';
import { kindsOf, SHAPES, shapePath } from './kinds';

describe('kinds', () => {
  it('are given by index, each class its own, and none beyond the shapes that there are', () => {
    expect([...kindsOf([9, 3, 9, 5])]).toEqual([
      [3, 0],
      [5, 1],
      [9, 2],
    ]);
    const many = kindsOf(Array.from({ length: 20 }, (_, i) => i));
    expect(new Set([...many.values()].slice(0, SHAPES.length)).size).toBe(SHAPES.length);
    expect([...many.values()].slice(SHAPES.length).every((kind) => kind === null)).toBe(true);
  });

  it('have shapes that differ and stay near their place', () => {
    const paths = SHAPES.map((_, kind) => shapePath(kind, { x: 100, y: 50 }, 10));
    expect(new Set(paths).size).toBe(SHAPES.length);
    for (const path of paths.slice(1)) {
      const numbers = path.match(/-?[\d.]+/g)!.map(Number);
      numbers.forEach((value, i) => expect(Math.abs(value - (i % 2 === 0 ? 100 : 50))).toBeLessThan(14));
    }
    expect(shapePath(null, { x: 0, y: 0 }, 2)).toBe(shapePath(0, { x: 0, y: 0 }, 2));
  });
});
