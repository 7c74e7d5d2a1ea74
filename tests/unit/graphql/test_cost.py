"""What a document may cost, against numbers worked out by hand."""

import time
from typing import Any

import pytest
from graphql import build_schema, parse

from arete_graphql.cost import LIST_SIZE, measure_cost
from arete_graphql.settings import ApiSettings, Limits

SCHEMA = build_schema("""
    type Query {
      runs: [Run!]!
      run(id: ID!): Run
      several(ids: [ID!]!, first: Int = 2): [Run!]!
      named: Named
    }
    interface Named { runs: [Run!]! }
    type Run implements Named {
      id: ID!
      tags: [String!]!
      layers: [Layer!]!
      runs: [Run!]!
      classes(first: Int! = 50): ClassConnection!
      instances(layer: ID!, classes: [ID!]): Instances
    }
    type Instances { images: [Image!]! }
    type Image { id: ID! }
    type Layer { id: ID! }
    type ClassConnection { nodes: [Class!]! totalCount: Int! }
    type Class { id: ID! near(first: Int): [Class!]! }
""")
# Strawberry gives defaults as values, a schema that is read as text has them as text.
for _type, _field, _default in (("Query", "several", 2), ("Run", "classes", 50)):
    SCHEMA.type_map[_type].fields[_field].args["first"].default_value = _default  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("query", "variables", "cost"),
    [
        ("{ __typename }", {}, 0),
        ("{ __schema { types { name } } }", {}, 0),
        ('{ run(id: "a") { id tags } }', {}, 1),
        ("{ runs { id } }", {}, 10),
        ("{ runs { layers { id } } }", {}, 10 * (1 + 10)),
        # 3 x (the connection and its node): the page's list is what `first` counted already.
        ('{ run(id: "a") { classes(first: 3) { nodes { id } } } }', {}, 1 + 3 * (1 + 1)),
        ('{ run(id: "a") { classes(first: 3) { totalCount } } }', {}, 1 + 3),
        ('{ run(id: "a") { classes { totalCount } } }', {}, 1 + 50),
        ('query($n: Int!) { run(id: "a") { classes(first: $n) { totalCount } } }', {"n": 7}, 1 + 7),
        ('query($n: Int! = 9) { run(id: "a") { classes(first: $n) { totalCount } } }', {}, 1 + 9),
        ('query($n: Int!) { run(id: "a") { classes(first: $n) { totalCount } } }', {}, 1 + 500),
        ('query($n: Int!) { run(id: "a") { classes(first: $n) { totalCount } } }', {"n": "9"}, 1 + 500),
        ('query($n: Int!) { run(id: "a") { classes(first: $n) { totalCount } } }', {"n": True}, 1 + 500),
        ('query($n: Int!) { run(id: "a") { classes(first: $n) { totalCount } } }', {"n": 10**30}, 1 + 500),
        ('{ run(id: "a") { classes(first: 99999999999999999999) { totalCount } } }', {}, 1 + 500),
        ('{ run(id: "a") { classes(first: -5) { totalCount } } }', {}, 1),
        # A list without a default has no bound but the largest page.
        ('{ run(id: "a") { classes(first: 1) { nodes { near { id } } } } }', {}, 1 + 1 * (1 + 1 * (1 + 500))),
        ('{ several(ids: ["a", "b", "c"]) { id } }', {}, 3),
        ('{ several(ids: ["a"]) { id } }', {}, 2),
        ("query($ids: [ID!]!) { several(ids: $ids, first: 1) { id } }", {"ids": ["a"] * 40}, 40),
        # The service answers with so many at most, for however many classes.
        (
            'query($of: [ID!]) { run(id: "a") { instances(layer: "a/b", classes: $of) { images { id } } } }',
            {"of": ["a/1"] * 118},
            1 + 1 + 500,
        ),
        ('{ a: run(id: "a") { id } b: run(id: "b") { id } }', {}, 2),
        ("{ ...F ...F } fragment F on Query { runs { ...G } } fragment G on Run { layers { id } }", {}, 2 * 110),
        ("{ named { ... on Run { layers { id } } ... { runs { id } } } }", {}, 1 + 10 + 10),
        ("query A { runs { id } } query B { runs { id } }", {}, 20),
        ("{ nothing { id } runs { nothing { id } } ... on Nothing { id } ...Missing }", {}, 10),
    ],
)
def test_cost(query: str, variables: dict[str, Any], cost: int) -> None:
    assert LIST_SIZE == 10
    assert measure_cost(SCHEMA, parse(query), variables) == cost


def test_doubling_and_cyclic_fragments_take_time_proportional_to_the_text() -> None:
    levels = 60
    fragments = " ".join(f"fragment F{i} on Query {{ ...F{i + 1} ...F{i + 1} }}" for i in range(levels))
    document = parse(f"{{ ...F0 }} {fragments} fragment F{levels} on Query {{ runs {{ id }} }}")
    started = time.perf_counter()
    assert measure_cost(SCHEMA, document, {}) == 10 * 2**levels
    assert time.perf_counter() - started < 1
    cyclic = parse("{ ...A } fragment A on Query { runs { id } ...B } fragment B on Query { ...A }")
    assert measure_cost(SCHEMA, cyclic, {}) == 10


@pytest.mark.anyio
async def test_limit(client: Any, recorded: list[Any], ask: Any) -> None:
    async with client(ApiSettings(limits=Limits(cost=60))) as http:
        assert "errors" not in await ask(http, '{ run(id: "demo") { classes(first: 59) { totalCount } } }')
        answer = await ask(http, '{ run(id: "demo") { classes(first: 60) { totalCount } } }')
        given = await ask(http, 'query($n: Int!) { run(id: "demo") { classes(first: $n) { totalCount } } }', n=61)
    assert answer["errors"][0]["message"] == "the query may return 61 objects, 60 are allowed"
    assert answer["errors"][0]["extensions"]["code"] == "BAD_INPUT"
    assert given["errors"][0]["message"] == "the query may return 62 objects, 60 are allowed"
    assert [name for name, _ in recorded] == ["get_run", "list_classes"]
