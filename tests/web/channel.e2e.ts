import { describe, expect, it } from 'vitest';
import { baseUrl, query, violations } from './browser';
import { card, drawn, harness, vertices } from './harness';

const h = harness();

const PROFILE = `query ($id: ID!) { channel(id: $id) { profile { classes counts shares } inputs(first: 10) { channel { id } } } }`;
interface Profile {
  channel: {
    profile: { classes: string[]; counts: number[]; shares: number[] };
    inputs: { channel: { id: string } }[];
  };
}

describe('the page of a channel', () => {
  for (const colorScheme of ['light', 'dark'] as const) {
    it(`gathers what is known of it, ${colorScheme}`, async () => {
      const page = await h.go(h.exploring(), { colorScheme, reducedMotion: 'reduce' });
      await drawn(page);
      const id = (await vertices(page).first().getAttribute('data-vertex'))!;
      await vertices(page).first().click();
      await card(page).getByRole('button', { name: 'Page' }).click();
      const local = id.slice(id.indexOf('/') + 1);
      const region = page.getByRole('region', { name: `Channel ${local}` });
      await region.getByText('Activation over all classes').waitFor();
      expect(new URL(page.url()).searchParams.get('channel')).toBe(local);
      const { channel } = await query<Profile>(PROFILE, { id });
      const using = channel.profile.counts.filter((count) => count > 0).length;
      await region.getByText(`${using} class`, { exact: false }).first().waitFor();
      expect(
        await region.getByRole('button', { name: /not in this graph|^.+ classes? · / }).count(),
      ).toBeGreaterThanOrEqual(0);
      expect(await violations(page)).toEqual([]);

      const address = page.url();
      await region.getByRole('button', { name: 'Close' }).click();
      await region.waitFor({ state: 'detached' });
      await page.goto(address);
      await region.getByText('Activation over all classes').waitFor();
    });
  }

  it('that does not exist says so', async () => {
    const page = await h.go(`${h.exploring()}&channel=no-such-layer/3`);
    await page.getByText('This channel is not in the run').waitFor();
    await page.keyboard.press('Escape');
    await drawn(page);
  });

  it('hides what writes from those who have no token', async () => {
    const page = await h.go(h.exploring());
    await drawn(page);
    const id = (await vertices(page).first().getAttribute('data-vertex'))!;
    const address = `${baseUrl()}/${h.exploring()}&channel=${id.slice(id.indexOf('/') + 1)}`;
    await page.goto(address);
    await page.getByText('Activation over all classes').waitFor();
    expect(await page.getByText('Label and exclusion').count()).toBe(0);
  });
});
