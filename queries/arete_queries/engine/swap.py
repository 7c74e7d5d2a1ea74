"""Puts a new store into the place of the old one: at every moment, one of the two is there and whole.

The store is the folder `neo4j/data`. A new one is made elsewhere inside `neo4j`, on the same disk, and when it is
finished:

1. it is renamed to `data.new`
2. `data` is renamed to `data.old`
3. `data.new` is renamed to `data`
4. `data.old` is deleted

Whoever holds the engine's lock next finds out how far it came: without `data` the change is finished, with it whatever
else is there is deleted. Every step is flushed to disk before the next.
"""

import shutil
from pathlib import Path

from arete_core.files import sync_folder
from arete_queries.engine.config import EnginePaths


def settle_store(paths: EnginePaths) -> None:
    """Finishes or takes back what a killed process left; the caller holds the engine's lock. Takes 0.1 ms otherwise.

    Args:
        paths: The engine's files.

    Raises:
        OSError: A folder cannot be renamed or deleted.
    """
    data, new, old = _places(paths)
    if not data.exists():
        for whole in (new, old):  # without `data.new` nothing was ready; then the old one is put back
            if whole.exists():
                whole.rename(data)
                sync_folder(paths.root)
                break
    for leftover in (new, old, paths.bulk):
        if leftover.exists():
            shutil.rmtree(leftover)


def swap_store(paths: EnginePaths, finished: Path) -> None:
    """Makes `finished` the engine's store and deletes the one before; the caller holds the engine's lock.

    Args:
        paths: The engine's files.
        finished: A `data` folder on the same disk, of an engine that was stopped cleanly.

    Raises:
        OSError: A folder cannot be renamed or deleted.
    """
    data, new, old = _places(paths)
    finished.rename(new)
    sync_folder(finished.parent)
    sync_folder(paths.root)
    if data.exists():
        data.rename(old)
        sync_folder(paths.root)
    new.rename(data)
    sync_folder(paths.root)
    if old.exists():
        shutil.rmtree(old)


def _places(paths: EnginePaths) -> tuple[Path, Path, Path]:
    data = paths.data
    return data, data.with_name("data.new"), data.with_name("data.old")
