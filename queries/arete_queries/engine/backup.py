"""Writes the database into one file, and puts one back: `arete db dump` and `arete db restore`.

The file is Neo4j's own archive: `neo4j-admin database load` of any Neo4j 5.26 takes it, and `restore` takes one that
`neo4j-admin database dump` made. Users and passwords are not in it. The engine has to be stopped, as Neo4j Community
dumps only a database at rest.

A dump appears under its name when it is whole. A restore makes a new store beside the old one, starts it to see that
it works, and only then puts it in the old one's place (`swap`): killed at any moment, one of the two is there.
"""

import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from arete_core.errors import EngineError, SettingError, StoreLockedError
from arete_core.files import sync_folder, write_bytes_atomically
from arete_core.progress import Progress, SilentProgress
from arete_queries.engine.admin import run_admin
from arete_queries.engine.auth import ensure_password, make_private
from arete_queries.engine.config import DATABASE, EngineSettings
from arete_queries.engine.failures import console_tail, last_lines
from arete_queries.engine.process import start_locked
from arete_queries.engine.state import take_lock
from arete_queries.engine.swap import settle_store, swap_store

_ARCHIVE = f"{DATABASE}.dump"
"""How Neo4j's tools name the file of this database."""
_UNCLEAN = re.compile(r"recover|not cleanly shut ?down|Active logical log", re.IGNORECASE)


def dump_database(
    settings: EngineSettings, file: Path, *, force: bool = False, progress: Progress | None = None
) -> int:
    """Writes the database into a file.

    Args:
        settings: Names the data folder.
        file: Where to.
        force: Replace the file where there is one.
        progress: Told while it takes its time.

    Returns:
        The file's size, in bytes.

    Raises:
        SettingError: The file is there already, or its folder is not.
        StoreLockedError: The engine runs.
        EngineError: There is no database, or it cannot be dumped.
    """
    progress = progress or SilentProgress()
    file = file.expanduser().absolute()
    if file.exists() and not force:
        raise SettingError(f"{file} is there already", hint="choose another name, or replace it with --force")
    if not file.parent.is_dir():
        raise SettingError(f"{file.parent} is no folder", hint="make it first")
    with hold_store(settings, "a dump is made of a database at rest") as lock:
        if not (settings.paths.databases / DATABASE).is_dir():
            raise EngineError(
                f"there is no database in {settings.paths.root} yet", hint="load a run first: `arete load`"
            )
        # In the file's own folder, so that it can be renamed.
        with tempfile.TemporaryDirectory(prefix=f".{file.name}.", dir=file.parent) as folder:
            arguments = ["database", "dump", DATABASE, f"--to-path={folder}"]
            code = run_admin(settings, arguments, lock=lock, progress=progress, what="Dump the database")
            if code != 0 and _UNCLEAN.search(console_tail(settings.paths.console)):
                # The engine was killed: a start and a stop put its log into the store.
                start_locked(replace(settings, read_only=False), lock, progress=progress).stop()
                code = run_admin(settings, arguments, lock=lock, progress=progress, what="Dump the database")
            made = Path(folder) / _ARCHIVE
            if code != 0 or not made.is_file():
                raise _failed("dump", code, settings)
            with made.open("rb") as archive:
                os.fsync(archive.fileno())
            made.replace(file)
            sync_folder(file.parent)
    return file.stat().st_size


def restore_database(
    settings: EngineSettings, file: Path, *, force: bool = False, progress: Progress | None = None
) -> None:
    """Puts a database into the place of the one that is there.

    Args:
        settings: Names the data folder.
        file: What `dump_database`, or Neo4j's own tool, has written.
        force: Replace a database that is there.
        progress: Told while it takes its time.

    Raises:
        SettingError: There is no such file, or a database is there already.
        StoreLockedError: The engine runs.
        EngineError: The file is none of Neo4j's, or its database does not start.
    """
    progress = progress or SilentProgress()
    file = file.expanduser().absolute()
    if not file.is_file():
        raise SettingError(f"{file} is no file", hint="give one that `arete db dump` has written")
    paths = settings.paths
    with hold_store(settings, "a restore puts another store into its place") as lock:
        if (paths.databases / DATABASE).is_dir() and not force:
            raise SettingError(
                f"there is a database in {paths.root} already",
                hint="dump it first if it is worth keeping; replace it with --force",
            )
        new = replace(settings, home=paths.bulk, jars_folder=settings.jars, bolt_port=0, http_port=0, read_only=False)
        make_private(new.paths.root)
        # Users are not in the file: the password stays the one that this data folder has.
        write_bytes_atomically(new.paths.password, ensure_password(paths).encode(), mode=0o600)
        inbox = paths.bulk / "inbox"
        inbox.mkdir()
        (inbox / _ARCHIVE).symlink_to(file)
        arguments = ["database", "load", DATABASE, f"--from-path={inbox}"]
        code = run_admin(new, arguments, lock=lock, progress=progress, what="Restore the database")
        if code != 0:
            raise _failed("restore", code, new)
        start_locked(new, lock, progress=progress).stop()
        swap_store(paths, new.paths.data)


@contextmanager
def hold_store(settings: EngineSettings, why: str, *, instead: str = "") -> Iterator[int]:
    """Locks the engine's folder until the block ends; an engine that is started meanwhile waits.

    Args:
        settings: Names the data folder.
        why: Said to whoever has to stop the engine first.
        instead: What else may be done, for the hint.

    Yields:
        The lock's descriptor.

    Raises:
        StoreLockedError: The engine runs.
    """
    paths = settings.paths
    lock = take_lock(paths.lock)
    if lock is None:
        raise StoreLockedError(
            f"the engine in {paths.root} is running; {why}",
            hint="stop it first: `arete db stop`" + (f"; {instead}" if instead else ""),
        )
    try:
        settle_store(paths)
        yield lock
    finally:
        shutil.rmtree(paths.bulk, ignore_errors=True)
        os.close(lock)


def _failed(what: str, code: int, settings: EngineSettings) -> EngineError:
    return EngineError(
        f"the {what} ended with code {code}:\n{last_lines(console_tail(settings.paths.console), 6)}",
        hint="look for room on the disk, and whether the file is whole",
    )
