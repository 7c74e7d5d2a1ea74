/** What Compare hands over as files. */

import type { Comparison, Overlap } from '$lib/api/operations';
import { graphScene, type GraphPart } from '$lib/export/graph';
import { elements, labels, layersOf, type Overlaps } from '$lib/export/graph-output';
import type { Output } from '$lib/export/output';
import type { Cut } from '$lib/graph/cut';
import type { Drawing } from '$lib/graph/drawing';
import { edgeTable, vertexTable, type Table } from '$lib/graph/table';
import type { App } from '$lib/state/app.svelte';
import { formatCount } from '$lib/util/format';
import { localId } from '$lib/util/ids';

/** Two classes: one drawing in three bands, or one each. */
export function pairOutput(
  app: App,
  comparison: Comparison,
  drawing: Drawing,
  cut: Cut,
  sides?: readonly GraphPart[],
): Output {
  const { a, b, layers: overlaps, partsAt } = comparison;
  const layers = layersOf(app);
  const counts = (['ONLY_A', 'SHARED', 'ONLY_B'] as const).map(
    (band) => cut.vertices.filter(({ membership }) => membership === band).length,
  );
  const titles = [`only ${a.name}`, 'shared', `only ${b.name}`];
  const view = app.view.current;
  return {
    name: [view.run ?? '', a.name, b.name],
    scene: (colors) =>
      graphScene(
        {
          title: `${a.name} and ${b.name}`,
          parts: sides ?? [{ drawing, cut }],
          ...labels(layers, cut, overlaps),
          ...(!sides && { bands: titles.map((title, i) => `${title} ${formatCount(counts[i]!)}`) }),
          partsAt,
        },
        colors,
      ),
    json: () => ({
      a: { id: a.id, name: a.name, images: a.images, mass: comparison.massA },
      b: { id: b.id, name: b.name, images: b.images, mass: comparison.massB },
      operation: view.operation,
      minShare: view.floor,
      partsAt,
      layers: overlaps,
      ...elements(cut, drawing),
    }),
    tables: [
      ['Channels', vertexTable(cut.vertices, [a, b])],
      ['Edges', edgeTable(cut.edges, drawing.byId, [a, b], layers)],
      ['Layers', layerTable(overlaps)],
    ],
  };
}

/** What at least k of a group's classes have in common. */
export function groupOutput(app: App, overlap: Overlap, drawing: Drawing, cut: Cut): Output {
  const layers = layersOf(app);
  const title = `In at least ${formatCount(overlap.atLeast)} of ${formatCount(overlap.a.length)} classes`;
  return {
    name: [app.view.current.run ?? '', title],
    scene: (colors) =>
      graphScene(
        {
          title,
          parts: [{ drawing, cut }],
          ...labels(layers, cut, overlap.layers),
          partsAt: overlap.partsAt,
        },
        colors,
      ),
    json: () => ({
      classes: overlap.a.map(({ id, name }) => ({ id, name })),
      atLeast: overlap.atLeast,
      minShare: app.view.current.floor,
      partsAt: overlap.partsAt,
      layers: overlap.layers,
      ...elements(cut, drawing),
    }),
    tables: [
      ['Channels', vertexTable(cut.vertices, [], drawing.unit)],
      ['Edges', edgeTable(cut.edges, drawing.byId, [], layers, drawing.unit)],
      ['Layers', layerTable(overlap.layers)],
    ],
  };
}

function layerTable(overlaps: Overlaps): Table {
  const number = (value: number | null) => ({
    text: value === null ? '' : String(value),
    value: value ?? '',
  });
  return {
    columns: [
      { name: 'Layer', numeric: false },
      { name: 'Overlap by channels', numeric: true },
      { name: 'Overlap by rank', numeric: true },
    ],
    rows: overlaps.map(({ layer, jaccard, weightedJaccard }) => ({
      id: localId(layer),
      cells: [{ text: layer, value: layer }, number(jaccard), number(weightedJaccard)],
    })),
  };
}
