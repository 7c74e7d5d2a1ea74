import { describe, expect, it } from 'vitest';
import { query, violations } from './browser';
import { drawn, harness } from './harness';

const h = harness();

describe('the search', () => {
  it('finds a class in spite of a typing error, by keyboard alone', async () => {
    const page = await h.go(h.exploring());
    await drawn(page);
    await page.keyboard.press('Control+k');
    const { name } = h.known.b;
    // Two letters of the name change places.
    const wrong = name.slice(0, 2) + name[3] + name[2] + name.slice(4);
    await page.keyboard.type(wrong);
    const option = page.getByRole('option').filter({ hasText: name });
    await option.first().waitFor();
    const all = await page.getByRole('option').allTextContents();
    const at = all.findIndex((text) => text.includes(name));
    for (let i = 0; i < at; i += 1) await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { level: 1, name, exact: true }).waitFor();
  });

  it('opens a channel’s page and chooses a layer, and says when it finds nothing', async () => {
    const { run } = await query<{ run: { layers: { name: string }[] } }>(
      `query ($run: ID!) { run(id: $run) { layers { name } } }`,
      { run: h.known.run },
    );
    const layer = run.layers[0]!.name;
    const page = await h.go(h.exploring());
    await drawn(page);
    const box = page.getByRole('combobox', { name: 'Find a class, channel, layer or group' });
    await box.fill(`${layer}/1`);
    await page.getByRole('group', { name: 'Channels' }).getByRole('option').first().waitFor();
    expect(await violations(page)).toEqual([]);
    await page
      .getByRole('option')
      .filter({ hasText: `${layer}/1` })
      .first()
      .click();
    await page.getByRole('region', { name: `Channel ${layer}/1` }).waitFor();

    await box.fill(layer);
    const found = page.getByRole('group', { name: 'Layers' }).getByRole('option').first();
    await found.click();
    await expect.poll(() => new URL(page.url()).searchParams.get('layer')).toBe(layer);

    await box.fill('qqqqqqqqzzzz');
    await page.getByText('Nothing of this run is called').waitFor();
  });
});
