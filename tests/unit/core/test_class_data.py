"""From the run folder's tables to arrays, and tables that do not fit together."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from arete_core.class_data import ClassData, RunData
from arete_core.errors import RunFolderError
from arete_core.run_folder import RunFolder
from arete_core.run_schema import TABLES
from run_builder import hand_worked_run, random_run, write_run

TABLE_NAMES = ("layers", "channels", "classes", "activations", "influences")


def all_classes(folder: RunFolder, min_share: float = 0.0) -> list[ClassData]:
    data = RunData(folder, min_share=min_share)
    return list(data.each(np.ones(data.class_count, np.bool_)))


def tables_of(folder: RunFolder) -> dict[str, pa.Table]:
    return {name: folder.table(name) for name in TABLE_NAMES}


def changed(table: pa.Table, row: int, **values: object) -> pa.Table:
    rows = table.to_pylist()
    rows[row] |= values
    return pa.Table.from_pylist(rows, schema=table.schema)


def test_arrays_hold_what_the_tables_say(tmp_path: Path) -> None:
    folder = random_run(tmp_path / "run")
    layout = RunData(folder, min_share=0.0).layout
    for one in all_classes(folder):
        activations = folder.table("activations").filter(pc.field("class") == one.index).to_pylist()
        assert int(one.counts.sum()) == sum(row["count"] for row in activations)
        for row in activations:
            assert one.counts[layout.offsets[row["layer"]] + row["channel"]] == row["count"]
        edges = {
            (
                int(layout.offsets[row["source_layer"]]) + row["source_channel"],
                int(layout.offsets[row["target_layer"]]) + row["target_channel"],
                row["count"],
            )
            for row in folder.table("influences").filter(pc.field("class") == one.index).to_pylist()
        }
        assert set(zip(one.sources.tolist(), one.targets.tolist(), one.weights.tolist(), strict=True)) == edges


def test_the_method_says_which_counts_are_a(tmp_path: Path) -> None:
    (share,) = all_classes(hand_worked_run(tmp_path / "share"))
    (top_k,) = all_classes(hand_worked_run(tmp_path / "top", method="top-k"))
    assert share.counts.tolist() == [2, 1, 0, 1, 2, 1, 0, 2, 1]
    assert top_k.counts.tolist() == [2, 1, 0, 1, 2, 2, 0, 2, 2]
    assert (share.ranks != top_k.ranks).any()
    with pytest.raises(RunFolderError, match="method 'other'"):
        RunData(hand_worked_run(tmp_path / "other", method="other"), min_share=0.0)


def test_min_share_leaves_out_rare_edges_and_says_how_much(tmp_path: Path) -> None:
    folder = random_run(tmp_path / "run")
    images = folder.table("classes").column("images").to_pylist()
    for whole, part in zip(all_classes(folder), all_classes(folder, 0.1), strict=True):
        floor = 0.1 * images[whole.index]
        assert (part.weights >= floor).all()
        assert len(part.weights) == int((whole.weights >= floor).sum())
        left_out = int(whole.weights[whole.weights < floor].sum())
        assert part.dropped_share == left_out / int(whole.weights.sum())
        assert 0 < part.dropped_share < 1
        assert whole.dropped_share == 0
        # Ranks come from what is left.
        assert (whole.ranks != part.ranks).any()


def test_classes_without_rows_are_still_there(tmp_path: Path) -> None:
    tables = tables_of(random_run(tmp_path / "whole"))
    for name in ("influences", "activations"):
        tables[name] = tables[name].filter(pc.field("class") == 1)
    (tmp_path / "part").mkdir()
    first, second, third = all_classes(write_run(tmp_path / "part", tables))
    assert [one.index for one in (first, second, third)] == [0, 1, 2]
    assert len(first.weights) == len(third.weights) == 0
    assert first.ranks.sum() == third.ranks.sum() == 0
    assert first.extraction.mass is None
    assert second.extraction.mass is not None


def test_only_wanted_classes_are_made(tmp_path: Path) -> None:
    data = RunData(random_run(tmp_path / "run"), min_share=0.0)
    assert [one.index for one in data.each(np.array([True, False, True]))] == [0, 2]


def test_indices_may_have_gaps(tmp_path: Path) -> None:
    whole = random_run(tmp_path / "whole")
    tables = tables_of(whole)
    for name in ("classes", "influences", "activations"):
        rows = [row | {"class": [0, 4, 9][row["class"]]} for row in tables[name].to_pylist() if row["class"]]
        tables[name] = pa.Table.from_pylist(rows, schema=TABLES[name])
    (tmp_path / "part").mkdir()
    part = all_classes(write_run(tmp_path / "part", tables))
    assert [(one.index, one.row) for one in part] == [(4, 0), (9, 1)]
    for mine, theirs in zip(part, all_classes(whole)[1:], strict=True):
        np.testing.assert_array_equal(mine.counts, theirs.counts)
        np.testing.assert_array_equal(mine.ranks, theirs.ranks)
        np.testing.assert_array_equal(mine.weights, theirs.weights)


@pytest.mark.parametrize(
    ("table", "row", "values", "what"),
    [
        ("layers", 0, {"layer": 7}, "layers.parquet: each of the layers"),
        ("layers", 1, {"parents": [9]}, "layer 1 has parent 9"),
        ("layers", 1, {"parents": [1]}, "layer 1 has parent 1"),
        ("layers", 1, {"channels": 9}, "channels.parquet: each channel"),
        ("channels", 0, {"channel": 1}, "channels.parquet: each channel"),
        ("channels", 0, {"layer": 4}, "channels.parquet: channel 0 of layer 4"),
        ("classes", 0, {"class": 1}, "classes.parquet: each class once"),
        ("classes", 0, {"class": -1}, "classes.parquet: each class once"),
        ("classes", 0, {"class": 5}, "activations.parquet: class 0 is not in classes.parquet"),
        ("activations", 0, {"channel": 999}, "activations.parquet: channel 999 of layer 0"),
        ("activations", 0, {"class": 3}, "activations.parquet: class 3 is not in classes.parquet"),
        ("activations", 0, {"count": -1}, "activations.parquet: .*counts of 0 or more"),
        ("influences", 3, {"source_channel": -1}, "influences.parquet, class 0: channel -1"),
        ("influences", 3, {"source_layer": 3}, "influences.parquet, class 0: an edge goes from layer 3 to 1"),
        ("influences", 3, {"count": 0}, "influences.parquet, class 0: counts above 0"),
        ("influences", -1, {"class": 3}, "influences.parquet: class 3 is not in classes.parquet"),
        ("influences", -1, {"class": 0}, "influences.parquet is not sorted by class"),
    ],
)
def test_tables_that_do_not_fit_together(
    tmp_path: Path, table: str, row: int, values: dict[str, object], what: str
) -> None:
    tables = tables_of(random_run(tmp_path / "good"))
    tables[table] = changed(tables[table], row, **values)
    (tmp_path / "bad").mkdir()
    folder = write_run(tmp_path / "bad", tables)
    with pytest.raises(RunFolderError, match=what):
        all_classes(folder)


@pytest.mark.parametrize("table", ["activations", "influences"])
def test_a_row_twice_is_refused(tmp_path: Path, table: str) -> None:
    tables = tables_of(random_run(tmp_path / "good"))
    rows = tables[table].to_pylist()
    tables[table] = pa.Table.from_pylist([rows[0], *rows], schema=TABLES[table])
    (tmp_path / "bad").mkdir()
    with pytest.raises(RunFolderError, match=r"once"):
        all_classes(write_run(tmp_path / "bad", tables))


def test_the_order_of_rows_does_not_change_a_bit(tmp_path: Path) -> None:
    folder = random_run(tmp_path / "run")
    tables = tables_of(folder)
    rng = np.random.default_rng(0)
    for name in ("activations", "channels", "layers"):
        tables[name] = tables[name].take(rng.permutation(len(tables[name])))
    shuffled = rng.permutation(len(tables["influences"]))
    classes = tables["influences"].column("class").to_numpy()[shuffled]
    tables["influences"] = tables["influences"].take(shuffled[np.argsort(classes, kind="stable")])
    (tmp_path / "shuffled").mkdir()
    for one, other in zip(all_classes(folder), all_classes(write_run(tmp_path / "shuffled", tables)), strict=True):
        np.testing.assert_array_equal(one.ranks, other.ranks)
        np.testing.assert_array_equal(one.extraction.entry, other.extraction.entry)
