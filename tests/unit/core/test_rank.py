"""PageRank against three oracles that share no code with it: a dense linear solve, igraph and networkx."""

import igraph
import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import hand_worked
from arete_core import rank
from arete_core.class_data import RunData
from arete_core.errors import ConvergenceError
from arete_core.layout import Layout
from arete_core.rank import RankMode, pagerank, personalization, rank_class
from run_builder import hand_worked_run, random_run

Graph = tuple[int, np.ndarray, np.ndarray, np.ndarray, np.ndarray]


@st.composite
def graphs(draw: st.DrawFn) -> Graph:
    """Graphs with isolated vertices, several components and parallel edges, and restarts that are 0 in places."""
    count = draw(st.integers(1, 30))
    pairs = draw(
        st.lists(
            st.tuples(st.integers(0, count - 1), st.integers(0, count - 1)).filter(lambda pair: pair[0] != pair[1]),
            max_size=60,
        )
        if count > 1
        else st.just([])
    )
    ends = np.array(pairs, dtype=np.int64).reshape(-1, 2)
    weights = np.array(draw(st.lists(st.integers(1, 1300), min_size=len(ends), max_size=len(ends))), dtype=np.float64)
    restart = draw(st.lists(st.floats(0, 1, width=16), min_size=count, max_size=count).filter(lambda r: sum(r) > 0))
    return count, ends[:, 0], ends[:, 1], weights, np.array(restart)


def dense_solution(graph: Graph, damping: float) -> np.ndarray:
    count, sources, targets, weights, restart = graph
    adjacency = np.zeros((count, count))
    for source, target, weight in zip(sources, targets, weights, strict=True):
        adjacency[source, target] += weight
        adjacency[target, source] += weight
    start = restart / restart.sum()
    walk = np.empty((count, count))
    for vertex in range(count):
        degree = adjacency[vertex].sum()
        walk[:, vertex] = adjacency[vertex] / degree if degree else start
    return np.linalg.solve(np.eye(count) - damping * walk, (1 - damping) * start)


def as_networkx(graph: Graph) -> nx.Graph:
    count, sources, targets, weights, _ = graph
    made = nx.Graph()
    made.add_nodes_from(range(count))
    for source, target, weight in zip(sources.tolist(), targets.tolist(), weights.tolist(), strict=True):
        before = made.get_edge_data(source, target, {"weight": 0.0})["weight"]
        made.add_edge(source, target, weight=before + weight)
    return made


@given(graphs(), st.sampled_from([0.0, 0.5, 0.85, 0.95]))
@settings(deadline=None, max_examples=150)
def test_exact_solves_the_linear_system(graph: Graph, damping: float) -> None:
    ranks = pagerank(*graph, damping=damping)
    # The residual is at most 1e-12, so the distance to the solution is at most 1e-12 / (1 - damping) = 2e-11.
    np.testing.assert_allclose(ranks, dense_solution(graph, damping), rtol=0, atol=1e-10)
    assert ranks.sum() == pytest.approx(1, abs=1e-12)


@given(graphs())
@settings(deadline=None)
def test_exact_equals_igraph(graph: Graph) -> None:
    count, sources, targets, weights, restart = graph
    made = igraph.Graph(n=count, edges=np.column_stack([sources, targets]), directed=False)
    theirs = made.personalized_pagerank(
        directed=False, damping=0.85, reset=restart.tolist(), weights=weights.tolist(), implementation="prpack"
    )
    np.testing.assert_allclose(pagerank(*graph), theirs, rtol=0, atol=1e-9)


@given(graphs())
@settings(deadline=None)
def test_exact_equals_networkx_at_a_tight_tolerance(graph: Graph) -> None:
    restart = dict(enumerate(graph[4].tolist()))
    theirs = nx.pagerank(as_networkx(graph), personalization=restart, tol=1e-15, max_iter=1000)
    np.testing.assert_allclose(pagerank(*graph), [theirs[v] for v in range(graph[0])], rtol=0, atol=1e-9)


@given(graphs())
@settings(deadline=None)
def test_summit_equals_networkx_with_its_defaults(graph: Graph) -> None:
    theirs = nx.pagerank(as_networkx(graph), personalization=dict(enumerate(graph[4].tolist())))
    ours = pagerank(*graph, mode=RankMode.SUMMIT)
    np.testing.assert_allclose(ours, [theirs[v] for v in range(graph[0])], rtol=0, atol=1e-12)


def large_graph(edge_count: int) -> Graph:
    rng = np.random.default_rng(7)
    count = 5_484  # Summit's channels
    sources, targets = rng.integers(0, count - 50, (2, edge_count))
    apart = sources != targets
    weights = rng.geometric(0.02, edge_count).astype(np.float64)
    restart = rng.random(count) * (rng.random(count) < 0.7)
    return count, sources[apart], targets[apart], weights[apart], restart


def test_both_modes_hold_at_the_size_of_a_real_class() -> None:
    graph = large_graph(60_000)
    made, restart = as_networkx(graph), dict(enumerate(graph[4].tolist()))
    summit = nx.pagerank(made, personalization=restart)
    tight = nx.pagerank(made, personalization=restart, tol=1e-14 / graph[0], max_iter=1000)
    ours = pagerank(*graph, mode=RankMode.SUMMIT)
    np.testing.assert_allclose(ours, [summit[v] for v in range(graph[0])], rtol=0, atol=1e-12)
    np.testing.assert_allclose(pagerank(*graph), [tight[v] for v in range(graph[0])], rtol=0, atol=1e-12)
    # The two modes differ, or the test would say nothing: Summit's stop rule leaves about 1e-6 a vertex.
    assert np.abs(ours - pagerank(*graph)).max() > 1e-8


def test_the_same_edges_give_the_same_bits() -> None:
    graph = large_graph(20_000)
    np.testing.assert_array_equal(pagerank(*graph), pagerank(*graph))


def test_an_isolated_vertex_keeps_its_restarts_and_an_unreached_one_has_none() -> None:
    # 0 - 1 joined; 2 alone but restarted at; 3 alone and never reached.
    graph = (4, np.array([0]), np.array([1]), np.array([3.0]), np.array([1.0, 0.0, 1.0, 0.0]))
    ranks = pagerank(*graph)
    np.testing.assert_allclose(ranks, dense_solution(graph, 0.85), rtol=0, atol=1e-12)
    assert ranks[2] > 0
    assert ranks[3] == 0


@pytest.mark.parametrize("mode", list(RankMode))
def test_no_restart_at_all_ranks_everything_zero(mode: RankMode) -> None:
    ranks = pagerank(3, np.array([0]), np.array([1]), np.array([1.0]), np.zeros(3), mode=mode)
    np.testing.assert_array_equal(ranks, np.zeros(3))


@pytest.mark.parametrize(
    ("sources", "targets", "weights", "restart", "damping"),
    [
        ([0], [0], [1.0], [1.0, 1.0], 0.85),
        ([0], [1], [0.0], [1.0, 1.0], 0.85),
        ([0], [1], [1.0], [1.0, -1.0], 0.85),
        ([0], [1], [1.0], [1.0, 1.0], 1.0),
        ([0], [1], [1.0], [1.0, 1.0], -0.1),
    ],
)
def test_what_cannot_be_ranked_is_refused(
    sources: list[int], targets: list[int], weights: list[float], restart: list[float], damping: float
) -> None:
    with pytest.raises(ValueError, match="expected"):
        pagerank(2, np.array(sources), np.array(targets), np.array(weights), np.array(restart), damping=damping)


def test_a_walk_that_does_not_settle_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    graph = large_graph(2_000)
    monkeypatch.setattr(rank, "_SUMMIT_STEPS", 2)
    with pytest.raises(ConvergenceError, match="2 iterations"):
        pagerank(*graph, mode=RankMode.SUMMIT)
    # No walk: it swings between two states for ever.
    monkeypatch.setattr(rank._Walk, "__call__", lambda _, ranks: ranks[::-1])
    with pytest.raises(ConvergenceError, match="residual of at most 1e-12"):
        pagerank(*graph)


def test_the_hand_worked_ranks(tmp_path) -> None:
    folder = hand_worked_run(tmp_path / "run")
    data = RunData(folder, min_share=0.0)
    (one,) = data.each(np.array([True]))
    expected = [float(value) for _, value in sorted(hand_worked.RANKS.items())]
    np.testing.assert_allclose(one.ranks, expected, rtol=0, atol=1e-12)


def test_personalization_divides_by_the_largest_of_the_layer() -> None:
    layout = Layout.make([2, 3, 1], [[], [0], [1]], np.array([False, False, True, False, False, False]))
    counts = np.array([4, 1, 900, 5, 10, 0])
    # The excluded channel's 900 does not count, and a layer without any count attracts nothing.
    np.testing.assert_array_equal(personalization(layout, counts), [1.0, 0.25, 0.0, 0.5, 1.0, 0.0])


def test_excluded_channels_are_as_if_they_were_not_there() -> None:
    layout = Layout.make([2, 2], [[], [0]], np.array([False, True, False, False]))
    sources, targets, weights = np.array([0, 0, 1, 1]), np.array([2, 3, 2, 3]), np.array([5, 1, 50, 60])
    ranks = rank_class(layout, np.array([3, 9, 2, 1]), sources, targets, weights)
    without = pagerank(3, np.array([0, 0]), np.array([1, 2]), np.array([5.0, 1.0]), np.array([1.0, 1.0, 0.5]))
    assert ranks[1] == 0
    np.testing.assert_array_equal(ranks[[0, 2, 3]], without)


def test_a_run_of_random_counts_ranks_to_one(tmp_path) -> None:
    data = RunData(random_run(tmp_path / "run"), min_share=0.0)
    for one in data.each(np.ones(3, np.bool_)):
        assert one.ranks.sum() == pytest.approx(1, abs=1e-12)
        assert (one.ranks >= 0).all()
