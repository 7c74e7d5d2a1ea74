"""Attribution graphs and comparisons against sets worked out in Python from the run folders."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from loaded_runs import Loaded, compute

from arete_core.errors import BadInput, NotFoundError
from arete_queries.comparison_results import ComparedEdge, ComparedVertex, Membership, SetOperation
from arete_queries.delete import delete_run
from arete_queries.engine import EngineAddress
from arete_queries.load import load_run
from arete_queries.reads import channel_in_class, class_graph, compare_classes, get_class
from arete_queries.runner import QueryRunner
from hand_worked import RANKS
from run_builder import random_run

pytestmark = [pytest.mark.integration, pytest.mark.anyio]

CLASSES = [f"tiny/{index}" for index in range(8)]
MASSES = [0.001, 0.075, 0.3, 0.755, 1.0]
Execute = Callable[..., list[dict[str, Any]]]


def own_mass(loaded: Loaded, class_id: str) -> float:
    mass = loaded.classes[class_id].extraction.mass
    assert mass is not None
    return mass


@pytest.mark.parametrize("class_id", CLASSES)
async def test_a_graph_at_its_own_mass(loaded: Loaded, runner: QueryRunner, class_id: str) -> None:
    graph = await class_graph(runner, class_id)
    mass = own_mass(loaded, class_id)
    assert graph.mass == mass
    assert {vertex.channel.id for vertex in graph.vertices} == loaded.kept(class_id, mass)
    assert {(edge.source, edge.target): edge.count for edge in graph.edges} == loaded.edges(class_id, mass)
    assert graph.edges  # or the classes say nothing
    ids, one = loaded.channel_ids("tiny"), loaded.classes[class_id]
    for vertex in graph.vertices:
        position = ids.index(vertex.channel.id)
        assert vertex.count == one.counts[position]
        assert vertex.rank == one.ranks[position]  # to the last bit
        assert not vertex.channel.excluded
    # The same graph as edges of the extraction, and read as if the mass had been asked for.
    assert await class_graph(runner, class_id, mass=mass) == graph


@pytest.mark.parametrize("mass", MASSES)
@pytest.mark.parametrize("min_share", [0.0, 0.05, 1.0])
async def test_a_graph_at_any_mass(loaded: Loaded, runner: QueryRunner, mass: float, min_share: float) -> None:
    for class_id in CLASSES[:3]:
        graph = await class_graph(runner, class_id, mass=mass, min_share=min_share)
        assert {vertex.channel.id for vertex in graph.vertices} == loaded.kept(class_id, mass)
        found = {(edge.source, edge.target): edge.count for edge in graph.edges}
        assert found == loaded.edges(class_id, mass, min_share)


async def test_min_share_at_the_own_mass(loaded: Loaded, runner: QueryRunner) -> None:
    graph = await class_graph(runner, "tiny/0", min_share=0.3)
    mass = own_mass(loaded, "tiny/0")
    assert {(e.source, e.target): e.count for e in graph.edges} == loaded.edges("tiny/0", mass, 0.3)
    assert {vertex.channel.id for vertex in graph.vertices} == loaded.kept("tiny/0", mass)


async def test_more_mass_never_takes_a_vertex_away(loaded: Loaded, runner: QueryRunner) -> None:
    before: set[str] = set()
    for mass in np.linspace(0.02, 1, 25):
        vertices = {v.channel.id for v in (await class_graph(runner, "tiny/4", mass=float(mass))).vertices}
        assert before <= vertices
        before = vertices


async def test_vertices_and_edges_come_in_order(loaded: Loaded, runner: QueryRunner) -> None:
    graph = await class_graph(runner, "tiny/2", mass=0.8)
    order = [(vertex.channel.layer_index, vertex.channel.index) for vertex in graph.vertices]
    assert order == sorted(order)
    place = {vertex.channel.id: place for place, vertex in enumerate(graph.vertices)}
    ends = [(place[edge.target], place[edge.source]) for edge in graph.edges]
    assert ends == sorted(ends)


async def test_the_hand_worked_graph(loaded: Loaded, runner: QueryRunner) -> None:
    graph = await class_graph(runner, "hand-worked/0", mass=1.0)
    ranks = {(vertex.channel.layer_index, vertex.channel.index): vertex.rank for vertex in graph.vertices}
    assert ranks.keys() == RANKS.keys()
    for channel, rank in ranks.items():
        assert rank == pytest.approx(float(RANKS[channel]), abs=1e-12)
    own = await class_graph(runner, "hand-worked/0")
    # The largest ranks: stem/0, mix/0 and head/0 (0.1026 > 0.0955); each holds more than 7.5% of its layer.
    assert [vertex.channel.id for vertex in own.vertices] == [
        f"hand-worked/{name}/0" for name in ("stem", "mix", "head")
    ]
    assert [(edge.source, edge.target, edge.count) for edge in own.edges] == [
        ("hand-worked/stem/0", "hand-worked/mix/0", 2),
        ("hand-worked/mix/0", "hand-worked/head/0", 2),
    ]
    assert own.mass == 0.075


async def test_a_class_without_a_graph_says_so(loaded: Loaded, runner: QueryRunner) -> None:
    assert (await get_class(runner, "cut-off/0")).mass is None
    with pytest.raises(BadInput, match="has no attribution graph of its own") as caught:
        await class_graph(runner, "cut-off/0")
    assert "ask for a mass" in caught.value.hint
    with pytest.raises(BadInput, match="has no attribution graph of its own"):
        await compare_classes(runner, "cut-off/0", "cut-off/0")
    graph = await class_graph(runner, "cut-off/0", mass=1)
    assert [vertex.channel.id for vertex in graph.vertices] == ["cut-off/a/0", "cut-off/b/0", "cut-off/c/0"]
    assert len(graph.edges) == 1


async def test_the_cypher_of_a_graph_draws_it(loaded: Loaded, runner: QueryRunner, execute: Execute) -> None:
    for mass, min_share in ((None, 0.0), (0.6, 0.05)):
        graph = await class_graph(runner, "tiny/6", mass=mass, min_share=min_share)
        assert "$" not in graph.cypher
        check_drawing(graph.cypher, execute, {v.channel.id for v in graph.vertices}, graph.edges)


def check_drawing(cypher: str, execute: Execute, vertices: set[str], edges: tuple[Any, ...]) -> None:
    (row,) = execute(cypher)
    assert {channel["id"] for channel in row["channels"]} == vertices
    names = {node.element_id: node["id"] for edge in row["edges"] for node in edge.nodes if "id" in node}
    ids = execute(
        "MATCH (n) WHERE elementId(n) IN $ids RETURN elementId(n) AS element, n.id AS id",
        ids=[node.element_id for edge in row["edges"] for node in edge.nodes],
    )
    names |= {one["element"]: one["id"] for one in ids}
    drawn = {(names[edge.nodes[0].element_id], names[edge.nodes[1].element_id]) for edge in row["edges"]}
    assert drawn == {(edge.source, edge.target) for edge in edges}
    assert edges


WANTED = {
    SetOperation.UNION: {Membership.ONLY_A, Membership.SHARED, Membership.ONLY_B},
    SetOperation.INTERSECTION: {Membership.SHARED},
    SetOperation.A_MINUS_B: {Membership.ONLY_A},
    SetOperation.B_MINUS_A: {Membership.ONLY_B},
}


def membership(in_a: bool, in_b: bool) -> Membership:
    return Membership.SHARED if in_a and in_b else Membership.ONLY_A if in_a else Membership.ONLY_B


@pytest.mark.parametrize("operation", list(SetOperation))
@pytest.mark.parametrize(("mass", "min_share"), [(None, 0.0), (None, 0.1), (0.4, 0.0), (1.0, 0.1)])
async def test_a_comparison_is_set_algebra(
    loaded: Loaded, runner: QueryRunner, operation: SetOperation, mass: float | None, min_share: float
) -> None:
    for a, b in (("tiny/0", "tiny/3"), ("tiny/5", "tiny/1"), ("tiny/2", "tiny/2")):
        found = await compare_classes(runner, a, b, operation=operation, mass=mass, min_share=min_share)
        mass_a, mass_b = mass or own_mass(loaded, a), mass or own_mass(loaded, b)
        assert (found.a.id, found.b.id, found.operation) == (a, b, operation)
        assert (found.mass_a, found.mass_b) == (mass_a, mass_b)
        kept_a, kept_b = loaded.kept(a, mass_a), loaded.kept(b, mass_b)
        ids = loaded.channel_ids("tiny")
        one, other = loaded.classes[a], loaded.classes[b]
        vertices = [
            (id_, side, one.counts[place], other.counts[place], one.ranks[place], other.ranks[place])
            for place, id_ in enumerate(ids)
            if id_ in kept_a | kept_b
            for side in (membership(id_ in kept_a, id_ in kept_b),)
            if side in WANTED[operation]
        ]
        assert [as_tuple(vertex) for vertex in found.vertices] == vertices
        edges_a, edges_b = loaded.edges(a, mass_a, min_share), loaded.edges(b, mass_b, min_share)
        edges = [
            ComparedEdge(*ends, side, edges_a.get(ends, 0), edges_b.get(ends, 0))
            for ends in sorted(edges_a.keys() | edges_b.keys(), key=lambda e: (ids.index(e[1]), ids.index(e[0])))
            for side in (membership(ends in edges_a, ends in edges_b),)
            if side in WANTED[operation]
        ]
        assert list(found.edges) == edges


def as_tuple(vertex: ComparedVertex) -> tuple[Any, ...]:
    return (vertex.channel.id, vertex.membership, vertex.count_a, vertex.count_b, vertex.rank_a, vertex.rank_b)


@pytest.mark.parametrize("mass", [None, 0.5])
async def test_overlap_by_layer(loaded: Loaded, runner: QueryRunner, mass: float | None) -> None:
    a, b = "tiny/0", "tiny/3"
    found = await compare_classes(runner, a, b, operation=SetOperation.INTERSECTION, mass=mass)
    kept_a = loaded.kept(a, mass or own_mass(loaded, a))
    kept_b = loaded.kept(b, mass or own_mass(loaded, b))
    ids, layout = loaded.channel_ids("tiny"), loaded.data["tiny"].layout
    assert [layer.layer for layer in found.layers] == [f"block{index}" for index in range(5)]
    for layer in found.layers:
        channels = [ids[place] for place in np.flatnonzero(layout.layer == layer.layer_index)]
        in_a, in_b = kept_a & set(channels), kept_b & set(channels)
        assert (layer.only_a, layer.shared, layer.only_b) == (len(in_a - in_b), len(in_a & in_b), len(in_b - in_a))
        assert layer.jaccard == pytest.approx(len(in_a & in_b) / len(in_a | in_b))
        share_a, share_b = shares(loaded, a, in_a), shares(loaded, b, in_b)
        least = sum(min(share_a.get(c, 0.0), share_b.get(c, 0.0)) for c in in_a | in_b)
        most = sum(max(share_a.get(c, 0.0), share_b.get(c, 0.0)) for c in in_a | in_b)
        assert layer.weighted_jaccard == pytest.approx(least / most, abs=1e-12)
    assert any(layer.shared for layer in found.layers)
    assert any(layer.only_a for layer in found.layers)


def shares(loaded: Loaded, class_id: str, kept: set[str]) -> dict[str, float]:
    ids = loaded.channel_ids("tiny")
    ranks = {id_: float(loaded.classes[class_id].ranks[ids.index(id_)]) for id_ in kept}
    return {id_: rank / sum(ranks.values()) for id_, rank in ranks.items()}


async def test_a_layer_without_vertices_has_no_overlap(loaded: Loaded, runner: QueryRunner) -> None:
    found = await compare_classes(runner, "cut-off/0", "cut-off/0", mass=1)
    assert [(layer.shared, layer.jaccard, layer.weighted_jaccard) for layer in found.layers] == [(1, 1.0, 1.0)] * 3
    loaded_layers = await compare_classes(runner, "tiny/0", "tiny/0")
    assert all(layer.jaccard == layer.weighted_jaccard == 1.0 for layer in loaded_layers.layers)


async def test_differences_are_mirrored(loaded: Loaded, runner: QueryRunner) -> None:
    one = await compare_classes(runner, "tiny/0", "tiny/3", operation=SetOperation.A_MINUS_B)
    other = await compare_classes(runner, "tiny/3", "tiny/0", operation=SetOperation.B_MINUS_A)
    assert [vertex.channel for vertex in one.vertices] == [vertex.channel for vertex in other.vertices]
    assert [(e.source, e.target, e.count_a) for e in one.edges] == [
        (e.source, e.target, e.count_b) for e in other.edges
    ]
    itself = await compare_classes(runner, "tiny/0", "tiny/0", operation=SetOperation.A_MINUS_B)
    assert itself.vertices == itself.edges == ()


@pytest.mark.parametrize("operation", list(SetOperation))
async def test_the_cypher_of_a_comparison_draws_it(
    loaded: Loaded, runner: QueryRunner, execute: Execute, operation: SetOperation
) -> None:
    found = await compare_classes(runner, "tiny/0", "tiny/3", operation=operation, mass=0.5)
    assert "$" not in found.cypher
    check_drawing(found.cypher, execute, {v.channel.id for v in found.vertices}, found.edges)


async def test_a_channel_seen_from_a_class(loaded: Loaded, runner: QueryRunner) -> None:
    ids = loaded.channel_ids("tiny")
    for channel_id, class_id in (("tiny/block2/5", "tiny/0"), ("tiny/block0/0", "tiny/3"), ("tiny/block1/2", "tiny/0")):
        found = await channel_in_class(runner, channel_id, class_id, first=3)
        one, place, layout = loaded.classes[class_id], ids.index(channel_id), loaded.data["tiny"].layout
        assert (found.channel.id, found.class_.id) == (channel_id, class_id)
        assert (found.count, found.rank) == (one.counts[place], one.ranks[place])
        peers = one.ranks[layout.layer == layout.layer[place]]
        assert found.rank_in_layer == 1 + int((peers > one.ranks[place]).sum())
        for neighbors, ends, others in (
            (found.inputs, one.targets, one.sources),
            (found.outputs, one.sources, one.targets),
        ):
            joined = sorted(
                (-int(w), int(o)) for w, o in zip(one.weights[ends == place], others[ends == place], strict=True)
            )
            assert [(ids.index(n.channel.id), n.count) for n in neighbors] == [(o, -w) for w, o in joined[:3]]
        images = loaded.data["tiny"].classes.column("images").to_pylist()
        uses = sorted(
            (-other.counts[place] / images[other.index], -other.ranks[place], other.index)
            for id_, other in loaded.classes.items()
            if id_.startswith("tiny/") and id_ != class_id and other.counts[place]
        )
        assert [use.class_.index for use in found.other_classes] == [index for _, _, index in uses[:3]]
        assert all(use.count == loaded.classes[use.class_.id].counts[place] for use in found.other_classes)


async def test_a_channel_that_the_class_never_uses(loaded: Loaded, runner: QueryRunner) -> None:
    found = await channel_in_class(runner, "cut-off/b/1", "cut-off/0")
    assert (found.count, found.rank, found.rank_in_layer) == (0, 0.0, 2)
    assert found.inputs == found.outputs == found.other_classes == ()


async def test_what_cannot_be_asked(loaded: Loaded, runner: QueryRunner) -> None:
    for call in (
        class_graph(runner, "tiny/0", mass=0),
        class_graph(runner, "tiny/0", mass=1.5),
        class_graph(runner, "tiny/0", mass=float("nan")),
        class_graph(runner, "tiny/0", min_share=-0.1),
        compare_classes(runner, "tiny/0", "tiny/1", mass=-1),
        compare_classes(runner, "tiny/0", "tiny/1", min_share=2),
        compare_classes(runner, "tiny/0", "other/1"),
        channel_in_class(runner, "tiny/block1/3", "tiny/0", first=0),
        channel_in_class(runner, "tiny/block1/3", "other/0"),
    ):
        with pytest.raises(BadInput) as caught:
            await call
        assert not isinstance(caught.value, NotFoundError)
    for call in (
        class_graph(runner, "tiny/99"),
        compare_classes(runner, "tiny/0", "tiny/99"),
        compare_classes(runner, "tiny/99", "tiny/0", mass=0.5),
        channel_in_class(runner, "tiny/block1/99", "tiny/0"),
        channel_in_class(runner, "tiny/block1/3", "tiny/99"),
    ):
        with pytest.raises(NotFoundError):
            await call


async def test_whole_graphs_of_a_thousand_channels_fit_into_a_small_engine(
    engine: EngineAddress, runner: QueryRunner, tmp_path: Path
) -> None:
    """The engine has a heap of 512 MB; a plan whose joins carry the vertices along would need several times that."""
    folder = random_run(
        tmp_path / "run", run_id="large", sizes=(256, 480, 508), class_count=2, edges_per_target=25, skip=False
    )
    await load_run(runner, folder)
    try:
        _, (one, other) = compute(folder)
        graph = await class_graph(runner, "large/0", mass=1.0)
        assert len(graph.edges) == len(one.weights) == 24_700
        assert len(graph.vertices) == int((one.ranks > 0).sum())
        both = await compare_classes(runner, "large/0", "large/1", mass=1.0)
        ends = {(s, t) for found in (one, other) for s, t in zip(found.sources, found.targets, strict=True)}
        assert len(both.edges) == len(ends)
    finally:
        await delete_run(runner, "large")
