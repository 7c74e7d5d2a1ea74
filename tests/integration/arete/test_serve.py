"""`arete serve` as a person starts it: what it prints, what it lets through, what it keeps to itself."""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

from arete_queries.engine import EngineAddress

pytestmark = pytest.mark.integration

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


def test_a_new_token_is_made_and_printed_in_the_address(engine: EngineAddress, tmp_path: Path) -> None:
    with serving(engine, tmp_path) as served:
        assert httpx.get(served.url + "readyz").status_code == 200
    assert re.fullmatch(r"#token=[\w-]{32}", served.fragment)
    assert served.fragment.removeprefix("#token=") not in served.log


def test_a_token_that_somebody_chose_stands_in_no_log(engine: EngineAddress, tmp_path: Path) -> None:
    with serving(engine, tmp_path, "--log-format", "json", ARETE_TOKEN=TOKEN) as served:
        question = {"query": "mutation { nothing }"}
        httpx.post(served.url + "graphql", json=question, headers={"Authorization": f"Bearer {TOKEN}"})
        httpx.post(served.url + "graphql", json=question, headers={"Authorization": "Bearer a-guess-of-somebody"})
    assert served.fragment == ""
    lines = [json.loads(line) for line in served.log.splitlines()]
    assert [line["path"] for line in lines if "path" in line] == ["/graphql", "/graphql"]
    for text in (served.output, served.log):
        assert TOKEN not in text
        assert engine.password not in text
        assert "a-guess-of-somebody" not in text


def test_read_only_has_no_token_and_no_mutations(engine: EngineAddress, tmp_path: Path) -> None:
    with serving(engine, tmp_path, "--read-only") as served:
        answer = httpx.post(served.url + "graphql", json={"query": "mutation { nothing }"})
    assert served.fragment == ""
    assert answer.status_code == 403
    assert json.loads(answer.text)["errors"][0]["extensions"]["code"] == "READ_ONLY"
