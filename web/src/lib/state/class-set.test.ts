import { describe, expect, it } from 'vitest';
import { membersOf, withoutMembers, writeSet } from './class-set';

const groups = [{ name: 'bears', classIds: ['run/294', 'run/295', 'run/297'] }];

describe('a set of classes', () => {
  it('reads indexes and named groups, each class once', () => {
    expect(membersOf(['7', '3', '4', '4'], [])).toEqual([3, 4, 7]);
    expect(membersOf(['@bears', '295', '2'], groups)).toEqual([2, 294, 295, 297]);
  });

  it('leaves out what names nothing', () => {
    expect(membersOf(['@wolves', 'x', '-1', ''], groups)).toEqual([]);
  });

  it('loses what the other side takes, and keeps a name that still fits', () => {
    expect(withoutMembers(['@bears', '7'], [3, 4], groups)).toEqual(['@bears', '7']);
    expect(withoutMembers(['@bears', '7'], [295], groups)).toEqual(['7', '294', '297']);
    expect(withoutMembers(['3'], [3], [])).toEqual([]);
  });

  it('is written in order, and comes back', () => {
    expect(writeSet([5, 3, 10, 3])).toEqual(['3', '5', '10']);
    expect(membersOf(writeSet([10, 5]), [])).toEqual([5, 10]);
  });
});
