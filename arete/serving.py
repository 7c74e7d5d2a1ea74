"""What `arete serve` and `arete demo` do once there is something to show."""

import contextlib
import threading
import webbrowser

import typer

from arete.connect import DatabaseAddress, database, make_runner
from arete.settings import Settings
from arete_core.progress import Progress
from arete_graphql.server import serve
from arete_graphql.settings import ApiSettings


def serve_viewer(
    settings: Settings, progress: Progress, *, read_only: bool = False, open_browser: bool = False, dev: bool = False
) -> None:
    """Starts the database if it has to, and serves until Ctrl-C or SIGTERM.

    Args:
        settings: Where to listen, and which database.
        progress: Told while the engine starts.
        read_only: Start the embedded engine so that nothing can be written.
        open_browser: Open the viewer once it answers.
        dev: Serve GraphiQL at `/graphql`.

    Raises:
        EngineError: If the embedded engine does not start.
        PortInUseError: If the service's port is taken.
    """
    with database(settings, progress, read_only=read_only) as address:
        serve_database(settings, address, open_browser=open_browser, dev=dev)


def serve_database(
    settings: Settings, address: DatabaseAddress, *, open_browser: bool = False, dev: bool = False, path: str = ""
) -> None:
    """Serves an open database until Ctrl-C or SIGTERM.

    Args:
        settings: Where to listen.
        address: The database.
        open_browser: Open the viewer once it answers.
        dev: Serve GraphiQL at `/graphql`.
        path: What of the viewer to open and print, after the address.

    Raises:
        PortInUseError: If the service's port is taken.
    """

    def on_listening(url: str) -> None:
        typer.echo(f"Arête:          {url}{path}")
        if address.browser_url:
            typer.echo(f"Neo4j Browser:  {address.browser_url}")
            typer.echo(f"                user {address.user}, password in {settings.home / 'neo4j' / 'password'}")
        typer.echo("Ctrl-C stops it.", err=True)
        if open_browser:
            # Opening may wait for the browser to start; the service must not wait with it.
            threading.Thread(target=_open, args=(url + path,), daemon=True).start()

    api = ApiSettings(host=settings.host, port=settings.port, dev=dev)
    serve(api, lambda: make_runner(settings, address), on_listening=on_listening)


def _open(url: str) -> None:
    with contextlib.suppress(webbrowser.Error):
        webbrowser.open(url)
