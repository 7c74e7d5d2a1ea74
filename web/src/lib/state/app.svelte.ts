import { ask, ApiError } from '$lib/api/client';
import { ChannelPageQuery } from '$lib/api/generated/channel-page';
import { ClassGraphQuery } from '$lib/api/generated/class-graph';
import { CompareQuery } from '$lib/api/generated/compare';
import { RunsQuery } from '$lib/api/generated/runs';
import { EmbeddingQuery } from '$lib/api/generated/embedding';
import { SimilarityQuery } from '$lib/api/generated/similarity';
import { SearchQuery } from '$lib/api/generated/search';
import type {
  ChannelPage,
  Layer,
  SearchHit,
  SearchResults,
  ClassWithGraph,
  Comparison,
  Run,
} from '$lib/api/operations';
import { classId, localId } from '$lib/util/ids';
import { Classes } from './classes.svelte';
import { Details } from './details.svelte';
import { Focus } from './focus.svelte';
import { Resource } from './resource.svelte';
import { classMap, indexOf, type ClassMap } from './space';
import { ThemeState } from './theme.svelte';
import { ViewState } from './view.svelte';
import { takeToken, token } from '$lib/api/token';

export type Slot = 'a' | 'b';

/** How like one class every class is, as one layer sees them. */
export interface Likeness {
  class: number;
  layer: string;
  cosines: ReadonlyMap<number, number>;
}

/** Everything the page knows; one instance, handed to the components that need it. */
export class App {
  /** Whether this page may change anything on the server. */
  readonly canWrite: boolean;
  readonly view = new ViewState();
  readonly theme = new ThemeState();
  readonly runs = new Resource<Run[]>();
  readonly classes = new Classes();
  readonly graph = new Resource<ClassWithGraph>();
  readonly comparison = new Resource<Comparison>();
  readonly details = new Details(() => this.changes);
  readonly focus = new Focus();
  /** Which of the two compared classes the next click in the list chooses. */
  slot = $state<Slot>('b');
  /** Index of the class that the pointer is on, in the list or on the map. */
  pointed = $state<number | null>(null);
  /** Indexes of the classes visible in the list. */
  listed = $state.raw<ReadonlySet<number>>(new Set());
  /** Where the classes lie as one layer sees them; no points where the run has no map. */
  readonly map = new Resource<ClassMap>();
  readonly found = new Resource<SearchResults & { text: string }>();
  readonly channel = new Resource<ChannelPage>();
  /** Rises when something was changed on the server, so that what shows it is asked for anew. */
  changes = $state(0);
  readonly likeness = new Resource<Likeness>();

  readonly run: Run | undefined = $derived(
    this.runs.data?.find((run) => run.id === this.view.current.run) ?? undefined,
  );

  /** The layer of the left column: the one asked for, or the last. */
  readonly layer: Layer | undefined = $derived(
    this.run?.layers.find(({ name }) => name === this.view.current.layer) ?? this.run?.layers.at(-1),
  );
  /** Indexes of the classes selected on the map. */
  readonly selection: readonly number[] = $derived(
    this.view.current.set.map(Number).filter(Number.isInteger),
  );

  constructor() {
    takeToken();
    this.canWrite = token() !== null;
  }

  loadRuns(): void {
    this.runs.load('runs', async (signal) => (await ask(RunsQuery, {}, signal)).runs);
  }

  loadGraph(run: string, index: string, mass: number | null): void {
    const id = classId(run, index);
    this.graph.load(`${id} ${mass} ${this.changes}`, async (signal) => {
      const found = (await ask(ClassGraphQuery, { id, mass }, signal)).class;
      if (!found) throw new ApiError(`There is no class ${id}.`, 'NOT_FOUND');
      return found;
    });
  }

  /** Reads the union; whatever else is asked for is a part of it. */
  loadComparison(run: string, a: string, b: string, mass: number | null): void {
    const variables = {
      a: classId(run, a),
      b: classId(run, b),
      mass,
      operation: 'UNION',
      minShare: 0,
    } as const;
    this.comparison.load(`${run} ${a} ${b} ${mass}`, async (signal) => {
      const found = (await ask(CompareQuery, variables, signal)).compare;
      if (!found)
        throw new ApiError(`Classes ${variables.a} and ${variables.b} cannot be compared.`, 'NOT_FOUND');
      return found;
    });
  }

  /** Opens a class, in the chosen slot when comparing. */
  choose(index: number, slot: Slot = this.slot): void {
    const chosen = String(index);
    this.focus.clear();
    if (this.view.current.mode === 'explore' || slot === 'a') this.view.go({ class: chosen });
    else this.view.go({ b: chosen });
  }

  /** Selects classes, for a group or for the modes that look at several. */
  select(indexes: readonly number[]): void {
    const sorted = [...indexes].sort((a, b) => a - b);
    this.view.go({ set: sorted.map(String) }, 'replace');
  }

  find(text: string): void {
    const run = this.view.current.run!;
    this.found.load(`${run} ${text}`, async (signal) => {
      const { search } = await ask(SearchQuery, { run, text }, signal);
      return { text, hits: search?.hits ?? [], complete: search?.complete ?? true };
    });
  }

  /** Opens what a search found. */
  open(hit: SearchHit): void {
    const { item } = hit;
    if (item.__typename === 'Class') this.choose(item.index);
    else if (item.__typename === 'Channel') this.view.go({ channel: localId(hit.id) });
    else if (item.__typename === 'Layer') this.view.go({ layer: hit.name });
    else this.select(item.classIds.map(indexOf));
  }

  loadChannel(id: string): void {
    this.channel.load(`${id} ${this.changes}`, async (signal) => {
      const found = (await ask(ChannelPageQuery, { id }, signal)).channel;
      if (!found) throw new ApiError(`There is no channel ${id}.`, 'NOT_FOUND');
      return found;
    });
  }

  loadMap(layerId: string): void {
    const run = this.view.current.run!;
    this.map.load(layerId, async (signal) => {
      const found = (await ask(EmbeddingQuery, { run, layer: layerId }, signal)).run?.embedding;
      return found ? classMap(found) : { layerId, points: [] };
    });
  }

  loadLikeness(layerId: string, id: string): void {
    this.likeness.load(`${layerId} ${id}`, async (signal) => {
      const found = (await ask(SimilarityQuery, { layer: layerId, class: id }, signal)).layer?.similarity;
      const cosines = (found?.classes ?? []).map((each, i): [number, number] => [
        indexOf(each),
        found!.cosines[i]!,
      ]);
      return { class: indexOf(id), layer: layerId, cosines: new Map(cosines) };
    });
  }

  swap(): void {
    const { class: a, b } = this.view.current;
    if (a !== null && b !== null) this.view.go({ class: b, b: a });
  }
}
