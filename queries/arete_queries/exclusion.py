"""Excludes channels of a loaded run, or takes them in again: only the classes that touch them are ranked anew.

Counts are not changed. The mark on the channels and the list of classes to rank are one transaction, and so is the
replacing of each class's ranks and attribution graph; readers see a class as it was before or as it is now. Until all
are done some classes are still ranked as before. Killed in between, the next exclusion or load of the run goes on.

Time: a class of 200,000 edges takes some 2 s, most of it for reading them from the database.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from arete_core.class_data import ClassData
from arete_core.errors import NotFoundError, RunFolderError
from arete_core.exclusions import BY_HAND, exclude_channels, excluded_channels, find_channels, given_graphs
from arete_core.extract import extract
from arete_core.ids import channel_id, check_run_id
from arete_core.layout import Layout
from arete_core.progress import Progress, SilentProgress
from arete_core.rank import rank_class
from arete_core.run_folder import RunFolder
from arete_queries.arguments import check_text
from arete_queries.hold import hold_run
from arete_queries.run_rows import GIVEN
from arete_queries.runner import QueryRunner
from arete_queries.write_class import TIMEOUT_S, rewrite_ranking


@dataclass(frozen=True)
class ExclusionReport:
    """What an exclusion changed.

    Attributes:
        run: The run's id.
        channels: Ids of the channels that were not so before, `run/layer/channel`.
        classes_ranked: Classes that were ranked anew.
        excluded: Ids of all channels of the run that are excluded now.
    """

    run: str
    channels: tuple[str, ...]
    classes_ranked: int
    excluded: tuple[str, ...]


@dataclass(frozen=True)
class ExclusionState:
    """What is excluded in a run (channel ids, by layer and index), and how many classes are still ranked as before."""

    excluded: tuple[str, ...]
    classes_to_rank: int


async def exclusion_state(runner: QueryRunner, run: str) -> ExclusionState:
    """Says which channels of a run are excluded, and whether all classes are ranked accordingly.

    Args:
        runner: The database.
        run: The run's id.

    Returns:
        The state; nothing is excluded in a run that is not there.
    """
    asked = {"run": check_text("run", run)}
    found = await runner.run("excluded_channels", asked)
    return ExclusionState(tuple(row["id"] for row in found), len(await runner.run("stale_classes", asked)))


async def exclude(
    runner: QueryRunner,
    run: str,
    channels: Sequence[str],
    *,
    reason: str = BY_HAND,
    include: bool = False,
    progress: Progress | None = None,
    on_marked: Callable[[], None] | None = None,
) -> ExclusionReport:
    """Excludes channels of a loaded run, and of its run folder where that lies where it was loaded from.

    Args:
        runner: The database.
        run: The run's id.
        channels: As `layer/channel`; may be none, to finish an exclusion that was cut short.
        reason: Why.
        include: Take them in again instead.
        progress: Told class by class.
        on_marked: Called once the channels are marked in the database; what comes then may take long.

    Returns:
        What was changed.

    Raises:
        NotFoundError: If there is no such run that is complete, or no such layer or channel.
        SettingError: If a text is no channel's id, or the run's ranks are given.
        RunConflictError: If a loader or another exclusion is at work on it.
        DatabaseError: If the database fails or cannot be reached; the same call goes on then.
    """
    progress = progress or SilentProgress()
    async with hold_run(runner, check_run_id(run)):
        if any(row["ranking"] == GIVEN for row in await runner.run("load_state", {"run": run})):
            raise given_graphs(run)
        report = await _exclude(
            runner, run, channels, reason=reason, include=include, progress=progress, on_marked=on_marked
        )
        state = (await runner.run("load_state", {"run": run}))[0]
        folder = _own_folder(state)
        if folder is None:
            progress.say(f"{state['folder']} is no longer the run folder of {run}: only the database was changed")
        elif channels:
            # What the folder excluded before may differ: only what was asked for here is changed in both.
            changed, _ = exclude_channels(folder.path, channels, reason=reason, include=include)
            if state["manifestSha256"] == folder.manifest_sha256:
                await runner.run("set_run_manifest", {"run": run, "manifestSha256": changed.manifest_sha256})
        return report


def _own_folder(state: Mapping[str, str]) -> RunFolder | None:
    """Opens the folder that a run was loaded from, where it is still that of the same counts."""
    try:
        folder = RunFolder.open(state["folder"], verify=False)
    except RunFolderError:
        return None
    return folder if folder.numbers_sha256 == state["numbersSha256"] else None


async def _exclude(
    runner: QueryRunner,
    run: str,
    channels: Sequence[str],
    *,
    reason: str = BY_HAND,
    include: bool = False,
    progress: Progress,
    on_marked: Callable[[], None] | None = None,
) -> ExclusionReport:
    layers = [row["layer"] for row in await runner.run("layers", {"run": run})]
    if not layers:
        raise NotFoundError("run", run, hint="list the runs with `arete runs`")
    names = [layer["name"] for layer in layers]
    wanted = find_channels(channels, names, [layer["channels"] for layer in layers])
    before = {row["id"] for row in await runner.run("excluded_channels", {"run": run})}
    ids = [channel_id(run, names[layer], channel) for layer, channel in wanted]
    changed = [id_ for id_ in ids if (id_ in before) is include]
    if changed:
        await runner.run(
            "mark_excluded",
            {
                "run": run,
                "channels": changed,
                "excluded": not include,
                "reason": None if include else " ".join(reason.split()),
            },
            timeout_s=TIMEOUT_S,
        )
    if on_marked is not None:
        on_marked()
    ranked = await rank_stale(runner, run, progress)
    now = await runner.run("excluded_channels", {"run": run})
    return ExclusionReport(run, tuple(changed), ranked, tuple(row["id"] for row in now))


async def take_over_exclusions(runner: QueryRunner, folder: RunFolder, progress: Progress) -> int:
    """Makes a loaded run exclude what its run folder excludes, neither more nor less.

    Args:
        runner: The database.
        folder: The folder, of the same counts as the loaded run.
        progress: Told class by class.

    Returns:
        Number of classes that were ranked anew.

    Raises:
        DatabaseError: If the database fails or cannot be reached; the same call goes on then.
    """
    run = folder.manifest.id
    names = folder.table("layers").sort_by("layer").column("name").to_pylist()
    wanted = {f"{names[layer]}/{channel}": why for (layer, channel), why in excluded_channels(folder).items()}
    held = {row["id"].removeprefix(f"{run}/") for row in await runner.run("excluded_channels", {"run": run})}
    ranked = 0
    for reason, channels in _by_reason(wanted, held).items():
        report = await _exclude(runner, run, channels, reason=reason, progress=progress)
        ranked += report.classes_ranked
    gone = sorted(held - wanted.keys())
    if gone:
        ranked += (await _exclude(runner, run, gone, include=True, progress=progress)).classes_ranked
    return ranked


async def rank_stale(runner: QueryRunner, run: str, progress: Progress) -> int:
    """Ranks the classes anew that an exclusion has marked.

    Args:
        runner: The database.
        run: The run's id.
        progress: Told class by class.

    Returns:
        How many there were.

    Raises:
        DatabaseError: If the database fails or cannot be reached; the same call goes on then.
    """
    stale = await runner.run("stale_classes", {"run": run})
    if not stale:
        return 0
    layout = await _layout(runner, run)
    with progress.task(f"Rank {run} anew", total=len(stale), unit="classes") as task:
        for row in stale:
            data = await _class_data(runner, layout, row)
            await rewrite_ranking(runner, run, row["key"], data)
            task.advance()
    return len(stale)


def _by_reason(wanted: Mapping[str, str], held: set[str]) -> dict[str, list[str]]:
    grouped: dict[str, list[str]] = {}
    for channel, reason in wanted.items():
        if channel not in held:
            grouped.setdefault(reason, []).append(channel)
    return grouped


async def _layout(runner: QueryRunner, run: str) -> Layout:
    layers = [row["layer"] for row in await runner.run("layers", {"run": run})]
    places = {layer["id"]: layer["index"] for layer in layers}
    sizes = [layer["channels"] for layer in layers]
    parents = [[places[parent] for parent in layer["parents"]] for layer in layers]
    excluded = np.zeros(sum(sizes), np.bool_)
    offsets = np.concatenate([[0], np.cumsum(sizes)])
    for row in await runner.run("excluded_channels", {"run": run}):
        excluded[offsets[row["layer"]] + row["index"]] = True
    return Layout.make(sizes, parents, excluded)


async def _class_data(runner: QueryRunner, layout: Layout, row: Mapping[str, int | float]) -> ClassData:
    key = row["key"]
    active = (await runner.run("counts_of_class", {"class": key}, timeout_s=TIMEOUT_S))[0]
    edges = (await runner.run("edges_of_class", {"class": key}, timeout_s=TIMEOUT_S))[0]

    def places(layers: str, channels: str, found: Mapping[str, list[int]]) -> np.ndarray:
        return layout.offsets[np.array(found[layers], np.int64)] + np.array(found[channels], np.int64)

    counts = np.zeros(layout.channel_count, np.int64)
    counts[places("layers", "channels", active)] = active["counts"]
    sources, targets = places("sourceLayers", "sources", edges), places("targetLayers", "targets", edges)
    # The loader's order, so that the same counts give the same ranks to the last bit.
    order = np.lexsort((sources, targets))
    sources, targets = sources[order], targets[order]
    weights = np.array(edges["counts"], np.int64)[order]
    ranks = rank_class(layout, counts, sources, targets, weights)
    extraction = extract(layout, ranks, sources, targets)
    dropped = float(row["droppedShare"])
    return ClassData(int(row["index"]), -1, counts, ranks, sources, targets, weights, extraction, dropped)
