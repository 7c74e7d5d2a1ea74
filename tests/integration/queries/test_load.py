"""Loading: what the database holds afterwards, and that it is never half."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from loaded_runs import Dump, compute

from arete_core.errors import BadInput, DatabaseError, LoadError, NotFoundError, RunConflictError
from arete_core.progress import SilentProgress
from arete_queries import hold as hold_module
from arete_queries import load as load_module
from arete_queries import write_class as write_module
from arete_queries.delete import delete_run
from arete_queries.engine import EngineAddress
from arete_queries.load import load_run
from arete_queries.reads import class_graph, get_class, get_run, list_classes, list_runs
from arete_queries.runner import QueryRunner
from run_builder import class_sets_run, random_run

pytestmark = [pytest.mark.integration, pytest.mark.anyio, pytest.mark.usefixtures("clean_database")]

Execute = Callable[..., list[dict[str, Any]]]


async def test_the_database_holds_exactly_the_run(
    tmp_path: Path, runner: QueryRunner, dump: Callable[[], Dump]
) -> None:
    folder = random_run(tmp_path / "run", excluded=[(1, 2)], pictures=True)
    report = await load_run(runner, folder)
    data, classes = compute(folder)
    layers = data.layers.to_pylist()
    ids = [f"tiny/{layer['name']}/{index}" for layer in layers for index in range(layer["channels"])]
    held = dump()
    assert held["influences"] == sorted(
        (
            (f"tiny/{one.index}", ids[source], ids[target], int(count))
            for one in classes
            for source, target, count in zip(one.sources, one.targets, one.weights, strict=True)
        ),
        key=repr,
    )
    assert held["activations"] == sorted(
        (
            (
                f"tiny/{one.index}",
                ids[place],
                int(one.counts[place]),
                float(one.ranks[place]),
                float(one.extraction.entry[place]),
                bool(one.extraction.kept[place]),
            )
            for one in classes
            for place in np.flatnonzero((one.counts > 0) | (one.ranks > 0))
        ),
        key=repr,
    )
    assert held["attributes"] == sorted(
        (
            (f"tiny/{one.index}", ids[one.sources[edge]], ids[one.targets[edge]], int(one.weights[edge]))
            for one in classes
            for edge in np.flatnonzero(one.extraction.kept_edges)
        ),
        key=repr,
    )
    assert held["attributes"]
    labels = [label for labels, _ in held["nodes"] for label in labels]
    assert sorted(set(labels)) == ["Channel", "Layer", "Run"]  # and no Load node is left
    assert (labels.count("Run"), labels.count("Layer"), labels.count("Channel")) == (1, 4, 31)
    excluded = [node["id"] for _, node in held["nodes"] if node.get("excluded")]
    assert excluded == ["tiny/block1/2"]
    assert (report.run, report.classes, report.classes_loaded, report.without_graph) == ("tiny", 3, 3, ())
    assert (report.edges, report.attribution_edges) == (len(held["influences"]), len(held["attributes"]))
    assert report.dropped_share == 0
    assert report.elapsed_s > 0


async def test_class_sets_and_gaps_between_classes(
    tmp_path: Path, runner: QueryRunner, dump: Callable[[], Dump]
) -> None:
    await load_run(runner, random_run(tmp_path / "before", run_id="before"))
    folder = class_sets_run(tmp_path)
    assert (await load_run(runner, folder)).classes_loaded == 5
    page = await list_classes(runner, "sets", first=10)
    assert {one.id: (one.kind, one.index) for one in page.items} == {
        "sets/1": ("label", 1),
        "sets/3": ("label", 3),
        "sets/5": ("superclass", 5),
        "sets/6": ("subset", 6),
        "sets/7": ("image", 7),
    }
    data, classes = compute(folder)
    ids = [f"sets/{layer['name']}/{index}" for layer in data.layers.to_pylist() for index in range(layer["channels"])]
    assert [row for row in dump()["influences"] if row[0].startswith("sets/")] == sorted(
        (
            (f"sets/{one.index}", ids[source], ids[target], int(count))
            for one in classes
            for source, target, count in zip(one.sources, one.targets, one.weights, strict=True)
        ),
        key=repr,
    )
    for one in classes:
        if one.extraction.mass is not None:
            assert (await class_graph(runner, f"sets/{one.index}")).vertices


async def test_loading_again_does_nothing(tmp_path: Path, runner: QueryRunner, dump: Callable[[], Dump]) -> None:
    folder = random_run(tmp_path / "run")
    await load_run(runner, folder)
    before = dump()
    for replace in (False, True):
        report = await load_run(runner, folder, replace=replace)
        assert (report.classes, report.classes_loaded, report.edges) == (3, 0, 0)
    assert dump() == before


async def test_a_run_folder_that_moved_is_found_again(
    tmp_path: Path, runner: QueryRunner, dump: Callable[[], Dump]
) -> None:
    await load_run(runner, random_run(tmp_path / "run"))
    (tmp_path / "run").rename(tmp_path / "elsewhere")
    moved = type(random_run(tmp_path / "run")).open(tmp_path / "elsewhere")
    report = await load_run(runner, moved)
    assert report.classes_loaded == 0
    assert (await get_run(runner, "tiny")).folder == str(tmp_path / "elsewhere")


async def test_the_same_run_twice_gives_the_same_graph(
    tmp_path: Path, runner: QueryRunner, dump: Callable[[], Dump]
) -> None:
    folder = random_run(tmp_path / "run", class_count=4)
    await load_run(runner, folder)
    first = dump()
    await delete_run(runner, "tiny")
    await load_run(runner, folder)
    # Counts, vertices and edges, and the ranks to their last bit.
    assert dump() == first


async def test_several_runs_side_by_side(tmp_path: Path, runner: QueryRunner, dump: Callable[[], Dump]) -> None:
    await load_run(runner, random_run(tmp_path / "a", run_id="a", seed=1))
    alone = dump()
    await load_run(runner, random_run(tmp_path / "b", run_id="b", seed=2))
    classes = [*(await list_classes(runner, "a")).items, *(await list_classes(runner, "b")).items]
    assert sorted(one.key for one in classes) == [0, 1, 2, 3, 4, 5]
    await delete_run(runner, "b")
    assert dump() == alone


async def test_min_share_drops_edges_and_says_so(tmp_path: Path, runner: QueryRunner, execute: Execute) -> None:
    folder = random_run(tmp_path / "run")
    report = await load_run(runner, folder, min_share=0.2)
    images = folder.table("classes").column("images").to_pylist()
    lowest = execute(
        "MATCH ()-[r:INFLUENCES]->() MATCH (c:Class {key: r.class}) RETURN min(r.count * 1.0 / c.images) AS n"
    )
    assert lowest[0]["n"] >= 0.2
    largest = 0.0
    for one in (await list_classes(runner, "tiny")).items:
        counts = folder.table("influences").to_pylist()
        own = [row["count"] for row in counts if row["class"] == one.index]
        kept = [count for count in own if count >= 0.2 * images[one.index]]
        assert one.edge_count == len(kept)
        assert one.dropped_share == pytest.approx(1 - sum(kept) / sum(own), abs=1e-12)
        largest = max(largest, one.dropped_share)
    assert report.dropped_share == largest > 0
    with pytest.raises(RunConflictError, match=r"with min_share 0\.2, not 0"):
        await load_run(runner, folder)


@pytest.mark.parametrize("share", [-0.1, 1.5, float("nan")])
async def test_min_share_is_a_share(tmp_path: Path, runner: QueryRunner, share: float) -> None:
    with pytest.raises(BadInput, match="min_share"):
        await load_run(runner, random_run(tmp_path / "run"), min_share=share)


async def test_another_run_of_the_same_id(tmp_path: Path, runner: QueryRunner, dump: Callable[[], Dump]) -> None:
    one, other = random_run(tmp_path / "one", seed=1), random_run(tmp_path / "other", seed=2)
    await load_run(runner, one)
    before = dump()
    with pytest.raises(RunConflictError, match="made from other numbers") as caught:
        await load_run(runner, other)
    assert "--replace" in caught.value.hint
    assert dump() == before
    report = await load_run(runner, other, replace=True)
    assert report.classes_loaded == 3
    replaced = dump()
    await delete_run(runner, "tiny")
    await load_run(runner, other)
    assert dump() == replaced != before


async def test_batches_join_without_a_seam(
    tmp_path: Path, runner: QueryRunner, dump: Callable[[], Dump], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = random_run(tmp_path / "run")
    await load_run(runner, folder)
    whole = dump()
    await delete_run(runner, "tiny")
    # 168 edges a class: batches that divide the number, leave a rest, and are all rest.
    for batch in (1, 7, 84):
        monkeypatch.setattr(write_module, "BATCH", batch)
        await load_run(runner, folder)
        assert dump() == whole
        await delete_run(runner, "tiny")


async def test_deleting_leaves_nothing(tmp_path: Path, runner: QueryRunner, dump: Callable[[], Dump]) -> None:
    await load_run(runner, random_run(tmp_path / "run", pictures=True))
    await delete_run(runner, "tiny")
    assert all(rows == [] for rows in dump().values())
    assert await list_runs(runner) == ()
    with pytest.raises(NotFoundError, match="there is no run 'tiny'"):
        await delete_run(runner, "tiny")


class Stop(Exception):  # noqa: N818
    """Raised where a test wants a load to end."""


class Counting(QueryRunner):
    """Raises at the n-th statement that is run, before or after it reached the database."""

    def stop_at(self, number: int, *, after: bool) -> None:
        self._left, self._after = number, after

    async def run(self, name: str, params: Any = None, *, timeout_s: float | None = None) -> list[dict[str, Any]]:
        self._left = getattr(self, "_left", 10**9) - 1
        here = self._left == 0  # before waiting: another writer may count on meanwhile
        if here and not self._after:
            raise Stop
        rows = await super().run(name, params, timeout_s=timeout_s)
        if here:
            raise Stop
        return rows


@pytest.mark.parametrize("after", [False, True])
async def test_stopped_at_any_statement_nothing_is_half_and_it_goes_on(
    tmp_path: Path, engine: EngineAddress, runner: QueryRunner, dump: Callable[[], Dump], after: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    folder = random_run(tmp_path / "run", sizes=(4, 5, 4), class_count=2)
    monkeypatch.setattr(write_module, "BATCH", 20)
    await load_run(runner, folder)
    whole = dump()
    await delete_run(runner, "tiny")
    counting = await Counting.connect(engine.bolt_url, engine.user, engine.password)
    assert isinstance(counting, Counting)
    number = 0
    async with counting:
        for number in range(1 + after, 200, 3):
            counting.stop_at(number, after=after)
            try:
                await load_run(counting, folder)
            except Stop:
                # Readers see no run, and none of its classes.
                assert await list_runs(runner) == ()
                with pytest.raises(NotFoundError):
                    await get_class(runner, "tiny/0")
                with pytest.raises(NotFoundError):
                    await class_graph(runner, "tiny/0", mass=1.0)
            else:
                break
            counting.stop_at(10**9, after=after)
            await load_run(counting, folder)
            assert dump() == whole
            await delete_run(counting, "tiny")
        # Schema, nodes, and two classes in batches: a load is that many statements long, and all were stopped at.
        assert number > 30


async def test_a_cancelled_load_goes_on(tmp_path: Path, runner: QueryRunner, dump: Callable[[], Dump]) -> None:
    folder = random_run(tmp_path / "run", class_count=6, sizes=(20, 30, 30), edges_per_target=10)
    await load_run(runner, folder)
    whole = dump()
    await delete_run(runner, "tiny")
    started = asyncio.Event()

    class Telling(SilentProgress):
        def task(self, *args: Any, **kwargs: Any) -> Any:
            started.set()
            return super().task(*args, **kwargs)

    for wait_s in (0.0, 0.05, 0.2):
        started.clear()
        load = asyncio.create_task(load_run(runner, folder, progress=Telling()))
        await started.wait()
        await asyncio.sleep(wait_s)
        load.cancel()
        with pytest.raises(asyncio.CancelledError):
            await load
        assert await list_runs(runner) == ()
    await load_run(runner, folder)
    assert dump() == whole


async def test_a_stopped_deletion_goes_on(tmp_path: Path, engine: EngineAddress, dump: Callable[[], Dump]) -> None:
    folder = random_run(tmp_path / "run")
    counting = await Counting.connect(engine.bolt_url, engine.user, engine.password)
    assert isinstance(counting, Counting)
    async with counting:
        await load_run(counting, folder)
        whole = dump()
        counting.stop_at(17, after=True)
        with pytest.raises(Stop):
            await delete_run(counting, "tiny")
        counting.stop_at(10**9, after=True)
        assert await list_runs(counting) == ()
        assert any(rows for rows in dump().values())
        # Loading finishes the deletion first; another load of it would do as well.
        report = await load_run(counting, folder)
        assert report.classes_loaded == 3
    assert dump() == whole


async def test_a_shortfall_is_an_error_and_the_class_stays_hidden(
    tmp_path: Path, runner: QueryRunner, monkeypatch: pytest.MonkeyPatch, dump: Callable[[], Dump]
) -> None:
    folder = random_run(tmp_path / "run")
    real = QueryRunner.run

    async def lossy(self: QueryRunner, name: str, params: Any = None, *, timeout_s: float | None = None) -> Any:
        if name == "write_influences":
            params = {key: value[1:] if isinstance(value, list) else value for key, value in params.items()}
        return await real(self, name, params, timeout_s=timeout_s)

    with monkeypatch.context() as patch:
        patch.setattr(QueryRunner, "run", lossy)
        with pytest.raises(LoadError, match=r"class tiny/0: influences: 168 sent, 167 stored, influenceSum") as caught:
            await load_run(runner, folder)
    assert "again" in caught.value.hint
    assert await list_runs(runner) == ()
    await load_run(runner, folder)
    assert (await get_class(runner, "tiny/0")).edge_count == 168


async def test_a_second_loader_refuses(
    tmp_path: Path,
    engine: EngineAddress,
    runner: QueryRunner,
    dump: Callable[[], Dump],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    folder = random_run(tmp_path / "run", class_count=5)
    monkeypatch.setattr(hold_module, "_LOCK_WAIT_S", 0.5)
    at_work, go_on = asyncio.Event(), asyncio.Event()

    class Waiting(SilentProgress):
        def task(self, *args: Any, **kwargs: Any) -> Any:
            at_work.set()
            return super().task(*args, **kwargs)

    real = load_module.write_class

    async def slow(*args: Any) -> None:
        await go_on.wait()
        await real(*args)

    monkeypatch.setattr(load_module, "write_class", slow)
    first = asyncio.create_task(load_run(runner, folder, progress=Waiting()))
    await at_work.wait()
    async with await QueryRunner.connect(engine.bolt_url, engine.user, engine.password) as second:
        for refused in (load_run(second, folder), delete_run(second, "tiny")):
            with pytest.raises(RunConflictError, match="another loader is at work on run 'tiny'"):
                await refused
        # A loader of another run need not wait, and gets other class keys.
        go_on.set()
        await load_run(second, random_run(tmp_path / "b", run_id="b"))
        await first
        keys = [one.key for run in ("tiny", "b") for one in (await list_classes(second, run)).items]
        assert sorted(keys) == list(range(8))
        assert (await load_run(second, folder)).classes_loaded == 0


async def test_many_loaders_of_different_runs_at_once(tmp_path: Path, runner: QueryRunner) -> None:
    folders = [random_run(tmp_path / f"r{n}", run_id=f"r{n}", sizes=(3, 4, 3), seed=n) for n in range(4)]
    reports = await asyncio.gather(*(load_run(runner, folder) for folder in folders))
    assert [report.classes_loaded for report in reports] == [3] * 4
    classes = [one for n in range(4) for one in (await list_classes(runner, f"r{n}")).items]
    assert sorted(one.key for one in classes) == list(range(12))


async def test_progress_counts_what_is_left(tmp_path: Path, engine: EngineAddress) -> None:
    folder = random_run(tmp_path / "run", class_count=4)
    seen: list[tuple[str, int | None, int]] = []

    class Noting(SilentProgress):
        def task(self, name: str, *, total: int | None, unit: str, done: int = 0) -> Any:
            seen.append((name, total, done))
            return super().task(name, total=total, unit=unit, done=done)

    counting = await Counting.connect(engine.bolt_url, engine.user, engine.password)
    assert isinstance(counting, Counting)
    async with counting:
        counting.stop_at(27, after=True)
        with pytest.raises(Stop):
            await load_run(counting, folder, progress=Noting())
        counting.stop_at(10**9, after=True)
        done = await counting.run("class_states", {"run": "tiny"})
        await load_run(counting, folder, progress=Noting())
    complete = sum(state["state"] == "complete" for state in done)
    assert 0 < complete < 4
    assert seen == [("Load tiny", 4, 0), ("Load tiny", 4, complete)]


async def test_indexes_are_there_and_used(tmp_path: Path, runner: QueryRunner, execute: Execute) -> None:
    await load_run(runner, random_run(tmp_path / "run"))
    names = {row["name"] for row in execute("SHOW INDEXES YIELD name, state WHERE state = 'ONLINE' RETURN name")}
    assert {
        "arete_run_id",
        "arete_layer_id",
        "arete_channel_id",
        "arete_class_id",
        "arete_class_key",
        "arete_load_id",
        "arete_influences_class",
        "arete_attributes_class",
    } <= names
    with pytest.raises(DatabaseError, match="already exists"):
        await runner.run("create_classes", {"run": "tiny", "classes": [{"id": "tiny/9", "key": 0}]})
