import { unitPoints, type Point } from '$lib/space/scatter';

/** A map of a run's classes as one layer sees them. */
export interface ClassMap {
  layerId: string;
  points: Point[];
}

/** Takes the parallel lists of an answer apart; a class's index is the last part of its id. */
export function classMap(answer: { layerId: string; classes: string[]; x: number[]; y: number[] }): ClassMap {
  const indexes = answer.classes.map(indexOf);
  return { layerId: answer.layerId, points: unitPoints(indexes, answer.x, answer.y) };
}

/** The index in a class's id, `run/index`. */
export const indexOf = (id: string): number => Number(id.slice(id.lastIndexOf('/') + 1));
