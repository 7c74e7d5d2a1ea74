/** Moving through a drawing by arrow keys: along a row, and to the nearest vertex of the next row. */

import type { Layout, Place } from './layout';

export type Direction = 'left' | 'right' | 'up' | 'down' | 'first' | 'last';

const DIRECTIONS: Record<string, Direction> = {
  ArrowLeft: 'left',
  ArrowRight: 'right',
  ArrowUp: 'up',
  ArrowDown: 'down',
  Home: 'first',
  End: 'last',
};

/** Where a key leads; undefined for a key that leads nowhere. */
export function directionOf(key: string): Direction | undefined {
  return DIRECTIONS[key];
}

/** The vertex that a key leads to from `id`; null where there is none. `shown` says which can be reached. */
export function step(
  layout: Layout,
  id: string,
  direction: Direction,
  shown: (id: string) => boolean = () => true,
): string | null {
  const from = layout.places.get(id);
  if (!from) return null;
  const places = [...layout.places.values()].filter((place) => shown(place.id) || place.id === id);
  if (direction === 'up' || direction === 'down') {
    const sign = direction === 'up' ? -1 : 1;
    const ahead = places.filter((place) => (place.row - from.row) * sign > 0);
    const row = ahead.reduce((nearest, place) => Math.min(nearest, (place.row - from.row) * sign), Infinity);
    return nearestX(
      ahead.filter((place) => (place.row - from.row) * sign === row),
      from.x,
    );
  }
  const row = places.filter((place) => place.row === from.row).sort((a, b) => a.column - b.column);
  const at = row.indexOf(from);
  const next = { left: at - 1, right: at + 1, first: 0, last: row.length - 1 }[direction];
  return row[next]?.id ?? null;
}

/** Where the keyboard enters a drawing: the first vertex of the top row. */
export function entrance(layout: Layout, shown: (id: string) => boolean = () => true): string | null {
  let best: Place | null = null;
  for (const place of layout.places.values()) {
    if (!shown(place.id)) continue;
    if (!best || place.row < best.row || (place.row === best.row && place.column < best.column)) best = place;
  }
  return best?.id ?? null;
}

function nearestX(places: Place[], x: number): string | null {
  let best: Place | null = null;
  for (const place of places) {
    if (!best || Math.abs(place.x - x) < Math.abs(best.x - x)) best = place;
  }
  return best?.id ?? null;
}

/** The id of the vertex that an event is on. */
export function vertexAt(event: Event): string | null {
  return (event.target as HTMLElement).closest<HTMLElement>('[data-vertex]')?.dataset.vertex ?? null;
}
