import { describe, expect, it } from 'vitest';
import type { ImageInfo, Matrix } from '$lib/api/operations';
import { arrangeRows, MOST_IMAGES, verdict, writeImages } from './rows';

const image = (number: number, own: number, taken: number | null, probability = 0.12): ImageInfo => ({
  id: `run/image:${number}`,
  number,
  probability,
  classId: `run/${own}`,
  predictedId: taken === null ? null : `run/${taken}`,
  thumbnail: null,
});
const NAMES = ['goldfish', 'bullfrog', 'tailed frog'];
const nameOf = (index: number) => NAMES[index];

describe('an image', () => {
  it('is right, or taken for another class, with the probability of its own', () => {
    expect(verdict(image(1, 1, 1, 0.98), nameOf)).toBe('right, 98%');
    expect(verdict(image(1, 1, 2), nameOf)).toBe('taken for tailed frog, 12%');
    expect(verdict(image(1, 1, 77), nameOf)).toBe('taken for another class, 12%');
    expect(verdict({ ...image(1, 1, null), probability: null }, nameOf)).toBe('taken for another class');
  });
});

describe('rows', () => {
  const row = (id: string, single: ImageInfo | null) => ({
    id,
    class: single ? null : { id, index: Number(id.slice(4)), name: NAMES[Number(id.slice(4))]! },
    image: single,
    unit: single ? ('OF_LARGEST' as const) : ('SHARE_OF_IMAGES' as const),
    largest: single ? 3.5 : null,
  });
  const matrix = {
    rows: [
      row('run/2', null),
      row('run/1', null),
      row('run/image:9', image(9, 0, 0, 0.9)),
      row('run/image:3', image(3, 1, 2)),
      row('run/image:4', image(4, 2, 2, 0.5)),
    ],
    channels: [{}, {}],
    values: [0.5, 0.25, 0, 1, 1, 0, 0.125, 1, 0.75, 1],
  } as unknown as Matrix;

  it('come as the classes do, each followed by its images, the others last', () => {
    const rows = arrangeRows(matrix, nameOf);
    expect(rows.map(({ id }) => id)).toEqual(['2', 'image:4', '1', 'image:3', 'image:9']);
    expect(rows.map(({ name }) => name)).toEqual([
      'tailed frog',
      'right, 50%',
      'bullfrog',
      'taken for tailed frog, 12%',
      'goldfish: right, 90%',
    ]);
    expect(rows.map(({ values }) => [...Array.from(values)])).toEqual([
      [0.5, 0.25],
      [0.75, 1],
      [0, 1],
      [0.125, 1],
      [1, 0],
    ]);
    expect(rows.map(({ single, largest }) => [single, largest])).toEqual([
      [false, null],
      [true, 3.5],
      [false, null],
      [true, 3.5],
      [true, 3.5],
    ]);
  });

  it('are written in order, each once, and no more than a link holds', () => {
    expect(writeImages([9, 3, 9])).toEqual(['3', '9']);
    expect(writeImages(Array.from({ length: 500 }, (_, i) => i))).toHaveLength(MOST_IMAGES);
  });
});
