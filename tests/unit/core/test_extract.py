"""Extraction against the definition written out as a loop."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arete_core.extract import entries, extract
from arete_core.layout import Layout


def kept_by_definition(layout: Layout, ranks: list[Fraction], mass: Fraction) -> set[int]:
    """In each layer the smallest set of channels with the largest ranks whose share reaches the mass."""
    kept: set[int] = set()
    for layer in range(len(layout.sizes)):
        channels = [c for c in range(layout.channel_count) if layout.layer[c] == layer]
        total = sum((ranks[c] for c in channels), Fraction(0))
        reached = Fraction(0)
        for channel in sorted(channels, key=lambda c: (-ranks[c], c)):
            if total == 0 or reached >= mass * total or ranks[channel] == 0:
                break
            kept.add(channel)
            reached += ranks[channel]
    return kept


def graph_by_definition(
    layout: Layout, ranks: list[Fraction], edges: list[tuple[int, int]]
) -> tuple[Fraction | None, set[int]]:
    """Tries each m in turn, as the definition says."""
    for step in range(15, 201):  # 7.5% is 15 half percents
        mass = Fraction(step, 200)
        kept = kept_by_definition(layout, ranks, mass)
        connected = {
            int(layout.layer[end])
            for source, target in edges
            if source in kept and target in kept and layout.joined[layout.layer[source], layout.layer[target]]
            for end in (source, target)
        }
        asked = {
            layer
            for layer in range(len(layout.sizes))
            if layout.joined[layer].any() and any(ranks[c] for c in np.flatnonzero(layout.layer == layer))
        }
        if any(ranks) and asked <= connected:
            return mass, kept
    return None, set()


@st.composite
def ranked_layers(draw: st.DrawFn) -> tuple[Layout, list[Fraction], list[tuple[int, int]]]:
    sizes = draw(st.lists(st.integers(1, 6), min_size=1, max_size=4))
    parents = [
        sorted(draw(st.sets(st.integers(0, layer - 1), max_size=layer))) if layer else [] for layer in range(len(sizes))
    ]
    layout = Layout.make(sizes, parents)
    # Powers of two and few values: their sums are exact in floating point and ties are frequent.
    ranks = [Fraction(draw(st.sampled_from([0, 0, 1, 1, 2, 4, 8, 32])), 64) for _ in range(layout.channel_count)]
    pairs = [
        (source, target)
        for target in range(layout.channel_count)
        for source in range(layout.channel_count)
        if layout.layer[source] in parents[layout.layer[target]]
    ]
    edges = draw(st.lists(st.sampled_from(pairs), unique=True)) if pairs else []
    return layout, ranks, edges


@given(ranked_layers())
@settings(deadline=None, max_examples=400)
def test_extraction_follows_the_definition(case: tuple[Layout, list[Fraction], list[tuple[int, int]]]) -> None:
    layout, ranks, edges = case
    mass, kept = graph_by_definition(layout, ranks, edges)
    ends = np.array(edges, dtype=np.int64).reshape(-1, 2)
    found = extract(layout, np.array([float(r) for r in ranks]), ends[:, 0], ends[:, 1])
    assert found.mass == (None if mass is None else float(mass))
    assert set(np.flatnonzero(found.kept)) == kept
    assert [edge for edge, stays in zip(edges, found.kept_edges, strict=True) if stays] == [
        (source, target) for source, target in edges if source in kept and target in kept
    ]


@given(ranked_layers(), st.integers(1, 16))
@settings(deadline=None)
def test_entry_below_the_mass_is_what_keeping_means(
    case: tuple[Layout, list[Fraction], list[tuple[int, int]]], sixteenths: int
) -> None:
    layout, ranks, _ = case
    entry = entries(layout, np.array([float(r) for r in ranks]))
    mass = Fraction(sixteenths, 16)
    # Shares of layers whose total is no power of two are rounded; leave out the masses that they could fall on.
    for layer in range(len(layout.sizes)):
        total = sum(ranks[c] for c in np.flatnonzero(layout.layer == layer))
        if total and (mass * total * 64).denominator == 1 and bin(int(total * 64)).count("1") > 1:
            return
    assert set(np.flatnonzero(entry < float(mass))) == kept_by_definition(layout, ranks, mass)


def two_layers(ranks: list[float], edges: list[tuple[int, int]], sizes: tuple[int, int] = (2, 2)):
    layout = Layout.make(list(sizes), [[], [0]])
    ends = np.array(edges, dtype=np.int64).reshape(-1, 2)
    return extract(layout, np.array(ranks), ends[:, 0], ends[:, 1])


def test_equal_ranks_are_kept_by_lower_index() -> None:
    found = two_layers([0.25, 0.25, 0.25, 0.25], [(0, 2)])
    assert found.mass == 0.075
    assert found.kept.tolist() == [True, False, True, False]
    assert found.entry.tolist() == [0.0, 0.5, 0.0, 0.5]


def test_mass_grows_in_exact_steps_until_a_late_edge_connects() -> None:
    # The only edge joins the second channels, which enter at exactly half of their layers' mass.
    found = two_layers([0.25, 0.25, 0.25, 0.25], [(1, 3)])
    assert found.mass == 0.505
    assert found.kept.all()


def test_steps_do_not_drift() -> None:
    # Second channels enter at 0.1: m must be the first step above it, 0.105, not 0.10500000000000002.
    found = two_layers([0.05, 0.45, 0.45, 0.05], [(0, 3)])
    assert found.entry[0] == pytest.approx(0.9)
    assert found.mass == 0.905


def test_a_layer_without_rank_mass_has_no_say() -> None:
    layout = Layout.make([1, 1, 1], [[], [0], [1]])
    found = extract(layout, np.array([0.5, 0.5, 0.0]), np.array([0]), np.array([1]))
    assert found.mass == 0.075
    assert found.kept.tolist() == [True, True, False]


def test_a_layer_with_rank_mass_but_no_edge_means_no_graph() -> None:
    layout = Layout.make([1, 1, 1], [[], [0], [1]])
    found = extract(layout, np.array([0.4, 0.4, 0.2]), np.array([0]), np.array([1]))
    assert found.mass is None
    assert not found.kept.any()
    assert not found.kept_edges.any()
    assert found.entry.tolist() == [0.0, 0.0, 0.0]


def test_no_rank_mass_at_all_means_no_graph() -> None:
    found = two_layers([0.0] * 4, [(0, 2)])
    assert found.mass is None
    assert found.entry.tolist() == [1.0] * 4


def test_an_edge_between_layers_that_are_not_beside_each_other_does_not_connect_them() -> None:
    layout = Layout.make([1, 1, 1], [[], [0], [1]])
    found = extract(layout, np.array([0.4, 0.4, 0.2]), np.array([0, 0]), np.array([1, 2]))
    assert found.mass is None


def test_excluded_channels_are_never_kept() -> None:
    layout = Layout.make([2, 1], [[], [0]], np.array([True, False, False]))
    found = extract(layout, np.array([0.0, 0.5, 0.5]), np.array([0, 1]), np.array([2, 2]))
    assert found.entry[0] == 1.0
    assert found.kept.tolist() == [False, True, True]
    assert found.kept_edges.tolist() == [False, True]
