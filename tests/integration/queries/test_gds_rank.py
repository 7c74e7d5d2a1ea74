"""Ranks asked of GDS are the stored ones, and those of the definition for anything else."""

import asyncio
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from loaded_runs import Loaded

from arete_core.errors import BadInput, NotFoundError
from arete_core.rank import pagerank, rank_class
from arete_queries.engine import EngineAddress
from arete_queries.reads import class_graph, gds_rank
from arete_queries.runner import QueryRunner
from hand_worked import LAYERS, RANKS

pytestmark = [pytest.mark.integration, pytest.mark.anyio]

Execute = Callable[..., list[dict[str, Any]]]


def as_array(loaded: Loaded, run: str, ranks: dict[str, float]) -> np.ndarray:
    return np.array([ranks.get(id_, 0.0) for id_ in loaded.channel_ids(run)])


@pytest.mark.parametrize("class_id", [*(f"tiny/{n}" for n in range(4)), "other/1", "hand-worked/0", "cut-off/0"])
async def test_stored_ranks_and_gds_agree(loaded: Loaded, runner: QueryRunner, class_id: str) -> None:
    ranks = await gds_rank(runner, class_id)
    found = as_array(loaded, class_id.partition("/")[0], ranks)
    np.testing.assert_allclose(found, loaded.classes[class_id].ranks, rtol=0, atol=1e-9)
    stored = await class_graph(runner, class_id, mass=1.0)
    for vertex in stored.vertices:
        assert ranks[vertex.channel.id] == pytest.approx(vertex.rank, abs=1e-9)


async def test_the_hand_worked_ranks(loaded: Loaded, runner: QueryRunner) -> None:
    ranks = await gds_rank(runner, "hand-worked/0")
    expected = {f"hand-worked/{LAYERS[layer]}/{channel}": float(rank) for (layer, channel), rank in RANKS.items()}
    assert ranks == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("damping", [0.05, 0.5, 0.95, 0.99])
async def test_any_damping(loaded: Loaded, runner: QueryRunner, damping: float) -> None:
    one, layout = loaded.classes["tiny/0"], loaded.data["tiny"].layout
    expected = rank_class(layout, one.counts, one.sources, one.targets, one.weights, damping=damping)
    found = as_array(loaded, "tiny", await gds_rank(runner, "tiny/0", damping=damping))
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-9)


async def test_a_floor(loaded: Loaded, runner: QueryRunner) -> None:
    one, layout = loaded.classes["tiny/2"], loaded.data["tiny"].layout
    kept = one.weights >= 0.2 * loaded.data["tiny"].classes.column("images").to_pylist()[2]
    assert 0 < kept.sum() < len(kept)
    expected = rank_class(layout, one.counts, one.sources[kept], one.targets[kept], one.weights[kept])
    found = as_array(loaded, "tiny", await gds_rank(runner, "tiny/2", min_share=0.2))
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-9)


async def test_seeds(loaded: Loaded, runner: QueryRunner) -> None:
    one, layout = loaded.classes["tiny/0"], loaded.data["tiny"].layout
    ids = loaded.channel_ids("tiny")
    seeds = ["tiny/block4/3", "tiny/block0/1", "tiny/block4/3"]
    restart = np.zeros(len(ids))
    restart[[ids.index(seed) for seed in seeds]] = 1.0
    inside = ~(layout.excluded[one.sources] | layout.excluded[one.targets])
    expected = pagerank(
        len(ids), one.sources[inside], one.targets[inside], one.weights[inside].astype(np.float64), restart
    )
    found = as_array(loaded, "tiny", await gds_rank(runner, "tiny/0", seeds=seeds))
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-9)


async def projections(execute: Execute) -> int:
    """Counts our own; other tests of this engine may leave theirs behind."""
    own = "CALL gds.graph.list() YIELD graphName WHERE graphName STARTS WITH 'arete-' RETURN count(graphName) AS n"
    return execute(own)[0]["n"]


class Interrupted(QueryRunner):
    """Does something else when the ranking itself is due."""

    async def instead(self) -> None:
        raise ZeroDivisionError

    async def run(self, name: str, params: Any = None, *, timeout_s: float | None = None) -> list[dict[str, Any]]:
        if name == "gds_pagerank":
            await self.instead()
        return await super().run(name, params, timeout_s=timeout_s)


async def test_no_projection_is_left_behind(
    loaded: Loaded, engine: EngineAddress, execute: Execute, monkeypatch: pytest.MonkeyPatch
) -> None:
    stuck = asyncio.Event()

    async def wait(_: Interrupted) -> None:
        stuck.set()
        await asyncio.sleep(60)

    async with await Interrupted.connect(engine.bolt_url, engine.user, engine.password) as runner:
        with pytest.raises(ZeroDivisionError):
            await gds_rank(runner, "tiny/0")
        assert await projections(execute) == 0
        monkeypatch.setattr(Interrupted, "instead", wait)
        task = asyncio.create_task(gds_rank(runner, "tiny/0"))
        await stuck.wait()
        assert await projections(execute) == 1
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await projections(execute) == 0


async def test_what_cannot_be_asked(loaded: Loaded, runner: QueryRunner) -> None:
    for call in (
        gds_rank(runner, "tiny/0", damping=0),
        gds_rank(runner, "tiny/0", damping=1),
        gds_rank(runner, "tiny/0", damping=float("nan")),
        gds_rank(runner, "tiny/0", min_share=-1),
        gds_rank(runner, "tiny/0", seeds=[]),
        gds_rank(runner, "tiny/0", seeds=["other/block0/0"]),
    ):
        with pytest.raises(BadInput):
            await call
    for call in (gds_rank(runner, "tiny/99"), gds_rank(runner, "tiny/0", seeds=["tiny/block0/99"])):
        with pytest.raises(NotFoundError):
            await call
