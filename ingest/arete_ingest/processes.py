"""Several processes that do one job, as `torchrun` starts them: who they are, and which of them counts which unit.

Nothing is sent between them. They share the run folder: the first process holds its lock and announces the job there,
each process claims units of work one by one and writes their parts, and the first one adds them up. Sums of integers do
not depend on who made them, so the result is the same with any number of processes.

A claim is a hard link to a file that its process keeps locked as long as it lives. The kernel drops the lock however
the process ends, so that a dead process is told from a slow one without any time limit. On a network file system this
needs `flock` between machines (NFS 4 and Lustre with `-o flock` have it).
"""

import fcntl
import os
import secrets
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from socket import gethostname

from arete_core.errors import RunFolderError, RunIncompleteError, SettingError
from arete_core.run_lock import LOCK_FILE, Lock
from arete_ingest.parts import PARTS

_MEETING_S = 600.0
"""Seconds that a process waits for the first one to begin; both list the images and load the model meanwhile."""

_LOOK_S = 0.1


@dataclass(frozen=True)
class Process:
    """Which process of a job this is.

    Attributes:
        rank: Its number, 0 for the first one.
        world: How many there are.
        local_rank: Its number on this machine, which is also that of its GPU.
        local_world: How many there are on this machine.
        token: The same in all processes of a job.
    """

    rank: int = 0
    world: int = 1
    local_rank: int = 0
    local_world: int = 1
    token: str = ""

    @property
    def name(self) -> str:
        """For messages: `process 2 of 4`."""
        return f"process {self.rank + 1} of {self.world}"

    @classmethod
    def from_environment(cls) -> "Process":
        """Reads what `torchrun` sets: RANK, WORLD_SIZE, LOCAL_RANK, LOCAL_WORLD_SIZE and what names the job.

        Returns:
            The process; the only one where WORLD_SIZE is not set or 1.

        Raises:
            SettingError: If the numbers cannot be.
        """
        world = _number("WORLD_SIZE", 1)
        if world <= 1:
            return cls()
        rank = _number("RANK", None)
        local_rank = _number("LOCAL_RANK", rank)
        local_world = _number("LOCAL_WORLD_SIZE", world)
        if not (0 <= rank < world and 0 <= local_rank < local_world <= world):
            raise SettingError(
                f"RANK {rank} of {world} processes, LOCAL_RANK {local_rank} of {local_world} here cannot be",
                hint="start several processes with torchrun, which sets these variables, or unset them",
            )
        names = ("TORCHELASTIC_RUN_ID", "TORCHELASTIC_RESTART_COUNT", "MASTER_ADDR", "MASTER_PORT")
        token = ":".join("".join(os.environ.get(name, "").split()) for name in names)
        return cls(rank, world, local_rank, local_world, token)


def _number(name: str, default: int | None) -> int:
    text = os.environ.get(name)
    if text is None and default is not None:
        return default
    try:
        return int(text or "")
    except ValueError as error:
        raise SettingError(
            f"the environment variable {name} is {text!r}, a number was expected",
            hint="start several processes with torchrun, which sets it, or unset WORLD_SIZE",
        ) from error


class Claims:
    """Deals the units of work to the processes of a job: whoever claims a unit first counts it.

    Args:
        folder: Where the claims of this job lie; made by its first process.
        lock: The run folder's lock, which the first process holds.
        process: This one.

    Raises:
        RunIncompleteError: If the first process has ended meanwhile.
    """

    def __init__(self, folder: Path, lock: Path, process: Process) -> None:
        self._folder = folder
        self._lock = lock
        self._process = process
        self._own = folder / f"process-{process.rank}"
        try:
            self._descriptor = os.open(self._own, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o644)
        except FileNotFoundError as error:
            raise self._without_first() from error
        # Nobody knows of the file yet: a claim is made of it only once it is locked.
        fcntl.flock(self._descriptor, fcntl.LOCK_EX)
        os.write(self._descriptor, f"{process.name} ({os.getpid()} on {gethostname()})".encode())

    @classmethod
    def begin(cls, run: Path, lock: Lock, process: Process) -> "Claims":
        """Announces the job to its other processes; only the first process does so.

        Args:
            run: The run folder, whose parts are prepared.
            lock: Its lock, held by this process.
            process: This one.

        Returns:
            The claims.
        """
        name = f"claims-{secrets.token_hex(8)}"
        (run / PARTS / name).mkdir()
        claims = cls(run / PARTS / name, run / LOCK_FILE, process)
        lock.announce(f"{process.token} {name}")
        return claims

    @classmethod
    def join(cls, run: Path, process: Process, *, finished: Callable[[], bool]) -> "Claims | None":
        """Waits until the first process has begun.

        Args:
            run: The run folder.
            process: This one.
            finished: Says whether the run is whole.

        Returns:
            The claims; None where there is nothing to do any more.

        Raises:
            RunIncompleteError: If the first process does not begin.
        """
        lock = run / LOCK_FILE
        latest = time.monotonic() + _MEETING_S
        while not finished():
            with suppress(FileNotFoundError):
                _, _, announced = lock.read_text(errors="replace").partition("\n")
                token, _, name = announced.strip().partition(" ")
                # A killed job of the same name may have left its announcement: it holds no lock.
                if name and token == process.token and is_held(lock):
                    with suppress(RunIncompleteError):
                        return cls(run / PARTS / name, lock, process)
            if time.monotonic() > latest:
                raise RunIncompleteError(
                    f"{process.name} waited {_MEETING_S:.0f} s for the first one to begin in {run}",
                    hint="see what the first process says; all of them need the same --out on a shared file system",
                )
            time.sleep(_LOOK_S)
        return None

    def take(self, unit: int, part: Path) -> bool:
        """Claims a unit.

        Args:
            unit: Its number.
            part: Its file, once it is done.

        Returns:
            Whether it is this process's now.

        Raises:
            RunIncompleteError: If the first process has ended before the run was whole.
            RunFolderError: If the file system knows no hard links.
        """
        if part.exists():
            return False
        if self._process.rank and not self._first_is_alive():
            raise self._without_first()
        try:
            os.link(self._own, self._claim(unit))
        except FileExistsError:
            return False
        except FileNotFoundError as error:
            raise self._without_first() from error
        except OSError as error:
            raise RunFolderError(
                f"several processes need hard links in {self._folder.parent}: {error.strerror}",
                hint="put --out on another file system, or use one process",
            ) from error
        if part.exists():  # its owner has finished it and dropped its claim in between
            self.drop(unit)
            return False
        return True

    def drop(self, unit: int) -> None:
        """Gives up the claim on a unit that is done."""
        self._claim(unit).unlink(missing_ok=True)

    def dead_owner(self, unit: int, part: Path) -> str | None:
        """Says which process ended without finishing a unit.

        Args:
            unit: A unit that another process has claimed.
            part: Its file, once it is done.

        Returns:
            The process's name, or None where it is at work or has finished the unit.
        """
        claim = self._claim(unit)
        try:
            if is_held(claim):
                return None
            name = claim.read_text()
        except FileNotFoundError:
            return None
        return None if part.exists() else name

    def close(self) -> None:
        """Lets go of everything; claims on unfinished units count as those of a dead process from now on."""
        os.close(self._descriptor)

    def _first_is_alive(self) -> bool:
        try:
            return is_held(self._lock)
        except FileNotFoundError:
            return False

    def _claim(self, unit: int) -> Path:
        return self._folder / f"{unit}.claim"

    def _without_first(self) -> RunIncompleteError:
        return RunIncompleteError(
            f"{self._process.name} stops: the first process has ended before the run was whole",
            hint="see what it said, then start all processes with the same command again: they continue",
        )


def is_held(path: Path) -> bool:
    """Returns whether some process holds a lock on a file.

    Raises:
        FileNotFoundError: If the file is not there.
    """
    descriptor = os.open(path, os.O_RDWR)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(descriptor)
    return False
