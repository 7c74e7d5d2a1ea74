"""The runner: what it sends, what it refuses, and how it says that the database is gone."""

import asyncio
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tcp_proxy import proxy_to

from arete_core.errors import CapabilityError, DatabaseError, DatabaseUnavailableError, ReadOnlyError, SettingError
from arete_core.progress import SilentProgress
from arete_queries import runner as runner_module
from arete_queries import transaction as transaction_module
from arete_queries.engine import EngineAddress
from arete_queries.load import load_run
from arete_queries.reads import class_graph, list_runs
from arete_queries.runner import QueryRunner
from arete_queries.statements import Statement, literal, parse_statement, statements
from run_builder import random_run

pytestmark = [pytest.mark.integration, pytest.mark.anyio]

Execute = Callable[..., list[dict[str, Any]]]
QUICKLY_S = 12.0
"""The driver alone would wait 60 s and more. RETRY_S of trying again, a connection's timeout, and a slow machine."""


@pytest.fixture
def statement(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Adds a statement for the time of a test."""
    known: dict[str, Statement] = dict(statements())
    monkeypatch.setattr(transaction_module, "statements", lambda: known)

    def add(text: str, *, access: str = "read", params: str = "none", columns: str = "none") -> None:
        header = f"// name: extra\n// access: {access}\n// params: {params}\n// columns: {columns}\n// A test's own.\n"
        known["extra"] = parse_statement(header + text, "extra.cypher")

    return add


async def test_rows_are_what_the_header_declares(runner: QueryRunner, statement: Callable[..., None]) -> None:
    statement("UNWIND range(1, $n) AS i RETURN i, 'x' AS text", params="n: int", columns="i: int, text: string")
    assert await runner.run("extra", {"n": 2}) == [{"i": 1, "text": "x"}, {"i": 2, "text": "x"}]


@pytest.mark.parametrize("params", [None, {}, {"m": 1}, {"n": 1, "m": 1}, {"n": "1"}, {"n": 1.0}, {"n": None}])
async def test_other_parameters_are_a_mistake(
    runner: QueryRunner, statement: Callable[..., None], params: dict[str, Any] | None
) -> None:
    statement("RETURN $n AS n", params="n: int", columns="n: int")
    with pytest.raises(TypeError, match="extra: "):
        await runner.run("extra", params)


@pytest.mark.parametrize("columns", ["m: int", "n: int, m: int", "none", "m: int, n: int"])
async def test_other_columns_are_a_mistake(runner: QueryRunner, statement: Callable[..., None], columns: str) -> None:
    statement("RETURN 1 AS n", columns=columns)
    with pytest.raises(TypeError, match="were declared, found"):
        await runner.run("extra")


async def test_an_unknown_statement_is_a_mistake(runner: QueryRunner) -> None:
    with pytest.raises(KeyError, match="nothing_of_the_kind"):
        await runner.run("nothing_of_the_kind")


async def test_the_server_knows_who_asks_and_when_to_give_up(
    runner: QueryRunner, statement: Callable[..., None], execute: Execute
) -> None:
    statement(
        "SHOW TRANSACTIONS YIELD metaData, currentQuery WHERE metaData.app IS NOT NULL RETURN metaData AS metadata",
        columns="metadata: map",
    )
    rows = await runner.run("extra")
    assert {"app": "arete", "query": "extra"} in [row["metadata"] for row in rows]


async def test_a_slow_statement_is_ended_by_the_server(
    runner: QueryRunner, statement: Callable[..., None], execute: Execute
) -> None:
    statement("UNWIND range(1, 20000) AS a UNWIND range(1, 20000) AS b RETURN count(a + b) AS n", columns="n: int")
    started = time.monotonic()
    with pytest.raises(DatabaseUnavailableError, match="extra: the database gave up, the statement took too long"):
        await runner.run("extra", timeout_s=0.5)
    assert time.monotonic() - started < QUICKLY_S
    await nothing_runs(execute, "extra")


async def test_cancelling_ends_the_statement_in_the_server(
    runner: QueryRunner, statement: Callable[..., None], execute: Execute
) -> None:
    statement("UNWIND range(1, 50000) AS a UNWIND range(1, 50000) AS b RETURN count(a + b) AS n", columns="n: int")
    task = asyncio.create_task(runner.run("extra"))
    await asyncio.sleep(1.0)
    assert [row["q"] for row in running(execute) if row["q"] == "extra"]
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await nothing_runs(execute, "extra")
    assert await runner.run("ping") == [{"one": 1}]


def running(execute: Execute) -> list[dict[str, Any]]:
    return execute("SHOW TRANSACTIONS YIELD metaData RETURN metaData.query AS q")


async def nothing_runs(execute: Execute, name: str) -> None:
    for _ in range(100):
        if name not in [row["q"] for row in running(execute)]:
            return
        await asyncio.sleep(0.1)
    raise AssertionError(f"{name} still runs in the server")


async def test_a_read_cannot_write(runner: QueryRunner, statement: Callable[..., None], execute: Execute) -> None:
    statement("CREATE (:Sneaked) RETURN 1 AS n", columns="n: int")
    with pytest.raises(DatabaseError, match="takes no writes"):
        await runner.run("extra")
    assert execute("MATCH (n:Sneaked) RETURN n") == []


async def test_an_explicit_transaction_is_all_or_nothing(
    clean_database: EngineAddress, runner: QueryRunner, statement: Callable[..., None], execute: Execute
) -> None:
    statement("CREATE (:Thing {n: $n})", access="write", params="n: int")

    async def fail_in_python() -> None:
        async with runner.transaction("things") as transaction:
            await transaction.run("extra", {"n": 1})
            raise ZeroDivisionError

    async def fail_in_the_database() -> None:
        async with runner.transaction("things") as transaction:
            await transaction.run("extra", {"n": 2})
            statement("RETURN nonsense AS n", columns="n: int")
            await transaction.run("extra")

    with pytest.raises(ZeroDivisionError):
        await fail_in_python()
    with pytest.raises(DatabaseError, match="SyntaxError"):
        await fail_in_the_database()
    assert execute("MATCH (n:Thing) RETURN n.n AS n") == []
    statement("CREATE (:Thing {n: $n})", access="write", params="n: int")
    async with runner.transaction("things") as transaction:
        await transaction.run("extra", {"n": 3})
        await transaction.run("extra", {"n": 4})
    assert execute("MATCH (n:Thing) RETURN n.n AS n ORDER BY n") == [{"n": 3}, {"n": 4}]


async def test_errors_name_the_statement_and_what_helps(runner: QueryRunner, statement: Callable[..., None]) -> None:
    statement("RETURN nonsense AS n", columns="n: int")
    with pytest.raises(DatabaseError, match=r"extra: Neo\.ClientError\.Statement\.SyntaxError"):
        await runner.run("extra")
    statement("CALL gds.nothing.like.this() YIELD x RETURN x AS n", columns="n: int")
    with pytest.raises(CapabilityError, match="lacks a procedure") as caught:
        await runner.run("extra")
    assert "Graph Data Science" in caught.value.hint
    statement("UNWIND range(1, 100000000) AS i WITH collect(i) AS numbers RETURN size(numbers) AS n", columns="n: int")
    with pytest.raises(DatabaseError, match="ran out of memory") as caught:
        await runner.run("extra", timeout_s=60)
    assert "heap" in caught.value.hint


@pytest.mark.parametrize(
    "value",
    [
        None, True, False, 0, -1, 2**63 - 1, -(2**63), 0.1, -1e300, 5e-324, "", "it's", "a\\'b", "\\u0027", "\\",
        'say "so"', "`tick`", "line\nbreak\r\ttab", "\x00\x1f\x7f\x85\u2028\u2029", "ünï→😀", "$n", "// no comment",
        "/* nor */ this", "'; MATCH (n) DETACH DELETE n //", [1, "a'", None, [2.5]], {"a`b": {"c": [1]}, "plain": "x"},
    ],
)  # fmt: skip
async def test_literals_mean_the_value(runner: QueryRunner, execute: Execute, value: object) -> None:
    assert execute(f"RETURN {literal(value)} AS value") == [{"value": value}]


# --- the database is not there, or goes away


async def test_no_database_at_all() -> None:
    started = time.monotonic()
    with pytest.raises(DatabaseUnavailableError, match="cannot be reached") as caught:
        await QueryRunner.connect("bolt://127.0.0.1:9", "neo4j", "secret")
    assert "arete db start" in caught.value.hint
    assert time.monotonic() - started < QUICKLY_S


@pytest.mark.parametrize("url", ["", "localhost", "http://localhost:7474", "bolt://", "ftp://x:1", "bolt://x:port"])
async def test_what_is_no_address(url: str) -> None:
    with pytest.raises((SettingError, DatabaseUnavailableError)) as caught:
        await QueryRunner.connect(url, "neo4j", "secret")
    assert caught.value.hint


async def test_a_wrong_password(engine: EngineAddress) -> None:
    with pytest.raises(DatabaseUnavailableError, match="refuses this user and password") as caught:
        await QueryRunner.connect(engine.bolt_url, engine.user, "wrong")
    assert "ARETE_NEO4J_PASSWORD" in caught.value.hint
    assert "wrong" not in str(caught.value)


async def test_a_database_name_that_does_not_exist(engine: EngineAddress) -> None:
    with pytest.raises(DatabaseError, match="nosuch"):
        await QueryRunner.connect(engine.bolt_url, engine.user, engine.password, database="nosuch")


async def test_a_host_that_accepts_and_says_nothing() -> None:
    open_: list[asyncio.StreamWriter] = []

    async def keep(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        open_.append(writer)

    server = await asyncio.start_server(keep, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    started = time.monotonic()
    with pytest.raises(DatabaseUnavailableError):
        await QueryRunner.connect(f"bolt://127.0.0.1:{port}", "neo4j", "secret")
    assert time.monotonic() - started < QUICKLY_S
    for writer in open_:
        writer.transport.abort()
    server.close()


async def test_a_lost_connection_is_tried_again(engine: EngineAddress) -> None:
    async with (
        proxy_to(engine.bolt_url) as (proxy, url),
        await QueryRunner.connect(url, engine.user, engine.password) as runner,
    ):
        for _ in range(3):
            proxy.cut()
            assert await runner.run("ping") == [{"one": 1}]


async def test_a_database_that_stops_and_comes_back(engine: EngineAddress) -> None:
    async with (
        proxy_to(engine.bolt_url) as (proxy, url),
        await QueryRunner.connect(url, engine.user, engine.password) as runner,
    ):
        await proxy.refuse()
        started = time.monotonic()
        for call in (list_runs(runner), class_graph(runner, "tiny/0"), runner.check()):
            with pytest.raises(DatabaseUnavailableError, match="cannot be reached"):
                await call
        assert time.monotonic() - started < 3 * QUICKLY_S
        await proxy.listen()
        assert await runner.run("ping") == [{"one": 1}]


async def test_a_database_that_hangs(engine: EngineAddress, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transaction_module, "GRACE_S", 0.5)
    monkeypatch.setattr(runner_module, "RETRY_S", 0.5)
    async with (
        proxy_to(engine.bolt_url) as (proxy, url),
        await QueryRunner.connect(url, engine.user, engine.password) as runner,
    ):
        proxy.hold()
        started = time.monotonic()
        with pytest.raises(DatabaseUnavailableError, match="ping: the database did not answer within"):
            await runner.run("ping", timeout_s=1.0)
        assert time.monotonic() - started < QUICKLY_S
        proxy.flow()
        assert await runner.run("ping") == [{"one": 1}]


async def test_a_database_that_goes_away_in_the_middle_of_a_load(
    clean_database: EngineAddress, runner: QueryRunner, tmp_path: Path
) -> None:
    folder = random_run(tmp_path / "run", class_count=6, sizes=(20, 30, 30), edges_per_target=10)

    async with proxy_to(clean_database.bolt_url) as (proxy, url):

        class CutAfter(SilentProgress):
            """Cuts the line when the second class is done."""

            def task(self, *args: Any, **kwargs: Any) -> Any:
                advanced = 0
                scope = super().task(*args, **kwargs)

                class Cutting:
                    def __enter__(self) -> Any:
                        scope.__enter__()
                        return self

                    def __exit__(self, *error: Any) -> None:
                        scope.__exit__(*error)

                    def advance(self, steps: int = 1) -> None:
                        nonlocal advanced
                        advanced += steps
                        if advanced == 2:
                            proxy.cut()
                            gone.append(asyncio.create_task(proxy.refuse()))

                return Cutting()

        gone: list[asyncio.Task[None]] = []
        async with await QueryRunner.connect(url, clean_database.user, clean_database.password) as through:
            started = time.monotonic()
            with pytest.raises(DatabaseUnavailableError):
                await load_run(through, folder, progress=CutAfter())
            assert time.monotonic() - started < 60
        await asyncio.gather(*gone)
    assert await list_runs(runner) == ()
    report = await load_run(runner, folder)
    assert (report.classes, report.classes_loaded) == (6, 4)


async def test_a_runner_that_only_reads_sends_no_write(clean_database: EngineAddress) -> None:
    address = clean_database
    async with await QueryRunner.connect(
        address.bolt_url, address.user, address.password, read_only=True
    ) as only_reads:
        assert await only_reads.run("ping")
        with pytest.raises(ReadOnlyError, match="schema_run_id"):
            await only_reads.run("schema_run_id")
        with pytest.raises(ReadOnlyError):
            async with only_reads.transaction("hold_run"):
                pass
