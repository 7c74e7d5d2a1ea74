import { describe, expect, it } from 'vitest';
import { query } from './browser';
import { drawn, shownVertices, vertices, harness } from './harness';

const h = harness();

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
    const page = await h.go(h.comparing());
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
        a: h.known.a.id,
        b: h.known.b.id,
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
      { a: h.known.a.id, b: h.known.b.id, minShare },
    );
    const page = await h.go(`${h.comparing()}&floor=${minShare}`);
    await drawn(page);
    for (const membership of ['ONLY_A', 'SHARED', 'ONLY_B']) {
      const paths = page.locator('.world > svg').first().locator(`path.${membership}:not(.gone)`);
      const expected = compare.edges.filter((edge) => edge.membership === membership).length;
      expect(await paths.count(), membership).toBe(expected);
    }
  });

  it('swaps the classes', async () => {
    const page = await h.go(h.comparing());
    await drawn(page);
    const counts = async () => (await page.locator('.titles p span').allTextContents()).map(Number);
    const [onlyA, shared, onlyB] = await counts();
    await page.getByRole('button', { name: 'Swap A and B' }).click();
    await page.waitForURL(new RegExp(`class=${h.known.b.index}&b=${h.known.a.index}(&|$)`));
    await expect.poll(counts).toEqual([onlyB, shared, onlyA]);
  });
});
