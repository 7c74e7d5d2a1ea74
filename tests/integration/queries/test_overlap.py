"""Overlaps of any number of graphs against sets worked out in Python from the run folders."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from loaded_runs import Loaded

from arete_core.errors import BadInput, NotFoundError
from arete_queries.comparison_results import Membership
from arete_queries.group_results import Overlap
from arete_queries.reads import OverlapOperation, compare_classes, overlap_classes
from arete_queries.runner import QueryRunner

pytestmark = [pytest.mark.integration, pytest.mark.anyio]

Execute = Callable[..., list[dict[str, Any]]]
A, B = ["tiny/0", "tiny/4", "tiny/2"], ["tiny/5", "tiny/1"]
WANTED = {
    OverlapOperation.UNION: {Membership.ONLY_A, Membership.SHARED, Membership.ONLY_B},
    OverlapOperation.INTERSECTION: {Membership.SHARED},
    OverlapOperation.A_MINUS_B: {Membership.ONLY_A},
    OverlapOperation.B_MINUS_A: {Membership.ONLY_B},
    OverlapOperation.SYMMETRIC_DIFFERENCE: {Membership.ONLY_A, Membership.ONLY_B},
}


def mass_of(loaded: Loaded, class_id: str, mass: float | None) -> float:
    own = loaded.classes[class_id].extraction.mass
    assert own is not None
    return own if mass is None else mass


def holding(sets: list[Any], at_least: int) -> set[Any]:
    every = set().union(*sets)
    return {one for one in every if sum(one in own for own in sets) >= at_least}


def sides(in_a: set[Any], in_b: set[Any], operation: OverlapOperation) -> dict[Any, Membership]:
    found = {}
    for one in in_a | in_b:
        both = one in in_a and one in in_b
        side = Membership.SHARED if both else Membership.ONLY_A if one in in_a else Membership.ONLY_B
        if side in WANTED[operation]:
            found[one] = side
    return found


@pytest.mark.parametrize("operation", list(OverlapOperation))
@pytest.mark.parametrize(
    ("mass", "min_share", "k", "j"), [(None, 0.0, 1, 1), (None, 0.1, 2, 2), (0.5, 0.0, 3, 1), (1.0, 0.1, 2, 1)]
)
async def test_two_sides_are_set_algebra(
    loaded: Loaded,
    runner: QueryRunner,
    operation: OverlapOperation,
    mass: float | None,
    min_share: float,
    k: int,
    j: int,
) -> None:
    found = await overlap_classes(
        runner, A, B, operation=operation, at_least=k, at_least_b=j, mass=mass, min_share=min_share
    )
    kept = {id_: loaded.kept(id_, mass_of(loaded, id_, mass)) for id_ in A + B}
    edges = {id_: loaded.edges(id_, mass_of(loaded, id_, mass), min_share) for id_ in A + B}
    vertices = sides(holding([kept[i] for i in A], k), holding([kept[i] for i in B], j), operation)
    assert {vertex.channel.id: vertex.membership for vertex in found.vertices} == vertices
    pairs = sides(holding([edges[i].keys() for i in A], k), holding([edges[i].keys() for i in B], j), operation)
    assert {(edge.source, edge.target): edge.membership for edge in found.edges} == pairs
    ids = loaded.channel_ids("tiny")
    for vertex in found.vertices:
        place = ids.index(vertex.channel.id)
        for side, number, count, rank in (
            (A, vertex.classes_a, vertex.count_a, vertex.rank_a),
            (B, vertex.classes_b, vertex.count_b, vertex.rank_b),
        ):
            having = [loaded.classes[id_] for id_ in side if vertex.channel.id in kept[id_]]
            assert number == len(having)
            assert count == sum(one.counts[place] for one in having) / len(side)
            assert rank == pytest.approx(sum(one.ranks[place] for one in having) / len(side), abs=1e-15)
    for edge in found.edges:
        ends = (edge.source, edge.target)
        assert edge.classes_a == sum(ends in edges[id_] for id_ in A)
        assert edge.count_b == sum(edges[id_].get(ends, 0) for id_ in B) / len(B)
    order = [ids.index(vertex.channel.id) for vertex in found.vertices]
    assert order == sorted(order)
    ends_order = [(ids.index(edge.target), ids.index(edge.source)) for edge in found.edges]
    assert ends_order == sorted(ends_order)


@pytest.mark.parametrize("k", [1, 2, 3, 4, 5])
async def test_in_at_least_k_of_n(loaded: Loaded, runner: QueryRunner, k: int) -> None:
    found = await overlap_classes(runner, A + B, at_least=k, mass=0.6)
    kept = [loaded.kept(id_, 0.6) for id_ in A + B]
    assert {vertex.channel.id for vertex in found.vertices} == holding(kept, k)
    edges = [loaded.edges(id_, 0.6).keys() for id_ in A + B]
    assert {(edge.source, edge.target) for edge in found.edges} == holding(edges, k)
    if k == 5:
        every = await overlap_classes(runner, A + B, operation=OverlapOperation.INTERSECTION, mass=0.6)
        assert (every.vertices, every.edges) == (found.vertices, found.edges)
        assert found.vertices


async def test_two_classes_are_the_comparison(loaded: Loaded, runner: QueryRunner) -> None:
    for mass in (None, 0.4):
        found = await overlap_classes(runner, ["tiny/0"], ["tiny/3"], mass=mass)
        pair = await compare_classes(runner, "tiny/0", "tiny/3", mass=mass)
        assert [(v.channel, v.membership) for v in found.vertices] == [(v.channel, v.membership) for v in pair.vertices]
        assert [(e.source, e.target, e.membership, e.count_a, e.count_b) for e in found.edges] == [
            (e.source, e.target, e.membership, e.count_a, e.count_b) for e in pair.edges
        ]
        pooled = await overlap_classes(runner, ["tiny/0", "tiny/3"], mass=mass)
        for one, other, all_in_one in zip(found.layers, pair.layers, pooled.layers, strict=True):
            assert (one.layer, one.only_a, one.shared, one.only_b) == (
                other.layer, other.only_a, other.shared, other.only_b
            )  # fmt: skip
            assert one.jaccard == other.jaccard == all_in_one.jaccard
            for layer in (one, all_in_one):
                assert layer.weighted_jaccard == pytest.approx(other.weighted_jaccard, abs=1e-12)


async def test_overlap_of_many_by_layer(loaded: Loaded, runner: QueryRunner) -> None:
    ids, layout = loaded.channel_ids("tiny"), loaded.data["tiny"].layout
    pooled = await overlap_classes(runner, A, at_least=2, mass=0.6)
    apart = await overlap_classes(runner, A, B, at_least=2, mass=0.6)
    for layer, other in zip(pooled.layers, apart.layers, strict=True):
        channels = {ids[place] for place in np.flatnonzero(layout.layer == layer.layer_index)}
        share: dict[str, dict[str, float]] = {}
        for id_ in A + B:
            own = loaded.kept(id_, 0.6) & channels
            ranks = {channel: float(loaded.classes[id_].ranks[ids.index(channel)]) for channel in own}
            share[id_] = {channel: rank / sum(ranks.values()) for channel, rank in ranks.items()}
        kept = [set(share[id_]) for id_ in A]
        assert (layer.in_any, layer.in_all) == (len(set().union(*kept)), len(set.intersection(*kept)))
        assert (layer.only_a, layer.shared, layer.only_b) == (len(holding(kept, 2)), 0, 0)
        assert layer.jaccard == pytest.approx(layer.in_all / layer.in_any)
        values = [[share[id_].get(channel, 0.0) for id_ in A] for channel in set().union(*kept)]
        expected = sum(min(row) for row in values) / sum(max(row) for row in values)
        assert layer.weighted_jaccard == pytest.approx(expected, abs=1e-12)
        every = {channel for id_ in A + B for channel in share[id_]}
        means = [
            [sum(share[id_].get(channel, 0.0) for id_ in side) / len(side) for side in (A, B)] for channel in every
        ]
        expected = sum(min(row) for row in means) / sum(max(row) for row in means)
        assert other.weighted_jaccard == pytest.approx(expected, abs=1e-12)
        in_a, in_b = holding(kept, 2), holding([set(share[id_]) for id_ in B], 1)
        assert (other.only_a, other.shared, other.only_b) == (len(in_a - in_b), len(in_a & in_b), len(in_b - in_a))
    assert any(layer.in_all for layer in pooled.layers)


@pytest.mark.parametrize("operation", list(OverlapOperation))
@pytest.mark.parametrize("mass", [None, 0.5])
async def test_the_cypher_of_an_overlap_draws_it(
    loaded: Loaded, runner: QueryRunner, execute: Execute, operation: OverlapOperation, mass: float | None
) -> None:
    check_drawing(await overlap_classes(runner, A, B, operation=operation, at_least=2, mass=mass), execute)


def check_drawing(found: Overlap, execute: Execute) -> None:
    assert "$" not in found.cypher
    (row,) = execute(found.cypher)
    assert {channel["id"] for channel in row["channels"]} == {vertex.channel.id for vertex in found.vertices}
    ends = execute(
        "UNWIND $ids AS one MATCH (n) WHERE elementId(n) = one RETURN one, n.id AS id",
        ids=[node.element_id for edge in row["edges"] for node in edge.nodes],
    )
    names = {end["one"]: end["id"] for end in ends}
    drawn = {tuple(names[node.element_id] for node in edge.nodes) for edge in row["edges"]}
    assert drawn == {(edge.source, edge.target) for edge in found.edges}


async def test_what_cannot_be_asked(loaded: Loaded, runner: QueryRunner) -> None:
    intersection, difference = OverlapOperation.INTERSECTION, OverlapOperation.A_MINUS_B
    for call, message in (
        (overlap_classes(runner, []), "1 to 5,000 classes were expected, found 0"),
        (overlap_classes(runner, A, at_least=4), "at_least: 1 to 3"),
        (overlap_classes(runner, A, at_least=0), "at_least: 1 to 3"),
        (overlap_classes(runner, A, B, at_least_b=3), "at_least_b: 1 to 2"),
        (overlap_classes(runner, A, at_least_b=1), "there is no side B"),
        (overlap_classes(runner, A, operation=difference), "needs two sides"),
        (overlap_classes(runner, A, operation=intersection, at_least=2), "contradicts the intersection"),
        (overlap_classes(runner, A, ["tiny/4"]), "'tiny/4' is on both sides"),
        (overlap_classes(runner, ["tiny/0", "other/0"]), "of one run"),
        (overlap_classes(runner, A, mass=1.1), "mass: above 0"),
        (overlap_classes(runner, A, min_share=-0.1), "min_share"),
        (overlap_classes(runner, ["cut-off/0"]), "no attribution graph of its own"),
    ):
        with pytest.raises(BadInput, match=message) as caught:
            await call
        assert not isinstance(caught.value, NotFoundError)
    with pytest.raises(NotFoundError, match="'tiny/99'"):
        await overlap_classes(runner, ["tiny/0", "tiny/99"])


async def test_a_run_that_is_being_loaded_is_not_there(loaded: Loaded, runner: QueryRunner, execute: Execute) -> None:
    execute("MATCH (run:Run {id: 'other'}) SET run.state = 'loading'")
    try:
        with pytest.raises(NotFoundError, match="'other/0'"):
            await overlap_classes(runner, ["other/0", "other/1"])
    finally:
        execute("MATCH (run:Run {id: 'other'}) SET run.state = 'complete'")
