"""Whatever is sent, the service answers in time, with an error of its own at most, and keeps nothing of it.

Questions and changes are made up from the whole schema (schemathesis), with a share of ids that exist; the changes
carry no token, so that the data stay as they are. What no client library would send is written by hand. The same ones
every time.
"""

import json
import socket
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import neo4j
import psutil
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import graphql
from schemathesis.core.result import Ok

from arete_graphql.schema import SCHEMA_FILE
from arete_graphql.settings import ApiSettings, Limits
from arete_queries.engine import EngineAddress
from arete_queries.runner import QueryRunner

pytestmark = pytest.mark.integration

EXAMPLES = 8
"""For each field of the schema's roots; a field of a hundred arguments is no likelier to break than one of two."""
LONGEST_S = 30.0
KNOWN = ["demo", "demo-2", "demo/0", "demo/7", "demo-2/1", "demo/block1", "demo/block1/0", "demo/block2/3"]
TOLD = frozenset({"BAD_INPUT", "BAD_QUERY", "NOT_FOUND", "UNAUTHORIZED", "SETTING", "CAPABILITY", "RUN_CONFLICT"})
"""What a question that is well meant or not may hear from a service that is well."""

texts = st.text(max_size=40)
ids = st.one_of(st.sampled_from(KNOWN), st.sampled_from(KNOWN), st.sampled_from(KNOWN), texts)
graphql.scalar("ID", ids.map(lambda text: graphql.nodes.String(text.encode("utf-8", "replace").decode())))


@pytest.fixture
def unchanged(service: Any, engine_driver: neo4j.Driver) -> Iterator[None]:
    """Nothing is left behind: no open file, no transaction."""
    service.data("{ runs { id } }")
    process = psutil.Process()
    before = process.num_fds()

    def transactions() -> int:
        rows, _, _ = engine_driver.execute_query("SHOW TRANSACTIONS YIELD transactionId RETURN count(*) AS n")
        return rows[0]["n"]

    own = transactions()
    yield
    # Connections that were closed go in their own time, those to the database stay in the pool.
    ends = time.monotonic() + 15
    while process.num_fds() > before + 16 or transactions() > own:
        assert time.monotonic() < ends, (process.num_fds(), before, transactions(), own)
        time.sleep(0.2)
    assert service.http.get("/readyz").status_code == 200


def check(status: int, content: bytes) -> None:
    """Checks an answer to anything at all."""
    assert status in (200, 400, 403, 405, 408, 413, 415), (status, content[:500])
    body = json.loads(content)
    for error in body.get("errors", ()):
        assert error["extensions"]["code"] in TOLD | {"METHOD_NOT_ALLOWED", "CONTENT_TYPE", "BODY_TOO_LARGE", "TIMEOUT"}
        assert error["message"]
        assert "Traceback" not in error["message"]


@pytest.mark.usefixtures("unchanged")
def test_questions_made_up_from_the_whole_schema(service: Any) -> None:
    schema = graphql.from_path(str(SCHEMA_FILE))
    asked = with_data = 0
    for found in schema.get_all_operations():
        assert isinstance(found, Ok)
        operation = found.ok()

        @settings(
            max_examples=EXAMPLES,
            derandomize=True,
            database=None,
            deadline=None,
            phases=[Phase.generate],
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large],
        )
        @given(case=operation.as_strategy())
        def ask(case: Any) -> None:
            nonlocal asked, with_data
            started = time.monotonic()
            answer = service.http.post("/graphql", content=json.dumps({"query": case.body}),
                                       headers={"Content-Type": "application/json"})  # fmt: skip
            assert time.monotonic() - started < LONGEST_S
            check(answer.status_code, answer.content)
            asked += 1
            with_data += any((answer.json().get("data") or {}).values())

        ask()
    assert asked >= EXAMPLES
    # Not only refusals: some of what was made up has an answer.
    assert with_data >= asked // 20


def nested(levels: int, inner: str = "id") -> str:
    return "{ runs " + "{ layers " * levels + "{ " + inner + " }" + " }" * levels + " }"


DOCUMENTS = {
    "an alias bomb": "{" + " ".join(f"a{i}: runs {{ id }}" for i in range(5000)) + "}",
    "an alias bomb in a fragment": "{" + "...F " * 200 + "} fragment F on Query {"
    + " ".join(f"a{i}: runs {{ id }}" for i in range(20)) + "}",
    "a field again and again": "{" + "runs { id } " * 5000 + "}",
    "a directive again and again": "{ runs { id " + "@skip(if: false) " * 3000 + "} }",
    "fragments that double": "{ ...F0 }"
    + "".join(f" fragment F{i} on Query {{ ...F{i + 1} ...F{i + 1} }}" for i in range(50))
    + " fragment F50 on Query { runs { id } }",
    "fragments in a circle": "{ ...A } fragment A on Query { ...B } fragment B on Query { ...C } "
    "fragment C on Query { ...A }",
    "a fragment of itself": "{ runs { ...R } } fragment R on Run { id layers { channels { nodes { id } } } ...R }",
    "deep": nested(2000),
    "deep inline fragments": "{ " + "... on Query { " * 3000 + "runs { id }" + " }" * 3000 + " }",
    "deep lists": "{ run(id: " + "[" * 5000 + "]" * 5000 + ") { id } }",
    "deep introspection": "{ __schema { types { " + "fields { type { " * 400 + "name" + " } }" * 400 + " } } }",
    "wide introspection": "{ __schema { types { " + "fields { name args { name type { name } } } " * 400 + "} } }",
    "a huge number": "{ run(id: \"demo\") { classes(first: " + "9" * 10_000 + ") { totalCount } } }",
    "a huge fraction": "{ class(id: \"demo/0\") { graph(mass: 1e999999) { mass } } }",
    "a negative number": "{ run(id: \"demo\") { classes(first: -99999999999999999999) { totalCount } } }",
    "NUL in an id": '{ run(id: "a\\u0000b") { id } }',
    "NUL in the document": "{ runs\0 { id } }",
    "a lone surrogate": '{ run(id: "\\uD800") { id } }',
    "text from right to left": '{ run(id: "\u202e\u2066demo") { id } }',
    "a long id": '{ run(id: "' + "x" * 100_000 + '") { id } }',
    "a long name": "{ " + "x" * 100_000 + " }",
    "many variables": "query(" + " ".join(f"$v{i}: Int" for i in range(2000)) + ") { runs { id } }",
    "many operations": " ".join(f"query Q{i} {{ runs {{ id }} }}" for i in range(500)),
    "a mark of byte order": "\ufeff{ runs { id } }",
    "comments": "# x\n" * 20_000 + "{ runs { id } }",
    "a block string": '{ run(id: """' + "\n \t" * 20_000 + '""") { id } }',
    "Cypher": '{ run(id: "`) MATCH (n) DETACH DELETE n //") { id } }',
}  # fmt: skip

BODIES = {
    "nothing": b"",
    "a megabyte of spaces": b" " * 1_000_000,
    "a megabyte of a query": b'{"query": "{ runs { id } }' + b" " * 1_000_000 + b'"}',
    "deep JSON": b'{"query": "{ runs { id } }", "variables": ' + b'{"a":' * 50_000 + b"1" + b"}" * 50_000 + b"}",
    "deep lists": b"[" * 100_000,
    "a huge number": b'{"query": "{ runs { id } }", "variables": {"n": ' + b"9" * 100_000 + b"}}",
    "no number": b'{"query": "{ runs { id } }", "variables": {"n": NaN, "m": Infinity}}',
    "a lone surrogate": b'{"query": "{ run(id: \\"\\ud800\\") { id } }"}',
    "a surrogate in a variable": b'{"query": "query($i: ID!) { run(id: $i) { id } }", "variables": {"i": "\\udfff"}}',
    "NUL in a variable": b'{"query": "query($i: ID!) { run(id: $i) { id } }", "variables": {"i": "a\\u0000"}}',
    "bytes that are no text": b'{"query": "\xff\xfe"}',
    "a name twice": b'{"query": "{ runs { id } }", "query": "{ nothing }"}',
    "objects for text": b'{"query": {"a": 1}, "variables": [], "operationName": {}}',
    "a prototype": b'{"__proto__": {"a": 1}, "query": "{ runs { id } }"}',
    "a batch": b'[{"query": "{ runs { id } }"}]',
    "many variables": b'{"query": "{ runs { id } }", "variables": {'
    + b",".join(b'"v%d":%d' % (i, i) for i in range(9000))
    + b"}}",
}  # fmt: skip


@pytest.mark.usefixtures("unchanged")
def test_hostile_documents_and_bodies(service: Any) -> None:
    slowest = 0.0
    sent = {name: json.dumps({"query": text}).encode() for name, text in DOCUMENTS.items()} | {
        f"body: {name}": body for name, body in BODIES.items()
    }
    for name, body in sent.items():
        started = time.monotonic()
        answer = service.http.post("/graphql", content=body, headers={"Content-Type": "application/json"})
        elapsed = time.monotonic() - started
        slowest = max(slowest, elapsed)
        assert elapsed < LONGEST_S, name
        try:
            check(answer.status_code, answer.content)
        except AssertionError as error:
            raise AssertionError(f"{name}: {error}") from error


HEADS = {
    "no HTTP": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    "no host": b"POST /graphql HTTP/1.1\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}",
    "two lengths": b"POST /graphql HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
    "a length and chunks": b"POST /graphql HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "a negative length": b"POST /graphql HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n",
    "a head of a megabyte": b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX: " + b"x" * 1_000_000 + b"\r\n\r\n",
    "many headers": b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n" + b"X: y\r\n" * 20_000 + b"\r\n",
    "an odd method": b"BREW /graphql HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "a line too many": b"GET /healthz\r\nX: y HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "half a body": b"POST /graphql HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    b'Content-Length: 100\r\n\r\n{"query": ',
    "a byte of a body at a time": b"POST /graphql HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    b"Content-Length: 1000\r\n\r\n",
}  # fmt: skip


def test_hostile_bytes_and_slow_bodies(serve: Any, engine: EngineAddress, tmp_path: Any) -> None:
    async def connect() -> QueryRunner:
        return await QueryRunner.connect(engine.bolt_url, engine.user, engine.password)

    with serve(ApiSettings(port=0, viewer=tmp_path, limits=Limits(body_s=0.5)), connect) as http:
        where = urlsplit(str(http.base_url))
        assert where.hostname
        assert where.port
        process = psutil.Process()
        assert http.get("/readyz").status_code == 200
        before = process.num_fds()
        for name, head in HEADS.items():
            started = time.monotonic()
            with socket.create_connection((where.hostname, where.port)) as connection:
                connection.settimeout(LONGEST_S)
                received = _talk(connection, head, slowly="at a time" in name)
            assert time.monotonic() - started < LONGEST_S, name
            status = int(received.split(None, 2)[1]) if received else 0
            assert status < 500, (name, received[:300])
            if "body" in name:
                assert status == 408, (name, received[:300])
        # Two hundred who say nothing more keep nobody else from an answer.
        silent = [socket.create_connection((where.hostname, where.port)) for _ in range(200)]
        for connection in silent:
            connection.sendall(HEADS["half a body"])
        assert http.post("/graphql", json={"query": "{ runs { id } }"}).status_code == 200
        for connection in silent:
            connection.close()
        ends = time.monotonic() + 15
        while process.num_fds() > before + 5:
            assert time.monotonic() < ends, (process.num_fds(), before)
            time.sleep(0.1)


def _talk(connection: socket.socket, head: bytes, *, slowly: bool) -> bytes:
    """Sends a head, then perhaps a byte at a time; returns what comes back."""
    received = b""
    try:
        connection.sendall(head)
        if slowly:
            connection.settimeout(0.05)
            ends = time.monotonic() + LONGEST_S
            while not received and time.monotonic() < ends:
                connection.sendall(b" ")
                try:
                    received = connection.recv(65536)
                except TimeoutError:
                    continue
            return received
        connection.shutdown(socket.SHUT_WR) if head.startswith(b"\x16") else None
        return connection.recv(65536)
    except (ConnectionResetError, BrokenPipeError):
        return received
