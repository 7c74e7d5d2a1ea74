import type { Page } from 'playwright-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { query } from './browser';
import { harness } from './harness';
import { local, runWith, type RunOf } from './modes';

const at = harness();
let run: RunOf;

beforeAll(async () => {
  run = await runWith(6);
});

const members = () => run.classes.slice(0, 4);
const layer = () => run.layers.at(-1)!;
const address = (): string =>
  `?v=2&run=${run.id}&mode=matrix&by=index&layer=${layer().name}&set=${members()
    .map(({ index }) => index)
    .join(',')}`;

const MATRIX = `query ($layer: ID!, $rows: [ID!]!) { matrix(layer: $layer, rows: $rows, order: INDEX, first: 500) {
  rows { id } channels { id } values cypher } }`;
interface Answer {
  matrix: { rows: { id: string }[]; channels: { id: string }[]; values: number[]; cypher: string };
}
const ask = async () =>
  (await query<Answer>(MATRIX, { layer: layer().id, rows: members().map(({ id }) => id) })).matrix;

/** The map of the classes has a canvas too. */
const grid = (page: Page) => page.getByRole('group', { name: /rows? by / }).locator('canvas');

const heads = (page: Page) =>
  page.locator('[data-column]').evaluateAll((all) =>
    all
      .map((one) => ({
        id: (one as HTMLElement).dataset.column!,
        x: one.getBoundingClientRect().x,
      }))
      .sort((a, b) => a.x - b.x)
      .map(({ id }) => id),
  );

describe('the matrix', () => {
  it('has a row for each class and says the value of each cell by keyboard', async () => {
    const { channels, values, rows } = await ask();
    const page = await at.go(address());
    const grid = page.getByRole('group', { name: /rows by/ });
    await grid.waitFor();
    expect(
      await page
        .locator('[data-row]')
        .evaluateAll((all) => all.map((one) => (one as HTMLElement).dataset.row)),
    ).toEqual(rows.map(({ id }) => local(id)));
    await grid.focus();
    const spoken = page.locator('[aria-live="polite"]').filter({ hasText: /%$/ });
    const said = (row: number, column: number) =>
      new RegExp(`^${members()[row]!.name}, ${local(channels[column]!.id)}: `);
    await page.keyboard.press('ArrowRight');
    expect(await spoken.textContent()).toMatch(said(0, 0));
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('End');
    await expect.poll(() => spoken.textContent()).toMatch(said(1, channels.length - 1));
    const value = values[channels.length + channels.length - 1]!;
    const percent = Number((await spoken.textContent())!.match(/([\d.]+)%$/)![1]);
    expect(Math.abs(percent - 100 * value)).toBeLessThan(0.51);
    await page.keyboard.press('Enter');
    await page.getByRole('article', { name: `Channel ${local(channels.at(-1)!.id)}` }).waitFor();
    expect(new URL(page.url()).searchParams.get('pin')).toBe(local(channels.at(-1)!.id));
  });

  it('paints what the values are', async () => {
    const { channels, values } = await ask();
    const page = await at.go(address(), {
      colorScheme: 'light',
      reducedMotion: 'reduce',
      deviceScaleFactor: 1,
    });
    await page.getByRole('group', { name: /rows by/ }).waitFor();
    await expect.poll(() => page.locator('[data-column]').count()).toBeGreaterThan(0);
    const columns = Math.min(20, channels.length);
    const read = () =>
      grid(page).evaluate(
        (element, size) => {
          // Read from a copy: reading a painted canvas often would slow its painting.
          const copy = document.createElement('canvas');
          [copy.width, copy.height] = [size.columns * 28, size.rows * 24];
          const context = copy.getContext('2d', { willReadFrequently: true })!;
          context.drawImage(element as HTMLCanvasElement, 0, 0);
          const cells: number[] = [];
          for (let row = 0; row < size.rows; row += 1) {
            for (let column = 0; column < size.columns; column += 1) {
              const [r, g, b] = context.getImageData(column * 28 + 12, row * 24 + 10, 1, 1).data;
              cells.push(765 - r! - g! - b!);
            }
          }
          return cells;
        },
        { rows: 4, columns },
      );
    await expect.poll(async () => Math.max(...(await read()))).toBeGreaterThan(100);
    const dark = await read();
    const expected = [0, 1, 2, 3].flatMap((row) =>
      values.slice(row * channels.length, row * channels.length + columns),
    );
    // The darker cell holds the larger value, wherever two differ by more than a rounding of colours.
    const order = expected.map((_, i) => i).sort((a, b) => expected[a]! - expected[b]!);
    for (let i = 1; i < order.length; i += 1) {
      expect(dark[order[i]!]!).toBeGreaterThanOrEqual(dark[order[i - 1]!]! - 3);
    }
    expect(dark.filter((value) => value === 0).length).toBe(expected.filter((value) => value === 0).length);
  });

  it('sorts its columns by any row', async () => {
    const { channels, values } = await ask();
    const page = await at.go(address(), { colorScheme: 'light', deviceScaleFactor: 1 });
    await page.locator('[data-row]').nth(2).click();
    await page.waitForURL(/by=\d/);
    const own = values.slice(2 * channels.length, 3 * channels.length);
    const sorted = own
      .map((value, column) => ({ value, column }))
      .sort((a, b) => b.value - a.value || a.column - b.column)
      .map(({ column }) => channels[column]!.id);
    await expect.poll(() => heads(page)).toEqual(sorted.slice(0, (await heads(page)).length));
    // What is painted goes along: the row's largest value comes first, and no darker cell follows it.
    await page.mouse.move(4, 500);
    const tones = () =>
      grid(page).evaluate((element) => {
        const copy = document.createElement('canvas');
        [copy.width, copy.height] = [10 * 28, 3 * 24];
        const context = copy.getContext('2d', { willReadFrequently: true })!;
        context.drawImage(element as HTMLCanvasElement, 0, 0);
        return Array.from({ length: 10 }, (_, column) =>
          context
            .getImageData(column * 28 + 12, 2 * 24 + 10, 1, 1)
            .data.slice(0, 3)
            .reduce((a, b) => a - b, 765),
        );
      });
    await expect
      .poll(async () => {
        const found = await tones();
        return found[0]! > 0 && found.every((tone, i) => i === 0 || tone <= found[i - 1]! + 3);
      })
      .toBe(true);
    await page.getByRole('button', { name: 'as in the layer' }).click();
    await expect.poll(async () => (await heads(page))[0]).toBe(channels[0]!.id);
  });

  it('shows a column’s channel under the pointer, and the same as a table', async () => {
    const { channels, values } = await ask();
    const page = await at.go(address());
    await page.locator('[data-column]').nth(3).hover();
    await page.getByRole('article', { name: `Channel ${local(channels[3]!.id)}` }).waitFor();
    await page.keyboard.press('t');
    const table = page.getByRole('table');
    await table.waitFor();
    expect(await table.locator('tbody tr').count()).toBe(Math.min(100, channels.length));
    const cells = await table.locator('tbody tr').first().locator('td').allTextContents();
    expect(cells[0]).toBe(local(channels[0]!.id));
    cells.slice(1).forEach((text, row) => {
      const value = values[row * channels.length]!;
      if (value >= 0.001 || value === 0) {
        expect(Math.abs(parseFloat(text) - 100 * value)).toBeLessThan(0.51);
      } else expect(text).toBe('<0.1%');
    });
  });

  it('says what to do without rows', async () => {
    const page = await at.go(`?v=2&run=${run.id}&mode=matrix`);
    await page.getByText('How strongly do classes excite the channels of a layer?').waitFor();
  });
});
