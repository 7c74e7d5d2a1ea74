import { beforeAll, describe, expect, it } from 'vitest';
import { query } from './browser';
import { harness } from './harness';
import { runWith, type RunOf } from './modes';

const at = harness();
let run: RunOf;

beforeAll(async () => {
  run = await runWith(2);
});

const address = (): string => `?v=2&run=${run.id}&mode=model`;

describe('the model', () => {
  it('has a block for each layer and a line for each two that are joined', async () => {
    const page = await at.go(address());
    await page.locator('[data-layer]').first().waitFor();
    const names = await page
      .locator('[data-layer]')
      .evaluateAll((all) => all.map((one) => (one as HTMLElement).dataset.layer));
    expect(names).toEqual([...run.layers].reverse().map(({ name }) => name));
    const links = await page
      .locator('[data-link]')
      .evaluateAll((all) => all.map((one) => (one as SVGElement).dataset.link!).sort());
    expect(links).toEqual(
      run.layers.flatMap(({ id, parents }) => parents.map((parent) => `${parent}>${id}`)).sort(),
    );
  });

  it('opens a layer with its channels, in the address and the left column too', async () => {
    const layer = run.layers[1]!;
    const { uses } = (
      await query<{ run: { uses: { channels: { channel: { id: string } }[] } } }>(
        `query ($run: ID!, $layer: ID!) { run(id: $run) {
          uses: channelUses(layer: $layer, order: GENERAL, first: 60) { channels { channel { id } } } } }`,
        { run: run.id, layer: layer.id },
      )
    ).run;
    const page = await at.go(address());
    await page.locator(`[data-layer="${layer.name}"]`).click();
    await page.waitForURL(new RegExp(`layer=${layer.name}`));
    const list = page.getByRole('list', { name: `Channels of ${layer.name}` });
    await list.waitFor();
    const ids = () =>
      list
        .locator('[data-channel]')
        .evaluateAll((all) => all.map((one) => (one as HTMLElement).dataset.channel));
    await expect.poll(ids).toEqual(uses.channels.map(({ channel }) => channel.id));
    await page.getByRole('button', { name: 'specialists' }).click();
    await list.getByRole('button').first().click();
    await page.waitForURL(/channel=/);
  });

  it('is walked by arrow keys', async () => {
    const page = await at.go(`${address()}&layer=${run.layers[0]!.name}`);
    const current = page.locator('[data-layer][aria-pressed="true"]');
    await current.focus();
    await page.keyboard.press('ArrowUp');
    await expect.poll(() => current.getAttribute('data-layer')).toBe(run.layers[1]!.name);
    expect(await current.evaluate((one) => one === document.activeElement)).toBe(true);
    await page.keyboard.press('Home');
    await expect.poll(() => current.getAttribute('data-layer')).toBe(run.layers.at(-1)!.name);
  });

  it('is a table too', async () => {
    const page = await at.go(`${address()}&show=table`);
    const rows = page.getByRole('table', { name: /^Layers of/ }).locator('tbody tr');
    await rows.first().waitFor();
    expect(await rows.count()).toBe(run.layers.length);
  });
});
