"""`arete delete`: take a run out of the database."""

from typing import TYPE_CHECKING, Annotated

import typer

from arete.commands.options import Home, Quiet

if TYPE_CHECKING:
    from arete_queries.runner import QueryRunner


def delete(
    run: Annotated[str, typer.Argument(metavar="RUN", help="Id of the run.")],
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    home: Home = None,
    quiet: Quiet = False,
) -> None:
    """Delete a run from the database. Its run folder stays, so it can be loaded again."""
    from arete.connect import ask
    from arete.progress import make_progress
    from arete.settings import load_settings
    from arete_queries.delete import delete_run

    if not yes:
        typer.confirm(f"delete run {run!r} from the database?", abort=True, err=True)

    async def question(runner: "QueryRunner") -> None:
        await delete_run(runner, run, progress=progress)

    progress = make_progress(quiet=quiet)
    ask(load_settings(home=home), progress, question)
    typer.echo(f"{run}: deleted")
