import { describe, expect, it } from 'vitest';
import { card, drawn, harness } from './harness';

const h = harness();

describe('the keyboard', () => {
  it('reaches the search, a class, a channel, its pin and the help', async () => {
    const page = await h.go(h.exploring());
    await drawn(page);
    await page.keyboard.press('/');
    await page.keyboard.type(h.known.b.name);
    await page.getByRole('option').first().waitFor();
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { level: 1, name: h.known.b.name }).waitFor();

    await page.locator('[data-place][tabindex="0"]').focus();
    const before = page.url();
    // The class on show is the most similar one to itself: the first of the list.
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Enter');
    await expect.poll(() => page.url()).not.toBe(before);
    await drawn(page);

    await page.locator('[data-vertex][tabindex="0"]').focus();
    const focused = () => page.evaluate(() => (document.activeElement as HTMLElement).dataset.vertex);
    const from = await focused();
    await page.keyboard.press('ArrowDown');
    const below = await focused();
    expect(below).toBeDefined();
    expect(below).not.toBe(from);
    await card(page)
      .getByRole('heading', { name: below!.slice(below!.indexOf('/') + 1) })
      .waitFor();
    await page.keyboard.press('Enter');
    await card(page).getByRole('button', { name: 'Unpin' }).waitFor();
    await page.keyboard.press('Escape');
    await card(page).getByRole('button', { name: 'Unpin' }).waitFor({ state: 'detached' });
    await page.keyboard.press('ArrowUp');
    expect(await focused()).not.toBe(below);

    await page.keyboard.press('?');
    await page.getByRole('dialog').waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'hidden' });
  });

  it('chooses both classes to compare', async () => {
    const page = await h.go(h.exploring());
    await drawn(page);
    await page.keyboard.press('c');
    await page.locator(`[data-place][aria-current="true"]`).focus();
    await page.keyboard.press('End');
    await page.keyboard.press('b');
    await drawn(page);
    await page.keyboard.press('Home');
    await page.keyboard.press('a');
    await page.waitForURL(/class=0&b=\d+/);
    await drawn(page);
  });
});
