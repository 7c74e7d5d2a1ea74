"""Adds up the finished units class by class and writes the tables of the run folder.

Only one class is in memory at a time: its counts (GoogLeNet: 10.5 MB) and its edges (about 200,000 rows, 6 MB).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from arete_core.errors import RunAlteredError
from arete_core.progress import Progress
from arete_core.run_folder import FileInfo, commit_table, write_table
from arete_core.run_schema import ACTIVATIONS, CHANNELS, CLASSES, IMAGES, LAYERS, TABLES
from arete_ingest.collapse import collapse
from arete_ingest.counter import ClassCounts
from arete_ingest.dataset import ImageClass
from arete_ingest.layer_graph import LayerGraph
from arete_ingest.parts import Parts, UnitResult
from arete_ingest.strongest import Strongest, merge, no_images

HISTOGRAM_BINS = 10


@dataclass(frozen=True)
class ClassUnits:
    """A class and the units of work that count it.

    Attributes:
        class_: The class.
        first_image: Id of its first image; the others follow.
        units: Numbers of its units, ascending.
    """

    class_: ImageClass
    first_image: int
    units: tuple[int, ...]


@dataclass
class Joined:
    """What joining gave besides the tables.

    Attributes:
        files: What the manifest says of each table.
        strongest: Per layer, of the whole run.
        images: Images counted.
        failed: Images left out.
        edges: Rows of `influences.parquet`.
    """

    strongest: list[Strongest]
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
    plan: Sequence[ClassUnits],
    output_of: dict[int, int],
    parts: Parts,
    examples: int,
    progress: Progress,
) -> Joined:
    """Writes every table but the examples.

    Args:
        folder: Run folder.
        graph: The traced model.
        plan: The classes in order of index.
        output_of: Model output of a class index, where they could be matched.
        parts: The finished units.
        examples: Dataset examples a channel.
        progress: Where to report to, one step a class.

    Returns:
        The files written and the strongest images.

    Raises:
        RunAlteredError: If a unit's file is damaged.
    """
    joined = Joined([no_images(layer.channels, examples) for layer in graph.layers])
    class_of = {output: index for index, output in output_of.items()}
    streams = {name: _Stream(folder, name) for name in ("activations", "influences", "images")}
    rows: list[dict] = []
    try:
        with progress.task("Join classes", total=len(plan), unit="classes") as task:
            for entry in plan:
                units = [parts.read(unit) for unit in entry.units]
                counts = _sum(units)
                for unit in units:
                    joined.strongest = [merge(*pair) for pair in zip(joined.strongest, unit.strongest, strict=True)]
                records = _records(entry, units)
                edges = collapse(graph, counts).to_table(entry.class_.index)
                streams["influences"].write(edges)
                streams["activations"].write(_activations(entry.class_.index, counts))
                streams["images"].write(_images(entry, records, class_of, known=entry.class_.index in output_of))
                rows.append(_class_row(entry.class_, records, output_of.get(entry.class_.index)))
                joined.images += len(records.images)
                joined.failed += len(records.errors)
                joined.edges += edges.num_rows
                task.advance()
        for name, stream in streams.items():
            joined.files[f"{name}.parquet"] = stream.commit()
    except BaseException:
        for stream in streams.values():
            stream.abort()
        raise
    joined.files["classes.parquet"] = write_table(folder, "classes", pa.Table.from_pylist(rows, schema=CLASSES))
    joined.files["layers.parquet"] = write_table(folder, "layers", _layers(graph))
    joined.files["channels.parquet"] = write_table(folder, "channels", _channels(graph))
    return joined


@dataclass(frozen=True)
class _Records:
    images: np.ndarray
    outputs: np.ndarray
    probabilities: np.ndarray
    errors: dict[int, str]


def _sum(units: Sequence[UnitResult]) -> ClassCounts:
    total = units[0].counts
    for unit in units[1:]:
        total.add(unit.counts)
    return total


def _records(entry: ClassUnits, units: Sequence[UnitResult]) -> _Records:
    records = _Records(
        np.concatenate([unit.images for unit in units]),
        np.concatenate([unit.outputs for unit in units]),
        np.concatenate([unit.probabilities for unit in units]),
        {image: reason for unit in units for image, reason in unit.errors.items()},
    )
    expected = np.arange(entry.first_image, entry.first_image + len(entry.class_.files))
    found = np.sort(np.concatenate([records.images, np.fromiter(records.errors, np.int64, len(records.errors))]))
    if not np.array_equal(expected, found):
        # Each image exactly once: anything else would be counted twice or never.
        raise RunAlteredError(
            f"the units of class {entry.class_.folder} do not hold each of its {len(expected)} images once",
            hint="delete the run folder and start the job anew",
        )
    return records


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


def _images(entry: ClassUnits, records: _Records, class_of: dict[int, int], *, known: bool) -> pa.Table:
    count = len(entry.class_.files)
    place = records.images - entry.first_image
    predicted: list[int | None] = [None] * count
    probability: list[float | None] = [None] * count
    for where, output, value in zip(
        place.tolist(), records.outputs.tolist(), records.probabilities.tolist(), strict=True
    ):
        predicted[where] = class_of.get(output)
        probability[where] = value if known else None
    ids = range(entry.first_image, entry.first_image + count)
    return pa.table(
        {
            "image": pa.array(ids, pa.int64()),
            "class": pa.array([entry.class_.index] * count, pa.int32()),
            # A name that is no UTF-8 keeps what can be shown of it.
            "path": [file.encode("utf-8", "surrogateescape").decode("utf-8", "replace") for file in entry.class_.files],
            "predicted": pa.array(predicted, pa.int32()),
            "probability": pa.array(probability, pa.float32()),
            "error": pa.array([records.errors.get(image) for image in ids], pa.string()),
        },
        schema=IMAGES,
    )


def _class_row(class_: ImageClass, records: _Records, output: int | None) -> dict:
    known = output is not None and len(records.images) > 0
    bins = np.minimum((records.probabilities * HISTOGRAM_BINS).astype(np.int64), HISTOGRAM_BINS - 1) if known else None
    return {
        "class": class_.index,
        "name": class_.name,
        "kind": "label",
        "images": len(records.images),
        "failed": len(records.errors),
        "accuracy": float(np.mean(records.outputs == output)) if known else None,
        "histogram": None if bins is None else np.bincount(bins, minlength=HISTOGRAM_BINS).tolist(),
    }


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


def _channels(graph: LayerGraph) -> pa.Table:
    layers = np.concatenate([np.full(layer.channels, layer.index, np.int32) for layer in graph.layers])
    channels = np.concatenate([np.arange(layer.channels, dtype=np.int32) for layer in graph.layers])
    return pa.table(
        {
            "layer": layers,
            "channel": channels,
            "excluded": pa.array([False] * len(layers), pa.bool_()),
            "reason": pa.nulls(len(layers), pa.string()),
        },
        schema=CHANNELS,
    )
