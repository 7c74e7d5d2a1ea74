"""Changing tables of a whole run folder: all of them or none, at whatever moment it is cut short."""

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

import arete_core.run_change
import arete_core.run_folder
from arete_core.exclusions import channels_table
from arete_core.files import sha256_of
from arete_core.manifest import MANIFEST
from arete_core.run_change import change_tables
from arete_core.run_folder import NEXT_MANIFEST, RunFolder, write_table_beside
from arete_core.run_lock import locked
from arete_core.run_schema import ATLASES, FEATURES, FORMAT_VERSION
from run_builder import random_run

FEATURE = {
    "layer": 1, "channel": 2, "file": "features/1-2.webp", "tiles": 5, "tile_px": 96, "sha256": "f" * 64,
    "activation": 3.5, "error": None,
}  # fmt: skip
ATLAS = {
    "kind": "features", "layer": 1, "file": "atlases/features-1.webp", "sha256": "a" * 64, "tile_px": 96,
    "columns": 1, "channels": [2],
}  # fmt: skip


def new_tables() -> dict[str, pa.Table]:
    return {
        "features": pa.Table.from_pylist([FEATURE], FEATURES),
        "atlases": pa.Table.from_pylist([ATLAS], ATLASES),
        "channels": channels_table([6, 8, 10, 7], {(0, 1): "border"}),
    }


def hashes(folder: Path) -> dict[str, str]:
    return {path.name: sha256_of(path) for path in folder.iterdir() if path.is_file()}


def change(path: Path) -> RunFolder:
    with locked(path):
        return change_tables(RunFolder.open(path), new_tables(), pictures={"features": {"seed": 7}})


def test_tables_are_added_and_replaced(tmp_path: Path) -> None:
    before = random_run(tmp_path / "run", pictures=True)
    after = change(before.path)
    assert RunFolder.open(before.path) == after
    assert after.table("features").to_pylist() == [FEATURE]
    assert after.table("atlases").to_pylist() == [ATLAS]
    assert after.table("channels").column("excluded").to_pylist().count(True) == 1
    assert after.table("sprites") == before.table("sprites")
    assert after.manifest.pictures == {"features": {"seed": 7}}
    assert after.manifest.files["features.parquet"].rows == 1
    assert after.numbers_sha256 == before.numbers_sha256
    assert after.manifest_sha256 != before.manifest_sha256  # a channel is excluded now
    assert not list(before.path.glob(".*"))


def test_pictures_change_nothing_of_what_a_database_holds(tmp_path: Path) -> None:
    before = random_run(tmp_path / "run")
    with locked(before.path):
        after = change_tables(before, {"features": new_tables()["features"]}, pictures={"features": {"seed": 7}})
    assert sha256_of(before.path / MANIFEST) != before.manifest_sha256
    assert (after.manifest_sha256, after.numbers_sha256) == (before.manifest_sha256, before.numbers_sha256)


def test_a_run_of_an_older_format_gets_the_new_one_and_keeps_its_numbers(tmp_path: Path) -> None:
    run = random_run(tmp_path / "run")
    document = json.loads((run.path / MANIFEST).read_bytes())
    del document["pictures"]
    document["format_version"] = 2
    (run.path / MANIFEST).write_text(json.dumps(document))
    old = RunFolder.open(run.path)
    assert old.table("features").num_rows == 0
    after = change(run.path)
    assert after.manifest.format_version == FORMAT_VERSION
    assert after.numbers_sha256 == old.numbers_sha256 == run.numbers_sha256


class Killed(BaseException):
    pass


def test_a_kill_at_any_moment_leaves_the_old_or_the_new(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stops before each step that touches the disk, in turn, and opens what lies there then."""
    old = random_run(tmp_path / "old")
    new = hashes(change(Path(shutil.copytree(old.path, tmp_path / "new"))).path)
    found = []
    for stop_at in range(100):
        path = Path(shutil.copytree(old.path, tmp_path / f"killed-{stop_at}"))
        steps = iter(range(1000))

        def counted(function: Callable[..., Any], at: int = stop_at, steps: Iterator[int] = steps) -> Any:
            def call(*args: Any, **kwargs: Any) -> Any:
                if next(steps) == at:
                    raise Killed
                return function(*args, **kwargs)

            return call

        with monkeypatch.context() as patch:
            for module, name in (
                (arete_core.run_change, "write_table_beside"),
                (arete_core.run_change, "write_bytes_atomically"),
                (arete_core.run_change, "sync_file"),
                (arete_core.run_folder, "commit_file"),
            ):
                patch.setattr(module, name, counted(getattr(module, name)))
            if stop_at % 2:  # a process that is killed does not clean up either
                patch.setattr(Path, "unlink", lambda *_, **__: None)
            try:
                change(path)
            except Killed:
                pass
            else:
                break
        RunFolder.open(path)
        (path / ".lock").unlink(missing_ok=True)
        now = hashes(path)
        kept = {name: digest for name, digest in now.items() if not name.startswith(".")}
        assert kept in (hashes(old.path), new)
        found.append(kept == new)
        assert change(path).table("features").num_rows == 1
        assert not list(path.glob(".*"))
    assert found == sorted(found)
    assert found.count(True) >= 4
    assert found.count(False) >= 6


def test_a_full_disk_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = random_run(tmp_path / "run")
    before = hashes(run.path)

    def full(*_: Any, **__: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(arete_core.run_change, "write_bytes_atomically", full)
    with pytest.raises(OSError, match="No space"):
        change(run.path)
    assert hashes(run.path) == before


def test_what_waits_without_its_manifest_or_the_other_way_round_counts_for_nothing(tmp_path: Path) -> None:
    old = random_run(tmp_path / "old")
    new = Path(shutil.copytree(old.path, tmp_path / "new"))
    change(new)
    before = hashes(old.path)
    shutil.copy(new / MANIFEST, old.path / NEXT_MANIFEST)  # a copy without the hidden files
    write_table_beside(old.path, "features", new_tables()["features"])
    assert RunFolder.open(old.path).manifest.pictures == {}
    change(old.path)
    assert hashes(old.path) == hashes(new)
    assert before != hashes(old.path)
