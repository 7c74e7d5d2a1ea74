"""Set algebra over the attribution graphs of any number of classes: in at least k of n, and one set against another.

One statement gives vertices and edges, so that they are of one moment; a second one the overlap by layer.
"""

from collections.abc import Sequence
from typing import Any

from arete_core.errors import BadInput, NotFoundError
from arete_queries.arguments import check_mass, check_min_share
from arete_queries.comparison_results import Membership, parting_layer
from arete_queries.group_results import (
    Overlap,
    OverlapEdge,
    OverlapLayer,
    OverlapOperation,
    OverlapVertex,
)
from arete_queries.groups import check_classes
from arete_queries.lists import get_class
from arete_queries.records import Map, by_channel, by_target, channel_info, class_info, layer_overlap
from arete_queries.results import ClassInfo
from arete_queries.runner import QueryRunner
from arete_queries.statements import statements

_MEMBERSHIPS: dict[OverlapOperation, tuple[Membership, ...]] = {
    OverlapOperation.UNION: (Membership.ONLY_A, Membership.SHARED, Membership.ONLY_B),
    OverlapOperation.INTERSECTION: (Membership.SHARED,),
    OverlapOperation.A_MINUS_B: (Membership.ONLY_A,),
    OverlapOperation.B_MINUS_A: (Membership.ONLY_B,),
    OverlapOperation.SYMMETRIC_DIFFERENCE: (Membership.ONLY_A, Membership.ONLY_B),
}


async def overlap_classes(
    runner: QueryRunner,
    a: Sequence[str],
    b: Sequence[str] = (),
    *,
    operation: OverlapOperation = OverlapOperation.UNION,
    at_least: int | None = None,
    at_least_b: int | None = None,
    mass: float | None = None,
    min_share: float = 0.0,
) -> Overlap:
    """Lays the attribution graphs of several classes over each other.

    Args:
        runner: The database.
        a: Ids of classes of one run: side A.
        b: Ids of other classes of the run, side B; empty for a question about side A alone.
        operation: Which vertices and edges are wanted. With one side only: `UNION` for those of any class,
            `INTERSECTION` for those of all; nothing else.
        at_least: In how many of side A's graphs an element must be, 1 to their number; None for 1, or for all where
            the intersection of one side is asked for.
        at_least_b: The same for side B; None for 1.
        mass: Share of each layer's rank mass that is kept, above 0 and up to 1; None for each class's own.
        min_share: Edges seen in less than this share of a class's images are not in its graph, 0 to 1.

    Returns:
        The overlap.

    Raises:
        NotFoundError: If there is no such class.
        BadInput: If an argument cannot be, arguments contradict each other, a class is on both sides, classes are of
            different runs, or no mass is given and a class has none of its own.
    """
    mass, min_share = check_mass(mass), check_min_share(min_share)
    operation = OverlapOperation(operation)
    left = check_classes("a", a)
    right = check_classes("b", b) if b else []
    both = sorted(set(left) & set(right))
    if both:
        raise BadInput(f"class {both[0]!r} is on both sides", hint="name each class once")
    memberships = _MEMBERSHIPS[operation]
    if not right:
        if operation not in (OverlapOperation.UNION, OverlapOperation.INTERSECTION):
            raise BadInput(
                f"operation: {operation.value!r} needs two sides, there is one", hint="name what to compare with"
            )
        if operation is OverlapOperation.INTERSECTION and at_least not in (None, len(left)):
            raise BadInput(
                f"at_least: {at_least} of {len(left)} contradicts the intersection, which is what all classes have",
                hint="ask for the union with at_least",
            )
        if operation is OverlapOperation.INTERSECTION:
            at_least = len(left)
        memberships = (Membership.ONLY_A,)
    if at_least_b is not None and not right:
        raise BadInput("at_least_b: there is no side B")
    floors = {
        "atLeastA": _check_at_least("at_least", at_least, len(left)),
        "atLeastB": _check_at_least("at_least_b", at_least_b, len(right)) if right else 1,
    }
    asked: dict[str, Any] = {"a": left, "b": right, **floors}
    cut = {"minShare": min_share, "memberships": [one.value for one in memberships]}
    if mass is None:
        rows = await runner.run("overlap_graphs", asked | cut)
    else:
        rows = await runner.run("overlap_graphs_at_mass", asked | cut | {"mass": mass})
    row = rows[0]
    classes = {info.id: info for info in (class_info(one) for one in row["classes"])}
    await _check_found(runner, left + right, classes, own=mass is None)
    layers = tuple(_layer(one) for one in await runner.run("overlap_layers", asked | {"mass": mass}))
    return Overlap(
        a=tuple(classes[id_] for id_ in left),
        b=tuple(classes[id_] for id_ in right),
        operation=operation,
        at_least_a=floors["atLeastA"],
        at_least_b=floors["atLeastB"],
        mass=mass,
        vertices=_vertices(row["vertices"], len(left), len(right)),
        edges=_edges(row, layers, len(left), len(right)),
        layers=layers,
        parts_at=parting_layer(layers),
        cypher=statements()["overlap_drawing"].with_values(asked | cut | {"mass": mass}),
    )


async def check_complete(runner: QueryRunner, ids: Sequence[str], classes: dict[str, ClassInfo]) -> None:
    """Makes sure that all classes that were asked about were found, and in one run.

    Args:
        runner: The database.
        ids: What was asked about.
        classes: What was found, by id.

    Raises:
        NotFoundError: If one is missing; the hint says what is near it.
        BadInput: If they are of different runs.
    """
    for id_ in ids:
        if id_ not in classes:
            await get_class(runner, id_)
            raise NotFoundError("class", id_, hint="its run was replaced a moment ago, ask again")
    runs = sorted({info.run for info in classes.values()})
    if len(runs) > 1:
        raise BadInput(
            f"classes of one run can be compared, these are of {', '.join(runs)}: their channels are not the same ones",
            hint="ingest all classes in one run",
        )


async def _check_found(runner: QueryRunner, ids: list[str], classes: dict[str, ClassInfo], *, own: bool) -> None:
    await check_complete(runner, ids, classes)
    without = [info for info in classes.values() if info.mass is None]
    if own and without:
        raise BadInput(
            f"class {without[0].id!r} ({without[0].name}) has no attribution graph of its own",
            hint="leave it out, or ask for a mass, for instance 1",
        )


def _check_at_least(name: str, at_least: int | None, count: int) -> int:
    if at_least is None:
        return 1
    if not 1 <= at_least <= count:
        raise BadInput(f"{name}: 1 to {count}, the number of classes, was expected, found {at_least}")
    return at_least


def _vertices(channels: list[Map], size_a: int, size_b: int) -> tuple[OverlapVertex, ...]:
    found = (
        OverlapVertex(
            channel=channel_info(one),
            membership=Membership(one["membership"]),
            classes_a=one["inA"],
            classes_b=one["inB"],
            count_a=one["countA"] / size_a,
            count_b=one["countB"] / max(size_b, 1),
            rank_a=one["rankA"] / size_a,
            rank_b=one["rankB"] / max(size_b, 1),
        )
        for one in channels
    )
    return by_channel(found)


def _edges(row: Map, layers: tuple[OverlapLayer, ...], size_a: int, size_b: int) -> tuple[OverlapEdge, ...]:
    columns = ("sources", "targets", "edgeMemberships", "edgesInA", "edgesInB", "countsA", "countsB")
    found = (
        OverlapEdge(source, target, Membership(side), in_a, in_b, count_a / size_a, count_b / max(size_b, 1))
        for source, target, side, in_a, in_b, count_a, count_b in zip(*(row[name] for name in columns), strict=True)
    )
    return by_target(found, layers)


def _layer(row: Map) -> OverlapLayer:
    return OverlapLayer(**vars(layer_overlap(row)), in_any=row["inAny"], in_all=row["inAll"])
