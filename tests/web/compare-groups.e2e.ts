import type { Page } from 'playwright-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { query } from './browser';
import { harness, row } from './harness';
import { local, parseCsv, runWith, saved, type RunOf } from './modes';

const at = harness();
let run: RunOf;
const token = process.env.ARETE_TOKEN;

beforeAll(async () => {
  run = await runWith(8);
});

const MASS = 0.2;
const sideA = () => run.classes.slice(0, 4);
const sideB = () => run.classes.slice(5, 8);
const written = (side: { index: number }[]): string => side.map(({ index }) => index).join(',');
const address = (more = ''): string =>
  `?v=2&run=${run.id}&mode=compare&form=groups&mass=${MASS}&set=${written(sideA())}&set-b=${written(sideB())}${more}`;

const OVERLAP = `query ($a: [ID!]!, $b: [ID!]!, $k: Int!, $j: Int!, $mass: Float, $operation: OverlapOperation!) {
  overlap(a: $a, b: $b, atLeast: $k, atLeastB: $j, mass: $mass, operation: $operation) {
    cypher partsAt vertices { channel { id } membership classesA classesB }
    edges { source target membership classesA classesB } } }`;
interface Answer {
  overlap: {
    cypher: string;
    partsAt: string | null;
    vertices: { channel: { id: string }; membership: string; classesA: number; classesB: number }[];
    edges: { source: string; target: string; membership: string; classesA: number; classesB: number }[];
  };
}
const ask = async (k: number, j: number, operation = 'UNION') =>
  (
    await query<Answer>(OVERLAP, {
      a: sideA().map(({ id }) => id),
      b: sideB().map(({ id }) => id),
      k,
      j,
      mass: MASS,
      operation,
    })
  ).overlap;

const drawnIds = (page: Page) =>
  page
    .locator('[data-vertex]:not(.gone):not(.faint)')
    .evaluateAll((all) => all.map((one) => (one as HTMLElement).dataset.vertex!).sort());
const ids = (answer: Answer['overlap'], membership?: string) =>
  answer.vertices
    .filter((vertex) => membership === undefined || vertex.membership === membership)
    .map(({ channel }) => channel.id)
    .sort();

describe('two groups', () => {
  it('are drawn in three bands: what enough classes of one, of the other, and of both keep', async () => {
    const expected = await ask(2, 2);
    const page = await at.go(address());
    await expect.poll(() => drawnIds(page)).toEqual(ids(expected));
    for (const membership of ['ONLY_A', 'SHARED', 'ONLY_B']) {
      const found = await page
        .locator(`[data-vertex].${membership}`)
        .evaluateAll((all) => all.map((one) => (one as HTMLElement).dataset.vertex!).sort());
      expect(found, membership).toEqual(ids(expected, membership));
    }
    const edges = page.locator('.world > svg').first().locator('path');
    expect(await edges.count()).toBe(expected.edges.length);
    await page.getByText('in the graphs of at least 2 of 4 classes').waitFor();
  });

  it('each have a slider for how many classes are enough, and operations like two classes', async () => {
    const page = await at.go(address());
    const slider = page.getByRole('slider', { name: 'B in at least' });
    expect(await slider.getAttribute('aria-valuetext')).toBe('2 of 3');
    await slider.focus();
    await page.keyboard.press('End');
    await page.waitForURL(/k-b=3/);
    const all = await ask(2, 3);
    await expect.poll(() => drawnIds(page)).toEqual(ids(all));
    await page.getByRole('button', { name: /^A − B/ }).click();
    await expect.poll(() => drawnIds(page)).toEqual(ids(all, 'ONLY_A'));
    await page.keyboard.press('Control+z');
    await expect.poll(() => drawnIds(page)).toEqual(ids(all));
    await page.keyboard.press('Control+z');
    await expect.poll(() => drawnIds(page)).toEqual(ids(await ask(2, 2)));
  });

  it('tell of a channel in how many classes of either it is', async () => {
    const { vertices } = await ask(2, 2);
    const vertex = vertices.at(-1)!;
    const page = await at.go(`${address()}&pin=${local(vertex.channel.id)}`);
    const card = page.getByRole('article', { name: `Channel ${local(vertex.channel.id)}` });
    await card.getByText(`${vertex.classesA} of 4 classes of A`).waitFor();
    await card.getByText(`${vertex.classesB} of 3 classes of B`).waitFor();
  });

  it('are chosen in the list, no class on both sides, and swapped', async () => {
    const page = await at.go(`?v=2&run=${run.id}&mode=compare&form=groups&sort=index`);
    await page.getByText('What does one group have, what another, and what do both?').waitFor();
    const [one, two, three] = run.classes as [{ name: string; index: number }, ...RunOf['classes']];
    const sides = () => {
      const fields = new URL(page.url()).searchParams;
      return [fields.get('set'), fields.get('set-b')];
    };
    const press = (name: string, side: string) =>
      page.getByRole('button', { name: `${name} as ${side}`, exact: true }).click();
    await press(one.name, 'A');
    await press(two!.name, 'A');
    await press(three!.name, 'B');
    await expect.poll(sides).toEqual([`${one.index},${two!.index}`, String(three!.index)]);
    await press(two!.name, 'B');
    await expect.poll(sides).toEqual([String(one.index), `${two!.index},${three!.index}`]);
    await page.keyboard.press('x');
    await expect.poll(sides).toEqual([`${two!.index},${three!.index}`, String(one.index)]);
    // A click on a row joins the side that is chosen at the top.
    await page.getByRole('button', { name: 'Classes chosen in the list join A' }).click();
    await row(page, run.classes[3]!.name).click();
    await expect.poll(() => sides()[0]).toContain(String(run.classes[3]!.index));
  });

  it('begin as the two classes that were compared', async () => {
    const [a, b] = [run.classes[0]!, run.classes[4]!];
    const page = await at.go(`?v=2&run=${run.id}&mode=compare&class=${a.index}&b=${b.index}`);
    await page.getByRole('button', { name: 'Two groups' }).click();
    await page.waitForURL(new RegExp(`set=${a.index}`));
    expect(new URL(page.url()).searchParams.get('set-b')).toBe(String(b.index));
    await page.getByText('in the graphs of the one class').waitFor();
  });

  it('are written to files as they are on screen, and copied as the statement behind them', async () => {
    const expected = await ask(2, 2, 'B_MINUS_A');
    const page = await at.go(address('&op=b-a'), { permissions: ['clipboard-read', 'clipboard-write'] });
    await expect.poll(() => drawnIds(page)).toEqual(ids(expected));
    const rows = parseCsv((await saved(page, /^CSV channels/)).content);
    expect(rows[0]).toEqual([
      'Channel',
      'Layer',
      'In',
      'Classes, A',
      'Share of classes, A',
      'Mean rank, A',
      'Classes, B',
      'Share of classes, B',
      'Mean rank, B',
    ]);
    expect(rows.slice(1).map(([channel, , , a, , , b]) => [channel, a, b])).toEqual(
      expected.vertices.map(({ channel, classesA, classesB }) => [
        local(channel.id),
        String(classesA),
        String(classesB),
      ]),
    );
    await page.keyboard.press('Escape');
    await page.getByRole('button', { name: 'Copy as Cypher' }).click();
    await expect.poll(() => page.evaluate(() => navigator.clipboard.readText())).toBe(expected.cypher);
  });

  it.skipIf(!token)('are named groups, picked by the search behind an @', async () => {
    const name = `side ${process.pid}`;
    const page = await at.go(
      `?v=2&run=${run.id}&mode=compare&form=groups&set=${written(sideA())}#token=${token}`,
    );
    await page.getByRole('button', { name: 'Classes chosen in the list join A' }).click();
    await page.getByRole('button', { name: 'Save as a group' }).click();
    await page.getByLabel('Name of a group').fill(name);
    await page.getByRole('button', { name: 'Save', exact: true }).click();
    await page.getByText(`Group “${name}” is saved.`).waitFor();
    const search = page.getByRole('combobox', { name: 'Find a class, channel, layer or group' });
    await search.fill('@');
    await page.getByRole('option', { name: `@${name}` }).waitFor();
    await search.fill(`@${name}`);
    await page.getByRole('option', { name: `@${name}` }).waitFor();
    expect(await page.getByRole('group', { name: 'Classes', exact: true }).count()).toBe(0);
    await page.keyboard.press('Enter');
    await expect.poll(() => new URL(page.url()).searchParams.get('set')).toBe(`@${name}`);
    await page.getByRole('button', { name: `${name} · 4 classes` }).waitFor();
  });
});
