"""Ranks and attribution graphs that come with a run, as those of an imported one do, instead of being worked out."""

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from arete_core.errors import RunFolderError
from arete_core.extract import Extraction
from arete_core.layout import Layout
from arete_core.rank import Floats, Ints
from arete_core.run_folder import RunFolder


class GivenGraphs:
    """The tables `graphs`, `ranks` and `attributes` of a run folder, class by class.

    Args:
        folder: A run folder that has them.
        layout: The run's channels.
        indices: Its classes' indices, ascending, shape (row,).

    Raises:
        RunFolderError: If the tables do not fit together.
    """

    def __init__(self, folder: RunFolder, layout: Layout, indices: Ints) -> None:
        self._layout = layout
        self._masses = _masses(folder.table("graphs"), indices)
        self._indices = indices
        ranks = folder.table("ranks")
        rows = _rows(ranks, indices, "ranks.parquet")
        positions = layout.positions(
            ranks.column("layer").to_numpy(), ranks.column("channel").to_numpy(), "ranks.parquet"
        )
        order = np.lexsort((positions, rows))
        rows, self._positions = rows[order], positions[order]
        self._ranks, self._entries = (ranks.column(name).to_numpy()[order] for name in ("rank", "entry"))
        if ((np.diff(rows) == 0) & (np.diff(self._positions) == 0)).any():
            raise RunFolderError("ranks.parquet: each channel once a class was expected")
        if not (np.isfinite(self._ranks) & (self._ranks > 0) & (self._entries >= 0) & (self._entries <= 1)).all():
            raise RunFolderError("ranks.parquet: ranks above 0 and entries of 0 to 1 were expected")
        if layout.excluded[self._positions].any():
            raise RunFolderError("ranks.parquet: an excluded channel has a rank")
        self._rank_starts = np.searchsorted(rows, np.arange(len(indices) + 1))
        edges = folder.table("attributes")
        rows = _rows(edges, indices, "attributes.parquet")
        pairs = self._pairs(edges)
        order = np.lexsort((pairs, rows))
        self._edges = pairs[order]
        self._edge_starts = np.searchsorted(rows[order], np.arange(len(indices) + 1))

    def of_class(self, row: int, sources: Ints, targets: Ints) -> tuple[Floats, Extraction]:
        """Returns a class's ranks and its graph.

        Args:
            row: Its place among the run's classes.
            sources: Positions of the sources of those of its edges that are loaded, shape (edge,).
            targets: Positions of their targets, shape (edge,).

        Returns:
            Ranks, shape (channel,), and the graph; without those of its edges that are not loaded.
        """
        own = slice(self._rank_starts[row], self._rank_starts[row + 1])
        ranks = np.zeros(self._layout.channel_count)
        entry = np.ones(self._layout.channel_count)
        ranks[self._positions[own]] = self._ranks[own]
        entry[self._positions[own]] = self._entries[own]
        mass = self._masses[row]
        kept = entry < mass if mass is not None else np.zeros(len(entry), np.bool_)
        return ranks, Extraction(entry, mass, kept, self._is_kept(row, sources, targets))

    def check_edges(self, row: int, sources: Ints, targets: Ints) -> None:
        """Makes sure that the graph's edges are edges of the class, between channels that are kept.

        Args:
            row: The class's place among the run's classes.
            sources: Positions of the sources of all its edges, shape (edge,).
            targets: Positions of their targets, shape (edge,).

        Raises:
            RunFolderError: If one is not, or is listed twice.
        """
        place = f"attributes.parquet, class {self._indices[row]}"
        found = self._is_kept(row, sources, targets)
        expected = int(self._edge_starts[row + 1] - self._edge_starts[row])
        if int(found.sum()) != expected:
            raise RunFolderError(
                f"{place}: {expected} edges are listed, of which influences.parquet has {int(found.sum())}; "
                "each was expected once, and there too"
            )
        kept = self.of_class(row, sources, targets)[1].kept
        if not (kept[sources[found]] & kept[targets[found]]).all():
            raise RunFolderError(f"{place}: an edge was expected to join channels whose entry is below the mass")

    def _is_kept(self, row: int, sources: Ints, targets: Ints) -> NDArray[np.bool_]:
        own = self._edges[self._edge_starts[row] : self._edge_starts[row + 1]]
        return np.isin(sources * self._layout.channel_count + targets, own)

    def _pairs(self, edges: pa.Table) -> Ints:
        """Returns one number an edge, different for different pairs of channels."""
        ends = (
            self._layout.positions(
                edges.column(f"{end}_layer").to_numpy(), edges.column(f"{end}_channel").to_numpy(), "attributes.parquet"
            )
            for end in ("source", "target")
        )
        source, target = ends
        return source * self._layout.channel_count + target


def _masses(graphs: pa.Table, indices: Ints) -> list[float | None]:
    rows = {row["class"]: row["mass"] for row in graphs.to_pylist()}
    if sorted(rows) != indices.tolist() or len(graphs) != len(rows):
        raise RunFolderError("graphs.parquet: each class of classes.parquet was expected once")
    for class_, mass in rows.items():
        if mass is not None and not 0 < mass <= 1:
            raise RunFolderError(
                f"graphs.parquet: class {class_}: a mass above 0 and at most 1 was expected, found {mass}"
            )
    return [rows[class_] for class_ in indices.tolist()]


def _rows(table: pa.Table, indices: Ints, place: str) -> Ints:
    """Returns the places of a table's classes among those of the run."""
    classes = table.column("class").to_numpy()
    unknown = ~np.isin(classes, indices)
    if unknown.any():
        raise RunFolderError(f"{place}: class {classes[unknown][0]} is not in classes.parquet")
    return np.searchsorted(indices, classes)
