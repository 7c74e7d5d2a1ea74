"""`arete label`: give a channel a name of your own."""

from typing import TYPE_CHECKING, Annotated

import typer

from arete.commands.answering import answer
from arete.commands.options import AsJson, Home, Quiet, Run

if TYPE_CHECKING:
    from arete_queries.results import ChannelInfo
    from arete_queries.runner import QueryRunner


def label(
    channel: Annotated[str, typer.Argument(metavar="LAYER/CHANNEL", help="The channel, with or without its run.")],
    text: Annotated[str | None, typer.Argument(metavar="[LABEL]", help="What it shows.", show_default=False)] = None,
    clear: Annotated[bool, typer.Option("--clear", help="Take the label away.")] = False,
    run: Run = None,
    as_json: AsJson = False,
    home: Home = None,
    quiet: Quiet = False,
) -> None:
    """Give a channel a label, which the viewer shows and searches find.

    Example: arete label googlenet/inception4c/12 "dog faces"
    """
    from arete.resolve import resolve_run
    from arete_core.errors import BadInput
    from arete_queries.reads import label_channel

    if clear == bool(text):
        raise BadInput("a label, or --clear, was expected", hint='arete label LAYER/CHANNEL "dog faces"')

    async def work(runner: "QueryRunner") -> "ChannelInfo":
        # A layer's name may hold slashes, a run's id none.
        id_ = channel if run is None and channel.count("/") > 1 else f"{(await resolve_run(runner, run)).id}/{channel}"
        return await label_channel(runner, id_, None if clear else text)

    def show(made: "ChannelInfo") -> None:
        typer.echo(f"{made.id}: {made.label or 'no label'}")

    answer(work, show, home=home, quiet=quiet, as_json=as_json)
