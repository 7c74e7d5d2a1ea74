"""Personalized PageRank of one class: which channels matter to it, by their own activation and by whom they influence.

1. Vertices are all channels of the run that are not excluded, those without an edge included. Excluded channels take no
   part at all and have rank 0.
2. Edges are the class's influence counts I, taken both ways round (undirected) and weighted by the count.
3. The random walk restarts at channel v with a probability in proportion to A(v) divided by the largest A in v's layer,
   so that no layer is favoured for having larger counts.
4. With probability `damping` it follows an edge in proportion to its weight; from a channel without edges it restarts.
5. The rank is the share of time that the walk spends at a channel: all ranks of a class sum to 1.

A class whose activation counts are all 0 has nowhere to start from: all its ranks are 0.

Two modes. `exact` gives the fixed point: the residual (sum of absolute differences after one more step) is at most
1e-12, so that no rank is further off than 1e-12 / (1 - damping). The graph being undirected, the fixed point solves a
symmetric positive definite system, which conjugate gradients [hestenes1952methods] solve in some 20 products with the
matrix where the walk itself would take 170; the residual is then checked, and worked off by walking on, with the walk
as defined above. `summit` stops where networkx's `pagerank` stops
with its defaults (100 iterations, tolerance 1e-6 times the number of vertices), as the published files of Summit
[hohman2020summit] were made; the walk has not settled by then, and the order of close ranks may differ from `exact`.

Departures from Summit: the vertices are all channels, where Summit's graph holds those with an edge; a vertex without
an edge keeps the share of its own restarts.
"""

from enum import StrEnum
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from arete_core.errors import ConvergenceError
from arete_core.layout import Layout

DAMPING: Final = 0.85  # Summit's and networkx's default
RESIDUAL: Final = 1e-12
"""What `exact` promises: one more step changes the ranks by no more than this in sum."""
_SOLVER_RESIDUAL: Final = 4e-13
_MAX_SOLVER_STEPS: Final = 1_000
_SUMMIT_STEPS: Final = 100  # networkx's max_iter
_SUMMIT_TOLERANCE: Final = 1e-6  # networkx's tol, per vertex

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


class RankMode(StrEnum):
    """Where the iteration stops."""

    EXACT = "exact"
    SUMMIT = "summit"


def personalization(layout: Layout, counts: Ints) -> Floats:
    """Returns how much each channel attracts restarts: A divided by the largest A among its layer's channels.

    Args:
        layout: The run's channels.
        counts: A, shape (channel,), not negative.

    Returns:
        Shape (channel,), 0 to 1, not scaled to sum to 1; 0 for excluded channels and in layers without any count.
    """
    counts = np.where(layout.excluded, 0, counts)
    largest = np.zeros(len(layout.sizes), dtype=np.int64)
    np.maximum.at(largest, layout.layer, counts)
    return counts / np.maximum(largest, 1)[layout.layer]


def rank_class(
    layout: Layout,
    counts: Ints,
    sources: Ints,
    targets: Ints,
    weights: Ints,
    *,
    damping: float = DAMPING,
    mode: RankMode = RankMode.EXACT,
) -> Floats:
    """Ranks the channels of one class.

    Args:
        layout: The run's channels.
        counts: A, shape (channel,).
        sources: Positions of the edges' sources, shape (edge,).
        targets: Positions of the edges' targets, shape (edge,).
        weights: I, shape (edge,), above 0.
        damping: Probability of following an edge, at least 0 and below 1.
        mode: Where to stop.

    Returns:
        Ranks, shape (channel,), summing to 1; 0 for excluded channels; all 0 where A is.

    Raises:
        ConvergenceError: If the iteration does not reach its tolerance.
    """
    ranks = np.zeros(layout.channel_count)
    present = np.flatnonzero(~layout.excluded)
    inside = ~(layout.excluded[sources] | layout.excluded[targets])
    place = np.cumsum(~layout.excluded) - 1
    ranks[present] = pagerank(
        len(present),
        place[sources[inside]],
        place[targets[inside]],
        weights[inside].astype(np.float64),
        personalization(layout, counts)[present],
        damping=damping,
        mode=mode,
    )
    return ranks


def pagerank(
    vertex_count: int,
    sources: Ints,
    targets: Ints,
    weights: Floats,
    restart: Floats,
    *,
    damping: float = DAMPING,
    mode: RankMode = RankMode.EXACT,
) -> Floats:
    """Computes personalized PageRank on an undirected weighted graph.

    Args:
        vertex_count: Number of vertices.
        sources: One end of each edge, shape (edge,).
        targets: The other end, shape (edge,); never the same vertex. Several edges between two vertices add up.
        weights: Above 0, shape (edge,).
        restart: Not negative, shape (vertex,), need not sum to 1.
        damping: Probability of following an edge, at least 0 and below 1.
        mode: Where to stop.

    Returns:
        Ranks, shape (vertex,), summing to 1; all 0 where `restart` is.

    Raises:
        ConvergenceError: If the iteration does not reach its tolerance.
        ValueError: If damping, a weight or an edge is not as asked for above.
    """
    if not 0 <= damping < 1:
        raise ValueError(f"damping: at least 0 and below 1 was expected, found {damping}")
    if (weights <= 0).any() or (restart < 0).any() or (sources == targets).any():
        raise ValueError("weights above 0, restarts of at least 0 and no loops were expected")
    total = restart.sum()
    if total == 0:
        return np.zeros(vertex_count)
    start = restart / total
    walk = _Walk(vertex_count, sources, targets, weights, start, damping)
    return _summit(walk, vertex_count) if mode is RankMode.SUMMIT else _exact(walk, damping)


class _Walk:
    """One step of the walk, as a matrix product."""

    def __init__(
        self, vertex_count: int, sources: Ints, targets: Ints, weights: Floats, start: Floats, damping: float
    ) -> None:
        self._there = sparse.csr_array((weights, (targets, sources)), shape=(vertex_count, vertex_count))
        self._back = self._there.T  # a view: no second copy, no second sort
        degree = np.bincount(sources, weights, vertex_count) + np.bincount(targets, weights, vertex_count)
        self._scale = np.divide(1.0, degree, out=np.zeros(vertex_count), where=degree != 0)
        self._stuck = np.flatnonzero(degree == 0)
        self.start = start
        self._damping = damping

    def _follow(self, ranks: Floats) -> Floats:
        """Where the walk is after following an edge from each vertex that has one."""
        leaving = ranks * self._scale
        return self._there @ leaving + self._back @ leaving

    def __call__(self, ranks: Floats) -> Floats:
        followed = self._follow(ranks) + ranks[self._stuck].sum() * self.start
        return self._damping * followed + (1 - self._damping) * self.start

    def solve(self) -> Floats:
        """Returns the fixed point, as near as conjugate gradients come to it.

        Without the restarts from stuck vertices the walk's fixed point is, up to a factor, y = damping * W y + start.
        With D the degrees, W = A / D: in z = y / sqrt(D) this is (1 - damping * A / sqrt(D D')) z = start / sqrt(D).
        Its eigenvalues lie within 1 - damping and 1 + damping. Restarts from stuck vertices, at `start` like all
        others, only change the factor.
        """
        root = np.sqrt(self._scale)
        joined = root > 0
        spread = np.where(joined, 1.0 / np.where(joined, root, 1.0), 0.0)
        found = np.zeros_like(self.start)
        residual = self.start * root
        direction = residual.copy()
        energy = float(residual @ residual)
        for _ in range(_MAX_SOLVER_STEPS):
            if float(np.abs(residual * spread).sum()) <= _SOLVER_RESIDUAL:
                break
            moved = direction - self._damping * root * self._follow(direction * spread)
            length = energy / float(direction @ moved)
            found += length * direction
            residual -= length * moved
            before, energy = energy, float(residual @ residual)
            direction = residual + energy / before * direction
        ranks = found * spread
        ranks[self._stuck] = self.start[self._stuck]
        # Rounding leaves vertices that are never reached at exactly 0, but others may end just below it.
        ranks = np.maximum(ranks, 0.0)
        return ranks / ranks.sum()


def _exact(walk: _Walk, damping: float) -> Floats:
    # A step shrinks the distance to the fixed point by `damping` at least, and the first distance is at most 2.
    steps = 10 + int(np.log(RESIDUAL / 2) / np.log(max(damping, 0.01)))
    ranks = walk.solve()
    residual = np.inf
    for _ in range(steps):
        following = walk(ranks)
        residual = float(np.abs(following - ranks).sum())
        if residual <= RESIDUAL:
            return ranks
        ranks = following
    raise ConvergenceError(f"PageRank: a residual of at most {RESIDUAL} was expected, found {residual:.3g}")


def _summit(walk: _Walk, vertex_count: int) -> Floats:
    ranks = np.full(vertex_count, 1.0 / vertex_count)
    for _ in range(_SUMMIT_STEPS):
        following = walk(ranks)
        change = float(np.abs(following - ranks).sum())
        ranks = following
        if change < vertex_count * _SUMMIT_TOLERANCE:
            return ranks
    raise ConvergenceError(f"PageRank, Summit's stop rule: no convergence in {_SUMMIT_STEPS} iterations")
