"""`arete neighbors`: which classes a layer sees alike."""

from typing import TYPE_CHECKING, Annotated

import typer

from arete.commands.options import AsJson, First, Home, Quiet, Run

if TYPE_CHECKING:
    from arete_queries.group_results import Neighborhood
    from arete_queries.runner import QueryRunner


def neighbors(
    class_: Annotated[str, typer.Argument(metavar="CLASS", help="Name, a part of it, or id (RUN/INDEX).")],
    layers: Annotated[
        list[str] | None,
        typer.Option("--layer", help="Only this layer. May be given again.", show_default=False),
    ] = None,
    run: Run = None,
    first: First = 5,
    cypher: Annotated[bool, typer.Option("--cypher", help="Print the Cypher of the last layer, and stop.")] = False,
    as_json: AsJson = False,
    home: Home = None,
    quiet: Quiet = False,
) -> None:
    """Find a class's nearest classes in each layer (cosine of activation counts), and how they change upwards."""
    from arete.connect import ask
    from arete.output import print_json, print_table
    from arete.progress import make_progress
    from arete.resolve import resolve_class
    from arete.settings import load_settings
    from arete_queries.reads import class_neighbors

    async def question(runner: "QueryRunner") -> "Neighborhood":
        found = await resolve_class(runner, class_, run)
        return await class_neighbors(runner, found.id, layers=layers or None, first=first)

    answer = ask(load_settings(home=home), make_progress(quiet=quiet), question)
    if cypher:
        typer.echo(answer.cypher)
    elif as_json:
        print_json(answer)
    else:
        rows = [
            (layer.layer, layer.stayed, ", ".join(f"{one.class_.name} ({one.cosine:.2f})" for one in layer.neighbors))
            for layer in reversed(answer.layers)
        ]
        print_table(f"{answer.class_.name} ({answer.class_.id})", ("layer", "stayed", "nearest classes (cosine)"), rows)
