import { describe, expect, it } from 'vitest';
import { FIRST_VIEW, formatView, openView, parseView, type View } from './address';

const full: View = {
  run: 'googlenet-tiny.1',
  mode: 'compare',
  class: '295',
  b: '294',
  operation: 'A_MINUS_B',
  mass: 0.125,
  floor: 0.02,
  least: 0.1,
  width: 1.5,
  height: 0.75,
  pin: 'features.denseblock4/447',
  mark: ['features.3/1', 'features.4/2'],
  more: true,
  table: true,
  layer: 'features.denseblock3',
  channel: 'features.denseblock4/12',
  sort: 'accuracy-up',
  form: 'beside',
  own: true,
  atLeast: 3,
  setB: ['7', '@cats'],
  atLeastB: 2,
  pattern: 'DIAMOND',
  support: 0.25,
  parts: false,
  by: '12',
  images: ['7', '9'],
  set: ['151', '152', '153', '300', '@dogs'],
};

describe('the address of a view', () => {
  it('comes back as the same view', () => {
    expect(parseView(formatView(full))).toEqual(full);
    expect(parseView(formatView(FIRST_VIEW))).toEqual(FIRST_VIEW);
  });

  it('can be read by people and stays short', () => {
    expect(formatView({ ...FIRST_VIEW, run: 'demo', class: '3', pin: 'mixed4c/447' })).toBe(
      '?v=3&run=demo&class=3&pin=mixed4c/447',
    );
    expect(formatView(full).length).toBeLessThan(2000);
  });

  it('carries every operation and sort', () => {
    for (const operation of ['UNION', 'INTERSECTION', 'A_MINUS_B', 'B_MINUS_A'] as const) {
      expect(parseView(formatView({ ...full, operation })).operation).toBe(operation);
    }
    for (const sort of ['similarity', 'index', 'name', 'accuracy-down', 'accuracy-up'] as const) {
      expect(parseView(formatView({ ...full, sort })).sort).toBe(sort);
    }
  });

  it('holds all thousand classes, or every second one of 118, in a short link', () => {
    const all = Array.from({ length: 1000 }, (_, i) => String(i));
    const dogs = Array.from({ length: 118 }, (_, i) => String(151 + 2 * i));
    for (const set of [all, dogs]) {
      const address = formatView({ ...full, set });
      expect(address.length).toBeLessThan(2000);
      expect(parseView(address).set).toEqual(set);
    }
    expect(formatView({ ...FIRST_VIEW, set: ['3', '4', '7', '8', '9'] })).toBe('?v=3&set=3,4,7-9');
    expect(parseView('?set=5-3,a-b,1-99999999').set).toEqual(['5-3', 'a-b', '1-99999999']);
  });

  it('takes what is odd as not given', () => {
    const odd = '?v=9&mode=fly&op=xor&mass=7&floor=-1&show=tables&sort=random&class=&new=1';
    const { view, unknown } = openView(odd);
    expect(view).toEqual(FIRST_VIEW);
    expect(unknown).toEqual(
      expect.arrayContaining([
        'mode=fly',
        'op=xor',
        'mass=7',
        'floor=-1',
        'show=tables',
        'sort=random',
        'new=1',
      ]),
    );
    expect(unknown).toHaveLength(7);
    expect(parseView('?mass=abc&mass=&floor=NaN')).toEqual(FIRST_VIEW);
    expect(parseView('?mass=0').mass).toBeNull();
  });

  it('of an older version opens as it was meant then', () => {
    const old = openView(
      '?v=1&run=demo&mode=compare&class=3&b=5&op=a-b&mass=0.1&floor=0.02&pin=mixed4c/447&show=table',
    );
    expect(old).toEqual({
      view: {
        ...FIRST_VIEW,
        run: 'demo',
        mode: 'compare',
        class: '3',
        b: '5',
        operation: 'A_MINUS_B',
        mass: 0.1,
        floor: 0.02,
        pin: 'mixed4c/447',
        table: true,
        sort: 'index',
      },
      unknown: [],
    });
    expect(parseView('?v=1&sort=name').sort).toBe('name');
    expect(parseView('?v=2').sort).toBe('similarity');
  });

  it('of version 2 lists the motifs that it listed then', () => {
    const old = openView('?v=2&run=demo&mode=motifs&set=1-4');
    expect(old.unknown).toEqual([]);
    expect(old.view).toMatchObject({ parts: false, own: true, mass: null });
    expect(parseView('?v=2&mode=motifs&mass=0.2&parts=all')).toMatchObject({
      parts: true,
      own: false,
      mass: 0.2,
    });
    expect(parseView('?v=2&mode=compare').own).toBe(false);
    expect(parseView('?v=3&mode=motifs').parts).toBe(true);
  });

  it('keeps an unknown class as it was written, so that it can be named', () => {
    expect(parseView('?run=x&class=no such').class).toBe('no such');
    expect(parseView(formatView({ ...FIRST_VIEW, class: 'a&b=c' })).class).toBe('a&b=c');
  });
});
