"""From settings to a database that answers: an own server, a running embedded engine, or one for the time being."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

from arete.settings import Settings
from arete_core.progress import Progress

if TYPE_CHECKING:
    from arete_queries.engine import EngineAddress, EngineSettings
    from arete_queries.runner import QueryRunner

Answer = TypeVar("Answer")


@dataclass(frozen=True)
class DatabaseAddress:
    """Where a database answers.

    Attributes:
        bolt_url: `bolt://`, `neo4j://` or `neo4j+s://`.
        user: User name.
        password: Its password.
        browser_url: Neo4j Browser of the embedded engine; empty for an own server.
    """

    bolt_url: str
    user: str
    password: str = field(repr=False)
    browser_url: str = ""


def engine_settings(settings: Settings, *, read_only: bool = False) -> "EngineSettings":
    """Returns what the embedded engine is started with."""
    from arete_queries.engine import EngineSettings

    return EngineSettings(
        home=settings.home,
        bolt_port=settings.bolt_port,
        http_port=settings.http_port,
        heap_mb=settings.heap_mb or None,
        page_cache_mb=settings.page_cache_mb or None,
        read_only=read_only,
    )


@contextmanager
def database(settings: Settings, progress: Progress, *, read_only: bool = False) -> Iterator[DatabaseAddress]:
    """Gives a database's address for as long as the block lasts.

    An own server is used as it is. A running embedded engine is used and left running. Otherwise one is started and
    stopped at the end.

    Args:
        settings: Where and how.
        progress: Told while the engine starts, as that takes seconds.
        read_only: Start the embedded engine so that nothing can be written.

    Yields:
        Its address, user and password.

    Raises:
        EngineError: If the embedded engine does not start.
    """
    if settings.neo4j_url:
        yield own_server(settings)
        return
    from arete_queries.engine import start_engine

    with start_engine(engine_settings(settings, read_only=read_only), progress=progress) as engine:
        yield _address_of(engine.address)


@contextmanager
def lasting_database(
    settings: Settings, progress: Progress, *, read_only: bool = False
) -> Iterator[Callable[[], DatabaseAddress]]:
    """Gives a database as `database` does, for hours: an embedded engine that ends by itself is started again.

    Args:
        settings: Where and how.
        progress: Told while the engine starts.
        read_only: Start the embedded engine so that nothing can be written.

    Yields:
        Tells where the database is now.

    Raises:
        EngineError: If the embedded engine does not start the first time.
    """
    if settings.neo4j_url:
        # Read at each connection: a password file may be renewed.
        yield lambda: own_server(settings)
        return
    from arete_queries.engine import EngineKeeper, start_engine

    wanted = engine_settings(settings, read_only=read_only)
    with EngineKeeper(wanted, start_engine(wanted, progress=progress)) as keeper:
        yield lambda: _address_of(keeper.address)


def own_server(settings: Settings) -> DatabaseAddress:
    """Returns the address of the own server that the settings name."""
    return DatabaseAddress(settings.neo4j_url, settings.neo4j_user, settings.password())


def _address_of(engine: "EngineAddress") -> DatabaseAddress:
    return DatabaseAddress(engine.bolt_url, engine.user, engine.password, engine.browser_url)


async def make_runner(
    settings: Settings, address: DatabaseAddress, *, read_only: bool = False, timeout_s: float | None = None
) -> "QueryRunner":
    """Connects to an address that `database` gave; the caller closes the runner.

    Args:
        settings: Names the database on an own server.
        address: Where.
        read_only: Refuse every statement that writes, also where the database would take it.
        timeout_s: What the server may spend on one statement, in seconds; the runner's own default when None.

    Returns:
        A connected runner.

    Raises:
        DatabaseUnavailableError: If nothing answers there.
    """
    from arete_queries.runner import TIMEOUT_S, QueryRunner

    return await QueryRunner.connect(
        address.bolt_url,
        address.user,
        address.password,
        database=settings.neo4j_database if settings.neo4j_url else "neo4j",
        timeout_s=TIMEOUT_S if timeout_s is None else timeout_s,
        read_only=read_only,
    )


def ask(settings: Settings, progress: Progress, question: "Callable[[QueryRunner], Awaitable[Answer]]") -> Answer:
    """Opens the database, asks one question and closes it again.

    Args:
        settings: Where.
        progress: Told while the engine starts.
        question: What to do with the connection.

    Returns:
        What the question returns.
    """

    async def conversation(address: DatabaseAddress) -> Answer:
        async with await make_runner(settings, address) as runner:
            return await question(runner)

    with database(settings, progress) as address:
        return asyncio.run(conversation(address))
