/** How many requests and bytes the pictures of a large graph take, on the real service: one atlas a layer. */

import type { Response } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { query } from './browser';
import { harness, vertices } from './harness';

const h = harness();

/** Of a class's graph as large as it is drawn, with all that the layers hold. */
const MASS = 0.95;
const MOST_DRAWN = 400;

const LAYERS = `query ($id: ID!, $mass: Float) { class(id: $id) { graph(mass: $mass) {
  vertices { channel { id layerIndex picture { url } feature { url } } } } } }`;
interface Answer {
  class: {
    graph: {
      vertices: {
        channel: { layerIndex: number; picture: unknown; feature: unknown };
      }[];
    };
  };
}

describe('a page with hundreds of pictures', () => {
  it('asks for one atlas a layer and nothing else, and for nothing the second time', async () => {
    const answer = await query<Answer>(LAYERS, {
      id: h.known.a.id,
      mass: MASS,
    });
    const channels = answer.class.graph.vertices.map(({ channel }) => channel);
    const layers = new Set(channels.map(({ layerIndex }) => layerIndex)).size;
    expect(channels.length, 'the graph is large enough to say something').toBeGreaterThan(300);
    // Examples and feature visualizations have an atlas of their own: a channel without the one shows the other.
    const kinds = channels.some(({ feature }) => feature) && channels.some(({ feature }) => !feature) ? 2 : 1;

    // The map of classes has pictures too, of single images: they are strips of their own.
    const ofVertices = (url: string): boolean =>
      /^\/images\/(?!.*\/thumbnails\/)/.test(new URL(url).pathname);
    const pictures: Response[] = [];
    const page = await h.go(`${h.exploring()}&mass=${MASS}`, {}, async (each) => {
      each.on('response', (response) => {
        if (ofVertices(response.url())) pictures.push(response);
      });
    });
    await vertices(page).first().waitFor();
    const shown = await vertices(page).count();
    expect(shown).toBe(Math.min(channels.length, MOST_DRAWN));
    const images = page.locator('[data-vertex] .cut');
    await page.waitForLoadState('networkidle');
    const sizes = await images.evaluateAll(async (all) => {
      const urls = new Set(all.map((one) => /"(.+)"/.exec(getComputedStyle(one).backgroundImage)![1]!));
      return Promise.all(
        [...urls].map(async (src) => {
          const image = Object.assign(new Image(), { src });
          await image.decode();
          return image.naturalWidth;
        }),
      );
    });
    expect(Math.min(...sizes)).toBeGreaterThan(0);
    const seen = await images.count();
    // Some channels are excited by no image: they have no picture and a number stands for them.
    expect(seen).toBeGreaterThan(0.9 * shown);

    expect(pictures.map((each) => each.status())).toEqual(pictures.map(() => 200));
    const atlases = pictures.filter((each) => new URL(each.url()).pathname.includes('/atlases/'));
    expect(pictures.map((each) => new URL(each.url()).pathname).sort()).toEqual(
      atlases.map((each) => new URL(each.url()).pathname).sort(),
    );
    expect(atlases.length).toBeLessThanOrEqual(kinds * layers);
    const bytes = (await Promise.all(atlases.map((each) => each.body()))).reduce(
      (sum, body) => sum + body.length,
      0,
    );
    console.log(`${seen} pictures of ${shown} vertices: ${atlases.length} requests, ${bytes} bytes`);

    // They are kept for good: their address holds the hash of what they show.
    await page.reload();
    await vertices(page).first().waitFor();
    await expect.poll(() => images.count()).toBe(seen);
    const again = await page.evaluate(() =>
      performance
        .getEntriesByType('resource')
        .filter(({ name }) => /\/images\/.*\/atlases\//.test(name))
        .map((one) => (one as PerformanceResourceTiming).transferSize),
    );
    expect(again.length).toBeGreaterThan(0);
    expect(again.filter((each) => each > 0)).toEqual([]);
  });
});
