import type { Page } from 'playwright-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { query } from './browser';
import { harness } from './harness';
import { runWith, type ClassOf, type RunOf } from './modes';

const at = harness();
let run: RunOf;
/** The two classes whose own masses differ most. */
let wide: ClassOf;
let narrow: ClassOf;

beforeAll(async () => {
  run = await runWith(6);
  const byMass = [...run.classes].sort((one, other) => one.mass - other.mass);
  [narrow, wide] = [byMass[0]!, byMass.at(-1)!];
});

const pair = (): string => `?v=2&run=${run.id}&mode=compare&class=${wide.index}&b=${narrow.index}`;
const shown = (page: Page) => page.locator('[data-vertex]:not(.gone):not(.faint)');

const COMPARE = `query ($a: ID!, $b: ID!, $mass: Float) { compare(a: $a, b: $b, mass: $mass) {
  partsAt vertices { channel { id } membership } edges { source target } } }`;
interface Compared {
  compare: {
    partsAt: string | null;
    vertices: { channel: { id: string }; membership: string }[];
    edges: unknown[];
  };
}

describe('two classes of unlike masses', () => {
  it('are cut at the larger mass, and each at its own on request', async () => {
    expect(wide.mass).toBeGreaterThan(narrow.mass);
    const ids = { a: wide.id, b: narrow.id };
    const same = (await query<Compared>(COMPARE, { ...ids, mass: wide.mass })).compare;
    const own = (await query<Compared>(COMPARE, { ...ids, mass: null })).compare;
    expect(same.vertices.length).not.toBe(own.vertices.length);
    const page = await at.go(pair());
    await expect.poll(() => shown(page).count()).toBe(same.vertices.length);
    await page.getByRole('button', { name: 'each its own' }).click();
    await expect.poll(() => shown(page).count()).toBe(own.vertices.length);
    expect(page.url()).toContain('masses=own');
    await page.getByRole('button', { name: 'same mass' }).click();
    await expect.poll(() => shown(page).count()).toBe(same.vertices.length);
  });

  it('show where they part', async () => {
    const { partsAt } = (
      await query<Compared>(COMPARE, {
        a: wide.id,
        b: narrow.id,
        mass: wide.mass,
      })
    ).compare;
    const page = await at.go(pair());
    await shown(page).first().waitFor();
    const parting = page.locator('.parting');
    if (partsAt === null) expect(await parting.count()).toBe(0);
    else {
      const line = (await parting.boundingBox())!.y;
      const label = (await page.locator('.labels li', { hasText: partsAt }).first().boundingBox())!;
      expect(label.y).toBeLessThan(line);
    }
  });
});

describe('side by side', () => {
  it('draws each class alone, a shared channel at the same place in both, and moves both', async () => {
    const { vertices } = (
      await query<Compared>(COMPARE, {
        a: wide.id,
        b: narrow.id,
        mass: wide.mass,
      })
    ).compare;
    const page = await at.go(`${pair()}&form=beside`, {
      reducedMotion: 'reduce',
    });
    const side = (i: number) => page.locator('.side').nth(i).locator('[data-vertex]');
    const ids = (i: number) =>
      side(i).evaluateAll((all) => all.map((one) => (one as HTMLElement).dataset.vertex!));
    await side(1).first().waitFor();
    const without = (membership: string) =>
      vertices.filter((vertex) => vertex.membership !== membership).map(({ channel }) => channel.id);
    expect(await ids(0)).toEqual(without('ONLY_B'));
    expect(await ids(1)).toEqual(without('ONLY_A'));

    const shared = vertices.find(({ membership }) => membership === 'SHARED')!.channel.id;
    const centre = async (i: number) => {
      const pane = (await page.locator('.side').nth(i).locator('.pane').boundingBox())!;
      const box = (await page.locator('.side').nth(i).locator(`[data-vertex="${shared}"]`).boundingBox())!;
      return [box.x + box.width / 2 - pane.x, box.y + box.height / 2 - pane.y].map(Math.round);
    };
    // The first has the row labels for both.
    const places = async () => {
      const [first, second] = [await centre(0), await centre(1)];
      return [first[0]! - second[0]!, first[1]! - second[1]!];
    };
    expect(await places()).toEqual([124, 0]);
    const before = await centre(1);
    await page.locator('.side').first().getByRole('button', { name: 'Zoom in' }).click();
    await expect.poll(() => centre(1)).not.toEqual(before);
    expect(await places()).toEqual([124, 0]);

    await page.locator('.side').first().locator(`[data-vertex="${shared}"]`).hover();
    await page.locator('.side').nth(1).locator(`[data-lit="${shared}"]`).waitFor();
  });
});

describe('a group', () => {
  const OVERLAP = `query ($classes: [ID!]!, $k: Int!) { overlap(a: $classes, atLeast: $k) {
    vertices { channel { id } classesA } edges { source } } }`;
  interface Overlapped {
    overlap: {
      vertices: { channel: { id: string }; classesA: number }[];
      edges: unknown[];
    };
  }

  it('draws what at least k of n classes keep, chosen by a slider', async () => {
    const members = run.classes.slice(0, 5);
    const atLeast = async (k: number) =>
      (
        await query<Overlapped>(OVERLAP, {
          classes: members.map(({ id }) => id),
          k,
        })
      ).overlap;
    const page = await at.go(
      `?v=2&run=${run.id}&mode=compare&form=group&set=${members.map(({ index }) => index).join(',')}`,
    );
    const half = await atLeast(3);
    await expect.poll(() => shown(page).count()).toBe(half.vertices.length);
    expect(await page.locator('.world > svg').first().locator('path').count()).toBe(half.edges.length);
    const slider = page.getByRole('slider', { name: 'In at least' });
    expect(await slider.getAttribute('aria-valuetext')).toBe('3 of 5');
    await slider.focus();
    await page.keyboard.press('ArrowLeft');
    await page.waitForURL(/k=2/);
    const two = await atLeast(2);
    expect(two.vertices.length).toBeGreaterThan(half.vertices.length);
    await expect.poll(() => shown(page).count()).toBe(two.vertices.length);

    const { channel, classesA } = two.vertices.at(-1)!;
    await page.locator(`[data-vertex="${channel.id}"]`).click();
    const card = page.getByRole('article', { name: /^Channel / });
    await card.getByText(`${classesA} of 5`).waitFor();
    await expect.poll(() => card.getByText('not kept', { exact: true }).count()).toBe(5 - classesA);
  });

  it('is made of the list, and of names', async () => {
    const page = await at.go(`?v=2&run=${run.id}&mode=compare&form=group`);
    await page.getByText('What do these classes have in common?').waitFor();
    for (const { name } of run.classes.slice(0, 2)) {
      await page
        .getByRole('button', { name, exact: false })
        .and(page.locator('[data-place]'))
        .first()
        .click();
    }
    await shown(page).first().waitFor();
    await page.locator('.head').getByRole('button', { name: '2 classes' }).click();
    const panel = page.getByRole('group', { name: 'Classes to look at' });
    const word = run.classes.at(-1)!.name;
    await panel.getByRole('textbox').fill(word);
    await panel.getByRole('button', { name: /^Add \d/ }).click();
    await page.waitForURL(new RegExp(`set=[^&]*\\b${run.classes.at(-1)!.index}\\b`));
    await panel
      .getByRole('button', {
        name: `Remove ${run.classes[0]!.name}`,
        exact: true,
      })
      .click();
    await expect
      .poll(() => new URL(page.url()).searchParams.get('set'))
      .not.toContain(`${run.classes[0]!.index},`);
  });
});
