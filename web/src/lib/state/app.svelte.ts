import { ask, ApiError } from '$lib/api/client';
import { ChannelPageQuery } from '$lib/api/generated/channel-page';
import { ClassGraphQuery } from '$lib/api/generated/class-graph';
import { ClassNeighborsQuery } from '$lib/api/generated/class-neighbors';
import { ClassMassesQuery } from '$lib/api/generated/class-masses';
import { CompareQuery } from '$lib/api/generated/compare';
import { GroupsQuery } from '$lib/api/generated/groups';
import { RunsQuery } from '$lib/api/generated/runs';
import { ServiceQuery } from '$lib/api/generated/service';
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
  Group,
  Run,
} from '$lib/api/operations';
import { classId, localId } from '$lib/util/ids';
import { Classes } from './classes.svelte';
import { membersOf, withoutMembers, writeSet } from './class-set';
import { Details } from './details.svelte';
import { Focus } from './focus.svelte';
import { Resource } from './resource.svelte';
import { classMap, indexOf, type ClassMap } from './space';
import { ThemeState } from './theme.svelte';
import { Thumbnails } from './thumbnails.svelte';
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
  readonly groups = new Resource<Group[]>();
  #groupsMade = 0;
  readonly #service = new Resource<{ browserUrl: string | null }>();
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
  readonly thumbnails = new Thumbnails();
  readonly found = new Resource<SearchResults & { text: string }>();
  readonly channel = new Resource<ChannelPage>();
  /** Rises when something was changed on the server, so that what shows it is asked for anew. */
  changes = $state(0);
  readonly likeness = new Resource<Likeness>();

  readonly run: Run | undefined = $derived(
    this.runs.data?.find((run) => run.id === this.view.current.run) ?? undefined,
  );

  /** Where Neo4j Browser is; null where it is not known. */
  readonly browserUrl: string | null = $derived(this.#service.data?.browserUrl ?? null);

  /** Indexes of the set of classes that Motifs, Matrix and the comparison of a group look at. */
  readonly selection: number[] = $derived(membersOf(this.view.current.set, this.groups.data ?? []));
  /** Whether a click on a class takes it into this set or out of it. */
  readonly collecting: boolean = $derived.by(() => {
    const { mode, form } = this.view.current;
    return mode === 'motifs' || mode === 'matrix' || (mode === 'compare' && form.startsWith('group'));
  });
  /** Whether two groups are compared: the set is the first of them then. */
  readonly twoSets: boolean = $derived(
    this.view.current.mode === 'compare' && this.view.current.form === 'groups',
  );
  /** Indexes of the second of two groups. */
  readonly selectionB: number[] = $derived(membersOf(this.view.current.setB, this.groups.data ?? []));
  /** The layer of the left column: the one asked for, or the last. */
  readonly layer: Layer | undefined = $derived(
    this.run?.layers.find(({ name }) => name === this.view.current.layer) ?? this.run?.layers.at(-1),
  );

  constructor() {
    takeToken();
    this.canWrite = token() !== null;
  }

  /** Asks for what the address names, without waiting for the list of runs to say that it is there. */
  begin(): void {
    this.loadRuns();
    const { run, class: index, mode, mass } = this.view.current;
    if (run === null) return;
    this.classes.load(run);
    if (mode === 'explore' && index !== null) this.loadGraph(run, index, mass);
  }

  loadRuns(): void {
    this.runs.load('runs', async (signal) => (await ask(RunsQuery, {}, signal)).runs);
    this.#service.load('service', async (signal) => (await ask(ServiceQuery, {}, signal)).service);
  }

  loadGraph(run: string, index: string, mass: number | null): void {
    const id = classId(run, index);
    this.graph.load(`${id} ${mass} ${this.changes}`, async (signal) => {
      const found = (await ask(ClassGraphQuery, { id, mass }, signal)).class;
      if (!found) throw new ApiError(`There is no class ${id}.`, 'NOT_FOUND');
      return found;
    });
  }

  loadGroups(run: string): void {
    this.groups.load(`${run} ${this.#groupsMade}`, (signal) => this.#groupsOf(run, signal));
  }

  /** Reads the groups again: there is a new one. */
  rereadGroups(): void {
    this.#groupsMade += 1;
    if (this.view.current.run !== null) this.loadGroups(this.view.current.run);
  }

  async #groupsOf(run: string, signal: AbortSignal): Promise<Group[]> {
    return (await ask(GroupsQuery, { run }, signal)).run?.groups ?? [];
  }

  /** Indexes of the class on show and of the `count` others that the layer on show sees most like it. */
  async nearest(count: number): Promise<number[]> {
    const [item, layer] = [this.classes.byIndex(this.view.current.class), this.layer];
    if (!item || !layer) return [];
    const variables = { class: item.id, layer: layer.id, first: count };
    const answer = (await ask(ClassNeighborsQuery, variables)).class;
    const found = answer?.neighbors?.layers.flatMap(({ neighbors }) => neighbors) ?? [];
    return [item.index, ...found.map((neighbor) => neighbor.class.index)];
  }

  /**
   * Reads the union; whatever else is asked for is a part of it.
   *
   * @param mass that both graphs are cut at; null for the larger of the two classes' own, at which both hang together
   * @param own each graph is cut at its class's own mass
   */
  loadComparison(run: string, a: string, b: string, mass: number | null, own: boolean): void {
    const ids = { a: classId(run, a), b: classId(run, b) };
    this.comparison.load(`${run} ${a} ${b} ${own ? 'own' : mass}`, async (signal) => {
      const shared = own ? null : (mass ?? (await this.#largerMass(ids, signal)));
      const variables = { ...ids, mass: shared, operation: 'UNION', minShare: 0 } as const;
      const found = (await ask(CompareQuery, variables, signal)).compare;
      if (!found)
        throw new ApiError(`Classes ${variables.a} and ${variables.b} cannot be compared.`, 'NOT_FOUND');
      return found;
    });
  }

  async #largerMass(ids: { a: string; b: string }, signal: AbortSignal): Promise<number | null> {
    const { a, b } = await ask(ClassMassesQuery, ids, signal);
    return Math.max(a?.mass ?? 0, b?.mass ?? 0) || null;
  }

  /** Indexes of the classes of one side; the first is what is selected where there are no two. */
  membersOf(side: Slot): number[] {
    return side === 'a' ? this.selection : this.selectionB;
  }

  /** Which side a class joins that is chosen in the list, on the map or by the search. */
  get side(): Slot {
    return this.twoSets ? this.slot : 'a';
  }

  /** Gives a side its classes; of two groups, the other loses those that it had of them. */
  give(side: Slot, set: readonly string[], how: 'push' | 'replace' = 'push'): void {
    const groups = this.groups.data ?? [];
    const members = membersOf(set, groups);
    const { set: a, setB: b } = this.view.current;
    if (side === 'b') this.view.go({ setB: set, set: withoutMembers(a, members, groups) }, how);
    else this.view.go(this.twoSets ? { set, setB: withoutMembers(b, members, groups) } : { set }, how);
  }

  /** Opens a class, in the chosen slot when comparing; takes it into the set or out of it where one is collected. */
  choose(index: number, slot: Slot = this.slot): void {
    const chosen = String(index);
    this.focus.clear();
    if (this.collecting) {
      const side = this.twoSets ? slot : 'a';
      const members = new Set(this.membersOf(side));
      if (!members.delete(index)) members.add(index);
      this.give(side, writeSet(members));
      return;
    }
    if (this.view.current.mode === 'explore' || slot === 'a') this.view.go({ class: chosen });
    else this.view.go({ b: chosen });
  }

  /** Selects classes, for a group or for the modes that look at several. */
  select(indexes: readonly number[]): void {
    this.give(this.side, writeSet(indexes), 'replace');
  }

  /** Looks for a text; behind an `@` for groups only, of which the sign alone lists all. */
  find(text: string): void {
    const run = this.view.current.run!;
    const named = text.startsWith('@') ? text.slice(1).trim() : null;
    this.found.load(`${run} ${text} ${this.#groupsMade}`, async (signal) => {
      if (named === '') {
        const groups = await this.#groupsOf(run, signal);
        return { text, hits: groups.map(groupHit), complete: true };
      }
      const variables = { run, text: named ?? text, kinds: named === null ? null : ['GROUP' as const] };
      const { search } = await ask(SearchQuery, variables, signal);
      return { text, hits: search?.hits ?? [], complete: search?.complete ?? true };
    });
  }

  /** Opens what a search found. */
  open(hit: SearchHit): void {
    const { item } = hit;
    if (item.__typename === 'Class') this.choose(item.index);
    else if (item.__typename === 'Channel') this.view.go({ channel: localId(hit.id) });
    else if (item.__typename === 'Layer') this.view.go({ layer: hit.name });
    else this.give(this.side, [`@${hit.name}`]);
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
    const { class: a, b, set, setB, atLeast, atLeastB } = this.view.current;
    if (this.twoSets) this.view.go({ set: setB, setB: set, atLeast: atLeastB, atLeastB: atLeast });
    else if (a !== null && b !== null) this.view.go({ class: b, b: a });
  }
}

/** A group as a search would find it. */
function groupHit({ id, name, classCount, classIds }: Group): SearchHit {
  return { kind: 'GROUP', id, name, item: { __typename: 'Group', classCount, classIds } };
}
