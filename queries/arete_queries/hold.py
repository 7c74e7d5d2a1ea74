"""One writer at a time: who loads, deletes or ranks a run holds it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from arete_core.errors import RunConflictError
from arete_queries.runner import QueryRunner

_LOCK_WAIT_S: Final = 15.0  # a busy machine's first statement on a new engine was seen to take more than 3


@asynccontextmanager
async def hold_run(runner: QueryRunner, run: str) -> AsyncIterator[None]:
    """Holds a run for this caller: nobody else loads, deletes or ranks it meanwhile.

    Args:
        runner: The database.
        run: The run's id.

    Yields:
        Nothing; the lock is held until the block ends.

    Raises:
        RunConflictError: If somebody else holds it.
        DatabaseError: If the database fails or cannot be reached.
    """
    async with runner.transaction("hold_run", timeout_s=0) as transaction:
        try:
            async with asyncio.timeout(_LOCK_WAIT_S):
                await transaction.run("lock_load", {"id": run})
        except TimeoutError:
            raise RunConflictError(
                f"another loader is at work on run {run!r}", hint="wait for it to end, then try again"
            ) from None
        yield
        await transaction.run("unlock_load", {"id": run})
