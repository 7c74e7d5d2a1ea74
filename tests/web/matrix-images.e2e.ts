import type { Page } from 'playwright-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { query, violations } from './browser';
import { harness } from './harness';
import { local, parseCsv, runWith, saved, type RunOf } from './modes';

const at = harness();

interface ImageOf {
  id: string;
  number: number;
  classId: string;
  predictedId: string | null;
  probability: number | null;
  thumbnail: { url: string } | null;
}
let run: RunOf;
/** What was measured of single images of two classes, in the last layer. */
let images: ImageOf[] = [];
let measured: RunOf['classes'] = [];

const INSTANCES = `query ($run: ID!, $layer: ID!, $classes: [ID!]) { run(id: $run) { instances(layer: $layer, classes: $classes) {
  images { id number classId predictedId probability thumbnail { url } } } } }`;

beforeAll(async () => {
  run = await runWith(6);
  const { run: found } = await query<{ run: { instances: { images: ImageOf[] } | null } }>(INSTANCES, {
    run: run.id,
    layer: run.layers.at(-1)!.id,
    classes: null,
  });
  const all = found.instances?.images ?? [];
  measured = run.classes.filter(({ id }) => all.some(({ classId }) => classId === id)).slice(0, 2);
  images = all.filter(({ classId }) => measured.some(({ id }) => id === classId));
  if (measured.length < 2) {
    throw new Error(
      'the run under test has no single images of two classes: arete instances RUN --data FOLDER --classes 0,1',
    );
  }
});

const layer = () => run.layers.at(-1)!;
const of = (i: number): ImageOf[] => images.filter(({ classId }) => classId === measured[i]!.id);
const address = (more = ''): string =>
  `?v=3&run=${run.id}&mode=matrix&by=index&layer=${layer().name}&set=${measured.map(({ index }) => index).join(',')}${more}`;

const MATRIX = `query ($layer: ID!, $rows: [ID!]!) { matrix(layer: $layer, rows: $rows, order: INDEX, first: 500) {
  rows { id unit largest } channels { id } values } }`;
interface Answer {
  matrix: {
    rows: { id: string; unit: string; largest: number | null }[];
    channels: { id: string }[];
    values: number[];
  };
}
const ask = async (rows: string[]) => (await query<Answer>(MATRIX, { layer: layer().id, rows })).matrix;

const rowIds = (page: Page) =>
  page.locator('[data-row]').evaluateAll((all) => all.map((one) => (one as HTMLElement).dataset.row!));
const grid = (page: Page) => page.getByRole('group', { name: /rows? by / });
const chosen = (page: Page) => new URL(page.url()).searchParams.get('images');

describe('single images in the matrix', () => {
  it('are picked from a class’s correct or misclassified ones, and become rows under their class', async () => {
    const own = of(0);
    const right = own.filter(({ classId, predictedId }) => classId === predictedId);
    const page = await at.go(address());
    await page.getByRole('button', { name: 'Add images' }).click();
    const panel = page.getByRole('group', { name: 'Single images' });
    await panel.getByRole('button', { name: `correct ${right.length}` }).click();
    expect(await panel.getByRole('listitem').count()).toBe(right.length);
    await panel.getByRole('button', { name: `misclassified ${own.length - right.length}` }).click();
    await expect.poll(() => panel.getByRole('listitem').count()).toBe(own.length - right.length);
    await panel.getByRole('button', { name: `correct ${right.length}` }).click();
    // The surest first, equal ones by number.
    const surest = [...right].sort(
      (a, b) => (b.probability ?? 0) - (a.probability ?? 0) || a.number - b.number,
    );
    await panel.getByRole('button', { name: `Image ${surest[0]!.number}, right` }).click();
    await expect.poll(() => chosen(page)).toBe(String(surest[0]!.number));
    await expect
      .poll(() => rowIds(page))
      .toEqual([local(measured[0]!.id), local(surest[0]!.id), local(measured[1]!.id)]);
    expect(await panel.getByRole('listitem').first().getByRole('button').getAttribute('aria-pressed')).toBe(
      'true',
    );
    await page.keyboard.press('Escape');
    await page.keyboard.press('Control+z');
    await expect.poll(() => rowIds(page)).toEqual(measured.map(({ id }) => local(id)));
  });

  it('hold each channel’s activation relative to the image’s largest', async () => {
    const image = of(1)[0]!;
    const { channels, values, rows } = await ask([image.id]);
    expect(rows[0]!.unit).toBe('OF_LARGEST');
    const page = await at.go(address(`&images=${image.number}`));
    await page.locator(`[data-row="${local(image.id)}"]`).waitFor();
    await page.getByText('of its largest activation').first().waitFor();
    await grid(page).focus();
    for (let i = 0; i < 2; i += 1) await page.keyboard.press('ArrowDown');
    const column = values.indexOf(Math.max(...values));
    expect(values[column]).toBe(1);
    await page.keyboard.press('s');
    await page.waitForURL(/by=image/);
    await page.keyboard.press('Home');
    const spoken = page.locator('[aria-live="polite"]').filter({ hasText: 'of its largest activation' });
    await expect
      .poll(() => spoken.textContent())
      .toContain(`${local(channels[column]!.id)}: 100% of its largest activation`);
    // Its cells are lower than a class's: free above and below.
    const painted = await grid(page)
      .locator('canvas')
      .evaluate((element) => {
        const copy = document.createElement('canvas');
        [copy.width, copy.height] = [56, 100];
        const context = copy.getContext('2d', { willReadFrequently: true })!;
        context.drawImage(element as HTMLCanvasElement, 0, 0);
        const dark = (x: number, y: number) =>
          context
            .getImageData(x, y, 1, 1)
            .data.slice(0, 3)
            .reduce((a, b) => a - b, 765);
        const ground = dark(20, 95);
        return { middle: Math.abs(dark(12, 60) - ground), above: Math.abs(dark(12, 51) - ground) };
      });
    expect(painted.middle).toBeGreaterThan(60);
    expect(painted.above).toBeLessThan(painted.middle / 2);
    await page.keyboard.press('Delete');
    await expect.poll(() => rowIds(page)).toEqual(measured.map(({ id }) => local(id)));
  });

  it('lie on a map of their own that is linked with the rows both ways', async () => {
    const image = of(0)[0]!;
    const page = await at.go(address(`&images=${image.number}`));
    const map = page.getByRole('group', { name: /^Map of \d+ images as / });
    await map.waitFor();
    expect(await map.getAttribute('aria-label')).toContain(`Map of ${images.length} images`);
    const caption = page.getByRole('region', { name: 'Map of the images' }).locator('.words');
    await page.locator(`[data-row="${local(image.id)}"]`).waitFor();
    const box = (await grid(page).boundingBox())!;
    await page.mouse.move(box.x + 200, box.y + 48 + 24 + 12);
    await expect.poll(() => caption.textContent()).toContain(measured[0]!.name);
    // From the map: the keyboard starts at the row's image.
    await page.mouse.move(4, 500);
    await map.focus();
    await page.keyboard.press('ArrowRight');
    await page.keyboard.press('ArrowLeft');
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('ArrowUp');
    await expect.poll(() => caption.textContent()).not.toBe('');
    await page.keyboard.press('Enter');
    await expect.poll(() => chosen(page)).not.toBe(String(image.number));
  });

  it('are taken in by a line around them', async () => {
    const page = await at.go(address());
    const map = page.getByRole('group', { name: /^Map of \d+ images as / });
    await map.waitFor();
    const box = (await map.boundingBox())!;
    await page.getByRole('button', { name: 'Draw a line around images' }).click();
    await page.mouse.move(box.x + 2, box.y + 2);
    await page.mouse.down();
    for (const [x, y] of [
      [box.width - 34, 2],
      [box.width - 2, box.height - 2],
      [2, box.height - 2],
    ] as const) {
      await page.mouse.move(box.x + x, box.y + y, { steps: 4 });
    }
    await page.mouse.up();
    await expect.poll(() => chosen(page)).not.toBeNull();
    expect(page.url().length).toBeLessThan(2000);
    await expect
      .poll(async () => (await rowIds(page)).filter((id) => id.startsWith('image:')).length > 1)
      .toBe(true);
    await page.getByRole('button', { name: /^\d+ images?$/ }).click();
    await page.getByRole('button', { name: 'remove all' }).click();
    await expect.poll(() => chosen(page)).toBeNull();
  });

  it('are in the files that are written, with their unit', async () => {
    const [image, other] = [of(0)[0]!, of(1)[0]!];
    const page = await at.go(address(`&images=${image.number},${other.number}`));
    await page.locator(`[data-row="${local(other.id)}"]`).waitFor();
    const json = JSON.parse((await saved(page, /^JSON/)).content.toString('utf8')) as {
      rows: { id: string; unit: string; largest?: number }[];
      values: number[][];
    };
    expect(json.rows.map(({ id }) => id)).toEqual(
      [measured[0]!.id, image.id, measured[1]!.id, other.id].map(local),
    );
    const expected = await ask([image.id, other.id]);
    expect(json.rows[1]).toMatchObject({
      unit: 'of its largest activation',
      largest: expected.rows[0]!.largest,
    });
    const width = expected.channels.length;
    json.values[1]!.forEach((value, i) => expect(value).toBeCloseTo(expected.values[i]!, 6));
    json.values[3]!.forEach((value, i) => expect(value).toBeCloseTo(expected.values[width + i]!, 6));
    const csv = parseCsv((await saved(page, /^CSV/)).content);
    expect(csv[0]!.filter((name) => name.startsWith('image '))).toHaveLength(2);
    expect(csv).toHaveLength(1 + width);
  });

  it('have nothing in the way of anybody, light and dark, with the picker open', async () => {
    for (const colorScheme of ['light', 'dark'] as const) {
      const page = await at.go(address(`&images=${of(0)[0]!.number}`), {
        colorScheme,
        reducedMotion: 'reduce',
      });
      await page.getByRole('group', { name: /^Map of \d+ images as / }).waitFor();
      await page.getByRole('button', { name: '1 image', exact: true }).click();
      await page.getByRole('group', { name: 'Single images' }).getByRole('listitem').first().waitFor();
      await page.waitForLoadState('networkidle');
      expect(await violations(page), colorScheme).toEqual([]);
      if (colorScheme === 'light') await at.open.context.close();
    }
  });

  it('say with which command they are measured, where nobody has', async () => {
    const without = run.classes.find(({ id }) => !images.some(({ classId }) => classId === id))!;
    const page = await at.go(`?v=3&run=${run.id}&mode=matrix&set=${without.index}`, {}, (fresh) =>
      fresh.route('**/graphql', async (route) => {
        const { query: asked } = route.request().postDataJSON() as { query: string };
        if (!/query Instances\b/.test(asked)) return route.continue();
        return route.fulfill({ json: { data: { run: { id: run.id, instances: null } } } });
      }),
    );
    await page.getByText('Nobody has measured single images of this run yet.').waitFor();
    await page.getByText(`arete instances RUN --data FOLDER --classes ${without.index}`).waitFor();
  });
});
