import { describe, expect, it } from 'vitest';
import { Steps } from './steps';

describe('Steps', () => {
  it('goes back and forward through what was left', () => {
    const steps = new Steps<string>();
    steps.add('a', null, 0);
    steps.add('b', null, 1);
    expect(steps.undo('c')).toBe('b');
    expect(steps.undo('b')).toBe('a');
    expect(steps.undo('a')).toBeUndefined();
    expect(steps.redo('a')).toBe('b');
    expect(steps.redo('b')).toBe('c');
    expect(steps.redo('c')).toBeUndefined();
  });

  it('takes the adjustments of one drag as one step', () => {
    const steps = new Steps<number>();
    steps.add(0, 'mass', 0);
    steps.add(1, 'mass', 300);
    steps.add(2, 'mass', 900);
    expect(steps.undo(3)).toBe(0);
    expect(steps.redo(0)).toBe(3);
    steps.add(3, 'mass', 950);
    steps.add(4, 'floor', 960);
    steps.add(5, 'floor', 5000);
    expect([steps.undo(6), steps.undo(5), steps.undo(4)]).toEqual([5, 4, 3]);
  });

  it('forgets what was undone once something else is done', () => {
    const steps = new Steps<string>();
    steps.add('a', null, 0);
    steps.undo('b');
    steps.add('a', null, 1);
    expect(steps.redo('c')).toBeUndefined();
    expect(steps.undo('c')).toBe('a');
  });
});
