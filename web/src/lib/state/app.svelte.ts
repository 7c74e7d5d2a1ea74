import { ask, ApiError } from '$lib/api/client';
import { ClassGraphQuery } from '$lib/api/generated/class-graph';
import { CompareQuery } from '$lib/api/generated/compare';
import { RunsQuery } from '$lib/api/generated/runs';
import type { ClassWithGraph, Comparison, Run } from '$lib/api/operations';
import { classId } from '$lib/util/ids';
import { Classes } from './classes.svelte';
import { Details } from './details.svelte';
import { Focus } from './focus.svelte';
import { Resource } from './resource.svelte';
import { ThemeState } from './theme.svelte';
import { ViewState } from './view.svelte';
import { takeToken, token } from '$lib/api/token';

export type Slot = 'a' | 'b';

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
  readonly details = new Details();
  readonly focus = new Focus();
  /** Which of the two compared classes the next click in the list chooses. */
  slot = $state<Slot>('b');

  readonly run: Run | undefined = $derived(
    this.runs.data?.find((run) => run.id === this.view.current.run) ?? undefined,
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
    this.graph.load(`${id} ${mass}`, async (signal) => {
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

  swap(): void {
    const { class: a, b } = this.view.current;
    if (a !== null && b !== null) this.view.go({ class: b, b: a });
  }
}
