"""Which process runs the engine of a data folder, and on which ports: `neo4j/engine.json`.

The file only says where the engine is. Whether one runs is said by the lock on `neo4j/engine.lock`, which the guard
and the Java process hold together from before the start until the last of them has ended, however they ended.
"""

import fcntl
import json
import os
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path

from arete_core.files import write_bytes_atomically
from arete_queries.engine.host import process_birth


class EnginePhase(StrEnum):
    """What the engine of a data folder is doing."""

    STOPPED = "stopped"
    STARTING = "starting"
    RUNNING = "running"
    STOPPING = "stopping"


@dataclass(frozen=True, slots=True)
class EngineState:
    """What `engine.json` holds.

    Attributes:
        phase: `running`, or `stopping` from the moment that the guard was told to stop.
        pid: The Java process.
        pid_birth: The moment it started, see `process_birth`.
        guard_pid: The guard process, which stops it.
        guard_birth: The moment it started.
        owner_pid: The process that started it, whose end stops it unless it is detached.
        owner_birth: The moment that process started.
        detached: The engine outlives the process that started it.
        read_only: It refuses writes.
        bolt_port: On 127.0.0.1.
        http_port: On 127.0.0.1.
    """

    phase: EnginePhase
    pid: int
    pid_birth: str
    guard_pid: int
    guard_birth: str
    owner_pid: int
    owner_birth: str
    detached: bool
    read_only: bool
    bolt_port: int
    http_port: int

    @property
    def alive(self) -> bool:
        """Whether the Java process of this state still lives, not another with the same id."""
        return process_birth(self.pid) == self.pid_birth

    @property
    def lasting(self) -> bool:
        """Whether the engine runs and nothing has happened that stops it.

        When its owner or its guard has died, Java still answers for a moment, but is not to be connected to.
        """
        owned = self.detached or process_birth(self.owner_pid) == self.owner_birth
        return self.phase is EnginePhase.RUNNING and owned and self.guard_alive

    @property
    def guard_alive(self) -> bool:
        """Whether the guard process of this state still lives."""
        return process_birth(self.guard_pid) == self.guard_birth


def write_state(path: Path, state: EngineState) -> None:
    """Writes the state file, whole or not at all."""
    write_bytes_atomically(path, (json.dumps(asdict(state), indent=2) + "\n").encode(), mode=0o600)


def read_state(path: Path) -> EngineState | None:
    """Returns the state of an engine that lives; None for no file, a damaged one, or one that a dead engine left."""
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        state = EngineState(**values | {"phase": EnginePhase(values["phase"])})
    except (OSError, ValueError, TypeError, KeyError):
        return None
    return state if state.alive else None


def take_lock(path: Path) -> int | None:
    """Locks the data folder for one engine.

    Returns:
        An open descriptor that holds the lock as long as it, or a copy that a child inherited, is open; None when
        another engine holds it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def is_locked(path: Path) -> bool:
    """Says whether an engine holds the lock, without keeping it."""
    if not path.exists():
        return False
    descriptor = take_lock(path)
    if descriptor is None:
        return True
    os.close(descriptor)
    return False
