"""`arete serve` as a person starts it: what it prints, what it lets through, what it keeps to itself."""

import json
import re
from pathlib import Path

import httpx
import pytest
from served import TOKEN, serving

from arete_queries.engine import EngineAddress

pytestmark = pytest.mark.integration


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
