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
import { enoughWords } from './overlap';

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
  const view = app.view.current;
  return {
    name: [view.run ?? '', a.name, b.name],
    scene: (colors) =>
      graphScene(
        {
          title: `${a.name} and ${b.name}`,
          parts: sides ?? [{ drawing, cut }],
          ...labels(layers, cut, overlaps),
          ...(!sides && { bands: bandTitles(cut, a.name, b.name) }),
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

/** What at least k of a group's classes have in common; or of two groups: each for itself, and both. */
export function groupOutput(app: App, overlap: Overlap, drawing: Drawing, cut: Cut): Output {
  const layers = layersOf(app);
  const two = overlap.b.length > 0;
  const title = two
    ? `A in ${enoughWords(overlap.atLeast, overlap.a.length)}, B in ${enoughWords(overlap.atLeastB, overlap.b.length)}`
    : `In at least ${formatCount(overlap.atLeast)} of ${formatCount(overlap.a.length)} classes`;
  const plain = (classes: Overlap['a']): object[] => classes.map(({ id, name }) => ({ id, name }));
  return {
    name: [app.view.current.run ?? '', title],
    scene: (colors) =>
      graphScene(
        {
          title,
          parts: [{ drawing, cut }],
          ...labels(layers, cut, overlap.layers),
          ...(two && { bands: bandTitles(cut, 'A', 'B') }),
          partsAt: overlap.partsAt,
        },
        colors,
      ),
    json: () => ({
      ...(two
        ? { a: plain(overlap.a), b: plain(overlap.b), operation: app.view.current.operation }
        : { classes: plain(overlap.a) }),
      atLeast: overlap.atLeast,
      ...(two && { atLeastB: overlap.atLeastB }),
      mass: overlap.mass,
      minShare: app.view.current.floor,
      partsAt: overlap.partsAt,
      layers: overlap.layers,
      ...elements(cut, drawing),
    }),
    tables: [
      ['Channels', vertexTable(cut.vertices, drawing.images, drawing.unit)],
      ['Edges', edgeTable(cut.edges, drawing.byId, drawing.images, layers, drawing.unit)],
      ['Layers', layerTable(overlap.layers)],
    ],
  };
}

/** What is only in one of two sides, and what is in both, with how many channels each has. */
function bandTitles(cut: Cut, a: string, b: string): string[] {
  const titles = { ONLY_A: `only ${a}`, SHARED: 'shared', ONLY_B: `only ${b}` };
  return Object.entries(titles).map(([band, title]) => {
    const count = cut.vertices.filter(({ membership }) => membership === band).length;
    return `${title} ${formatCount(count)}`;
  });
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
