"""Finds motifs in a table of which class holds which edge. Plain arrays, no database.

Edges are numbered; `sources` and `targets` (shape (edge,)) are vertex numbers, and `holds` (shape (edge, class), bool)
says which class's graph has which edge. A motif is a tuple of edge numbers, its *support* the number of classes that
hold all of them. A motif's support is at most that of any part of it, so what is too rare is never extended
[agrawal1994apriori].
"""

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
MAX_SUBGRAPHS: Final = 25_000
"""Likewise: about 1 s. The graphs of Summit's 118 dogs have 20,271 closed ones in common that 12 of them hold."""
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

    def grows(motif: Edges) -> bool:
        vertices = {int(end) for edge in motif for end in (incidence.sources[edge], incidence.targets[edge])}
        near = sorted({edge for vertex in vertices for edge in touching[vertex]} - set(motif))
        return bool(incidence.holds[near][:, holders(incidence, motif)].all(axis=1).any())

    return [motif for motif in motifs if not grows(motif)]


def _touching(incidence: Incidence) -> dict[int, list[int]]:
    touching: dict[int, list[int]] = defaultdict(list)
    for edge, ends in enumerate(zip(incidence.sources.tolist(), incidence.targets.tolist(), strict=True)):
        for vertex in ends:
            touching[vertex].append(edge)
    return touching


def _closed_subgraphs(incidence: Incidence, at_least: int) -> list[Edges]:
    """Enumerates closed connected subgraphs; stops at one too many.

    Each one, T, is reached from any of its edges: closing a part of T stays inside T, since whatever the classes of the
    part all hold, those of T do; and while the part is smaller, T being connected, an edge of T touches it.

    A closed subgraph is the connected part, around any edge of it, of what its classes all hold. So an extension needs
    no growing where a subgraph of just these classes that was found before holds the edges already: no closed one is
    grown twice. Sets of classes and of edges are the bits of integers.
    """
    touching = _touching(incidence)
    ends = list(zip(incidence.sources.tolist(), incidence.targets.tolist(), strict=True))
    classes = [int.from_bytes(row.tobytes()) for row in np.packbits(incidence.holds, axis=1)]
    found: list[Edges] = []
    waiting: list[tuple[int, set[int]]] = []  # the classes and the vertices of those that are still to be extended
    covered: dict[int, int] = defaultdict(int)  # by classes, the edges of all found ones that just these classes hold

    def reach(first: int, held: int) -> None:
        """Finds what all these classes hold around an edge, unless it was found."""
        if covered[held] >> first & 1:
            return
        if len(found) == MAX_SUBGRAPHS:
            raise _too_many(MAX_SUBGRAPHS)
        edges, vertices = _connected(first, held, classes, ends, touching)
        found.append(tuple(sorted(edges)))
        waiting.append((held, vertices))
        covered[held] |= sum(1 << edge for edge in edges)

    for edge, held in enumerate(classes):
        if held.bit_count() >= at_least:
            reach(edge, held)
    at = 0
    while at < len(found):
        motif, (held, vertices) = found[at], waiting[at]
        near = {edge for vertex in vertices for edge in touching[vertex]}
        for fewer in {held & classes[edge] for edge in near}:
            if fewer.bit_count() >= at_least:
                reach(motif[0], fewer)
        at += 1
    return sorted(found)


def _connected(
    first: int, held: int, classes: Sequence[int], ends: Sequence[tuple[int, int]], touching: dict[int, list[int]]
) -> tuple[set[int], set[int]]:
    """Returns the edges that all classes of `held` hold and that are connected to the first one, and their vertices."""
    edges, vertices, waiting = {first}, set(ends[first]), list(ends[first])
    while waiting:
        for edge in touching[waiting.pop()]:
            if edge not in edges and classes[edge] & held == held:
                edges.add(edge)
                further = set(ends[edge]) - vertices
                vertices |= further
                waiting += further
    return edges, vertices


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
