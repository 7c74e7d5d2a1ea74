"""Ids that name nothing and arguments that cannot be: a typed error with a hint, in the API and in the URL."""

import asyncio
from typing import Any

import httpx
import pytest

pytestmark = pytest.mark.integration


@pytest.mark.parametrize(
    ("query", "kind", "hint"),
    [
        ('{ run(id: "dmo") { id } }', "run", "demo"),
        ('{ run(id: "") { id } }', "run", ""),
        ('{ run(id: "demo/0") { id } }', "run", ""),
        ('{ class(id: "demo/99") { id } }', "class", "demo/0"),
        ('{ class(id: "demo/brown bear") { id } }', "class", "demo/1"),
        ('{ class(id: "demo") { id } }', "class", "demo/"),
        ('{ class(id: "dmo/0") { id } }', "class", "demo"),
        ('{ class(id: "demo/0\\u0000") { id } }', "class", ""),
        ("{ class(id: 7) { id } }", "class", ""),
        ('{ channel(id: "demo/block1/99") { id } }', "channel", "0 to 7"),
        ('{ channel(id: "demo/block1/-1") { id } }', "channel", ""),
        ('{ channel(id: "demo/blok1/0") { id } }', "channel", "block1"),
        ('{ channel(id: "demo/block1/0\' OR 1=1 //") { id } }', "channel", ""),
        ('{ channelInClass(channel: "demo/block1/99", class: "demo/0") { rank } }', "channel", "0 to 7"),
        ('{ channelInClass(channel: "demo/block1/0", class: "demo/99") { rank } }', "class", "demo/0"),
        ('{ compare(a: "demo/0", b: "demo/99") { massA } }', "class", "demo/0"),
        ('{ compare(a: "demo/99", b: "demo/0") { massA } }', "class", "demo/0"),
    ],
)
def test_an_unknown_id_is_told_with_a_hint(service: Any, query: str, kind: str, hint: str) -> None:
    error = service.error(query)
    assert error["extensions"]["code"] == "NOT_FOUND"
    assert error["message"].startswith(f"there is no {kind} ")
    assert hint in error["extensions"]["hint"]
    assert error["extensions"]["hint"]


@pytest.mark.parametrize(
    "query",
    [
        '{ channelInClass(channel: "demo/block1/0", class: "demo/0", first: 0) { rank } }',
        '{ channelInClass(channel: "demo/block1/0", class: "demo/0", first: 501) { rank } }',
        '{ channelInClass(channel: "demo/block1/0", class: "demo-2/0") { rank } }',
        '{ compare(a: "demo/0", b: "demo-2/0") { massA } }',
        '{ compare(a: "demo/0", b: "demo/1", mass: 0) { massA } }',
        '{ compare(a: "demo/0", b: "demo/1", mass: 1.01) { massA } }',
        '{ compare(a: "demo/0", b: "demo/1", mass: -0.1) { massA } }',
        '{ compare(a: "demo/0", b: "demo/1", minShare: 1.01) { massA } }',
        '{ compare(a: "demo/0", b: "demo/1", minShare: -0.01) { massA } }',
        '{ class(id: "' + "x" * 1001 + '") { id } }',
    ],
)
def test_an_argument_that_cannot_be_is_told(service: Any, query: str) -> None:
    error = service.error(query)
    assert error["extensions"]["code"] == "BAD_INPUT"


@pytest.mark.parametrize("arguments", ["first: 0", "first: 501", "first: -1", 'after: "x"', 'after: "e30="'])
def test_a_page_that_cannot_be_is_told(service: Any, arguments: str) -> None:
    answer = service.ask(f'{{ run(id: "demo") {{ id classes({arguments}) {{ totalCount }} }} }}')
    assert answer["data"] == {"run": None}
    assert answer["errors"][0]["extensions"]["code"] == "BAD_INPUT"
    assert answer["errors"][0]["path"] == ["run", "classes"]


def test_a_graph_at_a_mass_that_cannot_be_leaves_the_class(service: Any) -> None:
    answer = service.ask('{ class(id: "demo/0") { name graph(mass: 2) { mass } } }')
    assert answer["data"] == {"class": {"name": "black bear", "graph": None}}
    assert answer["errors"][0]["extensions"]["code"] == "BAD_INPUT"


@pytest.mark.parametrize(
    "path",
    ["/images/demo/examples/9-0.webp", "/images/demo/examples/1-99.webp", "/images/dmo/examples/0-0.webp",
     "/images/demo-2/examples/0-0.webp", "/images/demo/examples/manifest.json"],
)  # fmt: skip
def test_an_unknown_picture_is_told(service: Any, path: str) -> None:
    answer = service.http.get(path)
    assert answer.status_code == 404
    entry = answer.json()["errors"][0]
    assert entry["extensions"]["code"] == "NOT_FOUND"
    assert entry["extensions"]["requestId"] == answer.headers["x-request-id"]
    assert str(service.folder.path.parent) not in answer.text


def test_text_never_becomes_cypher(service: Any) -> None:
    before = service.data("{ runs { id classCount } }")
    for text in ("' DETACH DELETE n //", "`) MATCH (n) DETACH DELETE n //", "\\\\u0027 OR 1=1", "$run", "{} RETURN 1"):
        error = service.error("query($id: ID!) { run(id: $id) { id } }", id=text)
        assert error["extensions"]["code"] == "NOT_FOUND"
        assert service.data('query($s: String) { run(id: "demo") { classes(search: $s) { totalCount } } }', s=text) == {
            "run": {"classes": {"totalCount": 0}}
        }
    assert service.data("{ runs { id classCount } }") == before


# What one question may cost: the viewer asks these.
@pytest.mark.parametrize(
    ("query", "statements"),
    [
        ("{ runs { id } }", ["runs"]),
        ('{ run(id: "demo") { layers { id } again: layers { name } } }', ["runs", "layers_of_runs"]),
        ('{ run(id: "demo") { classes { nodes { id runId } } } }', ["runs", "classes"]),
        ('{ class(id: "demo/0") { graph { vertices { channel { id picture { url } } } class { id } } } }',
         ["class_graph"]),
        ('{ class(id: "demo/0") { graph { mass } again: graph { cypher } } }', ["class", "class_graph"]),
        ('{ compare(a: "demo/0", b: "demo/1") { a { id } vertices { channel { id } } layers { layer } } }',
         ["compare_graphs", "compare_layers"]),
        ('{ channelInClass(channel: "demo/block1/0", class: "demo/0") { otherClasses { class { name } } } }',
         ["channel_in_class"]),
    ],
)  # fmt: skip
def test_statements_that_a_question_costs(service: Any, query: str, statements: list[str]) -> None:
    service.statements.clear()
    service.data(query)
    assert service.statements == statements


def test_many_at_once_get_the_same_answers(service: Any) -> None:
    query = {"query": '{ class(id: "demo/0") { graph { vertices { rank channel { id } } edges { source target } } } }'}
    alone = service.http.post("/graphql", json=query).json()

    async def together() -> list[Any]:
        async with httpx.AsyncClient(base_url=service.http.base_url, timeout=120) as http:
            return await asyncio.gather(*(http.post("/graphql", json=query) for _ in range(40)))

    answers = asyncio.run(together())
    assert {answer.status_code for answer in answers} == {200}
    assert all(answer.json() == alone for answer in answers)


def test_ready_while_the_database_answers(service: Any) -> None:
    assert service.http.get("/readyz").json() == {"status": "ready", "warmUp": "off"}
