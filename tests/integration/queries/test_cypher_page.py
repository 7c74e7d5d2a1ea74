"""The page of questions: each one runs and finds something; and the Browser style names only what there is."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from loaded_runs import Loaded

pytestmark = pytest.mark.integration

DOCS = Path(__file__).parents[3] / "docs"
EXAMPLES = re.findall(r"```cypher\n(.*?)```", (DOCS / "cypher.md").read_text("utf-8"), re.DOTALL)
QUESTIONS = re.findall(r"^\*\*(\d+)\. ", (DOCS / "cypher.md").read_text("utf-8"), re.MULTILINE)
STYLE = (DOCS / "arete.grass").read_text("utf-8")
Execute = Callable[..., list[dict[str, Any]]]


def on_tiny(example: str) -> str:
    # The page speaks of the demo; here is another run, with a group of its own.
    assert "demo" in example
    return example.replace("'demo/mine'", "'tiny/bears'").replace("'demo'", "'tiny'").replace("'demo/", "'tiny/")


def test_there_are_twenty_and_the_labels() -> None:
    assert len(QUESTIONS) == 20
    assert [int(number) for number in QUESTIONS] == list(range(1, 21))
    assert len(EXAMPLES) == 21


@pytest.mark.parametrize("example", EXAMPLES[:20])
def test_a_question_runs_and_finds_something(loaded: Loaded, execute: Execute, example: str) -> None:
    assert execute(on_tiny(example))


@pytest.fixture
def labelled(loaded: Loaded, execute: Execute) -> Iterator[int]:
    (row,) = execute(on_tiny(EXAMPLES[20]))
    yield row["channels"]
    execute("MATCH (n:Channel) REMOVE n:Layer0:Layer1:Layer2:Layer3:Layer4")


def test_a_label_for_each_layer(loaded: Loaded, execute: Execute, labelled: int) -> None:
    assert labelled == len(loaded.channel_ids("tiny"))
    rows = execute("MATCH (n:Channel:Layer3) RETURN collect(DISTINCT n.layerIndex) AS layers, count(n) AS n")
    assert rows == [{"layers": [3], "n": 16}]


def test_the_style_names_what_there_is(loaded: Loaded, execute: Execute, labelled: int) -> None:
    rules = dict(re.findall(r"^(\S+) \{\n(.*?)^\}\n", STYLE, re.MULTILINE | re.DOTALL))
    assert re.sub(r"^(\S+) \{\n(.*?)^\}\n", "", STYLE, flags=re.MULTILINE | re.DOTALL).strip() == ""
    found = execute(
        "MATCH (n) UNWIND labels(n) AS owner RETURN 'node.' + owner AS rule, collect(DISTINCT keys(n)) AS keys "
        "UNION MATCH ()-[r]->() RETURN 'relationship.' + type(r) AS rule, collect(DISTINCT keys(r)) AS keys"
    )
    keys = {row["rule"]: {key for some in row["keys"] for key in some} for row in found}
    for rule, body in rules.items():
        for line in body.splitlines():
            assert re.fullmatch(r'  [a-z-]+: (#[0-9a-f]{6}|\d+px|"[^"]*");', line), line
        if "." not in rule or re.fullmatch(r"node\.Layer\d+", rule):
            continue
        assert rule in keys
        assert set(re.findall(r"\{(\w+)\}", body)) <= keys[rule]
    plain = {f"relationship.{kind}" for kind in ("HAS_LAYER", "HAS_CHANNEL", "HAS_CLASS", "PLACED_IN")}
    assert keys.keys() - rules.keys() <= plain
    layers = [body for rule, body in rules.items() if re.fullmatch(r"node\.Layer\d+", rule)]
    assert len(set(layers)) == len(layers) == 16
