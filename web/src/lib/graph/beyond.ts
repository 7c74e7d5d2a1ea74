/** Channels that the pinned one is joined to and that its class's graph leaves out: drawn beside the rows. */

import type { ChannelInClass, Neighbor } from '$lib/api/operations';
import { drawCurves, edgeId, type Drawing, type DrawnEdge, type DrawnVertex } from './drawing';
import type { Place } from './layout';

/** Side of their pictures in px: smaller than any of the graph's. */
const SIZE = 26;
const AIR = 14;
/** From the last picture of the graph's row to the first of these. */
const GAP = 44;

export interface Beyond {
  vertices: DrawnVertex[];
  edges: DrawnEdge[];
  places: Map<string, Place>;
  paths: Map<string, string>;
}

const NOTHING: Beyond = { vertices: [], edges: [], places: new Map(), paths: new Map() };

/**
 * Inputs and outputs of a channel that the drawing lacks, each at the right end of its layer's row, the strongest
 * first. No place of the drawing changes.
 */
export function beyond(drawing: Drawing, pin: string | null, known: ChannelInClass | null): Beyond {
  const from = pin === null ? undefined : drawing.layout.places.get(pin);
  if (!from || !known) return NOTHING;
  const rowOf = new Map(drawing.layout.rows.map(({ layer }, row) => [layer, row]));
  const missing = ({ channel }: Neighbor): boolean =>
    !drawing.byId.has(channel.id) && rowOf.has(channel.layerIndex);
  const inputs = known.inputs.filter(missing);
  const outputs = known.outputs.filter(missing);
  const ends = new Map<number, number>();
  for (const place of drawing.layout.places.values()) {
    ends.set(place.row, Math.max(ends.get(place.row) ?? -Infinity, place.x + place.size / 2));
  }
  const places = new Map<string, Place>();
  for (const { channel } of [...inputs, ...outputs]) {
    if (places.has(channel.id)) continue;
    const row = rowOf.get(channel.layerIndex)!;
    const started = [...places.values()].some((place) => place.row === row);
    const x = (ends.get(row) ?? from.x) + (started ? AIR : GAP) + SIZE / 2;
    ends.set(row, x + SIZE / 2);
    const y = drawing.layout.rows[row]!.y;
    places.set(channel.id, { id: channel.id, x, y, size: SIZE, row, column: Infinity, band: 0 });
  }
  const largest = Math.max(Number.MIN_VALUE, ...drawing.edges.map(({ share }) => share));
  const edge = (source: string, target: string, { count, share }: Neighbor): DrawnEdge => ({
    id: edgeId(source, target),
    source,
    target,
    membership: null,
    counts: [count],
    shares: [share],
    share,
    strength: Math.min(1, share / largest),
  });
  const edges = [
    ...inputs.map((row) => edge(row.channel.id, from.id, row)),
    ...outputs.map((row) => edge(from.id, row.channel.id, row)),
  ];
  const channels = new Map([...inputs, ...outputs].map(({ channel }) => [channel.id, channel]));
  const vertices = [...channels.values()].map((channel) => ({
    id: channel.id,
    channel,
    membership: null,
    counts: [],
    shares: [],
    ranks: [],
    share: 0,
    size: SIZE,
  }));
  const together = { places: new Map([[from.id, from], ...places]) };
  return { vertices, edges, places, paths: drawCurves(edges, together).paths };
}
