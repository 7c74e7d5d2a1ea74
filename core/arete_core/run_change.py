"""Adds tables to a run folder that is whole, or replaces some: all of them or none, whatever happens on the way.

1. Write the new tables beside the old ones, under names that hold their content's hash.
2. Write the manifest that the folder is to have beside the present one. From here on the change is made: whoever opens
   the folder finishes it.
3. Rename the tables, then the manifest.

Killed before 2, nothing has changed but for files that the next change clears away.
"""

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import pyarrow as pa

from arete_core.files import sha256_of, sync_file, write_bytes_atomically
from arete_core.manifest import FileInfo, manifest_bytes
from arete_core.run_folder import NEXT_MANIFEST, RunFolder, finish_change, path_beside, write_table_beside
from arete_core.run_schema import FORMAT_VERSION


def change_tables(
    folder: RunFolder, tables: Mapping[str, pa.Table], *, pictures: Mapping[str, dict[str, Any]] | None = None
) -> RunFolder:
    """Adds or replaces tables of a whole run folder. The caller holds the folder's lock (`run_lock.locked`).

    Args:
        folder: The run folder, as it was opened under the lock.
        tables: By name, with exactly the schema's columns.
        pictures: Entries of the manifest's `pictures` to add or replace.

    Returns:
        The folder as it is now. Where tables and entries are what they were, nothing but its format version may change.

    Raises:
        OSError: If the disk is full, say; the folder is then as it was before.
    """
    for left in folder.path.glob(".*.next"):
        if left.name != NEXT_MANIFEST:
            left.unlink(missing_ok=True)
    files = dict(folder.manifest.files)
    waiting: list[Path] = []
    try:
        for name, table in tables.items():
            file = f"{name}.parquet"
            temporary = write_table_beside(folder.path, name, table)
            waiting.append(temporary)
            info = FileInfo(sha256=sha256_of(temporary), rows=table.num_rows)
            if files.get(file) == info:
                temporary.unlink()
                continue
            files[file] = info
            waiting[-1] = temporary.replace(path_beside(folder.path, file, files[file].sha256))
            sync_file(waiting[-1])
        update = {
            "format_version": FORMAT_VERSION,
            "files": files,
            "pictures": {**folder.manifest.pictures, **(pictures or {})},
        }
        manifest = folder.manifest.model_copy(update=update)
        write_bytes_atomically(folder.path / NEXT_MANIFEST, manifest_bytes(manifest))
    except BaseException:
        for path in waiting:
            with suppress(OSError):
                path.unlink(missing_ok=True)
        raise
    finish_change(folder.path)
    return RunFolder.open(folder.path, verify=False)
