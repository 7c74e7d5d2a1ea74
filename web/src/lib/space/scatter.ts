/** Points of a map: where they lie in the window, which one is meant, which ones a line encloses. */

export interface Point {
  /** Index of its class. */
  index: number;
  /** From 0 at the left to 1 at the right, and from 0 at the top to 1 at the bottom. */
  x: number;
  y: number;
}

export interface Transform {
  k: number;
  x: number;
  y: number;
}

export interface Size {
  width: number;
  height: number;
}

/** Free border around all points at zoom 1, in px. */
const MARGIN = 14;

/** Scales coordinates to the unit square, both axes alike, so that distances stay comparable. */
export function unitPoints(
  indexes: readonly number[],
  xs: readonly number[],
  ys: readonly number[],
): Point[] {
  const bounds = (values: readonly number[]): [number, number] => {
    let [least, most] = [Infinity, -Infinity];
    for (const value of values) {
      least = Math.min(least, value);
      most = Math.max(most, value);
    }
    return [least, most];
  };
  const [left, right] = bounds(xs);
  const [top, bottom] = bounds(ys);
  const span = Math.max(right - left, bottom - top) || 1;
  const [padX, padY] = [(span - (right - left)) / 2, (span - (bottom - top)) / 2];
  return indexes.map((index, i) => ({
    index,
    x: (xs[i]! - left + padX) / span,
    y: (ys[i]! - top + padY) / span,
  }));
}

/** A point of the unit square in px of the window. */
export function toWindow({ x, y }: { x: number; y: number }, size: Size, transform: Transform) {
  const side = Math.max(1, Math.min(size.width, size.height) - 2 * MARGIN);
  const [left, top] = [(size.width - side) / 2, (size.height - side) / 2];
  return {
    x: (left + x * side) * transform.k + transform.x,
    y: (top + y * side) * transform.k + transform.y,
  };
}

/** The nearest of some points given in px, within `reach`; null where none is. */
export function nearest(points: readonly Point[], at: { x: number; y: number }, reach: number): Point | null {
  let best: Point | null = null;
  let least = reach * reach;
  for (const point of points) {
    const distance = (point.x - at.x) ** 2 + (point.y - at.y) ** 2;
    if (distance <= least) [best, least] = [point, distance];
  }
  return best;
}

/** The points inside a closed line: an odd number of its sides lies to their right. */
export function enclosed(points: readonly Point[], line: readonly { x: number; y: number }[]): Point[] {
  return points.filter((point) => {
    let inside = false;
    for (let i = 0, before = line.length - 1; i < line.length; before = i, i += 1) {
      const [a, b] = [line[i]!, line[before]!];
      if (a.y > point.y === b.y > point.y) continue;
      if (point.x < ((b.x - a.x) * (point.y - a.y)) / (b.y - a.y) + a.x) inside = !inside;
    }
    return inside;
  });
}

const AHEAD: Record<string, [number, number]> = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
};

/** The point that an arrow key leads to: near, and in that direction rather than beside it. Null where none is ahead. */
export function pointAhead(points: readonly Point[], from: Point, key: string): Point | null {
  const [dx, dy] = AHEAD[key] ?? [0, 0];
  let best: Point | null = null;
  let least = Infinity;
  for (const point of points) {
    const [x, y] = [point.x - from.x, point.y - from.y];
    const ahead = x * dx + y * dy;
    const aside = Math.abs(x * dy) + Math.abs(y * dx);
    // Beyond 60 degrees aside another arrow is meant.
    if (ahead <= 0 || aside > 1.75 * ahead) continue;
    const cost = ahead + 2 * aside;
    if (cost < least) [best, least] = [point, cost];
  }
  return best;
}

/** Points on their way from one place to another; those that were not there before are at their goal already. */
export function between(from: ReadonlyMap<number, Point>, to: readonly Point[], part: number): Point[] {
  return to.map((goal) => {
    const start = from.get(goal.index);
    if (!start) return goal;
    return {
      index: goal.index,
      x: start.x + (goal.x - start.x) * part,
      y: start.y + (goal.y - start.y) * part,
    };
  });
}

/** Which points can have a label without two of them meeting; the earlier ones first. */
export function labelled(
  points: readonly Point[],
  widthOf: (point: Point) => number,
  height: number,
  most: number,
): Point[] {
  const taken: { left: number; right: number; top: number; bottom: number }[] = [];
  const chosen: Point[] = [];
  for (const point of points) {
    if (chosen.length >= most) break;
    const width = widthOf(point);
    const box = {
      left: point.x - width / 2,
      right: point.x + width / 2,
      top: point.y,
      bottom: point.y + height,
    };
    const meets = taken.some(
      (other) =>
        box.left < other.right && other.left < box.right && box.top < other.bottom && other.top < box.bottom,
    );
    if (meets) continue;
    taken.push(box);
    chosen.push(point);
  }
  return chosen;
}

/** How far a map has to be moved, in px, for a point to be in sight with so much room around it; 0 where it is. */
export function wayIntoSight(
  { x, y }: Pick<Point, 'x' | 'y'>,
  size: { width: number; height: number },
  room: number,
): { dx: number; dy: number } {
  return {
    dx: Math.max(0, room - x) || Math.min(0, size.width - room - x),
    dy: Math.max(0, room - y) || Math.min(0, size.height - room - y),
  };
}

/** The members with the one among them, or without it if it was there. */
export function toggled(members: ReadonlySet<number>, index: number): number[] {
  return members.has(index) ? [...members].filter((each) => each !== index) : [...members, index];
}
