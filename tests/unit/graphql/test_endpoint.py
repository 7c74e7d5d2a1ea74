"""What `/graphql` takes, and the one shape of every error."""

import asyncio
import json
import logging
import re
from typing import Any

import pytest

from arete_core.errors import AreteError, CapabilityError, DatabaseUnavailableError, NotFoundError
from arete_graphql.errors import status_of
from arete_graphql.settings import ApiSettings, Limits
from arete_queries import reads

pytestmark = pytest.mark.anyio

JSON = {"Content-Type": "application/json"}
QUERY = '{"query": "{ runs { id } }"}'


@pytest.mark.parametrize("content_type", ["application/json", "application/json; charset=utf-8", "Application/JSON"])
async def test_post_with_json_is_answered(client: Any, recorded: Any, content_type: str) -> None:
    async with client() as http:
        answer = await http.post("/graphql", content=QUERY, headers={"Content-Type": content_type})
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    assert answer.json() == {"data": {"runs": [{"id": "demo"}, {"id": "demo"}]}}


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS"])
async def test_only_post_is_answered(client: Any, recorded: list[Any], method: str) -> None:
    async with client() as http:
        answer = await http.request(method, "/graphql", params={"query": "{ runs { id } }"})
    assert answer.status_code == 405
    assert answer.headers["allow"] == "POST"
    assert "access-control-allow-origin" not in answer.headers
    assert recorded == []


# What a form or a script of another site may send without asking first.
@pytest.mark.parametrize(
    "content_type",
    ["", "text/plain", "text/plain; application/json", "application/x-www-form-urlencoded", "multipart/form-data"],
)
async def test_other_content_types_are_refused(client: Any, recorded: list[Any], content_type: str) -> None:
    async with client() as http:
        answer = await http.post("/graphql", content=QUERY, headers={"Content-Type": content_type})
    assert answer.status_code == 415
    assert answer.json()["errors"][0]["extensions"]["code"] == "CONTENT_TYPE"
    assert recorded == []


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "the body is no JSON"),
        (b"{", "the body is no JSON"),
        (b"\xff\xfe\xfd", "the body is no JSON"),
        (b"[" * 100_000, "the body is no JSON"),
        (b'{"query": "{ runs { id } }", "variables": {"x": "\\ud800"}}', "the body is no JSON"),
        (b'{"query": ' + b"9" * 5000 + b"}", "the body is no JSON"),
        (b"null", "the body is no JSON object with a query; batches are not accepted"),
        (b'[{"query": "{ runs { id } }"}]', "the body is no JSON object with a query; batches are not accepted"),
        (b"{}", "the request holds no query"),
        (b'{"query": null}', "the request holds no query"),
        (b'{"query": 1}', "query is not a string"),
        (b'{"query": "{ runs { id } }", "variables": []}', "variables is not an object"),
        (b'{"query": "{ runs { id } }", "operationName": 1}', "operationName is not a string"),
        (b'{"query": "query A { runs { id } }", "operationName": "B"}', 'Unknown operation named "B".'),
        (b'{"query": "subscription { x }"}', "only queries and mutations are answered; there are no subscriptions"),
    ],
)
async def test_a_body_that_is_no_request(client: Any, recorded: list[Any], body: bytes, message: str) -> None:
    async with client() as http:
        answer = await http.post("/graphql", content=body, headers=JSON)
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["message"] == message
    assert recorded == []


async def test_infinite_numbers_are_no_numbers(client: Any, recorded: list[Any]) -> None:
    query = "query($m: Float) { compare(a: 1, b: 2, mass: $m) { massA } }"
    async with client() as http:
        body = json.dumps({"query": query, "variables": {"m": float("inf")}})
        answer = await http.post("/graphql", content=body, headers=JSON)
    assert answer.json()["errors"][0]["extensions"]["code"] == "BAD_QUERY"
    assert recorded == []


async def test_body_size_limit(client: Any, recorded: list[Any]) -> None:
    async with client(ApiSettings(limits=Limits(body_bytes=len(QUERY)))) as http:
        assert (await http.post("/graphql", content=QUERY, headers=JSON)).status_code == 200
        declared = await http.post("/graphql", content=QUERY + " ", headers=JSON)

        async def endless() -> Any:
            for _ in range(1000):
                yield b" " * 100

        undeclared = await http.post("/graphql", content=endless(), headers=JSON)
    for answer in (declared, undeclared):
        assert answer.status_code == 413
        assert answer.json()["errors"][0]["extensions"]["code"] == "BODY_TOO_LARGE"
    assert [name for name, _ in recorded] == ["list_runs"]


async def test_compressed_bodies_are_refused(client: Any, recorded: list[Any]) -> None:
    async with client() as http:
        answer = await http.post("/graphql", content=QUERY, headers={**JSON, "Content-Encoding": "gzip"})
    assert answer.status_code == 415


def raising(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    async def read(_runner: Any, *_: Any, **__: Any) -> Any:
        raise error

    monkeypatch.setattr(reads, "get_class", read)


@pytest.mark.parametrize(
    "error",
    [
        NotFoundError("class", "demo/99", hint="run demo has classes 0 to 31"),
        DatabaseUnavailableError("the database cannot be reached", hint="start it with `arete db start`"),
        CapabilityError("the database lacks GDS"),
    ],
)
async def test_a_deliberate_error_keeps_its_words(
    client: Any, ask: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, error: AreteError
) -> None:
    raising(monkeypatch, error)
    with caplog.at_level(logging.INFO, "arete.api"):
        async with client() as http:
            answer = await http.post("/graphql", json={"query": '{ here: class(id: "demo/99") { id } }'})
    assert answer.status_code == 200
    assert answer.json() == {
        "data": {"here": None},
        "errors": [
            {
                "message": error.message,
                "path": ["here"],
                "locations": [{"line": 1, "column": 3}],
                "extensions": {
                    "code": error.code,
                    "hint": error.hint,
                    "requestId": answer.headers["x-request-id"],
                },
            }
        ],
    }
    assert all(record.exc_info is None for record in caplog.records)


async def test_an_unexpected_error_is_masked_and_logged_under_the_same_id(
    client: Any, ask: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    raising(monkeypatch, ZeroDivisionError("the secret is /etc/arete/password"))
    async with client() as http:
        answer = await ask(http, '{ class(id: "demo/0") { id } }')
    entry = answer["errors"][0]
    assert answer["data"] == {"class": None}
    assert entry["extensions"]["code"] == "INTERNAL"
    assert "secret" not in json.dumps(answer)
    assert "Zero" not in json.dumps(answer)
    request_id = entry["extensions"]["requestId"]
    assert re.fullmatch(r"[0-9a-f]{16}", request_id)
    (record,) = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert request_id in record.getMessage()
    assert record.exc_info is not None
    assert record.exc_info[0] is ZeroDivisionError


async def test_an_error_outside_graphql_has_the_same_shape(
    client: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def broken(_runner: Any) -> Any:
        raise KeyError("secret")

    monkeypatch.setattr(reads, "list_runs", broken)
    async with client() as http:
        answer = await http.get("/readyz")
    assert answer.status_code == 500
    entry = answer.json()["errors"][0]
    assert entry["extensions"] == {
        "code": "INTERNAL",
        "hint": f"look for {answer.headers['x-request-id']} in the log of `arete serve`",
        "requestId": answer.headers["x-request-id"],
    }
    assert "secret" not in answer.text
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert any(record.exc_info for record in caplog.records)


async def test_one_failing_field_leaves_the_others(
    client: Any, recorded: Any, ask: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    raising(monkeypatch, NotFoundError("class", "demo/9"))
    async with client() as http:
        answer = await ask(http, '{ runs { id } class(id: "demo/9") { id } }')
    assert answer["data"] == {"runs": [{"id": "demo"}, {"id": "demo"}], "class": None}
    assert [entry["path"] for entry in answer["errors"]] == [["class"]]


async def test_every_request_has_its_own_id(client: Any, recorded: Any) -> None:
    async with client() as http:
        answers = await asyncio.gather(*(http.post("/graphql", content=QUERY, headers=JSON) for _ in range(20)))
    assert len({answer.headers["x-request-id"] for answer in answers}) == 20


async def test_odd_text_comes_back_whole_in_a_message(client: Any, recorded: Any, ask: Any) -> None:
    async with client() as http:
        answer = await ask(http, '{ runs { classes(sort: "\u202e<script>\\u0000é") { totalCount } } }')
    assert "\u202e<script>" in answer["errors"][0]["message"]


async def test_layers_of_a_run_are_read_once_a_request(client: Any, recorded: list[Any], ask: Any) -> None:
    async with client() as http:
        await ask(http, '{ runs { layers { id } } run(id: "demo") { layers { name } again: layers { index } } }')
    assert [name for name, _ in recorded].count("layers_of_runs") == 1


async def test_graphiql_is_shown_in_development_only(client: Any) -> None:
    async with client(ApiSettings(dev=True)) as http:
        shown = await http.get("/graphql")
        page = await http.get("/")
    async with client() as http:
        hidden = await http.get("/graphql", headers={"Accept": "text/html"})
    assert shown.status_code == 200
    assert "graphiql" in shown.text.lower()
    assert "unpkg.com" in shown.headers["content-security-policy"] or "esm.sh" in shown.text
    assert "unpkg.com" not in page.headers["content-security-policy"]
    assert hidden.status_code == 405


def test_status_of_errors() -> None:
    assert status_of(NotFoundError("run", "x")) == 404
    assert status_of(DatabaseUnavailableError("down")) == 503
    assert status_of(ValueError()) == 500
