"""Says what the engine and Arête need and this machine has, with the command that mends what is missing.

Nothing is started, fetched or changed, and nothing heavy imported, so that it takes well under a second.
"""

import importlib.util
import shutil
import subprocess
import sys
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from arete_core.errors import AreteError
from arete_queries.engine.auth import read_password
from arete_queries.engine.config import EngineSettings
from arete_queries.engine.host import available_memory_mb, free_disk_mb, listen_once, lock_holder
from arete_queries.engine.jars import installed_jars, jars_version, maven_executable, pom_file
from arete_queries.engine.java import SUPPORTED_MAJORS, find_java
from arete_queries.engine.process import engine_status
from arete_queries.engine.state import EnginePhase

_LEAST_PYTHON = (3, 11)
_LEAST_DISK_MB = 1024  # jars 160 MB, class archive 165 MB, a small store, logs; twice that
_LEAST_NODE_MAJOR = 20


class CheckStatus(StrEnum):
    """How grave a finding is."""

    OK = "ok"
    WARN = "warn"  # something works less well, or only a part of Arête needs it
    FAIL = "fail"  # the engine will not start


@dataclass(frozen=True, slots=True)
class Check:
    """One finding.

    Attributes:
        name: What was looked at.
        status: `ok`, `warn` or `fail`.
        found: What this machine has.
        expected: What is needed.
        mend: The command or step that mends it; empty when nothing is to be mended.
    """

    name: str
    status: CheckStatus
    found: str
    expected: str
    mend: str = ""


def doctor(settings: EngineSettings) -> list[Check]:
    """Returns all findings, those about the engine first.

    Args:
        settings: The engine as it would be started; ports and memory are judged by it.
    """
    return [
        _python(),
        _java(),
        _maven_and_jars(settings),
        _gds(settings),
        _disk(settings),
        _memory(settings),
        *_ports(settings),
        _store(settings),
        _engine(settings),
        _torch(),
        _node(),
    ]


def _check(name: str, ok: bool, found: str, expected: str, mend: str, *, otherwise: CheckStatus) -> Check:
    return Check(name, CheckStatus.OK if ok else otherwise, found, expected, "" if ok else mend)


def _python() -> Check:
    found = ".".join(str(part) for part in sys.version_info[:3])
    expected = ".".join(str(part) for part in _LEAST_PYTHON) + " or newer"
    return _check(
        "Python",
        sys.version_info >= _LEAST_PYTHON,
        found,
        expected,
        "install a newer Python and make the environment again",
        otherwise=CheckStatus.FAIL,
    )


def _java() -> Check:
    expected = " or ".join(str(major) for major in SUPPORTED_MAJORS)
    try:
        java = find_java()
    except AreteError as error:
        return Check("Java", CheckStatus.FAIL, error.message, expected, error.hint)
    return Check("Java", CheckStatus.OK, f"{java.version} ({java.source}: {java.executable})", expected)


def _maven_and_jars(settings: EngineSettings) -> Check:
    """Maven matters only while the jars are not there."""
    name, expected = "Engine jars", f"{settings.jars / jars_version(pom_file())}, complete"
    if installed_jars(settings.jars):
        return Check(name, CheckStatus.OK, "complete", expected)
    maven = maven_executable()
    if maven:
        return Check(name, CheckStatus.WARN, f"not fetched yet; Maven: {maven}", expected, "arete db start")
    return Check(name, CheckStatus.FAIL, "not fetched, and no Maven (mvn)", expected, "apt install maven")


def _gds(settings: EngineSettings) -> Check:
    jars = installed_jars(settings.jars)
    files = sorted(jars.plugins.glob("proc-[0-9]*.jar")) if jars else []
    version = files[0].stem.removeprefix("proc-") if files else ""
    return _check(
        "Graph Data Science",
        bool(version),
        version or "not fetched yet",
        "2.13, among the engine's jars",
        "arete db start",
        otherwise=CheckStatus.WARN,
    )


def _disk(settings: EngineSettings) -> Check:
    free = free_disk_mb(settings.home)
    return _check(
        "Disk space",
        free >= _LEAST_DISK_MB,
        f"{free:,} MiB free for {settings.home}",
        f"{_LEAST_DISK_MB:,} MiB; more for large runs",
        f"df -h {settings.home}",
        otherwise=CheckStatus.FAIL if free < _LEAST_DISK_MB // 4 else CheckStatus.WARN,
    )


def _memory(settings: EngineSettings) -> Check:
    memory = settings.memory
    expected = f"heap {memory.heap_mb:,} + page cache {memory.page_cache_mb:,} MiB"
    try:
        memory.check()
    except AreteError as error:
        return Check("Memory", CheckStatus.FAIL, f"{memory.installed_mb:,} MiB", expected, error.hint)
    available = available_memory_mb()
    if available is None:
        return Check("Memory", CheckStatus.OK, f"{memory.installed_mb:,} MiB", expected)
    return _check(
        "Memory",
        available >= memory.heap_mb,
        f"{available:,} of {memory.installed_mb:,} MiB available",
        expected,
        "close other programs, or ask for a smaller heap and page cache",
        otherwise=CheckStatus.WARN,
    )


def _ports(settings: EngineSettings) -> list[Check]:
    if engine_is_ours(settings):
        return []
    checks = []
    for name, port in (("Bolt port", settings.bolt_port), ("HTTP port", settings.http_port)):
        if not port:
            continue
        try:
            listen_once(port).close()
        except OSError as error:
            mend = f"ss -ltnp | grep {port}"
            checks.append(Check(name, CheckStatus.FAIL, f"{port}: {error.strerror}", f"{port} free", mend))
        else:
            checks.append(Check(name, CheckStatus.OK, f"{port} is free", f"{port} free"))
    return checks


def engine_is_ours(settings: EngineSettings) -> bool:
    """Says whether Arête runs, starts or stops an engine on this data folder."""
    try:
        return engine_status(settings).phase is not EnginePhase.STOPPED
    except AreteError:
        return True


def _store(settings: EngineSettings) -> Check:
    name, paths = "Store", settings.paths
    expected = f"usable, in {paths.root}"
    if not paths.databases.exists():
        return Check(name, CheckStatus.OK, "none yet; made at the first start", expected)
    try:
        read_password(paths)
    except AreteError as error:
        return Check(name, CheckStatus.FAIL, error.message, expected, error.hint)
    mode = paths.password.stat().st_mode & 0o777
    if mode & 0o077:
        return Check(
            name,
            CheckStatus.WARN,
            f"other users can read the password file (mode {mode:o})",
            expected,
            f"chmod 600 {paths.password}",
        )
    holder = lock_holder(paths.store_lock)
    if holder and not engine_is_ours(settings):
        return Check(name, CheckStatus.FAIL, f"locked by process {holder}", expected, f"ps -p {holder}")
    return Check(name, CheckStatus.OK, "present", expected)


def _engine(settings: EngineSettings) -> Check:
    name, expected = "Engine", "running or stopped"
    try:
        status = engine_status(settings)
    except AreteError as error:
        return Check(name, CheckStatus.FAIL, error.message, expected, error.hint)
    found = str(status.phase)
    if status.address:
        ends = "stopped by `arete db stop`" if status.detached else f"ends with process {status.owner_pid}"
        found = f"running at {status.address.bolt_url}, process {status.address.pid}, {ends}"
    return Check(name, CheckStatus.OK, found, expected)


def _torch() -> Check:
    there = importlib.util.find_spec("torch") is not None and importlib.util.find_spec("torchvision") is not None
    return _check(
        "PyTorch",
        there,
        "installed" if there else "not installed",
        "torch and torchvision, for `arete ingest` and `arete demo` only",
        "pip install 'arete[ingest]'",
        otherwise=CheckStatus.WARN,
    )


def _node() -> Check:
    expected = f"{_LEAST_NODE_MAJOR} or newer, only to build the viewer from source"
    mend = "install Node.js from nodejs.org"
    node = shutil.which("node")
    if not node:
        return Check("Node.js", CheckStatus.WARN, "not installed", expected, mend)
    try:
        answer = subprocess.run([Path(node), "--version"], capture_output=True, text=True, check=False, timeout=10)
        version = answer.stdout.strip()
        major = int(version.removeprefix("v").partition(".")[0])
    except (OSError, ValueError, subprocess.TimeoutExpired):
        return Check("Node.js", CheckStatus.WARN, f"{node} does not tell its version", expected, mend)
    return _check("Node.js", major >= _LEAST_NODE_MAJOR, version, expected, mend, otherwise=CheckStatus.WARN)
