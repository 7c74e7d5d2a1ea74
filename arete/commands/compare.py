"""`arete compare`: what two classes share and where they part, in the shell."""

from typing import TYPE_CHECKING, Annotated

import typer

from arete.commands.options import AsJson, Home, Mass, MinShare, Quiet, Run

if TYPE_CHECKING:
    from arete_queries.results import Comparison
    from arete_queries.runner import QueryRunner

_OPERATIONS = "union, intersection, a_minus_b or b_minus_a"


def compare(
    a: Annotated[str, typer.Argument(metavar="A", help="First class: name, a part of it, or id (RUN/INDEX).")],
    b: Annotated[str, typer.Argument(metavar="B", help="Second class.")],
    operation: Annotated[str, typer.Option("--operation", help=f"Which part: {_OPERATIONS}.")] = "union",
    run: Run = None,
    mass: Mass = None,
    min_share: MinShare = 0.0,
    cypher: Annotated[bool, typer.Option("--cypher", help="Print the Cypher that gives this, and stop.")] = False,
    as_json: AsJson = False,
    home: Home = None,
    quiet: Quiet = False,
) -> None:
    """Compare two classes' attribution graphs: per-layer overlap, shared channels and those of one class alone."""
    from arete.connect import ask
    from arete.output import print_json
    from arete.progress import make_progress
    from arete.resolve import resolve_class
    from arete.settings import load_settings
    from arete_core.errors import SettingError
    from arete_queries.reads import compare_classes
    from arete_queries.results import SetOperation

    try:
        wanted = SetOperation(operation.lower().replace("-", "_"))
    except ValueError as error:
        raise SettingError(f"--operation {operation!r}: {_OPERATIONS} was expected") from error

    async def question(runner: "QueryRunner") -> "Comparison":
        left = await resolve_class(runner, a, run)
        right = await resolve_class(runner, b, run)
        return await compare_classes(runner, left.id, right.id, operation=wanted, mass=mass, min_share=min_share)

    answer = ask(load_settings(home=home), make_progress(quiet=quiet), question)
    if cypher:
        typer.echo(answer.cypher)
    elif as_json:
        print_json(answer)
    else:
        _print(answer)


def _print(answer: "Comparison") -> None:
    from arete.output import print_table
    from arete_queries.results import Membership

    names = {Membership.ONLY_A: answer.a.name, Membership.SHARED: "both", Membership.ONLY_B: answer.b.name}
    print_table(
        f"A = {answer.a.name} ({answer.a.id}), B = {answer.b.name} ({answer.b.id})",
        ("layer", "only A", "shared", "only B", "Jaccard", "by rank"),
        [
            (layer.layer, layer.only_a, layer.shared, layer.only_b, layer.jaccard, layer.weighted_jaccard)
            for layer in reversed(answer.layers)
        ],
    )
    print_table(
        f"{answer.operation.value.replace('_', ' ')}: {len(answer.vertices)} channels, {len(answer.edges)} edges",
        ("layer", "channel", "in", "A count", "B count", "A rank", "B rank"),
        [
            (v.channel.layer, v.channel.index, names[v.membership], v.count_a, v.count_b, v.rank_a, v.rank_b)
            for v in reversed(answer.vertices)
        ],
    )
