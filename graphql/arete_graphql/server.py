"""Runs the service on a port: bound before anything else is done, stopped without cutting answers off."""

import errno
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import uvicorn

from arete_core.errors import PortInUseError, SettingError
from arete_graphql.app import create_app
from arete_graphql.context import RunnerFactory
from arete_graphql.http_protocol import BoundedProtocol
from arete_graphql.settings import ApiSettings, base_url

GRACE_S = 5
"""Seconds that requests under way have to finish once the service is told to stop."""
BACKLOG = 2048
CONNECTIONS = 800
"""Open connections; more hear 503. Many systems let a process open 1,024 files."""


class _Uvicorn(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, on_listening: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_listening = on_listening

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Starts, then says so."""
        await super().startup(sockets)
        if self.started:
            self._on_listening()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Takes Ctrl-C and SIGTERM as a wish to stop, and leaves it at that.

        Uvicorn raises the signal again once it has stopped, which would end the caller before it has put its own house
        in order, for instance stopped the embedded engine.
        """
        with super().capture_signals():
            yield
            self._captured_signals.clear()


class ApiServer:
    """The service on a port.

    Args:
        settings: Where to listen, what to allow.
        runner_factory: Connects to the database; see `create_app`.
        on_listening: Called with the service's address once it answers, for instance to open the browser; must return
            quickly, in the server's thread.

    Attributes:
        address: Host and port that the socket is bound to.
        url: What a browser on this machine opens.

    Raises:
        PortInUseError: If the port is taken.
        SettingError: If the address cannot be listened on.
    """

    def __init__(
        self,
        settings: ApiSettings,
        runner_factory: RunnerFactory,
        *,
        on_listening: Callable[[str], None] | None = None,
    ) -> None:
        self._socket = _bind(settings.host, settings.port)
        self.address: tuple[str, int] = self._socket.getsockname()[:2]
        self.url = base_url(settings.host, self.address[1])
        config = uvicorn.Config(
            create_app(settings, runner_factory),
            http=BoundedProtocol,
            ws="none",
            lifespan="on",
            log_config=None,
            access_log=False,  # ours names the request's id
            limit_concurrency=CONNECTIONS,
            proxy_headers=False,
            server_header=False,
            backlog=BACKLOG,
            timeout_graceful_shutdown=GRACE_S,
        )
        self._uvicorn = _Uvicorn(config, lambda: on_listening(self.url) if on_listening else None)

    def run(self) -> None:
        """Serves until `stop` is called, or, in the main thread, until Ctrl-C or SIGTERM."""
        try:
            self._uvicorn.run(sockets=[self._socket])
        finally:
            self.close()

    def close(self) -> None:
        """Gives the port back; `run` does so by itself."""
        self._socket.close()

    def stop(self) -> None:
        """Asks the service to finish what it is doing and return from `run`; may be called from any thread."""
        self._uvicorn.should_exit = True


def serve(
    settings: ApiSettings, runner_factory: RunnerFactory, *, on_listening: Callable[[str], None] | None = None
) -> None:
    """Runs the service until Ctrl-C or SIGTERM, then returns; see `ApiServer`.

    Args:
        settings: Where to listen, what to allow.
        runner_factory: Connects to the database.
        on_listening: Called once with the service's address as soon as it answers.

    Raises:
        PortInUseError: If the port is taken.
        SettingError: If the address cannot be listened on.
    """
    ApiServer(settings, runner_factory, on_listening=on_listening).run()


def _bind(host: str, port: int) -> socket.socket:
    try:
        family, _, _, _, address = socket.getaddrinfo(
            host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except (socket.gaierror, UnicodeError) as error:
        raise SettingError(f"host {host!r} is no address of this machine: {error}") from None
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        # Listen at once: two services that start together must not both believe that they have the port.
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRINUSE:
            raise PortInUseError(
                f"port {port} on {host} is taken by another program",
                hint="choose another one with --port, or --port 0 for a free one",
            ) from None
        if error.errno == errno.EACCES:
            raise SettingError(f"port {port} may not be listened on by this user", hint="use one above 1023") from None
        raise SettingError(f"cannot listen on {host}: {error.strerror}") from None
    return listener
