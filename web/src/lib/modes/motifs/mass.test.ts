import { describe, expect, it, vi } from 'vitest';
import { firstEnough } from './mass';

/** Motifs found at each mass; a mass that is not there fails. */
const service = (found: Record<string, number>) =>
  vi.fn(async (mass: number | null) => {
    const count = found[String(mass)];
    if (count === undefined) throw new Error(`too much at ${mass}`);
    return { mass, found: count };
  });
const masses = [null, 0.15, 0.25, 0.4];

describe('the mass of motifs', () => {
  it('is each class’s own where that finds enough, and no other is asked for', async () => {
    const ask = service({ null: 247 });
    expect(await firstEnough(ask, masses)).toEqual({ mass: null, found: 247 });
    expect(ask).toHaveBeenCalledTimes(1);
  });

  it('is the least at which there are enough', async () => {
    const ask = service({ null: 1, '0.15': 4, '0.25': 15, '0.4': 242 });
    expect(await firstEnough(ask, masses)).toEqual({ mass: 0.25, found: 15 });
  });

  it('is the one that finds the most where none finds enough, the least of equal ones', async () => {
    expect(await firstEnough(service({ null: 0, '0.15': 2, '0.25': 2, '0.4': 1 }), masses)).toEqual({
      mass: 0.15,
      found: 2,
    });
    expect(await firstEnough(service({ null: 0, '0.15': 0, '0.25': 0, '0.4': 0 }), masses)).toEqual({
      mass: null,
      found: 0,
    });
  });

  it('stays below a mass that is too much, but hides no error at the first', async () => {
    expect(await firstEnough(service({ null: 0, '0.15': 2 }), masses)).toEqual({ mass: 0.15, found: 2 });
    await expect(firstEnough(service({}), masses)).rejects.toThrow('too much at null');
  });
});
