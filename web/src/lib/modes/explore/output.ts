/** What Explore hands over as files. */

import type { AttributionGraph, ClassInfo } from '$lib/api/operations';
import { graphScene } from '$lib/export/graph';
import { elements, labels, layersOf } from '$lib/export/graph-output';
import type { Output } from '$lib/export/output';
import type { Cut } from '$lib/graph/cut';
import type { Drawing } from '$lib/graph/drawing';
import { edgeTable, vertexTable } from '$lib/graph/table';
import type { App } from '$lib/state/app.svelte';

/** One class's attribution graph as it is drawn. */
export function classOutput(
  app: App,
  item: ClassInfo,
  graph: AttributionGraph,
  drawing: Drawing,
  cut: Cut,
): Output {
  const layers = layersOf(app);
  return {
    name: [item.runId, item.name],
    scene: (colors) =>
      graphScene({ title: item.name, parts: [{ drawing, cut }], ...labels(layers, cut) }, colors),
    json: () => ({
      class: { id: item.id, name: item.name, images: item.images },
      mass: graph.mass,
      minShare: app.view.current.floor,
      ...elements(cut, drawing),
    }),
    tables: [
      ['Channels', vertexTable(cut.vertices, [item])],
      ['Edges', edgeTable(cut.edges, drawing.byId, [item], layers)],
    ],
  };
}
