import type { Page } from 'playwright-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { baseUrl, violations } from './browser';
import { harness } from './harness';
import { runWith, type RunOf } from './modes';

const at = harness();
let run: RunOf;

beforeAll(async () => {
  run = await runWith(6);
});

const set = (): string =>
  `set=${run.classes
    .slice(0, 4)
    .map(({ index }) => index)
    .join(',')}`;

/** Each screen of the modes beyond Explore: its address, and what is there once it is. */
const SCREENS: Record<string, { address: () => string; there: string }> = {
  'side by side': {
    address: () => `mode=compare&form=beside&class=${run.classes[0]!.index}&b=${run.classes[1]!.index}`,
    there: '.side:nth-child(2) [data-vertex]',
  },
  'a group': { address: () => `mode=compare&form=group&${set()}`, there: '[data-vertex]' },
  'two groups': {
    address: () => `mode=compare&form=groups&mass=0.2&${set()}&set-b=${run.classes[4]!.index}`,
    there: '[data-vertex]',
  },
  'no group yet': { address: () => 'mode=compare&form=group', there: '.message' },
  motifs: { address: () => `mode=motifs&parts=all&pattern=path-2&${set()}`, there: '.motif' },
  matrix: { address: () => `mode=matrix&${set()}`, there: '[data-column]' },
  model: { address: () => 'mode=model', there: '[data-layer]' },
};

async function show(name: string, options = {}): Promise<Page> {
  const { address, there } = SCREENS[name]!;
  const page = await at.go(`?v=2&run=${run.id}&${address()}`, options);
  await page.locator(there).first().waitFor();
  return page;
}

/** Goes through all screens on one page. */
async function tour(look: (page: Page, name: string) => Promise<void>, options = {}): Promise<void> {
  const [first, ...others] = Object.keys(SCREENS);
  const page = await show(first!, options);
  await look(page, first!);
  for (const name of others) {
    const { address, there } = SCREENS[name]!;
    await page.goto(`${baseUrl()}/?v=2&run=${run.id}&${address()}`);
    await page.locator(there).first().waitFor();
    await look(page, name);
  }
}

describe('every mode', () => {
  for (const colorScheme of ['light', 'dark'] as const) {
    it(`has nothing in the way of anybody, ${colorScheme}`, async () => {
      await tour(
        async (page, name) => {
          await page.waitForLoadState('networkidle');
          expect(await violations(page), name).toEqual([]);
        },
        { colorScheme, reducedMotion: 'reduce' },
      );
      await at.open.page.getByRole('button', { name: 'Export', exact: true }).click();
      expect(await violations(at.open.page), 'export menu').toEqual([]);
    });
  }

  it('fits from a telephone to a wall, without scrolling sideways', async () => {
    await tour(async (page, name) => {
      for (const width of [1024, 2560, 400]) {
        await page.setViewportSize({ width, height: 800 });
        const wide = await page.evaluate(() => document.documentElement.scrollWidth);
        expect(wide, `${name} at ${width} px`).toBeLessThanOrEqual(width);
      }
    });
  });

  it('says what went wrong and asks again', async () => {
    for (const name of ['a group', 'motifs', 'matrix']) {
      const { address, there } = SCREENS[name]!;
      const page = await at.go(`?v=2&run=${run.id}&${address()}`, {}, (fresh) =>
        fresh.route('**/graphql', async (route) => {
          const asked = (route.request().postDataJSON() as { query: string }).query;
          if (!/query (Overlap|Motifs|Matrix)\b/.test(asked)) return route.continue();
          return route.fulfill({
            json: {
              data: null,
              errors: [{ message: 'the database is busy', extensions: { code: 'OTHER' } }],
            },
          });
        }),
      );
      const alert = page.getByRole('alert');
      await alert.getByText('the database is busy').waitFor();
      await page.unroute('**/graphql');
      await alert.getByRole('button', { name: 'Try again' }).click();
      await page.locator(there).first().waitFor();
    }
  });

  it('is opened by a key of its own', async () => {
    const page = await show('model');
    for (const [key, mode] of [
      ['m', 'motifs'],
      ['r', 'matrix'],
      ['o', 'model'],
      ['c', 'compare'],
    ] as const) {
      await page.keyboard.press(key);
      await page.waitForURL(new RegExp(`mode=${mode}`));
    }
  });
});
