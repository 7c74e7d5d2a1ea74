/** Numbers and words as the page writes them: one locale, so that the same view reads the same everywhere. */

const whole = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 });

/** `12,345`. */
export function formatCount(count: number): string {
  return whole.format(count);
}

/** A share from 0 to 1 as percent: whole from 10% up, one decimal below, `<0.1%` for the least. */
export function formatShare(share: number): string {
  const percent = share * 100;
  if (percent === 0) return '0%';
  if (percent < 0.1) return '<0.1%';
  // 9.95 and up would be rounded to the two digits of the next row.
  return percent < 9.95 ? `${trimZero(percent.toFixed(1))}%` : `${percent.toFixed(0)}%`;
}

/** A rank (personalized PageRank, 0 to 1): three significant digits. */
export function formatRank(rank: number): string {
  if (rank === 0) return '0';
  return rank >= 1e-6 ? rank.toPrecision(3) : rank.toExponential(2).replace('e-', 'e−');
}

/** `1 image`, `2 images`. */
export function plural(count: number, one: string, many = `${one}s`): string {
  return `${formatCount(count)} ${count === 1 ? one : many}`;
}

/** 1st, 2nd, 3rd, 4th … 11th, 12th, 13th. */
export function ordinal(position: number): string {
  const last = position % 10;
  const teen = position % 100 >= 11 && position % 100 <= 13;
  const suffix = teen ? 'th' : last === 1 ? 'st' : last === 2 ? 'nd' : last === 3 ? 'rd' : 'th';
  return `${formatCount(position)}${suffix}`;
}

function trimZero(text: string): string {
  return text.endsWith('.0') ? text.slice(0, -2) : text;
}
