import type { Page } from 'playwright-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { baseUrl, query, violations } from './browser';
import { harness } from './harness';
import { local, runWith, type RunOf } from './modes';

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
  'a group': {
    address: () => `mode=compare&form=group&${set()}`,
    there: '[data-vertex]',
  },
  'two groups': {
    address: () => `mode=compare&form=groups&mass=0.2&${set()}&set-b=${run.classes[4]!.index}`,
    there: '[data-vertex]',
  },
  'no group yet': {
    address: () => 'mode=compare&form=group',
    there: '.message',
  },
  motifs: {
    address: () => `mode=motifs&parts=all&pattern=path-2&${set()}`,
    there: '.motif',
  },
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
              errors: [
                {
                  message: 'the database is busy',
                  extensions: { code: 'OTHER' },
                },
              ],
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

  it('opens from its link in a fresh profile as it was', async () => {
    const links = new Map<string, { address: string; words: string }>();
    const read = async (page: Page) => {
      await page.waitForLoadState('networkidle');
      return page.getByRole('main').innerText();
    };
    await tour(async (page, name) => {
      links.set(name, { words: await read(page), address: page.url() });
    });
    await at.open.context.close();
    expect(at.open.troubles).toEqual([]);

    const page = await at.go('');
    for (const [name, { address, words }] of links) {
      await page.goto(address);
      await page.locator(SCREENS[name]!.there).first().waitFor();
      expect(await read(page), name).toBe(words);
      expect(page.url(), name).toBe(address);
    }
  });

  it('waits for a slow server without a word of error', async () => {
    for (const name of ['two groups', 'motifs', 'matrix']) {
      const { address, there } = SCREENS[name]!;
      const page = await at.go(`?v=2&run=${run.id}&${address()}`, {}, (fresh) =>
        fresh.route('**/graphql', async (route) => {
          await new Promise((resolve) => setTimeout(resolve, 500));
          await route.continue();
        }),
      );
      await page.locator(there).first().waitFor();
      expect(await page.getByRole('alert').count(), name).toBe(0);
      await page.unrouteAll({ behavior: 'wait' });
      await at.open.context.close();
    }
  });

  it('keeps the longest names of classes in their places', async () => {
    const long = (name: string): string =>
      `${name}, mud puppy, Ambystoma maculatum, as told in many words of one meaning`;
    const page = await at.go(`?v=2&run=${run.id}&${SCREENS.matrix!.address()}`, {}, (fresh) =>
      fresh.route('**/graphql', async (route) => {
        const answer = await route.fetch();
        let reply = await answer.text();
        for (const { name } of run.classes)
          reply = reply.replaceAll(`"name":"${name}"`, `"name":"${long(name)}"`);
        await route.fulfill({ response: answer, body: reply });
      }),
    );
    const subject = run.classes[0]!;
    const { class: found } = await query<{
      class: { graph: { vertices: { channel: { id: string } }[] } };
    }>('query ($id: ID!) { class(id: $id) { graph { vertices { channel { id } } } } }', { id: subject.id });
    const channel = local(found.graph.vertices.at(-1)!.channel.id);
    const places = {
      card: `class=${subject.index}&pin=${channel}`,
      page: `class=${subject.index}&channel=${channel}`,
      ...Object.fromEntries(Object.entries(SCREENS).map(([name, { address }]) => [name, address()])),
    };
    for (const [name, address] of Object.entries(places)) {
      await page.goto(`${baseUrl()}/?v=2&run=${run.id}&${address}`);
      await page.waitForLoadState('networkidle');
      for (const width of [1024, 1440]) {
        await page.setViewportSize({ width, height: 800 });
        expect(await page.evaluate(outside), `${name} at ${width} px`).toEqual([]);
      }
    }
    await page.unrouteAll({ behavior: 'ignoreErrors' });
  });

  it('is worked by keyboard alone, from classes to a motif in a graph', async () => {
    const page = await at.go(`?v=2&run=${run.id}&mode=motifs&parts=all&pattern=path-2`);
    await page.locator('[data-place][tabindex="0"]').focus();
    for (let chosen = 0; chosen < 4; chosen += 1) {
      await page.keyboard.press('Enter');
      await page.keyboard.press('ArrowDown');
    }
    await page.waitForURL(/set=\d+,\d+,\d+,\d+/);
    const motif = page.locator('.head-row').first();
    await motif.waitFor();
    await page.waitForLoadState('networkidle');
    await motif.focus();
    await page.keyboard.press('Enter');
    expect(await motif.getAttribute('aria-expanded')).toBe('true');
    await page.keyboard.press('Tab');
    expect(await page.evaluate(() => document.activeElement?.closest('.classes')?.tagName)).toBe('UL');
    await page.keyboard.press('Enter');
    await page.locator('[data-vertex]').first().waitFor();
    await page.keyboard.press('Control+z');
    await motif.waitFor();
  });
});

/** Cards, sections and lists that are wider than what they are in, by what they begin with. */
function outside(): string[] {
  return [...document.querySelectorAll<HTMLElement>('main :is(article, section, ul, dl), main .head > *')]
    .filter((each) => {
      const [own, around] = [each, each.parentElement!].map((one) => one.getBoundingClientRect());
      return own!.width > 0 && own!.right > around!.right + 1;
    })
    .map((each) => `${each.tagName} ${each.className}: ${each.textContent?.trim().slice(0, 40)}`);
}
