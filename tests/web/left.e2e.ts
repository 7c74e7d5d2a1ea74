import { describe, expect, it } from 'vitest';
import { query, violations } from './browser';
import { drawn, harness, row } from './harness';

const h = harness();

interface Similar {
  layer: { similarity: { classes: string[]; cosines: number[] } };
}
const SIMILAR = `query ($layer: ID!, $class: ID!) { layer(id: $layer) { similarity(class: $class) { classes cosines } } }`;
interface Layers {
  run: { layers: { id: string; name: string }[] };
}
const LAYERS = `query ($run: ID!) { run(id: $run) { layers { id name } } }`;

const map = 'section[aria-label="Map of the classes"]';

describe('the left column', () => {
  it('lists the classes most like the one on show first, and keeps its order while one clicks through it', async () => {
    const { layers } = (await query<Layers>(LAYERS, { run: h.known.run })).run;
    const { similarity } = (await query<Similar>(SIMILAR, { layer: layers.at(-1)!.id, class: h.known.a.id }))
      .layer;
    const cosineOf = new Map(
      similarity.classes.map((id, i) => [Number(id.split('/')[1]), similarity.cosines[i]!]),
    );
    const { run } = await query<{ run: { classes: { nodes: { index: number; name: string }[] } } }>(
      `query ($run: ID!) { run(id: $run) { classes(first: 500) { nodes { index name } } } }`,
      { run: h.known.run },
    );
    const cosine = ({ index }: { index: number }): number => cosineOf.get(index) ?? 0;
    const expected = [...run.classes.nodes].sort((a, b) => cosine(b) - cosine(a) || a.index - b.index);
    const page = await h.go(h.exploring());
    await drawn(page);
    await page.locator('.likeness').first().waitFor();
    const names = () => page.locator('[data-place] .text').allTextContents();
    const listed = await names();
    expect(listed).toEqual(expected.slice(0, listed.length).map(({ name }) => name));

    const list = page.locator('ul[aria-label^="Classes,"]');
    await list.evaluate((one) => (one.scrollTop = 96));
    const third = page.locator('[data-place="5"]');
    const name = await third.locator('.text').textContent();
    await third.click();
    await page.getByRole('heading', { level: 1, name: name! }).waitFor();
    const anew = page.getByRole('button', { name: 'sort anew' });
    await anew.waitFor();
    expect(await list.evaluate((one) => one.scrollTop)).toBe(96);
    expect(await third.locator('.text').textContent()).toBe(name);
    await anew.click();
    await expect.poll(() => page.locator('[data-place="0"] .text').textContent()).toBe(name);
  });

  it('chooses the layer by pointer and arrow keys, in the address too', async () => {
    const { layers } = (await query<Layers>(LAYERS, { run: h.known.run })).run;
    const page = await h.go(h.exploring());
    await drawn(page);
    const radios = page.getByRole('radiogroup', { name: 'Layer of the map' }).getByRole('radio');
    expect(await radios.count()).toBe(layers.length);
    const first = layers[0]!.name;
    await page.getByRole('radio', { name: first, exact: true }).click();
    expect(new URL(page.url()).searchParams.get('layer')).toBe(first);
    await page.keyboard.press('ArrowUp');
    expect(new URL(page.url()).searchParams.get('layer')).toBe(layers[1]!.name);
    await page.keyboard.press('Home');
    await expect.poll(() => page.url()).not.toContain('layer=');
  });

  it('shows thumbnails of classes where the map is zoomed in, and asks for none before', async () => {
    const { run } = await query<{ run: { classes: { nodes: { thumbnail: { url: string } | null }[] } } }>(
      `query ($run: ID!) { run(id: $run) { classes(first: 500) { nodes { thumbnail { url } } } } }`,
      { run: h.known.run },
    );
    expect(run.classes.nodes.filter(({ thumbnail }) => thumbnail !== null).length).toBeGreaterThan(0);
    const asked: string[] = [];
    const page = await h.go(h.exploring(), { reducedMotion: 'reduce' }, async (fresh) => {
      fresh.on('request', (request) => request.url().includes('/thumbnails/') && asked.push(request.url()));
    });
    await drawn(page);
    const canvas = page.locator(`${map} canvas`);
    await canvas.waitFor();
    /** Dots and names have few colours, pictures many. */
    const colors = () =>
      canvas.evaluate((element) => {
        const { width, height } = element as HTMLCanvasElement;
        const copy = document.createElement('canvas');
        [copy.width, copy.height] = [width, height];
        const context = copy.getContext('2d', { willReadFrequently: true })!;
        context.drawImage(element as HTMLCanvasElement, 0, 0);
        const { data } = context.getImageData(0, 0, width, height);
        const found = new Set<number>();
        for (let at = 0; at < data.length; at += 4) {
          if (data[at + 3] === 255) found.add((data[at]! << 16) + (data[at + 1]! << 8) + data[at + 2]!);
        }
        return found.size;
      });
    const plain = await colors();
    expect(asked).toEqual([]);
    const pane = page.getByRole('group', { name: /^Map of \d+ classes/ });
    await pane.focus();
    // The class on show comes into sight.
    for (let i = 0; i < 5; i += 1) await page.keyboard.press('+');
    for (const key of ['ArrowRight', 'ArrowLeft', 'ArrowUp', 'ArrowDown']) await page.keyboard.press(key);
    await expect.poll(() => asked.length).toBeGreaterThan(0);
    await expect.poll(colors).toBeGreaterThan(plain + 200);
  });

  it('selects classes by a line on the map, opens one by keyboard, and lights what the list points at', async () => {
    const page = await h.go(h.exploring());
    await drawn(page);
    const canvas = page.locator(`${map} canvas`);
    await canvas.waitFor();
    const box = (await canvas.boundingBox())!;
    await page.getByRole('button', { name: 'Draw a line around classes' }).click();
    await page.mouse.move(box.x + 2, box.y + 2);
    await page.mouse.down();
    for (const [x, y] of [
      [box.width - 40, 2],
      [box.width - 2, 40],
      [box.width - 2, box.height - 2],
      [2, box.height - 2],
    ]) {
      await page.mouse.move(box.x + x!, box.y + y!, { steps: 3 });
    }
    await page.mouse.up();
    await page.getByText(/\d+ class(es)? selected/).waitFor();
    expect(new URL(page.url()).searchParams.get('set')).toMatch(/^\d+([-,]\d+)*$/);
    await page.getByRole('button', { name: 'Clear' }).click();
    await expect.poll(() => page.url()).not.toContain('set=');

    const still = () => canvas.evaluate((one) => (one as HTMLCanvasElement).toDataURL());
    const before = await still();
    await row(page, h.known.b.name).hover();
    await expect.poll(still).not.toBe(before);

    // A pointer that rests on the list would point at another class as soon as the list moves.
    await page.mouse.move(box.x + box.width + 400, 4);
    const pane = page.getByRole('group', { name: /^Map of \d+ classes/ });
    await pane.focus();
    const said = pane.locator('[aria-live]');
    for (const key of ['ArrowRight', 'ArrowLeft', 'ArrowUp', 'ArrowDown']) {
      await page.keyboard.press(key);
      if (await said.textContent()) break;
    }
    const name = (await said.textContent())!;
    expect(name).not.toBe('');
    await page.keyboard.press(' ');
    await page.getByText('1 class selected').waitFor();
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { level: 1, name, exact: true }).waitFor();
    expect(await violations(page)).toEqual([]);
  });

  it('is as wide as it was made, by pointer or by keyboard', async () => {
    const page = await h.go(h.exploring());
    await drawn(page);
    const column = page.getByRole('complementary', { name: 'Classes of the run' });
    const width = async () => Math.round((await column.boundingBox())!.width);
    const first = await width();
    const divider = page.getByRole('separator', { name: 'Width of the left column' });
    await divider.focus();
    await page.keyboard.press('ArrowRight');
    expect(await width()).toBe(first + 16);
    const box = (await divider.boundingBox())!;
    await page.mouse.move(box.x + 4, 500);
    await page.mouse.down();
    await page.mouse.move(400, 500, { steps: 4 });
    await page.mouse.up();
    expect(await width()).toBe(400);
    await page.reload();
    await drawn(page);
    expect(await width()).toBe(400);
  });
});
