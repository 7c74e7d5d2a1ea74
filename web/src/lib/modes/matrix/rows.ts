/** Rows of a matrix: classes, each followed by its single images. */

import type { ImageInfo, Matrix } from '$lib/api/operations';
import { indexOf } from '$lib/state/space';
import { formatShare } from '$lib/util/format';
import { localId } from '$lib/util/ids';
import type { MatrixRow } from './grid';

/** Images that can be rows at once: more would leave no room in a link. */
export const MOST_IMAGES = 60;
/** The server's most of rows of both kinds. */
export const MOST_ROWS = 200;

export interface ShownRow extends MatrixRow {
  name: string;
  values: Float32Array;
  /** The image, where it is the row of one. */
  image: ImageInfo | null;
  /** The activation that 1 stands for in an image's row. */
  largest: number | null;
}

/** Name of a class by its index, where the run has it. */
export type NameOf = (index: number) => string | undefined;

/** Whether the model gave its own class the largest output. */
export const isRight = (image: Pick<ImageInfo, 'classId' | 'predictedId'>): boolean =>
  image.predictedId === image.classId;

/** `right, 98%` or `taken for bullfrog, 12%`: the percentage is the probability of its own class. */
export function verdict(image: ImageInfo, nameOf: NameOf): string {
  const taken = image.predictedId === null ? undefined : nameOf(indexOf(image.predictedId));
  const words = isRight(image) ? 'right' : `taken for ${taken ?? 'another class'}`;
  return image.probability === null ? words : `${words}, ${formatShare(image.probability)}`;
}

/** A class's row, then those of its images; at the end the images of classes that have no row. */
export function arrangeRows(matrix: Matrix, nameOf: NameOf): ShownRow[] {
  const width = matrix.channels.length;
  const values = Float32Array.from(matrix.values);
  const rows = matrix.rows.map((row, i): ShownRow & { of: string } => ({
    id: localId(row.id),
    of: row.image?.classId ?? row.id,
    name: row.image ? verdict(row.image, nameOf) : (row.class?.name ?? localId(row.id)),
    values: values.subarray(i * width, (i + 1) * width),
    single: row.image !== null,
    image: row.image,
    largest: row.largest,
  }));
  const classes = rows.filter(({ single }) => !single);
  const placed = new Set(classes.map(({ of }) => of));
  const images = rows.filter(({ single }) => single);
  return [
    ...classes.flatMap((row) => [row, ...images.filter(({ of }) => of === row.of)]),
    ...images
      .filter(({ of }) => !placed.has(of))
      .sort((a, b) => indexOf(a.of) - indexOf(b.of))
      .map((row) => ({ ...row, name: `${nameOf(indexOf(row.of)) ?? row.of}: ${row.name}` })),
  ];
}

/** Numbers of images as the link keeps them: ascending, which is also short; of too many the first. */
export function writeImages(numbers: Iterable<number>): string[] {
  return [...new Set(numbers)]
    .sort((a, b) => a - b)
    .slice(0, MOST_IMAGES)
    .map(String);
}
