/** How a part of the view is read from an address and written into it. */

export interface Field<Value> {
  /** Its word in the address. */
  key: string;
  /** Its value where the address says nothing. */
  first: Value;
  /** Undefined for what is not understood or lies out of range. */
  read: (given: string) => Value | undefined;
  /** Null where nothing has to be written. */
  write: (value: Value) => string | null;
}

const NONE: readonly string[] = [];

/** An id, an index or a name. */
export const text = (key: string): Field<string | null> => ({
  key,
  first: null,
  read: (given) => given,
  write: (value) => value,
});

/** Several indexes or `@names`, in the order given; runs of indexes as `151-268`, so that hundreds stay a short link. */
export const indexSet = (key: string): Field<readonly string[]> => ({
  key,
  first: NONE,
  read: (given) => given.split(',').filter(Boolean).flatMap(fromRange),
  write: (value) => (value.length > 0 ? toRanges(value).join(',') : null),
});

/** A range longer than this is no set of classes but a mistake. */
const LONGEST_RANGE = 100_000;

function fromRange(part: string): string[] {
  const [, first, last] = /^(\d+)-(\d+)$/.exec(part) ?? [];
  const length = Number(last) - Number(first) + 1;
  if (!(length > 0 && length <= LONGEST_RANGE)) return [part];
  return Array.from({ length }, (_, i) => String(Number(first) + i));
}

function toRanges(values: readonly string[]): string[] {
  const parts: { first: string; last: string }[] = [];
  for (const value of values) {
    const part = parts.at(-1);
    if (part && /^\d+$/.test(value) && Number(value) === Number(part.last) + 1) part.last = value;
    else parts.push({ first: value, last: value });
  }
  return parts.flatMap(({ first, last }) => {
    if (first === last) return [first];
    return Number(last) - Number(first) === 1 ? [first, last] : [`${first}-${last}`];
  });
}

/** Several ids or names, which hold no comma. */
export const list = (key: string): Field<readonly string[]> => ({
  key,
  first: NONE,
  read: (given) => given.split(',').filter(Boolean),
  write: (value) => (value.length > 0 ? value.join(',') : null),
});

/** One of some words; the first of them is what holds where none is given. */
export function choice<Value extends string>(key: string, words: Record<string, Value>): Field<Value> {
  const [first] = Object.values(words);
  return {
    key,
    first: first!,
    read: (given) => (Object.hasOwn(words, given) ? words[given] : undefined),
    write: (value) => Object.keys(words).find((word) => words[word] === value) ?? null,
  };
}

/** Set where the address says `word`. */
export const flag = (key: string, word: string): Field<boolean> => ({
  key,
  first: false,
  read: (given) => (given === word ? true : undefined),
  write: (value) => (value ? word : null),
});

/** Set unless the address says `not`; `word` says the same as nothing. */
export const unless = (key: string, word: string, not: string): Field<boolean> => ({
  key,
  first: true,
  read: (given) => (given === not ? false : given === word ? true : undefined),
  write: (value) => (value ? null : not),
});

/** A number within bounds, 0 to 1 unless told otherwise, to four decimals. */
export const share = (key: string, first: number, least = 0, most = 1): Field<number> => ({
  key,
  first,
  read: (given) => number(given, least, most),
  write: (value) => String(round(value)),
});

/** A share above 0; null where none is chosen. */
export const nullableShare = (key: string): Field<number | null> => ({
  key,
  first: null,
  read: (given) => number(given, Number.MIN_VALUE, 1),
  write: (value) => (value === null ? null : String(round(value))),
});

/** A whole number from `least` to `most`. */
export const whole = (key: string, first: number, least: number, most: number): Field<number> => ({
  key,
  first,
  read: (given) => {
    const value = number(given, least, most);
    return value !== undefined && Number.isInteger(value) ? value : undefined;
  },
  write: String,
});

function number(given: string, least: number, most: number): number | undefined {
  if (given.trim() === '') return undefined;
  const value = Number(given);
  return value >= least && value <= most ? value : undefined;
}

function round(value: number): number {
  return Math.round(value * 10_000) / 10_000;
}
