"""Run folder to database: each class absent or complete, whatever happens on the way.

A run's node and its classes are invisible to readers until they say `state: 'complete'`. Per class: mark it as loading,
take away what an interrupted load left, write in batches, then count what the database holds, compare it with what was
sent, and set the state in the same transaction. The run itself becomes complete last. A killed load goes on where it
stopped; loading a complete run again does nothing.

While one loader is at work on a run it holds an uncommitted `Load` node: a second one waits for it at a uniqueness
constraint, for a moment, and then refuses. A loader that dies loses its connection, and with it the lock.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from arete_core.class_data import ClassData, RunData
from arete_core.errors import BadInput, LoadError, RunConflictError
from arete_core.ids import check_run_id
from arete_core.progress import Progress, SilentProgress
from arete_core.run_folder import RunFolder
from arete_queries.delete import delete_nodes
from arete_queries.embeddings import load_embeddings
from arete_queries.exclusion import rank_stale, take_over_exclusions
from arete_queries.graph_schema import prepare_schema
from arete_queries.hold import hold_run
from arete_queries.load_examples import load_examples
from arete_queries.run_rows import channel_rows, class_rows, layer_rows, run_properties
from arete_queries.runner import QueryRunner
from arete_queries.scores import load_scores
from arete_queries.write_class import TIMEOUT_S, clear_class, shortfall, write_class

_NODE_BATCH: Final = 2_000
_CLASS_KEYS: Final = "/class-keys"
"""Lock on the handing out of class keys; no run's id holds a slash."""


@dataclass(frozen=True)
class LoadReport:
    """What a load did.

    Attributes:
        run: The run's id.
        classes: Classes that the run holds now, all complete.
        classes_loaded: Classes written by this load; 0 where all were there already.
        without_graph: Names of the written classes for which no mass up to 100% connects every layer.
        edges: Influence edges written by this load.
        attribution_edges: How many of them are also in an attribution graph.
        dropped_share: Largest share of a written class's influence counts that `min_share` left out.
        elapsed_s: Seconds that it took.
        folder_changed: Of a run that was there already: whether its run folder says more or other things than when it
            was loaded.
        places: Of such a run: classes' places on the layers' maps that were taken over.
        classes_ranked: Of such a run: classes that were ranked anew, as other channels are excluded now.
    """

    run: str
    classes: int
    classes_loaded: int = 0
    without_graph: tuple[str, ...] = ()
    edges: int = 0
    attribution_edges: int = 0
    dropped_share: float = 0.0
    elapsed_s: float = 0.0
    folder_changed: bool = False
    places: int = 0
    classes_ranked: int = 0


async def load_run(
    runner: QueryRunner,
    folder: RunFolder,
    *,
    min_share: float = 0.0,
    replace: bool = False,
    progress: Progress | None = None,
) -> LoadReport:
    """Loads a run folder into the database.

    Args:
        runner: The database.
        folder: A whole run folder.
        min_share: Leave out edges that are seen in less than this share of a class's images, 0 to 1. The share of
            counts that was left out is noted on each class, and ranks are computed from the rest.
        replace: Delete a run of the same id first if it was made of other numbers or with another `min_share`.
        progress: Told class by class.

    Returns:
        What was done.

    Raises:
        BadInput: If `min_share` is not within 0 to 1.
        RunConflictError: If the database holds another run of this id, or another loader is at work on it.
        RunFolderError: If the run folder's tables do not fit together.
        LoadError: If the database does not hold what was sent.
        DatabaseError: If the database fails or cannot be reached.
    """
    if not 0 <= min_share <= 1:
        raise BadInput(f"min_share: a share of 0 to 1 was expected, found {min_share}")
    started = time.perf_counter()
    run = check_run_id(folder.manifest.id)
    loader = _Loader(runner, folder, float(min_share), progress or SilentProgress())
    await prepare_schema(runner)
    async with hold_run(runner, run):
        report = await loader.load(replace=replace)
    return LoadReport(**{**vars(report), "elapsed_s": time.perf_counter() - started})


class _Loader:
    """One load of one run folder."""

    def __init__(self, runner: QueryRunner, folder: RunFolder, min_share: float, progress: Progress) -> None:
        self._runner = runner
        self._folder = folder
        self._run = folder.manifest.id
        self._min_share = min_share
        self._progress = progress

    async def load(self, *, replace: bool) -> LoadReport:
        """Does what `load_run` describes, the lock being held."""
        there = await self._already_there(replace=replace)
        if there is not None:
            return there
        data = await asyncio.to_thread(RunData, self._folder, min_share=self._min_share)
        states = await self._make_nodes(data)
        missing = np.array([state["state"] != "complete" for state in states], dtype=np.bool_)
        loaded, edges, attribution_edges, dropped_share = 0, 0, 0, 0.0
        without_graph: list[str] = []
        names = data.classes.column("name").to_pylist()
        done = int((~missing).sum())
        with self._progress.task(f"Load {self._run}", total=len(states), unit="classes", done=done) as task:
            async for class_ in _ahead(data, missing):
                state = states[class_.row]
                if state["state"] == "loading":
                    await clear_class(self._runner, state["key"])
                await write_class(self._runner, self._run, state["key"], class_)
                loaded += 1
                edges += len(class_.weights)
                attribution_edges += int(class_.extraction.kept_edges.sum())
                dropped_share = max(dropped_share, class_.dropped_share)
                if class_.extraction.mass is None:
                    without_graph.append(names[class_.row])
                task.advance()
        await load_scores(self._runner, self._folder)
        await load_embeddings(self._runner, self._folder)
        await load_examples(self._runner, self._folder)
        await complete_run(self._runner, self._run, data)
        if without_graph:
            self._progress.say(
                f"{len(without_graph)} classes have no attribution graph, no share of rank mass connects every layer: "
                + ", ".join(without_graph[:10])
            )
        return LoadReport(self._run, len(states), loaded, tuple(without_graph), edges, attribution_edges, dropped_share)

    async def _already_there(self, *, replace: bool) -> LoadReport | None:
        """Returns what was done where the run is complete already; else whatever stands in the way is gone."""
        found = await self._runner.run("load_state", {"run": self._run})
        if not found:
            return None
        state = found[0]
        same = (state["numbersSha256"], state["minShare"]) == (self._folder.numbers_sha256, self._min_share)
        if same and state["state"] != "deleting":
            if state["folder"] != str(self._folder.path):
                await self._runner.run("set_run_folder", {"run": self._run, "folder": str(self._folder.path)})
            if state["state"] == "complete":
                return await self._take_over_changes(state["manifestSha256"])
            if state["manifestSha256"] == self._folder.manifest_sha256:
                return None
            # Other exclusions than those that a part of the classes were ranked with: all of them anew.
        if not same and not replace:
            raise conflict(state, self._folder, self._min_share)
        await delete_nodes(self._runner, self._run, self._progress)
        return None

    async def _take_over_changes(self, manifest_sha256: str) -> LoadReport:
        """Takes over what was changed in the run folder since, or was cut short: exclusions and embeddings."""
        changed = manifest_sha256 != self._folder.manifest_sha256
        places = 0
        if changed:
            ranked = await take_over_exclusions(self._runner, self._folder, self._progress)
            places = await load_embeddings(self._runner, self._folder)
            manifest = {"run": self._run, "manifestSha256": self._folder.manifest_sha256}
            await self._runner.run("set_run_manifest", manifest)
        else:
            ranked = await rank_stale(self._runner, self._run, self._progress)
        classes = len(await self._runner.run("class_states", {"run": self._run}))
        return LoadReport(self._run, classes, folder_changed=changed, places=places, classes_ranked=ranked)

    async def _make_nodes(self, data: RunData) -> list[dict[str, Any]]:
        """Makes run, layers, channels and classes where missing, and returns the classes' states in order of index."""
        await make_nodes(self._runner, self._folder, data, self._min_share)
        states = await self._runner.run("class_states", {"run": self._run})
        if not states:
            async with self._runner.transaction("create_classes", timeout_s=TIMEOUT_S) as transaction:
                await transaction.run("lock_load", {"id": _CLASS_KEYS})
                first = (await transaction.run("next_class_key"))[0]["key"]
                rows = class_rows(self._run, data, first)
                await transaction.run("create_classes", {"run": self._run, "classes": rows})
                await transaction.run("unlock_load", {"id": _CLASS_KEYS})
            states = await self._runner.run("class_states", {"run": self._run})
        return states


def conflict(state: Mapping[str, Any], folder: RunFolder, min_share: float) -> RunConflictError:
    """Returns the error for a run that the database holds with other numbers.

    Args:
        state: Its row of `load_state`.
        folder: What was to be loaded.
        min_share: What it was to be loaded with.

    Returns:
        The error, which says what differs.
    """
    what = (
        f"with min_share {state['minShare']:g}, not {min_share:g}"
        if state["numbersSha256"] == folder.numbers_sha256
        else f"made from other numbers (manifest {state['manifestSha256'][:12]}…, not {folder.manifest_sha256[:12]}…)"
    )
    return RunConflictError(
        f"the database holds a run {folder.manifest.id!r} already, {what}",
        hint="replace it with --replace, or give one of the two another id",
    )


async def make_nodes(runner: QueryRunner, folder: RunFolder, data: RunData, min_share: float) -> None:
    """Makes a run's node, its layers and channels where they are missing, and sets their properties.

    Args:
        runner: The database.
        folder: The run folder.
        data: Its tables.
        min_share: What it is loaded with.

    Raises:
        DatabaseError: If the database fails or cannot be reached.
    """
    run = folder.manifest.id
    await runner.run("create_run", {"run": run, "properties": run_properties(folder, min_share)})
    await runner.run("create_layers", {"run": run, "layers": layer_rows(run, data)})
    for layer, rows in channel_rows(run, data, folder):
        for start in range(0, len(rows), _NODE_BATCH):
            await runner.run("create_channels", {"layer": layer, "channels": rows[start : start + _NODE_BATCH]})


async def complete_run(runner: QueryRunner, run: str, data: RunData) -> None:
    """Shows a run to readers if the database holds all of its nodes and all its classes are complete.

    Args:
        runner: The database.
        run: The run's id.
        data: Its tables.

    Raises:
        LoadError: If something is missing; the run stays invisible.
        DatabaseError: If the database fails or cannot be reached.
    """
    async with runner.transaction("complete_run", timeout_s=TIMEOUT_S) as transaction:
        held = (await transaction.run("count_run", {"run": run}))[0]
        sent = {
            "layers": len(data.layers),
            "channels": data.layout.channel_count,
            "classes": data.class_count,
            "completeClasses": data.class_count,
        }
        if held != sent:
            raise LoadError(f"run {run}: {shortfall(sent, held)}", hint="delete the run and load it again")
        await transaction.run("set_run_state", {"run": run, "state": "complete"})


async def _ahead(data: RunData, wanted: NDArray[np.bool_]) -> AsyncIterator[ClassData]:
    """Yields the wanted classes, ranking the next one in a thread while the caller writes the present one."""
    classes = data.each(wanted)
    coming = asyncio.create_task(asyncio.to_thread(next, classes, None))
    try:
        while (class_ := await coming) is not None:
            coming = asyncio.create_task(asyncio.to_thread(next, classes, None))
            yield class_
    finally:
        # A thread cannot be stopped: wait for it, so that nothing reads the folder after the load has ended.
        await asyncio.wait([coming])
