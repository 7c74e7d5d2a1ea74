/** What files of a drawing of channels have in common, whichever mode draws it. */

import type { Layer, LayerOverlap } from '$lib/api/operations';
import type { Cut } from '$lib/graph/cut';
import type { Drawing } from '$lib/graph/drawing';
import type { App } from '$lib/state/app.svelte';
import { formatCount } from '$lib/util/format';

export type Overlaps = readonly Pick<LayerOverlap, 'layer' | 'layerIndex' | 'jaccard' | 'weightedJaccard'>[];

/** The run's layers by index. */
export const layersOf = (app: App): Map<number, Layer> =>
  new Map(app.run?.layers.map((layer) => [layer.index, layer]));

/** What stands beside each row: the layer's name, how many of its channels are drawn, the overlap where there is one. */
export function labels(layers: Map<number, Layer>, cut: Cut, overlaps: Overlaps = []) {
  const overlapOf = new Map(overlaps.map((layer) => [layer.layerIndex, layer.weightedJaccard]));
  return {
    layerName: (index: number): string => layers.get(index)?.name ?? String(index),
    layerNote: (index: number): string => {
      const drawn = cut.vertices.filter(({ channel }) => channel.layerIndex === index).length;
      const overlap = overlapOf.get(index);
      const of = formatCount(layers.get(index)?.channelCount ?? 0);
      return `${formatCount(drawn)} of ${of}${overlap == null ? '' : ` · overlap ${overlap.toFixed(2)}`}`;
    },
  };
}

/** Vertices and edges as they are on screen, with whole ids and unrounded numbers. */
export function elements(cut: Cut, drawing: Drawing): object {
  const unit = drawing.unit === 'image' ? 'images' : 'classes';
  return {
    vertices: cut.vertices.map(({ id, channel, membership, counts, shares, ranks }) => ({
      id,
      layer: channel.layer,
      channel: channel.index,
      ...(membership && { membership }),
      [unit]: counts,
      shares,
      ranks,
    })),
    edges: cut.edges.map(({ source, target, membership, counts, shares }) => ({
      source,
      target,
      ...(membership && { membership }),
      [unit]: counts,
      shares,
    })),
  };
}
