"""`arete graph`: a class's attribution graph in the shell."""

from typing import TYPE_CHECKING, Annotated

import typer

from arete.commands.options import AsJson, First, Home, Mass, MinShare, Quiet, Run

if TYPE_CHECKING:
    from arete_queries.remainder import LessContributing
    from arete_queries.results import AttributionGraph
    from arete_queries.runner import QueryRunner


def graph(
    class_: Annotated[str, typer.Argument(metavar="CLASS", help="Name, a part of it, or id (RUN/INDEX).")],
    run: Run = None,
    mass: Mass = None,
    min_share: MinShare = 0.0,
    less: Annotated[
        bool,
        typer.Option("--less-contributing", help="Print the active channels that the graph leaves out instead."),
    ] = False,
    first: First = 50,
    cypher: Annotated[bool, typer.Option("--cypher", help="Print the Cypher that gives this graph, and stop.")] = False,
    as_json: AsJson = False,
    home: Home = None,
    quiet: Quiet = False,
) -> None:
    """Print a class's attribution graph: its channels by layer, with activation counts, ranks and edges."""
    from arete.connect import ask
    from arete.output import print_json
    from arete.progress import make_progress
    from arete.resolve import resolve_class
    from arete.settings import load_settings
    from arete_queries.reads import class_graph, less_contributing

    async def question(runner: "QueryRunner") -> "AttributionGraph":
        found = await resolve_class(runner, class_, run)
        return await class_graph(runner, found.id, mass=mass, min_share=min_share)

    async def remainder(runner: "QueryRunner") -> "LessContributing":
        found = await resolve_class(runner, class_, run)
        return await less_contributing(runner, found.id, mass=mass, min_share=min_share, first=first)

    if less:
        rest = ask(load_settings(home=home), make_progress(quiet=quiet), remainder)
        if cypher:
            typer.echo(rest.cypher)
        elif as_json:
            print_json(rest)
        else:
            _print_rest(rest)
        return
    answer = ask(load_settings(home=home), make_progress(quiet=quiet), question)
    if cypher:
        typer.echo(answer.cypher)
    elif as_json:
        print_json(answer)
    else:
        _print(answer)


def _print_rest(rest: "LessContributing") -> None:
    from arete.output import print_table

    title = (
        f"{rest.class_.name} ({rest.class_.id}): {rest.total:,} active channels outside {rest.mass:.1%} of rank mass"
    )
    rows = [(one.channel.layer, one.channel.index, one.count, one.rank) for one in rest.vertices]
    print_table(title, ("layer", "channel", "A", "rank"), rows)


def _print(answer: "AttributionGraph") -> None:
    from arete.output import print_table

    info = answer.class_
    inputs: dict[str, list[str]] = {}
    for edge in sorted(answer.edges, key=lambda edge: (-edge.count, edge.source)):
        inputs.setdefault(edge.target, []).append(f"{edge.source.partition('/')[2]} ({edge.count})")
    rows = [
        (vertex.channel.layer, vertex.channel.index, vertex.count, vertex.rank, ", ".join(inputs.get(key, [])[:3]))
        for vertex in reversed(answer.vertices)
        for key in (vertex.channel.id,)
    ]
    title = (
        f"{info.name} ({info.id}): {len(answer.vertices)} channels, {len(answer.edges)} edges, "
        f"{answer.mass:.1%} of each layer's rank mass, {info.images:,} images"
    )
    print_table(title, ("layer", "channel", "A", "rank", "strongest inputs (I)"), rows)
