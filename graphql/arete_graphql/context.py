"""What a request carries while it is answered: its id, its way to the database, its loaders."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Concatenate, ParamSpec, TypeVar

import strawberry
from strawberry.dataloader import DataLoader
from strawberry.types.graphql import OperationType

from arete_core.errors import AreteError, BadInput, DatabaseError, DatabaseUnavailableError
from arete_graphql.metrics import Metrics
from arete_graphql.settings import Limits
from arete_graphql.token import WriteAccess, require
from arete_queries import reads
from arete_queries.channel_page import ChannelOverClasses
from arete_queries.results import AttributionGraph, ChannelInfo, ClassInfo, LayerInfo
from arete_queries.runner import QueryRunner

RunnerFactory = Callable[[], Awaitable[QueryRunner]]
"""Connects to the database and returns a runner; raises `DatabaseUnavailableError` where nothing answers."""

P = ParamSpec("P")
T = TypeVar("T")

log = logging.getLogger("arete.api")

RETRY_S = 1.0
"""Seconds after a failed connection before the next one is tried; requests in between fail at once."""


@dataclass(eq=False)
class _Connection:
    runner: QueryRunner
    users: int = 0
    lost: bool = False


class Database:
    """The service's one connection to the database, which mends itself.

    The service starts without a database and outlives it: a connection that was lost is given up as soon as nobody
    uses it any more, and the next request asks the factory for a new one, which may lead elsewhere (an embedded engine
    that was started again listens on another port).

    Args:
        factory: Connects and returns a runner; raises `DatabaseUnavailableError` where nothing answers.
        metrics: Told how long each read takes.
    """

    def __init__(self, factory: RunnerFactory, metrics: Metrics | None = None) -> None:
        self._factory = factory
        self._metrics = metrics or Metrics()
        self._current: _Connection | None = None
        self._connecting = asyncio.Lock()
        self._failure: tuple[float, AreteError] | None = None
        self._work: set[asyncio.Task[Any]] = set()

    async def start(self) -> None:
        """Connects, or logs that the database is not there yet."""
        try:
            await self._connect()
        except DatabaseError as error:
            log.warning("%s; the service starts without it and keeps trying", error.message)

    async def close(self) -> None:
        """Ends what runs in the background and closes the connection."""
        for task in self._work:
            task.cancel()
        await asyncio.gather(*self._work, return_exceptions=True)
        connection, self._current = self._current, None
        if connection is not None:
            await connection.runner.close()

    async def read(
        self, function: Callable[Concatenate[QueryRunner, P], Awaitable[T]], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Calls a read.

        Args:
            function: One of `arete_queries.reads`, or any coroutine function that takes the runner first.
            *args: Its further arguments.
            **kwargs: Its keyword arguments.

        Returns:
            What it returns.

        Raises:
            DatabaseUnavailableError: If the database does not answer.
            AreteError: Whatever the read raises.
        """
        with self._metrics.reading(function.__name__):
            async with self._lease() as runner:
                return await function(runner, *args, **kwargs)

    def in_background(self, work: Coroutine[Any, Any, T]) -> "asyncio.Task[T]":
        """Starts work that goes on when the request that asked for it is answered or gone.

        Args:
            work: What to do.

        Returns:
            Its task; it is cancelled when the service stops.
        """
        task = asyncio.create_task(work)
        self._work.add(task)
        task.add_done_callback(self._work.discard)
        return task

    @asynccontextmanager
    async def _lease(self) -> AsyncIterator[QueryRunner]:
        connection = await self._connect()
        connection.users += 1
        try:
            yield connection.runner
        except DatabaseUnavailableError:
            connection.lost = True
            if self._current is connection:
                self._current = None
            raise
        finally:
            connection.users -= 1
            if connection.lost and connection.users == 0:
                await connection.runner.close()

    async def _connect(self) -> _Connection:
        if self._current is not None:
            return self._current
        async with self._connecting:
            if self._current is not None:
                return self._current
            now = asyncio.get_running_loop().time()
            if self._failure is not None and now - self._failure[0] < RETRY_S:
                raise self._failure[1].with_traceback(None)
            try:
                self._current = _Connection(await self._factory())
            except AreteError as error:
                self._failure = (asyncio.get_running_loop().time(), error)
                raise
            self._failure = None
            return self._current


@dataclass(frozen=True)
class GraphKey:
    """What makes two requests for a class's graph the same question."""

    class_id: str
    mass: float | None
    min_share: float


@dataclass(frozen=True)
class ChannelKey:
    """What a request wants to know of a channel over all classes: its profile, or so many inputs or outputs."""

    channel_id: str
    profile: bool = False
    links: int = 0


@dataclass
class RequestContext:
    """One GraphQL request.

    Attributes:
        request_id: Stands in the answer's headers, in its errors and in the log.
        database: The service's connection.
        limits: How much the request may ask for.
        write_access: Whether it may change anything.
        operation_type: What the document turned out to be; None until it is about to run.
        browser_url: Tells where Neo4j Browser is; empty where that is not known.
        reads_started: Reads from the database so far.
    """

    request_id: str
    database: Database
    limits: Limits
    write_access: WriteAccess = WriteAccess.NO_TOKEN
    operation_type: OperationType | None = None
    browser_url: Callable[[], str] = str
    reads_started: int = 0
    layers: DataLoader[str, tuple[LayerInfo, ...]] = field(init=False)
    graphs: DataLoader[GraphKey, AttributionGraph] = field(init=False)
    classes: DataLoader[str, ClassInfo | None] = field(init=False)
    channels: DataLoader[str, ChannelInfo | None] = field(init=False)
    over_classes: DataLoader[ChannelKey, ChannelOverClasses] = field(init=False)

    def __post_init__(self) -> None:
        self.layers = DataLoader(self._load_layers)
        self.graphs = DataLoader(self._load_graphs)
        self.classes = DataLoader(self._load_classes)
        self.channels = DataLoader(self._load_channels)
        self.over_classes = DataLoader(self._load_over_classes)

    async def read(
        self, function: Callable[Concatenate[QueryRunner, P], Awaitable[T]], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Calls a read, counted against the request's budget; see `Database.read`.

        Args:
            function: One of `arete_queries.reads`.
            *args: Its arguments after the runner.
            **kwargs: Its keyword arguments.

        Returns:
            What it returns.

        Raises:
            BadInput: If the request has used up its reads.
        """
        if self.reads_started >= self.limits.reads:
            raise BadInput(
                f"the query needs more than {self.limits.reads} reads from the database",
                hint="ask for fewer nested lists or graphs at once",
            )
        self.reads_started += 1
        return await self.database.read(function, *args, **kwargs)

    def require_token(self) -> None:
        """Does nothing where the request may change something; every mutation calls it first.

        Raises:
            UnauthorizedError: If the request's header `Authorization` does not carry the service's token.
            ReadOnlyError: If the service only reads.
        """
        require(self.write_access)

    async def _load_layers(self, runs: list[str]) -> list[tuple[LayerInfo, ...]]:
        found = await self.read(reads.layers_of_runs, runs)
        return [found.get(run, ()) for run in runs]

    async def _load_classes(self, ids: list[str]) -> list[ClassInfo | None]:
        found = await self.read(reads.get_classes, ids)
        return [found.get(id_) for id_ in ids]

    async def _load_graphs(self, keys: list[GraphKey]) -> list[AttributionGraph | BaseException]:
        return await asyncio.gather(
            *(self.read(reads.class_graph, key.class_id, mass=key.mass, min_share=key.min_share) for key in keys),
            return_exceptions=True,
        )

    async def _load_channels(self, ids: list[str]) -> list[ChannelInfo | None]:
        found = await self.read(reads.get_channels, ids)
        return [found.get(id_) for id_ in ids]

    async def _load_over_classes(self, keys: list[ChannelKey]) -> list[ChannelOverClasses | BaseException]:
        """Reads what is wanted of one channel together."""

        async def read(channel: str) -> ChannelOverClasses:
            own = [key for key in keys if key.channel_id == channel]
            profile, links = any(key.profile for key in own), max(key.links for key in own)
            return await self.read(reads.channel_over_classes, channel, profile=profile, links=links)

        channels = list(dict.fromkeys(key.channel_id for key in keys))
        answers = await asyncio.gather(*map(read, channels), return_exceptions=True)
        found = dict(zip(channels, answers, strict=True))
        return [found[key.channel_id] for key in keys]


Info = strawberry.Info[RequestContext, None]
"""What a resolver gets beside its arguments."""
