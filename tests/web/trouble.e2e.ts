import { describe, expect, it } from 'vitest';
import { violations } from './browser';
import { drawn, row, harness } from './harness';

const h = harness();

describe('a server in trouble', () => {
  it('is named with its own words, and asked again on request', async () => {
    const page = await h.go(h.exploring());
    await drawn(page);
    // The rest of a long class list may still be on its way.
    await page.waitForLoadState('networkidle');
    await page.route('**/graphql', (route) =>
      route.fulfill({
        json: {
          data: null,
          errors: [
            {
              message: 'the database does not answer',
              extensions: {
                code: 'DATABASE',
                hint: 'look at the log',
                requestId: 'abc',
              },
            },
          ],
        },
      }),
    );
    await row(page, h.known.b.name).click();
    const alert = page.getByRole('main').getByRole('alert');
    await alert.getByText('the database does not answer').waitFor();
    await alert.getByText('look at the log').waitFor();
    await page.unroute('**/graphql');
    await alert.getByRole('button', { name: 'Try again' }).click();
    await page.getByRole('heading', { level: 1, name: h.known.b.name }).waitFor();
    await drawn(page);
  });

  it('that is away is asked some times, then the page says so and recovers', async () => {
    const page = await h.go(h.exploring());
    await drawn(page);
    // The rest of a long class list may still be on its way.
    await page.waitForLoadState('networkidle');
    await page.route('**/graphql', (route) => route.abort('connectionrefused'));
    await row(page, h.known.b.name).click();
    await page.getByRole('main').getByRole('alert').getByText('The server cannot be reached.').waitFor();
    // The browser itself reports each refused request; nothing else may have been reported.
    expect(h.open.troubles.filter((text) => !text.includes('ERR_CONNECTION_REFUSED'))).toEqual([]);
    // The graph and the likenesses, three times each.
    await expect.poll(() => h.open.troubles.length).toBe(6);
    h.open.troubles.length = 0;
    await page.unroute('**/graphql');
    await page.getByRole('main').getByRole('button', { name: 'Try again' }).click();
    await drawn(page);
    await page
      .getByRole('complementary', { name: 'Classes of the run' })
      .getByRole('button', { name: 'Try again' })
      .click();
    await page
      .getByRole('complementary', { name: 'Classes of the run' })
      .getByRole('alert')
      .waitFor({ state: 'detached' });
  });

  it('that holds no run yet says how to make one', async () => {
    const page = await h.go('', {}, (each) =>
      each.route('**/graphql', (route) => route.fulfill({ json: { data: { runs: [] } } })),
    );
    await page.getByText('No runs yet').waitFor();
    await page.getByText('arete demo').waitFor();
    expect(await violations(page)).toEqual([]);
  });

  it('that is slow shows where things will be, and moves nothing when they come', async () => {
    const page = await h.go(h.exploring(), {}, (each) =>
      each.route('**/graphql', async (route) => {
        await new Promise((resolve) => setTimeout(resolve, 900));
        await route.continue();
      }),
    );
    await page.locator('.skeleton').first().waitFor();
    await page.locator('[data-place]').first().waitFor();
    const list = await page.locator('section[aria-label="Classes"]').boundingBox();
    await drawn(page);
    expect(await page.locator('section[aria-label="Classes"]').boundingBox()).toEqual(list);
    await page.unrouteAll({ behavior: 'ignoreErrors' });
  });

  it('with a class that has no graph says what a graph needs', async () => {
    const page = await h.go(h.exploring(), {}, (each) =>
      each.route('**/graphql', async (route) => {
        const answer = await route.fetch();
        const reply = (await answer.json()) as { data: { class?: { graph: unknown; mass: unknown } } };
        if (reply.data.class) Object.assign(reply.data.class, { graph: null, mass: null });
        await route.fulfill({ response: answer, json: reply });
      }),
    );
    await page.getByText(`${h.known.a.name} has no attribution graph`).waitFor();
    expect(await violations(page)).toEqual([]);
    await page.unrouteAll({ behavior: 'ignoreErrors' });
  });
});
