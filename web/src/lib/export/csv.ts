/** Tables as CSV files (RFC 4180), and the name of a file. */

import type { Table } from '$lib/graph/table';

/** Comma-separated text with a head line; numbers as they are, not rounded for reading. */
export function toCsv(table: Table): string {
  const lines = [
    table.columns.map(({ name }) => name),
    ...table.rows.map(({ cells }) => cells.map(({ value }) => value)),
  ];
  return lines.map((line) => line.map(field).join(',')).join('\r\n') + '\r\n';
}

function field(value: number | string): string {
  const text = String(value);
  if (typeof value === 'number') return text;
  // A spreadsheet would reckon what begins so: a class's name is not a formula.
  const safe = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

/** A name that every file system takes. */
export function fileName(words: readonly string[], extension: string): string {
  const name = words
    .join(' ')
    .normalize('NFKD')
    .replaceAll(/\p{M}/gu, '')
    .replaceAll(/[^\w.]+/g, '-')
    .replaceAll(/^-+|-+$/g, '')
    .slice(0, 80);
  return `${name || 'arete'}.${extension}`;
}
