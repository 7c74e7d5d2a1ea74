import { ask } from '$lib/api/client';
import { InstancesQuery } from '$lib/api/generated/instances';
import type { ImageInfo } from '$lib/api/operations';
import type { App } from '$lib/state/app.svelte';
import { Resource } from '$lib/state/resource.svelte';
import { indexOf } from '$lib/state/space';
import { unitPoints, type Point } from '$lib/space/scatter';
import { kindsOf } from './kinds';
import { MOST_IMAGES, writeImages } from './rows';

/** The images that were measured of the classes on show, where they lie, and which of them are rows. */
export class Images {
  /** `images` is null where nobody has measured any of the run. */
  readonly answer = new Resource<{ images: ImageInfo[] | null; points: Point[] }>();
  /** Number of the image that the pointer is on, in the matrix or on the map. */
  pointed = $state<number | null>(null);
  /** Whether some were not taken in, as there is no room for more. */
  full = $state(false);

  readonly all: readonly ImageInfo[] = $derived(this.answer.data?.images ?? []);
  readonly byNumber: ReadonlyMap<number, ImageInfo> = $derived(
    new Map(this.all.map((image) => [image.number, image])),
  );
  readonly chosen: ReadonlySet<number>;
  /** Shape and colour of each class that has images here, by its index. */
  readonly kinds: ReadonlyMap<number, number | null> = $derived(
    kindsOf(this.all.map(({ classId }) => indexOf(classId))),
  );
  readonly #app: App;

  constructor(app: App) {
    this.#app = app;
    this.chosen = $derived(new Set(app.view.current.images.map(Number)));
  }

  /** Reads those of some classes; of all that were measured where there are none. */
  load(run: string, layer: string, classes: string[]): void {
    this.answer.load(`${layer} ${classes.join()}`, async (signal) => {
      const variables = { run, layer, classes: classes.length > 0 ? classes : null };
      const found = (await ask(InstancesQuery, variables, signal)).run?.instances;
      if (!found) return { images: null, points: [] };
      const numbers = found.images.map(({ number }) => number);
      return { images: found.images, points: unitPoints(numbers, found.x, found.y) };
    });
  }

  /** Takes an image in, or out. */
  toggle(number: number): void {
    const numbers = new Set(this.chosen);
    if (!numbers.delete(number)) numbers.add(number);
    this.choose(numbers);
  }

  /** Takes exactly these in, as far as there is room. */
  choose(numbers: Iterable<number>): void {
    const wanted = new Set(numbers);
    this.full = wanted.size > MOST_IMAGES;
    // Those that are rows already stay; what a link has no room for is left out.
    const kept = [...this.chosen].filter((number) => wanted.has(number));
    const added = [...wanted].filter((number) => !this.chosen.has(number));
    this.#app.view.go({ images: writeImages([...kept, ...added].slice(0, MOST_IMAGES)) });
  }
}
