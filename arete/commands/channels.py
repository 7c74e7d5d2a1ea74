"""`arete channels`: a run's channels over all its classes."""

from typing import TYPE_CHECKING, Annotated

import typer

from arete.commands.answering import answer, choice
from arete.commands.options import AsJson, Cypher, First, Home, Quiet, Run

if TYPE_CHECKING:
    from arete_queries.channel_use import ChannelUses, Communities
    from arete_queries.runner import QueryRunner


def channels(
    order: Annotated[
        str,
        typer.Option("--order", help="central (mean rank), general (kept by most) or special (used by fewest) first."),
    ] = "central",
    layer: Annotated[str | None, typer.Option("--layer", help="Only this layer.", show_default=False)] = None,
    communities: Annotated[
        bool, typer.Option("--communities", help="Print channels that the same classes keep, by community.")
    ] = False,
    at_least: Annotated[
        int, typer.Option("--at-least", help="For communities: classes that must keep both channels.")
    ] = 2,
    gamma: Annotated[float, typer.Option("--gamma", help="For communities: larger values give smaller ones.")] = 1.0,
    run: Run = None,
    first: First = 50,
    cypher: Cypher = False,
    as_json: AsJson = False,
    home: Home = None,
    quiet: Quiet = False,
) -> None:
    """List a run's channels by how its classes use them, or the communities that they form."""
    from arete.resolve import resolve_run
    from arete_queries import reads

    wanted = choice(reads.UseOrder, "--order", order, "central, general or special")

    async def uses(runner: "QueryRunner") -> "ChannelUses":
        found = await resolve_run(runner, run)
        return await reads.channel_uses(runner, found.id, layer=layer, order=wanted, first=first)

    async def grouped(runner: "QueryRunner") -> "Communities":
        found = await resolve_run(runner, run)
        return await reads.channel_communities(runner, found.id, at_least=at_least, gamma=gamma, first=first)

    if communities:
        answer(grouped, _print_communities, home=home, quiet=quiet, as_json=as_json, cypher=cypher)
    else:
        answer(uses, _print_uses, home=home, quiet=quiet, as_json=as_json, cypher=cypher)


def _print_communities(found: "Communities") -> None:
    from arete.output import print_table

    members = [[channel.id.partition("/")[2] for channel in one.channels] for one in found.communities]
    rows = [(len(one), ", ".join(one)) for one in members]
    print_table(f"{len(rows)} communities of {found.run}", ("channels", "members"), rows)


def _print_uses(found: "ChannelUses") -> None:
    from arete.output import print_table

    print_table(
        f"{found.classes} classes",
        ("channel", "kept by", "mean rank", "effective classes"),
        [(one.channel.id, one.kept_by, one.mean_rank, one.effective_classes) for one in found.channels],
    )
