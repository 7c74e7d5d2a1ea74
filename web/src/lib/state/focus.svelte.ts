/** How long the card stays after the pointer left a vertex, so that crossing a gap does not make it flicker. */
const LINGER_MS = 140;

/** A vertex or an edge of the drawing, or neither. */
interface Looked {
  vertex: string | null;
  edge: string | null;
}

/** What the pointer or the keyboard is on: a vertex or an edge of the drawing. */
export class Focus {
  /** What is told of at the side: the same, after the frame that shows the light, so that the light need not wait. */
  told = $state.raw<Looked>({ vertex: null, edge: null });
  vertex = $state<string | null>(null);
  edge = $state<string | null>(null);
  /** In which of two drawings side by side it is, from the left. */
  side = $state(0);
  #timer: ReturnType<typeof setTimeout> | undefined;
  #frame = 0;

  onVertex(id: string): void {
    this.#look({ vertex: id, edge: null });
  }

  onEdge(id: string): void {
    this.#look({ vertex: null, edge: id });
  }

  /** Off everything, after a moment. */
  leave(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.clear(), LINGER_MS);
  }

  /** Off everything, now. */
  clear(): void {
    this.#look({ vertex: null, edge: null });
  }

  #look({ vertex, edge }: Looked): void {
    clearTimeout(this.#timer);
    if (vertex === this.vertex && edge === this.edge) return;
    this.vertex = vertex;
    this.edge = edge;
    cancelAnimationFrame(this.#frame);
    this.#frame = requestAnimationFrame(() => {
      this.#frame = requestAnimationFrame(() => (this.told = { vertex: this.vertex, edge: this.edge }));
    });
  }
}
