"""`arete graph`: a class's attribution graph in the shell."""

from typing import TYPE_CHECKING, Annotated

import typer

from arete.commands.answering import answer
from arete.commands.options import AsJson, Class, Cypher, First, Home, Mass, MinShare, Quiet, Run

if TYPE_CHECKING:
    from arete_queries.remainder import LessContributing
    from arete_queries.results import AttributionGraph
    from arete_queries.runner import QueryRunner


def graph(
    class_: Class,
    run: Run = None,
    mass: Mass = None,
    min_share: MinShare = 0.0,
    less: Annotated[
        bool,
        typer.Option("--less-contributing", help="Print the active channels that the graph leaves out instead."),
    ] = False,
    first: First = 50,
    cypher: Cypher = False,
    as_json: AsJson = False,
    home: Home = None,
    quiet: Quiet = False,
) -> None:
    """Print a class's attribution graph: its channels by layer, with activation counts, ranks and edges."""
    from arete.resolve import resolve_class
    from arete_queries.reads import class_graph, less_contributing

    async def question(runner: "QueryRunner") -> "AttributionGraph":
        found = await resolve_class(runner, class_, run)
        return await class_graph(runner, found.id, mass=mass, min_share=min_share)

    async def remainder(runner: "QueryRunner") -> "LessContributing":
        found = await resolve_class(runner, class_, run)
        return await less_contributing(runner, found.id, mass=mass, min_share=min_share, first=first)

    if less:
        answer(remainder, _print_rest, home=home, quiet=quiet, as_json=as_json, cypher=cypher)
    else:
        answer(question, _print, home=home, quiet=quiet, as_json=as_json, cypher=cypher)


def _print_rest(rest: "LessContributing") -> None:
    from arete.output import print_table

    title = (
        f"{rest.class_.name} ({rest.class_.id}): {rest.total:,} active channels outside {rest.mass:.1%} of rank mass"
    )
    rows = [(one.channel.layer, one.channel.index, one.count, one.rank) for one in rest.vertices]
    print_table(title, ("layer", "channel", "A", "rank"), rows)


def _print(found: "AttributionGraph") -> None:
    from arete.output import print_table

    info = found.class_
    inputs: dict[str, list[str]] = {}
    for edge in sorted(found.edges, key=lambda edge: (-edge.count, edge.source)):
        inputs.setdefault(edge.target, []).append(f"{edge.source.partition('/')[2]} ({edge.count})")
    rows = [
        (vertex.channel.layer, vertex.channel.index, vertex.count, vertex.rank, ", ".join(inputs.get(key, [])[:3]))
        for vertex in reversed(found.vertices)
        for key in (vertex.channel.id,)
    ]
    title = (
        f"{info.name} ({info.id}): {len(found.vertices)} channels, {len(found.edges)} edges, "
        f"{found.mass:.1%} of each layer's rank mass, {info.images:,} images"
    )
    print_table(title, ("layer", "channel", "A", "rank", "strongest inputs (I)"), rows)
