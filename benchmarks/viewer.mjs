#!/usr/bin/env node
// @ts-check
/**
 * How soon the viewer shows itself, and how soon it answers the pointer:
 * `node benchmarks/viewer.mjs http://127.0.0.1:8700/ [--runs demo,summit] [--repeats 7]`, against a running `arete demo` or
 * `arete serve`. Drives Debian's Chromium, headless and without a GPU, in a fresh profile for each visit.
 *
 * - first paint, first graph: milliseconds from the start of the navigation to the browser's first-contentful-paint, and
 *   to the frame with the first channel of the graph (with `all pictures`: to the last picture that the first view asks
 *   for); the page is asked for without an address of a class, as somebody does who opens the printed link.
 * - hover: milliseconds from the pointer's event to the frame that shows its effect, as Chromium's Event Timing has it (in
 *   steps of 8 ms), for channels never looked at before; `main thread` is the part until the page has handed the frame on.
 * - a frame: time on the main thread for each frame while the pointer glides over the graph, crossing channels and edges
 *   and opening their cards, and while the wheel zooms.
 * - shift: Chromium's layout-shift score of the visit, without what follows an input within half a second.
 *
 * Caveats: browser, service and database share the machine's cores, and software draws every pixel here; a machine with a
 * GPU spends less on raster. Prints one JSON object and judges nothing.
 */

import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { cpus, loadavg } from 'node:os';

const { chromium } = createRequire(new URL('../web/', import.meta.url))('playwright-core');

const HOVERS = 30;
const FRAMES = 60;
/** More than these are never drawn. */
const MOST_CHANNELS = 400;
const MOST_EDGES = 2000;

const options = process.argv.slice(2);
const option = (/** @type {string} */ name) => {
  const at = options.indexOf(`--${name}`);
  return at < 0 ? undefined : options[at + 1];
};
const base = options[0]?.replace(/\/$/, '');
if (!base?.startsWith('http')) {
  console.error('usage: node benchmarks/viewer.mjs URL [--runs RUN,RUN] [--repeats 7]; URL is what `arete serve` prints');
  process.exit(2);
}
const repeats = Number(option('repeats') ?? 7);

const quantile = (/** @type {number[]} */ values, /** @type {number} */ share) => {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? NaN;
};
const spread = (/** @type {number[]} */ values) => ({
  p50: Math.round(quantile(values, 0.5)),
  p95: Math.round(quantile(values, 0.95)),
  most: Math.round(Math.max(...values)),
});
const round = (/** @type {number} */ value) => Number(value.toFixed(2));

const executablePath =
  process.env.ARETE_CHROMIUM ??
  ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find((place) => existsSync(place));
const browser = await chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-gpu'] });

/** Watches what Chromium itself times, from before the page's own scripts. */
function watch() {
  const seen = { shift: 0, hovers: /** @type {number[]} */ ([]), drawn: 0 };
  Object.assign(window, { seen });
  localStorage.setItem('arete.tour', 'yes');
  new PerformanceObserver((list) => {
    for (const entry of /** @type {any[]} */ (list.getEntries())) if (!entry.hadRecentInput) seen.shift += entry.value;
  }).observe({ type: 'layout-shift', buffered: true });
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) if (entry.name === 'pointerover') seen.hovers.push(entry.duration);
  }).observe(/** @type {any} */ ({ type: 'event', durationThreshold: 16, buffered: true }));
  const look = () => {
    if (document.querySelector('[data-vertex]')) requestAnimationFrame(() => (seen.drawn = performance.now()));
    else requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
}

/** @returns {Promise<{ page: any, context: any }>} */
async function visit(/** @type {string} */ path) {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 } });
  const page = await context.newPage();
  await page.addInitScript(watch);
  await page.goto(`${base}/${path}`);
  await page.waitForFunction(() => /** @type {any} */ (window).seen.drawn > 0, null, { timeout: 60_000 });
  return { page, context };
}

/** One cold visit. */
async function opening(/** @type {string} */ run) {
  const { page, context } = await visit(`?v=2&run=${run}`);
  await page.waitForLoadState('networkidle');
  const found = await page.evaluate(() => {
    const resources = /** @type {PerformanceResourceTiming[]} */ (performance.getEntriesByType('resource'));
    const paint = performance.getEntriesByName('first-contentful-paint')[0];
    const { seen } = /** @type {any} */ (window);
    return {
      paint: paint?.startTime ?? NaN,
      graph: seen.drawn,
      shift: seen.shift,
      requests: resources.length + 1,
      pictures: Math.max(
        ...resources
          .filter(({ name }) => new URL(name).pathname.startsWith('/images/'))
          .map(({ responseEnd }) => responseEnd),
      ),
      kB: resources.reduce((sum, { transferSize }) => sum + transferSize, 0) / 1000,
    };
  });
  await context.close();
  return found;
}

const MEASURES = ['ScriptDuration', 'RecalcStyleDuration', 'LayoutDuration', 'TaskDuration'];

/** Time on the main thread, in ms, while `act` runs, for each of its `frames`. */
async function perFrame(/** @type {any} */ session, /** @type {number} */ frames, /** @type {() => Promise<void>} */ act) {
  const read = async () => {
    const { metrics } = await session.send('Performance.getMetrics');
    return MEASURES.map((each) => metrics.find((/** @type {any} */ metric) => metric.name === each).value);
  };
  const before = await read();
  await act();
  const after = await read();
  const [script, style, layout, task] = after.map((value, i) => round(((value - before[i]) * 1000) / frames));
  return { script, style, layout, 'all tasks': task };
}

/** The pointer over channels of one graph, and the wheel over it. */
async function pointing(/** @type {string} */ path) {
  const { page, context } = await visit(path);
  await page.waitForLoadState('networkidle');
  const session = await context.newCDPSession(page);
  await session.send('Performance.enable');
  const drawing = await page.evaluate(() => ({
    channels: document.querySelectorAll('[data-vertex]').length,
    edges: document.querySelectorAll('.world > svg:first-of-type path').length,
    elements: document.querySelectorAll('*').length,
  }));
  const places = await page.evaluate(() =>
    [...document.querySelectorAll('[data-vertex]')]
      .map((each) => each.getBoundingClientRect())
      .map(({ x, y, width, height }) => ({ x: x + width / 2, y: y + height / 2 }))
      .filter(({ x, y }) => document.elementFromPoint(x, y)?.closest('[data-vertex]')),
  );
  const step = Math.max(1, Math.floor(places.length / HOVERS));
  const chosen = places.filter((/** @type {any} */ _, /** @type {number} */ i) => i % step === 0).slice(0, HOVERS);
  const mainThread = [];
  const times = [];
  for (const { x, y } of chosen) {
      // From beside the channel, so that no other one is crossed; away from it for as long as the card lingers.
      await page.mouse.move(2, 300);
      await page.waitForTimeout(320);
      const answered = page.evaluate(
        () =>
          new Promise((resolve) =>
            addEventListener(
              'pointerover',
              ({ timeStamp }) =>
                requestAnimationFrame(() => {
                  const { port1, port2 } = new MessageChannel();
                  port1.onmessage = () => resolve(performance.now() - timeStamp);
                  port2.postMessage(null);
                }),
              { capture: true, once: true },
            ),
          ),
      );
      await page.evaluate(() => /** @type {any} */ (window).seen.hovers.splice(0));
      await page.mouse.move(x, y);
      mainThread.push(await answered);
      await page.waitForTimeout(250);
      const [duration] = await page.evaluate(() => /** @type {any} */ (window).seen.hovers);
      times.push(duration ?? 16);
  }
  const gliding = await perFrame(session, FRAMES, async () => {
    for (let i = 0; i < FRAMES; i += 1) {
      await page.mouse.move(400 + 8 * i, 200 + 6 * i);
      await page.evaluate(() => new Promise(requestAnimationFrame));
    }
  });
  await page.mouse.move(700, 450);
  const zooming = await perFrame(session, FRAMES, async () => {
    for (let i = 0; i < FRAMES; i += 1) {
      await page.mouse.wheel(0, i % 20 < 10 ? -40 : 40);
      await page.evaluate(() => new Promise(requestAnimationFrame));
    }
  });
  await context.close();
  return {
    drawing,
    'hover, ms to the frame': spread(times),
    'of which main thread': spread(mainThread),
    'main thread, ms a frame, gliding': gliding,
    'main thread, ms a frame, zooming': zooming,
  };
}

async function query(/** @type {string} */ text) {
  const response = await fetch(`${base}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ query: text }),
  });
  return (await response.json()).data;
}

/** The least kept mass at which a class has more than is drawn; undefined where its graph does not grow so large. */
async function largeMass(/** @type {string} */ id) {
  for (let tenths = 1; tenths < 10; tenths += 1) {
    const found = await query(
      `{ class(id: "${id}") { graph(mass: ${tenths / 10}) { vertices { count } edges { count } } } }`,
    );
    const graph = found?.class?.graph;
    if (!graph) return undefined;
    if (graph.vertices.length >= MOST_CHANNELS && graph.edges.length >= MOST_EDGES) return tenths / 10;
  }
  return undefined;
}

const wanted = option('runs')?.split(',');
/** @type {Record<string, object>} */
const results = {};
const { runs } = await query('{ runs { id classes(first: 1) { totalCount nodes { id index } } } }');
for (const { id, classes } of runs) {
  if (wanted && !wanted.includes(id)) continue;
  await opening(id); // fills what the service remembers, so that the disk is not measured
  const openings = [];
  for (let i = 0; i < repeats; i += 1) openings.push(await opening(id));
  const first = `?v=2&run=${id}&class=${classes.nodes[0].index}`;
  const mass = await largeMass(classes.nodes[0].id);
  results[id] = {
    classes: classes.totalCount,
    'first paint, ms': spread(openings.map(({ paint }) => paint)),
    'first graph, ms': spread(openings.map(({ graph }) => graph)),
    'all pictures, ms': spread(openings.map(({ pictures }) => pictures)),
    requests: openings[0].requests,
    'kB received': Math.round(openings[0].kB),
    shift: round(Math.max(...openings.map(({ shift }) => shift))),
    'a class’s graph': await pointing(first),
    ...(mass && { 'a large graph': await pointing(`${first}&mass=${mass}`) }),
  };
}
console.log(
  JSON.stringify(
    {
      machine: {
        cores: cpus().length,
        processor: cpus()[0].model,
        'load before, a minute': round(loadavg()[0]),
        chromium: browser.version(),
        node: process.version,
        commit: execFileSync('git', ['rev-parse', '--short', 'HEAD'], { cwd: import.meta.dirname }).toString().trim(),
      },
      repeats,
      runs: results,
    },
    null,
    2,
  ),
);
await browser.close();
