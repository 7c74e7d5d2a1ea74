import { describe, expect, it } from 'vitest';
import { formatCount, formatRank, formatShare, ordinal, plural } from './format';
import { classId, globalId, localId } from './ids';

describe('formatShare', () => {
  it.each([
    [0, '0%'],
    [0.0004, '<0.1%'],
    [0.001, '0.1%'],
    [0.05, '5%'],
    [0.075, '7.5%'],
    [0.0994, '9.9%'],
    [0.0996, '10%'],
    [0.125, '13%'],
    [0.9951, '100%'],
    [1, '100%'],
  ])('%f is %s', (share, text) => {
    expect(formatShare(share)).toBe(text);
  });
});

describe('other words', () => {
  it('writes counts, ranks and ordinals', () => {
    expect(formatCount(1281167)).toBe('1,281,167');
    expect(plural(1, 'image')).toBe('1 image');
    expect(plural(0, 'class', 'classes')).toBe('0 classes');
    expect(formatRank(0.0123456)).toBe('0.0123');
    expect(formatRank(0.00001234)).toBe('0.0000123');
    expect(formatRank(0.0000001234)).toBe('1.23e−7');
    expect(formatRank(0)).toBe('0');
    expect([1, 2, 3, 4, 11, 12, 13, 21, 101, 111, 1002].map(ordinal)).toEqual([
      '1st',
      '2nd',
      '3rd',
      '4th',
      '11th',
      '12th',
      '13th',
      '21st',
      '101st',
      '111th',
      '1,002nd',
    ]);
  });

  it('takes ids apart and puts them together', () => {
    expect(localId('demo/features.3/17')).toBe('features.3/17');
    expect(globalId('demo', localId('demo/features.3/17'))).toBe('demo/features.3/17');
    expect(classId('demo', '7')).toBe('demo/7');
  });
});
