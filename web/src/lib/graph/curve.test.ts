import { describe, expect, it } from 'vitest';
import { curvePath, curveX, nearestCurve } from './curve';

const curve = { id: 'e', from: { x: 0, y: 100 }, to: { x: 60, y: 0 } };

describe('curveX', () => {
  it('goes through both ends and the middle', () => {
    expect(curveX(curve, 100)).toBeCloseTo(0, 2);
    expect(curveX(curve, 50)).toBeCloseTo(30, 2);
    expect(curveX(curve, 0)).toBeCloseTo(60, 2);
  });

  it('agrees with the curve that is drawn', () => {
    const t = 0.3;
    // The cubic of curvePath: controls at the ends' x and half the height.
    const y = 100 * (1 - t) ** 3 + 3 * 50 * (1 - t) ** 2 * t + 3 * 50 * (1 - t) * t ** 2;
    const x = 3 * 60 * (1 - t) * t ** 2 + 60 * t ** 3;
    expect(curveX(curve, y)).toBeCloseTo(x, 2);
    expect(curvePath(curve)).toBe('M0 100C0 50 60 50 60 0');
  });

  it('has no x above or below the curve', () => {
    expect(curveX(curve, -1)).toBeUndefined();
    expect(curveX(curve, 101)).toBeUndefined();
    expect(curveX({ from: { x: 0, y: 5 }, to: { x: 9, y: 5 } }, 5)).toBeUndefined();
  });
});

describe('nearestCurve', () => {
  const other = { id: 'f', from: { x: 40, y: 100 }, to: { x: 60, y: 0 } };

  it('takes the nearer of two', () => {
    expect(nearestCurve([curve, other], { x: 31, y: 50 }, 6)).toBe('e');
    expect(nearestCurve([curve, other], { x: 48, y: 50 }, 6)).toBe('f');
  });

  it('takes none beyond reach', () => {
    expect(nearestCurve([curve], { x: 40, y: 50 }, 6)).toBeNull();
    expect(nearestCurve([], { x: 0, y: 0 }, 6)).toBeNull();
  });
});
