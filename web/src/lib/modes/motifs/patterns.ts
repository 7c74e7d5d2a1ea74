/** The shapes of motifs that can be asked for. */

import type { MotifPattern } from '$lib/api/operations';

/** Each shape's name, what it is, and its picture on a 24 by 16 grid: points, and lines between them. */
export const PATTERNS: {
  pattern: MotifPattern;
  name: string;
  words: string;
  points: [number, number][];
  lines: [number, number][];
}[] = [
  {
    pattern: 'PATH_2',
    name: 'Path of 2',
    words: 'two edges in a row',
    points: [
      [3, 8],
      [12, 8],
      [21, 8],
    ],
    lines: [
      [0, 1],
      [1, 2],
    ],
  },
  {
    pattern: 'PATH_3',
    name: 'Path of 3',
    words: 'three edges in a row',
    points: [
      [3, 8],
      [9, 8],
      [15, 8],
      [21, 8],
    ],
    lines: [
      [0, 1],
      [1, 2],
      [2, 3],
    ],
  },
  {
    pattern: 'PATH_4',
    name: 'Path of 4',
    words: 'four edges in a row',
    points: [
      [2, 8],
      [7, 8],
      [12, 8],
      [17, 8],
      [22, 8],
    ],
    lines: [
      [0, 1],
      [1, 2],
      [2, 3],
      [3, 4],
    ],
  },
  {
    pattern: 'WEDGE_IN',
    name: 'Wedge in',
    words: 'two channels influence a third',
    points: [
      [5, 3],
      [5, 13],
      [19, 8],
    ],
    lines: [
      [0, 2],
      [1, 2],
    ],
  },
  {
    pattern: 'WEDGE_OUT',
    name: 'Wedge out',
    words: 'one channel influences two',
    points: [
      [5, 8],
      [19, 3],
      [19, 13],
    ],
    lines: [
      [0, 1],
      [0, 2],
    ],
  },
  {
    pattern: 'DIAMOND',
    name: 'Diamond',
    words: 'two paths of two edges with the same ends',
    points: [
      [3, 8],
      [12, 3],
      [12, 13],
      [21, 8],
    ],
    lines: [
      [0, 1],
      [0, 2],
      [1, 3],
      [2, 3],
    ],
  },
  {
    pattern: 'TRIANGLE',
    name: 'Triangle',
    words: 'a path of two edges and a skip edge between its ends',
    points: [
      [3, 12],
      [12, 4],
      [21, 12],
    ],
    lines: [
      [0, 1],
      [1, 2],
      [0, 2],
    ],
  },
  {
    pattern: 'SUBGRAPH',
    name: 'Subgraph',
    words: 'any connected set of edges',
    points: [
      [3, 8],
      [10, 3],
      [11, 13],
      [18, 4],
      [21, 12],
    ],
    lines: [
      [0, 1],
      [0, 2],
      [1, 3],
      [2, 4],
      [1, 2],
    ],
  },
];
