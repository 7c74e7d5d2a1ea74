"""Why Java ended, told from what it printed."""

from pathlib import Path

import pytest

from arete_core.errors import EngineError, EngineMemoryError, PortInUseError, StoreLockedError
from arete_queries.engine.config import EnginePaths
from arete_queries.engine.failures import startup_error

CASES = {
    "java.lang.OutOfMemoryError: Java heap space": EngineMemoryError,
    "Terminating due to java.lang.OutOfMemoryError: Java heap space": EngineMemoryError,
    "Error occurred during initialization of VM\nCould not reserve enough space for 99999744KB object heap": (
        EngineMemoryError
    ),
    "OpenJDK 64-Bit Server VM warning: INFO: os::commit_memory failed\n"
    "# There is insufficient memory for the Java Runtime Environment to continue.": EngineMemoryError,
    "ERROR Failed to start Neo4j on 127.0.0.1:7474.\nCaused by: java.net.BindException: Address already in use": (
        PortInUseError
    ),
    "Caused by: org.neo4j.io.locker.FileLockException: Lock file has been locked by another process": StoreLockedError,
    "java.lang.IllegalArgumentException: Unrecognized setting. No declared setting with name: a.b": EngineError,
}


@pytest.fixture
def paths(tmp_path: Path) -> EnginePaths:
    paths = EnginePaths(tmp_path)
    paths.console.parent.mkdir()
    return paths


@pytest.mark.parametrize(("text", "kind"), CASES.items())
def test_the_printed_reason_decides(paths: EnginePaths, text: str, kind: type[EngineError]) -> None:
    paths.console.write_text(f"2026-01-01 INFO  Starting...\n{text}\n\tat org.neo4j.Some.method(Some.java:1)\n")
    error = startup_error(paths, 1, ports=(7687, 7474))
    assert type(error) is kind
    assert error.hint


def test_the_port_that_is_named_in_the_log_is_named(paths: EnginePaths) -> None:
    paths.console.write_text("Failed to bind to 127.0.0.1:7474: Address already in use")
    assert "port 7474 on" in startup_error(paths, 1, ports=(7687, 7474)).message
    paths.console.write_text("java.net.BindException: Address already in use")
    assert "port 7687 or 7474 on" in startup_error(paths, 1, ports=(7687, 7474)).message


def test_a_kill_without_words_is_most_likely_the_kernels(paths: EnginePaths) -> None:
    assert isinstance(startup_error(paths, -9, ports=(1, 2)), EngineMemoryError)


def test_other_ends_show_the_last_telling_lines(paths: EnginePaths) -> None:
    paths.console.write_text("a INFO  x\njava.lang.Error: odd\n\tat a.b(C.java:1)\nCaused by: something\n")
    message = startup_error(paths, 3, ports=(1, 2)).message
    assert message == ("the engine ended with exit code 3; its last lines:\njava.lang.Error: odd\nCaused by: something")


def test_nothing_printed_is_said_too(paths: EnginePaths) -> None:
    assert "(nothing was printed)" in startup_error(paths, 5, ports=(1, 2)).message
