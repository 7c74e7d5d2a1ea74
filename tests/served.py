"""Runs `arete serve` as a person starts it, as a process of its own."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from arete_queries.engine import EngineAddress

TOKEN = "somebodys-secret-token"


@dataclass
class Served:
    """A service that runs: its address without the fragment, the fragment, and what it wrote once it has ended."""

    url: str
    fragment: str
    output: str = ""
    log: str = field(default="")


@contextmanager
def serving(engine: EngineAddress, home: Path, *options: str, **environment: str) -> Iterator[Served]:
    """Runs `arete serve` on a free port, over the test run's database."""
    clean = {key: value for key, value in os.environ.items() if not key.startswith("ARETE_")}
    own = {
        "ARETE_HOME": str(home),
        "ARETE_NEO4J_URL": engine.bolt_url,
        "ARETE_NEO4J_PASSWORD": engine.password,
        "XDG_CONFIG_HOME": str(home),
    }
    with (home / "serve.log").open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "arete", "serve", "--port", "0", "--quiet", *options],
            env=clean | own | environment,
            cwd=home,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        )
        try:
            assert process.stdout is not None
            first = process.stdout.readline()
            found = re.search(r"(http://\S+?)(#\S+)?$", first.strip())
            assert found, (first, (home / "serve.log").read_text())
            served = Served(found[1], found[2] or "")
            yield served
        finally:
            process.send_signal(signal.SIGTERM)
            rest, _ = process.communicate(timeout=30)
    served.output = first + rest
    served.log = (home / "serve.log").read_text()
    assert process.returncode == 0, served.log
