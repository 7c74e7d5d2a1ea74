import { describe, expect, it } from 'vitest';
import { query } from './browser';
import { drawn, harness, row, vertices } from './harness';

const h = harness();
const token = process.env.ARETE_TOKEN;

/** With the token in the address, as `arete serve` prints it. */
const writing = (): string => `${h.exploring()}#token=${token}`;

describe.skipIf(!token)('who has the token', () => {
  it('labels a channel and takes the label away, and the address forgets the token', async () => {
    const page = await h.go(writing());
    await drawn(page);
    expect(page.url()).not.toContain('token');
    const id = (await vertices(page).first().getAttribute('data-vertex'))!;
    const local = id.slice(id.indexOf('/') + 1);
    await vertices(page).first().click();
    await page.getByRole('button', { name: 'Page' }).click();
    const region = page.getByRole('region', { name: `Channel ${local}` });
    const stored = async () =>
      (
        await query<{ channel: { label: string | null } }>(
          `query ($id: ID!) { channel(id: $id) { label } }`,
          { id },
        )
      ).channel.label;
    const field = region.getByLabel('Label', { exact: true });
    await field.fill('a label of the tests');
    await region.getByRole('button', { name: 'Save' }).click();
    await region.getByText('The label is saved.').waitFor();
    expect(await stored()).toBe('a label of the tests');
    await field.fill('');
    await region.getByRole('button', { name: 'Save' }).click();
    await region.getByText('The label is taken away.').waitFor();
    expect(await stored()).toBeNull();
  });

  it('makes a group of selected classes', async () => {
    const page = await h.go(`${h.exploring()}&set=${h.known.a.index},${h.known.b.index}#token=${token}`);
    await drawn(page);
    const name = `tests ${process.pid}`;
    await page.getByRole('button', { name: 'Save as a group' }).click();
    await page.getByLabel('Name of a group').fill(name);
    await page.getByRole('button', { name: 'Save', exact: true }).click();
    await page.getByText(`Group “${name}” is saved.`).waitFor();
    const { run } = await query<{ run: { groups: { name: string; classIds: string[] }[] } }>(
      `query ($run: ID!) { run(id: $run) { groups { name classIds } } }`,
      { run: h.known.run },
    );
    const ids = run.groups.find((group) => group.name === name)!.classIds;
    expect(ids).toEqual([h.known.a.id, h.known.b.id]);
    await row(page, h.known.b.name).waitFor();
  });
});
