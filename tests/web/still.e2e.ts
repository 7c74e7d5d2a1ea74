import type { Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { card, drawn, harness, row, vertices } from './harness';

const h = harness();

/** Chromium's layout-shift score that a visit may gather; the least that is called good on the web is 0.1. */
const LEAST_SHIFT = 0.01;

/** Adds up what Chromium sees move, except what follows an input within half a second. */
function watch(): void {
  const seen = { shift: 0, moved: [] as string[] };
  Object.assign(window, { seen });
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries() as unknown as Shift[]) {
      if (entry.hadRecentInput) continue;
      seen.shift += entry.value;
      const names = entry.sources.map(({ node }) => (node as Element | null)?.outerHTML?.slice(0, 80));
      seen.moved.push(`${entry.value.toFixed(4)} ${names.join(', ')}`);
    }
  }).observe({ type: 'layout-shift', buffered: true });
}
interface Shift {
  value: number;
  hadRecentInput: boolean;
  sources: { node: Node | null }[];
}

const shifts = (page: Page) =>
  page.evaluate(() => (window as never as { seen: { shift: number; moved: string[] } }).seen);

/** Where the parts lie that a person aims at. */
const places = (page: Page) =>
  page.evaluate(() =>
    ['nav', '.map', '[data-place]', 'main .head', '.pane', 'aside[aria-label="Details"]'].map((selector) => {
      const box = document.querySelector(selector)?.getBoundingClientRect();
      return box
        ? `${selector} ${[box.x, box.y, box.width, box.height].map(Math.round).join(' ')}`
        : selector;
    }),
  );

describe('nothing jumps', () => {
  it('while the page comes, and while one looks around', async () => {
    const page = await h.go(h.exploring(), {}, (fresh) => fresh.addInitScript(watch));
    await drawn(page);
    await page.waitForLoadState('networkidle');
    await expect.poll(() => page.locator('[aria-busy="true"]').count()).toBe(0);
    const before = await places(page);

    const vertex = vertices(page).nth(1);
    await vertex.hover();
    await card(page).getByText('Other classes that use it most').waitFor();
    await expect.poll(() => card(page).locator('[aria-busy="true"]').count()).toBe(0);
    expect(await places(page), 'pointing').toEqual(before);
    const title = card(page).getByText('Other classes that use it most');
    const told = await title.boundingBox();
    await vertex.click();
    await card(page).getByRole('button', { name: 'Unpin' }).waitFor();
    expect(await title.boundingBox(), 'what the card says').toEqual(told);
    expect(await places(page), 'pinning').toEqual(before);
    await page.keyboard.press('Escape');
    await row(page, h.known.b.name).hover();
    await page.waitForTimeout(300);
    expect(await places(page), 'letting go').toEqual(before);

    await page.keyboard.press('t');
    await page.getByRole('table').first().waitFor();
    await page.keyboard.press('t');
    await drawn(page);
    expect(await places(page), 'the table and back').toEqual(before);
    await row(page, h.known.b.name).click();
    await page.getByRole('heading', { level: 1, name: h.known.b.name }).waitFor();
    await drawn(page);
    expect(await places(page), 'another class').toEqual(before);

    const { shift, moved } = await shifts(page);
    expect(shift, moved.join('\n')).toBeLessThan(LEAST_SHIFT);
  });

  it('in the list while classes are selected from it', async () => {
    const page = await h.go(`${h.exploring()}&mode=motifs`, {}, (fresh) => fresh.addInitScript(watch));
    await page.locator('.message').waitFor();
    await page.waitForLoadState('networkidle');
    const left = async () => (await places(page)).slice(0, 3);
    const before = await left();
    await row(page, h.known.a.name).click();
    await page.getByText('1 class selected').waitFor();
    expect(await left()).toEqual(before);
    await row(page, h.known.b.name).click();
    await page.getByText('2 classes selected').waitFor();
    expect(await left()).toEqual(before);
    await page.getByRole('button', { name: 'Clear' }).first().click();
    await page.getByText('2 classes selected').waitFor({ state: 'detached' });
    expect(await left()).toEqual(before);
    const { shift, moved } = await shifts(page);
    expect(shift, moved.join('\n')).toBeLessThan(LEAST_SHIFT);
  });

  it('on the map for the keyboard while the pointer is over the list', async () => {
    const page = await h.go(h.exploring());
    await drawn(page);
    const map = page.locator('.map');
    const said = map.locator('[aria-live]');
    await map.focus();
    await page.keyboard.press('ArrowRight');
    await expect.poll(() => said.textContent()).not.toBe('');
    const first = await said.textContent();
    // There and back again is where it was, wherever the pointer has been meanwhile.
    await row(page, h.known.b.name).hover();
    await page.mouse.move(0, 0);
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { level: 1, name: first! }).waitFor();
  });
});
