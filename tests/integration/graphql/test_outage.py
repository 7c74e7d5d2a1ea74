"""The database is down at the start, is killed in the middle, comes back elsewhere; a statement takes too long.

These tests have an engine of their own, so that the one that others share is not touched.
"""

import asyncio
import os
import signal
import threading
import time
from pathlib import Path
from typing import Any

import neo4j
import pytest

from arete_core.errors import DatabaseUnavailableError
from arete_graphql.answer_cache import VERSION_S
from arete_graphql.settings import ApiSettings, Limits
from arete_queries import reads
from arete_queries.engine import EngineSettings, RunningEngine, start_engine
from arete_queries.load import load_run
from arete_queries.runner import QueryRunner
from run_builder import random_run

pytestmark = pytest.mark.integration

RUNS = {"query": "{ runs { id } }"}


def wait_for(what: str, check: Any, seconds: float) -> float:
    """Waits until `check()` holds; returns the seconds that it took."""
    started = time.monotonic()
    while not check():
        assert time.monotonic() - started < seconds, f"{what}: not within {seconds} s"
        time.sleep(0.1)
    return time.monotonic() - started


@pytest.mark.timeout(600)  # starts two engines, one after the other
def test_the_service_outlives_its_database(serve: Any, engine_jars: Path, tmp_path: Path) -> None:
    settings = EngineSettings(home=tmp_path / "home", heap_mb=512, page_cache_mb=64, jars_folder=engine_jars)
    run = random_run(tmp_path / "run", run_id="alone", class_count=2)
    engine: RunningEngine | None = None

    async def connect() -> QueryRunner:
        if engine is None:
            raise DatabaseUnavailableError("no engine runs", hint="start it with `arete db start`")
        return await QueryRunner.connect(engine.address.bolt_url, engine.address.user, engine.address.password)

    async def load() -> None:
        async with await connect() as runner:
            await load_run(runner, run)

    try:
        with serve(ApiSettings(port=0, viewer=tmp_path), connect) as http:

            def answers() -> bool:
                return http.post("/graphql", json=RUNS).json() == {"data": {"runs": [{"id": "alone"}]}}

            def check_down() -> None:
                started = time.monotonic()
                asked = http.post("/graphql", json=RUNS)
                assert asked.status_code == 200
                error = asked.json()["errors"][0]
                assert error["extensions"]["code"] == "DATABASE_UNAVAILABLE"
                assert error["extensions"]["hint"]
                assert http.get("/readyz").status_code == 503
                assert http.get("/healthz").status_code == 200
                assert time.monotonic() - started < 15  # told, not left hanging

            # Down at the start.
            check_down()

            # It comes.
            engine = start_engine(settings)
            asyncio.run(load())
            wait_for("the first answer", answers, 10)
            assert http.get("/readyz").status_code == 200
            first_port = engine.address.bolt_url

            # It is killed in the middle.
            os.kill(engine.address.pid, signal.SIGKILL)
            engine.stop()
            time.sleep(VERSION_S)  # until then an answer that was kept is good
            check_down()

            # It comes back, at another address.
            engine = start_engine(settings)
            assert engine.address.bolt_url != first_port
            wait_for("healing", answers, 10)
            assert http.get("/readyz").status_code == 200
    finally:
        if engine is not None:
            engine.stop()


def test_a_request_given_up_ends_its_transaction(
    serve: Any, engine: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    async def connect() -> QueryRunner:
        return await QueryRunner.connect(engine.bolt_url, engine.user, engine.password)

    async def forever(runner: Any) -> list[Any]:
        # No statement of ours takes this long, so one is sent past the runner.
        async with runner._driver.session() as session:
            endless = "UNWIND range(1, 100000000000) AS i WITH i WHERE i < 0 RETURN count(i) AS endless"
            await (await session.run(endless)).consume()
        return []

    def running(driver: Any) -> int:
        rows, _, _ = driver.execute_query("SHOW TRANSACTIONS YIELD currentQuery WHERE currentQuery CONTAINS 'endless' "
                                          "AND NOT currentQuery CONTAINS 'SHOW' RETURN count(*) AS n")  # fmt: skip
        return rows[0]["n"]

    answers: list[Any] = []
    monkeypatch.setattr(reads, "list_runs", forever)
    with (
        neo4j.GraphDatabase.driver(engine.bolt_url, auth=(engine.user, engine.password)) as driver,
        serve(ApiSettings(port=0, viewer=tmp_path, limits=Limits(timeout_s=5)), connect) as http,
    ):
        asked = threading.Thread(target=lambda: answers.append(http.post("/graphql", json=RUNS)))
        asked.start()
        wait_for("the transaction", lambda: running(driver) == 1, 5)
        asked.join()
        (answer,) = answers
        assert answer.status_code == 504
        assert answer.json()["errors"][0]["extensions"]["code"] == "TIMEOUT"
        wait_for("the transaction's end", lambda: running(driver) == 0, 10)
        # And the service goes on.
        monkeypatch.undo()
        assert http.get("/readyz").status_code == 200
