"""Lists completed by columns are those that graphql-core completes, value by value and error by error."""

import dataclasses
from typing import Any

import pytest
import strawberry

from arete_graphql import schema
from arete_graphql.context import Database, RequestContext
from arete_graphql.plain_lists import PlainListContext
from arete_graphql.schema import make_schema
from arete_graphql.settings import ApiSettings, Limits
from arete_queries import reads
from arete_queries.comparison_results import ComparedEdge, ComparedVertex, Comparison, Membership, SetOperation
from arete_queries.results import AttributionGraph, ChannelInfo, ClassInfo, ClassKind, GraphEdge, GraphVertex, Page

pytestmark = pytest.mark.anyio

CLASS = ClassInfo("r/0", "r", 3, 0, "bear", ClassKind.LABEL, 50, 0, None, (1, 2), 0.1, 20, 0.0)
CHANNELS = [
    ChannelInfo(f"r/l/{index}", "r", "l", 0, index, index % 2 == 0, "fur" if index == 3 else None,
                None if index % 3 else "ab", 3, 32)
    for index in range(12)
]  # fmt: skip
GRAPH = AttributionGraph(
    CLASS,
    0.2,
    tuple(GraphVertex(channel, 5 + channel.index, channel.index / 7) for channel in CHANNELS),
    tuple(GraphEdge(CHANNELS[0].id, channel.id, channel.index) for channel in CHANNELS),
    "MATCH",
)
MEMBERS = list(Membership)
COMPARISON = Comparison(
    CLASS,
    CLASS,
    SetOperation.UNION,
    0.1,
    0.2,
    tuple(ComparedVertex(channel, MEMBERS[channel.index % 3], 1, 2, 0.1, 0.2) for channel in CHANNELS),
    tuple(ComparedEdge("a", "b", MEMBERS[number % 3], number, 0) for number in range(12)),
    (),
    "MATCH",
)
QUERIES = [
    "{ class(id: 1) { graph { edges { source target count share } vertices { count share rank } } } }",
    """{ class(id: 1) { graph { vertices { rank channel {
        id layerId layer layerIndex index label excluded picture { url tiles tilePx } } } } } }""",
    "{ class(id: 1) { graph { edges { a: count b: count __typename c: share } } } }",
    """{ class(id: 1) { graph { vertices { ...V ... on GraphVertex { count } channel { id ...C } } } } }
       fragment V on GraphVertex { channel { index } rank } fragment C on Channel { index picture { tiles } }""",
    "query($y: Boolean! = true) { class(id: 1) { graph { edges { count @skip(if: $y) share @include(if: $y) } } } }",
    "{ class(id: 1) { graph { edges { count @skip(if: true) } } } }",
    "{ compare(a: 1, b: 2) { vertices { membership countA rankB channel { id } } edges { membership countA } } }",
    "{ run(id: 1) { classes { nodes { id name accuracy mass } } } }",
    "{ run(id: 1) { classes { nodes { id histogram } } } }",
    "{ run(id: 1) { classes { nodes { id graph { mass vertices { rank } } } } } }",
]


class SlowSchema(schema._Schema):
    """The same schema, completed by graphql-core alone."""

    def __init__(self, fast: strawberry.Schema) -> None:
        super().__init__(fast.query, config=fast.config)


@pytest.fixture
def both(recorded_run: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Returns a function that answers a query by columns and by graphql-core alone, and how often columns were used."""
    answers: dict[str, Any] = {
        "get_class": CLASS,
        "class_graph": GRAPH,
        "compare_classes": COMPARISON,
        "list_classes": Page((CLASS,) * 12, 12, 0, ("classes",)),
    }
    used = 0
    plain = PlainListContext._projection

    def counted(self: Any, *args: Any) -> Any:
        nonlocal used
        found = plain(self, *args)
        used += found is not None
        return found

    monkeypatch.setattr(PlainListContext, "_projection", counted)
    fast = make_schema(Limits())
    slow = SlowSchema(fast)

    async def connect() -> Any:
        return object()

    async def ask(query: str, **changes: Any) -> tuple[Any, Any, int]:
        nonlocal used
        for name, value in {**answers, "get_run": recorded_run, **changes}.items():

            async def read(_runner: Any, *_: Any, value: Any = value, **__: Any) -> Any:
                return value

            monkeypatch.setattr(reads, name, read)
        results = []
        for each in (fast, slow):
            used = used if each is slow else 0
            context = RequestContext("x", Database(connect), Limits())
            result = await each.execute(query, context_value=context)
            results.append((result.data, sorted((error.message, error.path or []) for error in result.errors or [])))
        return results[0], results[1], used

    return ask


@pytest.mark.parametrize("query", QUERIES)
async def test_the_answer_is_the_same(both: Any, query: str) -> None:
    by_columns, by_graphql_core, used = await both(query)
    assert by_columns == by_graphql_core
    assert by_columns[1] == []
    assert by_columns[0]
    # A list inside an object is not plain, and of nothing there is nothing to gain.
    assert bool(used) is ("histogram" not in query and "@skip(if: true)" not in query)


def changed(**values: Any) -> AttributionGraph:
    """The graph with its fifth vertex changed."""
    vertices = list(GRAPH.vertices)
    vertices[4] = dataclasses.replace(vertices[4], **values)
    return dataclasses.replace(GRAPH, vertices=tuple(vertices))


@pytest.mark.parametrize(
    "graph",
    [
        changed(rank=None),
        changed(rank=float("nan")),
        changed(rank=float("inf")),
        changed(rank=1),
        changed(rank="x"),
        changed(count=2**31),
        changed(count=-(2**31) - 1),
        changed(count=2.5),
        changed(count=True),
        changed(channel=dataclasses.replace(CHANNELS[4], label=5)),
        changed(channel=dataclasses.replace(CHANNELS[4], layer=None)),
        changed(channel=dataclasses.replace(CHANNELS[4], excluded=None)),
    ],
)
async def test_an_unusual_value_is_told_of_in_the_same_way(both: Any, graph: AttributionGraph) -> None:
    query = "{ class(id: 1) { graph { vertices { count rank channel { layer label excluded } } } } }"
    by_columns, by_graphql_core, _ = await both(query, class_graph=graph)
    assert by_columns == by_graphql_core


async def test_a_value_that_cannot_be_is_an_error(both: Any) -> None:
    answer, _, _ = await both(
        "{ class(id: 1) { graph { vertices { rank } } } }", class_graph=changed(rank=float("nan"))
    )
    assert answer[0] == {"class": {"graph": None}}
    assert answer[1][0][1] == ["class", "graph", "vertices", 4, "rank"]


async def test_short_and_empty_lists(both: Any) -> None:
    for edges in ((), GRAPH.edges[:3]):
        graph = dataclasses.replace(GRAPH, edges=edges)
        by_columns, by_graphql_core, used = await both(QUERIES[0].replace("vertices { count share rank }", ""),
                                                       class_graph=graph)  # fmt: skip
        assert by_columns == by_graphql_core
        assert len(by_columns[0]["class"]["graph"]["edges"]) == len(edges)
        assert used == 0


async def test_a_graph_of_too_many_edges_is_refused(client: Any, recorded: Any, ask: Any, both: Any) -> None:
    await both("{ __typename }")  # sets the recorded graph
    for limit, refused in ((12, False), (11, True)):
        async with client(ApiSettings(limits=Limits(edges=limit))) as http:
            for query in ("{ class(id: 1) { graph { mass } } }", "{ compare(a: 1, b: 2) { massA } }"):
                answer = await ask(http, query)
                assert ("errors" in answer) is refused
                if refused:
                    assert answer["errors"][0]["message"] == "the graph has 12 edges, 11 are sent at most"
                    assert answer["errors"][0]["extensions"]["code"] == "BAD_INPUT"
