"""Rankings on demand: every way to rank agrees with the others, with any restarts, exclusions and stop rule."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import igraph
import networkx as nx
import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from loaded_runs import Loaded

from arete_core.class_data import RunData
from arete_core.errors import BadInput, NotFoundError, RunFolderError
from arete_core.rank import RankMode, pagerank, personalization
from arete_queries.delete import delete_run
from arete_queries.engine import EngineAddress
from arete_queries.load import load_run
from arete_queries.reads import gds_rank, rank_channels
from arete_queries.runner import QueryRunner
from arete_queries.scores import load_scores
from run_builder import ClassSpec, LayerSpec, build_run

pytestmark = pytest.mark.integration

Execute = Callable[..., list[dict[str, Any]]]


def expected_ranks(
    loaded: Loaded,
    class_id: str,
    restart: np.ndarray | None = None,
    *,
    without: tuple[str, ...] = (),
    mode: RankMode = RankMode.EXACT,
    damping: float = 0.85,
) -> dict[str, float]:
    run = class_id.partition("/")[0]
    one, layout, ids = loaded.classes[class_id], loaded.data[run].layout, loaded.channel_ids(run)
    gone = layout.excluded | np.isin(ids, without)
    if restart is None:
        largest = [one.counts[(layout.layer == n) & ~gone].max(initial=1) for n in range(len(layout.sizes))]
        restart = one.counts / np.array(largest)[layout.layer]
    present = np.flatnonzero(~gone)
    place = np.cumsum(~gone) - 1
    inside = ~(gone[one.sources] | gone[one.targets])
    ranks = pagerank(
        len(present),
        place[one.sources[inside]],
        place[one.targets[inside]],
        one.weights[inside].astype(np.float64),
        restart[present],
        damping=damping,
        mode=mode,
    )
    return {ids[channel]: float(rank) for channel, rank in zip(present, ranks, strict=True) if rank > 0}


@pytest.mark.anyio
async def test_weighted_seeds_and_exclusions(loaded: Loaded, runner: QueryRunner) -> None:
    ids = loaded.channel_ids("tiny")
    seeds = {"tiny/block4/3": 2.5, "tiny/block0/1": 0.5, "tiny/block2/2": 0.0}
    restart = np.array([seeds.get(id_, 0.0) for id_ in ids])
    without = ("tiny/block1/5", "tiny/block3/7")
    found = await gds_rank(runner, "tiny/0", seeds=seeds, exclude=without)
    assert found == pytest.approx(expected_ranks(loaded, "tiny/0", restart, without=without), abs=1e-9)
    plain = await gds_rank(runner, "tiny/0", exclude=without)
    assert plain == pytest.approx(expected_ranks(loaded, "tiny/0", without=without), abs=1e-9)
    assert not set(without) & (found.keys() | plain.keys())


@pytest.mark.anyio
async def test_scores_of_the_run(loaded: Loaded, runner: QueryRunner) -> None:
    rows = [row for row in loaded.folders["tiny"].table("scores").to_pylist() if row["class"] == 1]
    restart = np.zeros(len(loaded.channel_ids("tiny")))
    for row in rows:
        restart[loaded.channel_ids("tiny").index(f"tiny/block{row['layer']}/{row['channel']}")] = max(row["score"], 0.0)
    assert (restart > 0).any()
    assert any(row["score"] < 0 for row in rows)
    for mode in RankMode:
        found = await rank_channels(runner, "tiny/1", scores="margin", mode=mode, first=500)
        ranks = {one.channel: one.rank for one in found.channels}
        assert ranks == pytest.approx(expected_ranks(loaded, "tiny/1", restart, mode=mode), abs=1e-9)


@pytest.mark.anyio
@pytest.mark.parametrize("options", [{}, {"damping": 0.6}, {"exclude": ["tiny/block1/5"]}])
async def test_both_modes_list_the_largest_first(loaded: Loaded, runner: QueryRunner, options: dict[str, Any]) -> None:
    without = tuple(options.get("exclude", ()))
    for mode in RankMode:
        found = await rank_channels(runner, "tiny/2", mode=mode, first=7, **options)
        expected = expected_ranks(loaded, "tiny/2", without=without, mode=mode, damping=options.get("damping", 0.85))
        assert found.reached == len(expected)
        best = sorted(expected.values(), reverse=True)[:7]
        assert [one.rank for one in found.channels] == pytest.approx(best, abs=1e-9)
        assert all(one.rank == pytest.approx(expected[one.channel], abs=1e-9) for one in found.channels)


@pytest.mark.anyio
async def test_summit_mode_is_networkx_with_its_defaults(loaded: Loaded, runner: QueryRunner) -> None:
    one, ids = loaded.classes["other/0"], loaded.channel_ids("other")
    graph = nx.Graph()
    graph.add_nodes_from(ids)
    for source, target, weight in zip(one.sources, one.targets, one.weights, strict=True):
        graph.add_edge(ids[source], ids[target], weight=int(weight))
    start = dict(zip(ids, personalization(loaded.data["other"].layout, one.counts), strict=True))
    theirs = nx.pagerank(graph, personalization=start)
    found = await rank_channels(runner, "other/0", mode=RankMode.SUMMIT, first=500)
    assert {each.channel: each.rank for each in found.channels} == pytest.approx(theirs, abs=1e-12)


@pytest.mark.anyio
async def test_the_cypher_ranks(loaded: Loaded, runner: QueryRunner, execute: Execute) -> None:
    found = await rank_channels(runner, "tiny/0", seeds={"tiny/block2/5": 3.0}, exclude=["tiny/block1/1"], first=500)
    project, walk, drop = found.cypher.removesuffix(";").split(";\n")
    try:
        execute(project)
        (row,) = execute(walk)
    finally:
        execute(drop)
    scores = dict(zip(row["channels"], row["scores"], strict=True))
    total = sum(scores.values())
    assert {one.channel: one.rank for one in found.channels} == pytest.approx(
        {channel: score / total for channel, score in scores.items()}, abs=1e-12
    )


@pytest.mark.anyio
async def test_what_cannot_be_asked(loaded: Loaded, runner: QueryRunner) -> None:
    seed = "tiny/block0/1"
    for call, message in (
        (rank_channels(runner, "tiny/0", damping=1), "damping"),
        (rank_channels(runner, "tiny/0", damping=0, mode=RankMode.SUMMIT), "damping"),
        (rank_channels(runner, "tiny/0", first=0), "first"),
        (rank_channels(runner, "tiny/0", min_share=2), "min_share"),
        (rank_channels(runner, "tiny/0", seeds={seed: -1.0}), "weight of at least 0"),
        (rank_channels(runner, "tiny/0", seeds={seed: float("nan")}), "weight of at least 0"),
        (rank_channels(runner, "tiny/0", seeds={seed: 0.0}), "a weight above 0"),
        (rank_channels(runner, "tiny/0", seeds={}), "1 to 100 channels"),
        (rank_channels(runner, "tiny/0", seeds=[seed], exclude=[seed]), "is excluded"),
        (rank_channels(runner, "tiny/0", seeds=["tiny/block1/2"]), "is excluded"),
        (rank_channels(runner, "tiny/0", exclude=["other/block0/1"]), "not of the class's run"),
        (rank_channels(runner, "tiny/0", seeds=[seed], scores="margin"), "contradict each other"),
    ):
        with pytest.raises(BadInput, match=message):
            await call
    with pytest.raises(NotFoundError, match="no score 'margins'") as caught:
        await rank_channels(runner, "tiny/0", scores="margins")
    assert "margin" in caught.value.hint
    with pytest.raises(NotFoundError) as caught:
        await rank_channels(runner, "other/0", scores="margin")
    assert "no scores.parquet" in caught.value.hint
    with pytest.raises(NotFoundError, match="'tiny/block0/99'"):
        await rank_channels(runner, "tiny/0", exclude=["tiny/block0/99"])


@pytest.mark.anyio
async def test_scores_are_written_once_and_checked(
    loaded: Loaded, runner: QueryRunner, execute: Execute, tmp_path: Path
) -> None:
    count = "MATCH (:Class)-[s:SCORES]->() RETURN count(s) AS n"
    before = execute(count)[0]["n"]
    assert await load_scores(runner, loaded.folders["tiny"]) == before > 0
    assert execute(count)[0]["n"] == before
    assert await load_scores(runner, loaded.folders["other"]) == 0
    for scores, message in (
        ({"name": {(0, 9): 1.0}}, "channel 9 of layer 0"),
        ({"name": {(0, 0): float("inf")}}, "finite"),
        ({"": {(0, 0): 1.0}}, "1 to 100 characters"),
    ):
        spec = ClassSpec("one", 10, {(0, 0): 1}, [], scores=scores)
        folder = build_run(tmp_path / message[:6], [LayerSpec("a", 2)], [spec], run_id="bad")
        with pytest.raises(RunFolderError, match=message):
            await load_scores(runner, folder)


@st.composite
def classes(draw: st.DrawFn) -> list[ClassSpec]:
    """Six classes of one small network: some without edges or restarts, most in several pieces."""
    sizes, feeds = (3, 4, 3), ((0, 1), (1, 2), (0, 2))
    pairs = [(s, a, t, b) for s, t in feeds for a in range(sizes[s]) for b in range(sizes[t])]
    channels = [(layer, channel) for layer, size in enumerate(sizes) for channel in range(size)]
    made = []
    for number in range(6):
        edges = draw(st.dictionaries(st.sampled_from(pairs), st.integers(1, 900), max_size=12))
        counts = draw(st.dictionaries(st.sampled_from(channels), st.integers(1, 900), max_size=8))
        made.append(ClassSpec(f"class {number}", 1000, counts, [(*ends, count) for ends, count in edges.items()]))
    return made


def test_gds_bulk_networkx_and_igraph_agree(
    loaded: Loaded, engine: EngineAddress, tmp_path_factory: pytest.TempPathFactory
) -> None:
    @given(classes())
    @settings(deadline=None, max_examples=3, phases=[Phase.generate])  # seconds an example, so none is shrunk
    def agree(specs: list[ClassSpec]) -> None:
        check_agreement(engine, tmp_path_factory.mktemp("drawn"), specs)

    agree()


def check_agreement(engine: EngineAddress, path: Path, specs: list[ClassSpec]) -> None:
    layers = [LayerSpec("a", 3), LayerSpec("b", 4, [0]), LayerSpec("c", 3, [1, 0])]
    folder = build_run(path, layers, specs, run_id="drawn")
    data = RunData(folder, min_share=0.0)

    async def ask() -> list[dict[str, float]]:
        async with await QueryRunner.connect(engine.bolt_url, engine.user, engine.password) as runner:
            await load_run(runner, folder)
            try:
                return [await gds_rank(runner, f"drawn/{number}") for number in range(len(specs))]
            finally:
                await delete_run(runner, "drawn")

    asked = asyncio.run(ask())
    ids = [f"drawn/{layer.name}/{channel}" for layer in layers for channel in range(layer.channels)]
    for one, found in zip(data.each(np.ones(len(specs), np.bool_)), asked, strict=True):
        restart = personalization(data.layout, one.counts)
        database = [found.get(id_, 0.0) for id_ in ids]
        np.testing.assert_allclose(database, one.ranks, rtol=0, atol=1e-9)
        if not restart.any():
            assert found == {}
            continue
        ends = np.column_stack([one.sources, one.targets])
        theirs = igraph.Graph(n=len(ids), edges=ends, directed=False).personalized_pagerank(
            directed=False, damping=0.85, reset=restart.tolist(), weights=one.weights.tolist(), implementation="prpack"
        )
        np.testing.assert_allclose(database, theirs, rtol=0, atol=1e-9)
        graph = nx.Graph()
        graph.add_nodes_from(range(len(ids)))
        graph.add_weighted_edges_from(
            zip(one.sources.tolist(), one.targets.tolist(), one.weights.tolist(), strict=True)
        )
        exact = nx.pagerank(graph, personalization=dict(enumerate(restart)), tol=1e-15, max_iter=1000)
        np.testing.assert_allclose(database, [exact[vertex] for vertex in range(len(ids))], rtol=0, atol=1e-9)
