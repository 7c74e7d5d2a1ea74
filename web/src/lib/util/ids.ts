/** Ids as the server writes them: `run/layer/channel`, `run/index`; a run's id holds no slash. */

/** The id of a class, from its run and its index there. */
export function classId(run: string, index: number | string): string {
  return `${run}/${index}`;
}

/** The id of an image, from its run and its number there. */
export function imageId(run: string, number: number | string): string {
  return `${run}/image:${number}`;
}

/** A global id without its run: `layer/channel`, what the address and the labels show. */
export function localId(id: string): string {
  return id.slice(id.indexOf('/') + 1);
}

/** The global id of a channel written as `layer/channel`. */
export function globalId(run: string, local: string): string {
  return `${run}/${local}`;
}
