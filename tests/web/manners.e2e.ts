import { describe, expect, it } from 'vitest';
import { baseUrl, violations } from './browser';
import { card, drawn, vertices, harness } from './harness';

const h = harness();

describe('everybody', () => {
  for (const colorScheme of ['light', 'dark'] as const) {
    it(`finds nothing in the way, ${colorScheme}`, async () => {
      const page = await h.go(h.exploring(), {
        colorScheme,
        reducedMotion: 'reduce',
      });
      await drawn(page);
      expect(await violations(page)).toEqual([]);
      await vertices(page).first().click();
      await card(page).getByText('Other classes that use it most').waitFor();
      await expect.poll(() => card(page).locator('[aria-busy="true"]').count()).toBe(0);
      expect(await violations(page)).toEqual([]);
      await page.keyboard.press('t');
      await page.getByRole('table').first().waitFor();
      expect(await violations(page)).toEqual([]);
      await page.goto(`${baseUrl()}/${h.comparing()}`);
      await drawn(page);
      expect(await violations(page)).toEqual([]);
      await page.keyboard.press('?');
      await page.getByRole('dialog').waitFor();
      expect(await violations(page)).toEqual([]);
    });
  }

  it('sees the whole page without scrolling sideways', async () => {
    const page = await h.go(h.comparing(), {
      viewport: { width: 1024, height: 700 },
    });
    await drawn(page);
    for (const width of [1024, 1440, 2560, 400]) {
      await page.setViewportSize({ width, height: 800 });
      const wide = await page.evaluate(() => document.documentElement.scrollWidth);
      expect(wide, `at ${width} px`).toBeLessThanOrEqual(width);
    }
  });

  it('chooses light or dark, and finds it again', async () => {
    const page = await h.go(h.exploring(), { colorScheme: 'light' });
    const paper = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    const light = await paper();
    await page.getByRole('button', { name: 'Theme: system' }).click();
    await page.getByRole('button', { name: 'Theme: light' }).click();
    await page.getByRole('button', { name: 'Theme: dark' }).waitFor();
    expect(await paper()).not.toBe(light);
    await page.reload();
    await page.getByRole('button', { name: 'Theme: dark' }).waitFor();
    expect(await paper()).not.toBe(light);
  });
});
