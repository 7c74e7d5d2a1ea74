/** The curve of an edge, and which curve lies under the pointer. */

export interface Point {
  x: number;
  y: number;
}

/** An edge's ends: `from` at its source (lower row), `to` at its target. */
export interface Curve {
  id: string;
  from: Point;
  to: Point;
}

/** The SVG path of a curve that leaves and arrives upright. */
export function curvePath({ from, to }: Omit<Curve, 'id'>): string {
  const middle = round((from.y + to.y) / 2);
  return `M${round(from.x)} ${round(from.y)}C${round(from.x)} ${middle} ${round(to.x)} ${middle} ${round(to.x)} ${round(to.y)}`;
}

/**
 * The x of a curve at height y; undefined above and below it.
 *
 * Both coordinates are cubic in t: y with controls (0, ½, ½, 1), which is monotonic, so t is found by bisection.
 */
export function curveX({ from, to }: Omit<Curve, 'id'>, y: number): number | undefined {
  const part = (y - from.y) / (to.y - from.y);
  if (!(part >= 0 && part <= 1)) return undefined;
  let [low, high] = [0, 1];
  for (let step = 0; step < 16; step += 1) {
    const t = (low + high) / 2;
    if (1.5 * t * (1 - t) + t ** 3 < part) low = t;
    else high = t;
  }
  const t = (low + high) / 2;
  return from.x + (to.x - from.x) * t * t * (3 - 2 * t);
}

/** The id of the curve nearest to a point, sideways, and not farther than `reach`; null without. */
export function nearestCurve(curves: readonly Curve[], point: Point, reach: number): string | null {
  let found: string | null = null;
  let least = reach;
  for (const curve of curves) {
    const { from, to } = curve;
    if (point.x < Math.min(from.x, to.x) - reach || point.x > Math.max(from.x, to.x) + reach) continue;
    const x = curveX(curve, point.y);
    if (x === undefined) continue;
    const distance = Math.abs(x - point.x);
    if (distance <= least) {
      least = distance;
      found = curve.id;
    }
  }
  return found;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
