"""The clients in `examples/` against the real service: what they print is what the service answers."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from arete_queries import reads

pytestmark = pytest.mark.integration

EXAMPLES = Path(__file__).parents[3] / "examples"


def run(service: Any, *command: str, token: str = "") -> str:
    """Runs an example against the service; returns what it prints."""
    url = str(service.http.base_url).rstrip("/")
    done = subprocess.run(
        [*command, url],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        env=os.environ | {"ARETE_TOKEN": token},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_every_example_is_run_here() -> None:
    named = {path.name for path in EXAMPLES.iterdir()} - {"README.md"}
    assert named == {"questions.sh", "client.py", "client.mjs"}
    assert all(name in (EXAMPLES / "README.md").read_text() for name in named)


def test_questions_with_curl(service: Any) -> None:
    printed = run(service, "sh", str(EXAMPLES / "questions.sh"))
    assert '"id":"demo"' in printed
    assert '"vertices":[{' in printed
    assert printed.endswith("And is it still the same?\n304\n")


def test_client_in_python(service: Any) -> None:
    printed = run(service, sys.executable, "-I", str(EXAMPLES / "client.py"))
    newest = service.data("{ runs { id classCount } }")["runs"][0]
    assert f"{newest['id']}: {newest['classCount']} classes\n" in printed
    query = "query($a: ID!, $b: ID!) { compare(a: $a, b: $b, mass: 0.2) { layers { layer onlyA shared onlyB } } }"
    layers = service.data(query, a=f"{newest['id']}/0", b=f"{newest['id']}/1")["compare"]["layers"]
    assert layers
    for layer in layers:
        assert f"  {layer['layer']}: {layer['onlyA']} / {layer['shared']} / {layer['onlyB']} " in printed
    assert "NOT_FOUND: there is no class 'no-such-run/0'" in printed


def test_client_in_javascript(service: Any) -> None:
    printed = run(service, "node", str(EXAMPLES / "client.mjs"))
    run_id = service.data("{ runs { id } }")["runs"][0]["id"]
    query = "query($id: ID!) { class(id: $id) { graph(mass: 0.2) { vertices { rank channel { id layer } } } } }"
    vertices = service.data(query, id=f"{run_id}/0")["class"]["graph"]["vertices"]
    for layer in {vertex["channel"]["layer"] for vertex in vertices}:
        best = max((one for one in vertices if one["channel"]["layer"] == layer), key=lambda one: one["rank"])
        assert f"  {best['channel']['id']} {best['rank']:.4f}\n" in printed
    assert "no token, so no group is made" in printed
    group = f"{run_id}/made by an example"
    try:
        with_token = run(service, "node", str(EXAMPLES / "client.mjs"), token=service.token)
        assert f"made group {group}\n" in with_token
        assert len(service.read(reads.get_group, group).classes) == 2
    finally:
        service.read(reads.delete_group, group)
