"""What the viewer asks: each of its operations is answered, and costs the database three statements at most."""

import json
from pathlib import Path
from typing import Any

import pytest
from graphql import (
    FragmentDefinitionNode,
    FragmentSpreadNode,
    OperationDefinitionNode,
    Visitor,
    parse,
    print_ast,
    visit,
)
from graphql.language import OperationType

pytestmark = pytest.mark.integration

FOLDER = Path(__file__).parents[3] / "web" / "src" / "lib" / "api" / "operations"
MOST = 3

VALUES: dict[str, Any] = {
    "run": "demo",
    "class": "demo/0",
    "channel": "demo/block1/0",
    "layer": "demo/block1",
    "group": "demo/0",
    "a": "demo/0",
    "b": "demo/1",
    "classes": ["demo/0", "demo/1", "demo/2"],
    "rows": ["demo/0", "demo/1"],
    "operation": "UNION",
    "minShare": 0.0,
    "first": 5,
    "text": "bear",
}
"""What a variable that has to be given is given, by its name."""
IDS = {"GraphCypher": "demo/0", "ClassGraph": "demo/0", "ChannelPage": "demo/block1/0"}
"""What `$id` is, by operation; else a run."""


class _Spreads(Visitor):
    def __init__(self) -> None:
        super().__init__()
        self.names: list[str] = []

    def enter_fragment_spread(self, node: FragmentSpreadNode, *_: object) -> None:
        self.names.append(node.name.value)


def documents() -> dict[str, tuple[OperationDefinitionNode, str]]:
    """Reads the viewer's operations, each with the fragments that it needs."""
    nodes = [node for file in sorted(FOLDER.glob("*.graphql")) for node in parse(file.read_text()).definitions]
    fragments = {node.name.value: node for node in nodes if isinstance(node, FragmentDefinitionNode)}
    found = {}
    for node in nodes:
        if isinstance(node, OperationDefinitionNode) and node.operation is OperationType.QUERY and node.name:
            needed: dict[str, Any] = {}
            waiting: list[Any] = [node]
            while waiting:
                spreads = _Spreads()
                visit(waiting.pop(), spreads)
                for name in spreads.names:
                    if name not in needed:
                        needed[name] = fragments[name]
                        waiting.append(fragments[name])
            found[node.name.value] = node, "\n".join(map(print_ast, (node, *needed.values())))
    return found


@pytest.mark.parametrize("name", documents())
def test_an_operation_of_the_viewer(service: Any, name: str) -> None:
    operation, text = documents()[name]
    variables = {}
    for defined in operation.variable_definitions or ():
        variable = defined.variable.name.value
        if defined.type.kind == "non_null_type" and defined.default_value is None:
            variables[variable] = IDS.get(name, "demo") if variable == "id" else VALUES[variable]
    service.statements.clear()
    answer = service.ask(text, **variables)
    assert "errors" not in answer, json.dumps(answer["errors"])[:500]
    assert any(value is not None for value in answer["data"].values())
    assert len(service.statements) <= MOST, service.statements
