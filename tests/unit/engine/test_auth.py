"""The generated password: its hash as Neo4j reads it, and who can read the file."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from arete_core.errors import EngineError
from arete_queries.engine.auth import credential_line, ensure_password, read_password
from arete_queries.engine.config import EnginePaths

# Written by Neo4j 5.26.31: `AdminTool dbms set-initial-password hellohello`
SALT = "d20b117d20e7b708518830058e13cb81dd573c2c69ac7026bda9a823e426506e"
HASH = "623b161b17a3860e819f76a7cfb03835aa7dd74a359b36205ca43d081a493c23"


@pytest.fixture
def paths(tmp_path: Path) -> Iterator[EnginePaths]:
    """An engine's folder, in a process whose new files anyone may read."""
    before = os.umask(0)
    (tmp_path / "neo4j").mkdir()
    yield EnginePaths(tmp_path / "neo4j")
    os.umask(before)


def test_the_hash_is_the_one_that_neo4j_makes() -> None:
    line = credential_line("neo4j", "hellohello", bytes.fromhex(SALT))
    assert line == f"neo4j:SHA-256,{HASH},{SALT},1024:\n"


def test_only_the_owner_can_read_password_and_hash(paths: EnginePaths) -> None:
    ensure_password(paths)
    assert paths.password.stat().st_mode & 0o777 == 0o600
    assert paths.auth.stat().st_mode & 0o777 == 0o600
    assert [file.name for file in paths.root.iterdir()] != [], "no temporary file is left"
    assert sorted(file.name for file in paths.root.iterdir()) == ["data", "password"]


def test_the_password_file_is_private_from_its_first_byte(paths: EnginePaths, monkeypatch: pytest.MonkeyPatch) -> None:
    modes: list[int] = []
    real = os.fdopen

    def look(descriptor: int, *arguments: object, **options: object) -> object:
        modes.append(os.fstat(descriptor).st_mode & 0o777)
        return real(descriptor, *arguments, **options)  # pyright: ignore[reportCallIssue, reportArgumentType]

    monkeypatch.setattr(os, "fdopen", look)
    ensure_password(paths)
    assert modes == [0o600, 0o600]  # the password, then its hash


def test_the_password_stays_the_same(paths: EnginePaths) -> None:
    first = ensure_password(paths)
    hash_line = paths.auth.read_text()
    assert len(first) >= 24
    assert ensure_password(paths) == first == read_password(paths)
    assert paths.auth.read_text() == hash_line


def test_two_homes_have_different_passwords(paths: EnginePaths, tmp_path: Path) -> None:
    other = EnginePaths(tmp_path / "other")
    other.root.mkdir()
    assert ensure_password(paths) != ensure_password(other)


def test_a_start_that_was_killed_before_the_hash_was_written_goes_on(paths: EnginePaths) -> None:
    first = ensure_password(paths)
    paths.auth.unlink()
    assert ensure_password(paths) == first
    _, _, credential = paths.auth.read_text().strip().partition(":")
    salt = bytes.fromhex(credential.split(",")[2])
    assert paths.auth.read_text() == credential_line("neo4j", first, salt)


def test_a_store_whose_password_is_lost_is_left_alone(paths: EnginePaths) -> None:
    paths.databases.mkdir(parents=True)
    with pytest.raises(EngineError, match="password") as caught:
        ensure_password(paths)
    assert "put the file back" in caught.value.hint
    assert not paths.password.exists()


def test_an_empty_password_file_is_refused(paths: EnginePaths) -> None:
    paths.password.touch()
    with pytest.raises(EngineError, match="is empty"):
        ensure_password(paths)
