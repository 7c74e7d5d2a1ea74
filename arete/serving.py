"""What `arete serve` and `arete demo` do once there is something to show."""

import contextlib
import sys
import threading
import webbrowser
from collections.abc import Callable
from types import TracebackType
from typing import Self
from urllib.parse import quote

import typer

from arete.connect import DatabaseAddress, lasting_database, make_runner
from arete.settings import Settings
from arete_core.progress import Progress
from arete_graphql.logs import LogFormat, set_up_logging
from arete_graphql.server import ApiServer
from arete_graphql.settings import ApiSettings
from arete_graphql.token import check_new_token, new_token
from arete_queries.runner import QueryRunner


class Service:
    """The API and the viewer on a port that is taken at once, before the long work of making something to show.

    Args:
        settings: Where to listen, and whether and with which token anything may be changed.
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
        self._address: Callable[[], DatabaseAddress] | None = None
        given = settings.given_token()
        self._token = None if settings.read_only else check_new_token(given) if given else new_token()
        self._token_is_new = not given
        self._api = ApiSettings(
            host=settings.host,
            port=settings.port,
            allowed_hosts=tuple(settings.allowed_hosts),
            token=self._token,
            read_only=settings.read_only,
            introspection=settings.introspection,
            viewer_operations_only=settings.operations == "viewer",
            access_log=settings.access_log or settings.log_format == "json",
            dev=dev,
            browser_url=self._browser_url,
            warm_up=settings.warm_up,
        )
        set_up_logging(LogFormat(settings.log_format), requests=self._api.access_log)
        self._server = ApiServer(self._api, self._connect, on_listening=self._announce)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._server.close()

    def run(self, address: Callable[[], DatabaseAddress]) -> None:
        """Serves a database until Ctrl-C or SIGTERM.

        Args:
            address: Tells where the database is; asked at every connection.
        """
        self._address = address
        self._server.run()

    def _browser_url(self) -> str:
        return "" if self._address is None else self._address().browser_url

    async def _connect(self) -> QueryRunner:
        assert self._address is not None  # noqa: S101 - the service runs only with an address
        limit = self._api.limits.statement_s
        return await make_runner(self._settings, self._address(), read_only=self._settings.read_only, timeout_s=limit)

    def _announce(self, url: str) -> None:
        page = url + self._path
        # After the `#`: a browser keeps that part to itself, so that the token stands in no log of any server.
        with_token = f"{page}#token={quote(self._token, safe='')}" if self._token else page
        # A token that somebody chose is known to those who need it; a container's log is no place for it.
        typer.echo(f"Arête:          {with_token if self._token_is_new or sys.stdout.isatty() else page}")
        address = self._address() if self._address is not None else None
        if address is not None and address.browser_url:
            typer.echo(f"Neo4j Browser:  {address.browser_url}")
            password = self._settings.home / "neo4j" / "password"
            typer.echo(f"                user {address.user}, password in {password}")
        if self._settings.log_format == "text":
            typer.echo("Ctrl-C stops it.", err=True)
        if self._open_browser:
            # Opening may wait for the browser to start; the service must not wait with it.
            threading.Thread(target=_open, args=(with_token,), daemon=True).start()


def serve_viewer(settings: Settings, progress: Progress, *, open_browser: bool = False, dev: bool = False) -> None:
    """Starts the database if it has to, again whenever it has ended, and serves until Ctrl-C or SIGTERM.

    Args:
        settings: Where to listen, and which database; with `read_only` an embedded engine takes no writes either.
        progress: Told while the engine starts.
        open_browser: Open the viewer once it answers.
        dev: Serve GraphiQL at `/graphql`.

    Raises:
        EngineError: If the embedded engine does not start.
        PortInUseError: If the service's port is taken.
    """
    with (
        Service(settings, open_browser=open_browser, dev=dev) as service,
        lasting_database(settings, progress, read_only=settings.read_only) as address,
    ):
        service.run(address)


def _open(url: str) -> None:
    with contextlib.suppress(webbrowser.Error):
        webbrowser.open(url)
