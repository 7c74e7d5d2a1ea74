"""Runs Neo4j's offline tools: import, dump, load. Each is a Java process of its own, on a store that no engine holds.

It runs under the same guard as the engine, so that it ends with Arête in whatever way that ends, and holds the engine's
lock until then.
"""

import contextlib
import json
import os
import select
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from arete_core.files import write_bytes_atomically
from arete_core.progress import Progress
from arete_queries.engine.archive import archive_options
from arete_queries.engine.auth import make_private
from arete_queries.engine.config import EngineSettings, java_options
from arete_queries.engine.failures import console_tail
from arete_queries.engine.jars import resolve_jars
from arete_queries.engine.java import find_java

_MAIN_CLASS = "org.neo4j.cli.AdminTool"
_POLL_S = 0.2
_STOP_TIMEOUT_S = 5.0  # nothing of a tool that is stopped is kept


def run_admin(
    settings: EngineSettings,
    arguments: Sequence[str],
    *,
    lock: int,
    progress: Progress,
    what: str,
    done: Callable[[str], int] | None = None,
) -> int:
    """Runs `neo4j-admin` under a guard.

    Args:
        settings: Names the data folder, whose engine does not run, and the heap.
        arguments: Those of `neo4j-admin`.
        lock: Descriptor of the engine's lock; the program inherits it.
        progress: Told what is done.
        what: Says so.
        done: Reads from the end of its output how far it is, in percent; None where that cannot be told.

    Returns:
        Its exit code; negative where the guard was killed. What it printed is in the engine's console log.

    Raises:
        EngineError: Java or the jars are missing.
    """
    java = find_java()
    jars = resolve_jars(settings.jars, java, progress)
    paths = settings.paths
    make_private(paths.root)
    for folder in (paths.config, paths.console.parent):
        folder.mkdir(exist_ok=True)
    write_bytes_atomically(paths.config / "neo4j.conf", b"dbms.usage_report.enabled=false\n", mode=0o600)
    command = [
        str(java.executable),
        *java_options(settings),
        *archive_options(jars, java),
        "-cp",
        jars.class_path,
        _MAIN_CLASS,
        *arguments,
    ]
    guard = subprocess.Popen(
        [sys.executable, "-I", "-S", Path(__file__).with_name("guard.py"), str(lock)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=paths.root,
        env={**os.environ, "NEO4J_HOME": str(paths.root), "NEO4J_CONF": str(paths.config)},
        pass_fds=(lock,),
        start_new_session=True,
    )
    assert guard.stdin is not None  # noqa: S101 - for the type checker; PIPE was asked for
    assert guard.stdout is not None  # noqa: S101
    task = {
        "command": command,
        "log": str(paths.console),
        "state": str(paths.state),
        "stop_timeout_s": _STOP_TIMEOUT_S,
    }
    answer = b""
    try:
        guard.stdin.write(json.dumps(task).encode() + b"\n")
        guard.stdin.flush()
        with progress.task(what, total=100 if done else None, unit="%" if done else "s") as bar:
            shown = 0
            while True:
                if select.select([guard.stdout], [], [], _POLL_S)[0]:
                    block = os.read(guard.stdout.fileno(), 4096)
                    if not block:  # the guard ends when the importer has
                        break
                    answer += block
                percent = done(console_tail(paths.console)) if done else 0
                if percent > shown:
                    bar.advance(percent - shown)
                    shown = percent
    finally:
        with contextlib.suppress(OSError):  # a guard that has ended cannot be written to
            guard.stdin.close()
        guard.wait()
        guard.stdout.close()
    messages = [json.loads(line) for line in answer.splitlines()]
    return next((message["exit"] for message in messages if "exit" in message), -1)
