"""Finds motifs in a table of which class holds which edge. Plain arrays, no database.

Edges are numbered; `sources` and `targets` (shape (edge,)) are vertex numbers, and `holds` (shape (edge, class), bool)
says which class's graph has which edge. A motif is a tuple of edge numbers, its *support* the number of classes that
hold all of them. A motif's support is at most that of any part of it, so what is too rare is never extended
[agrawal1994apriori].
"""

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from arete_core.errors import BadInput
from arete_queries.motif_results import MotifPattern

Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]
Edges = tuple[int, ...]
MAX_MOTIFS: Final = 200_000
"""Beyond this a question has too many answers to be one: about 1 s and 100 MB."""
MAX_SUBGRAPHS: Final = 5_000
_BLOCK: Final = 10_000


@dataclass(frozen=True)
class Incidence:
    """Which class holds which edge.

    Attributes:
        sources: Vertex numbers, shape (edge,).
        targets: Vertex numbers, shape (edge,).
        holds: Shape (edge, class).
    """

    sources: Ints
    targets: Ints
    holds: Bools


def find_motifs(incidence: Incidence, pattern: MotifPattern, at_least: int) -> list[Edges]:
    """Finds all motifs of a shape.

    Args:
        incidence: Which class holds which edge.
        pattern: The shape.
        at_least: Least support, 1 or more.

    Returns:
        Each motif once, its edges in the order in which the shape's name tells them: along a path; a wedge's two by the
        number of the other end; a diamond's upper two after its lower two; a triangle's skip edge last. Subgraphs are
        closed ones only, edges in ascending order.

    Raises:
        BadInput: If there are too many.
    """
    if pattern is MotifPattern.SUBGRAPH:
        return _closed_subgraphs(incidence, at_least)
    frequent = np.flatnonzero(incidence.holds.sum(axis=1) >= at_least)
    join = _Join(incidence, frequent, at_least)
    singles = [(int(edge),) for edge in frequent]
    match pattern:
        case MotifPattern.PATH_2 | MotifPattern.PATH_3 | MotifPattern.PATH_4:
            found = singles
            for _ in range(int(pattern.value[-1]) - 1):
                found = join.extend(found, lambda motif: join.leaving(join.target[motif[-1]]))
            return found
        case MotifPattern.WEDGE_IN:
            return join.extend(
                singles, lambda m: (e for e in join.arriving(join.target[m[0]]) if join.source[e] > join.source[m[0]])
            )
        case MotifPattern.WEDGE_OUT:
            return join.extend(singles, join.second_out)
        case MotifPattern.DIAMOND:
            found = join.extend(singles, join.second_out)
            found = join.extend(found, lambda m: join.leaving(join.target[m[0]]))
            return join.extend(found, lambda m: join.between(join.target[m[1]], join.target[m[2]]))
        case MotifPattern.TRIANGLE:
            found = join.extend(singles, lambda m: join.leaving(join.target[m[0]]))
            return join.extend(found, lambda m: join.between(join.source[m[0]], join.target[m[1]]))


class _Join:
    """Extends motifs edge by edge."""

    def __init__(self, incidence: Incidence, edges: Ints, at_least: int) -> None:
        self._holds = incidence.holds
        self._at_least = at_least
        self.source: list[int] = incidence.sources.tolist()
        self.target: list[int] = incidence.targets.tolist()
        self._from: dict[int, list[int]] = defaultdict(list)
        self._to: dict[int, list[int]] = defaultdict(list)
        self._ends: dict[tuple[int, int], int] = {}
        for edge in edges.tolist():
            self._from[self.source[edge]].append(edge)
            self._to[self.target[edge]].append(edge)
            self._ends[self.source[edge], self.target[edge]] = edge

    def leaving(self, vertex: int) -> Sequence[int]:
        return self._from.get(vertex, ())

    def arriving(self, vertex: int) -> Sequence[int]:
        return self._to.get(vertex, ())

    def between(self, source: int, target: int) -> Sequence[int]:
        edge = self._ends.get((source, target))
        return () if edge is None else (edge,)

    def second_out(self, motif: Edges) -> Iterable[int]:
        (first,) = motif
        return (edge for edge in self.leaving(self.source[first]) if self.target[edge] > self.target[first])

    def extend(self, motifs: list[Edges], candidates: Callable[[Edges], Iterable[int]]) -> list[Edges]:
        """Returns every motif with one more edge that enough classes still hold."""
        longer: list[Edges] = []
        block: list[Edges] = []
        for motif in motifs:
            block.extend((*motif, edge) for edge in candidates(motif))
            if len(block) > _BLOCK:
                longer.extend(self._frequent(block))
                block = []
                if len(longer) > MAX_MOTIFS:
                    raise _too_many(MAX_MOTIFS)
        longer.extend(self._frequent(block))
        if len(longer) > MAX_MOTIFS:
            raise _too_many(MAX_MOTIFS)
        return longer

    def _frequent(self, motifs: list[Edges]) -> list[Edges]:
        if not motifs:
            return []
        numbers = np.array(motifs, dtype=np.int64)
        held = self._holds[numbers[:, 0]]
        for column in range(1, numbers.shape[1]):
            held = held & self._holds[numbers[:, column]]
        kept = np.flatnonzero(held.sum(axis=1) >= self._at_least)
        return [motifs[place] for place in kept]


def _too_many(limit: int) -> BadInput:
    return BadInput(
        f"there are more than {limit:,} motifs of that support", hint="ask for a larger min_support or a smaller group"
    )


def holders(incidence: Incidence, motif: Edges) -> Bools:
    """Returns which classes hold all edges of a motif, shape (class,)."""
    return np.logical_and.reduce(incidence.holds[list(motif)], axis=0)


def closed_motifs(incidence: Incidence, motifs: Sequence[Edges]) -> list[Edges]:
    """Returns the closed ones: those that no further edge touches which all their classes hold as well.

    Args:
        incidence: Which class holds which edge.
        motifs: Motifs with a support above 0.

    Returns:
        Those motifs whose every extension by an edge at one of their vertices has less support.
    """
    touching = _touching(incidence)
    return [motif for motif in motifs if not _grown(incidence, touching, motif, holders(incidence, motif))]


def _touching(incidence: Incidence) -> dict[int, list[int]]:
    touching: dict[int, list[int]] = defaultdict(list)
    for edge, ends in enumerate(zip(incidence.sources.tolist(), incidence.targets.tolist(), strict=True)):
        for vertex in ends:
            touching[vertex].append(edge)
    return touching


def _grown(incidence: Incidence, touching: dict[int, list[int]], motif: Edges, held: Bools) -> set[int]:
    """Returns the edges beside a motif that all its classes hold."""
    vertices = {int(end) for edge in motif for end in (incidence.sources[edge], incidence.targets[edge])}
    near = sorted({edge for vertex in vertices for edge in touching[vertex]} - set(motif))
    if not near:
        return set()
    return {near[place] for place in np.flatnonzero(incidence.holds[near][:, held].all(axis=1))}


def _close(incidence: Incidence, touching: dict[int, list[int]], motif: Edges) -> Edges:
    """Adds edges until none is left that all classes of the motif hold; connected motifs stay connected."""
    held = holders(incidence, motif)
    while more := _grown(incidence, touching, motif, held):
        motif = tuple(sorted({*motif, *more}))
    return motif


def _closed_subgraphs(incidence: Incidence, at_least: int) -> list[Edges]:
    """Enumerates closed connected subgraphs.

    Each one, T, is reached from any of its edges: closing a part of T stays inside T, since whatever the classes of the
    part all hold, those of T do; and while the part is smaller, T being connected, an edge of T touches it.
    """
    touching = _touching(incidence)
    frequent = np.flatnonzero(incidence.holds.sum(axis=1) >= at_least).tolist()
    found = {_close(incidence, touching, (edge,)) for edge in frequent}
    waiting = list(found)
    while waiting:
        motif = waiting.pop()
        held = holders(incidence, motif)
        vertices = {int(end) for edge in motif for end in (incidence.sources[edge], incidence.targets[edge])}
        for edge in {edge for vertex in vertices for edge in touching[vertex]} - set(motif):
            if (held & incidence.holds[edge]).sum() < at_least:
                continue
            larger = _close(incidence, touching, tuple(sorted((*motif, edge))))
            if larger not in found:
                found.add(larger)
                waiting.append(larger)
        if len(found) > MAX_SUBGRAPHS:
            raise _too_many(MAX_SUBGRAPHS)
    return sorted(found)


def count_possible(pattern: MotifPattern, sources: Ints, targets: Ints) -> int:
    """Counts the motifs of a shape in a graph.

    Args:
        pattern: The shape, not `SUBGRAPH`.
        sources: Vertex numbers, shape (edge,).
        targets: Vertex numbers, shape (edge,); no edge twice.

    Returns:
        How many there are.
    """
    names, numbers = np.unique(np.concatenate([sources, targets]), return_inverse=True)
    start, end = numbers[: len(sources)], numbers[len(sources) :]
    size = len(names)
    joined = sparse.csr_array((np.ones(len(start), np.int64), (start, end)), shape=(size, size))
    fan_out, fan_in = joined.sum(axis=1), joined.sum(axis=0)
    match pattern:
        case MotifPattern.PATH_2 | MotifPattern.PATH_3 | MotifPattern.PATH_4:
            ways = np.ones(size, np.int64)
            for _ in range(int(pattern.value[-1])):
                ways = joined @ ways
            return int(ways.sum())
        case MotifPattern.WEDGE_IN:
            return int((fan_in * (fan_in - 1) // 2).sum())
        case MotifPattern.WEDGE_OUT:
            return int((fan_out * (fan_out - 1) // 2).sum())
        case MotifPattern.DIAMOND:
            two = sparse.csr_array(joined @ joined).data
            return int((two * (two - 1) // 2).sum())
        case MotifPattern.TRIANGLE:
            return int((sparse.csr_array(joined @ joined) * joined).sum())
        case MotifPattern.SUBGRAPH:
            raise ValueError("subgraphs have no number worth counting")


def p_values(inside: Ints, outside: Ints, group_size: int, run_size: int) -> NDArray[np.float64]:
    """Returns how likely at least this support is in a group of the same size drawn at random.

    Args:
        inside: Support in the group, shape (motif,).
        outside: Support among the run's other classes, shape (motif,).
        group_size: Classes of the group.
        run_size: Classes of the run, those of the group included.

    Returns:
        The upper tail of the hypergeometric distribution, shape (motif,), 0 to 1.
    """
    # Written out, as scipy.stats takes a second to import, which every command would wait for.
    factorials = np.array([math.lgamma(number + 1) for number in range(run_size + 1)])

    def choose(total: Ints | int, part: Ints) -> NDArray[np.float64]:
        return factorials[total] - factorials[part] - factorials[total - part]

    found = np.empty(len(inside))
    pairs, place = np.unique(np.column_stack([inside, outside]), axis=0, return_inverse=True)
    for number, (within, beyond) in enumerate(pairs.tolist()):
        holding = within + beyond
        better = np.arange(within, min(holding, group_size) + 1)
        logs = choose(holding, better) + choose(run_size - holding, group_size - better)
        logs -= choose(run_size, np.array([group_size]))
        found[place.ravel() == number] = min(float(np.exp(logs).sum()), 1.0)
    return found


def q_values(p: NDArray[np.float64], tested: int) -> NDArray[np.float64]:
    """Corrects for many tests as Benjamini and Hochberg do [benjamini1995controlling].

    Args:
        p: p-values of some of the tests, shape (motif,); those of all the others count as 1.
        tested: How many tests there were, at least as many as p-values.

    Returns:
        Least false discovery rate at which each test is rejected, shape (motif,), at least p and at most 1.
    """
    order = np.argsort(p)
    scaled = p[order] * tested / np.arange(1, len(p) + 1)
    least = np.minimum(np.minimum.accumulate(scaled[::-1])[::-1], 1.0)
    found = np.empty_like(p)
    found[order] = least
    return found
