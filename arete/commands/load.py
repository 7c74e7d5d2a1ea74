"""`arete load`: run folders to database."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from arete.commands.options import AsJson, Home, Quiet

if TYPE_CHECKING:
    from arete.settings import Settings
    from arete_core.progress import Progress
    from arete_core.run_folder import RunFolder
    from arete_queries.bulk import BulkReport
    from arete_queries.load import LoadReport
    from arete_queries.runner import QueryRunner


def load(
    run: Annotated[
        list[Path], typer.Argument(metavar="RUN…", help="Run folders that `arete ingest` or `arete import` made.")
    ],
    min_share: Annotated[
        float, typer.Option("--min-share", help="Leave out edges seen in less than this share of a class's images.")
    ] = 0.0,
    replace: Annotated[
        bool, typer.Option("--replace", help="Replace a run that has this id but other numbers.")
    ] = False,
    bulk: Annotated[
        bool,
        typer.Option(
            "--bulk",
            help="Use the offline importer: for many millions of edges, with the embedded engine stopped. Runs that "
            "are loaded already are imported again from their run folders.",
        ),
    ] = False,
    as_json: AsJson = False,
    home: Home = None,
    quiet: Quiet = False,
) -> None:
    """Load run folders into the database: counts, ranks and attribution graphs of all their classes.

    A class is absent or complete; after a kill the same command goes on with the classes that are missing. Loading
    what is there already does nothing. With --bulk the database stays as it was until all of it is loaded.
    """
    from arete.output import print_json
    from arete.progress import make_progress
    from arete.settings import load_settings
    from arete_core.run_folder import RunFolder

    folders = [RunFolder.open(path) for path in run]
    progress = make_progress(quiet=quiet)
    settings = load_settings(home=home)
    if bulk:
        report = _load_in_bulk(settings, folders, min_share, replace, progress)
        reports = report.runs
        if report.kept:
            progress.say(f"imported again, from their run folders: {', '.join(report.kept)}")
    else:
        reports = _load_online(settings, folders, min_share, replace, progress)
    if as_json:
        print_json(reports[0] if len(reports) == 1 else reports)
    else:
        for one in reports:
            typer.echo(describe_report(one))


def _load_online(
    settings: "Settings", folders: "Sequence[RunFolder]", min_share: float, replace: bool, progress: "Progress"
) -> "tuple[LoadReport, ...]":
    from arete.connect import ask
    from arete_queries.load import load_run

    async def question(runner: "QueryRunner") -> "tuple[LoadReport, ...]":
        return tuple(
            [
                await load_run(runner, folder, min_share=min_share, replace=replace, progress=progress)
                for folder in folders
            ]
        )

    return ask(settings, progress, question)


def _load_in_bulk(
    settings: "Settings", folders: "Sequence[RunFolder]", min_share: float, replace: bool, progress: "Progress"
) -> "BulkReport":
    from arete.connect import engine_settings
    from arete_core.errors import SettingError
    from arete_queries.bulk import bulk_load

    if settings.neo4j_url:
        raise SettingError(
            f"--bulk makes a new store of the embedded engine, but ARETE_NEO4J_URL names {settings.neo4j_url}",
            hint="load without --bulk; or unset ARETE_NEO4J_URL, load, and copy the store to that server",
        )
    return bulk_load(engine_settings(settings), folders, min_share=min_share, replace_runs=replace, progress=progress)


def describe_report(report: "LoadReport") -> str:
    """Returns one line that says what a load did."""
    if report.classes_loaded == 0:
        taken = [f"{report.places:,} places of classes on the layers' maps"] if report.places else []
        taken += [f"exclusions ({report.classes_ranked:,} classes ranked anew)"] if report.classes_ranked else []
        if taken:
            return f"{report.run}: already loaded; taken over from its run folder: {', '.join(taken)}"
        if report.folder_changed:
            return f"{report.run}: already loaded; what is new in its run folder is read from there"
        return f"{report.run}: already loaded, nothing to do"
    text = (
        f"{report.run}: {report.classes_loaded} classes, {report.edges:,} edges "
        f"in {report.elapsed_s:.1f} s ({report.edges / max(report.elapsed_s, 1e-9):,.0f}/s)"
    )
    if report.dropped_share:
        text += f"; --min-share left out up to {report.dropped_share:.2%} of a class's influence counts"
    return text
