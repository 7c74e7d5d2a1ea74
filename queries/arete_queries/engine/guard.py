"""The guard: a small process between Arête and the engine that leaves nothing running.

It is started as `python guard.py LOCK`, its standard input a pipe that only the parent holds open. It starts Java and
then waits for whichever comes first:

- end of input: the parent ended, in whatever way, kill -9 included; or closed the pipe to stop the engine
- the parent's id changes: it ended while a child that it had forked keeps the pipe open
- SIGTERM: `arete db stop`
- Java ends by itself

and in the first three cases stops Java cleanly, or kills it when that takes too long. On Linux Java in turn asks the
kernel for a SIGTERM when the guard dies. The word `detach` on the input makes the engine outlive its parent.

Everything is from the standard library and the file is run by its path, so that the guard starts in 20 ms and takes
little memory.

Protocol: the first input line is JSON, see `main`. On its output the guard writes one JSON object a line: `{"pid": N}`
once Java runs, `{"detached": true}` when it was told so, and `{"exit": CODE}` when Java has ended.
"""

import contextlib
import ctypes
import json
import os
import select
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

_PARENT_CHECK_S = 1.0
_PR_SET_PDEATHSIG = 1  # <sys/prctl.h>


def main() -> int:
    """Runs the command of the first input line until it ends or is to be stopped.

    The line is a JSON object: `command` (list of strings), `log` (file for the command's output), `state` (the state
    file, marked when stopping begins and removed at the end) and `stop_timeout_s`.
    """
    parent = os.getppid()
    lock = int(sys.argv[1])
    line, rest = _first_line()
    if line is None:
        return 1
    task: dict[str, Any] = json.loads(line)
    wake = _catch_signals()
    death_signal = _request_death_signal() if sys.platform == "linux" else None
    with Path(task["log"]).open("ab") as log:
        os.dup2(log.fileno(), 2)  # it may outlive the parent: whoever reads the parent's errors must see them end
        try:
            child = subprocess.Popen(
                task["command"],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                pass_fds=(lock,),
                preexec_fn=death_signal,  # safe: the guard has one thread
            )
        except OSError as error:
            _report({"exit": 127, "error": str(error)})
            return 1
    _report({"pid": child.pid})
    _watch(child, wake, parent, rest)
    if child.poll() is None:
        _mark_stopping(Path(task["state"]), child.pid)
        _stop(child, task["stop_timeout_s"])
    _forget(Path(task["state"]), child.pid)
    _report({"exit": child.returncode})
    return 0


def _first_line() -> tuple[bytes | None, bytes]:
    """Returns the first input line and what came after it; None when the parent ended before it was complete."""
    text = b""
    while b"\n" not in text:
        block = os.read(0, 65536)
        if not block:
            return None, b""
        text += block
    line, _, rest = text.partition(b"\n")
    return line, rest


class _Stop:
    """Whether SIGTERM has come."""

    asked = False


def _catch_signals() -> int:
    """Makes SIGTERM and the child's end wake `select`, and ignores a terminal's signals; returns what to select on."""
    reader, writer = os.pipe()
    os.set_blocking(reader, False)
    os.set_blocking(writer, False)
    signal.set_wakeup_fd(writer, warn_on_full_buffer=False)

    def ask_to_stop(*_: object) -> None:
        _Stop.asked = True

    signal.signal(signal.SIGTERM, ask_to_stop)
    # Handlers, not SIG_IGN, which Java would inherit.
    for number in (signal.SIGCHLD, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda *_: None)
    return reader


def _request_death_signal() -> Callable[[], None]:
    """Returns what the child calls before it becomes Java: it asks the kernel for a SIGTERM when the guard dies."""
    guard = os.getpid()
    libc = ctypes.CDLL(None)  # looked up before the fork: the child does as little as it can

    def request() -> None:
        libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != guard:  # it died before the request
            os._exit(1)

    return request


def _watch(child: "subprocess.Popen[bytes]", wake: int, parent: int, text: bytes) -> None:
    """Returns when the child has ended or is to be stopped."""
    detached = False
    sources = [0, wake]
    while child.poll() is None and not _Stop.asked:
        if not detached and b"detach\n" in text:
            detached = True
            _report({"detached": True})
        ready, _, _ = select.select(sources, [], [], _PARENT_CHECK_S)
        if wake in ready:
            with contextlib.suppress(BlockingIOError):
                os.read(wake, 4096)
        if 0 in ready:
            block = os.read(0, 4096)
            text += block
            if not block:
                if not detached:
                    return
                sources.remove(0)
        if not detached and os.getppid() != parent:
            return


def _stop(child: "subprocess.Popen[bytes]", timeout_s: float) -> None:
    child.terminate()
    try:
        child.wait(timeout_s)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()


def _read_state(path: Path, pid: int) -> dict[str, Any] | None:
    try:
        state: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return state if state.get("pid") == pid else None


def _mark_stopping(path: Path, pid: int) -> None:
    """Tells others in the state file that this engine is no longer one to connect to."""
    state = _read_state(path, pid)
    if state is None:
        return
    temporary = path.with_name(f".{path.name}.guard.tmp")
    with contextlib.suppress(OSError):  # a full disk must not keep the engine running
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump({**state, "phase": "stopping"}, file)
        temporary.replace(path)


def _forget(path: Path, pid: int) -> None:
    if _read_state(path, pid) is not None:
        path.unlink(missing_ok=True)


def _report(message: dict[str, Any]) -> None:
    with contextlib.suppress(OSError):  # the parent may be gone
        os.write(1, json.dumps(message).encode() + b"\n")


if __name__ == "__main__":
    sys.exit(main())
