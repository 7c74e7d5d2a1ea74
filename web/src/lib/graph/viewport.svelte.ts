import { select } from 'd3-selection';
import { zoom, zoomIdentity, type D3ZoomEvent, type ZoomBehavior, type ZoomTransform } from 'd3-zoom';

export interface Extent {
  width: number;
  height: number;
}

/** What a fit leaves free, in px: row labels at the left, band titles at the top, air around. */
interface Margin {
  left: number;
  top: number;
  around: number;
}

const LEAST = 0.15;
const MOST = 4;
/** Small drawings are not blown up beyond this by a fit. */
const FIT_MOST = 1.35;
/** Nor are large ones made so small that pictures cannot be told apart; then the top shows. */
const FIT_LEAST = 0.32;
/** Below these distances of rows on screen, labels show their name only, or their name and one line more. */
const TIGHT_PX = 36;
const CLOSE_PX = 52;
/** Width of the drawing's room below which it is that of a telephone, in px. */
const NARROW = 400;
const GLIDE_MS = 220;

/** Keeps drawings side by side at the same place and scale, each beside its own row labels: what one shows, all show. */
export class Lock {
  #members = new Set<Viewport>();

  add(viewport: Viewport): void {
    this.#members.add(viewport);
  }

  delete(viewport: Viewport): void {
    this.#members.delete(viewport);
  }

  moved(by: Viewport, transform: ZoomTransform): void {
    for (const viewport of this.#members) if (viewport !== by) viewport.follow(transform);
  }
}

/**
 * Zoom and pan of the drawing by a CSS transform on one composited element: gestures come from d3-zoom, and nothing is
 * drawn anew while they last. `--k`, `--tx` and `--ty` carry the row labels along; only what lies over the drawing has them,
 * as whatever inherits them is styled anew in every frame.
 */
export class Viewport {
  k = 1;
  x = 0;
  y = 0;
  /** Whether the view is as the last fit left it; then a new size fits again. */
  fitted = true;

  #pane: HTMLElement;
  #world: HTMLElement;
  #over: HTMLElement;
  #zoom: ZoomBehavior<HTMLElement, unknown>;
  #extent: Extent = { width: 0, height: 0 };
  #margin: Margin = { left: 0, top: 0, around: 0 };
  #rowGap = 0;
  #box = { left: 0, top: 0, width: 0 };
  #resized = new ResizeObserver(() => {
    this.#measure();
    if (this.fitted) this.fit(false);
  });
  #own = false;
  #following = false;
  #lock: Lock | undefined;

  /** @param over what lies over the drawing: labels and titles */
  constructor(pane: HTMLElement, world: HTMLElement, over: HTMLElement, lock?: Lock) {
    this.#pane = pane;
    this.#world = world;
    this.#over = over;
    this.#lock = lock;
    lock?.add(this);
    this.#zoom = zoom<HTMLElement, unknown>()
      .scaleExtent([LEAST, MOST])
      .clickDistance(4)
      .filter((event: Event) => isGesture(event))
      .on('start', () => (world.style.willChange = 'transform'))
      .on('zoom', (event: D3ZoomEvent<HTMLElement, unknown>) => this.#apply(event.transform))
      // Without the hint the text and pictures are drawn again, sharp at the new scale.
      .on('end', () => (world.style.willChange = ''));
    select(pane).call(this.#zoom).on('dblclick.zoom', null);
    this.#measure();
    this.#resized.observe(pane);
    pane.addEventListener('pointerover', this.#entered, { capture: true });
    addEventListener('scroll', this.#measure, { capture: true, passive: true });
  }

  destroy(): void {
    this.#resized.disconnect();
    this.#pane.removeEventListener('pointerover', this.#entered, { capture: true });
    removeEventListener('scroll', this.#measure, { capture: true });
    select(this.#pane).on('.zoom', null);
    this.#lock?.delete(this);
  }

  /** Shows what another one shows. */
  follow(transform: ZoomTransform): void {
    this.#following = true;
    this.fitted = false;
    this.#to(transform.k, transform.x + this.#margin.left, transform.y, false);
    this.#following = false;
  }

  /**
   * Says how large the drawing is, and fits it unless the same person is looking around in it.
   *
   * @param rowGap the least distance between two rows, in px of the drawing
   */
  show(extent: Extent, margin: Margin, rowGap: number): void {
    this.#extent = extent;
    this.#margin = margin;
    this.#rowGap = rowGap;
    if (this.fitted) this.fit(false);
  }

  /** The whole drawing in the window; a very tall one its top. */
  fit(glide = true): void {
    const { left, top, width, height } = this.#room();
    const whole = Math.min(width / (this.#extent.width || 1), height / (this.#extent.height || 1));
    const k = Math.min(Math.max(whole, FIT_LEAST), FIT_MOST);
    const spareX = Math.max(0, (width - this.#extent.width * k) / 2);
    const spareY = Math.max(0, (height - this.#extent.height * k) / 2);
    this.#to(k, left + spareX, top + (width < NARROW ? 0 : spareY), glide);
    this.fitted = true;
  }

  /** Scale 1, keeping the middle. */
  full(): void {
    this.zoomBy(1 / this.k);
  }

  /** Zooms about the middle of the window. */
  zoomBy(factor: number): void {
    const { left, top, width, height } = this.#room();
    const [cx, cy] = [left + width / 2, top + height / 2];
    const k = Math.min(Math.max(this.k * factor, LEAST), MOST);
    this.#to(k, cx - ((cx - this.x) * k) / this.k, cy - ((cy - this.y) * k) / this.k, true);
    this.fitted = false;
  }

  /** Moves just enough for a point of the drawing to be in sight. */
  reveal(x: number, y: number, around: number): void {
    const { left, top, width, height } = this.#room();
    const reach = around * this.k;
    const [px, py] = [x * this.k + this.x, y * this.k + this.y];
    const dx = Math.max(0, left + reach - px) || Math.min(0, left + width - reach - px);
    const dy = Math.max(0, top + reach - py) || Math.min(0, top + height - reach - py);
    if (dx === 0 && dy === 0) return;
    this.#to(this.k, this.x + dx, this.y + dy, true);
    this.fitted = false;
  }

  /** Looks where the pane is in the window: asked for after a change, the browser would lay out the page at once. */
  readonly #measure = (): void => {
    this.#box = this.#pane.getBoundingClientRect();
  };

  /** Before what is under the pointer answers: nothing has changed yet. */
  readonly #entered = ({ relatedTarget }: PointerEvent): void => {
    if (!this.#pane.contains(relatedTarget as Node | null)) this.#measure();
  };

  /** A point of the window in the drawing's own px. */
  toWorld(clientX: number, clientY: number): { x: number; y: number } {
    const { left, top } = this.#box;
    return { x: (clientX - left - this.x) / this.k, y: (clientY - top - this.y) / this.k };
  }

  /** Whether a place of the drawing lies in the right half of the pane, beside the labels, as it is now. */
  isRight(x: number): boolean {
    return x * this.k + this.x > (this.#box.width + this.#margin.left) / 2;
  }

  #room(): Extent & { left: number; top: number } {
    const { left, top, around } = this.#margin;
    const { clientWidth, clientHeight } = this.#pane;
    // On a telephone every px is wanted.
    const sides = clientWidth - left < NARROW ? around / 2 : around;
    return {
      left: left + sides,
      top: top + around,
      width: Math.max(80, clientWidth - left - 2 * sides),
      height: Math.max(80, clientHeight - top - 2 * around),
    };
  }

  #to(k: number, x: number, y: number, glide: boolean): void {
    const still = !glide || matchMedia('(prefers-reduced-motion: reduce)').matches;
    this.#world.style.transition = still ? '' : `transform ${GLIDE_MS}ms ease-out`;
    this.#pane.toggleAttribute('data-glide', !still);
    this.#own = true;
    select(this.#pane).call((pane) => this.#zoom.transform(pane, zoomIdentity.translate(x, y).scale(k)));
    this.#own = false;
  }

  #apply({ k, x, y }: ZoomTransform): void {
    if (!this.#own) {
      this.fitted = false;
      this.#world.style.transition = '';
      this.#pane.removeAttribute('data-glide');
    }
    Object.assign(this, { k, x, y });
    if (!this.#following) this.#lock?.moved(this, zoomIdentity.translate(x - this.#margin.left, y).scale(k));
    this.#world.style.transform = `translate(${x}px,${y}px) scale(${k})`;
    this.#over.style.setProperty('--k', String(k));
    this.#over.style.setProperty('--tx', String(x));
    this.#over.style.setProperty('--ty', String(y));
    const gap = this.#rowGap * k;
    this.#pane.dataset['rows'] = gap < TIGHT_PX ? 'tight' : gap < CLOSE_PX ? 'close' : 'apart';
  }
}

function isGesture(event: Event): boolean {
  if (event.type === 'wheel') return true;
  const { button, ctrlKey } = event as MouseEvent;
  // On a touch screen one finger scrolls the page, two move the drawing.
  if (event.type === 'touchstart') return (event as TouchEvent).touches.length > 1;
  return !ctrlKey && !button;
}
