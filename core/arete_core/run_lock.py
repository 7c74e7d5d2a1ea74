"""The lock on a run folder: two jobs never write one, and an exclusion never changes one that a job writes."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from arete_core.errors import RunConflictError

LOCK_FILE = ".lock"


class Lock:
    """The lock on a run folder, while it is held.

    Args:
        descriptor: Of the locked file.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def announce(self, text: str) -> None:
        """Writes a line after the process id, for the other processes of the same job."""
        os.write(self._descriptor, f"{text}\n".encode())


@contextmanager
def locked(folder: Path, *, patience_s: float = 0.0) -> Iterator[Lock]:
    """Holds a run folder for this process.

    The lock is the kernel's, on `.lock`: it goes with the process, however that ends. The process id inside is for
    people. The file is removed afterwards.

    Args:
        folder: The run folder; exists.
        patience_s: How long to try, where other processes of this job may be looking whether it is held.

    Yields:
        The lock.

    Raises:
        RunConflictError: If another process holds it.
    """
    path = folder / LOCK_FILE
    latest = time.monotonic() + patience_s
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            owner = os.read(descriptor, 32).decode(errors="replace").partition("\n")[0].strip() or "unknown"
            os.close(descriptor)
            if time.monotonic() < latest:
                time.sleep(0.05)
                continue
            raise RunConflictError(
                f"another job (process {owner}) is writing {folder}",
                hint="wait until it is done, or choose another --out",
            ) from error
        # The one before may have removed the file between our open and our lock; then the lock guards nothing.
        if path.exists() and os.fstat(descriptor).st_ino == path.stat().st_ino:
            break
        os.close(descriptor)
    try:
        os.ftruncate(descriptor, 0)
        os.write(descriptor, f"{os.getpid()}\n".encode())
        yield Lock(descriptor)
    finally:
        path.unlink(missing_ok=True)
        os.close(descriptor)
