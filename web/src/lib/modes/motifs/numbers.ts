/** A motif's figures as the page writes them. */

import { formatCount } from '$lib/util/format';

/** How many times as common: `2.4×`, `78×`. */
export function formatFactor(factor: number): string {
  return `${factor < 9.95 ? factor.toFixed(1) : formatCount(factor)}×`;
}

/** A q-value: three decimals, below 0.001 the power of ten that it lies under. */
export function formatQ(q: number): string {
  if (q >= 0.9995) return 'q = 1';
  if (q >= 0.001) return `q = ${q.toFixed(3)}`;
  if (q < 1e-300) return 'q < 1e−300';
  return `q < 1e−${-Math.ceil(Math.log10(q) + 1e-9)}`;
}
