import { describe, expect, it } from 'vitest';
import { formatFactor, formatQ } from './numbers';

describe('figures of a motif', () => {
  it.each([
    [1, 'q = 1'],
    [0.9999, 'q = 1'],
    [0.0421, 'q = 0.042'],
    [0.001, 'q = 0.001'],
    [0.00099, 'q < 1e−3'],
    [4.2e-61, 'q < 1e−60'],
    [0, 'q < 1e−300'],
  ])('q of %f reads %s', (q, text) => {
    expect(formatQ(q)).toBe(text);
  });

  it.each([
    [1, '1.0×'],
    [2.44, '2.4×'],
    [9.96, '10×'],
    [1234.4, '1,234×'],
  ])('a lift of %f reads %s', (factor, text) => {
    expect(formatFactor(factor)).toBe(text);
  });
});
