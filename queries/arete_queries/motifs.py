"""Motifs: what attribution graphs of a group of classes have in common, piece by piece, and how surprising that is.

The database gives the edges that enough of the group's classes hold, with all classes that hold them; from this table
`motif_mining` finds the motifs. The statement of each shape lists the same motifs in the database alone, and is what
an answer carries.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from arete_core.errors import BadInput
from arete_queries.arguments import check_first, check_mass
from arete_queries.groups import check_classes
from arete_queries.motif_mining import (
    Edges,
    Incidence,
    Ints,
    closed_motifs,
    count_possible,
    find_motifs,
    holders,
)
from arete_queries.motif_results import Motif, MotifList, MotifPattern
from arete_queries.overlap import check_complete
from arete_queries.records import channel_info, class_info
from arete_queries.results import ChannelInfo, ClassInfo
from arete_queries.runner import QueryRunner
from arete_queries.significance import p_values, q_values
from arete_queries.statements import statements
from arete_queries.transaction import Row


@dataclass(frozen=True)
class _Table:
    """What the database holds of the edges that enough classes have.

    Attributes:
        classes: The group's, by index.
        run_size: Classes of the run.
        mass: Share of each layer's rank mass at which all graphs are cut; None for each class's own.
        channels: Those at the edges, by layer, then index; vertex numbers count them.
        incidence: Edges by the group's classes.
        outside: Edges by the run's other classes, shape (edge, class).
    """

    classes: tuple[ClassInfo, ...]
    run_size: int
    mass: float | None
    channels: tuple[ChannelInfo, ...]
    incidence: Incidence
    outside: np.ndarray


async def find_common_motifs(
    runner: QueryRunner,
    classes: Sequence[str],
    pattern: MotifPattern,
    *,
    min_support: float = 0.5,
    first: int = 50,
    closed: bool = True,
    mass: float | None = None,
) -> MotifList:
    """Finds the motifs of a shape that at least a share of a group's attribution graphs hold.

    A class without a graph counts as holding nothing.

    Args:
        runner: The database.
        classes: Ids of classes of one run.
        pattern: The shape.
        min_support: Least share of the classes, above 0 and up to 1.
        first: How many motifs at most, 1 to 500, the most significant first (then by support, then by channels).
        closed: Leave out motifs that some further edge touches which the same classes all hold: they are part of a
            larger one. Subgraphs are always closed.
        mass: Share of each layer's rank mass that the graphs keep, above 0 and up to 1, of the group's classes and of
            those that it is held against; None for each class's own.

    Returns:
        The motifs.

    Raises:
        NotFoundError: If there is no such class.
        BadInput: If an argument cannot be, the classes are of different runs, or there are too many motifs.
    """
    ids = check_classes("classes", classes)
    pattern, first, mass = MotifPattern(pattern), check_first(first), check_mass(mass)
    at_least = _at_least(min_support, len(ids))
    table = await _read(runner, ids, at_least, mass)
    found = find_motifs(table.incidence, pattern, at_least)
    listed = closed_motifs(table.incidence, found) if closed and pattern is not MotifPattern.SUBGRAPH else found
    tested = len(found)
    if pattern is not MotifPattern.SUBGRAPH and found:
        (pairs,) = await _run(runner, "motif_pairs", {"run": table.classes[0].run}, mass)
        tested = max(tested, count_possible(pattern, np.array(pairs["sources"]), np.array(pairs["targets"])))
    motifs = _judge(table, listed, tested, first)
    if pattern is not MotifPattern.SUBGRAPH:
        cypher = statements()[f"motif_{pattern.value}"].with_values({"classes": ids, "atLeast": at_least, "mass": mass})
    else:
        cypher = motifs[0].cypher if motifs else _drawing(table, ())
    return MotifList(
        pattern=pattern,
        classes=table.classes,
        at_least=at_least,
        mass=mass,
        outside=table.run_size - len(ids),
        found=len(listed),
        tested=tested,
        motifs=motifs,
        cypher=cypher,
    )


async def shared_path(runner: QueryRunner, classes: Sequence[str], *, mass: float | None = None) -> Motif | None:
    """Finds the longest path that the attribution graphs of all classes of a group hold.

    Args:
        runner: The database.
        classes: Ids of classes of one run.
        mass: Share of each layer's rank mass that the graphs keep, above 0 and up to 1; None for each class's own.

    Returns:
        The path, of at least one edge; of several longest ones the one with the least support outside, then the first
        by channels. None where the classes share no edge. Its q-value is corrected for the shared paths of this length.

    Raises:
        NotFoundError: If there is no such class.
        BadInput: If there are no classes, too many, or of different runs, or the mass cannot be.
    """
    ids = check_classes("classes", classes)
    table = await _read(runner, ids, len(ids), check_mass(mass))
    paths = [(edge,) for edge in range(len(table.incidence.sources))]
    longest: list[Edges] = []
    # All edges are shared by all classes here, and layers are in order, so this ends after as many steps as layers.
    while paths:
        longest = paths
        sources, targets = table.incidence.sources, table.incidence.targets
        paths = [(*path, int(edge)) for path in paths for edge in np.flatnonzero(sources == targets[path[-1]])]
        if len(paths) > _MAX_PATHS:
            raise BadInput(f"the classes share more than {_MAX_PATHS:,} paths", hint="ask for path motifs instead")
    motifs = _judge(table, longest, len(longest), 1)
    return motifs[0] if motifs else None


_MAX_PATHS = 100_000


def _at_least(min_support: float, count: int) -> int:
    if not 0 < min_support <= 1:
        raise BadInput(f"min_support: above 0 and up to 1 was expected, found {min_support}")
    # 0.07 * 100 is 7.000000000000001
    return max(1, int(np.ceil(min_support * count - 1e-9)))


async def _run(runner: QueryRunner, name: str, params: dict[str, Any], mass: float | None) -> list[Row]:
    """Asks about the stored attribution graphs, or about those that a mass gives."""
    return await (runner.run(name, params) if mass is None else runner.run(f"{name}_at_mass", params | {"mass": mass}))


async def _read(runner: QueryRunner, ids: list[str], at_least: int, mass: float | None) -> _Table:
    (row,) = await _run(runner, "motif_edges", {"classes": ids, "atLeast": at_least}, mass)
    classes = sorted((class_info(one) for one in row["classes"]), key=lambda info: info.index)
    await check_complete(runner, ids, {info.id: info for info in classes})
    channels = sorted((channel_info(one) for one in row["channels"]), key=lambda c: (c.layer_index, c.index))
    number = {channel.id: place for place, channel in enumerate(channels)}
    column = {info.key: place for place, info in enumerate(classes)}
    for key in sorted(set(row["runKeys"]) - column.keys()):
        column[key] = len(column)
    edges = sorted(
        (number[target], number[source], keys)
        for source, target, keys in zip(row["sources"], row["targets"], row["keys"], strict=True)
    )
    holds = np.zeros((len(edges), len(column)), dtype=np.bool_)
    for place, (_, _, keys) in enumerate(edges):
        # Keys of classes that are not complete are not in the run's.
        holds[place, [column[key] for key in keys if key in column]] = True
    ends: Ints = np.array([(source, target) for target, source, _ in edges], dtype=np.int64).reshape(-1, 2)
    incidence = Incidence(ends[:, 0], ends[:, 1], holds[:, : len(classes)])
    return _Table(tuple(classes), len(column), mass, tuple(channels), incidence, holds[:, len(classes) :])


def _judge(table: _Table, motifs: list[Edges], tested: int, first: int) -> tuple[Motif, ...]:
    """Returns the most significant motifs with their figures."""
    if not motifs:
        return ()
    held = [holders(table.incidence, motif) for motif in motifs]
    inside = np.array([one.sum() for one in held], dtype=np.int64)
    outside = np.array([table.outside[list(motif)].all(axis=0).sum() for motif in motifs], dtype=np.int64)
    size, rest = len(table.classes), table.run_size - len(table.classes)
    p = p_values(inside, outside, size, table.run_size)
    q = q_values(p, max(tested, len(motifs)))
    order = sorted(range(len(motifs)), key=lambda place: (p[place], -inside[place], motifs[place]))
    ids = [info.id for info in table.classes]
    made = []
    for place in order[:first]:
        edges, channels = _named(table, motifs[place])
        made.append(
            Motif(
                channels=channels,
                edges=edges,
                support=int(inside[place]),
                support_outside=int(outside[place]),
                lift=float((inside[place] / size) / (outside[place] / rest)) if outside[place] else None,
                p_value=float(p[place]),
                q_value=float(q[place]),
                classes=tuple(id_ for id_, own in zip(ids, held[place], strict=True) if own),
                cypher=_drawing(table, edges),
            )
        )
    return tuple(made)


def _named(table: _Table, motif: Edges) -> tuple[tuple[tuple[str, str], ...], tuple[ChannelInfo, ...]]:
    ends = [(int(table.incidence.sources[edge]), int(table.incidence.targets[edge])) for edge in motif]
    edges = tuple((table.channels[source].id, table.channels[target].id) for source, target in ends)
    return edges, tuple(table.channels[vertex] for vertex in sorted({vertex for pair in ends for vertex in pair}))


def _drawing(table: _Table, edges: tuple[tuple[str, str], ...]) -> str:
    values: dict[str, Any] = {
        "classes": [info.id for info in table.classes],
        "sources": [source for source, _ in edges],
        "targets": [target for _, target in edges],
        "mass": table.mass,
    }
    return statements()["motif_subgraph"].with_values(values)
