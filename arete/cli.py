"""The `arete` command.

Each command lies in `arete.commands` and imports what it needs when it runs, so that `--help` is quick and a machine
without torch can serve.

Exit codes: 0 done, 1 failed, 2 wrong usage, 3 finished with images left out, 130 interrupted.
"""

import os
import signal
import sys
from types import FrameType
from typing import Annotated

import typer

from arete import __version__
from arete.commands import (
    channels,
    compare,
    database,
    delete,
    demo,
    doctor,
    embed,
    exclude,
    features,
    graph,
    groups,
    import_,
    ingest,
    instances,
    label,
    load,
    motifs,
    neighbors,
    rank,
    runs,
    serve,
)

app = typer.Typer(
    name="arete",
    help="Attribution graphs of image classifiers: compute, store, query and compare them.",
    epilog="Start with `arete demo`. Settings come from options, then ARETE_* variables, then arete.toml.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"arete {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version and stop.")
    ] = False,
) -> None:
    """Options that stand before the command."""


app.command("demo")(demo.demo)
app.command("ingest")(ingest.ingest)
app.add_typer(import_.app, name="import")
app.command("embed")(embed.embed)
app.command("load")(load.load)
app.command("features")(features.features)
app.command("instances")(instances.instances)
app.command("serve")(serve.serve)
app.command("runs")(runs.runs)
app.command("graph")(graph.graph)
app.command("rank")(rank.rank)
app.command("compare")(compare.compare)
app.command("motifs")(motifs.motifs)
app.command("neighbors")(neighbors.neighbors)
app.command("channels")(channels.channels)
app.add_typer(groups.app, name="groups")
app.command("exclude")(exclude.exclude)
app.command("label")(label.label)
app.command("delete")(delete.delete)
app.add_typer(database.app, name="db")
app.command("doctor")(doctor.doctor)


def _terminate(signum: int, _frame: FrameType | None) -> None:
    # As an exception it runs every `finally`: the engine is stopped, the unit of work closed.
    raise SystemExit(128 + signum)


def main() -> None:
    """Runs the command line and turns Arête's own errors into a message, a hint and an exit code."""
    signal.signal(signal.SIGTERM, _terminate)
    try:
        app()
    except KeyboardInterrupt:
        sys.stderr.write("\ninterrupted\n")
        sys.exit(130)
    except BrokenPipeError:
        # The reader of our output went away, as `| head` does: no error, but Python would complain when flushing.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except Exception as error:
        from arete_core.errors import AreteError

        if not isinstance(error, AreteError):
            raise
        sys.stderr.write(f"error: {error.message}\n")
        if error.hint:
            sys.stderr.write(f"hint: {error.hint}\n")
        sys.exit(error.exit_code)
