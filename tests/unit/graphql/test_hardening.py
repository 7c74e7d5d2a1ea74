"""Who may ask and what: origins, the viewer's operations alone, no questions about the schema; what is logged."""

import asyncio
import io
import json
import logging
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from arete_core.errors import DatabaseUnavailableError, SettingError
from arete_graphql import http_protocol
from arete_graphql.app import create_app
from arete_graphql.logs import LogFormat, set_up_logging
from arete_graphql.middleware import Envelope
from arete_graphql.server import ApiServer
from arete_graphql.settings import ApiSettings
from arete_queries import reads

pytestmark = pytest.mark.anyio

QUERY = "query Runs { runs { id } }"
RUNS = {"query": QUERY}


@pytest.mark.parametrize(
    "origin",
    ["http://127.0.0.1:8700", "http://localhost:5173", "https://LOCALHOST", "http://[::1]:1", "https://arete.example"],
)
async def test_own_pages_may_ask(client: Any, recorded: Any, origin: str) -> None:
    async with client(ApiSettings(allowed_hosts=("*.example", "arete.example"))) as http:
        answer = await http.post("/graphql", json=RUNS, headers={"Origin": origin})
    assert answer.status_code == 200
    assert "access-control-allow-origin" not in answer.headers


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example.org"},
        {"Origin": "null"},
        {"Origin": ""},
        {"Origin": "http://127.0.0.1.evil.example"},
        {"Origin": "http://evil.org#127.0.0.1"},
        {"Origin": "http://["},
        {"Origin": "file://"},
        {"Sec-Fetch-Site": "cross-site"},
    ],
)
async def test_pages_of_other_sites_may_not(client: Any, recorded: list[Any], headers: dict[str, str]) -> None:
    async with client() as http:
        answer = await http.post("/graphql", json=RUNS, headers=headers)
    assert answer.status_code == 403
    assert answer.json()["errors"][0]["extensions"]["code"] == "FORBIDDEN"
    assert recorded == []


async def test_the_viewers_operations_alone(client: Any, recorded: list[Any], tmp_path: Path) -> None:
    (tmp_path / "operations.json").write_text(json.dumps({"Runs": QUERY}))
    async with client(ApiSettings(viewer=tmp_path, viewer_operations_only=True)) as http:
        known = await http.post("/graphql", json=RUNS)
        others = [
            await http.post("/graphql", json={"query": query})
            for query in ("{ runs { id } }", QUERY + " ", "{ __typename }", "mutation { x }", None)
        ]
        metrics = (await http.get("/metrics")).text
    assert known.json() == {"data": {"runs": [{"id": "demo"}, {"id": "demo"}]}}
    for other in others:
        assert other.status_code == 403
        assert other.json()["errors"][0]["extensions"]["code"] == "OPERATION_NOT_ALLOWED"
        assert "--operations any" in other.json()["errors"][0]["extensions"]["hint"]
    assert [name for name, _ in recorded] == ["list_runs"]
    assert 'arete_operation_seconds_count{kept="no",operation="Runs"} 1.0' in metrics


@pytest.mark.parametrize("content", [None, "[]", "{", '{"Runs": 1}'])
def test_without_the_list_nothing_is_served_rather_than_everything(tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / "operations.json").write_text(content)

    async def connect() -> Any:
        raise AssertionError

    with pytest.raises(SettingError, match=r"operations\.json"):
        create_app(ApiSettings(viewer=tmp_path, viewer_operations_only=True), connect)
    create_app(ApiSettings(viewer=tmp_path), connect)


async def test_the_schema_can_be_kept_to_itself(client: Any, recorded: list[Any]) -> None:
    async with client(ApiSettings(introspection=False)) as http:
        asked = await http.post("/graphql", json={"query": "{ __schema { types { name } } }"})
        typed = await http.post("/graphql", json={"query": '{ __type(name: "Run") { name } }'})
        wrong = await http.post("/graphql", json={"query": "{ runz { id } }"})
        plain = await http.post("/graphql", json={"query": "{ __typename runs { id } }"})
    async with client() as http:
        helped = await http.post("/graphql", json={"query": "{ runz { id } }"})
    for answer in (asked, typed, wrong):
        assert answer.json()["data"] is None
        assert {entry["extensions"]["code"] for entry in answer.json()["errors"]} == {"BAD_QUERY"}
    assert "Did you mean" not in wrong.text
    assert "Did you mean" in helped.text
    assert "errors" not in plain.json()


def numbers(text: str) -> dict[str, float]:
    """Reads what Prometheus would."""
    return {
        f"{sample.name} {sorted(sample.labels.values())}": sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if "le" not in sample.labels
    }


async def test_metrics_count_what_was_asked(client: Any, recorded: list[Any]) -> None:
    async with client() as http:
        for _ in range(3):
            await http.post("/graphql", json=RUNS)
        await http.post("/graphql", json={"query": "{ nothing }"})
        await http.get("/no.such.file")
        answer = await http.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain")
    found = numbers(answer.text)
    assert found["arete_requests_total ['200', 'graphql']"] == 4
    assert found["arete_requests_total ['404', 'viewer']"] == 1
    assert found["arete_request_seconds_count ['graphql']"] == 4
    assert found["arete_operation_seconds_count ['other', 'yes']"] == 2
    assert found["arete_operation_seconds_count ['no', 'other']"] == 2
    assert found["arete_errors_total ['BAD_QUERY']"] == 1
    assert found["arete_requests_in_flight []"] == 1  # this one
    assert found["arete_kept_answers_bytes []"] > 0
    assert found["process_resident_memory_bytes []"] > 1e6


@pytest.fixture
def log_lines() -> Iterator[Any]:
    """Returns a function that sets the log up as `arete serve` does, and gives the lines written since."""
    root, ours = logging.getLogger(), logging.getLogger("arete")
    before = root.handlers[:], root.level, ours.level
    stream = io.StringIO()

    def start(format_: LogFormat) -> Any:
        set_up_logging(format_, requests=True, stream=stream)
        return lambda: stream.getvalue().splitlines()

    yield start
    root.handlers[:], root.level = before[0], before[1]
    ours.setLevel(before[2])


async def test_a_machine_reads_the_log_and_finds_no_secret(
    client: Any, recorded: Any, log_lines: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(_runner: Any, *_: Any, **__: Any) -> Any:
        raise KeyError("boom")

    monkeypatch.setattr(reads, "get_class", broken)
    lines = log_lines(LogFormat.JSON)
    settings = ApiSettings(token="the-services-own-token", access_log=True)
    async with client(settings) as http:
        for token in ("the-services-own-token", "the-guess-of-somebody"):
            answer = await http.post(
                "/graphql?secret=in-the-address",
                json={"query": "query($id: ID!) { class(id: $id) { id } }", "variables": {"id": "secret-variable"}},
                headers={"Authorization": f"Bearer {token}", "Cookie": "secret-cookie"},
            )
    entries = [json.loads(line) for line in lines()]
    ours = [entry for entry in entries if entry["logger"].startswith("arete")]
    assert all({"time", "level", "logger", "message"} <= entry.keys() for entry in entries)
    request = next(entry for entry in ours if entry.get("path"))
    assert (request["method"], request["path"], request["status"]) == ("POST", "/graphql", 200)
    assert request["elapsed_ms"] >= 0
    failed = [entry for entry in ours if entry.get("request_id") == answer.headers["x-request-id"]]
    assert {entry["level"] for entry in failed} == {"info", "error"}
    assert any("KeyError" in entry.get("exception", "") for entry in failed)
    text = json.dumps(ours)
    for secret in ("own-token", "the-guess", "secret-", "in-the-address"):
        assert secret not in text


async def test_what_a_caller_wrote_begins_no_line(client: Any, recorded: Any, log_lines: Any) -> None:
    lines = log_lines(LogFormat.TEXT)
    async with client(ApiSettings(access_log=True)) as http:
        await http.get("/x%0a2026-01-01 00:00:00 ERROR forged")
        await http.post("/graphql", json={"query": 'query { runs(a: "x\n2026-01-01 00:00:00 ERROR forged") { id } }'})
    assert any("GET /x\\n2026" in line for line in lines())
    assert not any(line.startswith("2026-01-01 00:00:00") for line in lines())


@pytest.mark.parametrize("head", [b"", b"GET /healthz HT", b"POST /graphql HTTP/1.1\r\nHost: localhost\r\nX: "])
def test_a_request_whose_head_does_not_come_is_not_waited_for(
    head: bytes, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(http_protocol, "HEAD_S", 0.2)
    listening = threading.Event()
    server = ApiServer(ApiSettings(port=0, viewer=tmp_path), _no_database, on_listening=lambda _: listening.set())
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        assert listening.wait(10)
        with socket.create_connection(server.address) as slow, socket.create_connection(server.address) as second:
            slow.sendall(head)
            # A second request that stays half on a connection whose first one was answered.
            second.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\nGET /heal")
            for connection in (slow, second):
                connection.settimeout(10)
                received = b""
                while part := connection.recv(4096):
                    received += part
                assert connection is slow or received.startswith(b"HTTP/1.1 200")
        # Whoever asks in time is answered, also by pieces.
        with socket.create_connection(server.address) as patient:
            for piece in (b"GET /healthz HTTP/1.1\r\n", b"Host: localhost\r\n\r\n"):
                patient.sendall(piece)
                time.sleep(0.02)
            assert patient.recv(15) == b"HTTP/1.1 200 OK"
        assert httpx.get(server.url + "healthz").status_code == 200
    finally:
        server.stop()
        thread.join(10)


async def _no_database() -> Any:
    raise DatabaseUnavailableError("nothing answers")


async def test_a_request_that_the_stopping_service_ends_is_told_so() -> None:
    sent: list[Any] = []

    async def endless(*_: Any) -> None:
        await asyncio.sleep(60)

    async def receive() -> Any:
        return {"type": "http.request"}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "POST", "path": "/graphql", "headers": []}
    task = asyncio.create_task(Envelope(endless, timeout_s=30)(scope, receive, send))
    await asyncio.sleep(0.01)
    task.cancel()
    await task  # without an error, which the server would log with its traceback
    assert sent[0]["status"] == 503
    assert json.loads(sent[1]["body"])["errors"][0]["message"] == "the service is stopping"
