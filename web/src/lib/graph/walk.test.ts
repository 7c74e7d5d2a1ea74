import { describe, expect, it } from 'vitest';
import type { Layout, Place } from './layout';
import { entrance, step } from './walk';

const places: Place[] = [
  { id: 'top', x: 50, y: 0, size: 40, row: 0, column: 0, band: 0 },
  { id: 'left', x: 10, y: 100, size: 40, row: 1, column: 0, band: 0 },
  { id: 'middle', x: 60, y: 100, size: 40, row: 1, column: 1, band: 0 },
  { id: 'right', x: 110, y: 100, size: 40, row: 1, column: 2, band: 0 },
  { id: 'low', x: 100, y: 200, size: 40, row: 2, column: 0, band: 0 },
];
const layout: Layout = {
  places: new Map(places.map((place) => [place.id, place])),
  rows: [],
  bands: [],
  width: 0,
  height: 0,
};

describe('step', () => {
  it('goes along a row and stops at its ends', () => {
    expect(step(layout, 'left', 'right')).toBe('middle');
    expect(step(layout, 'middle', 'left')).toBe('left');
    expect(step(layout, 'right', 'right')).toBeNull();
    expect(step(layout, 'middle', 'first')).toBe('left');
    expect(step(layout, 'middle', 'last')).toBe('right');
  });

  it('goes to the nearest of the next row', () => {
    expect(step(layout, 'top', 'down')).toBe('middle');
    expect(step(layout, 'low', 'up')).toBe('right');
    expect(step(layout, 'top', 'up')).toBeNull();
  });

  it('passes over what is not shown, and over rows that are empty then', () => {
    const shown = (id: string): boolean => !['left', 'middle', 'right'].includes(id);
    expect(step(layout, 'top', 'down', shown)).toBe('low');
    expect(step(layout, 'left', 'right', (id) => id !== 'middle')).toBe('right');
  });

  it('leads nowhere from an unknown vertex', () => {
    expect(step(layout, 'gone', 'left')).toBeNull();
  });
});

describe('entrance', () => {
  it('is the first of the top row that is shown', () => {
    expect(entrance(layout)).toBe('top');
    expect(entrance(layout, (id) => id !== 'top')).toBe('left');
    expect(entrance(layout, () => false)).toBeNull();
  });
});
