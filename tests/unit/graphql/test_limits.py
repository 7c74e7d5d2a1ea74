"""How large a document may be: each limit lets the largest allowed one pass and stops the next."""

import asyncio
import time
from typing import Any

import pytest
from graphql import get_introspection_query, parse
from starlette.exceptions import HTTPException

from arete_graphql.limits import DocumentSize, Gate, measure_document
from arete_graphql.settings import ApiSettings, Limits
from arete_queries import reads
from arete_queries.driver import POOL_SIZE, RETRY_S
from arete_queries.transaction import GRACE_S

pytestmark = pytest.mark.anyio


def measure(query: str) -> DocumentSize:
    return measure_document(parse(query))


def test_size_counts_what_fragments_put_in_place() -> None:
    size = measure("""
        query A { x: run(id: "a") { ...F } y: run(id: "b") { ...F ... on Run { id } } }
        fragment F on Run { layers { n: name } }
        fragment Unused on Run { a: id b: id c: id }
    """)
    assert size == DocumentSize(depth=3, aliases=4, fields=7)


def test_size_is_the_deepest_and_the_sum_of_all_operations() -> None:
    assert measure("query A { a { b } } query B { c { d { e: f } } }") == DocumentSize(3, 1, 5)


def test_introspection_adds_no_depth() -> None:
    assert measure("{ __schema { types { fields { type { name } } } } }").depth == 0


def test_a_fragment_that_spreads_itself_is_measured_and_then_refused_by_validation() -> None:
    assert measure("{ ...A } fragment A on Query { a { ...B } } fragment B on Query { b { ...A } }").depth == 2


def test_doubling_fragments_are_measured_in_time_proportional_to_the_text() -> None:
    levels = 60
    fragments = " ".join(f"fragment F{i} on Query {{ ...F{i + 1} ...F{i + 1} }}" for i in range(levels))
    started = time.perf_counter()
    size = measure(f"{{ ...F0 }} {fragments} fragment F{levels} on Query {{ x: id }}")
    assert time.perf_counter() - started < 1
    assert size == DocumentSize(1, 2**levels, 2**levels)


# One document exactly at the limit, one just beyond it.
@pytest.mark.parametrize(
    ("limits", "allowed", "refused", "message"),
    [
        (
            Limits(depth=3),
            "{ runs { layers { id } } }",
            "{ runs { classes { nodes { id } } } }",
            "the query has 4 levels of nested fields, 3 are allowed",
        ),
        (Limits(aliases=1), "{ a: runs { id } }", "{ a: runs { b: id } }", "the query has 2 aliases, 1 are allowed"),
        (
            Limits(fields=3),
            "{ runs { id name } }",
            "{ runs { id name images } }",
            "the query has 4 selected fields, 3 are allowed",
        ),
        (
            Limits(reads=2),
            '{ run(id: "demo") { classes { totalCount } } }',
            '{ run(id: "demo") { a: classes { totalCount } b: classes(first: 1) { totalCount } } }',
            "the query needs more than 2 reads from the database",
        ),
    ],
    ids=["depth", "aliases", "fields", "reads"],
)
async def test_limit(
    client: Any, recorded: Any, ask: Any, limits: Limits, allowed: str, refused: str, message: str
) -> None:
    async with client(ApiSettings(limits=limits)) as http:
        assert "errors" not in await ask(http, allowed)
        answer = await ask(http, refused)
    entry = answer["errors"][0]
    assert entry["message"] == message
    assert entry["extensions"]["code"] == "BAD_INPUT"
    assert entry["extensions"]["hint"]


async def test_a_refused_document_reads_nothing(client: Any, recorded: list[Any], ask: Any) -> None:
    async with client(ApiSettings(limits=Limits(aliases=1))) as http:
        answer = await ask(http, "{ a: runs { id } b: runs { id } }")
    assert answer["data"] is None
    assert recorded == []


async def test_token_limit(client: Any, recorded: Any, ask: Any) -> None:
    async with client(ApiSettings(limits=Limits(tokens=6))) as http:
        assert "errors" not in await ask(http, "{ runs { id } }")
        answer = await ask(http, "{ runs { id name } }")
    assert answer["errors"][0]["extensions"]["code"] == "BAD_QUERY"
    assert "more than 6 tokens" in answer["errors"][0]["message"]


@pytest.mark.parametrize(
    "query",
    [
        "{" * 900,
        "{ runs " * 900,
        "{ run(id: " + "[" * 900,
        "{ ...A } fragment A on Query { ...A }",
        "{ ...A } fragment A on Query { ...B } fragment B on Query { ...A }",
        "{ runs { id } }" + " fragment F on Run { id }" * 50,
        "{ runs @skip(if: false) @skip(if: false) { id } }",
        "query($n: Int!) { runs { classes(first: $n) { totalCount } } }",
        "{ runs { classes(first: 99999999999) { totalCount } } }",
        "{ runs { classes(sort: BEST) { totalCount } } }",
        '{ class(id: "a") { graph(mass: "x") { mass } } }',
        "{ __schema { types { fields { type { fields { type { fields { type { name } } } } } } } } }",
        '{ run(id: "\\uD800") { id } }',
        "\x00",
        "",
        "mutation { runs }",
        "subscription { runs }",
        "fragment F on Run { id }",
    ],
)
async def test_an_odd_document_is_told_off_without_a_read(client: Any, recorded: list[Any], query: str) -> None:
    async with client() as http:
        answer = await http.post("/graphql", json={"query": query})
    assert answer.status_code in (200, 400), answer.text
    entries = answer.json()["errors"]
    assert {entry["extensions"]["code"] for entry in entries} <= {"BAD_QUERY", "BAD_INPUT"}, entries
    assert recorded == []


async def test_the_whole_schema_can_be_introspected(client: Any, ask: Any) -> None:
    async with client() as http:
        answer = await ask(http, get_introspection_query())
    assert {type_["name"] for type_ in answer["data"]["__schema"]["types"]} >= {"Query", "AttributionGraph"}
    assert "errors" not in answer


async def test_gate_lets_a_few_through_a_few_wait_and_the_rest_hear_503_at_once() -> None:
    gate = Gate(Limits(concurrent=2, waiting=1, wait_s=30))
    release = asyncio.Event()
    entered = 0

    async def work() -> None:
        nonlocal entered
        async with gate.place():
            entered += 1
            await release.wait()

    tasks = [asyncio.create_task(work()) for _ in range(3)]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert entered == 2
    with pytest.raises(HTTPException) as refused:
        await asyncio.wait_for(gate.place().__aenter__(), 0.5)
    assert refused.value.status_code == 503
    assert refused.value.headers == {"Retry-After": "1"}
    release.set()
    await asyncio.gather(*tasks)
    assert entered == 3
    async with gate.place():  # every place was given back
        pass


async def test_gate_gives_up_waiting() -> None:
    gate = Gate(Limits(concurrent=1, waiting=5, wait_s=0.02))
    async with gate.place():
        with pytest.raises(HTTPException) as refused:
            await gate.place().__aenter__()
    assert refused.value.status_code == 503
    async with gate.place():
        pass


async def test_gate_forgets_a_caller_that_was_cancelled_while_waiting() -> None:
    gate = Gate(Limits(concurrent=1, waiting=1, wait_s=30))
    async with gate.place():
        waiting = asyncio.create_task(gate.place().__aenter__())
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        again = asyncio.create_task(gate.place().__aenter__())
        await asyncio.sleep(0)
        assert not again.done()
    await asyncio.wait_for(again, 1)


async def test_too_many_requests_hear_503(client: Any, recorded: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    release = asyncio.Event()

    async def slow(_runner: Any) -> list[Any]:
        await release.wait()
        return []

    monkeypatch.setattr(reads, "list_runs", slow)
    async with client(ApiSettings(limits=Limits(concurrent=1, waiting=0))) as http:
        first = asyncio.create_task(http.post("/graphql", json={"query": "{ runs { id } }"}))
        await asyncio.sleep(0.05)
        second = await http.post("/graphql", json={"query": "{ runs { id } }"})
        alive = await http.get("/healthz")
        release.set()
        assert (await first).status_code == 200
    assert second.status_code == 503
    assert second.headers["retry-after"] == "1"
    assert second.json()["errors"][0]["extensions"]["code"] == "BUSY"
    assert alive.status_code == 200


async def test_a_request_that_takes_too_long_is_ended(
    client: Any, recorded: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended = []

    async def slow(_runner: Any) -> list[Any]:
        try:
            await asyncio.sleep(30)
        except asyncio.CancelledError:
            ended.append("cancelled")
            raise
        return []

    monkeypatch.setattr(reads, "list_runs", slow)
    async with client(ApiSettings(limits=Limits(timeout_s=0.05, concurrent=1))) as http:
        answer = await http.post("/graphql", json={"query": "{ runs { id } }"})
        assert answer.status_code == 504
        assert answer.json()["errors"][0]["extensions"]["code"] == "TIMEOUT"
        assert ended == ["cancelled"]  # the read was not left running
        again = await http.post("/graphql", json={"query": "{ __typename }"})
        assert again.json() == {"data": {"__typename": "Query"}}  # and its place was given back


def test_the_database_gives_up_before_the_request_does() -> None:
    limits = Limits()
    # A lost connection is tried again, and a server that hangs is waited for a little longer.
    assert limits.statement_s + RETRY_S + GRACE_S < limits.timeout_s
    assert limits.concurrent <= POOL_SIZE


async def test_a_body_that_comes_too_slowly_is_not_waited_for(client: Any, recorded: list[Any]) -> None:
    async def slowly() -> Any:
        yield b'{"query": '
        await asyncio.sleep(30)
        yield b'"{ runs { id } }"}'

    headers = {"Content-Type": "application/json"}
    async with client(ApiSettings(limits=Limits(body_s=0.05))) as http:
        answer = await http.post("/graphql", content=slowly(), headers=headers)
    assert answer.status_code == 408
    assert answer.json()["errors"][0]["extensions"]["code"] == "TIMEOUT"
    assert recorded == []


async def test_beyond_a_number_of_requests_nothing_is_even_read(
    client: Any, recorded: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    release = asyncio.Event()

    async def slow(_runner: Any) -> list[Any]:
        await release.wait()
        return []

    async def unread() -> Any:
        raise AssertionError("the body was read")
        yield b""

    monkeypatch.setattr(reads, "list_runs", slow)
    async with client(ApiSettings(limits=Limits(in_flight=2))) as http:
        held = [asyncio.create_task(http.post("/graphql", json={"query": "{ runs { id } }"})) for _ in range(2)]
        await asyncio.sleep(0.05)
        refused = await http.post("/graphql", content=unread(), headers={"Content-Type": "application/json"})
        alive = await http.get("/healthz")
        release.set()
        assert {answer.status_code for answer in await asyncio.gather(*held)} == {200}
        assert (await http.post("/graphql", json={"query": "{ runs { id } }"})).status_code == 200
    assert refused.status_code == 503
    assert refused.headers["retry-after"] == "1"
    assert refused.json()["errors"][0]["extensions"]["code"] == "BUSY"
    assert alive.status_code == 200
