"""Putting a new store in the old one's place: wherever it is cut short, one whole store is left and nothing else."""

import shutil
from pathlib import Path

import pytest

from arete_queries.engine.config import EnginePaths
from arete_queries.engine.swap import settle_store, swap_store


class Cut(Exception):  # noqa: N818
    """Raised where a test wants the process to end."""


def store(folder: Path, content: str) -> Path:
    (folder / "databases").mkdir(parents=True)
    (folder / "databases" / "what").write_text(content)
    return folder


def content(paths: EnginePaths) -> str:
    return (paths.databases / "what").read_text()


@pytest.fixture
def paths(tmp_path: Path) -> EnginePaths:
    return EnginePaths(tmp_path / "neo4j")


def only_the_store(paths: EnginePaths) -> bool:
    return [path.name for path in paths.root.iterdir()] == ["data"]


def test_the_new_store_takes_the_place_of_the_old_one(paths: EnginePaths) -> None:
    store(paths.data, "old")
    finished = store(paths.bulk / "neo4j" / "data", "new")
    swap_store(paths, finished)
    assert content(paths) == "new"
    assert not finished.exists()
    settle_store(paths)
    assert only_the_store(paths)


def test_there_need_be_no_old_one(paths: EnginePaths) -> None:
    swap_store(paths, store(paths.bulk / "neo4j" / "data", "new"))
    assert content(paths) == "new"


@pytest.mark.parametrize(("cut_at", "left"), [(0, "old"), (1, "old"), (2, "new"), (3, "new"), (4, "new")])
@pytest.mark.parametrize("after", [False, True])
def test_cut_short_anywhere(
    paths: EnginePaths, monkeypatch: pytest.MonkeyPatch, cut_at: int, left: str, after: bool
) -> None:
    """Steps 0 to 2 are renames, 3 is the deletion of the old store, 4 is none."""
    store(paths.data, "old")
    finished = store(paths.bulk / "neo4j" / "data", "new")
    steps = iter(range(100))
    rename, rmtree = Path.rename, shutil.rmtree

    def cut(work: object, *args: object) -> None:
        step = next(steps)
        if step == cut_at and not after:
            raise Cut
        work(*args)  # type: ignore[operator]
        if step == cut_at:
            raise Cut

    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", lambda path, target: cut(rename, path, target))
        patch.setattr(shutil, "rmtree", lambda path: cut(rmtree, path))
        if cut_at < 4:
            with pytest.raises(Cut):
                swap_store(paths, finished)
        else:
            swap_store(paths, finished)
    # Before the second rename the old store stands; after it, the new one is finished and takes over.
    expected = "new" if cut_at >= 2 or (cut_at == 1 and after) else left
    settle_store(paths)
    assert content(paths) == expected
    assert only_the_store(paths)
    settle_store(paths)
    assert content(paths) == expected


def test_what_a_killed_bulk_load_was_making_is_deleted(paths: EnginePaths) -> None:
    store(paths.data, "old")
    store(paths.bulk / "neo4j" / "data", "half")
    settle_store(paths)
    assert content(paths) == "old"
    assert only_the_store(paths)


def test_an_old_store_that_nothing_replaced_is_put_back(paths: EnginePaths) -> None:
    store(paths.data.with_name("data.old"), "old")
    settle_store(paths)
    assert content(paths) == "old"


def test_nothing_is_made_where_nothing_is(paths: EnginePaths) -> None:
    settle_store(paths)
    assert not paths.root.exists()
