import { describe, expect, it } from 'vitest';
import { orderColumns, spanInSight, stepCell, tone } from './grid';

describe('columns', () => {
  const rows = [
    { id: 'a', values: [0.1, 0.5, 0.5, 0] },
    { id: 'b', values: [0, 0, 1, 0.2] },
  ];

  it('come in the order of any row, equal ones by index', () => {
    expect(orderColumns(rows, 4, 'index')).toEqual([0, 1, 2, 3]);
    expect(orderColumns(rows, 4, 'a')).toEqual([1, 2, 0, 3]);
    expect(orderColumns(rows, 4, 'b')).toEqual([2, 3, 0, 1]);
    expect(orderColumns(rows, 4, 'gone')).toEqual([0, 1, 2, 3]);
  });

  it('come in the order of the mean, or of what tells the rows apart', () => {
    expect(orderColumns(rows, 4, 'mean')).toEqual([2, 1, 3, 0]);
    expect(orderColumns(rows, 4, 'spread')).toEqual([1, 2, 3, 0]);
  });
});

describe('columns beside single images', () => {
  const image = { id: 'image:7', values: [1, 0, 0, 0.9], single: true };
  it('come by the classes, where there are any to go by, and by any row that is chosen', () => {
    const rows = [{ id: 'a', values: [0.1, 0.5, 0.5, 0] }, image];
    expect(orderColumns(rows, 4, 'mean')).toEqual([1, 2, 0, 3]);
    expect(orderColumns(rows, 4, 'spread')).toEqual([0, 3, 1, 2]);
    expect(orderColumns(rows, 4, 'image:7')).toEqual([0, 3, 1, 2]);
    expect(orderColumns([image], 4, 'mean')).toEqual([0, 3, 1, 2]);
  });
});

describe('what is in sight', () => {
  it('holds every cell that is seen in part, and no other', () => {
    expect(spanInSight(0, 100, 20, 832)).toEqual({ first: 0, end: 5 });
    expect(spanInSight(10, 100, 20, 832)).toEqual({ first: 0, end: 6 });
    expect(spanInSight(16_600, 100, 20, 832)).toEqual({ first: 830, end: 832 });
    expect(spanInSight(40, 100, 20, 832, 3)).toEqual({ first: 0, end: 10 });
    expect(spanInSight(0, 100, 20, 0)).toEqual({ first: 0, end: 0 });
    expect(spanInSight(5_000, 100, 20, 3)).toEqual({ first: 3, end: 3 });
  });
});

describe('a tone', () => {
  it('grows with the value, up to the largest', () => {
    expect(tone(0, 0.8)).toBe(0);
    expect(tone(0.2, 0.8)).toBeCloseTo(0.5);
    expect(tone(0.8, 0.8)).toBe(1);
    expect(tone(2, 0.8)).toBe(1);
    expect(tone(0, 0)).toBe(0);
  });
});

describe('the keyboard', () => {
  const from = { row: 1, column: 4 };
  it('moves by one cell, by a page, and to the ends, and stays inside', () => {
    expect(stepCell(from, 'ArrowLeft', 3, 10, 4)).toEqual({ row: 1, column: 3 });
    expect(stepCell(from, 'ArrowDown', 3, 10, 4)).toEqual({ row: 2, column: 4 });
    expect(stepCell({ row: 2, column: 4 }, 'ArrowDown', 3, 10, 4)).toEqual({ row: 2, column: 4 });
    expect(stepCell(from, 'PageDown', 3, 10, 4)).toEqual({ row: 1, column: 8 });
    expect(stepCell(from, 'PageDown', 3, 10, 40)).toEqual({ row: 1, column: 9 });
    expect(stepCell(from, 'Home', 3, 10, 4)).toEqual({ row: 1, column: 0 });
    expect(stepCell(from, 'End', 3, 10, 4, true)).toEqual({ row: 2, column: 9 });
    expect(stepCell(from, 'x', 3, 10, 4)).toBeNull();
  });
});
