/** Chromium for the end-to-end tests: one browser, a fresh profile for every page, and a record of what went wrong. */

import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import {
  chromium,
  type Browser,
  type BrowserContext,
  type BrowserContextOptions,
  type Page,
} from 'playwright-core';

const AXE = readFileSync(
  fileURLToPath(new URL('../../web/node_modules/axe-core/axe.min.js', import.meta.url)),
  'utf8',
);
const PLACES = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];

/** Address of the server under test, without a slash at its end. */
export function baseUrl(): string {
  const url = process.env.ARETE_URL;
  if (!url) throw new Error('ARETE_URL is not set: start `arete demo` and pass its address');
  return url.replace(/\/$/, '');
}

export async function launch(): Promise<Browser> {
  const executablePath = process.env.ARETE_CHROMIUM ?? PLACES.find((place) => existsSync(place));
  if (!executablePath) throw new Error(`no Chromium at ${PLACES.join(', ')}; set ARETE_CHROMIUM`);
  return chromium.launch({
    executablePath,
    args: [
      '--no-sandbox',
      '--disable-background-networking',
      '--disable-component-update',
      // Text is drawn the same whatever screen the machine has.
      '--font-render-hinting=none',
      '--disable-lcd-text',
      '--force-color-profile=srgb',
    ],
  });
}

/** A page in a profile of its own, that remembers errors and requests that left the server. */
export interface Visit {
  page: Page;
  context: BrowserContext;
  /** Console errors, uncaught errors and requests to other origins so far. */
  troubles: string[];
}

/** Opens a page; `prepare` runs before it asks the server for anything. */
export async function visit(
  browser: Browser,
  path: string,
  options: BrowserContextOptions = {},
  prepare: (page: Page) => Promise<unknown> = async () => undefined,
): Promise<Visit> {
  const context = await browser.newContext({
    viewport: { width: 1440, height: 900 },
    ...options,
  });
  const page = await context.newPage();
  page.setDefaultTimeout(20_000);
  const troubles: string[] = [];
  const origin = new URL(baseUrl()).origin;
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') troubles.push(message.text());
  });
  page.on('pageerror', (error) => troubles.push(String(error)));
  page.on('request', (request) => {
    if (new URL(request.url()).origin !== origin) troubles.push(`left the server: ${request.url()}`);
  });
  await prepare(page);
  await page.goto(`${baseUrl()}/${path}`);
  return { page, context, troubles };
}

/** What axe finds on the page as it is now: one line a violation. */
export async function violations(page: Page): Promise<string[]> {
  // Half-faded colours would be measured as they look in that moment.
  await page.waitForFunction(() =>
    document
      .getAnimations()
      .every((each) => each.playState !== 'running' || each.effect?.getTiming().iterations === Infinity),
  );
  await page.evaluate(AXE);
  const found = await page.evaluate(async () => {
    const axe = (
      window as never as {
        axe: { run: () => Promise<{ violations: Violation[] }> };
      }
    ).axe;
    return (await axe.run()).violations;
  });
  return found.flatMap(({ id, nodes }) =>
    nodes.map((node) => `${id}: ${node.html.slice(0, 160)} ${node.failureSummary}`),
  );
}

interface Violation {
  id: string;
  nodes: { html: string; failureSummary: string }[];
}

/** Asks the API directly, to compare with what the page shows. */
export async function query<Data>(document: string, variables: object = {}): Promise<Data> {
  const response = await fetch(`${baseUrl()}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ query: document, variables }),
    signal: AbortSignal.timeout(30_000),
  });
  const reply = (await response.json()) as {
    data: Data;
    errors?: { message: string }[];
  };
  if (reply.errors) throw new Error(reply.errors.map(({ message }) => message).join('; '));
  return reply.data;
}

/** A run of the server with two classes that have a graph; the tests assume no names. */
export async function subjects(): Promise<Subjects> {
  const { runs } = await query<{
    runs: { id: string; classes: { nodes: ClassRow[] } }[];
  }>('{ runs { id classes(first: 100) { nodes { id index name mass } } } }');
  for (const run of runs) {
    const [a, b] = run.classes.nodes.filter(({ mass }) => mass !== null);
    if (a && b) return { run: run.id, a, b };
  }
  throw new Error('the server under test holds no run with two classes that have a graph');
}

export interface Subjects {
  run: string;
  a: ClassRow;
  b: ClassRow;
}

interface ClassRow {
  id: string;
  index: number;
  name: string;
  mass: number | null;
}
