import { describe, expect, it } from 'vitest';
import type { Table } from '$lib/graph/table';
import { fileName, toCsv } from './csv';
import { outlinePath, stripTile, tileKey, type Scene } from './scene';
import { toSvg } from './svg';

const tile = stripTile({ url: '/images/x', tiles: 10 }, 3)!;
const scene: Scene = {
  title: 'bear & <wolf>',
  width: 200,
  height: 100,
  background: 'white',
  empty: 'silver',
  shapes: [
    { kind: 'path', id: 'a>b', d: 'M0 0L10 10', stroke: 'black', width: 1.5, opacity: 0.4 },
    { kind: 'text', x: 4, y: 8, text: '"x" < y', size: 12, fill: 'black', anchor: 'end', bold: true },
    { kind: 'rect', x: 1, y: 2, width: 3, height: 4, fill: 'red' },
    ...[0, 1].map((at) => ({
      kind: 'picture' as const,
      id: `run/layer/${at}`,
      x: 50,
      y: 50,
      side: 40,
      outline: 'circle' as const,
      color: 'blue',
      line: 2,
      tile,
      title: `layer/${at}`,
    })),
    {
      kind: 'picture',
      id: 'run/layer/2',
      x: 50,
      y: 50,
      side: 40,
      outline: 'rounded',
      color: 'blue',
      line: 2,
      tile: null,
      title: 'layer/2',
    },
  ],
};

describe('a scene as SVG', () => {
  const svg = toSvg(scene, new Map([[tileKey(tile), 'data:image/jpeg;base64,AAAA']]));

  it('names everything it shows', () => {
    expect([...svg.matchAll(/<g data-id="([^"]+)"/g)].map((found) => found[1])).toEqual([
      'run/layer/0',
      'run/layer/1',
      'run/layer/2',
    ]);
    expect(svg).toContain('<path data-id="a&gt;b" d="M0 0L10 10" fill="none" stroke="black"');
    expect(svg).toContain('<title>bear &amp; &lt;wolf&gt;</title>');
    expect(svg).toContain('text-anchor="end" font-weight="600" fill="black">"x" &lt; y</text>');
  });

  it('holds each picture once and points at nothing outside', () => {
    expect(svg.match(/data:image/g)).toHaveLength(1);
    expect(svg.match(/<use href="#p0"/g)).toHaveLength(2);
    expect(svg.match(/(?:href|src)="(?!#|data:)[^"]*"/g)).toBeNull();
    expect(toSvg(scene, new Map())).not.toContain('<use');
  });
});

describe('outlines', () => {
  it.each(['rounded', 'square', 'circle', 'octagon'] as const)(
    '%s closes and stays in its square',
    (outline) => {
      const path = outlinePath(outline, 10, 20, 8);
      expect(path).toMatch(/^M.*z$/);
      const [x, y] = path
        .slice(1)
        .split(/[^\d.-]+/)
        .map(Number);
      expect(x).toBeGreaterThanOrEqual(6);
      expect(x).toBeLessThanOrEqual(14);
      expect(y).toBeGreaterThanOrEqual(16);
      expect(y).toBeLessThanOrEqual(24);
    },
  );
});

describe('a table as CSV', () => {
  const cell = (value: number | string) => ({ text: String(value), value });
  const table: Table = {
    columns: [
      { name: 'Class', numeric: false },
      { name: 'A, share', numeric: true },
    ],
    rows: [
      { id: '0', cells: [cell('bear, "black"'), cell(0.125)] },
      { id: '1', cells: [cell('=1+1'), cell(-3)] },
    ],
  };

  it('quotes what has to be, and writes no formula', () => {
    expect(toCsv(table)).toBe('Class,"A, share"\r\n"bear, ""black""",0.125\r\n\'=1+1,-3\r\n');
  });

  it('names files so that every system takes them', () => {
    expect(fileName(['demo', 'black bear / brown bear'], 'svg')).toBe('demo-black-bear-brown-bear.svg');
    expect(fileName(['été'], 'csv')).toBe('ete.csv');
    expect(fileName(['::'], 'csv')).toBe('arete.csv');
  });
});
