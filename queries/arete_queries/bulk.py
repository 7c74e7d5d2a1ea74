"""Run folders to a new store of the embedded engine, by the offline importer: for runs of many millions of edges.

1. With the engine stopped and its folder locked, look at what the database holds. Runs that are there come along:
   they are imported anew out of their run folders. What cannot come along is a reason to refuse.
2. Rank all classes and write the importer's files (`bulk_files`).
3. Import them into a new store beside the old one. The importer stops at anything that does not fit together.
4. Start an engine on the new store; make indexes and constraints; set the nodes' properties with the statements of the
   online load; count every class's relationships, compare numbers and sums with the run folder, and only then show it.
5. Stop that engine and put the new store into the old one's place (`engine.swap`).

Until step 5 the old store is not touched. Killed at any moment, the next start of the engine finds the old store or the
whole new one, and clears away the rest.
"""

import asyncio
import shutil
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from arete_core.errors import BadInput, EngineError, LoadError, RunConflictError, RunFolderError
from arete_core.files import write_bytes_atomically
from arete_core.ids import check_run_id
from arete_core.progress import Progress, SilentProgress, Task
from arete_core.run_folder import RunFolder
from arete_queries.bulk_files import BulkRun, plan_runs, write_bulk_files
from arete_queries.embeddings import load_embeddings
from arete_queries.engine.auth import ensure_password, make_private
from arete_queries.engine.backup import hold_store
from arete_queries.engine.config import EngineAddress, EngineSettings
from arete_queries.engine.host import free_disk_mb
from arete_queries.engine.importer import ImportReport, import_store
from arete_queries.engine.process import start_locked
from arete_queries.engine.swap import swap_store
from arete_queries.graph_schema import prepare_schema
from arete_queries.load import LoadReport, complete_run, conflict, make_nodes
from arete_queries.load_examples import load_examples
from arete_queries.run_rows import class_rows
from arete_queries.runner import QueryRunner
from arete_queries.scores import load_scores
from arete_queries.write_class import ClassSummary, show_class, together

_LABELS: Final = ["Run", "Layer", "Channel", "Class", "Load", "Image"]
_EDGE_BYTES: Final = 180  # 34 of relationship, 41 of properties, 48 of index, a third more in the importer's own files
_INDEX_WAIT_S: Final = 12 * 3600.0
_ENGINE_WAIT_S: Final = 900.0  # to start, and to write all pages at a stop: a minute or two with 100 million edges
_CHECKS_AT_ONCE: Final = 2


@dataclass(frozen=True)
class BulkReport:
    """What a bulk load did.

    Attributes:
        runs: Of each run that was asked for, in the same order.
        kept: Ids of the runs that were in the database before and came along.
        files_s: Seconds for ranking and writing the importer's files.
        import_s: Seconds that the importer took.
        check_s: Seconds for indexes, properties and comparing.
        elapsed_s: Seconds for all of it.
    """

    runs: tuple[LoadReport, ...]
    kept: tuple[str, ...] = ()
    files_s: float = 0.0
    import_s: float = 0.0
    check_s: float = 0.0
    elapsed_s: float = 0.0


def bulk_load(
    settings: EngineSettings,
    folders: Sequence[RunFolder],
    *,
    min_share: float = 0.0,
    replace_runs: bool = False,
    progress: Progress | None = None,
) -> BulkReport:
    """Loads run folders into a new store of the embedded engine, which must not be running.

    Args:
        settings: Names the engine's data folder.
        folders: Whole run folders, of different ids.
        min_share: As for `load_run`, of these folders; runs that come along keep theirs.
        replace_runs: Leave out runs of the same id that were made of other numbers or with another `min_share`.
        progress: Told at each step.

    Returns:
        What was done; nothing where all of the runs are there already.

    Raises:
        BadInput: If `min_share` is not within 0 to 1, or two folders have the same id.
        RunConflictError: If the database holds another run of an id, or something that no run folder holds.
        RunFolderError: If a run folder's tables do not fit together, or that of a run to come along is gone.
        LoadError: If the new store does not hold what the run folders do; the old one stays.
        StoreLockedError: If the engine is running.
        EngineError: If the disk is too small, or importer or engine fail; the old store stays.
    """
    if not 0 <= min_share <= 1:
        raise BadInput(f"min_share: a share of 0 to 1 was expected, found {min_share}")
    ids = [check_run_id(folder.manifest.id) for folder in folders]
    if len(set(ids)) < len(ids):
        raise BadInput(f"each run once was expected, found {', '.join(ids)}", hint="give one of them another id")
    progress = progress or SilentProgress()
    started = time.perf_counter()
    why = "a bulk load puts a new store into its place"
    with hold_store(settings, why, instead="or load without --bulk, which a running engine can do") as lock:
        states = _held_runs(settings, lock, progress)
        kept = [_come_along(state) for state in states if state["run"] not in ids and state["state"] != "deleting"]
        if _all_there(states, folders, min_share, replace_runs=replace_runs):
            return BulkReport(tuple(LoadReport(folder.manifest.id, len(folder.table("classes"))) for folder in folders))
        wanted = kept + [(folder, float(min_share)) for folder in folders]
        _check_disk(settings, [folder for folder, _ in wanted])
        report = _build(settings, wanted, lock, progress)
    elapsed_s = time.perf_counter() - started
    return replace(
        report,
        runs=tuple(replace(run, elapsed_s=elapsed_s) for run in report.runs[len(kept) :]),
        kept=tuple(folder.manifest.id for folder, _ in kept),
        elapsed_s=elapsed_s,
    )


def _held_runs(settings: EngineSettings, lock: int, progress: Progress) -> list[dict[str, Any]]:
    """Returns the runs that the database holds, and raises where it holds something else too."""
    if not settings.paths.databases.exists():
        return []

    async def look(address: EngineAddress) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
        async with await QueryRunner.connect(address.bolt_url, address.user, address.password) as runner:
            return await runner.run("held_runs"), await runner.run("foreign_nodes", {"known": _LABELS})

    with start_locked(settings, lock, progress=progress) as engine:
        runs, foreign = asyncio.run(look(engine.address))
    if foreign:
        what = ", ".join(f"{row['nodes']:,} {row['what']}" for row in foreign)
        raise RunConflictError(
            f"the database holds what no run folder has: {what}; a bulk load makes a new store and would lose it",
            hint="load without --bulk",
        )
    return runs


def _come_along(state: dict[str, Any]) -> tuple[RunFolder, float]:
    """Opens the run folder of a run that the database holds and that is to stay."""
    hint = "load without --bulk; or put the folder back; or take the run out with `arete delete " + state["run"] + "`"
    what = f"the database holds run {state['run']!r}, which a bulk load imports anew from its run folder"
    try:
        folder = RunFolder.open(state["folder"])
    except RunFolderError as error:
        raise RunFolderError(f"{what}: {error.message}", hint=hint) from error
    if folder.manifest.id != state["run"] or folder.manifest_sha256 != state["manifestSha256"]:
        raise RunFolderError(f"{what}: {folder.path} holds something else by now", hint=hint)
    return folder, state["minShare"]


def _all_there(
    states: Sequence[dict[str, Any]], folders: Sequence[RunFolder], min_share: float, *, replace_runs: bool
) -> bool:
    """Returns whether all folders are loaded already; raises where one is, but with other numbers."""
    by_id = {state["run"]: state for state in states}
    there = []
    for folder in folders:
        state = by_id.get(folder.manifest.id)
        same = state is not None and (state["numbersSha256"], state["minShare"]) == (folder.numbers_sha256, min_share)
        if state is not None and state["state"] != "deleting" and not same and not replace_runs:
            raise conflict(state, folder, min_share)
        exclusions = state is not None and state["manifestSha256"] == folder.manifest_sha256
        there.append(state is not None and same and exclusions and state["state"] == "complete")
    return all(there)


def _check_disk(settings: EngineSettings, folders: Sequence[RunFolder]) -> None:
    edges = sum(folder.manifest.files["influences.parquet"].rows for folder in folders)
    needed_mb = edges * _EDGE_BYTES // 2**20
    free_mb = free_disk_mb(settings.paths.root)
    if needed_mb > free_mb:
        raise EngineError(
            f"a new store of {edges:,} edges takes about {needed_mb:,} MiB, {settings.paths.root} has {free_mb:,} MiB",
            hint="free some disk space, use another data folder (ARETE_HOME), or drop weak edges with --min-share",
        )


def _build(
    settings: EngineSettings, wanted: Sequence[tuple[RunFolder, float]], lock: int, progress: Progress
) -> BulkReport:
    paths = settings.paths
    new = replace(
        settings,
        home=paths.bulk,
        jars_folder=settings.jars,
        bolt_port=0,
        http_port=0,
        read_only=False,
        start_timeout_s=max(settings.start_timeout_s, _ENGINE_WAIT_S),
        stop_timeout_s=max(settings.stop_timeout_s, _ENGINE_WAIT_S),
    )
    make_private(new.paths.root)
    write_bytes_atomically(new.paths.password, ensure_password(paths).encode(), mode=0o600)
    files = paths.bulk / "files"
    files.mkdir()
    started = time.perf_counter()
    runs = plan_runs(wanted)
    written = write_bulk_files(files, runs, progress)
    ranked = time.perf_counter()
    imported = import_store(new, written, lock=lock, progress=progress)
    _check_import(runs, imported)
    shutil.rmtree(files)
    done = time.perf_counter()
    with start_locked(new, lock, progress=progress) as engine:
        asyncio.run(_finish(engine.address, runs, progress))
    swap_store(paths, new.paths.data)
    return BulkReport(
        tuple(_report(run) for run in runs),
        files_s=ranked - started,
        import_s=done - ranked,
        check_s=time.perf_counter() - done,
    )


def _check_import(runs: Sequence[BulkRun], imported: ImportReport) -> None:
    sent = {
        "nodes": sum(run.data.layout.channel_count + run.data.class_count for run in runs),
        "relationships": sum(
            class_.held["activations"] + class_.held["influences"] + class_.held["attributes"]
            for run in runs
            for class_ in run.classes
        ),
    }
    for name, count in sent.items():
        found = getattr(imported, name)
        if found != count:
            raise LoadError(f"importer: {count:,} {name} sent, {found:,} stored", hint="load without --bulk")


async def _finish(address: EngineAddress, runs: Sequence[BulkRun], progress: Progress) -> None:
    """Completes the nodes of a new store, and shows every class and run once it is known to be whole."""
    async with await QueryRunner.connect(address.bolt_url, address.user, address.password) as runner:
        with progress.task("Build indexes", total=None, unit="s"):
            await prepare_schema(runner, wait_s=_INDEX_WAIT_S)
        for run in runs:
            await make_nodes(runner, run.folder, run.data, run.min_share)
            rows = class_rows(run.id, run.data, run.first_key)
            await runner.run("create_classes", {"run": run.id, "classes": rows})
            with progress.task(f"Check {run.id}", total=len(run.classes), unit="classes") as task:
                places = iter(enumerate(run.classes))
                await together(*(_check(runner, run, places, task) for _ in range(_CHECKS_AT_ONCE)))
            await load_scores(runner, run.folder)
            await load_embeddings(runner, run.folder)
            await load_examples(runner, run.folder)
            await complete_run(runner, run.id, run.data)


async def _check(runner: QueryRunner, run: BulkRun, places: Iterator[tuple[int, ClassSummary]], task: Task) -> None:
    """Compares and shows the classes that nobody else has taken yet."""
    for row, summary in places:
        await show_class(runner, run.id, run.first_key + row, summary)
        task.advance()


def _report(run: BulkRun) -> LoadReport:
    names = run.data.classes.column("name").to_pylist()
    return LoadReport(
        run=run.id,
        classes=len(run.classes),
        classes_loaded=len(run.classes),
        without_graph=tuple(name for name, class_ in zip(names, run.classes, strict=True) if class_.mass is None),
        edges=sum(class_.held["influences"] for class_ in run.classes),
        attribution_edges=sum(class_.held["attributes"] for class_ in run.classes),
        dropped_share=max((class_.dropped_share for class_ in run.classes), default=0.0),
    )
