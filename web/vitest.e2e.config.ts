import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

// The end-to-end tests lie outside this folder, so their packages are named by path.
export default defineConfig({
  root: here('..'),
  resolve: {
    alias: {
      'playwright-core': here('node_modules/playwright-core/index.mjs'),
      pixelmatch: here('node_modules/pixelmatch/index.js'),
      pngjs: here('node_modules/pngjs/lib/png.js'),
      vitest: here('node_modules/vitest/dist/index.js'),
    },
  },
  server: { fs: { strict: false } },
  test: {
    include: ['tests/web/**/*.e2e.ts'],
    environment: 'node',
    // Generous: axe alone takes seconds a page on a busy machine.
    testTimeout: 180_000,
    hookTimeout: 60_000,
    expect: { poll: { timeout: 15_000 } },
    // One browser, one server: files one after the other.
    fileParallelism: false,
  },
});
