"""`arete import`: data that others published, as run folders."""

from pathlib import Path
from typing import Annotated

import typer

from arete.commands.options import AsJson, Quiet

app = typer.Typer(help="Turn data that others published into a run folder.", no_args_is_help=True)


@app.callback()
def _root() -> None:
    """Turn data that others published into a run folder."""


@app.command()
def summit(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Folder with ag/ and perhaps feature-vis/.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="Run folder to make.")],
    name: Annotated[str, typer.Option("--name", help="The run's id.")] = "summit",
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Turn the attribution graphs that Summit published into a run folder, ready for `arete load`."""
    from arete.output import print_json
    from arete.progress import make_progress
    from arete_ingest.summit import import_summit

    report = import_summit(folder, out, run_id=name, progress=make_progress(quiet=quiet))
    if as_json:
        print_json(report)
    else:
        typer.echo(
            f"{out}: {report.classes:,} classes, {report.channels:,} channels and {report.edges:,} edges in their "
            f"graphs, {report.pictures:,} pictures; load it with `arete load {out}`"
        )
