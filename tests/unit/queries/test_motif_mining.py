"""Motifs against plain sets and brute force, on random graphs and on one worked out on paper."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arete_core.errors import BadInput
from arete_queries import motif_mining
from arete_queries.comparison_results import parting_layer
from arete_queries.group_results import OverlapLayer
from arete_queries.motif_mining import (
    Incidence,
    closed_motifs,
    count_possible,
    find_motifs,
    holders,
)
from arete_queries.motif_results import MotifPattern

Edge = tuple[int, int]
SHAPES = [pattern for pattern in MotifPattern if pattern is not MotifPattern.SUBGRAPH]


def shapes_in(edges: set[Edge], pattern: MotifPattern) -> set[frozenset[Edge]]:
    """All motifs of a shape in one graph, by trying every sequence of vertices."""
    vertices = sorted({vertex for edge in edges for vertex in edge})
    found = set()
    for size in range(2, 6):
        for chosen in itertools.permutations(vertices, size):
            wanted = wanted_edges(pattern, chosen)
            if wanted is not None and wanted <= edges:
                found.add(wanted)
    return found


def wanted_edges(pattern: MotifPattern, on: tuple[int, ...]) -> frozenset[Edge] | None:
    match pattern, on:
        case (MotifPattern.PATH_2, (a, b, c)):
            return frozenset({(a, b), (b, c)})
        case (MotifPattern.PATH_3, (a, b, c, d)):
            return frozenset({(a, b), (b, c), (c, d)})
        case (MotifPattern.PATH_4, (a, b, c, d, e)):
            return frozenset({(a, b), (b, c), (c, d), (d, e)})
        case (MotifPattern.WEDGE_IN, (a, b, c)):
            return frozenset({(a, c), (b, c)})
        case (MotifPattern.WEDGE_OUT, (a, b, c)):
            return frozenset({(a, b), (a, c)})
        case (MotifPattern.DIAMOND, (a, b, c, d)):
            return frozenset({(a, b), (a, c), (b, d), (c, d)})
        case (MotifPattern.TRIANGLE, (a, b, c)):
            return frozenset({(a, b), (b, c), (a, c)})
    return None


@st.composite
def tables(draw: st.DrawFn, edge_limit: int = 14) -> tuple[list[Edge], np.ndarray]:
    """Edges from lower to higher of eight vertices, and which of six classes hold them."""
    pairs = [(a, b) for a in range(8) for b in range(a + 1, 8)]
    edges = sorted(draw(st.sets(st.sampled_from(pairs), min_size=1, max_size=edge_limit)))
    row = st.lists(st.booleans(), min_size=6, max_size=6)
    return edges, np.array([draw(row) for _ in edges], dtype=np.bool_)


def incidence_of(edges: list[Edge], holds: np.ndarray) -> Incidence:
    ends = np.array(edges, dtype=np.int64)
    return Incidence(ends[:, 0], ends[:, 1], holds)


def graphs_of(edges: list[Edge], holds: np.ndarray) -> list[set[Edge]]:
    return [{edge for edge, own in zip(edges, column, strict=True) if own} for column in holds.T]


@given(tables(), st.integers(1, 4), st.sampled_from(SHAPES))
@settings(deadline=None, max_examples=120)
def test_every_motif_is_found_once_with_its_support(
    table: tuple[list[Edge], np.ndarray], at_least: int, pattern: MotifPattern
) -> None:
    edges, _ = table
    incidence, graphs = incidence_of(*table), graphs_of(*table)
    support: dict[frozenset[Edge], int] = {}
    for graph in graphs:
        for motif in shapes_in(graph, pattern):
            support[motif] = support.get(motif, 0) + 1
    expected = {motif: n for motif, n in support.items() if n >= at_least}
    found = find_motifs(incidence, pattern, at_least)
    named = {frozenset(edges[edge] for edge in motif): int(holders(incidence, motif).sum()) for motif in found}
    assert len(named) == len(found)
    assert named == expected


@given(tables(), st.sampled_from(SHAPES))
@settings(deadline=None, max_examples=60)
def test_how_many_there_could_be(table: tuple[list[Edge], np.ndarray], pattern: MotifPattern) -> None:
    incidence = incidence_of(*table)
    assert count_possible(pattern, incidence.sources, incidence.targets) == len(shapes_in(set(table[0]), pattern))


@given(tables(), st.integers(1, 4), st.sampled_from(SHAPES))
@settings(deadline=None, max_examples=80)
def test_closed_ones_have_no_extension_of_the_same_support(
    table: tuple[list[Edge], np.ndarray], at_least: int, pattern: MotifPattern
) -> None:
    edges, holds = table
    incidence, found = incidence_of(*table), find_motifs(incidence_of(*table), pattern, at_least)
    closed = set(closed_motifs(incidence, found))
    for motif in found:
        own = {edges[edge] for edge in motif}
        vertices = {vertex for edge in own for vertex in edge}
        held = {place for place in range(6) if all(holds[edge, place] for edge in motif)}
        extended = [
            edge
            for number, edge in enumerate(edges)
            if edge not in own and set(edge) & vertices and held <= set(np.flatnonzero(holds[number]))
        ]
        assert (motif in closed) == (not extended)


def connected(edges: tuple[Edge, ...]) -> bool:
    reached, left = set(edges[0]), set(edges[1:])
    while touching := {edge for edge in left if set(edge) & reached}:
        reached |= {vertex for edge in touching for vertex in edge}
        left -= touching
    return not left


@given(tables(edge_limit=9), st.integers(1, 3))
@settings(deadline=None, max_examples=60)
def test_closed_subgraphs_are_all_found(table: tuple[list[Edge], np.ndarray], at_least: int) -> None:
    edges, holds = table
    expected = set()
    numbers = range(len(edges))
    for size in range(1, len(edges) + 1):
        for chosen in itertools.combinations(numbers, size):
            own = tuple(edges[edge] for edge in chosen)
            held = holds[list(chosen)].all(axis=0)
            if held.sum() < at_least or not connected(own):
                continue
            vertices = {vertex for edge in own for vertex in edge}
            if not any(
                edge not in chosen and set(edges[edge]) & vertices and (holds[edge] | ~held).all() for edge in numbers
            ):
                expected.add(chosen)
    assert set(find_motifs(incidence_of(*table), MotifPattern.SUBGRAPH, at_least)) == expected


def test_a_group_on_paper() -> None:
    """0 → 1 → 3 and 0 → 2 → 3 in classes 0 to 2; class 2 lacks 2 → 3; class 3 has the first path and 3 → 4 alone."""
    edges = [(0, 1), (0, 2), (1, 3), (2, 3), (3, 4)]
    holds = np.array([[1, 1, 1, 1], [1, 1, 1, 0], [1, 1, 1, 1], [1, 1, 0, 0], [0, 0, 0, 1]], dtype=np.bool_)
    incidence = incidence_of(edges, holds)
    assert find_motifs(incidence, MotifPattern.DIAMOND, 2) == [(0, 1, 2, 3)]
    assert find_motifs(incidence, MotifPattern.DIAMOND, 3) == []
    assert find_motifs(incidence, MotifPattern.PATH_2, 2) == [(0, 2), (1, 3)]
    assert find_motifs(incidence, MotifPattern.WEDGE_OUT, 3) == [(0, 1)]
    # Path 0 → 1 → 3 is held by four classes and nothing else by all of them; whoever has 0 → 2 → 3 has the diamond.
    assert closed_motifs(incidence, [(0, 2), (1, 3)]) == [(0, 2)]
    assert find_motifs(incidence, MotifPattern.SUBGRAPH, 2) == [(0, 1, 2), (0, 1, 2, 3), (0, 2)]


def test_too_many_motifs_are_an_error_and_no_part_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    edges = [(a, b) for a in range(8) for b in range(a + 1, 8)]
    incidence = incidence_of(edges, np.ones((len(edges), 2), dtype=np.bool_))
    monkeypatch.setattr(motif_mining, "MAX_MOTIFS", 5)
    with pytest.raises(BadInput, match="more than 5 motifs"):
        find_motifs(incidence, MotifPattern.PATH_2, 1)
    monkeypatch.setattr(motif_mining, "MAX_SUBGRAPHS", 5)
    mixed = incidence_of(edges, np.random.default_rng(0).random((len(edges), 12)) < 0.6)
    with pytest.raises(BadInput, match="more than 5 motifs") as caught:
        find_motifs(mixed, MotifPattern.SUBGRAPH, 1)
    assert "larger min_support" in caught.value.hint


def test_the_search_for_subgraphs_stops_at_the_first_one_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    edges = [(a, b) for a in range(8) for b in range(a + 1, 8)]
    mixed = incidence_of(edges, np.random.default_rng(0).random((len(edges), 12)) < 0.6)
    number = len(find_motifs(mixed, MotifPattern.SUBGRAPH, 2))
    assert number > 100
    grown = []
    grow = motif_mining._connected
    monkeypatch.setattr(motif_mining, "_connected", lambda *known: grown.append(known[:2]) or grow(*known))
    monkeypatch.setattr(motif_mining, "MAX_SUBGRAPHS", number)
    assert len(find_motifs(mixed, MotifPattern.SUBGRAPH, 2)) == number == len(grown)
    grown.clear()
    monkeypatch.setattr(motif_mining, "MAX_SUBGRAPHS", 100)
    with pytest.raises(BadInput, match="more than 100 motifs"):
        find_motifs(mixed, MotifPattern.SUBGRAPH, 2)
    assert len(grown) == 100


def overlaps(*values: float | None) -> tuple[OverlapLayer, ...]:
    return tuple(OverlapLayer(f"l{n}", n, 0, 0, 0, value, value, in_any=0, in_all=0) for n, value in enumerate(values))


def test_where_graphs_part() -> None:
    assert parting_layer(overlaps(0.9, 0.8, 0.9, 0.1, 0.0)) == "l3"
    assert parting_layer(overlaps(0.9, None, 0.8, None, 0.1)) == "l4"
    assert parting_layer(overlaps(0.1, 0.2, 0.9)) is None
    assert parting_layer(overlaps(0.5, 0.5, 0.5)) is None
    assert parting_layer(overlaps(None, 0.5)) is None
    assert parting_layer(()) is None
