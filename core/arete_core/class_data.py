"""One class at a time, from the run folder to the numbers that go into the database."""

from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from arete_core.errors import RunFolderError
from arete_core.extract import Extraction, extract
from arete_core.given import GivenGraphs
from arete_core.layout import Layout
from arete_core.rank import Floats, Ints, rank_class
from arete_core.run_folder import RunFolder
from arete_core.run_schema import COUNT_COLUMNS


@dataclass(frozen=True)
class ClassData:
    """What the database holds of one class.

    Attributes:
        index: The class's index in the run, which may have gaps.
        row: Its place among the run's classes, without gaps.
        counts: A, shape (channel,).
        ranks: Shape (channel,).
        sources: Positions of the edges' sources, shape (edge,).
        targets: Positions of the edges' targets, shape (edge,).
        weights: I, shape (edge,).
        extraction: The attribution graph.
        dropped_share: Share of the class's influence counts that `min_share` left out, 0 to 1.
    """

    index: int
    row: int
    counts: Ints
    ranks: Floats
    sources: Ints
    targets: Ints
    weights: Ints
    extraction: Extraction
    dropped_share: float


class RunData:
    """Reads a run folder class by class.

    Args:
        folder: The run folder.
        min_share: Edges below this share of a class's images are left out.

    Raises:
        RunFolderError: If the tables do not fit together.
    """

    def __init__(self, folder: RunFolder, *, min_share: float) -> None:
        self._folder = folder
        self._min_share = min_share
        self.layers = folder.table("layers").sort_by("layer")
        self.channels = folder.table("channels").sort_by([("layer", "ascending"), ("channel", "ascending")])
        self.classes = folder.table("classes").sort_by("class")
        self.layout = Layout.of_tables(self.layers, self.channels)
        # Only some classes may have been asked for, and other class sets are numbered after all labels.
        self._indices = self.classes.column("class").to_numpy()
        if len(self._indices) and (self._indices[0] < 0 or (np.diff(self._indices) == 0).any()):
            raise RunFolderError("classes.parquet: each class once and indices of 0 or more were expected")
        self._images = self.classes.column("images").to_numpy()
        self._activations = _Activations(folder, self.layout, self._indices)
        self._given = GivenGraphs(folder, self.layout, self._indices) if folder.has_given_graphs else None

    @property
    def class_count(self) -> int:
        """Number of classes."""
        return len(self._images)

    def each(self, wanted: NDArray[np.bool_], *, workers: int = 1) -> Iterator[ClassData]:
        """Yields the wanted classes in turn, ranked and extracted; holds the rows of few classes at a time.

        Args:
            wanted: Shape (row,), by place among the classes.
            workers: Threads that rank, each another class. With one, two classes are held at most, else two more than
                there are threads.

        Yields:
            Each wanted class, in ascending order, also those without any edge.

        Raises:
            RunFolderError: If an edge or a count cannot be.
        """
        if workers == 1:
            for row, index, rows in self._read(wanted):
                yield self._make(row, index, rows)
            return
        with ThreadPoolExecutor(workers) as pool:
            waiting: deque[Future[ClassData]] = deque()
            for row, index, rows in self._read(wanted):
                waiting.append(pool.submit(self._make, row, index, rows))
                if len(waiting) > workers:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()

    def _read(self, wanted: NDArray[np.bool_]) -> Iterator[tuple[int, int, pa.Table | None]]:
        """Yields the wanted classes' places, indices and edges."""
        rows_of = self._folder.influences_by_class()
        index, rows = next(rows_of, (-1, None))
        for row, class_ in enumerate(self._indices.tolist()):
            own = None
            if index == class_:
                own = rows
                index, rows = next(rows_of, (-1, None))
            if wanted[row]:
                yield row, class_, own
        if rows is not None:
            raise RunFolderError(f"influences.parquet: class {index} is not in classes.parquet")

    def _make(self, row: int, index: int, rows: pa.Table | None) -> ClassData:
        counts = self._activations.of_class(row)
        sources, targets, weights = self._edges(index, rows)
        kept = weights >= self._min_share * self._images[row]
        total = int(weights.sum())
        if self._given is not None:
            self._given.check_edges(row, sources, targets)
        sources, targets, weights = sources[kept], targets[kept], weights[kept]
        dropped = 0.0 if total == 0 else (total - int(weights.sum())) / total
        if self._given is None:
            ranks = rank_class(self.layout, counts, sources, targets, weights)
            extraction = extract(self.layout, ranks, sources, targets)
        else:
            ranks, extraction = self._given.of_class(row, sources, targets)
        return ClassData(index, row, counts, ranks, sources, targets, weights, extraction, dropped)

    def _edges(self, index: int, rows: pa.Table | None) -> tuple[Ints, Ints, Ints]:
        if rows is None:
            nothing = np.zeros(0, np.int64)
            return nothing, nothing, nothing
        place = f"influences.parquet, class {index}"
        values = {name: rows.column(name).to_numpy() for name in rows.column_names}
        sources = self.layout.positions(values["source_layer"], values["source_channel"], place)
        targets = self.layout.positions(values["target_layer"], values["target_channel"], place)
        known = self.layout.feeds[values["source_layer"], values["target_layer"]]
        if not known.all():
            row = int(np.argmin(known))
            raise RunFolderError(
                f"{place}: an edge goes from layer {values['source_layer'][row]} to {values['target_layer'][row]}, "
                "whose parents in layers.parquet do not list it"
            )
        # One order whatever the file's, so that the same counts give the same ranks to the last bit.
        order = np.lexsort((sources, targets))
        sources, targets, weights = sources[order], targets[order], values["count"][order].astype(np.int64)
        if (weights <= 0).any():
            raise RunFolderError(f"{place}: counts above 0 were expected")
        if ((np.diff(sources) == 0) & (np.diff(targets) == 0)).any():
            raise RunFolderError(f"{place}: each edge was expected once")
        return sources, targets, weights


class _Activations:
    """Table `activations`, sliced by class without a copy of the whole per class."""

    def __init__(self, folder: RunFolder, layout: Layout, indices: Ints) -> None:
        column = COUNT_COLUMNS.get(str(folder.manifest.settings.get("method", "share")))
        if column is None:
            method = folder.manifest.settings["method"]
            raise RunFolderError(f"method {method!r}: one of {', '.join(COUNT_COLUMNS)} was expected")
        table = folder.table("activations")
        numbers = table.column("class").to_numpy()
        unknown = ~np.isin(numbers, indices)
        if unknown.any():
            raise RunFolderError(f"activations.parquet: class {numbers[unknown][0]} is not in classes.parquet")
        classes = np.searchsorted(indices, numbers)
        positions = layout.positions(
            table.column("layer").to_numpy(), table.column("channel").to_numpy(), "activations.parquet"
        )
        order = np.lexsort((positions, classes))
        self._positions = positions[order]
        self._counts = table.column(column).to_numpy()[order]
        classes = classes[order]
        if ((np.diff(classes) == 0) & (np.diff(self._positions) == 0)).any() or (self._counts < 0).any():
            raise RunFolderError("activations.parquet: each channel once a class and counts of 0 or more were expected")
        self._starts = np.searchsorted(classes, np.arange(len(indices) + 1))
        self._channel_count = layout.channel_count

    def of_class(self, row: int) -> Ints:
        """Returns A of the class at a place among the classes, shape (channel,)."""
        part = slice(self._starts[row], self._starts[row + 1])
        counts = np.zeros(self._channel_count, dtype=np.int64)
        counts[self._positions[part]] = self._counts[part]
        return counts
