import { describe, expect, it } from 'vitest';
import { baseUrl } from './browser';
import { card, drawn, row, vertices, harness } from './harness';

const h = harness();

describe('an address', () => {
  it('opens the same view in a fresh profile', async () => {
    const first = await h.go(h.comparing());
    await drawn(first);
    await vertices(first).last().click();
    await first.getByRole('button', { name: /intersection/ }).click();
    const address = first.url();
    const was = await first
      .locator('[data-vertex]')
      .evaluateAll((all) => all.map((one) => one.outerHTML.replace(/class="[^"]*"/, '')));
    await h.open.context.close();
    expect(h.open.troubles).toEqual([]);

    const second = await h.go(address.slice(baseUrl().length + 1));
    await drawn(second);
    await card(second).waitFor();
    expect(second.url()).toBe(address);
    expect(await second.getByRole('button', { name: /intersection/ }).getAttribute('aria-pressed')).toBe(
      'true',
    );
    const is = await second
      .locator('[data-vertex]')
      .evaluateAll((all) => all.map((one) => one.outerHTML.replace(/class="[^"]*"/, '')));
    expect(is.map(withoutTab)).toEqual(was.map(withoutTab));
  });

  it('with an unknown class says so beside the list', async () => {
    const page = await h.go(`?v=2&run=${h.known.run}&class=987654`);
    await page.getByText('This class is not in the run').waitFor();
    await row(page, h.known.a.name).click();
    await drawn(page);
  });

  it('with an unknown run says so and offers those there are', async () => {
    const page = await h.go('?v=2&run=no-such-run&class=0');
    await page.getByText('There is no run “no-such-run” here').waitFor();
    await page.locator('.runs button').first().click();
    await drawn(page);
  });
});

const withoutTab = (html: string): string => html.replace(/tabindex="[^"]*"/, '');
