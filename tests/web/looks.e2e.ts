/**
 * A few screens as pictures, compared with those in `looks/`: so that a change of how the page looks is seen and meant.
 *
 * Pictures depend on who draws them. The first of them is a probe: text in the page's fonts, a curve, a rounded picture.
 * Where Chromium or the fonts draw the probe otherwise than it lies in `looks/`, or the demo run was counted otherwise,
 * there is nothing to compare with, and the tests are skipped with that reason. `make looks` takes all of them anew.
 */

import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import pixelmatch from 'pixelmatch';
import type { Page } from 'playwright-core';
import { PNG } from 'pngjs';
import { describe, expect, it } from 'vitest';
import { query } from './browser';
import { drawn, harness, vertices } from './harness';

const h = harness();

/** How far a pixel's colour may lie off, 0 to 1, in pixelmatch's measure; soft edges of shapes are not counted. */
const COLOUR_TOLERANCE = 0.12;
/** The share of pixels that may lie farther off: of 1024 by 560, the area of four letters. */
const PIXEL_TOLERANCE = 0.0005;

const FOLDER = fileURLToPath(new URL('looks/', import.meta.url));
const FAILED = `${FOLDER}failed/`;
const DATA = `${FOLDER}demo.sha256`;
const renewing = process.env.ARETE_RENEW_LOOKS === '1';
const VIEWPORT = { width: 1024, height: 560 };

const PROBE = `<!doctype html><body style="margin:0;background:#fff;color:#17171b"><div style="width:480px;height:120px;
  position:relative;font:13px/20px ui-sans-serif,system-ui,sans-serif"><p style="margin:8px">Arête: mixed4c/29, 67% of 1,300
  images <b>in both</b></p><p style="margin:8px;font:12px ui-monospace,Menlo,Consolas,'DejaVu Sans Mono',monospace">mixed5b/338</p>
  <svg width="200" height="60"><path d="M4 4C4 40 190 10 190 50" fill="none" stroke="#6a3fcb" stroke-width="2.4"/></svg></div>`;

const COUNTED = `{ run(id: "demo") { classes(first: 2) { nodes { id name mass accuracy graph { vertices { count rank
  channel { id feature { url } } } edges { source target count } } } } } }`;

interface Counted {
  run: {
    classes: {
      nodes: { graph: { vertices: { channel: { feature: unknown } }[] } }[];
    };
  } | null;
}

/** Why nothing can be compared here; null where it can. */
async function obstacle(page: Page): Promise<string | null> {
  const counted = await query<Counted>(COUNTED);
  if (!counted.run) return 'the server under test has no demo run';
  const { nodes } = counted.run.classes;
  if (nodes.some(({ graph }) => graph.vertices.some(({ channel }) => channel.feature)))
    return 'the demo run has feature visualizations: start it with --no-features';
  const sum = createHash('sha256').update(JSON.stringify(counted)).digest('hex');
  await page.setContent(PROBE);
  const probe = await page.screenshot({
    clip: { x: 0, y: 0, width: 480, height: 120 },
  });
  if (renewing) {
    writeFileSync(DATA, `${sum}\n`);
    writeFileSync(`${FOLDER}probe.png`, probe);
    return null;
  }
  if (!existsSync(`${FOLDER}probe.png`))
    return 'there are no pictures to compare with: `make looks` takes them';
  if (difference(probe, readFileSync(`${FOLDER}probe.png`)).pixels > 0)
    return 'Chromium or the fonts of this machine draw text otherwise than where the pictures were taken';
  if (readFileSync(DATA, 'utf8').trim() !== sum)
    return 'the demo run was counted otherwise than for the pictures';
  return null;
}

/** How many pixels of two pictures differ, and a picture of where. */
function difference(seen: Buffer, meant: Buffer): { pixels: number; picture: PNG } {
  const [a, b] = [PNG.sync.read(seen), PNG.sync.read(meant)];
  const { width, height } = b;
  const picture = new PNG({ width, height });
  if (a.width !== width || a.height !== height) return { pixels: width * height, picture };
  const pixels = pixelmatch(a.data, b.data, picture.data, width, height, {
    threshold: COLOUR_TOLERANCE,
  });
  return { pixels, picture };
}

async function look(name: string, page: Page, pictures: boolean): Promise<void> {
  await page.waitForLoadState('networkidle');
  await expect.poll(() => page.locator('[aria-busy="true"]').count()).toBe(0);
  await page.evaluate(async (pictures) => {
    // UMAP places the classes by floating point: another processor, another map.
    for (const canvas of document.querySelectorAll('canvas')) canvas.style.visibility = 'hidden';
    // One screen shows that pictures are drawn; in the others they would only make the files large.
    const shown = [...document.images, ...document.querySelectorAll<HTMLElement>('.cut')];
    if (!pictures) for (const image of shown) image.style.visibility = 'hidden';
    await document.fonts.ready;
    await Promise.all([...document.images].map((image) => image.decode().catch(() => undefined)));
  }, pictures);
  await page.mouse.move(0, 0);
  await page.waitForTimeout(400);
  const seen = await page.screenshot();
  if (renewing) return writeFileSync(`${FOLDER}${name}.png`, seen);
  const { pixels, picture } = difference(seen, readFileSync(`${FOLDER}${name}.png`));
  if (pixels > PIXEL_TOLERANCE * VIEWPORT.width * VIEWPORT.height) {
    mkdirSync(FAILED, { recursive: true });
    writeFileSync(`${FAILED}${name}.png`, seen);
    writeFileSync(`${FAILED}${name}.difference.png`, PNG.sync.write(picture));
    expect.fail(
      `${name} looks otherwise: ${pixels} pixels differ, marked red in tests/web/looks/failed/${name}.difference.png, ` +
        `beside it the screen as it is now. If that is meant, run \`make looks\` and commit the pictures.`,
    );
  }
}

interface Screen {
  address: string;
  dark?: boolean;
  pictures?: boolean;
  ready: (page: Page) => Promise<unknown>;
}

const SCREENS: Record<string, Screen> = {
  explore: { address: 'class=0', pictures: true, ready: drawn },
  pinned: {
    address: 'class=0',
    dark: true,
    ready: async (page) => {
      await drawn(page);
      await vertices(page).nth(2).click();
      await page.getByText('Other classes that use it most').waitFor();
    },
  },
  compare: { address: 'class=0&b=1&mode=compare', ready: drawn },
  model: {
    address: 'class=0&mode=model',
    ready: (page) => page.locator('[data-layer]').first().waitFor(),
  },
  motifs: {
    // Of chosen classes: where none are chosen, the groups that other tests made are offered.
    address: 'class=0&mode=motifs&pattern=path-2&parts=all&support=0.5&set=0,1,2,3',
    dark: true,
    ready: (page) => page.locator('.motif').first().waitFor(),
  },
};

describe('the page looks as it did', () => {
  for (const [name, { address, dark, pictures = false, ready }] of Object.entries(SCREENS)) {
    it(`${name}, ${dark ? 'dark' : 'light'}`, async (context) => {
      const page = await h.go(`?v=3&run=demo&${address}`, {
        viewport: VIEWPORT,
        colorScheme: dark ? 'dark' : 'light',
        reducedMotion: 'reduce',
      });
      const aside = await page.context().newPage();
      const reason = await obstacle(aside);
      await aside.close();
      if (reason !== null) return context.skip(reason);
      await ready(page);
      await look(name, page, pictures);
    });
  }
});
