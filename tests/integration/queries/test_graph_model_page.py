"""The page about the graph: its example queries run, and it leaves out no property."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from loaded_runs import Loaded

pytestmark = pytest.mark.integration

PAGE = (Path(__file__).parents[3] / "docs" / "graph-model.md").read_text()
EXAMPLES = re.findall(r"```cypher\n(.*?)```", PAGE, re.DOTALL)
Execute = Callable[..., list[dict[str, Any]]]


@pytest.mark.parametrize("example", EXAMPLES)
def test_an_example_runs_and_finds_something(loaded: Loaded, execute: Execute, example: str) -> None:
    # The page speaks of the demo; here is another run.
    assert "demo" in example
    assert execute(example.replace("'demo'", "'tiny'").replace("'demo/", "'tiny/"))


def test_there_are_five() -> None:
    assert len(EXAMPLES) == 5


def test_every_label_type_and_property_is_on_the_page(loaded: Loaded, execute: Execute) -> None:
    found = execute(
        "MATCH (n) UNWIND labels(n) AS owner UNWIND keys(n) AS key RETURN DISTINCT owner, key "
        "UNION MATCH ()-[r]->() UNWIND keys(r) AS key RETURN DISTINCT type(r) AS owner, key"
    )
    assert len(found) > 40
    assert [row for row in found if f"`{row['owner']}`" not in PAGE or f"`{row['key']}`" not in PAGE] == []
