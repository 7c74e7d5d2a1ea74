import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { baseUrl, launch, query, subjects, violations, visit, type Subjects, type Visit } from './browser';

let browser: Browser;
let known: Subjects;
let open: Visit | undefined;

beforeAll(async () => {
  known = await subjects();
  browser = await launch();
});
afterAll(() => browser?.close());
afterEach(async () => {
  const troubles = open?.troubles ?? [];
  await open?.context.close();
  open = undefined;
  expect(troubles).toEqual([]);
});

async function go(path: string, options = {}): Promise<Page> {
  open = await visit(browser, path, options);
  return open.page;
}

const exploring = (): string => `?v=1&run=${known.run}&class=${known.a.index}`;
const comparing = (): string => `${exploring()}&mode=compare&b=${known.b.index}`;
const vertices = (page: Page) => page.locator('[data-vertex]');
const shownVertices = (page: Page) => page.locator('[data-vertex]:not(.gone):not(.faint)');
const card = (page: Page) => page.getByRole('article', { name: /^Channel / });

async function drawn(page: Page): Promise<void> {
  await vertices(page).first().waitFor();
}

const GRAPH = `query ($id: ID!, $mass: Float) { class(id: $id) { graph(mass: $mass) {
  mass cypher vertices { channel { id } count } edges { source target count } } } }`;
interface GraphAnswer {
  class: {
    graph: {
      mass: number;
      cypher: string;
      vertices: { channel: { id: string }; count: number }[];
      edges: { source: string; target: string; count: number }[];
    };
  };
}

describe('a first visit', () => {
  it('opens a class, chooses another, looks at a channel, compares, and goes back', async () => {
    const page = await go('');
    await drawn(page);
    await page
      .getByRole('button', { name: known.b.name, exact: false })
      .and(page.locator('[data-place]'))
      .first()
      .click();
    await page.getByRole('heading', { level: 1, name: known.b.name }).waitFor();
    await drawn(page);
    const vertex = vertices(page).first();
    const id = (await vertex.getAttribute('data-vertex'))!;
    await vertex.hover();
    await card(page)
      .getByRole('heading', { name: id.slice(id.indexOf('/') + 1) })
      .waitFor();
    await card(page).getByText('Other classes that use it most').waitFor();

    await page.getByRole('button', { name: 'Compare', exact: true }).click();
    await page.getByRole('button', { name: `${known.a.name} as B` }).click();
    await page.locator('.band-title').first().waitFor();
    expect(new URL(page.url()).searchParams.get('b')).toBe(String(known.a.index));

    await page.goBack();
    await page.getByText('Choose two classes').waitFor();
    await page.goBack();
    await page.getByRole('heading', { level: 1, name: known.b.name }).waitFor();
    await page.goForward();
    await page.goForward();
    await page.locator('.band-title').first().waitFor();
  });

  it('shows exactly what the API answers', async () => {
    const { graph } = (await query<GraphAnswer>(GRAPH, { id: known.a.id })).class;
    const page = await go(exploring());
    await drawn(page);
    const ids = await vertices(page).evaluateAll((all) =>
      all.map((one) => (one as HTMLElement).dataset.vertex),
    );
    expect(ids).toEqual(graph.vertices.map(({ channel }) => channel.id));
    expect(await page.locator('.world > svg').first().locator('path').count()).toBe(graph.edges.length);
    const rows = await page.locator('.labels .count').allTextContents();
    const sum = rows.reduce((total, text) => total + Number(text.trim().split(' ')[0]!.replace(',', '')), 0);
    expect(sum).toBe(graph.vertices.length);
  });
});

describe('looking at a graph', () => {
  it('lights the edges of the vertex under the pointer and dims, not hides, the rest', async () => {
    const { graph } = (await query<GraphAnswer>(GRAPH, { id: known.a.id })).class;
    const page = await go(exploring());
    await drawn(page);
    const id = graph.edges[0]!.target;
    const touched = graph.edges.filter((edge) => edge.source === id || edge.target === id);
    const ends = new Set(touched.flatMap(({ source, target }) => [source, target]));
    await page.evaluate(() => {
      const changed = new Set<string>();
      Object.assign(window, { changed });
      new MutationObserver((records) => {
        for (const { target } of records) {
          const vertex = (target as HTMLElement).closest<HTMLElement>('[data-vertex]');
          if (vertex) changed.add(vertex.dataset.vertex!);
        }
      }).observe(document.querySelector('.world')!, {
        subtree: true,
        attributes: true,
      });
    });
    await page.locator(`[data-vertex="${id}"]`).hover();
    await page.locator('.moving path.dash').first().waitFor({ state: 'attached' });
    expect(await page.locator('.moving path.dash').count()).toBe(touched.length);
    const lit = await page
      .locator('[data-vertex].lit')
      .evaluateAll((all) => all.map((one) => (one as HTMLElement).dataset.vertex!));
    expect(new Set(lit)).toEqual(ends);
    const changed = await page.evaluate(() => [...(window as never as { changed: Set<string> }).changed]);
    expect(changed.filter((one) => !ends.has(one))).toEqual([]);
    expect(await shownVertices(page).count()).toBe(graph.vertices.length);
  });

  it('tells of an edge under the pointer', async () => {
    const page = await go(exploring());
    await drawn(page);
    // A point on the longest line, away from both its ends: the middle of the curve.
    const point = await page.evaluate(() => {
      const paths = [...document.querySelectorAll<SVGPathElement>('.world > svg path')];
      for (const path of paths) {
        const middle = path.getPointAtLength(path.getTotalLength() / 2).matrixTransform(path.getScreenCTM()!);
        const pane = document.querySelector('.pane')!;
        const top = document.elementFromPoint(middle.x, middle.y);
        if (top && pane.contains(top) && !top.closest('button, ol')) return { x: middle.x, y: middle.y };
      }
      return null;
    });
    expect(point).not.toBeNull();
    await page.mouse.move(point!.x, point!.y);
    const article = page.getByRole('article', {
      name: /^Influence of .+ on .+/,
    });
    await article.waitFor();
    expect(await article.getByText('images').count()).toBe(1);
    expect(await page.locator('.moving path.dash').count()).toBe(1);
  });

  it('keeps a pinned channel, in the address too, and opens a class that uses it', async () => {
    const page = await go(exploring());
    await drawn(page);
    const vertex = vertices(page).first();
    const id = (await vertex.getAttribute('data-vertex'))!;
    await vertex.click();
    expect(new URL(page.url()).searchParams.get('pin')).toBe(id.slice(id.indexOf('/') + 1));
    await page.mouse.move(4, 400);
    await card(page).getByRole('button', { name: 'Unpin' }).waitFor();
    const other = card(page).locator('button.link').first();
    const name = (await other.textContent())!.trim();
    await other.click();
    await page.getByRole('heading', { level: 1, name }).waitFor();
  });

  it('zooms, moves and fits by a transform of one element', async () => {
    const page = await go(exploring(), { reducedMotion: 'reduce' });
    await drawn(page);
    const transform = () =>
      page.locator('.world').evaluate((world) => (world as HTMLElement).style.transform);
    const fitted = await transform();
    await page.getByRole('button', { name: 'Zoom in' }).click();
    expect(await transform()).not.toBe(fitted);
    await page.getByRole('button', { name: 'Fit the window' }).click();
    expect(await transform()).toBe(fitted);
    const box = (await page.locator('.pane').boundingBox())!;
    await page.mouse.move(box.x + box.width / 2, box.y + 12);
    await page.mouse.wheel(0, -240);
    await page.waitForFunction(
      (was) => document.querySelector<HTMLElement>('.world')!.style.transform !== was,
      fitted,
    );
    await page.mouse.down();
    await page.mouse.move(box.x + box.width / 2 + 80, box.y + 60, { steps: 4 });
    await page.mouse.up();
    await page.keyboard.press('0');
    expect(await transform()).toBe(fitted);
  });

  it('asks for another kept mass and returns to the class’s own', async () => {
    const { graph } = (await query<GraphAnswer>(GRAPH, { id: known.a.id })).class;
    const page = await go(exploring());
    await drawn(page);
    const slider = page.getByRole('slider', { name: 'Kept mass' });
    await slider.focus();
    await page.keyboard.press('End');
    await page.waitForURL(/mass=/);
    const mass = Number(new URL(page.url()).searchParams.get('mass'));
    const more = (await query<GraphAnswer>(GRAPH, { id: known.a.id, mass })).class.graph;
    expect(more.vertices.length).toBeGreaterThan(graph.vertices.length);
    await expect.poll(() => vertices(page).count()).toBe(Math.min(400, more.vertices.length));
    await page.getByRole('button', { name: 'Reset Kept mass' }).click();
    await expect.poll(() => vertices(page).count()).toBe(graph.vertices.length);
    expect(page.url()).not.toContain('mass=');
  });

  it('copies the statement behind the graph', async () => {
    const { graph } = (await query<GraphAnswer>(GRAPH, { id: known.a.id })).class;
    const page = await go(exploring(), {
      permissions: ['clipboard-read', 'clipboard-write'],
    });
    await drawn(page);
    await page.getByRole('button', { name: 'Copy as Cypher' }).click();
    await page.getByText('Copied').waitFor();
    expect(await page.evaluate(() => navigator.clipboard.readText())).toBe(graph.cypher);
  });

  it('lists the same vertices and edges as tables', async () => {
    const { graph } = (await query<GraphAnswer>(GRAPH, { id: known.a.id })).class;
    const page = await go(`${exploring()}&show=table`);
    await page.getByRole('table').first().waitFor();
    const rows = (table: number) => page.getByRole('table').nth(table).locator('tbody tr');
    expect(await rows(0).count()).toBe(graph.vertices.length);
    expect(await rows(1).count()).toBe(graph.edges.length);
    await page.getByRole('button', { name: 'A, images' }).click();
    const counts = (await rows(0).locator('td:nth-child(3)').allTextContents()).map((text) =>
      Number(text.replace(',', '')),
    );
    expect(counts).toEqual(graph.vertices.map(({ count }) => count).sort((a, b) => b - a));
  });
});

describe('comparing', () => {
  const COMPARE = `query ($a: ID!, $b: ID!, $operation: SetOperation!) { compare(a: $a, b: $b, operation: $operation) {
    vertices { channel { id } membership } edges { source } layers { shared onlyA onlyB } } }`;
  interface Compared {
    compare: {
      vertices: { channel: { id: string }; membership: string }[];
      edges: unknown[];
      layers: unknown[];
    };
  }

  it('draws three bands and what each operation keeps, without moving a vertex', async () => {
    const page = await go(comparing());
    await drawn(page);
    const place = () =>
      vertices(page)
        .first()
        .evaluate((one) => (one as HTMLElement).style.transform);
    const before = await place();
    const names = {
      UNION: /union/,
      INTERSECTION: /intersection/,
      A_MINUS_B: /A − B/,
      B_MINUS_A: /B − A/,
    };
    for (const [operation, name] of Object.entries(names)) {
      await page.getByRole('button', { name }).click();
      const { compare } = await query<Compared>(COMPARE, {
        a: known.a.id,
        b: known.b.id,
        operation,
      });
      await expect
        .poll(() => shownVertices(page).count(), { message: operation })
        .toBe(compare.vertices.length);
      const paths = page.locator('.world > svg').first().locator('path:not(.gone)');
      await expect.poll(() => paths.count(), { message: operation }).toBe(compare.edges.length);
      for (const membership of ['ONLY_A', 'SHARED', 'ONLY_B']) {
        const expected = compare.vertices.filter((vertex) => vertex.membership === membership).length;
        expect(await page.locator(`[data-vertex].${membership}:not(.gone):not(.faint)`).count()).toBe(
          expected,
        );
      }
    }
    expect(await place()).toBe(before);
    await expect.poll(() => page.locator('.labels .overlap').count()).toBeGreaterThan(0);
  });

  it('takes weak influences out of each class as the API does', async () => {
    const minShare = 0.6;
    const { compare } = await query<{ compare: { edges: { membership: string }[] } }>(
      `query ($a: ID!, $b: ID!, $minShare: Float!) {
        compare(a: $a, b: $b, minShare: $minShare) { edges { membership } } }`,
      { a: known.a.id, b: known.b.id, minShare },
    );
    const page = await go(`${comparing()}&floor=${minShare}`);
    await drawn(page);
    for (const membership of ['ONLY_A', 'SHARED', 'ONLY_B']) {
      const paths = page.locator('.world > svg').first().locator(`path.${membership}:not(.gone)`);
      const expected = compare.edges.filter((edge) => edge.membership === membership).length;
      expect(await paths.count(), membership).toBe(expected);
    }
  });

  it('swaps the classes', async () => {
    const page = await go(comparing());
    await drawn(page);
    const counts = async () => (await page.locator('.band-title span').allTextContents()).map(Number);
    const [onlyA, shared, onlyB] = await counts();
    await page.getByRole('button', { name: 'Swap A and B' }).click();
    await page.waitForURL(new RegExp(`class=${known.b.index}&b=${known.a.index}(&|$)`));
    await expect.poll(counts).toEqual([onlyB, shared, onlyA]);
  });
});

describe('an address', () => {
  it('opens the same view in a fresh profile', async () => {
    const first = await go(comparing());
    await drawn(first);
    await vertices(first).last().click();
    await first.getByRole('button', { name: /intersection/ }).click();
    const address = first.url();
    const was = await first
      .locator('[data-vertex]')
      .evaluateAll((all) => all.map((one) => one.outerHTML.replace(/class="[^"]*"/, '')));
    await open!.context.close();
    expect(open!.troubles).toEqual([]);

    const second = await go(address.slice(baseUrl().length + 1));
    await drawn(second);
    await card(second).waitFor();
    expect(second.url()).toBe(address);
    expect(await second.getByRole('button', { name: /intersection/ }).getAttribute('aria-pressed')).toBe(
      'true',
    );
    const is = await second
      .locator('[data-vertex]')
      .evaluateAll((all) => all.map((one) => one.outerHTML.replace(/class="[^"]*"/, '')));
    expect(is.map(withoutTab)).toEqual(was.map(withoutTab));
  });

  it('with an unknown class says so beside the list', async () => {
    const page = await go(`?v=1&run=${known.run}&class=987654`);
    await page.getByText('This class is not in the run').waitFor();
    await page.getByRole('button', { name: known.a.name }).and(page.locator('[data-place]')).first().click();
    await drawn(page);
  });

  it('with an unknown run says so and offers those there are', async () => {
    const page = await go('?v=1&run=no-such-run&class=0');
    await page.getByText('There is no run “no-such-run” here').waitFor();
    await page.locator('.runs button').first().click();
    await drawn(page);
  });
});

const withoutTab = (html: string): string => html.replace(/tabindex="[^"]*"/, '');

describe('the keyboard', () => {
  it('reaches the search, a class, a channel, its pin and the help', async () => {
    const page = await go(exploring());
    await drawn(page);
    await page.keyboard.press('/');
    await page.keyboard.type(known.b.name);
    await page.getByRole('option').first().waitFor();
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { level: 1, name: known.b.name }).waitFor();

    await page.locator('[data-place][tabindex="0"]').focus();
    const before = page.url();
    await page.keyboard.press('ArrowUp');
    await page.keyboard.press('Enter');
    await expect.poll(() => page.url()).not.toBe(before);
    await drawn(page);

    await page.locator('[data-vertex][tabindex="0"]').focus();
    const focused = () => page.evaluate(() => (document.activeElement as HTMLElement).dataset.vertex);
    const from = await focused();
    await page.keyboard.press('ArrowDown');
    const below = await focused();
    expect(below).toBeDefined();
    expect(below).not.toBe(from);
    await card(page)
      .getByRole('heading', { name: below!.slice(below!.indexOf('/') + 1) })
      .waitFor();
    await page.keyboard.press('Enter');
    await card(page).getByRole('button', { name: 'Unpin' }).waitFor();
    await page.keyboard.press('Escape');
    await card(page).getByRole('button', { name: 'Unpin' }).waitFor({ state: 'detached' });
    await page.keyboard.press('ArrowUp');
    expect(await focused()).not.toBe(below);

    await page.keyboard.press('?');
    await page.getByRole('dialog').waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'hidden' });
  });

  it('chooses both classes to compare', async () => {
    const page = await go(exploring());
    await drawn(page);
    await page.keyboard.press('c');
    await page.locator(`[data-place][aria-current="true"]`).focus();
    await page.keyboard.press('End');
    await page.keyboard.press('b');
    await drawn(page);
    await page.keyboard.press('Home');
    await page.keyboard.press('a');
    await page.waitForURL(/class=0&b=\d+/);
    await drawn(page);
  });
});

describe('everybody', () => {
  for (const colorScheme of ['light', 'dark'] as const) {
    it(`finds nothing in the way, ${colorScheme}`, async () => {
      const page = await go(exploring(), {
        colorScheme,
        reducedMotion: 'reduce',
      });
      await drawn(page);
      expect(await violations(page)).toEqual([]);
      await vertices(page).first().click();
      await card(page).getByText('Other classes that use it most').waitFor();
      await expect.poll(() => card(page).locator('[aria-busy="true"]').count()).toBe(0);
      expect(await violations(page)).toEqual([]);
      await page.keyboard.press('t');
      await page.getByRole('table').first().waitFor();
      expect(await violations(page)).toEqual([]);
      await page.goto(`${baseUrl()}/${comparing()}`);
      await drawn(page);
      expect(await violations(page)).toEqual([]);
      await page.keyboard.press('?');
      await page.getByRole('dialog').waitFor();
      expect(await violations(page)).toEqual([]);
    });
  }

  it('sees the whole page without scrolling sideways', async () => {
    const page = await go(comparing(), {
      viewport: { width: 1024, height: 700 },
    });
    await drawn(page);
    for (const width of [1024, 1440, 2560, 400]) {
      await page.setViewportSize({ width, height: 800 });
      const wide = await page.evaluate(() => document.documentElement.scrollWidth);
      expect(wide, `at ${width} px`).toBeLessThanOrEqual(width);
    }
  });

  it('chooses light or dark, and finds it again', async () => {
    const page = await go(exploring(), { colorScheme: 'light' });
    const paper = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    const light = await paper();
    await page.getByRole('button', { name: 'Theme: system' }).click();
    await page.getByRole('button', { name: 'Theme: light' }).click();
    await page.getByRole('button', { name: 'Theme: dark' }).waitFor();
    expect(await paper()).not.toBe(light);
    await page.reload();
    await page.getByRole('button', { name: 'Theme: dark' }).waitFor();
    expect(await paper()).not.toBe(light);
  });
});

describe('a server in trouble', () => {
  it('is named with its own words, and asked again on request', async () => {
    const page = await go(exploring());
    await drawn(page);
    // The rest of a long class list may still be on its way.
    await page.waitForLoadState('networkidle');
    await page.route('**/graphql', (route) =>
      route.fulfill({
        json: {
          data: null,
          errors: [
            {
              message: 'the database does not answer',
              extensions: {
                code: 'DATABASE',
                hint: 'look at the log',
                requestId: 'abc',
              },
            },
          ],
        },
      }),
    );
    await page.getByRole('button', { name: known.b.name }).and(page.locator('[data-place]')).first().click();
    const alert = page.getByRole('alert');
    await alert.getByText('the database does not answer').waitFor();
    await alert.getByText('look at the log').waitFor();
    await page.unroute('**/graphql');
    await alert.getByRole('button', { name: 'Try again' }).click();
    await page.getByRole('heading', { level: 1, name: known.b.name }).waitFor();
    await drawn(page);
  });

  it('that is away is asked some times, then the page says so and recovers', async () => {
    const page = await go(exploring());
    await drawn(page);
    // The rest of a long class list may still be on its way.
    await page.waitForLoadState('networkidle');
    await page.route('**/graphql', (route) => route.abort('connectionrefused'));
    await page.getByRole('button', { name: known.b.name }).and(page.locator('[data-place]')).first().click();
    await page.getByRole('alert').getByText('The server cannot be reached.').waitFor();
    // The browser itself reports each refused request; nothing else may have been reported.
    expect(open!.troubles.filter((text) => !text.includes('ERR_CONNECTION_REFUSED'))).toEqual([]);
    expect(open!.troubles.length).toBe(3);
    open!.troubles.length = 0;
    await page.unroute('**/graphql');
    await page.getByRole('button', { name: 'Try again' }).click();
    await drawn(page);
  });

  it('that holds no run yet says how to make one', async () => {
    open = await visit(browser, '', {}, (page) =>
      page.route('**/graphql', (route) => route.fulfill({ json: { data: { runs: [] } } })),
    );
    const { page } = open;
    await page.getByText('No runs yet').waitFor();
    await page.getByText('arete demo').waitFor();
    expect(await violations(page)).toEqual([]);
  });
});
