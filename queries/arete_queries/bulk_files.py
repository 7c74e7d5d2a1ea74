"""Writes what the offline importer reads: Parquet files of bare nodes and of all relationships, class by class.

A node gets no more than what a statement finds it by. Its other properties are set afterwards, by the statements of the
online load, so that both ways give the same ones. A channel is named by its position counted on over all runs, a class
by its key.
"""

import os
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from arete_core.class_data import ClassData, RunData
from arete_core.ids import channel_id, class_id
from arete_core.progress import Progress
from arete_core.run_folder import RunFolder
from arete_queries.engine.importer import ImportFiles
from arete_queries.write_class import ClassSummary, active_positions

# Columns as the importer names them: type of the property, or `ID(space)`. It stores no property for `:ID`.
_CHANNELS: Final = pa.schema([(":ID(channel)", pa.int64()), ("id:string", pa.string())])
_CLASSES: Final = pa.schema([(":ID(class)", pa.int64()), ("id:string", pa.string()), ("key:long", pa.int64())])
_ACTIVATES: Final = pa.schema(
    [
        (":START_ID(class)", pa.int64()),
        (":END_ID(channel)", pa.int64()),
        ("count:long", pa.int64()),
        ("rank:double", pa.float64()),
        ("entry:double", pa.float64()),
        ("kept:boolean", pa.bool_()),
    ]
)
_EDGES: Final = pa.schema(
    [
        (":START_ID(channel)", pa.int64()),
        (":END_ID(channel)", pa.int64()),
        ("class:long", pa.int64()),
        ("count:long", pa.int64()),
    ]
)
_NODES: Final = {"Channel": _CHANNELS, "Class": _CLASSES}
_RELATIONSHIPS: Final = {"ACTIVATES": _ACTIVATES, "INFLUENCES": _EDGES, "ATTRIBUTES": _EDGES}


@dataclass
class BulkRun:
    """A run on its way into a new store.

    Attributes:
        folder: The run folder.
        min_share: Edges below this share of a class's images are left out.
        data: Its tables.
        first_key: Key of its first class; the others follow.
        first_channel: Position of its first channel among those of all runs.
        classes: What the store must hold of each class, in order of class index.
    """

    folder: RunFolder
    min_share: float
    data: RunData
    first_key: int
    first_channel: int
    classes: list[ClassSummary] = field(default_factory=list)

    @property
    def id(self) -> str:
        """The run's id."""
        return self.folder.manifest.id


def plan_runs(folders: Sequence[tuple[RunFolder, float]]) -> list[BulkRun]:
    """Gives each run its place among class keys and channels.

    Args:
        folders: Run folders and the `min_share` that each is loaded with.

    Returns:
        The runs, in the same order.

    Raises:
        RunFolderError: If a folder's tables do not fit together.
    """
    runs: list[BulkRun] = []
    key = channel = 0
    for folder, min_share in folders:
        data = RunData(folder, min_share=min_share)
        runs.append(BulkRun(folder, min_share, data, key, channel))
        key += data.class_count
        channel += data.layout.channel_count
    return runs


def write_bulk_files(folder: Path, runs: Sequence[BulkRun], progress: Progress) -> ImportFiles:
    """Ranks all classes and writes the importer's files; notes in each run what was written.

    Args:
        folder: Where to; empty.
        runs: From `plan_runs`.
        progress: Told class by class.

    Returns:
        The files. There is one for each label and type, also where it holds no rows.

    Raises:
        RunFolderError: If an edge or a count cannot be.
    """
    schemas = _NODES | _RELATIONSHIPS
    paths = {name: folder / f"{name.lower()}.parquet" for name in schemas}
    with ExitStack() as stack:
        writers = {
            name: stack.enter_context(pq.ParquetWriter(paths[name], schema, compression="zstd"))
            for name, schema in schemas.items()
        }
        for run in runs:
            writers["Channel"].write_table(_table(_CHANNELS, _channel_columns(run)))
            writers["Class"].write_table(_table(_CLASSES, _class_columns(run)))
            every = np.ones(run.data.class_count, np.bool_)
            with progress.task(f"Rank {run.id}", total=run.data.class_count, unit="classes") as task:
                for class_ in run.data.each(every, workers=os.cpu_count() or 1):
                    for name, columns in _class_relationships(run, class_).items():
                        writers[name].write_table(_table(_RELATIONSHIPS[name], columns))
                    run.classes.append(ClassSummary.of(class_))
                    task.advance()
    return ImportFiles(
        nodes={name: [paths[name]] for name in _NODES},
        relationships={name: [paths[name]] for name in _RELATIONSHIPS},
    )


def _channel_columns(run: BulkRun) -> list[Any]:
    names = run.data.layers.column("name").to_pylist()
    sizes = run.data.layout.sizes.tolist()
    ids = [
        channel_id(run.id, name, channel) for name, size in zip(names, sizes, strict=True) for channel in range(size)
    ]
    return [run.first_channel + np.arange(len(ids)), ids]


def _class_columns(run: BulkRun) -> list[Any]:
    ids = [class_id(run.id, index) for index in run.data.classes.column("class").to_pylist()]
    keys = run.first_key + np.arange(len(ids))
    return [keys, ids, keys]


def _class_relationships(run: BulkRun, data: ClassData) -> dict[str, list[Any]]:
    key = run.first_key + data.row
    active = active_positions(data)
    return {
        "ACTIVATES": [
            np.full(len(active), key),
            run.first_channel + active,
            data.counts[active],
            data.ranks[active],
            data.extraction.entry[active],
            data.extraction.kept[active],
        ],
        "INFLUENCES": _edge_columns(run, key, data, np.arange(len(data.weights))),
        "ATTRIBUTES": _edge_columns(run, key, data, np.flatnonzero(data.extraction.kept_edges)),
    }


def _edge_columns(run: BulkRun, key: int, data: ClassData, chosen: NDArray[np.intp]) -> list[Any]:
    return [
        run.first_channel + data.sources[chosen],
        run.first_channel + data.targets[chosen],
        np.full(len(chosen), key),
        data.weights[chosen],
    ]


def _table(schema: pa.Schema, columns: Sequence[Any]) -> pa.Table:
    arrays = [pa.array(values, type_) for values, type_ in zip(columns, schema.types, strict=True)]
    return pa.Table.from_arrays(arrays, schema=schema)
