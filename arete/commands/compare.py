"""`arete compare`: what classes share and where they part, in the shell."""

from typing import TYPE_CHECKING, Annotated

import typer

from arete.commands.answering import answer, choice
from arete.commands.options import AsJson, Cypher, Home, Mass, MinShare, Quiet, Run

if TYPE_CHECKING:
    from arete_queries.comparison_results import Comparison
    from arete_queries.group_results import Overlap
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
    cypher: Cypher = False,
    as_json: AsJson = False,
    home: Home = None,
    quiet: Quiet = False,
) -> None:
    """Compare classes' attribution graphs: per-layer overlap, what they share and what is of some alone."""
    from arete.resolve import resolve_classes
    from arete_core.errors import SettingError
    from arete_queries.comparison_results import SetOperation
    from arete_queries.reads import OverlapOperation, compare_classes, overlap_classes

    text = "a_minus_b" if operation.lower() == "difference" else operation
    wanted = choice(OverlapOperation, "--set", text, _SETS)
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

    answer(question, _print, home=home, quiet=quiet, as_json=as_json, cypher=cypher)


def _print(found: "Comparison | Overlap") -> None:
    from arete_queries.comparison_results import Comparison

    if isinstance(found, Comparison):
        _print_pair(found)
    else:
        _print_overlap(found)


def _print_pair(found: "Comparison") -> None:
    from arete.output import print_table
    from arete_queries.comparison_results import Membership

    names = {Membership.ONLY_A: found.a.name, Membership.SHARED: "both", Membership.ONLY_B: found.b.name}
    print_table(
        f"A = {found.a.name} ({found.a.id}), B = {found.b.name} ({found.b.id}); {_parting(found)}",
        ("layer", "only A", "shared", "only B", "Jaccard", "by rank"),
        [
            (layer.layer, layer.only_a, layer.shared, layer.only_b, layer.jaccard, layer.weighted_jaccard)
            for layer in reversed(found.layers)
        ],
    )
    print_table(
        f"{found.operation.value.replace('_', ' ')}: {len(found.vertices)} channels, {len(found.edges)} edges",
        ("layer", "channel", "in", "A count", "B count", "A rank", "B rank"),
        [
            (v.channel.layer, v.channel.index, names[v.membership], v.count_a, v.count_b, v.rank_a, v.rank_b)
            for v in reversed(found.vertices)
        ],
    )


def _print_overlap(found: "Overlap") -> None:
    from arete.output import print_table

    sides = [f"A = at least {found.at_least_a} of {len(found.a)} classes"]
    if found.b:
        sides.append(f"B = at least {found.at_least_b} of {len(found.b)}")
    print_table(
        f"{', '.join(sides)}; {_parting(found)}",
        ("layer", "only A", "shared", "only B", "in any", "in all", "Jaccard", "by rank"),
        [
            (one.layer, one.only_a, one.shared, one.only_b, one.in_any, one.in_all, one.jaccard, one.weighted_jaccard)
            for one in reversed(found.layers)
        ],
    )
    print_table(
        f"{found.operation.value.replace('_', ' ')}: {len(found.vertices)} channels, {len(found.edges)} edges",
        ("layer", "channel", "classes of A", "classes of B", "A rank", "B rank"),
        [
            (v.channel.layer, v.channel.index, v.classes_a, v.classes_b, v.rank_a, v.rank_b)
            for v in reversed(found.vertices)
        ],
    )


def _parting(found: "Comparison | Overlap") -> str:
    return "they part nowhere" if found.parts_at is None else f"they part at {found.parts_at}"
