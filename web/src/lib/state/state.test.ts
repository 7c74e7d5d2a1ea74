import { describe, expect, it, vi } from 'vitest';
import { ApiError } from '$lib/api/client';
import type { ClassInfo } from '$lib/api/operations';
import { arrange } from './classes.svelte';
import { Resource } from './resource.svelte';

const settled = (): Promise<void> => new Promise((resolve) => setTimeout(resolve));

describe('Resource', () => {
  it('keeps the last answer while the next is on its way', async () => {
    const resource = new Resource<string>();
    resource.load('a', async () => 'first');
    await settled();
    let finish = (_: string): void => undefined;
    resource.load('b', () => new Promise((resolve) => (finish = resolve)));
    expect(resource).toMatchObject({ data: 'first', key: 'a', loading: true });
    finish('second');
    await settled();
    expect(resource).toMatchObject({ data: 'second', key: 'b', loading: false });
  });

  it('asks a question once, and remembers its answer', async () => {
    const resource = new Resource<string>();
    const question = vi.fn(async () => 'answer');
    resource.load('a', question);
    resource.load('a', question);
    await settled();
    resource.load('b', async () => 'other');
    await settled();
    resource.load('a', question);
    expect(resource.data).toBe('answer');
    expect(question).toHaveBeenCalledTimes(1);
  });

  it('lets a late answer to an older question change nothing', async () => {
    const resource = new Resource<string>();
    let finish = (_: string): void => undefined;
    let aborted = false;
    resource.load('slow', (signal) => {
      signal.addEventListener('abort', () => (aborted = true));
      return new Promise((resolve) => (finish = resolve));
    });
    resource.load('quick', async () => 'quick');
    await settled();
    finish('slow');
    await settled();
    expect(aborted).toBe(true);
    expect(resource).toMatchObject({ data: 'quick', key: 'quick', loading: false });
  });

  it('shows an error, and asks again on retry', async () => {
    const resource = new Resource<string>();
    const question = vi
      .fn<() => Promise<string>>()
      .mockRejectedValueOnce(new ApiError('gone', 'NETWORK', 'start it'))
      .mockResolvedValueOnce('back');
    resource.load('a', question);
    await settled();
    expect(resource.error).toMatchObject({ message: 'gone', hint: 'start it' });
    resource.retry();
    await settled();
    expect(resource).toMatchObject({ data: 'back', error: null });
  });
});

describe('arrange', () => {
  const classes = [
    { index: 0, name: 'brown bear', accuracy: 0.5 },
    { index: 1, name: 'Polar_bear', accuracy: null },
    { index: 2, name: 'axolotl', accuracy: 0.9 },
    { index: 12, name: 'bear trap', accuracy: 0.5 },
  ] as ClassInfo[];
  const found = (search: string, sort: Parameters<typeof arrange>[2]): number[] =>
    arrange(classes, search, sort).map(({ index }) => index);

  it('sorts by index, name and accuracy, unknown accuracy last', () => {
    expect(found('', 'index')).toEqual([0, 1, 2, 12]);
    expect(found('', 'name')).toEqual([2, 12, 0, 1]);
    expect(found('', 'accuracy-down')).toEqual([2, 0, 12, 1]);
    expect(found('', 'accuracy-up')).toEqual([0, 12, 2, 1]);
  });

  it('sorts by likeness, the unknown last, ties by index', () => {
    const cosines = new Map([
      [2, 0.4],
      [12, 0.9],
      [1, 0.4],
    ]);
    expect(arrange(classes, '', 'similarity', cosines).map(({ index }) => index)).toEqual([12, 1, 2, 0]);
    expect(found('', 'similarity')).toEqual([0, 1, 2, 12]);
  });

  it('finds by any words of the name, in any case, and by index', () => {
    expect(found('bear', 'index')).toEqual([0, 1, 12]);
    expect(found('BEAR polar', 'index')).toEqual([1]);
    expect(found('12', 'index')).toEqual([12]);
    expect(found('wolf', 'index')).toEqual([]);
  });
});
