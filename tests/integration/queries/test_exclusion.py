"""Excluding channels of a loaded run: what a load of the changed folder would give, with only what it must ranked."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from loaded_runs import Dump, compute

from arete_core.errors import LoadError, NotFoundError, RunConflictError
from arete_core.exclusions import exclude_channels, excluded_channels
from arete_core.run_folder import RunFolder
from arete_queries import exclusion as exclusion_module
from arete_queries.exclusion import exclude
from arete_queries.hold import hold_run
from arete_queries.load import load_run
from arete_queries.reads import class_graph
from arete_queries.runner import QueryRunner
from run_builder import ClassSpec, LayerSpec, build_run, random_run

pytestmark = [pytest.mark.integration, pytest.mark.anyio, pytest.mark.usefixtures("clean_database")]

CHANNELS = ["block1/2", "block2/4"]


def without_folder(dump: Dump) -> Dump:
    """The folder's place and the manifest's hash, which say where a run came from and not what it is, left out."""
    nodes = [
        (labels, {key: value for key, value in properties.items() if key not in ("folder", "manifestSha256")})
        for labels, properties in dump["nodes"]
    ]
    return {**dump, "nodes": nodes}


@pytest.fixture
async def excluded_from_the_start(tmp_path: Path, runner: QueryRunner, dump: Callable[[], Dump], wipe: Any) -> Dump:
    """What the database holds after a load of a folder that excludes the channels already."""
    shutil.copytree(random_run(tmp_path / "run", pictures=True).path, tmp_path / "changed")
    folder, _ = exclude_channels(tmp_path / "changed", CHANNELS)
    await load_run(runner, folder)
    held = without_folder(dump())
    await wipe()
    return held


@pytest.fixture
def wipe(runner: QueryRunner) -> Callable[[], Any]:
    from arete_queries.delete import delete_run

    async def run() -> None:
        await delete_run(runner, "tiny")

    return run


async def test_it_gives_what_a_load_would(
    tmp_path: Path, runner: QueryRunner, dump: Callable[[], Dump], excluded_from_the_start: Dump
) -> None:
    run = RunFolder.open(tmp_path / "run")
    await load_run(runner, run)
    before = without_folder(dump())
    report = await exclude(runner, "tiny", CHANNELS)
    assert (report.channels, report.classes_ranked) == (("tiny/block1/2", "tiny/block2/4"), 3)
    assert without_folder(dump()) == excluded_from_the_start
    assert list(excluded_channels(RunFolder.open(run.path))) == [(1, 2), (2, 4)]
    assert (await load_run(runner, RunFolder.open(run.path))).classes_loaded == 0  # it is that run
    again = await exclude(runner, "tiny", CHANNELS)
    assert (again.channels, again.classes_ranked, again.excluded) == ((), 0, report.excluded)
    back = await exclude(runner, "tiny", CHANNELS, include=True)
    assert (len(back.channels), back.excluded) == (2, ())
    assert without_folder(dump()) == before
    assert RunFolder.open(run.path).manifest == run.manifest


async def test_load_takes_over_what_was_excluded_in_the_folder(
    tmp_path: Path, runner: QueryRunner, dump: Callable[[], Dump], excluded_from_the_start: Dump
) -> None:
    run = RunFolder.open(tmp_path / "run")
    await load_run(runner, run)
    await exclude(runner, "tiny", ["block0/0"])
    exclude_channels(run.path, ["block0/0"], include=True)
    folder, _ = exclude_channels(run.path, CHANNELS)
    report = await load_run(runner, folder)
    assert report.classes_loaded == 0
    assert without_folder(dump()) == excluded_from_the_start
    assert (await runner.run("load_state", {"run": "tiny"}))[0]["manifestSha256"] == folder.manifest_sha256


async def test_cut_short_it_goes_on(
    tmp_path: Path,
    runner: QueryRunner,
    dump: Callable[[], Dump],
    excluded_from_the_start: Dump,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    run = RunFolder.open(tmp_path / "run")
    await load_run(runner, run)
    before = await class_graph(runner, "tiny/2")
    rewrite, calls = exclusion_module.rewrite_ranking, []

    async def dying(*args: Any) -> None:
        calls.append(args)
        if len(calls) == 2:
            raise LoadError("the power went off")
        await rewrite(*args)

    monkeypatch.setattr(exclusion_module, "rewrite_ranking", dying)
    with pytest.raises(LoadError, match="power"):
        await exclude(runner, "tiny", CHANNELS)
    assert len(await runner.run("stale_classes", {"run": "tiny"})) == 2
    assert [one.rank for one in (await class_graph(runner, "tiny/2")).vertices] == [one.rank for one in before.vertices]
    report = await load_run(runner, RunFolder.open(run.path))  # or another exclusion
    assert report.classes_loaded == 0
    assert without_folder(dump()) == excluded_from_the_start
    assert await runner.run("stale_classes", {"run": "tiny"}) == []


async def test_only_classes_that_touch_a_channel_are_ranked(
    tmp_path: Path, runner: QueryRunner, dump: Callable[[], Dump]
) -> None:
    layers = [LayerSpec("first", 3), LayerSpec("second", 3, [0])]
    both = [(0, 0, 1, 0, 5), (0, 1, 1, 1, 4)]
    classes = [
        ClassSpec("activates", 10, {(0, 0): 5, (0, 1): 3, (1, 0): 4, (1, 2): 1}, both),
        ClassSpec("has an edge", 10, {(0, 0): 5, (1, 0): 4}, [*both, (0, 2, 1, 2, 1)]),
        ClassSpec("neither", 10, {(0, 0): 5, (0, 1): 3, (1, 0): 4}, both),
    ]
    run = build_run(tmp_path / "run", layers, classes, run_id="three")
    await load_run(runner, run)
    report = await exclude(runner, "three", ["second/2"], reason="says nothing")
    assert report.classes_ranked == 2
    data, computed = compute(RunFolder.open(run.path))
    held = {(class_, channel): rank for class_, channel, _, rank, _, _ in dump()["activations"]}
    names = data.layers.column("name").to_pylist()
    ids = [f"three/{name}/{channel}" for name in names for channel in range(3)]
    assert held == {
        (f"three/{one.index}", ids[place]): float(one.ranks[place])
        for one in computed
        for place in np.flatnonzero((one.counts > 0) | (one.ranks > 0))
    }
    reasons = [node.get("reason") for _, node in dump()["nodes"] if node.get("excluded")]
    assert reasons == ["says nothing"]


async def test_a_folder_that_went_away_leaves_the_database(tmp_path: Path, runner: QueryRunner) -> None:
    run = random_run(tmp_path / "run")
    await load_run(runner, run)
    run.path.rename(tmp_path / "elsewhere")
    assert (await exclude(runner, "tiny", CHANNELS)).classes_ranked == 3
    assert excluded_channels(RunFolder.open(tmp_path / "elsewhere")) == {}
    # The marks are kept when the run is found to be there.
    await load_run(runner, RunFolder.open(tmp_path / "elsewhere"))
    assert len(await runner.run("excluded_channels", {"run": "tiny"})) == 2


async def test_what_cannot_be_is_refused(tmp_path: Path, runner: QueryRunner) -> None:
    with pytest.raises(NotFoundError, match="nothing"):
        await exclude(runner, "nothing", CHANNELS)
    await load_run(runner, random_run(tmp_path / "run"))
    with pytest.raises(NotFoundError, match="block1/99"):
        await exclude(runner, "tiny", ["block1/2", "block1/99"])
    assert await runner.run("excluded_channels", {"run": "tiny"}) == []
    async with hold_run(runner, "tiny"):
        with pytest.raises(RunConflictError, match="at work on run 'tiny'"):
            await exclude(runner, "tiny", CHANNELS)
