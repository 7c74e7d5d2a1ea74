"""Starts, finds and stops the embedded engine of a data folder. At most one runs on a folder at any time."""

import contextlib
import os
import signal
import time
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Self

from arete_core.errors import EngineError, PortInUseError, StoreLockedError
from arete_core.progress import Progress, SilentProgress
from arete_queries.engine.archive import archive_options, ensure_class_archive
from arete_queries.engine.auth import read_password
from arete_queries.engine.config import LOOPBACK, USER, EngineAddress, EngineSettings
from arete_queries.engine.failures import store_locked
from arete_queries.engine.host import lock_holder, process_birth
from arete_queries.engine.jars import resolve_jars
from arete_queries.engine.java import find_java
from arete_queries.engine.launch import GuardedJava, choose_ports, reap_detached
from arete_queries.engine.state import EnginePhase, EngineState, is_locked, read_state, take_lock, write_state
from arete_queries.engine.swap import settle_store

_POLL_S = 0.05
_PORT_ATTEMPTS = 3  # another program can take a free port between its choice and Java's bind


@dataclass(frozen=True, slots=True)
class EngineStatus:
    """What `engine_status` finds.

    Attributes:
        phase: `stopped`, `starting`, `running` or `stopping`.
        address: Where it answers; None unless running.
        detached: It outlives the process that started it; None unless running.
        owner_pid: The process whose end stops it; None when detached or not running.
        read_only: It refuses writes; None unless running.
    """

    phase: EnginePhase
    address: EngineAddress | None = None
    detached: bool | None = None
    owner_pid: int | None = None
    read_only: bool | None = None

    @property
    def running(self) -> bool:
        """Whether it answers queries."""
        return self.phase is EnginePhase.RUNNING


class RunningEngine:
    """An engine that answers, as a context manager that stops it.

    Attributes:
        address: Where it answers.
        owned: This object's `stop` ends it. False for a detached engine and for one that was running already.
    """

    def __init__(self, address: EngineAddress, java: GuardedJava | None = None, state: Path | None = None) -> None:
        self.address = address
        self._java = java
        self._state = state

    @property
    def owned(self) -> bool:
        """Whether `stop` ends the engine."""
        return self._java is not None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    def check(self) -> None:
        """Does nothing while the engine's process lives.

        Raises:
            EngineError: It has ended by itself; the error says why, for instance that memory ran out.
        """
        if self._java is not None:
            if self._java.has_ended():
                raise self._java.failure()
        elif process_birth(self.address.pid) is None:
            raise EngineError("the engine was stopped by someone else", hint="start it again: `arete db start`")

    def stop(self) -> None:
        """Stops the engine and returns when it has ended; leaves it running when it is not owned."""
        if self._java is not None:
            # First of all, so that nobody connects in this moment. The guard says so too, but a little later.
            with contextlib.suppress(OSError):  # a full disk must not keep the engine running
                state = read_state(self._state) if self._state else None
                if state and self._state:
                    write_state(self._state, replace(state, phase=EnginePhase.STOPPING))
            self._java.stop()
            self._java = None


def start_engine(
    settings: EngineSettings, *, detached: bool = False, progress: Progress | None = None
) -> RunningEngine:
    """Starts the engine of a data folder, or connects to the one that runs there already.

    The engine is ready when this returns: a query over Bolt was answered, GDS is there, Neo4j Browser's port is open.
    It is stopped by `stop`, by leaving the `with` block, and when this process ends in any way.

    Args:
        settings: Where and how.
        detached: Let it outlive this process; `stop_engine` ends it.
        progress: Told about fetching jars and starting.

    Returns:
        The engine; not owned when it is detached or was running already.

    Raises:
        JavaMissingError: No Java 17 or 21.
        MavenError: The jars are not there yet and cannot be fetched.
        PortInUseError: A port that was asked for is taken.
        StoreLockedError: Another process holds the store, or an engine runs there that does not fit what is asked for.
        EngineMemoryError: Heap and page cache do not fit this machine, or memory ran out.
        EngineError: It ended or did not answer for another reason.
    """
    progress = progress or SilentProgress()
    settings.memory.check()
    deadline = time.monotonic() + settings.start_timeout_s
    while True:
        lock = _take_lock(settings)
        if lock is not None:
            break
        status = engine_status(settings)
        if status.running:
            return _attach(settings, status, detached=detached)
        if time.monotonic() > deadline:
            raise StoreLockedError(
                f"another Arête has been {status.phase} the engine in {settings.paths.root} "
                f"for more than {settings.start_timeout_s:g} s",
                hint="wait, or end that process",
            )
        time.sleep(_POLL_S)
    try:
        return start_locked(settings, lock, detached=detached, progress=progress)
    finally:
        os.close(lock)  # guard and Java hold their own copies


def prepare_engine(settings: EngineSettings, *, progress: Progress | None = None) -> None:
    """Does what the first start would do once: fetches the jars and makes Java's class archive. Starts no engine.

    Args:
        settings: Where the jars are kept.
        progress: Told about both.

    Raises:
        JavaMissingError: No Java 17 or 21.
        MavenError: The jars cannot be fetched.
    """
    progress = progress or SilentProgress()
    java = find_java()
    ensure_class_archive(settings, java, resolve_jars(settings.jars, java, progress), progress)


def _take_lock(settings: EngineSettings) -> int | None:
    try:
        return take_lock(settings.paths.lock)
    except OSError as error:
        raise EngineError(
            f"the engine's folder {settings.paths.root} cannot be written ({error})",
            hint="mend its permissions, or use another data folder (ARETE_HOME)",
        ) from error


def start_locked(
    settings: EngineSettings, lock: int, *, detached: bool = False, progress: Progress | None = None
) -> RunningEngine:
    """Starts the engine as `start_engine` does, for a caller who holds a data folder's lock and goes on holding it.

    Args:
        settings: Where and how.
        lock: Descriptor of the lock; guard and Java inherit it, and the folder stays locked until all have ended.
        detached: Let the engine outlive this process.
        progress: Told about fetching jars and starting.

    Returns:
        The engine.

    Raises:
        EngineError: As `start_engine`.
    """
    progress = progress or SilentProgress()
    try:
        settle_store(settings.paths)
    except OSError as error:
        raise EngineError(
            f"the engine's folder {settings.paths.root} cannot be tidied up after a killed bulk load ({error})",
            hint="free some disk space, or mend its permissions",
        ) from error
    java = find_java()
    jars = resolve_jars(settings.jars, java, progress)
    if lock_holder(settings.paths.store_lock):
        raise store_locked(settings.paths)
    ensure_class_archive(settings, java, jars, progress)
    with progress.task("Start the database engine", total=None, unit="s"):
        for attempt in range(1, _PORT_ATTEMPTS + 1):
            engine = GuardedJava(
                settings, java, jars, choose_ports(settings), lock=lock, options=archive_options(jars, java)
            )
            try:
                engine.wait_until_ready()
                write_state(settings.paths.state, _state_of(engine, settings, detached=detached))
                if detached:
                    engine.detach()
                    return RunningEngine(engine.address)
            except PortInUseError:
                engine.stop()
                if attempt == _PORT_ATTEMPTS or (settings.bolt_port and settings.http_port):
                    raise
            except BaseException:
                engine.stop()
                raise
            else:
                return RunningEngine(engine.address, engine, settings.paths.state)
    raise AssertionError("every attempt returns or raises")


def _state_of(engine: GuardedJava, settings: EngineSettings, *, detached: bool) -> EngineState:
    return EngineState(
        phase=EnginePhase.RUNNING,
        pid=engine.pid,
        pid_birth=process_birth(engine.pid) or "",
        guard_pid=engine.guard_pid,
        guard_birth=process_birth(engine.guard_pid) or "",
        owner_pid=os.getpid(),
        owner_birth=process_birth(os.getpid()) or "",
        detached=detached,
        read_only=settings.read_only,
        bolt_port=engine.ports.bolt,
        http_port=engine.ports.http,
    )


def _attach(settings: EngineSettings, status: EngineStatus, *, detached: bool) -> RunningEngine:
    """Connects to the engine that runs already, unless it is not the one asked for."""
    address = status.address
    assert address is not None  # noqa: S101 - a running engine has an address
    reasons = []
    if status.read_only != settings.read_only:
        kind = "read-only" if status.read_only else "writable"
        reasons.append(f"is {kind}, not {'read-only' if settings.read_only else 'writable'}")
    for name, port, url in (
        ("Bolt", settings.bolt_port, address.bolt_url),
        ("HTTP", settings.http_port, address.http_url),
    ):
        if port and not url.endswith(f":{port}"):
            reasons.append(f"has {name} port {url.rpartition(':')[2]}, not {port}")
    if detached and not status.detached:
        reasons.append(f"ends with process {status.owner_pid}, which started it")
    if reasons:
        raise StoreLockedError(
            f"an engine runs in {settings.paths.root} already (process {address.pid}), but it {' and '.join(reasons)}",
            hint="stop it first: "
            + ("`arete db stop`" if status.detached else f"end process {status.owner_pid}, which started it"),
        )
    return RunningEngine(address)


def engine_status(settings: EngineSettings) -> EngineStatus:
    """Says whether an engine runs on this data folder, started by any process. Starts nothing; takes 1 ms.

    Args:
        settings: Names the data folder.

    Returns:
        What it does, and where it answers when it runs.

    Raises:
        EngineError: It runs, but its password file cannot be read.
    """
    reap_detached()
    state = read_state(settings.paths.state)
    if state is None:
        locked = is_locked(settings.paths.lock)
        return EngineStatus(EnginePhase.STARTING if locked else EnginePhase.STOPPED)
    if not state.lasting:
        return EngineStatus(EnginePhase.STOPPING)
    return EngineStatus(
        EnginePhase.RUNNING,
        address=EngineAddress(
            bolt_url=f"bolt://{LOOPBACK}:{state.bolt_port}",
            http_url=f"http://{LOOPBACK}:{state.http_port}",
            user=USER,
            password=read_password(settings.paths),
            pid=state.pid,
        ),
        detached=state.detached,
        owner_pid=None if state.detached else state.owner_pid,
        read_only=state.read_only,
    )


def stop_engine(settings: EngineSettings) -> bool:
    """Stops the detached engine of a data folder and returns when its processes have ended.

    Args:
        settings: Names the data folder, and how long a clean stop may take.

    Returns:
        Whether there was one to stop.

    Raises:
        EngineError: The engine belongs to a running process, or did not end in time.
    """
    state = read_state(settings.paths.state)
    if state is None:
        return False
    if not state.detached and state.lasting:
        raise EngineError(
            f"the engine in {settings.paths.root} belongs to process {state.owner_pid} and ends with it",
            hint=f"end that process: Ctrl-C in its terminal, or `kill {state.owner_pid}`",
        )
    with contextlib.suppress(ProcessLookupError):
        # The guard sees to it that Java ends; without a guard Java is asked itself.
        os.kill(state.guard_pid if state.guard_alive else state.pid, signal.SIGTERM)
    deadline = time.monotonic() + settings.stop_timeout_s + 5.0
    while state.alive or is_locked(settings.paths.lock):
        reap_detached()
        if time.monotonic() > deadline:
            raise EngineError(
                f"the engine (process {state.pid}) did not end within {settings.stop_timeout_s:g} s",
                hint=f"end it: `kill -9 {state.pid}`",
            )
        time.sleep(_POLL_S)
    reap_detached()
    return True
