import { ApiError } from '$lib/api/client';

type Question<Data> = (signal: AbortSignal) => Promise<Data>;

/**
 * The answer to one question at a time. While the next one is on its way the last stays, so that nothing jumps; a newer
 * question aborts the older; answers are remembered.
 */
export class Resource<Data> {
  data = $state.raw<Data | null>(null);
  error = $state.raw<ApiError | null>(null);
  loading = $state(false);
  /** What `data` answers. */
  key = $state.raw<string | null>(null);

  #asked: string | null = null;
  #question: Question<Data> | null = null;
  #controller: AbortController | null = null;
  #answers = new Map<string, Data>();
  #remembered: number;

  constructor(remembered = 24) {
    this.#remembered = remembered;
  }

  /** Asks, unless `key` is what was asked last and has not failed. */
  load(key: string, question: Question<Data>): void {
    if (key === this.#asked) return;
    this.#asked = key;
    this.#question = question;
    const known = this.#answers.get(key);
    if (known === undefined) void this.#run();
    else this.#settle(key, known);
  }

  /** Asks the last question again, after an error. */
  retry(): void {
    if (this.#question) void this.#run();
  }

  /** Forgets the answer on show and stops what is on its way. */
  clear(): void {
    this.#controller?.abort();
    this.#asked = null;
    this.data = null;
    this.error = null;
    this.key = null;
    this.loading = false;
  }

  async #run(): Promise<void> {
    this.#controller?.abort();
    const controller = new AbortController();
    const key = this.#asked!;
    this.#controller = controller;
    this.loading = true;
    try {
      const data = await this.#question!(controller.signal);
      if (controller.signal.aborted) return;
      this.#answers.set(key, data);
      if (this.#answers.size > this.#remembered) {
        this.#answers.delete(this.#answers.keys().next().value!);
      }
      this.#settle(key, data);
    } catch (error) {
      if (controller.signal.aborted) return;
      this.error =
        error instanceof ApiError ? error : new ApiError(String(error), 'FAILED', 'Reload the page.');
      this.loading = false;
    }
  }

  #settle(key: string, data: Data): void {
    this.#controller?.abort();
    this.data = data;
    this.key = key;
    this.error = null;
    this.loading = false;
  }
}
