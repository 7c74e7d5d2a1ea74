import { ask } from '$lib/api/client';
import { ClassThumbnailsQuery } from '$lib/api/generated/class-thumbnails';
import type { ResultOf } from '$lib/api/graphql';
import { Tiles, type DrawableTile, type TileOf } from '$lib/space/tiles.svelte';

/** The server's most. */
const PAGE = 500;

/** Small pictures of a run's classes: asked for when they are first wanted, as most visits never zoom in so far. */
export class Thumbnails {
  #tiles = new Tiles();
  #run: string | null = null;
  #byClass = $state.raw<ReadonlyMap<number, TileOf>>(new Map());

  load(run: string): void {
    if (run === this.#run) return;
    this.#run = run;
    this.#byClass = new Map();
    // Without them the map shows dots: nothing to tell anybody. The next zoom asks again.
    this.#follow(run).catch(() => this.#run === run && (this.#run = null));
  }

  tileOf(index: number): DrawableTile | undefined {
    return this.#tiles.get(this.#byClass.get(index));
  }

  async #follow(run: string): Promise<void> {
    let after: string | null = null;
    do {
      const answer: ResultOf<typeof ClassThumbnailsQuery> = await ask(ClassThumbnailsQuery, {
        run,
        first: PAGE,
        after,
      });
      const page = answer.run?.classes;
      if (!page || run !== this.#run) return;
      const found = page.nodes.flatMap(({ index, thumbnail }): [number, TileOf][] =>
        thumbnail ? [[index, thumbnail]] : [],
      );
      if (found.length > 0) this.#byClass = new Map([...this.#byClass, ...found]);
      after = page.pageInfo.hasNextPage ? page.pageInfo.endCursor : null;
    } while (after !== null);
  }
}
