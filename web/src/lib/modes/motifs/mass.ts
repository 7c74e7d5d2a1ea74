/** At which kept mass motifs are looked for where nobody chose one. */

/** As many motifs are worth looking at; with fewer, a larger mass is tried. */
export const ENOUGH = 5;

/** The masses that are tried, each some half more than the one before: as few questions as find what is there. */
export const MASSES: readonly (number | null)[] = [null, 0.15, 0.25, 0.4];

/**
 * The answer at the first of some masses that finds enough motifs; where none does, the one that finds the most, of
 * equal ones the first. A network of narrow layers keeps next to nothing at the masses at which its graphs hang together.
 *
 * @param ask at one mass, null for each class's own; only the first may fail: a larger mass can be too much to look through
 */
export async function firstEnough<Answer extends { found: number }>(
  ask: (mass: number | null) => Promise<Answer>,
  masses: readonly (number | null)[] = MASSES,
): Promise<Answer> {
  let best: Answer | null = null;
  for (const mass of masses) {
    let answer: Answer;
    try {
      answer = await ask(mass);
    } catch (error) {
      if (best === null) throw error;
      return best;
    }
    if (answer.found >= ENOUGH) return answer;
    if (best === null || answer.found > best.found) best = answer;
  }
  return best!;
}
