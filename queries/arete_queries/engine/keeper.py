"""Keeps an engine running as long as somebody needs it: one that ends by itself is started again.

A process that is killed for memory, or stopped by another user of the same data folder, would otherwise leave a
service that says for ever that its database is not there. So would a disk that was full for a moment: a server that
could not write its log refuses everything from then on, reads too, until it is started again.
"""

import logging
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Self

from arete_core.errors import EngineError
from arete_core.progress import SilentProgress
from arete_queries.engine.config import DATABASE, EngineAddress, EngineSettings
from arete_queries.engine.process import RunningEngine, start_engine

CHECK_S = 1.0
"""Seconds between two looks at the engine's process."""
ASK_S = 5.0
"""Seconds between two questions whether it still answers."""
LONGEST_PAUSE_S = 30.0
"""Between two tries to start an engine that does not start; the first comes at once, each pause is twice the last."""

log = logging.getLogger("arete.engine")


class EngineKeeper:
    """An engine that is started again whenever it has ended; use it as a context manager.

    Args:
        settings: How to start it again.
        engine: The engine that runs now; the keeper stops it at the end, as `RunningEngine.stop` does.
        on_restart: Told the new address, in the keeper's thread.
    """

    def __init__(
        self, settings: EngineSettings, engine: RunningEngine, on_restart: Callable[[EngineAddress], None] | None = None
    ) -> None:
        self._settings = settings
        self._engine = engine
        self._on_restart = on_restart
        self._stopping = threading.Event()
        self._ask_at = 0.0
        self._thread = threading.Thread(target=self._keep, name="engine keeper", daemon=True)

    @property
    def address(self) -> EngineAddress:
        """Where the engine answers; another port after it was started again."""
        return self._engine.address

    @property
    def owned(self) -> bool:
        """Whether this keeper's engine is its own; else another process started it, and keeps it."""
        return self._engine.owned

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._stopping.set()
        # A start that is under way is waited for, so that nothing is left running.
        self._thread.join()
        self._engine.stop()

    def _keep(self) -> None:
        pause_s = 0.0
        while not self._stopping.wait(max(CHECK_S, pause_s)):
            try:
                self._check()
                pause_s = 0.0
            except EngineError as ended:
                log.warning("the database has ended (%s); starting it again", ended.message)
                pause_s = self._start_again(pause_s)

    def _check(self) -> None:
        """Does nothing while the engine works.

        Raises:
            EngineError: It has ended, or is of no use until it is started again.
        """
        # The driver takes half a second to import, which commands that only look at the engine need not wait for.
        import neo4j
        import neo4j.exceptions

        from arete_queries.driver_errors import needs_restart

        self._engine.check()
        if not self._engine.owned or time.monotonic() < self._ask_at:
            return  # another process keeps it
        self._ask_at = time.monotonic() + ASK_S
        where = self._engine.address
        try:
            with neo4j.GraphDatabase.driver(
                where.bolt_url, auth=(where.user, where.password), connection_timeout=CHECK_S,
                connection_acquisition_timeout=CHECK_S, max_transaction_retry_time=0.0,
            ) as driver:  # fmt: skip
                driver.execute_query("RETURN 1", database_=DATABASE, routing_="r")
        except neo4j.exceptions.Neo4jError as error:
            if needs_restart(error):
                raise EngineError("it refuses everything after an error of its disk") from error
        except neo4j.exceptions.DriverError:
            pass  # too busy to answer: whether it lives was asked before

    def _start_again(self, pause_s: float) -> float:
        """Starts the engine; returns how long to wait before the next try, 0 where it runs."""
        try:
            self._engine.stop()
            self._engine = start_engine(self._settings, progress=SilentProgress())
        except Exception as error:  # the keeper outlives whatever keeps an engine from starting, a full disk too
            longer = min(max(CHECK_S, pause_s * 2), LONGEST_PAUSE_S)
            log.warning("the database does not start: %s; trying again in %g s", error, longer)
            return longer
        log.warning("the database runs again at %s", self._engine.address.bolt_url)
        if self._on_restart is not None:
            self._on_restart(self._engine.address)
        return 0.0
