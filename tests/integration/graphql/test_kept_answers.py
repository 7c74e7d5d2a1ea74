"""Answers that the service keeps, over the real database: what changes them, and what ends a transaction."""

import asyncio
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import neo4j
import pytest

from arete_graphql import answer_cache
from arete_graphql.settings import ApiSettings, Limits
from arete_queries import reads
from arete_queries.engine import EngineAddress
from arete_queries.exclusion import exclude
from arete_queries.load import load_run
from arete_queries.runner import QueryRunner
from run_builder import random_run

pytestmark = pytest.mark.integration

GRAPH = {"query": '{ class(id: "kept/0") { graph { vertices { channel { id label } rank } edges { source count } } } }'}
ENDLESS = "UNWIND range(1, 100000000000) AS i WITH i WHERE i < 0 RETURN count(i) AS endless"


@pytest.fixture
def noted(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the statements sent so far; the version of the data is asked for before each request."""
    monkeypatch.setattr(answer_cache, "VERSION_S", 0.0)
    return []


def connecting(engine: EngineAddress, statements: list[str]) -> Callable[[], Any]:
    class Noting(QueryRunner):
        async def run(self, name: str, *args: Any, **options: Any) -> Any:
            statements.append(name)
            return await super().run(name, *args, **options)

    async def connect() -> QueryRunner:
        return await Noting.connect(engine.bolt_url, engine.user, engine.password)

    return connect


def test_a_kept_answer_is_read_again_after_every_change_and_only_then(
    serve: Any, engine: EngineAddress, engine_driver: neo4j.Driver, noted: list[str], tmp_path: Path
) -> None:
    folder = random_run(tmp_path / "run", run_id="kept", class_count=2, seed=1)

    async def change(function: Callable[[QueryRunner], Any]) -> None:
        async with await QueryRunner.connect(engine.bolt_url, engine.user, engine.password) as runner:
            await function(runner)

    asyncio.run(change(lambda runner: load_run(runner, folder, replace=True)))
    with serve(ApiSettings(port=0, viewer=tmp_path), connecting(engine, noted)) as http:

        def ask() -> tuple[Any, str, list[str]]:
            noted.clear()
            answer = http.post("/graphql", json=GRAPH)
            assert "errors" not in answer.json(), answer.text
            return answer.json(), answer.headers["etag"], list(noted)

        before, tag, statements = ask()
        assert statements == ["class_graph"]
        for _ in range(3):
            assert ask() == (before, tag, [])
        # A group does not touch this graph: worked out again, and the same.
        asyncio.run(change(lambda runner: reads.create_group(runner, "kept", "both", ["kept/0", "kept/1"])))
        assert ask() == (before, tag, statements)
        assert ask() == (before, tag, [])
        # Excluding a channel of the graph does.
        channel = before["data"]["class"]["graph"]["vertices"][0]["channel"]["id"]
        asyncio.run(change(lambda runner: exclude(runner, "kept", [channel.removeprefix("kept/")])))
        after, changed, statements = ask()
        assert changed != tag
        assert channel not in str(after)
        assert statements
        # So does a label that somebody gives in Neo4j Browser.
        other = after["data"]["class"]["graph"]["vertices"][0]["channel"]["id"]
        engine_driver.execute_query("MATCH (c:Channel {id: $id}) SET c.label = 'dog ears'", id=other)
        assert "dog ears" in str(ask()[0])
        # And a run that is loaded anew.
        asyncio.run(change(lambda runner: load_run(runner, folder, replace=True)))
        engine_driver.execute_query("MATCH (c:Channel {id: $id}) REMOVE c.label", id=other)
        assert "dog ears" not in str(ask()[0])


def running(driver: neo4j.Driver) -> int:
    rows, _, _ = driver.execute_query(
        "SHOW TRANSACTIONS YIELD currentQuery WHERE currentQuery CONTAINS 'AS endless' "
        "AND NOT currentQuery CONTAINS 'SHOW' RETURN count(*) AS n"
    )
    return rows[0]["n"]


def wait_for(check: Callable[[], bool], seconds: float) -> None:
    ends = time.monotonic() + seconds
    while not check():
        assert time.monotonic() < ends, f"not within {seconds} s"
        time.sleep(0.05)


def test_who_goes_away_takes_the_transaction_along(
    serve: Any, engine: EngineAddress, engine_driver: neo4j.Driver, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    async def forever(runner: Any) -> list[Any]:
        # No statement of ours takes this long, so one is sent past the runner.
        async with runner._driver.session() as session:
            await (await session.run(ENDLESS)).consume()
        return []

    monkeypatch.setattr(reads, "list_runs", forever)
    body = b'{"query": "{ runs { id } }"}'
    head = b"POST /graphql HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
    limits = Limits(concurrent=1, waiting=0)
    with serve(ApiSettings(port=0, viewer=tmp_path, limits=limits), connecting(engine, [])) as http:
        where = urlsplit(str(http.base_url))
        assert where.hostname
        assert where.port
        with socket.create_connection((where.hostname, where.port)) as caller:
            caller.sendall(head % len(body) + body)
            wait_for(lambda: running(engine_driver) == 1, 20)
        wait_for(lambda: running(engine_driver) == 0, 20)
        monkeypatch.undo()
        # Its place was given back.
        assert http.post("/graphql", json={"query": "{ runs { id } }"}).status_code == 200
