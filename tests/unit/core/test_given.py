"""Runs whose ranks and graphs are given: they are taken as they are, and only where they fit together."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from arete_core.class_data import RunData
from arete_core.errors import RunAlteredError, RunFolderError, SettingError
from arete_core.exclusions import exclude_channels
from arete_core.run_folder import RunFolder
from arete_core.run_schema import GIVEN_TABLES, TABLES
from run_builder import ClassSpec, LayerSpec, build_run, write_run

LAYERS = [LayerSpec("a", 3), LayerSpec("b", 2, [0])]
EDGES = [(0, 0, 1, 0, 8), (0, 2, 1, 0, 3), (0, 1, 1, 1, 9)]
GIVEN: dict[str, list[dict[str, Any]]] = {
    "graphs": [{"class": 0, "mass": 0.075}, {"class": 1, "mass": None}],
    "ranks": [
        {"class": 0, "layer": 0, "channel": 0, "rank": 0.2, "entry": 0.0},
        {"class": 0, "layer": 0, "channel": 2, "rank": 0.1, "entry": 0.05},
        {"class": 0, "layer": 1, "channel": 0, "rank": 0.3, "entry": 0.0},
        {"class": 0, "layer": 1, "channel": 1, "rank": 0.1, "entry": 0.5},
    ],
    "attributes": [{"class": 0, "source_layer": 0, "source_channel": 0, "target_layer": 1, "target_channel": 0}],
}


def given_run(path: Path, given: dict[str, list[dict[str, Any]]] = GIVEN, **options: Any) -> RunFolder:
    classes = [
        ClassSpec("one", 10, {(0, 0): 5, (1, 0): 4}, EDGES),
        ClassSpec("two", 10, {(0, 1): 5}, EDGES),
    ]
    whole = build_run(path, LAYERS, classes, **options)
    tables = {name: whole.table(name) for name in TABLES if whole.has(name)}
    tables |= {name: pa.Table.from_pylist(rows, schema=TABLES[name]) for name, rows in given.items()}
    return write_run(path, tables)


def changed(table: str, row: int, **values: Any) -> dict[str, list[dict[str, Any]]]:
    rows = list(GIVEN[table])
    rows[row] = rows[row] | values
    return GIVEN | {table: rows}


def test_ranks_and_edges_are_taken_as_given(tmp_path: Path) -> None:
    folder = given_run(tmp_path / "run")
    assert folder.has_given_graphs
    one, two = RunData(folder, min_share=0.0).each(np.ones(2, np.bool_))
    assert one.ranks.tolist() == [0.2, 0.0, 0.1, 0.3, 0.1]
    assert one.extraction.entry.tolist() == [0.0, 1.0, 0.05, 0.0, 0.5]
    assert one.extraction.mass == 0.075
    assert one.extraction.kept.tolist() == [True, False, True, True, False]
    # Both ends of the second edge are kept, but the graph as given does not have it.
    assert [(s, t) for s, t in zip(one.sources, one.targets, strict=True)] == [(0, 3), (2, 3), (1, 4)]
    assert one.extraction.kept_edges.tolist() == [True, False, False]
    assert (two.extraction.mass, two.extraction.kept.any(), two.ranks.any()) == (None, False, False)


def test_min_share_drops_edges_of_given_graphs_too(tmp_path: Path) -> None:
    one, _ = RunData(given_run(tmp_path / "run"), min_share=0.85).each(np.ones(2, np.bool_))
    assert one.weights.tolist() == [9]
    assert one.extraction.kept_edges.tolist() == [False]
    assert one.dropped_share == 11 / 20


EDGE = GIVEN["attributes"][0]
RANK = GIVEN["ranks"][0]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (changed("graphs", 0, mass=0.0), "class 0: a mass above 0 and at most 1 was expected, found 0.0"),
        (changed("graphs", 1, **{"class": 0}), "each class of classes.parquet was expected once"),
        (changed("ranks", 0, rank=0.0), "ranks above 0"),
        (changed("ranks", 0, rank=float("nan")), "ranks above 0"),
        (changed("ranks", 0, entry=1.5), "entries of 0 to 1"),
        (changed("ranks", 0, channel=3), "channel 3 of layer 0 is named"),
        (changed("ranks", 0, **{"class": 7}), "ranks.parquet: class 7 is not in classes.parquet"),
        (GIVEN | {"ranks": [*GIVEN["ranks"], RANK]}, "each channel once a class"),
        (GIVEN | {"attributes": [EDGE, EDGE]}, "class 0: 2 edges are listed, of which influences.parquet has 1"),
        (changed("attributes", 0, source_channel=1), "1 edges are listed, of which influences.parquet has 0"),
        (changed("attributes", 0, source_channel=1, target_channel=1), "whose entry is below the mass"),
        (changed("attributes", 0, **{"class": 1}), "whose entry is below the mass"),
        (changed("attributes", 0, **{"class": 9}), "attributes.parquet: class 9 is not in classes.parquet"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused(tmp_path: Path, given: dict[str, list[dict[str, Any]]], message: str) -> None:
    with pytest.raises(RunFolderError, match=message):
        list(RunData(given_run(tmp_path / "run", given), min_share=0.0).each(np.ones(2, np.bool_)))


def test_an_excluded_channel_has_no_rank(tmp_path: Path) -> None:
    with pytest.raises(RunFolderError, match="an excluded channel has a rank"):
        RunData(given_run(tmp_path / "run", excluded=[(0, 2)]), min_share=0.0)


@pytest.mark.parametrize("missing", GIVEN_TABLES)
def test_given_graphs_are_whole_or_absent(tmp_path: Path, missing: str) -> None:
    with pytest.raises(RunAlteredError, match=f"{missing}.parquet is not listed"):
        given_run(tmp_path / "run", {name: rows for name, rows in GIVEN.items() if name != missing})


def test_no_channel_of_it_can_be_excluded(tmp_path: Path) -> None:
    given_run(tmp_path / "run")
    with pytest.raises(SettingError, match="came with its ranks and graphs"):
        exclude_channels(tmp_path / "run", ["a/0"])
