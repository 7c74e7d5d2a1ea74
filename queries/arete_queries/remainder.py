"""What an attribution graph leaves out: a class's less contributing channels."""

from dataclasses import dataclass

from arete_core.errors import BadInput, NotFoundError
from arete_queries.arguments import check_first, check_mass, check_min_share, check_text
from arete_queries.lists import get_class
from arete_queries.records import channel_info, class_info
from arete_queries.results import ClassInfo, GraphVertex
from arete_queries.runner import QueryRunner
from arete_queries.statements import statements


@dataclass(frozen=True)
class LessContributing:
    """Channels that a class activates but its attribution graph at `mass` leaves out, the largest ranks first.

    `total` is how many there are, listed or not.
    """

    class_: ClassInfo
    mass: float
    total: int
    vertices: tuple[GraphVertex, ...]
    cypher: str


async def less_contributing(
    runner: QueryRunner, class_id: str, *, mass: float | None = None, min_share: float = 0.0, first: int = 50
) -> LessContributing:
    """Returns the complement of a class's attribution graph.

    Args:
        runner: The database.
        class_id: The class's id.
        mass: Share of each layer's rank mass that the graph keeps, above 0 and up to 1; None for the class's own.
        min_share: Channels that are active in less than this share of the class's images are not listed, 0 to 1.
        first: How many channels at most, 1 to 500.

    Returns:
        The channels with an activation count above 0 that are neither kept nor excluded.

    Raises:
        NotFoundError: If there is no such class.
        BadInput: If an argument cannot be, or no mass is given and the class has none of its own.
    """
    params = {
        "class": check_text("class", class_id),
        "mass": check_mass(mass),
        "minShare": check_min_share(min_share),
        "first": check_first(first),
    }
    rows = await runner.run("less_contributing", params)
    if not rows:
        await get_class(runner, class_id)
        raise NotFoundError("class", class_id, hint="its run was replaced a moment ago, ask again")
    (row,) = rows
    info = class_info(row["class"])
    used = info.mass if mass is None else float(mass)
    if used is None:
        raise BadInput(
            f"class {info.id!r} ({info.name}) has no attribution graph of its own",
            hint="ask for a mass, for instance 1, to see what there is",
        )
    vertices = tuple(GraphVertex(channel_info(one), one["count"], one["rank"]) for one in row["vertices"])
    cypher = statements()["less_contributing"].with_values(params)
    return LessContributing(info, used, row["total"], vertices, cypher)
