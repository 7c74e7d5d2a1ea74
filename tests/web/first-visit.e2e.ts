import { describe, expect, it } from 'vitest';
import { baseUrl, query, violations } from './browser';
import { card, drawn, GRAPH, type GraphAnswer, vertices, harness } from './harness';

const h = harness();

describe('a first visit', () => {
  it('opens a class, chooses another, looks at a channel, compares, and goes back', async () => {
    const page = await h.go('');
    await drawn(page);
    await page
      .getByRole('button', { name: h.known.b.name, exact: false })
      .and(page.locator('[data-place]'))
      .first()
      .click();
    await page.getByRole('heading', { level: 1, name: h.known.b.name }).waitFor();
    await drawn(page);
    const vertex = vertices(page).first();
    const id = (await vertex.getAttribute('data-vertex'))!;
    await vertex.hover();
    await card(page)
      .getByRole('heading', { name: id.slice(id.indexOf('/') + 1) })
      .waitFor();
    await card(page).getByText('Other classes that use it most').waitFor();

    await page.getByRole('button', { name: 'Compare', exact: true }).click();
    await page.getByRole('button', { name: `${h.known.a.name} as B` }).click();
    await page.locator('.titles p').first().waitFor();
    expect(new URL(page.url()).searchParams.get('b')).toBe(String(h.known.a.index));

    await page.goBack();
    await page.getByText('Choose two classes').waitFor();
    await page.goBack();
    await page.getByRole('heading', { level: 1, name: h.known.b.name }).waitFor();
    await page.goForward();
    await page.goForward();
    await page.locator('.titles p').first().waitFor();
  });

  it('shows exactly what the API answers', async () => {
    const { graph } = (await query<GraphAnswer>(GRAPH, { id: h.known.a.id })).class;
    const page = await h.go(h.exploring());
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

  it('is guided in three steps to a comparison, once', async () => {
    const page = await h.first('');
    const tour = page.getByRole('region', { name: 'First visit' });
    await tour.getByText('1 of 3').waitFor();
    expect(await violations(page)).toEqual([]);
    await tour.getByRole('button', { name: 'Show the strongest channel' }).click();
    await card(page).waitFor();
    await tour.getByRole('button', { name: /^Open / }).click();
    await tour.getByRole('button', { name: 'Compare the two' }).click();
    await page.locator('.titles p').first().waitFor();
    await tour.getByRole('button', { name: 'Done' }).click();
    await tour.waitFor({ state: 'detached' });
    await page.goto(`${baseUrl()}/`);
    await drawn(page);
    expect(await tour.count()).toBe(0);
  });

  it('that is not wished for goes away for good', async () => {
    const page = await h.first('');
    await page.getByRole('button', { name: 'Close the first visit' }).click();
    await page.reload();
    await drawn(page);
    expect(await page.getByRole('region', { name: 'First visit' }).count()).toBe(0);
  });

  it('with a link to more than a class is left alone', async () => {
    const page = await h.first(`${h.exploring()}&show=table`);
    await page.getByRole('table').first().waitFor();
    expect(await page.getByRole('region', { name: 'First visit' }).count()).toBe(0);
  });
});
