/** What tells the images of several classes apart on their map: a shape and a colour each, never the colour alone. */

import type { Point } from '$lib/space/scatter';

export const SHAPES = ['circle', 'square', 'triangle', 'diamond', 'plus', 'cross', 'tip', 'bar'] as const;
export type Shape = (typeof SHAPES)[number];

/** Which shape and colour each class has, by its place among those on the map; the classes beyond them share none: null. */
export function kindsOf(classes: readonly number[]): Map<number, number | null> {
  const sorted = [...new Set(classes)].sort((a, b) => a - b);
  return new Map(sorted.map((index, i) => [index, i < SHAPES.length ? i : null]));
}

/** Outline of a shape around 0, 0 with a radius of 1, as the points of a closed line; a circle has none. */
const OUTLINES: Record<Exclude<Shape, 'circle'>, readonly (readonly [number, number])[]> = {
  square: corners([-0.85, -0.85], [0.85, -0.85], [0.85, 0.85], [-0.85, 0.85]),
  triangle: corners([0, -1.1], [1.05, 0.8], [-1.05, 0.8]),
  diamond: corners([0, -1.2], [1.2, 0], [0, 1.2], [-1.2, 0]),
  plus: cross(0),
  cross: cross(Math.PI / 4),
  tip: corners([0, 1.1], [1.05, -0.8], [-1.05, -0.8]),
  bar: corners([-1.3, -0.5], [1.3, -0.5], [1.3, 0.5], [-1.3, 0.5]),
};

/** As an SVG path around `x`, `y`, or as a line of a canvas: both read the same points. */
export function shapePath(kind: number | null, { x, y }: Pick<Point, 'x' | 'y'>, radius: number): string {
  const shape = kind === null ? 'circle' : SHAPES[kind]!;
  if (shape === 'circle') {
    return `M${x - radius} ${y}a${radius} ${radius} 0 1 0 ${2 * radius} 0a${radius} ${radius} 0 1 0 ${-2 * radius} 0z`;
  }
  return `M${OUTLINES[shape].map(([dx, dy]) => `${x + dx * radius} ${y + dy * radius}`).join('L')}z`;
}

function corners(...points: [number, number][]): [number, number][] {
  return points;
}

/** Two bars across each other, turned by an angle. */
function cross(angle: number): [number, number][] {
  const [long, wide] = [1.25, 0.42];
  const quarter: [number, number][] = [
    [wide, -long],
    [wide, -wide],
    [long, -wide],
  ];
  return [0, 1, 2, 3].flatMap((turn) => {
    const at = angle + (turn * Math.PI) / 2;
    return quarter.map(([x, y]): [number, number] => [
      x * Math.cos(at) - y * Math.sin(at),
      x * Math.sin(at) + y * Math.cos(at),
    ]);
  });
}
