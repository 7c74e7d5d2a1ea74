/** How long the card stays after the pointer left a vertex, so that crossing a gap does not make it flicker. */
const LINGER_MS = 140;

/** What the pointer or the keyboard is on: a vertex or an edge of the drawing. */
export class Focus {
  vertex = $state<string | null>(null);
  edge = $state<string | null>(null);
  /** In which of two drawings side by side it is, from the left. */
  side = $state(0);
  #timer: ReturnType<typeof setTimeout> | undefined;

  onVertex(id: string): void {
    clearTimeout(this.#timer);
    this.vertex = id;
    this.edge = null;
  }

  onEdge(id: string): void {
    clearTimeout(this.#timer);
    this.edge = id;
    this.vertex = null;
  }

  /** Off everything, after a moment. */
  leave(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.clear(), LINGER_MS);
  }

  /** Off everything, now. */
  clear(): void {
    clearTimeout(this.#timer);
    this.vertex = null;
    this.edge = null;
  }
}
