import { describe, expect, it } from 'vitest';
import { query } from './browser';
import { card, drawn, GRAPH, shownVertices, type GraphAnswer, vertices, harness } from './harness';

const h = harness();

describe('looking at a graph', () => {
  it('lights the edges of the vertex under the pointer and dims, not hides, the rest', async () => {
    const { graph } = (await query<GraphAnswer>(GRAPH, { id: h.known.a.id })).class;
    const page = await h.go(h.exploring());
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
      .locator('[data-lit]')
      .evaluateAll((all) => all.map((one) => (one as HTMLElement).dataset.lit!));
    expect(new Set(lit)).toEqual(ends);
    const changed = await page.evaluate(() => [...(window as never as { changed: Set<string> }).changed]);
    expect(changed, 'what is beneath the light stays as it is').toEqual([]);
    const veil = () => page.locator('.veil').evaluate((one) => Number(getComputedStyle(one).opacity));
    await expect.poll(veil).toBeGreaterThan(0.5);
    expect(await veil()).toBeLessThan(0.9);
    expect(await shownVertices(page).count()).toBe(graph.vertices.length);
  });

  it('tells of an edge under the pointer', async () => {
    const page = await h.go(h.exploring());
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
    const page = await h.go(h.exploring());
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
    const page = await h.go(h.exploring(), { reducedMotion: 'reduce' });
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
    const { graph } = (await query<GraphAnswer>(GRAPH, { id: h.known.a.id })).class;
    const page = await h.go(h.exploring());
    await drawn(page);
    const slider = page.getByRole('slider', { name: 'Kept mass' });
    await slider.focus();
    await page.keyboard.press('End');
    await page.waitForURL(/mass=/);
    const mass = Number(new URL(page.url()).searchParams.get('mass'));
    const more = (await query<GraphAnswer>(GRAPH, { id: h.known.a.id, mass })).class.graph;
    expect(more.vertices.length).toBeGreaterThan(graph.vertices.length);
    await expect.poll(() => vertices(page).count()).toBe(Math.min(400, more.vertices.length));
    await page.getByRole('button', { name: 'Reset Kept mass' }).click();
    await expect.poll(() => vertices(page).count()).toBe(graph.vertices.length);
    expect(page.url()).not.toContain('mass=');
  });

  it('copies the statement behind the graph', async () => {
    const { graph } = (await query<GraphAnswer>(GRAPH, { id: h.known.a.id })).class;
    const page = await h.go(h.exploring(), {
      permissions: ['clipboard-read', 'clipboard-write'],
    });
    await drawn(page);
    await page.getByRole('button', { name: 'Copy as Cypher' }).click();
    await page.getByText('Copied').waitFor();
    expect(await page.evaluate(() => navigator.clipboard.readText())).toBe(graph.cypher);
  });

  it('lists the same vertices and edges as tables', async () => {
    const { graph } = (await query<GraphAnswer>(GRAPH, { id: h.known.a.id })).class;
    const page = await h.go(`${h.exploring()}&show=table`);
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

  it('leaves out channels below a least A, and brings them back by undo', async () => {
    const { graph } = (await query<GraphAnswer>(GRAPH, { id: h.known.a.id })).class;
    const page = await h.go(h.exploring());
    await drawn(page);
    await page.getByRole('slider', { name: 'Least A' }).focus();
    for (let i = 0; i < 4; i += 1) await page.keyboard.press('PageUp');
    await page.waitForURL(/least=/);
    const least = Number(new URL(page.url()).searchParams.get('least'));
    const kept = graph.vertices.filter(({ share }) => share >= least);
    expect(kept.length).toBeLessThan(graph.vertices.length);
    await expect.poll(() => shownVertices(page).count()).toBe(kept.length);
    const ids = new Set(kept.map(({ channel }) => channel.id));
    const edges = graph.edges.filter(({ source, target }) => ids.has(source) && ids.has(target));
    await expect
      .poll(() => page.locator('.world > svg').first().locator('path:not(.gone)').count())
      .toBe(edges.length);
    await page.keyboard.press('Control+z');
    await expect.poll(() => shownVertices(page).count()).toBe(graph.vertices.length);
    expect(page.url()).not.toContain('least=');
    await page.keyboard.press('Control+Shift+z');
    await expect.poll(() => shownVertices(page).count()).toBe(kept.length);
  });

  it('draws the rows and columns farther apart', async () => {
    const page = await h.go(h.exploring(), { reducedMotion: 'reduce' });
    await drawn(page);
    const places = () =>
      vertices(page).evaluateAll((all) =>
        all.map((one) => {
          const [, x, y] = /\(([-\d.]+)px,\s*([-\d.]+)px\)/.exec((one as HTMLElement).style.transform)!;
          const half = parseFloat((one as HTMLElement).style.width) / 2;
          return { x: Number(x) + half, y: Number(y) + half };
        }),
      );
    const before = await places();
    await page.getByLabel('Width and height').click();
    await page.getByRole('slider', { name: 'Width' }).focus();
    for (let i = 0; i < 10; i += 1) await page.keyboard.press('ArrowRight');
    await page.waitForURL(/width=1\.5/);
    const after = await places();
    before.forEach(({ x, y }, i) => {
      expect(after[i]!.x).toBeCloseTo(1.5 * x, 1);
      expect(after[i]!.y).toBeCloseTo(y, 1);
    });
  });

  it('draws what the pinned channel is joined to beyond the graph', async () => {
    const page = await h.go(h.exploring());
    await drawn(page);
    const { graph } = (await query<GraphAnswer>(GRAPH, { id: h.known.a.id })).class;
    const kept = new Set(graph.vertices.map(({ channel }) => channel.id));
    const NEIGHBORS = `query ($channel: ID!, $class: ID!) { channelInClass(channel: $channel, class: $class, first: 5) {
      inputs { channel { id } } outputs { channel { id } } } }`;
    interface Joined {
      channelInClass: {
        inputs: { channel: { id: string } }[];
        outputs: { channel: { id: string } }[];
      };
    }
    let beyond: string[] = [];
    let pin = '';
    for (const { channel } of graph.vertices) {
      const found = await query<Joined>(NEIGHBORS, {
        channel: channel.id,
        class: h.known.a.id,
      });
      const all = [...found.channelInClass.inputs, ...found.channelInClass.outputs];
      beyond = all.map((one) => one.channel.id).filter((id) => !kept.has(id));
      pin = channel.id;
      if (beyond.length > 0) break;
    }
    expect(beyond.length).toBeGreaterThan(0);
    await page.locator(`[data-vertex="${pin}"]`).click();
    await card(page).getByLabel('draw the inputs and outputs that are not in the graph').check();
    const drawnBeyond = page.getByRole('button', {
      name: /not in this graph: open its page/,
    });
    await expect.poll(() => drawnBeyond.count()).toBe(new Set(beyond).size);
    expect(page.url()).toContain('show-more=yes');
    await drawnBeyond.first().click();
    await page.getByRole('region', { name: /^Channel / }).waitFor();
    expect(await page.evaluate(() => document.activeElement!.tagName)).toBe('H1');
    await page.keyboard.press('Escape');
    await page.getByRole('region', { name: /^Channel / }).waitFor({ state: 'detached' });
  });
});
