"""`arete load`: run folder to database."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from arete.commands.options import AsJson, Home, Quiet

if TYPE_CHECKING:
    from arete_queries.load import LoadReport
    from arete_queries.runner import QueryRunner


def load(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="Run folder that `arete ingest` made.")],
    min_share: Annotated[
        float, typer.Option("--min-share", help="Leave out edges seen in less than this share of a class's images.")
    ] = 0.0,
    replace: Annotated[
        bool, typer.Option("--replace", help="Replace a run that has this id but other numbers.")
    ] = False,
    as_json: AsJson = False,
    home: Home = None,
    quiet: Quiet = False,
) -> None:
    """Load a run folder into the database: counts, ranks and attribution graphs of all its classes.

    A class is absent or complete; after a kill the same command goes on with the classes that are missing. Loading
    what is there already does nothing.
    """
    from arete.connect import ask
    from arete.output import print_json
    from arete.progress import make_progress
    from arete.settings import load_settings
    from arete_core.run_folder import RunFolder
    from arete_queries.load import load_run
    from arete_queries.scores import load_scores

    folder = RunFolder.open(run)
    progress = make_progress(quiet=quiet)

    async def question(runner: "QueryRunner") -> "LoadReport":
        report = await load_run(runner, folder, min_share=min_share, replace=replace, progress=progress)
        await load_scores(runner, folder)
        return report

    report = ask(load_settings(home=home), progress, question)
    if as_json:
        print_json(report)
    else:
        typer.echo(describe_report(report))


def describe_report(report: "LoadReport") -> str:
    """Returns one line that says what a load did."""
    if report.classes_loaded == 0:
        return f"{report.run}: already loaded, nothing to do"
    return (
        f"{report.run}: {report.classes_loaded} classes, {report.edges:,} edges "
        f"in {report.elapsed_s:.1f} s ({report.edges / max(report.elapsed_s, 1e-9):,.0f}/s)"
    )
