"""The state file and the lock: a dead engine is never mistaken for a living one."""

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from arete_queries.engine import EnginePhase, EngineSettings, engine_status, stop_engine
from arete_queries.engine.host import lock_holder, process_birth
from arete_queries.engine.state import EngineState, is_locked, read_state, take_lock, write_state


@pytest.fixture
def own_state() -> EngineState:
    """The state of an engine whose process is this one."""
    pid = os.getpid()
    birth = process_birth(pid)
    assert birth
    return EngineState(EnginePhase.RUNNING, pid, birth, pid, birth, pid, birth, True, False, 7001, 7002)


def test_what_is_written_is_read(tmp_path: Path, own_state: EngineState) -> None:
    path = tmp_path / "engine.json"
    write_state(path, own_state)
    assert read_state(path) == own_state
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_reused_process_id_is_not_the_engine(tmp_path: Path, own_state: EngineState) -> None:
    path = tmp_path / "engine.json"
    write_state(path, replace(own_state, pid_birth="another boot/12345"))
    assert read_state(path) is None


def test_a_dead_or_zombie_process_has_no_birth() -> None:
    child = subprocess.Popen([sys.executable, "-c", "pass"], stdout=subprocess.PIPE)
    assert child.stdout
    child.stdout.read()  # end of output: it is ending, and nobody has waited for it
    child.stdout.close()
    while process_birth(child.pid) is not None:
        pass
    assert child.returncode is None
    child.wait()
    assert process_birth(child.pid) is None
    assert process_birth(os.getpid()) == process_birth(os.getpid()) is not None


@pytest.mark.parametrize("text", ["", "{", "[]", '{"pid": 1}', '{"phase": "flying"}', "\x00\xff"])
def test_a_damaged_state_file_is_no_engine(tmp_path: Path, text: str) -> None:
    settings = EngineSettings(home=tmp_path)
    settings.paths.root.mkdir()
    settings.paths.state.write_text(text)
    assert read_state(settings.paths.state) is None
    assert engine_status(settings).phase is EnginePhase.STOPPED
    assert stop_engine(settings) is False


def test_status_follows_lock_and_state(tmp_path: Path, own_state: EngineState) -> None:
    settings = EngineSettings(home=tmp_path)
    assert engine_status(settings).phase is EnginePhase.STOPPED
    assert not settings.paths.root.exists(), "asking makes no folder"
    lock = take_lock(settings.paths.lock)
    assert lock is not None
    assert engine_status(settings).phase is EnginePhase.STARTING
    settings.paths.password.write_text("word")
    write_state(settings.paths.state, own_state)
    status = engine_status(settings)
    assert status.running
    assert status.address
    assert (status.address.bolt_url, status.address.password) == ("bolt://127.0.0.1:7001", "word")
    os.close(lock)


@pytest.mark.parametrize(
    "change",
    [
        {"phase": EnginePhase.STOPPING},
        {"detached": False, "owner_birth": "its owner has died"},
        {"guard_birth": "its guard has died"},
    ],
)
def test_an_engine_that_is_about_to_end_is_not_one_to_connect_to(
    tmp_path: Path, own_state: EngineState, change: dict[str, str]
) -> None:
    settings = EngineSettings(home=tmp_path)
    settings.paths.root.mkdir()
    write_state(settings.paths.state, replace(own_state, **change))
    status = engine_status(settings)
    assert (status.phase, status.address) == (EnginePhase.STOPPING, None)


def test_one_lock_for_all_and_it_ends_with_its_last_holder(tmp_path: Path) -> None:
    path = tmp_path / "engine.lock"
    lock = take_lock(path)
    assert lock is not None
    assert take_lock(path) is None
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, pass_fds=(lock,))
    os.close(lock)
    assert is_locked(path), "the child inherited it"
    child.communicate(b"\n")
    assert not is_locked(path)


def test_the_holder_of_a_posix_lock_is_named(tmp_path: Path) -> None:
    path = tmp_path / "store_lock"
    assert lock_holder(path) is None
    path.touch()
    assert lock_holder(path) is None
    program = f"""
import fcntl
file = open({str(path)!r}, "r+")
fcntl.lockf(file, fcntl.LOCK_EX)
print("held", flush=True)
input()
"""
    child = subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert child.stdout
    assert child.stdout.readline() == b"held\n"
    assert lock_holder(path) == child.pid
    child.communicate(b"\n")
    assert lock_holder(path) is None
