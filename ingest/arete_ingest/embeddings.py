"""The classes' places in each layer (`embeddings.parquet`): UMAP of their activation counts A.

All class sets of a run are placed together. Excluded channels count too: a place is about what was measured, and no
exclusion moves it. Made at the end of ingest, by an import, and by `arete embed` for a run that has none or is to have
others. This module imports neither torch nor, until it is needed, UMAP.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from arete_core.errors import CapabilityError
from arete_core.manifest import FileInfo
from arete_core.progress import Progress, SilentProgress
from arete_core.run_change import change_tables
from arete_core.run_folder import RunFolder, write_table
from arete_core.run_lock import locked
from arete_core.run_schema import COUNT_COLUMNS, EMBEDDINGS
from arete_ingest.layout_2d import LayoutSettings, place_layers

KIND: Final = "embeddings"
"""Key under which the manifest says how the table was made."""


@dataclass(frozen=True)
class EmbedReport:
    """What placing a run's classes gave.

    Attributes:
        run: The run's id.
        classes: Number of classes placed.
        layers: Number of layers that they were placed in.
    """

    run: str
    classes: int
    layers: int


def embed_run(path: Path, settings: LayoutSettings | None = None, *, progress: Progress | None = None) -> EmbedReport:
    """Gives a whole run folder its classes' places, in place of those that it has.

    Args:
        path: The run folder.
        settings: Seed and scale of the layout; the defaults when None.
        progress: Told layer by layer.

    Returns:
        What was done. `arete load` takes the places over into the database.

    Raises:
        CapabilityError: If umap-learn cannot be loaded.
        RunConflictError: If a job is writing the folder.
        RunFolderError: If it is not whole.
    """
    with locked(path.absolute()):
        folder = RunFolder.open(path, verify=False)
        layers = folder.table("layers").sort_by("layer")
        classes = sorted(folder.table("classes").column("class").to_pylist())
        table = embeddings_table(
            folder.path,
            classes=classes,
            sizes=layers.column("channels").to_pylist(),
            method=str(folder.manifest.settings.get("method", "share")),
            settings=settings,
            progress=progress,
        )
        change_tables(folder, {KIND: table}, pictures={KIND: asdict(settings or LayoutSettings())})
    return EmbedReport(folder.manifest.id, len(classes), len(layers))


def begin_embeddings(
    folder: Path,
    files: dict[str, FileInfo],
    *,
    classes: Sequence[int],
    sizes: Sequence[int],
    method: str,
    progress: Progress,
) -> dict[str, dict[str, Any]]:
    """Writes `embeddings.parquet` into a run folder that has no manifest yet.

    Args:
        folder: A folder with `activations.parquet`.
        files: What the manifest is to say of each table; gets one more.
        classes: Class indices, ascending.
        sizes: Number of channels of each layer.
        method: Of the run: which of the activation counts is A.
        progress: Told layer by layer; also where UMAP cannot be loaded, which is no reason to lose hours of counting.

    Returns:
        What the manifest is to say of how it was made: nothing where UMAP cannot be loaded.
    """
    settings = LayoutSettings()
    try:
        table = embeddings_table(
            folder, classes=classes, sizes=sizes, method=method, settings=settings, progress=progress
        )
    except CapabilityError as error:
        progress.say(f"the classes are not placed: {error.message}; mend it with {error.hint}, then: arete embed RUN")
        return {}
    files[f"{KIND}.parquet"] = write_table(folder, KIND, table)
    return {KIND: asdict(settings)}


def embeddings_table(
    folder: Path,
    *,
    classes: Sequence[int],
    sizes: Sequence[int],
    method: str,
    settings: LayoutSettings | None = None,
    progress: Progress | None = None,
) -> pa.Table:
    """Makes `embeddings.parquet`.

    Args:
        folder: A folder with `activations.parquet`; the run need not be whole yet.
        classes: Class indices, ascending.
        sizes: Number of channels of each layer.
        method: Of the run: which of the activation counts is A.
        settings: Seed and scale of the layout; the defaults when None.
        progress: Told layer by layer.

    Returns:
        One row a layer and class. Memory: A of all classes as 32-bit integers (1,000 classes of GoogLeNet: 23 MB).

    Raises:
        CapabilityError: If umap-learn cannot be loaded and there are enough classes to need it.
    """
    counts = _read_counts(folder / "activations.parquet", classes, sizes, COUNT_COLUMNS[method])
    places: list[NDArray[np.float64]] = []
    with (progress or SilentProgress()).task("Place the classes", total=len(sizes), unit="layers") as task:
        for own in place_layers(counts, settings):
            places.append(own)
            task.advance()
    both = np.concatenate([np.empty((0, 2)), *places])
    return pa.table(
        {
            "layer": np.repeat(np.arange(len(sizes), dtype=np.int32), len(classes)),
            "class": np.tile(np.asarray(classes, np.int32), len(sizes)),
            "x": both[:, 0].astype(np.float32),
            "y": both[:, 1].astype(np.float32),
        },
        schema=EMBEDDINGS,
    )


def _read_counts(path: Path, classes: Sequence[int], sizes: Sequence[int], column: str) -> list[NDArray[np.int32]]:
    """Reads A as one matrix (class, channel) a layer."""
    counts = [np.zeros((len(classes), size), np.int32) for size in sizes]
    for batch in pq.ParquetFile(path).iter_batches(batch_size=1 << 18, columns=["class", "layer", "channel", column]):
        values = {name: batch.column(name).to_numpy() for name in batch.schema.names}
        rows = np.searchsorted(np.asarray(classes), values["class"])
        for layer in np.unique(values["layer"]).tolist():
            own = values["layer"] == layer
            counts[layer][rows[own], values["channel"][own]] = values[column][own]
    return counts
