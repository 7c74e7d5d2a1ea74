"""Turns the end of a Java process that should have become the engine into an error that says what to do."""

import re
from pathlib import Path

from arete_core.errors import EngineError, EngineMemoryError, PortInUseError, StoreLockedError
from arete_queries.engine.config import EnginePaths
from arete_queries.engine.host import lock_holder

_LAST_LINES = 8
_TAIL_BYTES = 65536

_PORT = re.compile(r"Address already in use|BindException|PortBindException")
_STORE = re.compile(r"FileLockException|Lock file has been locked|Unable to obtain lock on store lock file")
_MEMORY = re.compile(
    r"OutOfMemoryError|Could not reserve enough space|insufficient memory for the Java|"
    r"Invalid maximum heap size|Invalid memory configuration|exceeds physical memory|Could not allocate|"
    r"Unable to allocate"
)


def startup_error(paths: EnginePaths, exit_code: int, *, ports: tuple[int, int]) -> EngineError:
    """Returns the error for a Java process that ended before it answered, or by itself later.

    Args:
        paths: The engine's files; the reason is read from its console log.
        exit_code: As `subprocess` gives it: negative for a signal.
        ports: The Bolt and HTTP port that it was told to listen on.
    """
    text = console_tail(paths.console)
    if _STORE.search(text):
        return store_locked(paths)
    if _PORT.search(text):
        return port_in_use([port for port in ports if f":{port}" in text] or list(ports))
    if _MEMORY.search(text):
        return EngineMemoryError(
            f"the engine ran out of memory: {last_lines(text, 2)}",
            hint="give it a larger heap, or ask less of this machine: a smaller heap and page cache; "
            f"the whole log is {paths.console}",
        )
    if exit_code == -9:
        return EngineMemoryError(
            "the engine was killed (signal 9), which Linux does when memory runs out",
            hint="close other programs, or ask for a smaller heap and page cache",
        )
    return EngineError(
        f"the engine ended with exit code {exit_code}; its last lines:\n{last_lines(text, _LAST_LINES)}",
        hint=f"the whole log is {paths.console}",
    )


def port_in_use(ports: list[int]) -> PortInUseError:
    """Returns the error for ports that something else listens on."""
    names = " or ".join(str(port) for port in ports)
    return PortInUseError(
        f"port {names} on 127.0.0.1 is taken by another program",
        hint=f"stop it (`ss -ltnp | grep {ports[0]}` shows which), choose another port, or leave the port at 0",
    )


def store_locked(paths: EnginePaths) -> StoreLockedError:
    """Returns the error for a store that a process not started by Arête for this folder holds."""
    pid = lock_holder(paths.store_lock)
    who = f"process {pid}" if pid else "another process"
    return StoreLockedError(
        f"{who} holds the database in {paths.root}",
        hint=(f"stop it (`ps -p {pid}` shows what it is)" if pid else "stop it")
        + ", or use another data folder (ARETE_HOME)",
    )


def console_tail(path: Path) -> str:
    """Returns the end of the console log, at most 64 KiB; empty when there is none."""
    try:
        with path.open("rb") as file:
            file.seek(0, 2)
            file.seek(max(0, file.tell() - _TAIL_BYTES))
            return file.read().decode(errors="replace")
    except OSError:
        return ""


def last_lines(text: str, count: int) -> str:
    """Returns the last lines that say what went wrong: warnings, errors and exceptions, else whatever came last."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    telling = [line for line in lines if not re.match(r"at |\.\.\. \d+ more|.* (INFO|DEBUG) ", line)]
    # The cause of a Java exception is the last of its "Caused by" lines.
    return "\n".join((telling or lines)[-count:]) or "(nothing was printed)"
