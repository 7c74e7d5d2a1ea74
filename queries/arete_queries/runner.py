"""The one way to the database: every statement passes `QueryRunner.run(name, params)`.

The runner sets database, access mode, timeout and transaction metadata, checks what goes in and what comes out against
the statement's header, and turns the driver's errors into Arête's. Reads and idempotent writes are sent again, for a
few seconds, when the connection is lost or the server asks for it; anything else is not, since nobody can know whether
a lost commit took place. A write that the server ended to resolve a deadlock is sent again whatever it does: that
answer says that nothing of it took place.
"""

import asyncio
import itertools
import random
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from types import TracebackType
from typing import Any, Final, Self

from neo4j import (
    READ_ACCESS,
    WRITE_ACCESS,
    AsyncDriver,
    AsyncManagedTransaction,
    Bookmarks,
    Query,
    unit_of_work,
)
from neo4j.exceptions import DriverError, Neo4jError, TransientError

from arete_core.errors import ReadOnlyError
from arete_queries.driver import CONNECT_TIMEOUT_S, POOL_SIZE, RETRY_S, no_address, open_driver
from arete_queries.driver_errors import guarded
from arete_queries.statements import Access, Statement
from arete_queries.transaction import Row, Transaction, prepare, rows_in, rows_of, waiting

TIMEOUT_S: Final = 30.0
"""What the server may spend on one statement, unless the caller says otherwise."""
_SPARE: Final = 8
"""Connections for explicit transactions, which take no place."""
_RETRY_PAUSE_S: Final = 0.2
_DEADLOCK_ATTEMPTS: Final = 8
_DEADLOCK_PAUSE_S: Final = 0.05


class QueryRunner:
    """One driver and its pool of connections. Make it with `connect`, use it as a context manager or call `close`.

    Args:
        driver: An open driver, which the runner then owns.
        database: Name of the database.
        app: Who is asking; shown by `SHOW TRANSACTIONS`.
        timeout_s: What the server may spend on one statement, in seconds.
        read_only: Refuse every statement that writes before it is sent.
    """

    def __init__(
        self,
        driver: AsyncDriver,
        *,
        database: str,
        app: str = "arete",
        timeout_s: float = TIMEOUT_S,
        read_only: bool = False,
    ) -> None:
        self._read_only = read_only
        # Whoever comes when every connection is in use waits here, for as long as the statement may take: the driver
        # would give up after seconds, which looks as if the database were gone.
        self._places = asyncio.Semaphore(POOL_SIZE - _SPARE)
        self._driver = driver
        self._database = database
        self._app = app
        self._timeout_s = timeout_s

    @classmethod
    async def connect(
        cls,
        url: str,
        user: str,
        password: str,
        database: str = "neo4j",
        *,
        app: str = "arete",
        timeout_s: float = TIMEOUT_S,
        read_only: bool = False,
    ) -> "QueryRunner":
        """Connects to a database and makes sure that it answers.

        Args:
            url: `bolt://…`, `neo4j://…` or `neo4j+s://…`.
            user: User name; empty for a server without authentication.
            password: Its password.
            database: Name of the database.
            app: Who is asking; shown by `SHOW TRANSACTIONS`.
            timeout_s: What the server may spend on one statement, in seconds.
            read_only: Refuse every statement that writes before it is sent.

        Returns:
            A runner that can be used at once.

        Raises:
            SettingError: If the URL is none.
            DatabaseUnavailableError: If nothing answers there within a few seconds, or it refuses user and password.
        """
        driver = open_driver(url, user, password, app)
        runner = cls(driver, database=database, app=app, timeout_s=timeout_s, read_only=read_only)
        try:
            await runner.check()
        except ValueError as error:  # from the resolver, for a port that is no number
            await runner.close()
            raise no_address(url) from error
        except BaseException:
            await runner.close()
            raise
        return runner

    async def check(self) -> None:
        """Makes sure that the database answers.

        Raises:
            DatabaseUnavailableError: If it does not within a few seconds.
        """
        with guarded("check"):
            statement, values = prepare("ping", None)
            # Without a retry: whoever asks this wants to know how things stand now.
            async with (
                waiting("check", CONNECT_TIMEOUT_S),
                self._driver.session(database=self._database, default_access_mode=READ_ACCESS) as session,
                await session.begin_transaction(self._metadata("ping"), CONNECT_TIMEOUT_S) as transaction,
            ):
                await rows_in(transaction, statement, values)

    async def close(self) -> None:
        """Closes every connection. May be called twice."""
        await self._driver.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def run(
        self, name: str, params: Mapping[str, Any] | None = None, *, timeout_s: float | None = None
    ) -> list[Row]:
        """Runs one statement in a transaction of its own.

        Args:
            name: Name of the statement, that of its file in `cypher/`.
            params: Exactly its declared parameters.
            timeout_s: What the server may spend on it, in seconds; the runner's own when None.

        Returns:
            The rows, with exactly its declared columns.

        Raises:
            DatabaseUnavailableError: If the database cannot be reached or does not answer in time.
            DatabaseError: If it refuses the statement.
            ReadOnlyError: If it writes and this runner does not.
        """
        statement, values = prepare(name, params)
        limit = self._timeout_s if timeout_s is None else timeout_s
        if statement.access is Access.READ:
            rows, _ = await self._read(statement, values, limit)
            return rows
        self._check_may_write(name)

        @unit_of_work(metadata=self._metadata(name), timeout=limit)
        async def work(transaction: AsyncManagedTransaction) -> list[Row]:
            return await rows_in(transaction, statement, values)

        with guarded(name):
            async with (
                waiting(name, limit + RETRY_S),
                self._places,
                self._driver.session(
                    database=self._database,
                    default_access_mode=WRITE_ACCESS,
                    bookmark_manager=self._driver.execute_query_bookmark_manager,
                ) as session,
            ):
                if statement.idempotent:
                    return await session.execute_write(work)
                for attempt in range(1, _DEADLOCK_ATTEMPTS + 1):
                    try:
                        async with await session.begin_transaction(self._metadata(name), limit) as transaction:
                            rows = await rows_in(transaction, statement, values)
                            await transaction.commit()
                            return rows
                    except TransientError as error:
                        if "DeadlockDetected" not in (error.code or "") or attempt == _DEADLOCK_ATTEMPTS:
                            raise
                    # Not all of them at the same moment again.
                    await asyncio.sleep(_DEADLOCK_PAUSE_S * attempt * (0.5 + random.random()))  # noqa: S311
                raise AssertionError("every attempt returns or raises")

    async def run_with_bookmark(self, name: str, params: Mapping[str, Any] | None = None) -> tuple[list[Row], str]:
        """Runs a statement that reads, and tells which state of the database it saw.

        Args:
            name: Name of the statement.
            params: Exactly its declared parameters.

        Returns:
            The rows, and the bookmark of the last change that the server had committed then.

        Raises:
            DatabaseUnavailableError: If the database cannot be reached or does not answer in time.
            DatabaseError: If it refuses the statement.
        """
        statement, values = prepare(name, params)
        return await self._read(statement, values, self._timeout_s)

    async def _read(self, statement: Statement, values: dict[str, Any], limit_s: float) -> tuple[list[Row], str]:
        """Reads in one round trip, a third of what a transaction with its own begin and commit takes."""
        query = Query(statement.text, metadata=self._metadata(statement.name), timeout=limit_s)
        manager = self._driver.execute_query_bookmark_manager
        with guarded(statement.name):
            async with waiting(statement.name, limit_s + RETRY_S), self._places:
                give_up_at = asyncio.get_running_loop().time() + RETRY_S
                for attempt in itertools.count(1):
                    # By hand what a session does with a manager, as such a session keeps its bookmark to itself.
                    before = await manager.get_bookmarks()
                    try:
                        async with self._driver.session(
                            database=self._database,
                            default_access_mode=READ_ACCESS,
                            bookmarks=Bookmarks.from_raw_values(before),
                        ) as session:
                            rows = await rows_of(await session.run(query, values), statement)
                            seen = (await session.last_bookmarks()).raw_values
                    except (Neo4jError, DriverError) as error:
                        # A read may be sent again whatever became of it.
                        pause_s = _RETRY_PAUSE_S * attempt * (0.5 + random.random())  # noqa: S311
                        if not error.is_retryable() or asyncio.get_running_loop().time() + pause_s > give_up_at:
                            raise
                        await asyncio.sleep(pause_s)
                    else:
                        await manager.update_bookmarks(before, seen)
                        return rows, " ".join(sorted(seen))
        raise AssertionError("every attempt returns or raises")

    @asynccontextmanager
    async def transaction(self, name: str, *, timeout_s: float | None = None) -> AsyncIterator[Transaction]:
        """Opens an explicit write transaction; it is committed at the end of the block, rolled back on any error.

        Args:
            name: What it is for; shown by `SHOW TRANSACTIONS` beside the app.
            timeout_s: What the server may spend on the whole of it, in seconds; 0 for as long as it takes, the
                runner's own when None.

        Yields:
            The transaction.

        Raises:
            DatabaseError: If the database refuses it or cannot be reached.
            ReadOnlyError: If this runner does not write.
        """
        self._check_may_write(name)
        limit = self._timeout_s if timeout_s is None else timeout_s
        wait = limit or None
        with guarded(name):
            async with self._driver.session(
                database=self._database,
                default_access_mode=WRITE_ACCESS,
                bookmark_manager=self._driver.execute_query_bookmark_manager,
            ) as session:
                async with waiting(name, wait):
                    transaction = await session.begin_transaction(self._metadata(name), limit)
                async with transaction:
                    yield Transaction(transaction, wait)
                    async with waiting(name, wait):
                        await transaction.commit()

    def _check_may_write(self, name: str) -> None:
        if self._read_only:
            raise ReadOnlyError(
                f"{name}: this connection takes no writes", hint="start `arete serve` without --read-only"
            )

    def _metadata(self, name: str) -> dict[str, Any]:
        return {"app": self._app, "query": name}
