"""What `arete serve` and `arete demo` do once there is something to show."""

import contextlib
import threading
import webbrowser
from types import TracebackType
from typing import Self

import typer

from arete.connect import DatabaseAddress, database, make_runner
from arete.settings import Settings
from arete_core.progress import Progress
from arete_graphql.server import ApiServer
from arete_graphql.settings import ApiSettings
from arete_queries.runner import QueryRunner


class Service:
    """The API and the viewer on a port that is taken at once, before the long work of making something to show.

    Args:
        settings: Where to listen.
        open_browser: Open the viewer once it answers.
        dev: Serve GraphiQL at `/graphql`.
        path: What of the viewer to print and open, after the address.

    Raises:
        PortInUseError: If the port is taken.
        SettingError: If the address cannot be listened on.
    """

    def __init__(self, settings: Settings, *, open_browser: bool = False, dev: bool = False, path: str = "") -> None:
        self._settings = settings
        self._open_browser = open_browser
        self._path = path
        self._address: DatabaseAddress | None = None
        api = ApiSettings(host=settings.host, port=settings.port, dev=dev, allowed_hosts=tuple(settings.allowed_hosts))
        self._server = ApiServer(api, self._connect, on_listening=self._announce)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._server.close()

    def run(self, address: DatabaseAddress) -> None:
        """Serves a database until Ctrl-C or SIGTERM.

        Args:
            address: The database.
        """
        self._address = address
        self._server.run()

    async def _connect(self) -> QueryRunner:
        assert self._address is not None  # noqa: S101 - the service runs only with an address
        return await make_runner(self._settings, self._address)

    def _announce(self, url: str) -> None:
        typer.echo(f"Arête:          {url}{self._path}")
        if self._address is not None and self._address.browser_url:
            typer.echo(f"Neo4j Browser:  {self._address.browser_url}")
            password = self._settings.home / "neo4j" / "password"
            typer.echo(f"                user {self._address.user}, password in {password}")
        typer.echo("Ctrl-C stops it.", err=True)
        if self._open_browser:
            # Opening may wait for the browser to start; the service must not wait with it.
            threading.Thread(target=_open, args=(url + self._path,), daemon=True).start()


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
    with (
        Service(settings, open_browser=open_browser, dev=dev) as service,
        database(settings, progress, read_only=read_only) as address,
    ):
        service.run(address)


def _open(url: str) -> None:
    with contextlib.suppress(webbrowser.Error):
        webbrowser.open(url)
