import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';

const DIST = fileURLToPath(new URL('../../web/dist/', import.meta.url));
const KB = 1000;

const packed = (file: string): number => gzipSync(readFileSync(`${DIST}${file}`)).length;

describe('the built page', () => {
  const assets = readdirSync(`${DIST}assets`).map((name) => `assets/${name}`);

  it('is small, all modes together', () => {
    const whole = assets
      .filter((name) => /\.(js|css)$/.test(name))
      .reduce((sum, name) => sum + packed(name), 0);
    expect(whole / KB).toBeLessThanOrEqual(170);
  });

  it('reads the code of a mode when the mode is opened', () => {
    const first = [...readFileSync(`${DIST}index.html`, 'utf8').matchAll(/assets\/[^"]+/g)].map(
      ([name]) => name,
    );
    for (const mode of ['Explore', 'Compare', 'Motifs', 'Matrix', 'Model']) {
      const own = assets.filter((name) => name.startsWith(`assets/${mode}-`) && name.endsWith('.js'));
      expect(own, mode).toHaveLength(1);
      expect(first, mode).not.toContain(own[0]);
    }
  });
});
