/** What Model hands over as files. */

import type { ChannelUses, Layer, Run } from '$lib/api/operations';
import type { Colors } from '$lib/export/raster';
import { moved } from '$lib/export/graph';
import type { Output } from '$lib/export/output';
import type { Scene, Shape } from '$lib/export/scene';
import type { Cell, Table } from '$lib/graph/table';
import { formatCount } from '$lib/util/format';
import { localId } from '$lib/util/ids';
import { BLOCK_HEIGHT, BLOCK_WIDTH, layoutBlocks } from './blocks';

const MARGIN = 24;
const words = (value: string): Cell => ({ text: value, value });
const number = (value: number): Cell => ({ text: formatCount(value), value });

/** The diagram, and the channels of the layer on show. */
export function modelOutput(run: Run, layer: Layer | undefined, uses: ChannelUses | null): Output {
  return {
    name: [run.id, run.model],
    scene: (colors) => modelScene(run, colors),
    json: () => ({
      model: run.model,
      imageSize: run.imageSize,
      layers: run.layers,
      ...(layer &&
        uses && {
          layer: layer.id,
          channels: uses.channels.map(({ channel, ...use }) => ({ id: channel.id, ...use })),
        }),
    }),
    tables: [
      ['Layers', layerTable(run.layers)],
      ...(layer && uses ? [[`Channels of ${layer.name}`, channelTable(uses)] as [string, Table]] : []),
    ],
  };
}

/** One row a layer, input first. */
export function layerTable(layers: readonly Layer[]): Table {
  const names = new Map(layers.map(({ id, name }) => [id, name]));
  return {
    columns: [
      { name: 'Layer', numeric: false, id: true },
      { name: 'Kind', numeric: false },
      { name: 'Channels', numeric: true },
      { name: 'Height', numeric: true },
      { name: 'Width', numeric: true },
      { name: 'Fed by', numeric: false },
    ],
    rows: layers.map(({ id, name, kind, channelCount, height, width, parents }) => ({
      id,
      cells: [
        words(name),
        words(kind),
        number(channelCount),
        number(height),
        number(width),
        words(parents.map((parent) => names.get(parent) ?? localId(parent)).join(', ')),
      ],
    })),
  };
}

function channelTable(uses: ChannelUses): Table {
  const real = (value: number): Cell => ({ text: String(value), value });
  return {
    columns: [
      { name: 'Channel', numeric: false, id: true },
      { name: 'Kept by classes', numeric: true },
      { name: 'Mean rank', numeric: true },
      { name: 'Effective classes', numeric: true },
    ],
    rows: uses.channels.map(({ channel, keptBy, meanRank, effectiveClasses }) => ({
      id: channel.id,
      cells: [words(localId(channel.id)), number(keptBy), real(meanRank), real(effectiveClasses)],
    })),
  };
}

function modelScene(run: Run, colors: Colors): Scene {
  const { blocks, links, width, height } = layoutBlocks(run.layers);
  const [left, top] = [MARGIN, MARGIN + 36];
  const byId = new Map(run.layers.map((layer) => [layer.id, layer]));
  const text = (x: number, y: number, value: string, size: number, anchor: 'start' | 'end'): Shape => ({
    kind: 'text',
    x: left + x,
    y: top + y,
    text: value,
    size,
    fill: size > 11 ? colors.ink : colors['ink-2'],
    anchor,
  });
  return {
    title: run.model,
    width: width + 2 * MARGIN,
    height: height + top + MARGIN,
    background: colors.pane,
    empty: colors.sunk,
    shapes: [
      { kind: 'text', x: left, y: MARGIN + 14, text: run.model, size: 15, fill: colors.ink, bold: true },
      ...links.map(({ source, target, path }): Shape => {
        return {
          kind: 'path',
          id: `${source}>${target}`,
          d: moved(path, left, top),
          stroke: colors.edge,
          width: 1.4,
          opacity: 0.7,
        };
      }),
      ...blocks.flatMap(({ id, top: y }): Shape[] => {
        const { name, kind, channelCount, height: high, width: wide } = byId.get(id)!;
        return [
          {
            kind: 'rect',
            id,
            x: left,
            y: top + y,
            width: BLOCK_WIDTH,
            height: BLOCK_HEIGHT,
            radius: 8,
            fill: colors.sunk,
          },
          text(12, y + 22, name, 12, 'start'),
          text(12, y + 39, kind, 11, 'start'),
          text(BLOCK_WIDTH - 12, y + 22, `${formatCount(channelCount)} × ${high} × ${wide}`, 12, 'end'),
        ];
      }),
    ],
  };
}
