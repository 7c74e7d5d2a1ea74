"""Each of the viewer's operations is answered without an error and with few statements."""

import re
from typing import Any

import pytest
from viewer_operations import OPERATIONS, TEXTS, whole

from arete_queries import reads

pytestmark = pytest.mark.integration

MOST = 3
"""Statements an operation may send. The service's own look at whether its kept answers still hold is not counted."""
OWN = {"data_state"}
WRITES = {"create-group", "update-group", "delete-group", "label-channel", "exclude-channels", "include-channels"}
VALUES: dict[str, Any] = {
    "a": "demo/0",
    "after": None,
    "atLeast": 1,
    "atLeastB": None,
    "b": "demo/1",
    "channel": "demo/block2/1",
    "class": "demo/0",
    "classes": ["demo/0", "demo/1", "demo/2"],
    "closed": True,
    "first": 20,
    "kinds": None,
    "layer": "demo/block2",
    "mass": 0.4,
    "minShare": 0.0,
    "operation": "UNION",
    "order": "CENTRAL",
    "pattern": "PATH_2",
    "rows": ["demo/0", "demo/1"],
    "run": "demo",
    "support": 0.5,
    "text": "block",
}
"""A value for each variable that an operation may have; `id` and `ids` are what the operation is about."""
SIDES = {"a": ["demo/0", "demo/1"], "b": ["demo/2"], "atLeast": 2, "atLeastB": 1}
"""Of two groups, whose variables are named like those of two classes; of the first what both of its classes have."""
ABOUT = {"channel-page": "demo/block2/1", "group": "demo/mine"}


def test_every_operation_is_tried() -> None:
    assert len(OPERATIONS) >= 5
    assert OPERATIONS.keys() | {name for name in TEXTS if re.search(r"^fragment", TEXTS[name], re.M)} == TEXTS.keys()


@pytest.mark.parametrize("name", sorted(OPERATIONS.keys() - WRITES))
def test_an_operation_sends_few_statements(service: Any, name: str) -> None:
    text = whole(OPERATIONS[name])
    # A question of its own, which no kept answer fits.
    service.statements.clear()
    values = VALUES | SIDES if name == "overlap" else VALUES
    variables = {
        variable: values.get(variable, ABOUT.get(name, "demo/0")) for variable in re.findall(r"\$(\w+):", text)
    }
    answer = service.ask(f"# {name}\n{text}", **variables)
    assert "errors" not in answer, answer["errors"]
    sent = [statement for statement in service.statements if statement not in OWN]
    assert 0 <= len(sent) <= MOST, sent


def test_an_overlap_is_asked_for_what_several_classes_have(service: Any) -> None:
    text = f"# several\n{whole(OPERATIONS['overlap'])}"
    asked = {name: value for name, value in (VALUES | SIDES).items() if f"${name}:" in text}
    several, any_of_them = (service.data(text, **asked | {"atLeast": least})["overlap"] for least in (2, 1))
    assert (several["atLeast"], any_of_them["atLeast"]) == (2, 1)
    assert {one["classesA"] for one in several["vertices"] if one["membership"] != "ONLY_B"} == {2}
    assert {one["classesA"] for one in any_of_them["vertices"] if one["membership"] != "ONLY_B"} == {1, 2}


@pytest.mark.parametrize(("mass", "statement"), [(None, "class_graph"), (0.4, "class_graph_at_mass")])
def test_a_class_and_its_graph_are_one_statement(service: Any, mass: float | None, statement: str) -> None:
    service.statements.clear()
    found = service.ask(f"# once\n{whole(OPERATIONS['class-graph'])}", id="demo/1", mass=mass)["data"]["class"]
    assert [name for name in service.statements if name not in OWN] == [statement]
    wanted = service.read(reads.get_class, "demo/1")
    assert (found["id"], found["name"], found["images"]) == (wanted.id, wanted.name, wanted.images)
    # A graph that cannot be is the graph's error, not the class's; one that is not there is the class's.
    wrong = service.ask('query { class(id: "demo/1") { name graph(mass: 7) { mass } } }')
    assert wrong["data"]["class"] == {"name": wanted.name, "graph": None}
    assert [error["path"] for error in wrong["errors"]] == [["class", "graph"]]
    missing = service.ask('query { class(id: "demo/77") { name graph { mass } } }')
    assert missing["data"] == {"class": None}
    assert [error["path"] for error in missing["errors"]] == [["class"]]


def test_the_layers_of_all_runs_are_one_statement(service: Any) -> None:
    service.statements.clear()
    runs = service.data("{ runs { id layers { id name } } } # all")["runs"]
    assert {run["id"] for run in runs} >= {"demo", "demo-2"}
    for run in runs:
        layers = service.read(reads.list_layers, run["id"])
        assert run["layers"] == [{"id": layer.id, "name": layer.name} for layer in layers]
    assert [name for name in service.statements if name not in OWN] == ["runs", "layers_of_runs"]
