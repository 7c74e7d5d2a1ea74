"""The run folder: what ingest writes and load reads. `docs/run-format.md` describes it for people.

A run folder is whole exactly when its `manifest.json` says `"state": "complete"`; the manifest is written last, in one
rename, and holds the sha256 and row count of every table. Whoever reads a run folder goes through `RunFolder.open`,
which refuses a half-written, newer or altered one.
"""

import errno
import hashlib
import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from arete_core.errors import RunAlteredError, RunFolderError, RunIncompleteError
from arete_core.files import commit_file, sha256_of
from arete_core.manifest import MANIFEST, FileInfo, Manifest, bytes_as_loaded, parse_manifest
from arete_core.run_schema import (
    ADDED_TABLES,
    FORMAT_VERSION,
    OPTIONAL_TABLES,
    ROW_GROUP_ROWS,
    TABLES,
)

NEXT_MANIFEST = ".manifest.json.next"
"""The manifest that a change of some tables is about to give the folder; see `run_change`."""


@dataclass(frozen=True)
class RunFolder:
    """A whole, checked run folder.

    Attributes:
        path: Absolute.
        manifest: Its manifest.
        manifest_sha256: Of `manifest.json`, as it is without the tables of which nothing is loaded: it fixes every
            number of the run, the exclusions and the embeddings.
    """

    path: Path
    manifest: Manifest
    manifest_sha256: str

    @classmethod
    def open(cls, path: Path | str, *, verify: bool = True) -> "RunFolder":
        """Opens a run folder.

        Args:
            path: The folder.
            verify: Compare every table's sha256 with the manifest (about 1 GB/s); sizes and presence are always
                checked.

        Returns:
            The folder, whole.

        Raises:
            RunFolderError: If it is missing or holds no run.
            RunIncompleteError: If a job is still writing it or was killed.
            RunVersionError: If a newer Arête wrote it.
            RunAlteredError: If a file is missing or differs from the manifest.
        """
        path = Path(path).absolute()
        if not path.is_dir():
            raise RunFolderError(
                f"{path} is no folder, a run folder was expected",
                hint="make one with `arete ingest --model NAME --data FOLDER --out RUN`",
            )
        manifest_path = path / MANIFEST
        if not manifest_path.is_file():
            if (path / "parts").is_dir():
                raise RunIncompleteError(
                    f"{path} is not finished: it has parts but no {MANIFEST}",
                    hint="run the same `arete ingest` command again, it continues where it stopped",
                )
            raise RunFolderError(f"{path} holds no {MANIFEST}, so it is no run folder")
        finish_change(path)
        raw = manifest_path.read_bytes()
        manifest = parse_manifest(manifest_path, raw)
        for name, info in manifest.files.items():
            _check_file(path, name, info, verify=verify)
        return cls(path, manifest, hashlib.sha256(bytes_as_loaded(manifest) or raw).hexdigest())

    @property
    def numbers_sha256(self) -> str:
        """Of the manifest without what may change in a whole run: exclusions, and tables that no number depends on."""
        document = self.manifest.model_dump(mode="json", exclude={"pictures"})
        document["format_version"] = 2  # what version 3 added is none of the numbers
        for name in ("channels", *ADDED_TABLES):
            document["files"].pop(f"{name}.parquet", None)
        return hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()

    @property
    def has_given_graphs(self) -> bool:
        """Whether ranks and attribution graphs come with the run, instead of being worked out from its counts."""
        return self.has("graphs")

    def has(self, table: str) -> bool:
        """Returns whether the run has this table."""
        return f"{table}.parquet" in self.manifest.files

    def table(self, name: str) -> pa.Table:
        """Reads a whole table.

        Args:
            name: One of `run_schema.TABLES`.

        Returns:
            The rows, with exactly the schema's columns; no rows where an optional table is absent.

        Raises:
            RunAlteredError: If its columns are not those of the format.
        """
        schema = TABLES[name]
        if not self.has(name) and name in OPTIONAL_TABLES:
            return schema.empty_table()
        return _conform(pq.read_table(self.path / f"{name}.parquet"), name)

    def influences_by_class(self) -> Iterator[tuple[int, pa.Table]]:
        """Yields each class's edges in turn, with no more than two classes' rows in memory.

        Yields:
            Class index and its rows of `influences.parquet`, in ascending order of class; classes without rows are
            skipped.

        Raises:
            RunAlteredError: If its columns are not those of the format, or the rows are not sorted by class.
        """
        file = pq.ParquetFile(self.path / "influences.parquet")
        pending: list[pa.Table] = []
        current = -1
        for batch in file.iter_batches(batch_size=1 << 18):
            rows = _conform(pa.Table.from_batches([batch]), "influences")
            classes = rows.column("class").to_numpy()
            if (np.diff(classes) < 0).any() or (len(classes) and classes[0] < current):
                raise RunAlteredError("influences.parquet is not sorted by class")
            start = 0
            while start < len(rows):
                key = int(classes[start])
                stop = int(np.searchsorted(classes, key, side="right"))
                if key != current and pending:
                    yield current, pa.concat_tables(pending)
                    pending = []
                current = key
                pending.append(rows.slice(start, stop - start))
                start = stop
        if pending:
            yield current, pa.concat_tables(pending)


def write_table(folder: Path, name: str, table: pa.Table) -> FileInfo:
    """Writes one table of a run folder, whole or not at all.

    Args:
        folder: The run folder.
        name: One of `run_schema.TABLES`.
        table: Rows with exactly the schema's columns.

    Returns:
        Its sha256 and row count, for the manifest.
    """
    return commit_table(write_table_beside(folder, name, table), folder / f"{name}.parquet", table.num_rows)


def write_table_beside(folder: Path, name: str, table: pa.Table) -> Path:
    """Writes one table of a run folder under a temporary name, which is returned."""
    temporary = folder / f".{name}.parquet.tmp"
    try:
        pq.write_table(
            table.select(TABLES[name].names).cast(TABLES[name]),
            temporary,
            compression="zstd",
            row_group_size=ROW_GROUP_ROWS.get(name),
        )
    except OSError:  # a full disk
        temporary.unlink(missing_ok=True)
        raise
    return temporary


def commit_table(temporary: Path, path: Path, rows: int) -> FileInfo:
    """Gives a finished Parquet file its name and returns what the manifest says of it."""
    commit_file(temporary, path)
    return FileInfo(sha256=sha256_of(path), rows=rows)


def path_beside(folder: Path, name: str, sha256: str) -> Path:
    """Returns where the new file of a change waits for its name."""
    return folder / f".{name}.{sha256[:16]}.next"


def finish_change(folder: Path) -> None:
    """Finishes a change of tables that a crash cut short, or that is under way: any number may do it at once.

    Args:
        folder: The run folder.
    """
    try:
        coming = json.loads((folder / NEXT_MANIFEST).read_bytes())["files"]
        present = json.loads((folder / MANIFEST).read_bytes())["files"]
    except FileNotFoundError:
        return
    promised = {name: info["sha256"] for name, info in coming.items() if info != present.get(name)}
    waiting = {name: path_beside(folder, name, sha256) for name, sha256 in promised.items()}
    if any(not path.is_file() and not _holds(folder / name, promised[name]) for name, path in waiting.items()):
        return  # a copy of the folder without what was waiting: the change has never been made
    for name, path in waiting.items():
        with suppress(FileNotFoundError):
            commit_file(path, folder / name)
    with suppress(FileNotFoundError):
        commit_file(folder / NEXT_MANIFEST, folder / MANIFEST)


def _holds(path: Path, sha256: str) -> bool:
    return path.is_file() and sha256_of(path) == sha256


def writing_failed(folder: Path, error: OSError) -> RunFolderError:
    """Returns the error for a job that the disk has let down, with what to do about it."""
    hint = "check the rights on the folder"
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        hint = "make room on the disk, then run the same command again: it continues"
    return RunFolderError(f"writing {folder} failed: {error.strerror or error}", hint=hint)


def _conform(table: pa.Table, name: str) -> pa.Table:
    schema = TABLES[name]
    try:
        return table.select(schema.names).cast(schema)
    except (KeyError, pa.ArrowInvalid, ValueError) as error:
        raise RunAlteredError(
            f"{name}.parquet does not have the columns of format {FORMAT_VERSION}: {error}"
        ) from error


def _check_file(folder: Path, name: str, info: FileInfo, *, verify: bool) -> None:
    path = folder / name
    remake = "make the run again with `arete ingest`, or restore the folder from a copy"
    if not path.is_file():
        raise RunAlteredError(f"{path} is missing, but {MANIFEST} lists it", hint=remake)
    if not verify:
        return
    found = sha256_of(path)
    if found != info.sha256:
        raise RunAlteredError(
            f"{path} was edited after the run was made: sha256 {info.sha256[:12]}… expected, {found[:12]}… found",
            hint=remake,
        )
