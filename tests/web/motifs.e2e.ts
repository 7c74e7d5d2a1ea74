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
const address = (): string =>
  `?v=2&run=${run.id}&mode=motifs&parts=all&set=${members()
    .map(({ index }) => index)
    .join(',')}`;

const MOTIFS = `query ($classes: [ID!]!, $pattern: MotifPattern!, $support: Float!, $closed: Boolean!, $mass: Float) {
  motifs(classes: $classes, pattern: $pattern, leastSupport: $support, closed: $closed, mass: $mass, first: 50) {
    found outside cypher motifs { channels { id } edges { source target } support supportOutside classes cypher } } }`;
interface Answer {
  motifs: {
    found: number;
    outside: number;
    cypher: string;
    motifs: {
      channels: { id: string }[];
      edges: { source: string; target: string }[];
      support: number;
      supportOutside: number;
      classes: string[];
      cypher: string;
    }[];
  };
}
const ask = async (pattern: string, support = 0.5, closed = false, mass: number | null = null) =>
  (
    await query<Answer>(MOTIFS, {
      classes: members().map(({ id }) => id),
      pattern,
      support,
      closed,
      mass,
    })
  ).motifs;

const edgesOf = (page: Page, list: string) =>
  page
    .getByRole('list', { name: list })
    .locator('.motif')
    .evaluateAll((all) =>
      all.map((one) => [...one.querySelectorAll<SVGElement>('[data-edge]')].map((edge) => edge.dataset.edge)),
    );

describe('motifs', () => {
  it('are those that the API finds, each drawn with its channels and figures', async () => {
    const expected = await ask('PATH_2');
    expect(expected.motifs.length).toBeGreaterThan(0);
    const page = await at.go(`${address()}&pattern=path-2`);
    await expect
      .poll(() => edgesOf(page, 'Path of 2s'))
      .toEqual(expected.motifs.map(({ edges }) => edges.map(({ source, target }) => `${source}>${target}`)));
    const first = expected.motifs[0]!;
    const row = page.getByRole('list', { name: 'Path of 2s' }).getByRole('listitem').first();
    const figures = (await row.locator('.figures').textContent())!.replaceAll(/\s+/g, ' ');
    expect(figures).toContain(`${first.support} of 4`);
    if (expected.outside > 0)
      expect(figures).toContain(`${first.supportOutside} of ${expected.outside} others`);
    expect(await row.locator('[data-channel]').count()).toBe(first.channels.length);
  });

  it('change with the shape and the least support', async () => {
    const page = await at.go(address());
    await page.getByRole('button', { name: /^Diamond/ }).click();
    await page.waitForURL(/pattern=diamond/);
    const diamonds = await ask('DIAMOND');
    await page.getByText(`${diamonds.found.toLocaleString('en-US')} in at least 2 of 4`).waitFor();
    const slider = page.getByRole('slider', { name: 'In at least' });
    await slider.focus();
    await page.keyboard.press('End');
    await page.waitForURL(/support=1/);
    const all = await ask('DIAMOND', 1);
    await page.getByText(`${all.found.toLocaleString('en-US')} in at least 4 of 4`).waitFor();
  });

  it('are marked in the graph of a class that holds them', async () => {
    const { motifs } = await ask('PATH_2');
    const motif = motifs[0]!;
    const page = await at.go(address());
    const row = page.getByRole('list', { name: 'Path of 2s' }).getByRole('listitem').first();
    await row.getByRole('button').first().click();
    const holder = run.classes.find(({ id }) => id === motif.classes[0])!;
    await row.locator('.classes').getByRole('button', { name: holder.name, exact: true }).click();
    await page.getByRole('heading', { level: 1, name: holder.name }).waitFor();
    await page.locator('[data-lit]').first().waitFor();
    const lit = await page
      .locator('[data-lit]')
      .evaluateAll((all) => all.map((one) => (one as HTMLElement).dataset.lit!));
    expect(new Set(lit)).toEqual(new Set(motif.channels.map(({ id }) => id)));
    expect(await page.locator('.moving path.dash').count()).toBeGreaterThanOrEqual(motif.edges.length);
    expect(new URL(page.url()).searchParams.get('mark')).toBe(
      motif.channels.map(({ id }) => local(id)).join(','),
    );
    await page.getByRole('button', { name: 'clear', exact: true }).click();
    await expect.poll(() => page.locator('[data-lit]').count()).toBe(0);
    await page.goBack();
    await page.getByRole('list', { name: 'Path of 2s' }).waitFor();
  });

  it('leave out on request what is part of a larger one', async () => {
    const largest = await ask('PATH_2', 0.5, true);
    const all = await ask('PATH_2');
    expect(largest.found).toBeLessThan(all.found);
    const page = await at.go(address());
    await page.getByText(`${all.found.toLocaleString('en-US')} in at least 2 of 4`).waitFor();
    await page.getByRole('button', { name: 'largest only' }).click();
    await page.getByText(`${largest.found.toLocaleString('en-US')} in at least 2 of 4`).waitFor();
  });

  it('name the longest path that all of the classes share', async () => {
    const { sharedPath } = await query<{
      sharedPath: { edges: { source: string; target: string }[] } | null;
    }>('query ($classes: [ID!]!) { sharedPath(classes: $classes) { edges { source target } } }', {
      classes: members().map(({ id }) => id),
    });
    const page = await at.go(address());
    if (sharedPath === null) await page.getByText('No path is shared by all 4').waitFor();
    else {
      const section = page.locator('section', { hasText: 'One path shared by all 4' }).first();
      await section.waitFor();
      const edges = await section
        .locator('[data-edge]')
        .evaluateAll((all) => all.map((one) => (one as SVGElement).dataset.edge));
      expect(edges).toEqual(sharedPath.edges.map(({ source, target }) => `${source}>${target}`));
    }
  });

  it('copy the statement behind the list and behind one of them', async () => {
    const expected = await ask('PATH_2');
    const page = await at.go(address(), {
      permissions: ['clipboard-read', 'clipboard-write'],
    });
    const row = page.getByRole('list', { name: 'Path of 2s' }).getByRole('listitem').first();
    await row.getByRole('button').first().click();
    const copied = () => page.evaluate(() => navigator.clipboard.readText());
    await page.locator('.head').getByRole('button', { name: 'Copy as Cypher' }).click();
    await expect.poll(copied).toBe(expected.cypher);
    await row.getByRole('button', { name: 'Copy as Cypher' }).click();
    await expect.poll(copied).toBe(expected.motifs[0]!.cypher);
  });

  it('are looked for at the kept mass of the slider, which the link and undo carry', async () => {
    const page = await at.go(`${address()}&pattern=path-2&masses=own`);
    const own = await ask('PATH_2');
    const words = (found: number) => `${found.toLocaleString('en-US')} in at least 2 of 4`;
    await page.getByText(words(own.found)).waitFor();
    const slider = page.getByRole('slider', { name: 'Kept mass' });
    expect(await slider.getAttribute('aria-valuetext')).toBe('own');
    await slider.focus();
    await page.keyboard.press('End');
    await page.waitForURL(/[?&]mass=0\.\d/);
    const mass = Number(new URL(page.url()).searchParams.get('mass'));
    const wide = await ask('PATH_2', 0.5, false, mass);
    expect(wide.found).toBeGreaterThan(own.found);
    await page.getByText(words(wide.found)).waitFor();
    await page.keyboard.press('Control+z');
    await page.getByText(words(own.found)).waitFor();
    expect(new URL(page.url()).searchParams.get('mass')).toBeNull();
  });

  it('are found without a choice too, and marked in a graph of the same mass', async () => {
    const own = await ask('PATH_2');
    const page = await at.go(address().replace('v=2', 'v=3'));
    const list = page.getByRole('list', { name: 'Path of 2s' });
    await list.getByRole('listitem').nth(4).waitFor();
    const note = page.getByRole('note');
    if (own.found >= 5) expect(await note.count()).toBe(0);
    else expect(await note.textContent()).toContain('kept mass');
    const row = list.getByRole('listitem').first();
    await row.getByRole('button').first().click();
    const channels = await row
      .locator('[data-channel]')
      .evaluateAll((all) => all.map((one) => (one as HTMLElement).dataset.channel!));
    await row.locator('.classes').getByRole('button').first().click();
    await page.locator('[data-lit]').first().waitFor();
    const lit = await page
      .locator('[data-lit]')
      .evaluateAll((all) => all.map((one) => (one as HTMLElement).dataset.lit!));
    expect(new Set(lit)).toEqual(new Set(channels));
  });

  it('say what to do where there are none, or no classes yet', async () => {
    const page = await at.go(`?v=2&run=${run.id}&mode=motifs`);
    await page.getByText('Which pieces of their graphs do these classes share?').waitFor();
  });
});
