"""Runs Neo4j's offline importer on Parquet files: into an empty store, some hundred thousand edges a second.

It stops at the first relationship whose end is missing and at the first node
that is there twice: what it makes is all that the files hold, or no store at all.
"""

import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from arete_core.errors import EngineError
from arete_core.progress import Progress
from arete_queries.engine.admin import run_admin
from arete_queries.engine.config import DATABASE, EngineSettings
from arete_queries.engine.failures import console_tail, last_lines
from arete_queries.engine.host import available_memory_mb

_STAGES = 4  # nodes, relationships, linking, post processing
_LEAST_OFF_HEAP_MB = 1024  # what the importer says it takes for a million relationships
_DONE = re.compile(r"IMPORT DONE.*?Imported:\s+(\d+) nodes\s+(\d+) relationships", re.DOTALL)
_STAGE = re.compile(r"^\((\d)/\d\)", re.MULTILINE)
_PERCENT = re.compile(r"(\d+)% ∆")


@dataclass(frozen=True, slots=True)
class ImportFiles:
    """What is imported.

    Attributes:
        nodes: Parquet files by label.
        relationships: Parquet files by type.
    """

    nodes: Mapping[str, Sequence[Path]]
    relationships: Mapping[str, Sequence[Path]]


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What the importer said at its end.

    Attributes:
        nodes: Nodes in the new store.
        relationships: Relationships in the new store.
        elapsed_s: From its start until its end, the start of Java included.
    """

    nodes: int
    relationships: int
    elapsed_s: float


def import_store(settings: EngineSettings, files: ImportFiles, *, lock: int, progress: Progress) -> ImportReport:
    """Makes a new store out of Parquet files.

    Args:
        settings: Names the data folder, which has no store yet, and the heap.
        files: What to import; ids are integers.
        lock: Descriptor of the engine's lock; the importer inherits it.
        progress: Told in percent.

    Returns:
        What the new store holds.

    Raises:
        EngineError: The importer ended otherwise than well; the message holds its last lines.
    """
    paths = settings.paths
    arguments = import_arguments(files, off_heap_mb=max((available_memory_mb() or 0) // 2, _LEAST_OFF_HEAP_MB))
    started = time.monotonic()
    code = run_admin(
        settings, arguments, lock=lock, progress=progress, what="Import into a new store", done=percent_done
    )
    text = paths.console.read_text(encoding="utf-8", errors="replace")
    done = _DONE.search(text)
    if code != 0 or done is None:
        raise EngineError(
            f"the importer ended with code {code}:\n{last_lines(console_tail(paths.console), 6)}",
            hint="look for room on the disk and in memory; without --bulk less of both is needed",
        )
    return ImportReport(int(done[1]), int(done[2]), time.monotonic() - started)


def import_arguments(files: ImportFiles, *, off_heap_mb: int) -> list[str]:
    """Returns the importer's arguments.

    Args:
        files: What to import.
        off_heap_mb: Memory beside the Java heap, in MiB.
    """
    return [
        *("database", "import", "full", DATABASE, "--input-type=parquet", "--id-type=integer"),
        # By default it leaves out what does not fit together, and ends well.
        *("--strict=true", "--skip-bad-relationships=false", "--skip-duplicate-nodes=false", "--bad-tolerance=0"),
        f"--max-off-heap-memory={off_heap_mb}m",
        *(f"--nodes={label}={_joined(paths)}" for label, paths in files.nodes.items()),
        *(f"--relationships={type_}={_joined(paths)}" for type_, paths in files.relationships.items()),
    ]


def _joined(paths: Sequence[Path]) -> str:
    return ",".join(str(path) for path in paths)


def percent_done(text: str) -> int:
    """Reads from the end of the importer's output how far it is, in percent; its stages count the same."""
    stages = _STAGE.findall(text)
    if not stages:
        return 0
    percents = _PERCENT.findall(text.rpartition(f"({stages[-1]}/")[2])
    return ((int(stages[-1]) - 1) * 100 + int(percents[-1] if percents else 0)) // _STAGES
