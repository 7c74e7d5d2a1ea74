import { ask, ApiError } from '$lib/api/client';
import type { VariablesOf } from '$lib/api/graphql';
import { ClassesQuery } from '$lib/api/generated/classes';
import type { ClassInfo, ClassPage } from '$lib/api/operations';
import type { ClassSort } from './address';

/** The server's most are 500; the first page should come quickly. */
const PAGE = 250;

/** All classes of one run: the first page shows at once, the rest follows. */
export class Classes {
  all = $state.raw<ClassInfo[]>([]);
  total = $state(0);
  loading = $state(false);
  error = $state.raw<ApiError | null>(null);

  readonly #byIndex = $derived(new Map(this.all.map((item) => [String(item.index), item])));
  #run: string | null = null;
  #controller: AbortController | null = null;

  load(run: string): void {
    if (run === this.#run) return;
    this.#run = run;
    this.all = [];
    this.total = 0;
    void this.#follow();
  }

  /** Goes on where an error stopped. */
  retry(): void {
    void this.#follow();
  }

  byIndex(index: string | null): ClassInfo | undefined {
    return index === null ? undefined : this.#byIndex.get(index);
  }

  async #follow(): Promise<void> {
    this.#controller?.abort();
    const controller = new AbortController();
    this.#controller = controller;
    this.loading = true;
    this.error = null;
    let found: ClassInfo[] = [];
    let after: string | null = null;
    try {
      do {
        const variables: VariablesOf<typeof ClassesQuery> = { run: this.#run!, first: PAGE, after };
        const page: ClassPage | undefined = (await ask(ClassesQuery, variables, controller.signal)).run
          ?.classes;
        if (!page || controller.signal.aborted) return;
        found = [...found, ...page.nodes];
        if (found.length > this.all.length) this.all = found;
        this.total = page.totalCount;
        after = page.pageInfo.hasNextPage ? page.pageInfo.endCursor : null;
      } while (after !== null);
    } catch (error) {
      if (controller.signal.aborted) return;
      this.error = error instanceof ApiError ? error : new ApiError(String(error), 'FAILED');
    } finally {
      if (this.#controller === controller) this.loading = false;
    }
  }
}

/**
 * Classes whose name or index holds every word of `search`, in the order of `sort`; ties by index.
 *
 * @param cosines likeness to the class that `similarity` sorts by; classes that are not there have none at all
 */
export function arrange(
  classes: readonly ClassInfo[],
  search: string,
  sort: ClassSort,
  cosines?: ReadonlyMap<number, number>,
): ClassInfo[] {
  const words = search.toLocaleLowerCase('en').split(/\s+/).filter(Boolean);
  const found = classes.filter((item) => {
    const text = `${item.name.toLocaleLowerCase('en').replaceAll('_', ' ')} ${item.index}`;
    return words.every((word) => text.includes(word));
  });
  const unknown = sort === 'accuracy-up' ? Infinity : -Infinity;
  const accuracy = (item: ClassInfo): number => item.accuracy ?? unknown;
  return found.sort((a, b) => {
    if (sort === 'similarity') {
      return (cosines?.get(b.index) ?? 0) - (cosines?.get(a.index) ?? 0) || a.index - b.index;
    }
    if (sort === 'name') return a.name.localeCompare(b.name, 'en') || a.index - b.index;
    // Infinity - Infinity is NaN, which falls through to the index like 0.
    if (sort === 'accuracy-down') return accuracy(b) - accuracy(a) || a.index - b.index;
    if (sort === 'accuracy-up') return accuracy(a) - accuracy(b) || a.index - b.index;
    return a.index - b.index;
  });
}
