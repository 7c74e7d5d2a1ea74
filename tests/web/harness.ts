/** What the test files share: one browser a file, a fresh profile a test, and no trouble left unseen. */

import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect } from 'vitest';
import { launch, subjects, visit, type Subjects, type Visit } from './browser';

export interface Harness {
  /** The run and the two classes that the tests look at. */
  known: Subjects;
  /** The visit of the test that runs. */
  open: Visit;
  /** Opens a page as somebody who was here before; `prepare` runs before it asks the server for anything. */
  go: (
    path: string,
    options?: BrowserContextOptions,
    prepare?: (page: Page) => Promise<unknown>,
  ) => Promise<Page>;
  /** Opens a page as somebody who was never here. */
  first: (path: string) => Promise<Page>;
  /** Addresses of the first class, and of both compared. */
  exploring: () => string;
  comparing: () => string;
}

/** To be called once in each file, outside of any test. A test that leaves an error on the console fails. */
export function harness(): Harness {
  let browser: Browser;
  let open: Visit | undefined;
  let known: Subjects | undefined;

  beforeAll(async () => {
    known = await subjects();
    browser = await launch();
  });
  afterAll(() => browser?.close());
  afterEach(async () => {
    const troubles = open?.troubles ?? [];
    await open?.context.close();
    open = undefined;
    expect(troubles).toEqual([]);
  });

  const exploring = (): string => `?v=2&run=${known!.run}&class=${known!.a.index}`;
  return {
    get known() {
      return known!;
    },
    get open() {
      return open!;
    },
    go: async (path, options = {}, prepare = async () => undefined) => {
      open = await visit(browser, path, options, async (page) => {
        await page.addInitScript(() => localStorage.setItem('arete.tour', 'yes'));
        await prepare(page);
      });
      return open.page;
    },
    first: async (path) => (open = await visit(browser, path)).page,
    exploring,
    comparing: () => `${exploring()}&mode=compare&b=${known!.b.index}`,
  };
}

export const vertices = (page: Page) => page.locator('[data-vertex]');
export const shownVertices = (page: Page) => page.locator('[data-vertex]:not(.gone):not(.faint)');
export const card = (page: Page) => page.getByRole('article', { name: /^Channel / });
/** A class of the list, by its name. */
export const row = (page: Page, name: string) =>
  page.getByRole('button', { name }).and(page.locator('[data-place]')).first();

export async function drawn(page: Page): Promise<void> {
  await vertices(page).first().waitFor();
}

export const GRAPH = `query ($id: ID!, $mass: Float) { class(id: $id) { graph(mass: $mass) {
  mass cypher vertices { channel { id } count share } edges { source target count } } } }`;
export interface GraphAnswer {
  class: {
    graph: {
      mass: number;
      cypher: string;
      vertices: { channel: { id: string }; count: number; share: number }[];
      edges: { source: string; target: string; count: number }[];
    };
  };
}
