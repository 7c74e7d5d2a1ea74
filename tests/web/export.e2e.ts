import type { Page } from 'playwright-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { harness } from './harness';
import { local, parseCsv, runWith, saved, type RunOf } from './modes';

const at = harness();
let run: RunOf;

beforeAll(async () => {
  run = await runWith(6);
});

/** Of a saved SVG: what it names, what it points at, and whether it draws alone, without any server. */
async function openAlone(content: string) {
  const context = await at.open.context.browser()!.newContext({ offline: true });
  const page = await context.newPage();
  await page.goto(`data:image/svg+xml;base64,${Buffer.from(content).toString('base64')}`);
  const found = await page.evaluate(() => {
    const all = (query: string) => [...document.querySelectorAll(query)];
    const references = all('*').flatMap((one) =>
      ['href', 'xlink:href', 'src'].map((name) => one.getAttribute(name)).filter((value) => value !== null),
    );
    return {
      root: document.documentElement.tagName,
      pictures: all('g[data-id]').map((one) => one.getAttribute('data-id')!),
      paths: all('path[data-id]').map((one) => one.getAttribute('data-id')!),
      rects: all('rect[data-id]').map((one) => one.getAttribute('data-id')!),
      texts: all('text').map((one) => one.textContent),
      outside: references.filter((value) => !value!.startsWith('#') && !value!.startsWith('data:')),
      inside: references.filter((value) => value!.startsWith('data:image/')).length,
      broken: all('use').filter((one) => !document.querySelector(one.getAttribute('href')!)).length,
    };
  });
  await context.close();
  return found;
}

const drawnVertices = (page: Page, within = '.pane') =>
  page
    .locator(`${within} [data-vertex]:not(.gone)`)
    .evaluateAll((all) => all.map((one) => (one as HTMLElement).dataset.vertex!));

const pair = (): string =>
  `?v=2&run=${run.id}&mode=compare&class=${run.classes[0]!.index}&b=${run.classes[1]!.index}`;
const set = (): string =>
  `set=${run.classes
    .slice(0, 4)
    .map(({ index }) => index)
    .join(',')}`;

describe('the files of a drawing', () => {
  it('hold what is on screen, no more and no less', async () => {
    const page = await at.go(`${pair()}&op=intersection&floor=0.2`);
    await page.locator('[data-vertex]').first().waitFor();
    const ids = await drawnVertices(page);
    const edges = await page.locator('.world > svg').first().locator('path:not(.gone)').count();
    const svg = await openAlone((await saved(page, /^SVG/)).content.toString('utf8'));
    expect(svg.root).toBe('svg');
    expect(svg.pictures).toEqual(ids);
    expect(svg.paths.length).toBe(edges);
    expect(svg.outside).toEqual([]);
    expect(svg.broken).toBe(0);
    expect(svg.inside).toBeGreaterThan(0);
    expect(svg.texts).toContain(run.layers.at(-1)!.name);

    const kept = await page
      .locator('[data-vertex]:not(.gone):not(.faint)')
      .evaluateAll((all) => all.map((one) => (one as HTMLElement).dataset.vertex!));
    const { name, content } = await saved(page, /^CSV channels/);
    expect(name).toMatch(/\.csv$/);
    const [head, ...rows] = parseCsv(content);
    expect(head).toEqual([
      'Channel',
      'Layer',
      'In',
      'Images, A',
      'Share, A',
      'Rank, A',
      'Images, B',
      'Share, B',
      'Rank, B',
    ]);
    expect(rows.map(([channel]) => channel)).toEqual(kept.map(local));
    expect(new Set(rows.map((row) => row[2]))).toEqual(new Set(['shared']));
    expect(parseCsv((await saved(page, /^CSV edges/)).content).length - 1).toBe(edges);

    const json = JSON.parse((await saved(page, /^JSON/)).content.toString('utf8')) as {
      format: string;
      address: string;
      operation: string;
      vertices: { id: string }[];
      edges: unknown[];
    };
    expect(json).toMatchObject({ format: 'arete-view/1', operation: 'INTERSECTION', minShare: 0.2 });
    expect(json.address).toBe(new URL(page.url()).search);
    expect(json.vertices.map(({ id }) => id)).toEqual(kept);
    expect(json.edges.length).toBe(edges);

    const png = (await saved(page, /^PNG/)).content;
    expect([...png.subarray(0, 4)]).toEqual([0x89, 0x50, 0x4e, 0x47]);
    expect(png.readUInt32BE(16)).toBeGreaterThan(600);
  });

  it('hold both drawings side by side', async () => {
    const page = await at.go(`${pair()}&form=beside`);
    await page.locator('.side').nth(1).locator('[data-vertex]').first().waitFor();
    const ids = [
      ...(await drawnVertices(page, '.side:nth-child(1) .pane')),
      ...(await drawnVertices(page, '.side:nth-child(2) .pane')),
    ];
    const svg = await openAlone((await saved(page, /^SVG/)).content.toString('utf8'));
    expect(svg.pictures).toEqual(ids);
    expect(svg.texts).toContain(run.classes[0]!.name);
    expect(svg.texts).toContain(run.classes[1]!.name);
  });

  it('hold the graph of one class', async () => {
    const page = await at.go(`?v=2&run=${run.id}&class=${run.classes[0]!.index}`);
    await page.locator('[data-vertex]').first().waitFor();
    const svg = await openAlone((await saved(page, /^SVG/)).content.toString('utf8'));
    expect(svg.pictures).toEqual(await drawnVertices(page));
    expect(svg.outside).toEqual([]);
  });
});

describe('the files of the other modes', () => {
  it('hold the motifs listed', async () => {
    const page = await at.go(`?v=2&run=${run.id}&mode=motifs&parts=all&pattern=path-2&${set()}`);
    const rows = page.getByRole('list', { name: 'Path of 2s' }).getByRole('listitem');
    await rows.first().waitFor();
    await page.waitForLoadState('networkidle');
    const svg = await openAlone((await saved(page, /^SVG/)).content.toString('utf8'));
    expect(svg.pictures.length).toBe(await page.locator('[data-channel]').count());
    expect(svg.paths.length).toBe(await page.locator('[data-edge]').count());
    expect(svg.outside).toEqual([]);
    expect(parseCsv((await saved(page, /^CSV/)).content).length - 1).toBe(await rows.count());
  });

  it('hold every cell of the matrix, in the order on screen', async () => {
    const page = await at.go(`?v=2&run=${run.id}&mode=matrix&layer=${run.layers[0]!.name}&${set()}`);
    await page.locator('[data-column]').first().waitFor();
    const first = await page.locator('[data-column]').evaluateAll((all) =>
      all
        .map((one) => ({ id: (one as HTMLElement).dataset.column!, x: one.getBoundingClientRect().x }))
        .sort((a, b) => a.x - b.x)
        .map(({ id }) => id),
    );
    const [head, ...rows] = parseCsv((await saved(page, /^CSV/)).content);
    expect(head!.slice(1)).toEqual(run.classes.slice(0, 4).map(({ name }) => name));
    expect(rows.length).toBe(run.layers[0]!.channelCount);
    expect(rows.slice(0, first.length).map(([channel]) => channel)).toEqual(first.map(local));
    const means = rows.map((row) => row.slice(1).reduce((sum, value) => sum + Number(value), 0));
    expect(means.every((mean, i) => i === 0 || mean <= means[i - 1]! + 1e-6)).toBe(true);
    const svg = await openAlone((await saved(page, /^SVG/)).content.toString('utf8'));
    expect(svg.pictures.length).toBe(rows.length);
  });

  it('hold every layer of the model', async () => {
    const page = await at.go(`?v=2&run=${run.id}&mode=model`);
    await page.locator('[data-layer]').first().waitFor();
    const svg = await openAlone((await saved(page, /^SVG/)).content.toString('utf8'));
    expect(svg.rects).toEqual([...run.layers].reverse().map(({ id }) => id));
    expect(svg.paths.length).toBe(await page.locator('[data-link]').count());
    const rows = parseCsv((await saved(page, /^CSV layers/)).content).slice(1);
    expect(rows.map(([name]) => name)).toEqual(run.layers.map(({ name }) => name));
  });
});

describe('sharing', () => {
  it('copies the link to what is on screen', async () => {
    const page = await at.go(`${pair()}&form=beside`, { permissions: ['clipboard-read', 'clipboard-write'] });
    await page.locator('[data-vertex]').first().waitFor();
    await page.getByRole('button', { name: 'Export', exact: true }).click();
    await page.getByRole('button', { name: 'Copy link' }).click();
    await page.getByText('Copied').waitFor();
    expect(await page.evaluate(() => navigator.clipboard.readText())).toBe(page.url());
    await page.keyboard.press('Escape');
    await page.getByRole('group', { name: 'Export and share' }).waitFor({ state: 'detached' });
    expect(await page.evaluate(() => document.activeElement?.textContent?.trim())).toBe('Export');
  });

  it('opens Neo4j Browser with the statement filled in, where the service knows one', async () => {
    const page = await at.go(pair());
    await page.locator('[data-vertex]').first().waitFor();
    const button = page.getByRole('button', { name: 'Open in Neo4j Browser' });
    await button.waitFor();
    // The tab that opens must not reach the real Browser here: what counts is its address.
    await page.context().route('**/browser/**', (route) => route.fulfill({ body: 'browser' }));
    const [tab] = await Promise.all([page.context().waitForEvent('page'), button.click()]);
    await tab.waitForURL(/cmd=edit/);
    const address = new URL(tab.url());
    expect(address.pathname).toBe('/browser/');
    expect(address.searchParams.get('arg')).toContain('MATCH');
    expect(address.searchParams.get('arg')).toContain(run.classes[0]!.id);
  });
});
