/** What Motifs hands over as files. */

import type { Motif, MotifList } from '$lib/api/operations';
import type { Colors } from '$lib/export/raster';
import { moved } from '$lib/export/graph';
import type { Output } from '$lib/export/output';
import { channelTile, type Scene, type Shape } from '$lib/export/scene';
import type { Cell, Table } from '$lib/graph/table';
import type { App } from '$lib/state/app.svelte';
import { formatCount, formatShare } from '$lib/util/format';
import { localId } from '$lib/util/ids';
import { formatFactor, formatQ } from './numbers';
import { layoutMotif } from './shape';

const MARGIN = 24;
const AIR = 20;
const FIGURES = 260;

/** The list as it is on screen: the path that all share first, where there is one. */
export function motifsOutput(app: App, list: MotifList, shape: string, shared: Motif | null): Output {
  const title = `${shape} in at least ${formatCount(list.atLeast)} of ${formatCount(list.classes.length)} classes`;
  return {
    name: [app.view.current.run ?? '', 'motifs', shape],
    scene: (colors) => motifScene(title, list, shared, colors),
    json: () => ({
      classes: list.classes,
      pattern: list.pattern,
      atLeast: list.atLeast,
      mass: list.mass,
      outside: list.outside,
      closed: !app.view.current.parts,
      found: list.found,
      tested: list.tested,
      sharedPath: shared && plain(shared),
      motifs: list.motifs.map(plain),
    }),
    tables: [['Motifs', motifTable(list)]],
  };
}

function plain({ channels, edges, support, supportOutside, lift, pValue, qValue, classes }: Motif): object {
  return {
    channels: channels.map(({ id }) => id),
    edges,
    support,
    supportOutside,
    lift,
    pValue,
    qValue,
    classes,
  };
}

function motifTable(list: MotifList): Table {
  const names = new Map(list.classes.map(({ id, name }) => [id, name]));
  const number = (value: number | null): Cell => ({ text: String(value ?? ''), value: value ?? '' });
  const words = (value: string): Cell => ({ text: value, value });
  return {
    columns: [
      { name: 'Edges', numeric: false, id: true },
      { name: 'Support', numeric: true },
      { name: 'Support outside', numeric: true },
      { name: 'Lift', numeric: true },
      { name: 'p', numeric: true },
      { name: 'q', numeric: true },
      { name: 'Classes', numeric: false },
    ],
    rows: list.motifs.map((motif) => {
      const edges = motif.edges.map(({ source, target }) => `${localId(source)} > ${localId(target)}`);
      return {
        id: edges.join(' '),
        cells: [
          words(edges.join('; ')),
          number(motif.support),
          number(motif.supportOutside),
          number(motif.lift),
          number(motif.pValue),
          number(motif.qValue),
          words(motif.classes.map((id) => names.get(id) ?? id).join('; ')),
        ],
      };
    }),
  };
}

function motifScene(title: string, list: MotifList, shared: Motif | null, colors: Colors): Scene {
  const shapes: Shape[] = [];
  const rows = [...(shared ? [shared] : []), ...list.motifs];
  const widest = Math.max(200, ...rows.map((motif) => layoutMotif(motif.channels, motif.edges).width));
  const text = (x: number, y: number, words: string, bold = false): Shape => ({
    kind: 'text',
    x,
    y,
    text: words,
    size: 12,
    fill: bold ? colors.ink : colors['ink-2'],
    bold,
  });
  let y = 30;
  const heading = (words: string): void => {
    shapes.push(text(MARGIN, y, words, true));
    y += 16;
  };
  const draw = (motif: Motif): void => {
    const { places, edges, side, height } = layoutMotif(motif.channels, motif.edges);
    const byId = new Map(motif.channels.map((channel) => [channel.id, channel]));
    for (const { source, target, path } of edges) {
      shapes.push({
        kind: 'path',
        id: `${source}>${target}`,
        d: moved(path, MARGIN, y),
        stroke: colors.edge,
        width: 1.6,
      });
    }
    for (const place of places) {
      shapes.push({
        kind: 'picture',
        id: place.id,
        x: MARGIN + place.x,
        y: y + place.y,
        side,
        outline: 'rounded',
        color: colors['line-strong'],
        line: 1,
        tile: channelTile(byId.get(place.id)!),
        title: localId(place.id),
      });
    }
    const x = MARGIN + widest + 32;
    const middle = y + height / 2;
    const size = list.classes.length;
    const lift = motif.lift === null ? '∞' : formatFactor(motif.lift);
    shapes.push(
      text(
        x,
        middle - 10,
        `${formatCount(motif.support)} of ${formatCount(size)} (${formatShare(motif.support / size)})`,
        true,
      ),
    );
    shapes.push(
      text(
        x,
        middle + 6,
        `lift ${lift}, ${formatCount(motif.supportOutside)} of ${formatCount(list.outside)} others, ${formatQ(motif.qValue)}`,
      ),
    );
    shapes.push(text(x, middle + 22, motif.channels.map(({ id }) => localId(id)).join(' ')));
    y += height + AIR;
  };
  if (shared) {
    heading(`One path shared by all ${formatCount(list.classes.length)}`);
    draw(shared);
    y += AIR;
  }
  heading(title);
  list.motifs.forEach(draw);
  return {
    title,
    width: 2 * MARGIN + widest + 32 + FIGURES + 160,
    height: y + MARGIN,
    background: colors.pane,
    empty: colors.sunk,
    shapes,
  };
}
