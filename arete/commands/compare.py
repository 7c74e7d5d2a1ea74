"""`arete compare`: what classes share and where they part, in the shell."""

from typing import TYPE_CHECKING, Annotated

import typer

from arete.commands.options import AsJson, Home, Mass, MinShare, Quiet, Run

if TYPE_CHECKING:
    from arete_queries.group_results import Overlap, OverlapOperation
    from arete_queries.results import Comparison
    from arete_queries.runner import QueryRunner

_SETS = "union, intersection, difference (the first minus the others) or symmetric-difference"


def compare(
    classes: Annotated[
        list[str],
        typer.Argument(
            metavar="CLASS|GROUP...", help="Names, parts of them, or ids (RUN/INDEX) of classes; or groups."
        ),
    ],
    operation: Annotated[str, typer.Option("--set", "--operation", help=f"Which part: {_SETS}.")] = "union",
    at_least: Annotated[
        int | None,
        typer.Option(
            "--at-least",
            help="In how many of the classes (of the first group, in a difference) something must be.",
            show_default=False,
        ),
    ] = None,
    at_least_b: Annotated[
        int | None,
        typer.Option(
            "--at-least-b", help="The same for what is named after the first, in a difference.", show_default=False
        ),
    ] = None,
    run: Run = None,
    mass: Mass = None,
    min_share: MinShare = 0.0,
    cypher: Annotated[bool, typer.Option("--cypher", help="Print the Cypher that gives this, and stop.")] = False,
    as_json: AsJson = False,
    home: Home = None,
    quiet: Quiet = False,
) -> None:
    """Compare classes' attribution graphs: per-layer overlap, what they share and what is of some alone."""
    from arete.connect import ask
    from arete.output import print_json
    from arete.progress import make_progress
    from arete.resolve import resolve_classes
    from arete.settings import load_settings
    from arete_core.errors import SettingError
    from arete_queries.reads import OverlapOperation, compare_classes, overlap_classes
    from arete_queries.results import SetOperation

    wanted = _operation(operation)
    one_side = wanted in (OverlapOperation.UNION, OverlapOperation.INTERSECTION)

    async def question(runner: "QueryRunner") -> "Comparison | Overlap":
        first = await resolve_classes(runner, classes[:1], run)
        others = [id_ for id_ in await resolve_classes(runner, classes[1:], run) if id_ not in first or not one_side]
        pair = len(first) == len(classes) - 1 == 1
        if pair and not others:
            others = first  # a class beside itself
        if len(first) + len(others) < 2:
            raise SettingError("two classes or more, or a group, were expected", hint="name what to compare with")
        plain = pair and at_least is None and at_least_b is None and wanted in set(SetOperation)
        if plain and len(others) == 1:
            part = SetOperation(wanted.value)
            return await compare_classes(runner, first[0], others[0], operation=part, mass=mass, min_share=min_share)
        return await overlap_classes(
            runner,
            first + others if one_side else first,
            () if one_side else others,
            operation=wanted,
            at_least=at_least,
            at_least_b=at_least_b,
            mass=mass,
            min_share=min_share,
        )

    answer = ask(load_settings(home=home), make_progress(quiet=quiet), question)
    if cypher:
        typer.echo(answer.cypher)
    elif as_json:
        print_json(answer)
    else:
        _print(answer)


def _operation(text: str) -> "OverlapOperation":
    from arete_core.errors import SettingError
    from arete_queries.reads import OverlapOperation

    name = text.lower().replace("-", "_")
    try:
        return OverlapOperation("a_minus_b" if name == "difference" else name)
    except ValueError as error:
        raise SettingError(f"--set {text!r}: {_SETS} was expected") from error


def _print(answer: "Comparison | Overlap") -> None:
    from arete_queries.results import Comparison

    if isinstance(answer, Comparison):
        _print_pair(answer)
    else:
        _print_overlap(answer)


def _print_pair(answer: "Comparison") -> None:
    from arete.output import print_table
    from arete_queries.results import Membership

    names = {Membership.ONLY_A: answer.a.name, Membership.SHARED: "both", Membership.ONLY_B: answer.b.name}
    print_table(
        f"A = {answer.a.name} ({answer.a.id}), B = {answer.b.name} ({answer.b.id}); {_parting(answer)}",
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


def _print_overlap(answer: "Overlap") -> None:
    from arete.output import print_table

    sides = [f"A = at least {answer.at_least_a} of {len(answer.a)} classes"]
    if answer.b:
        sides.append(f"B = at least {answer.at_least_b} of {len(answer.b)}")
    print_table(
        f"{', '.join(sides)}; {_parting(answer)}",
        ("layer", "only A", "shared", "only B", "in any", "in all", "Jaccard", "by rank"),
        [
            (one.layer, one.only_a, one.shared, one.only_b, one.in_any, one.in_all, one.jaccard, one.weighted_jaccard)
            for one in reversed(answer.layers)
        ],
    )
    print_table(
        f"{answer.operation.value.replace('_', ' ')}: {len(answer.vertices)} channels, {len(answer.edges)} edges",
        ("layer", "channel", "classes of A", "classes of B", "A rank", "B rank"),
        [
            (v.channel.layer, v.channel.index, v.classes_a, v.classes_b, v.rank_a, v.rank_b)
            for v in reversed(answer.vertices)
        ],
    )


def _parting(answer: "Comparison | Overlap") -> str:
    from arete_queries.group_results import parting_layer

    layer = parting_layer(answer.layers)
    return "they part nowhere" if layer is None else f"they part at {layer}"
