"""The service asks itself what the viewer asks, at start and after runs were loaded, and stops when it is stopped."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families
from viewer_operations import OPERATIONS, whole

from arete_graphql import warm_up
from arete_graphql.settings import ApiSettings
from arete_queries.delete import delete_run
from arete_queries.load import load_run
from arete_queries.runner import QueryRunner
from run_builder import random_run

pytestmark = pytest.mark.integration

QUERIES = {name: whole(text) for name, text in OPERATIONS.items() if "mutation" not in text}
START = Callable[..., AbstractContextManager[httpx.Client]]


@pytest.fixture
def start(service: Any, serve: START, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Starts a service that warms up, with so many turns; tells which statements were sent."""
    monkeypatch.setattr(warm_up, "LOOK_S", 0.2)
    (tmp_path / "operations.json").write_text(json.dumps(OPERATIONS | QUERIES))

    @contextmanager
    def run(turns: int, *, wanted: bool = True) -> Iterator[tuple[httpx.Client, list[str]]]:
        monkeypatch.setattr(warm_up, "TURNS", turns)
        monkeypatch.setattr(warm_up, "TURNS_AGAIN", 1)
        statements: list[str] = []

        async def connect() -> QueryRunner:
            runner = await service.connect()
            send = runner.run

            async def noting(name: str, *args: Any, **options: Any) -> Any:
                statements.append(name)
                return await send(name, *args, **options)

            monkeypatch.setattr(runner, "run", noting)
            return runner

        with serve(ApiSettings(port=0, viewer=tmp_path, warm_up=wanted), connect) as http:
            yield http, statements

    return run


def test_every_operation_is_asked_and_again_for_a_new_run(start: Any, service: Any, tmp_path: Path) -> None:
    async def change(change: Any, *args: Any) -> None:
        async with await service.connect() as runner:
            await change(runner, *args)

    with start(4) as (http, statements):
        wait_for(http, "done")
        first = asked(http)
        # Each operation in each turn; none was refused.
        assert first == 4 * len(QUERIES)
        assert {"class_graph", "class_graph_at_mass", "compare_graphs", "channel_in_class", "search_words"} <= {
            *statements
        }
        assert [name for name in statements if name.startswith(("create", "write", "mark"))] == []
        again = len(statements)
        time.sleep(1)
        assert asked(http) == first, "nothing has changed"
        try:
            service.read(load_run, random_run(tmp_path / "late", run_id="late", class_count=2, seed=5))
            deadline = time.monotonic() + 60
            while asked(http) < first + len(QUERIES):
                assert time.monotonic() < deadline
                time.sleep(0.1)
            wait_for(http, "done")
            assert "compare_graphs" in statements[again:]
        finally:
            service.read(delete_run, "late")


def test_a_service_that_is_stopped_stops_warming_up(start: Any) -> None:
    with start(10_000) as (http, statements):
        wait_for(http, "running")
        # It answers meanwhile.
        assert http.post("/graphql", json={"query": "{ runs { id } }"}).json()["data"]["runs"]
    sent = len(statements)
    time.sleep(0.5)
    assert len(statements) == sent


def test_it_stands_back_while_somebody_opens_the_viewer(start: Any) -> None:
    with start(10_000) as (http, _):
        wait_for(http, "running")
        assert http.get("/some-file.js").status_code == 404
        before = asked(http)
        for _ in range(20):
            http.get("/some-file.js")
            time.sleep(0.05)
        assert asked(http) <= before + 1, "what was under way is answered, and nothing else is asked"
        deadline = time.monotonic() + 60
        while asked(http) <= before + 1:
            assert time.monotonic() < deadline
            time.sleep(0.1)


def test_it_can_be_switched_off(start: Any) -> None:
    with start(4, wanted=False) as (http, statements):
        assert http.get("/readyz").json() == {"status": "ready", "warmUp": "off"}
        time.sleep(0.5)
        assert {*statements} <= {"runs", "run_folders"}
        assert asked(http) == 0


def wait_for(http: httpx.Client, state: str) -> None:
    deadline = time.monotonic() + 120
    while http.get("/readyz").json()["warmUp"] != state:
        assert time.monotonic() < deadline
        time.sleep(0.05)


def asked(http: httpx.Client) -> int:
    return next(
        int(sample.value)
        for family in text_string_to_metric_families(http.get("/metrics").text)
        for sample in family.samples
        if sample.name == "arete_warm_up_seconds_count"
    )
