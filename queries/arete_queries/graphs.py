"""Attribution graphs: one class's, two laid over each other, and one channel seen from a class.

Each answer comes from one Cypher statement (a comparison's overlap by layer from a second one), so that it is of one
moment. At a class's own mass the extracted edges, `ATTRIBUTES`, are read; at any other mass the influence edges
between channels whose entry is below it, which are the same ones where the mass is the class's own.
"""

from typing import Any

from arete_core.errors import BadInput, NotFoundError
from arete_queries.arguments import check_first, check_mass, check_min_share, check_text
from arete_queries.comparison_results import Comparison, Membership, SetOperation
from arete_queries.lists import get_channel, get_class
from arete_queries.records import (
    channel_info,
    class_info,
    compared_edges,
    compared_vertices,
    graph_edges,
    graph_vertices,
    layer_overlap,
    neighbor,
)
from arete_queries.results import AttributionGraph, ChannelInClass, ClassInfo, ClassUse
from arete_queries.runner import QueryRunner
from arete_queries.statements import statements

_MEMBERSHIPS: dict[SetOperation, tuple[Membership, ...]] = {
    SetOperation.UNION: (Membership.ONLY_A, Membership.SHARED, Membership.ONLY_B),
    SetOperation.INTERSECTION: (Membership.SHARED,),
    SetOperation.A_MINUS_B: (Membership.ONLY_A,),
    SetOperation.B_MINUS_A: (Membership.ONLY_B,),
}


async def class_graph(
    runner: QueryRunner, class_id: str, *, mass: float | None = None, min_share: float = 0.0
) -> AttributionGraph:
    """Returns a class's attribution graph.

    Args:
        runner: The database.
        class_id: The class's id.
        mass: Share of each layer's rank mass that is kept, above 0 and up to 1; None for the class's own.
        min_share: Edges seen in less than this share of the class's images are left out, 0 to 1.

    Returns:
        The graph. Vertices stay when their last edge is left out.

    Raises:
        NotFoundError: If there is no such class.
        BadInput: If `mass` or `min_share` cannot be, or none is given and the class has no mass of its own.
    """
    mass, min_share = check_mass(mass), check_min_share(min_share)
    params: dict[str, Any] = {"class": check_text("class", class_id), "minShare": min_share}
    if mass is None:
        rows = await runner.run("class_graph", params)
    else:
        rows = await runner.run("class_graph_at_mass", params | {"mass": mass})
    if not rows:
        await get_class(runner, class_id)
        raise _gone(class_id)
    row = rows[0]
    info = class_info(row["class"])
    used = _own_mass(info) if mass is None else mass
    vertices = graph_vertices(row["vertices"])
    return AttributionGraph(
        class_=info,
        mass=used,
        vertices=vertices,
        edges=graph_edges(vertices, row["sources"], row["targets"], row["counts"]),
        cypher=statements()["class_drawing"].with_values(params | {"mass": used}),
    )


async def compare_classes(
    runner: QueryRunner,
    a: str,
    b: str,
    *,
    operation: SetOperation = SetOperation.UNION,
    mass: float | None = None,
    min_share: float = 0.0,
) -> Comparison:
    """Lays two classes' attribution graphs over each other.

    Args:
        runner: The database.
        a: The first class's id.
        b: The second class's id, of the same run; may be the first one's.
        operation: Which vertices and edges are wanted. The overlap by layer is the same whatever it is.
        mass: Share of each layer's rank mass that is kept in both, above 0 and up to 1; None for each class's own.
        min_share: Edges seen in less than this share of a class's images are not in its graph, 0 to 1.

    Returns:
        The comparison.

    Raises:
        NotFoundError: If there is no such class.
        BadInput: If `mass` or `min_share` cannot be, none is given and a class has no mass of its own, or the classes
            are of different runs.
    """
    mass, min_share = check_mass(mass), check_min_share(min_share)
    operation = SetOperation(operation)
    classes: dict[str, Any] = {"a": check_text("class", a), "b": check_text("class", b)}
    floor = {"minShare": min_share, "memberships": [one.value for one in _MEMBERSHIPS[operation]]}
    if mass is None:
        rows = await runner.run("compare_graphs", classes | floor)
    else:
        rows = await runner.run("compare_graphs_at_mass", classes | floor | {"massA": mass, "massB": mass})
    if not rows:
        for id_ in (a, b):
            await get_class(runner, id_)
        raise _gone(a)
    row = rows[0]
    info_a, info_b = class_info(row["a"]), class_info(row["b"])
    if info_a.run != info_b.run:
        raise BadInput(
            f"classes of one run can be compared, {a!r} and {b!r} are of two: their channels are not the same ones",
            hint="ingest both classes in one run",
        )
    masses = {
        "massA": _own_mass(info_a) if mass is None else mass,
        "massB": _own_mass(info_b) if mass is None else mass,
    }
    overlaps = await runner.run("compare_layers", classes | masses)
    layers = tuple(layer_overlap(one) for one in overlaps)
    return Comparison(
        a=info_a,
        b=info_b,
        operation=operation,
        mass_a=masses["massA"],
        mass_b=masses["massB"],
        vertices=compared_vertices(row["vertices"]),
        edges=compared_edges(layers, row["sources"], row["targets"], row["countsA"], row["countsB"]),
        layers=layers,
        cypher=statements()["compare_drawing"].with_values(classes | floor | masses),
    )


async def channel_in_class(runner: QueryRunner, channel_id: str, class_id: str, *, first: int = 5) -> ChannelInClass:
    """Returns one channel as one class sees it, whether or not it is in the class's attribution graph.

    Args:
        runner: The database.
        channel_id: The channel's id.
        class_id: The class's id, of the same run.
        first: How many inputs, outputs and other classes at most, 1 to 500.

    Returns:
        Its counts, neighbours and other classes.

    Raises:
        NotFoundError: If there is no such channel or class.
        BadInput: If `first` cannot be, or channel and class are of different runs.
    """
    params = {"class": check_text("class", class_id), "channel": check_text("channel", channel_id)}
    rows = await runner.run("channel_in_class", params | {"first": check_first(first)})
    if not rows:
        class_ = await get_class(runner, class_id)
        channel = await get_channel(runner, channel_id)
        if class_.run != channel.run:
            raise BadInput(f"channel {channel_id!r} and class {class_id!r} are of different runs")
        raise _gone(class_id)
    row = rows[0]
    return ChannelInClass(
        channel=channel_info(row["channel"]),
        class_=class_info(row["class"]),
        count=row["count"],
        rank=row["rank"],
        rank_in_layer=row["rankInLayer"],
        inputs=tuple(neighbor(one) for one in row["inputs"]),
        outputs=tuple(neighbor(one) for one in row["outputs"]),
        other_classes=tuple(ClassUse(class_info(one), one["useCount"], one["useRank"]) for one in row["otherClasses"]),
    )


def _own_mass(info: ClassInfo) -> float:
    if info.mass is None:
        raise BadInput(
            f"class {info.id!r} ({info.name}) has no attribution graph of its own: no share of rank mass up to 100% "
            "leaves every layer a kept channel that is joined to a kept one beside it",
            hint="ask for a mass, for instance 1, to see what there is",
        )
    return info.mass


def _gone(class_id: str) -> NotFoundError:
    """The error for a class that was replaced between two statements."""
    return NotFoundError("class", class_id, hint="its run was replaced a moment ago, ask again")
