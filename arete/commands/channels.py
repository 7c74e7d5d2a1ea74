"""`arete channels`: a run's channels over all its classes."""

from typing import TYPE_CHECKING, Annotated

import typer

from arete.commands.options import AsJson, First, Home, Quiet, Run

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
    cypher: Annotated[bool, typer.Option("--cypher", help="Print the Cypher that gives this, and stop.")] = False,
    as_json: AsJson = False,
    home: Home = None,
    quiet: Quiet = False,
) -> None:
    """List a run's channels by how its classes use them, or the communities that they form."""
    from arete.connect import ask
    from arete.output import print_json
    from arete.progress import make_progress
    from arete.resolve import resolve_run
    from arete.settings import load_settings
    from arete_core.errors import SettingError
    from arete_queries import reads

    try:
        wanted = reads.UseOrder(order.lower())
    except ValueError as error:
        raise SettingError(f"--order {order!r}: central, general or special was expected") from error

    async def uses(runner: "QueryRunner") -> "ChannelUses":
        found = await resolve_run(runner, run)
        return await reads.channel_uses(runner, found.id, layer=layer, order=wanted, first=first)

    async def grouped(runner: "QueryRunner") -> "Communities":
        found = await resolve_run(runner, run)
        return await reads.channel_communities(runner, found.id, at_least=at_least, gamma=gamma, first=first)

    settings, progress = load_settings(home=home), make_progress(quiet=quiet)
    answer = ask(settings, progress, grouped) if communities else ask(settings, progress, uses)
    if cypher:
        typer.echo(answer.cypher)
    elif as_json:
        print_json(answer)
    else:
        _print(answer)


def _print(answer: "ChannelUses | Communities") -> None:
    from arete.output import print_table
    from arete_queries.channel_use import Communities

    if isinstance(answer, Communities):
        members = [[channel.id.partition("/")[2] for channel in one.channels] for one in answer.communities]
        rows = [(len(one), ", ".join(one)) for one in members]
        print_table(f"{len(rows)} communities of {answer.run}", ("channels", "members"), rows)
        return
    print_table(
        f"{answer.classes} classes",
        ("channel", "kept by", "mean rank", "effective classes"),
        [(one.channel.id, one.kept_by, one.mean_rank, one.effective_classes) for one in answer.channels],
    )
