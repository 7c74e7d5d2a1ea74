"""Adds up the finished units class set by class set and writes the tables of the run folder.

Only one class set is in memory at a time: its counts (GoogLeNet: 10.5 MB) and its edges (about 200,000 rows, 6 MB).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from arete_core.errors import RunAlteredError
from arete_core.exclusions import BY_HAND, Channel, channels_table
from arete_core.layout import Layout
from arete_core.manifest import FileInfo
from arete_core.progress import Progress
from arete_core.run_folder import commit_table, write_table
from arete_core.run_schema import ACTIVATIONS, CLASSES, LAYERS, SCORES, TABLES
from arete_ingest.class_examples import KeptExamples, kept_examples
from arete_ingest.collapse import collapse
from arete_ingest.counter import ClassCounts
from arete_ingest.gradients import NAME
from arete_ingest.image_records import ImageRecords, members_table
from arete_ingest.layer_graph import LayerGraph
from arete_ingest.parts import Parts
from arete_ingest.plan import CountedSet, Plan
from arete_ingest.strongest import Strongest, merge, no_images, only_of


@dataclass
class Joined:
    """What joining gave besides the tables.

    Attributes:
        files: What the manifest says of each table.
        strongest: Per layer, of the whole run.
        kept: Of each class set, the strongest images of the channels that its graph keeps.
        images: Images counted, each file once.
        failed: Images left out because they could not be read.
        edges: Rows of `influences.parquet`.
    """

    strongest: list[Strongest]
    kept: list[KeptExamples] = field(default_factory=list)
    files: dict[str, FileInfo] = field(default_factory=dict)
    images: int = 0
    failed: int = 0
    edges: int = 0


class _Stream:
    """A table that is written a row group at a time."""

    def __init__(self, folder: Path, name: str) -> None:
        self._path = folder / f"{name}.parquet"
        self._temporary = folder / f".{name}.parquet.tmp"
        self._schema = TABLES[name]
        self._writer = pq.ParquetWriter(self._temporary, self._schema, compression="zstd")
        self._rows = 0

    def write(self, table: pa.Table) -> None:
        if table.num_rows:
            self._writer.write_table(table.cast(self._schema))
            self._rows += table.num_rows

    def commit(self) -> FileInfo:
        self._writer.close()
        return commit_table(self._temporary, self._path, self._rows)

    def abort(self) -> None:
        self._writer.close()
        self._temporary.unlink(missing_ok=True)


def join_classes(
    folder: Path,
    *,
    graph: LayerGraph,
    plan: Plan,
    output_of: dict[int, int],
    exclude: Sequence[Channel],
    parts: Parts,
    examples: int,
    class_examples: bool,
    method: str,
    scores: bool,
    progress: Progress,
) -> Joined:
    """Writes every table but the examples.

    Args:
        folder: Run folder.
        graph: The traced model.
        plan: The images, class sets and units.
        output_of: Model output of a class index, where they could be matched.
        exclude: Channels that take no part in attribution graphs.
        parts: The finished units.
        examples: Dataset examples a channel.
        class_examples: Whether to pick each class's own, too.
        method: Which of the activation counts is A.
        scores: Whether the units hold further scores.
        progress: Where to report to, one step a class.

    Returns:
        The files written and the strongest images.

    Raises:
        RunAlteredError: If a unit's file is damaged.
    """
    joined = Joined([no_images(layer.channels, examples) for layer in graph.layers])
    records = ImageRecords(plan, output_of)
    names = ("activations", "influences", "scores") if scores else ("activations", "influences")
    streams = {name: _Stream(folder, name) for name in names}
    rows: list[dict[str, object]] = []
    added: set[int] = set()
    layout = _layout(graph, exclude)
    try:
        with progress.task("Join classes", total=len(plan.sets), unit="classes") as task:
            for one in plan.sets:
                counts = None
                total = np.zeros(graph.channels if scores else 0)
                found: list[np.ndarray] = []
                own = [no_images(layer.channels, examples) for layer in graph.layers]
                for unit in one.units:
                    result = parts.read(unit)
                    found += [result.images, np.fromiter(result.errors, np.int64, len(result.errors))]
                    if unit not in added:  # a superclass's units are its classes' too
                        added.add(unit)
                        records.add(unit, result)
                        # An image that several class sets hold is an example once: of the unit that owns it.
                        owned = plan.owners == unit
                        joined.strongest = [
                            merge(before, only_of(after, owned))
                            for before, after in zip(joined.strongest, result.strongest, strict=True)
                        ]
                    if class_examples:
                        own = [merge(*both) for both in zip(own, result.strongest, strict=True)]
                    total += result.scores
                    if counts is None:
                        counts = result.counts
                    else:
                        counts.add(result.counts)
                _check_images(one, np.concatenate(found))
                assert counts is not None  # noqa: S101 - every class set has an image, so a unit
                collapsed = collapse(graph, counts)
                edges = collapsed.to_table(one.index)
                if class_examples:
                    used = counts.activation_counts if method == "share" else counts.top_k_counts
                    joined.kept.append(kept_examples(one.index, layout, np.concatenate(used), collapsed, own))
                streams["influences"].write(edges)
                streams["activations"].write(_activations(one.index, counts))
                if scores:
                    streams["scores"].write(_scores(one.index, graph, total / max(counts.images, 1)))
                rows.append(records.class_row(one, counts.images))
                joined.edges += edges.num_rows
                task.advance()
        for name, stream in streams.items():
            joined.files[f"{name}.parquet"] = stream.commit()
    except BaseException:
        for stream in streams.values():
            stream.abort()
        raise
    joined.images, joined.failed = records.counted, len(records.errors)
    joined.files["classes.parquet"] = write_table(folder, "classes", pa.Table.from_pylist(rows, schema=CLASSES))
    joined.files["images.parquet"] = write_table(folder, "images", records.images_table())
    members = members_table(plan)
    if members.num_rows:
        joined.files["members.parquet"] = write_table(folder, "members", members)
    joined.files["layers.parquet"] = write_table(folder, "layers", _layers(graph))
    joined.files["channels.parquet"] = write_table(
        folder, "channels", channels_table([layer.channels for layer in graph.layers], dict.fromkeys(exclude, BY_HAND))
    )
    return joined


def _layout(graph: LayerGraph, exclude: Sequence[Channel]) -> Layout:
    layout = Layout.make([layer.channels for layer in graph.layers], [list(layer.parents) for layer in graph.layers])
    for layer, channel in exclude:
        layout.excluded[layout.offsets[layer] + channel] = True
    return layout


def _check_images(one: CountedSet, found: np.ndarray) -> None:
    if not np.array_equal(one.images, np.sort(found)):
        # Each image exactly once: anything else would be counted twice or never.
        raise RunAlteredError(
            f"the units of {one.kind} {one.name} do not hold each of its {len(one.images)} images once",
            hint="delete the run folder and start the job anew",
        )


def _activations(class_: int, counts: ClassCounts) -> pa.Table:
    layers: list[np.ndarray] = []
    channels: list[np.ndarray] = []
    shares: list[np.ndarray] = []
    tops: list[np.ndarray] = []
    for layer, (share, top_k) in enumerate(zip(counts.activation_counts, counts.top_k_counts, strict=True)):
        used = np.flatnonzero((share > 0) | (top_k > 0))
        layers.append(np.full(len(used), layer, np.int32))
        channels.append(used.astype(np.int32))
        shares.append(share[used].astype(np.int64))
        tops.append(top_k[used].astype(np.int64))
    columns = [np.concatenate(column) for column in (layers, channels, shares, tops)]
    classes = np.full(len(columns[0]), class_, np.int32)
    return pa.Table.from_arrays([pa.array(column) for column in (classes, *columns)], schema=ACTIVATIONS)


def _scores(class_: int, graph: LayerGraph, values: np.ndarray) -> pa.Table:
    layers = np.repeat(np.arange(len(graph.layers)), [layer.channels for layer in graph.layers])
    channels = np.concatenate([np.arange(layer.channels) for layer in graph.layers])
    used = np.flatnonzero(values)
    columns = [np.full(len(used), class_, np.int32), [NAME] * len(used), layers[used], channels[used], values[used]]
    return pa.table(dict(zip(SCORES.names, columns, strict=True))).cast(SCORES)


def _layers(graph: LayerGraph) -> pa.Table:
    return pa.Table.from_pylist(
        [
            {
                "layer": layer.index,
                "name": layer.name,
                "kind": layer.kind,
                "channels": layer.channels,
                "parents": list(layer.parents),
                "height": layer.height,
                "width": layer.width,
            }
            for layer in graph.layers
        ],
        schema=LAYERS,
    )
