"""From settings to a database that answers: an own server, a running embedded engine, or one for the time being."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, TypeVar

from arete.settings import Settings
from arete_core.progress import Progress

if TYPE_CHECKING:
    from arete_queries.engine import EngineAddress, EngineSettings
    from arete_queries.runner import QueryRunner

Answer = TypeVar("Answer")


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
def database(settings: Settings, progress: Progress, *, read_only: bool = False) -> "Iterator[EngineAddress]":
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
    from arete_queries.engine import EngineAddress, start_engine

    if settings.neo4j_url:
        yield EngineAddress(
            bolt_url=settings.neo4j_url, http_url="", user=settings.neo4j_user, password=settings.password(), pid=None
        )
        return
    engine = start_engine(engine_settings(settings, read_only=read_only), progress=progress)
    try:
        yield engine.address
    finally:
        engine.stop()


@asynccontextmanager
async def connect(settings: Settings, address: "EngineAddress") -> "AsyncIterator[QueryRunner]":
    """Connects to an address that `database` gave."""
    from arete_queries.runner import QueryRunner

    name = settings.neo4j_database if settings.neo4j_url else "neo4j"
    async with await QueryRunner.connect(address.bolt_url, address.user, address.password, database=name) as runner:
        yield runner


def ask(settings: Settings, progress: Progress, question: "Callable[[QueryRunner], Awaitable[Answer]]") -> Answer:
    """Opens the database, asks one question and closes it again.

    Args:
        settings: Where.
        progress: Told while the engine starts.
        question: What to do with the connection.

    Returns:
        What the question returns.
    """

    async def conversation(address: "EngineAddress") -> Answer:
        async with connect(settings, address) as runner:
            return await question(runner)

    with database(settings, progress) as address:
        return asyncio.run(conversation(address))
