"""`arete neighbors`: which classes a layer sees alike."""

from typing import TYPE_CHECKING, Annotated

import typer

from arete.commands.answering import answer
from arete.commands.options import AsJson, Class, First, Home, Quiet, Run

if TYPE_CHECKING:
    from arete_queries.group_results import Neighborhood
    from arete_queries.runner import QueryRunner


def neighbors(
    class_: Class,
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
    from arete.resolve import resolve_class
    from arete_queries.reads import class_neighbors

    async def question(runner: "QueryRunner") -> "Neighborhood":
        found = await resolve_class(runner, class_, run)
        return await class_neighbors(runner, found.id, layers=layers or None, first=first)

    answer(question, _print, home=home, quiet=quiet, as_json=as_json, cypher=cypher)


def _print(found: "Neighborhood") -> None:
    from arete.output import print_table

    rows = [
        (layer.layer, layer.stayed, ", ".join(f"{one.class_.name} ({one.cosine:.2f})" for one in layer.neighbors))
        for layer in reversed(found.layers)
    ]
    print_table(f"{found.class_.name} ({found.class_.id})", ("layer", "stayed", "nearest classes (cosine)"), rows)
