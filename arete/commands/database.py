"""`arete db`: the embedded engine."""

from pathlib import Path
from typing import Annotated

import typer

from arete.commands.options import AsJson, Home, Quiet

app = typer.Typer(
    help="Start, stop, look at, dump and restore the embedded Neo4j. "
    "Other commands start it by themselves when it is not running.",
    no_args_is_help=True,
)

Force = Annotated[bool, typer.Option("--force", help="Replace what is there.")]


@app.command()
def start(home: Home = None, quiet: Quiet = False) -> None:
    """Start Neo4j in the background; it runs until `arete db stop`."""
    from arete.connect import engine_settings
    from arete.progress import make_progress
    from arete.settings import load_settings
    from arete_queries.engine import start_engine

    settings = load_settings(home=home)
    engine = start_engine(engine_settings(settings), detached=True, progress=make_progress(quiet=quiet))
    _describe(engine.address.bolt_url, engine.address.http_url, engine.address.user, str(settings.home))


@app.command()
def prepare(home: Home = None, quiet: Quiet = False) -> None:
    """Fetch and prepare what Neo4j needs, once, so that later starts are quick; starts nothing."""
    from arete.connect import engine_settings
    from arete.progress import make_progress
    from arete.settings import load_settings
    from arete_queries.engine import prepare_engine

    prepare_engine(engine_settings(load_settings(home=home)), progress=make_progress(quiet=quiet))


@app.command()
def stop(home: Home = None) -> None:
    """Stop the Neo4j that `arete db start` started."""
    from arete.connect import engine_settings
    from arete.settings import load_settings
    from arete_queries.engine import stop_engine

    stopped = stop_engine(engine_settings(load_settings(home=home)))
    typer.echo("stopped" if stopped else "not running")


@app.command()
def status(as_json: AsJson = False, home: Home = None) -> None:
    """Say whether Neo4j runs, and where. Exit code 1 if it does not."""
    from arete.connect import engine_settings
    from arete.output import print_json
    from arete.settings import load_settings
    from arete_queries.engine import engine_status

    settings = load_settings(home=home)
    found = engine_status(engine_settings(settings))
    address = found.address
    if as_json:
        known = address and {"bolt_url": address.bolt_url, "http_url": address.http_url, "pid": address.pid}
        print_json({"state": found.phase, "detached": found.detached} | (known or {}))
    elif address is None:
        typer.echo(found.phase)
    else:
        _describe(address.bolt_url, address.http_url, address.user, str(settings.home))
        if not found.detached:
            typer.echo(f"Belongs to:     process {found.owner_pid}, and stops with it")
    if address is None:
        raise typer.Exit(1)


@app.command()
def dump(
    file: Annotated[Path, typer.Argument(help="File to write.")],
    force: Force = False,
    home: Home = None,
    quiet: Quiet = False,
) -> None:
    """Write the database into one file, in Neo4j's own format; the engine must be stopped."""
    from arete.connect import engine_settings
    from arete.progress import make_progress
    from arete.settings import load_settings
    from arete_queries.engine.backup import dump_database

    settings = engine_settings(load_settings(home=home))
    size = dump_database(settings, file, force=force, progress=make_progress(quiet=quiet))
    typer.echo(f"{file}: {size / 1e6:,.1f} MB")


@app.command()
def restore(
    file: Annotated[Path, typer.Argument(help="What `arete db dump` or `neo4j-admin database dump` has written.")],
    force: Force = False,
    home: Home = None,
    quiet: Quiet = False,
) -> None:
    """Put the database of a file into the place of the one that is there; the engine must be stopped."""
    from arete.connect import engine_settings
    from arete.progress import make_progress
    from arete.settings import load_settings
    from arete_queries.engine.backup import restore_database

    settings = engine_settings(load_settings(home=home))
    restore_database(settings, file, force=force, progress=make_progress(quiet=quiet))
    typer.echo("restored")


def _describe(bolt_url: str, http_url: str, user: str, home: str) -> None:
    typer.echo(f"Bolt:           {bolt_url}")
    typer.echo(f"Neo4j Browser:  {http_url}/browser/")
    typer.echo(f"User:           {user}, password in {home}/neo4j/password")
