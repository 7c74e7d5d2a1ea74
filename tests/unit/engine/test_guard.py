"""The guard leaves nothing running: with a small Python program in Java's place, every way in which things can end."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from arete_queries.engine import guard
from arete_queries.engine.state import is_locked, take_lock

GUARD = [sys.executable, "-I", "-S", str(guard.__file__)]
SLEEP = "import time; time.sleep(600)"
DEAF = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); time.sleep(600)"


def eventually(condition: Callable[[], bool], *, within_s: float = 20.0) -> bool:
    """Whether the condition comes true in time."""
    deadline = time.monotonic() + within_s
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def is_dead(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


class Guarded:
    """A guard with a child, started as the engine starts it."""

    def __init__(self, folder: Path, program: str, *, stop_timeout_s: float = 10.0) -> None:
        self.lock_file = folder / "engine.lock"
        self.state_file = folder / "engine.json"
        self.log = folder / "log"
        lock = take_lock(self.lock_file)
        assert lock is not None
        self.process = subprocess.Popen(
            [*GUARD, str(lock)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, pass_fds=(lock,), start_new_session=True
        )
        os.close(lock)
        assert self.process.stdin
        assert self.process.stdout
        self.input, self.output = self.process.stdin, self.process.stdout
        task = {
            "command": [sys.executable, "-c", program],
            "log": str(self.log),
            "state": str(self.state_file),
            "stop_timeout_s": stop_timeout_s,
        }
        self.send(json.dumps(task))
        self.child = self.message()["pid"]

    def send(self, line: str) -> None:
        self.input.write(line.encode() + b"\n")
        self.input.flush()

    def message(self) -> dict[str, Any]:
        return json.loads(self.output.readline())

    def close(self) -> None:
        for pid in (self.process.pid, self.child):
            if not is_dead(pid):
                os.kill(pid, signal.SIGKILL)
        self.input.close()
        self.output.close()
        self.process.wait()


@pytest.fixture
def guarded(tmp_path: Path) -> Iterator[Callable[..., Guarded]]:
    started: list[Guarded] = []

    def start(program: str = SLEEP, **options: float) -> Guarded:
        started.append(Guarded(tmp_path, program, **options))
        return started[-1]

    yield start
    for one in started:
        one.close()


def test_end_of_input_stops_the_child_and_frees_the_lock(guarded: Callable[..., Guarded]) -> None:
    running = guarded()
    assert is_locked(running.lock_file)
    running.input.close()
    assert running.message() == {"exit": -signal.SIGTERM}
    assert running.process.wait(10) == 0
    assert is_dead(running.child)
    assert not is_locked(running.lock_file)


def test_a_child_that_ignores_the_request_is_killed_after_the_timeout(guarded: Callable[..., Guarded]) -> None:
    running = guarded(DEAF, stop_timeout_s=0.3)
    assert eventually(lambda: "deaf" in running.log.read_text())
    running.input.close()
    assert running.message() == {"exit": -signal.SIGKILL}


def test_sigterm_to_the_guard_stops_the_child(guarded: Callable[..., Guarded]) -> None:
    running = guarded()
    running.process.terminate()
    assert running.message() == {"exit": -signal.SIGTERM}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGHUP])
def test_signals_of_a_terminal_are_ignored(guarded: Callable[..., Guarded], number: signal.Signals) -> None:
    running = guarded()
    running.process.send_signal(number)
    with pytest.raises(subprocess.TimeoutExpired):
        running.process.wait(0.3)
    assert not is_dead(running.child)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child of its parent's death")
def test_a_killed_guard_takes_the_child_with_it(guarded: Callable[..., Guarded]) -> None:
    running = guarded()
    os.kill(running.process.pid, signal.SIGKILL)
    assert eventually(lambda: is_dead(running.child))
    assert not is_locked(running.lock_file)


def test_the_exit_code_of_a_child_that_ends_by_itself_is_reported(guarded: Callable[..., Guarded]) -> None:
    running = guarded("import sys; print('why'); sys.exit(7)")
    assert running.message() == {"exit": 7}
    assert running.process.wait(10) == 0
    assert running.log.read_text() == "why\n"


def test_a_detached_child_survives_the_end_of_input(guarded: Callable[..., Guarded]) -> None:
    running = guarded()
    running.send("detach")
    assert running.message() == {"detached": True}
    running.input.close()
    with pytest.raises(subprocess.TimeoutExpired):
        running.process.wait(1.5)
    assert not is_dead(running.child)
    running.process.terminate()
    assert running.process.wait(10) == 0
    assert is_dead(running.child)


def test_the_state_file_says_stopping_and_is_removed_at_the_end(guarded: Callable[..., Guarded]) -> None:
    running = guarded(DEAF, stop_timeout_s=1.5)
    assert eventually(lambda: "deaf" in running.log.read_text())
    running.state_file.write_text(json.dumps({"pid": running.child, "phase": "running"}))
    running.input.close()
    assert eventually(lambda: json.loads(running.state_file.read_text())["phase"] == "stopping", within_s=1.2)
    running.process.wait(10)
    assert not running.state_file.exists()


def test_the_state_file_of_another_engine_is_left_alone(guarded: Callable[..., Guarded]) -> None:
    running = guarded()
    running.state_file.write_text(json.dumps({"pid": running.child + 1, "phase": "running"}))
    running.input.close()
    running.process.wait(10)
    assert json.loads(running.state_file.read_text())["phase"] == "running"


def test_a_program_that_does_not_exist_is_reported(tmp_path: Path) -> None:
    task = {"command": [str(tmp_path / "nothing")], "log": str(tmp_path / "log"), "state": "", "stop_timeout_s": 1}
    with (tmp_path / "lock").open("w") as lock:
        answer = subprocess.run(
            [*GUARD, str(lock.fileno())], input=json.dumps(task) + "\n", capture_output=True, text=True, check=False,
            pass_fds=(lock.fileno(),),
        )  # fmt: skip
    message = json.loads(answer.stdout)
    assert message["exit"] == 127
    assert "No such file" in message["error"]


def test_a_forked_child_that_keeps_the_pipe_open_does_not_keep_the_engine(tmp_path: Path) -> None:
    """As a data loader's worker does: it outlives its killed parent, with the parent's end of the pipe."""
    parent = subprocess.Popen(
        [
            sys.executable,
            "-c",
            f"""
import json, os, subprocess, sys, time
guard = subprocess.Popen({GUARD!r} + ["1"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True)
task = {{"command": [sys.executable, "-c", {SLEEP!r}], "log": {str(tmp_path / "log")!r},
         "state": {str(tmp_path / "s")!r}, "stop_timeout_s": 5}}
guard.stdin.write(json.dumps(task).encode() + b"\\n"); guard.stdin.flush()
child = json.loads(guard.stdout.readline())["pid"]
worker = os.fork()
if worker == 0:
    time.sleep(600)
print(guard.pid, child, worker, flush=True)
time.sleep(600)
""",
        ],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert parent.stdout
    guard_pid, child, worker = (int(pid) for pid in parent.stdout.readline().split())
    try:
        parent.kill()
        parent.wait()
        assert not is_dead(worker)
        assert eventually(lambda: is_dead(child) and is_dead(guard_pid))
    finally:
        parent.stdout.close()
        os.kill(worker, signal.SIGKILL)
