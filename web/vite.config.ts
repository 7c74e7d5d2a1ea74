import { fileURLToPath } from 'node:url';
import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vitest/config';
import { operations } from './operations.mjs';

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
const api = process.env.ARETE_URL ?? 'http://127.0.0.1:8700';

export default defineConfig({
  plugins: [svelte(), operations()],
  resolve: { alias: { $lib: here('src/lib') } },
  build: {
    target: 'es2022',
    // The page is served with `default-src 'self'`: no data: URLs, no inline polyfill.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
  server: { proxy: { '/graphql': api, '/images': api } },
  test: {
    include: ['src/**/*.test.ts'],
    environment: 'node',
    restoreMocks: true,
  },
});
