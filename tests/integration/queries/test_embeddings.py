"""The classes' places: what is loaded is what the run folder says, and what is read is what was loaded."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from loaded_runs import Dump, Loaded

from arete.commands.load import describe_report
from arete_core.errors import NotFoundError, RunFolderError
from arete_core.run_change import change_tables
from arete_core.run_folder import RunFolder
from arete_core.run_schema import EMBEDDINGS
from arete_queries.delete import delete_run
from arete_queries.load import load_run
from arete_queries.reads import layer_embedding
from arete_queries.runner import QueryRunner
from run_builder import class_sets_run, random_run

pytestmark = [pytest.mark.integration, pytest.mark.anyio]


async def test_a_layer_s_places(loaded: Loaded, runner: QueryRunner) -> None:
    rows = [row for row in loaded.folders["tiny"].table("embeddings").to_pylist() if row["layer"] == 1]
    found = await layer_embedding(runner, "tiny/block1")
    assert found is not None
    assert found.layer == "tiny/block1"
    assert found.classes == tuple(f"tiny/{row['class']}" for row in rows)
    assert (found.x, found.y) == (tuple(row["x"] for row in rows), tuple(row["y"] for row in rows))


async def test_a_run_without_places_and_layers_that_are_not_there(loaded: Loaded, runner: QueryRunner) -> None:
    assert await layer_embedding(runner, "other/block1") is None
    with pytest.raises(NotFoundError, match="tiny/block9") as caught:
        await layer_embedding(runner, "tiny/block9")
    assert "block" in caught.value.hint


@pytest.mark.usefixtures("clean_database")
async def test_places_are_taken_over_later_moved_and_deleted(
    tmp_path: Path, runner: QueryRunner, dump: Callable[[], Dump]
) -> None:
    folder = random_run(tmp_path / "run")
    await load_run(runner, folder)
    assert dump()["places"] == []
    without = dump()
    folder = change_tables(folder, {"embeddings": places(folder, 0.25)})
    taken_over = await load_run(runner, folder)
    assert (taken_over.classes_loaded, taken_over.folder_changed, taken_over.places) == (0, True, 12)
    assert describe_report(taken_over) == (
        "tiny: already loaded; taken over from its run folder: 12 places of classes on the layers' maps"
    )
    again = await load_run(runner, folder)
    assert (again.folder_changed, again.places, again.classes_ranked) == (False, 0, 0)
    assert describe_report(again) == "tiny: already loaded, nothing to do"
    held = dump()
    assert held["places"] == sorted(
        (f"tiny/{class_}", f"tiny/block{layer}", 0.25, 0.5 * class_) for layer in range(4) for class_ in range(3)
    )
    assert held["influences"] == without["influences"]
    folder = change_tables(folder, {"embeddings": places(folder, -1.5)})
    await load_run(runner, folder)
    assert {row[2] for row in dump()["places"]} == {-1.5}
    assert len(dump()["places"]) == 12
    await delete_run(runner, "tiny")
    assert dump()["nodes"] == []


@pytest.mark.usefixtures("clean_database")
async def test_class_sets_with_gaps(tmp_path: Path, runner: QueryRunner) -> None:
    folder = class_sets_run(tmp_path)
    await load_run(runner, change_tables(folder, {"embeddings": places(folder, 0.0)}))
    found = await layer_embedding(runner, "sets/block0")
    assert found is not None
    assert found.classes == ("sets/1", "sets/3", "sets/5", "sets/6", "sets/7")


@pytest.mark.usefixtures("clean_database")
@pytest.mark.parametrize(
    ("row", "what"),
    [
        ({"layer": 9, "class": 0, "x": 0.0, "y": 0.0}, "layers 0 to 3"),
        ({"layer": 0, "class": 7, "x": 0.0, "y": 0.0}, "class 7"),
        ({"layer": 0, "class": 0, "x": 0.0, "y": 0.0}, "once"),
        ({"layer": 3, "class": 2, "x": float("nan"), "y": 0.0}, "once|finite"),
    ],
)
async def test_places_that_cannot_be(tmp_path: Path, runner: QueryRunner, row: dict[str, Any], what: str) -> None:
    folder = random_run(tmp_path / "run")
    table = places(folder, 0.0)
    if row["x"] != row["x"]:
        table = table.slice(0, len(table) - 1)
    table = pa.concat_tables([table, pa.Table.from_pylist([row], schema=EMBEDDINGS)])
    with pytest.raises(RunFolderError, match=what):
        await load_run(runner, change_tables(folder, {"embeddings": table}))


def places(folder: RunFolder, x: float) -> pa.Table:
    classes = folder.table("classes").column("class").to_pylist()
    return pa.Table.from_pylist(
        [
            {"layer": layer, "class": class_, "x": x, "y": 0.5 * class_}
            for layer in range(len(folder.table("layers")))
            for class_ in classes
        ],
        schema=EMBEDDINGS,
    )
