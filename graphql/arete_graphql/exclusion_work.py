"""Ranking classes anew after an exclusion goes on when the request that asked for it is answered, or gone."""

import asyncio
import logging
from typing import Final

from arete_graphql.context import Database
from arete_queries.exclusion import ExclusionReport, exclude

log = logging.getLogger("arete.api")

WAIT_S: Final = 5.0
"""How long the answer waits for the ranking. A class of 200,000 edges takes some 2 s."""


async def exclude_in_background(
    database: Database, run: str, channels: list[str], *, reason: str, include: bool
) -> ExclusionReport | None:
    """Excludes channels, or takes them in again; waits until they are marked, and for the ranking only for a while.

    Args:
        database: The service's database, which cancels the work when the service stops. What was left undone then is
            done by the next exclusion or load of the run.
        run: The run's id.
        channels: As `layer/channel`.
        reason: Why.
        include: Take them in again instead.

    Returns:
        What was changed, or None where classes are still being ranked.

    Raises:
        AreteError: What `exclude` raises within that while; what it raises later is logged.
    """
    marked = asyncio.Event()
    work = database.in_background(
        database.read(exclude, run, channels, reason=reason, include=include, on_marked=marked.set)
    )
    work.add_done_callback(lambda _: marked.set())
    await marked.wait()
    await asyncio.wait({work}, timeout=WAIT_S)
    if work.done():
        return work.result()
    work.add_done_callback(lambda task: _log_failure(run, task))
    return None


def _log_failure(run: str, task: "asyncio.Task[ExclusionReport]") -> None:
    if not task.cancelled() and task.exception() is not None:
        log.error("ranking %s anew failed; the next exclusion goes on with it", run, exc_info=task.exception())
