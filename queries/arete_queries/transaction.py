"""Statements in a transaction: what goes in and what comes out is checked against the statement's header."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final, TypeAlias

from neo4j import AsyncManagedTransaction, AsyncResult
from neo4j import AsyncTransaction as DriverTransaction

from arete_queries.driver_errors import guarded, no_answer
from arete_queries.statements import Statement, statements

GRACE_S: Final = 5.0
"""Added on this side: a server that hangs ends no transaction, so we stop waiting for it."""

Row: TypeAlias = dict[str, Any]
"""One row of an answer, by column."""


class Transaction:
    """An explicit transaction: statements that take effect together or not at all. See `QueryRunner.transaction`."""

    def __init__(self, transaction: DriverTransaction, timeout_s: float | None) -> None:
        self._transaction = transaction
        self._timeout_s = timeout_s

    async def run(self, name: str, params: Mapping[str, Any] | None = None) -> list[Row]:
        """Runs one statement inside the transaction.

        Args:
            name: Name of the statement.
            params: Exactly its declared parameters.

        Returns:
            The rows, with exactly its declared columns.

        Raises:
            DatabaseError: If the database refuses it or cannot be reached.
        """
        statement, values = prepare(name, params)
        with guarded(name):
            async with waiting(name, self._timeout_s):
                return await rows_in(self._transaction, statement, values)


def prepare(name: str, params: Mapping[str, Any] | None) -> tuple[Statement, dict[str, Any]]:
    """Finds a statement and checks the values for it.

    Args:
        name: Name of the statement.
        params: Exactly its declared parameters; lists are checked to be lists, not what they hold.

    Returns:
        The statement and its values.

    Raises:
        KeyError: If there is no such statement.
        TypeError: If the values are not those that the header declares.
    """
    statement = statements()[name]
    values = dict(params or {})
    if values.keys() != statement.params.keys():
        raise TypeError(f"{name}: parameters {sorted(statement.params)} were expected, found {sorted(values)}")
    for key, type_ in statement.params.items():
        if not type_.accepts(values[key]):
            raise TypeError(f"{name}: ${key}: {type_} was expected, found {values[key]!r:.80}")
    return statement, values


async def rows_in(
    transaction: AsyncManagedTransaction | DriverTransaction, statement: Statement, values: dict[str, Any]
) -> list[Row]:
    """Runs a prepared statement in a transaction and returns its rows."""
    return await rows_of(await transaction.run(statement.text, values), statement)


async def rows_of(result: AsyncResult, statement: Statement) -> list[Row]:
    """Returns the rows of an answer.

    Raises:
        TypeError: If its columns are not those that the statement's header declares.
    """
    columns = list(result.keys())
    if columns != list(statement.columns):
        raise TypeError(f"{statement.name}: columns {list(statement.columns)} were declared, found {columns}")
    return [dict(record) async for record in result]


@asynccontextmanager
async def waiting(name: str, limit_s: float | None) -> AsyncIterator[None]:
    """Stops waiting some seconds after the server should have given up by itself.

    Args:
        name: Of the statement, for the message.
        limit_s: What the server may spend, in seconds; None for as long as it takes.

    Yields:
        Once.

    Raises:
        DatabaseUnavailableError: If the block has not ended by then.
    """
    scope = asyncio.timeout(None if limit_s is None else limit_s + GRACE_S)
    try:
        async with scope:
            yield
    except TimeoutError as error:
        if not scope.expired():
            raise
        raise no_answer(name, limit_s or 0.0) from error
