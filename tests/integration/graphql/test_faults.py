"""What goes wrong in real life, made to go wrong: each fault ends in a bounded, typed error, and heals by itself.

The engine that is killed and run out of disk is this module's own; the other faults are made between the service and
the engine that all tests share.
"""

import asyncio
import os
import resource
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest
from tcp_proxy import Proxy, proxy_to

from arete_core.errors import DatabaseError
from arete_core.run_folder import RunFolder
from arete_graphql import answer_cache, context
from arete_graphql.settings import ApiSettings, Limits
from arete_queries.delete import delete_run
from arete_queries.engine import EngineAddress, EngineKeeper, EngineSettings, start_engine
from arete_queries.engine import keeper as keeper_module
from arete_queries.exclusion import exclude
from arete_queries.load import load_run
from arete_queries.runner import QueryRunner
from run_builder import random_run

pytestmark = pytest.mark.integration

GRAPH = {"query": '{ class(id: "faults/0") { name graph { vertices { channel { id } rank } edges { source } } } }'}
RUNS = {"query": "{ runs { id } }"}
DOWN = frozenset({"DATABASE_UNAVAILABLE", "DATABASE", "BUSY", "TIMEOUT"})
"""What a caller may hear while the database is away."""
LONGEST_S = 35.0
"""No answer takes longer, whatever happens: the request's own limit and a busy machine."""


def connecting(address: Callable[[], EngineAddress]) -> Callable[[], Any]:
    async def connect() -> QueryRunner:
        now = address()
        return await QueryRunner.connect(now.bolt_url, now.user, now.password, timeout_s=20.0)

    return connect


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    return random_run(tmp_path_factory.mktemp("faults") / "run", run_id="faults", class_count=4, seed=5)


@pytest.fixture(scope="module")
def keepers(engine_jars: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[EngineKeeper, EngineKeeper]]:
    """Two services' hold on one engine: the first one has started it, the second one found it there."""
    settings = EngineSettings(
        home=tmp_path_factory.mktemp("own-engine"),
        heap_mb=384,
        page_cache_mb=64,
        jars_folder=engine_jars,
        java_options=("-XX:TieredStopAtLevel=1",),
        start_timeout_s=200.0,
    )
    with (
        EngineKeeper(settings, start_engine(settings)) as first,
        EngineKeeper(settings, start_engine(settings)) as second,
    ):
        yield first, second


async def load(address: EngineAddress, folder: RunFolder) -> None:
    async with await QueryRunner.connect(address.bolt_url, address.user, address.password) as runner:
        await load_run(runner, folder, replace=True)


@pytest.fixture
def shared(engine: EngineAddress, folder: RunFolder) -> EngineAddress:
    """The engine that all tests share, with the run of this module."""
    asyncio.run(load(engine, folder))
    return engine


class Crowd:
    """People who ask without a pause, until told to stop; what they heard is kept."""

    def __init__(self, urls: list[str]) -> None:
        self._urls = urls
        self.heard: Counter[str] = Counter()
        self.slowest_s = 0.0
        self.wrong: list[str] = []
        self.stop = asyncio.Event()

    async def ask(self, expected: list[Any]) -> None:
        """Runs eight people; answers with data must be one of those expected."""
        async with httpx.AsyncClient(timeout=120) as http, asyncio.TaskGroup() as people:
            for number in range(8):
                people.create_task(self._person(http, self._urls[number % len(self._urls)], expected))
            await self.stop.wait()

    async def _person(self, http: httpx.AsyncClient, url: str, expected: list[Any]) -> None:
        while not self.stop.is_set():
            started = time.monotonic()
            answer = await http.post(url + "graphql", json=GRAPH)
            self.slowest_s = max(self.slowest_s, time.monotonic() - started)
            body = answer.json()
            errors = body.get("errors")
            if errors:
                codes = {error["extensions"]["code"] for error in errors}
                self.heard.update(codes)
                if not all(error["message"] and error["extensions"]["requestId"] for error in errors):
                    self.wrong.append(answer.text)
                # As a client would after an error, the service's own pages too.
                await asyncio.sleep(0.05)
            else:
                self.heard["data"] += 1
                if body["data"] not in expected:
                    self.wrong.append(answer.text)
            await asyncio.sleep(0.01)


def healthy(http: httpx.Client, expected: Any) -> bool:
    answer = http.post("/graphql", json=GRAPH).json()
    return "errors" not in answer and answer["data"] == expected


async def eventually(check: Callable[[], bool], seconds: float) -> None:
    ends = time.monotonic() + seconds
    while not await asyncio.to_thread(check):
        assert time.monotonic() < ends, f"not within {seconds} s"
        await asyncio.sleep(0.1)


@pytest.mark.timeout(600)  # starts an engine twice
def test_a_killed_engine_is_started_again_under_two_services_on_one_store(
    serve: Any, keepers: Any, folder: RunFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(context, "RETRY_S", 0.2)
    first, second = keepers
    with ExitStack() as stack:
        assert first.address == second.address
        asyncio.run(load(first.address, folder))
        settings = ApiSettings(port=0, viewer=tmp_path, limits=Limits(cache_bytes=0))
        services = [
            stack.enter_context(serve(settings, connecting(lambda keeper=keeper: keeper.address)))
            for keeper in (first, second)
        ]
        expected = services[0].post("/graphql", json=GRAPH).json()["data"]
        assert expected["class"]["graph"]["vertices"]
        assert healthy(services[1], expected)

        async def story() -> Crowd:
            crowd = Crowd([str(http.base_url) for http in services])
            asking = asyncio.create_task(crowd.ask([expected]))
            await asyncio.sleep(0.5)
            before = first.address.pid
            os.kill(before, signal.SIGKILL)
            await eventually(lambda: first.address.pid != before and second.address.pid != before, 200)
            for http in services:
                await eventually(lambda http=http: healthy(http, expected), 60)
            crowd.stop.set()
            await asking
            return crowd

        crowd = asyncio.run(story())
        assert first.address == second.address
        assert crowd.wrong == []
        assert crowd.heard.keys() <= DOWN | {"data"}
        assert crowd.heard["data"] > 0
        assert crowd.heard["DATABASE_UNAVAILABLE"] > 0
        assert crowd.slowest_s < LONGEST_S
        for http in services:
            assert http.get("/readyz").status_code == 200


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux limits the files of a running process")
@pytest.mark.timeout(600)  # starts an engine
def test_a_full_disk_ends_in_errors_and_the_engine_is_started_again(
    serve: Any, keepers: Any, folder: RunFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The disk is made full for the engine alone: the kernel lets none of its files grow any more.

    Neo4j cannot write its log then, and refuses everything from then on, reads too, until it is started again.
    """
    monkeypatch.setattr(keeper_module, "ASK_S", 1.0)
    monkeypatch.setattr(context, "RETRY_S", 0.2)
    other = random_run(tmp_path / "other", run_id="other", class_count=2, seed=6)
    keeper = keepers[0] if keepers[0].owned else keepers[1]
    asyncio.run(load(keeper.address, folder))
    settings = ApiSettings(port=0, viewer=tmp_path, limits=Limits(cache_bytes=0))
    with serve(settings, connecting(lambda: keeper.address)) as http:
        expected = http.post("/graphql", json=GRAPH).json()["data"]
        pid = keeper.address.pid
        _, hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (4096, hard))
        with pytest.raises(DatabaseError):
            asyncio.run(load(keeper.address, other))
        answer = http.post("/graphql", json=GRAPH)
        assert answer.status_code in (200, 503)
        assert {error["extensions"]["code"] for error in answer.json().get("errors", ())} <= DOWN
        # The new process may write again: what was loaded is whole, and the load that failed goes through.
        asyncio.run(eventually(lambda: keeper.address.pid != pid, 120))
        asyncio.run(eventually(lambda: healthy(http, expected), 60))
        asyncio.run(load(keeper.address, other))
        assert {run["id"] for run in http.post("/graphql", json=RUNS).json()["data"]["runs"]} == {"faults", "other"}


@pytest.fixture
def proxied(serve: Any, shared: EngineAddress, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Returns a function that runs a story: the service, and the network between it and the database."""
    monkeypatch.setattr(context, "RETRY_S", 0.1)

    def run(story: Callable[[httpx.Client, Proxy, Any], Any], limits: Limits) -> None:
        async def whole() -> None:
            async with proxy_to(shared.bolt_url) as (proxy, url):

                async def connect() -> QueryRunner:
                    return await QueryRunner.connect(url, shared.user, shared.password, timeout_s=limits.statement_s)

                started = serve(ApiSettings(port=0, viewer=tmp_path, limits=limits), connect)
                http = await asyncio.to_thread(started.__enter__)
                try:
                    expected = (await asyncio.to_thread(http.post, "/graphql", json=GRAPH)).json()["data"]
                    assert expected["class"]["graph"]["vertices"]
                    await story(http, proxy, expected)
                    proxy.flow()
                    await eventually(lambda: healthy(http, expected), 30)
                finally:
                    proxy.flow()
                    await asyncio.to_thread(started.__exit__, None, None, None)

        asyncio.run(whole())

    return run


def test_a_connection_cut_in_the_middle_of_an_answer(proxied: Any) -> None:
    async def story(http: httpx.Client, proxy: Proxy, expected: Any) -> None:
        for after in (0, 1, 100, 3000):
            proxy.cut_after(after)
            started = time.monotonic()
            answer = await asyncio.to_thread(http.post, "/graphql", json=GRAPH)
            assert time.monotonic() - started < LONGEST_S
            assert answer.status_code == 200
            # A read is asked again on another connection: whole or an error, never a part.
            if "errors" in answer.json():
                assert answer.json()["errors"][0]["extensions"]["code"] == "DATABASE_UNAVAILABLE"
            else:
                assert answer.json()["data"] == expected

    proxied(story, Limits(cache_bytes=0))


def test_a_database_that_does_not_answer_any_more(proxied: Any) -> None:
    async def story(http: httpx.Client, proxy: Proxy, _: Any) -> None:
        proxy.hold()
        started = time.monotonic()
        answers = await asyncio.gather(
            *(asyncio.to_thread(httpx.post, str(http.base_url) + "graphql", json=GRAPH, timeout=60) for _ in range(6))
        )
        assert time.monotonic() - started < LONGEST_S
        # Two are let through and given up in time, one waits in vain, the others hear at once that it is of no use.
        codes = Counter(answer.json()["errors"][0]["extensions"]["code"] for answer in answers)
        assert codes.keys() <= {"TIMEOUT", "BUSY", "DATABASE_UNAVAILABLE"}
        assert codes["BUSY"] >= 3
        busy = next(answer for answer in answers if answer.status_code == 503)
        assert busy.headers["retry-after"] == "1"
        assert (await asyncio.to_thread(http.get, "/healthz")).status_code == 200

    proxied(story, Limits(cache_bytes=0, concurrent=2, waiting=1, wait_s=0.5, timeout_s=3.0, statement_s=2.0))


def test_a_slow_network_slows_the_answer_and_changes_nothing(proxied: Any) -> None:
    async def story(http: httpx.Client, proxy: Proxy, expected: Any) -> None:
        proxy.delay_s = 0.05
        assert await asyncio.to_thread(healthy, http, expected)
        proxy.delay_s = 0.0

    proxied(story, Limits())


def test_a_clock_that_jumps_ends_no_request_and_keeps_no_answer_for_ever(
    serve: Any, shared: EngineAddress, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The wall clock of the service's process jumps by a day, both ways; what counts seconds must not look at it."""
    real = time.time
    offset = 0.0
    monkeypatch.setattr(time, "time", lambda: real() + offset)
    with serve(ApiSettings(port=0, viewer=tmp_path), connecting(lambda: shared)) as http:
        expected = http.post("/graphql", json=GRAPH).json()["data"]
        for offset in (86_400.0, -86_400.0, 0.0):  # noqa: B007 - read by the clock
            assert healthy(http, expected)
            assert http.get("/readyz").status_code == 200
            time.sleep(answer_cache.VERSION_S)
            assert healthy(http, expected)


def test_loading_and_excluding_while_people_read(
    serve: Any, shared: EngineAddress, folder: RunFolder, tmp_path: Path
) -> None:
    async def change(work: Callable[[QueryRunner], Any]) -> None:
        async with await QueryRunner.connect(shared.bolt_url, shared.user, shared.password) as runner:
            await work(runner)

    with serve(ApiSettings(port=0, viewer=tmp_path), connecting(lambda: shared)) as http:
        whole = http.post("/graphql", json=GRAPH).json()["data"]
        channel = whole["class"]["graph"]["vertices"][0]["channel"]["id"].removeprefix("faults/")
        asyncio.run(change(lambda runner: exclude(runner, "faults", [channel])))
        time.sleep(answer_cache.VERSION_S)
        less = http.post("/graphql", json=GRAPH).json()["data"]
        assert less != whole
        other = random_run(tmp_path / "other", run_id="other-run", class_count=6, seed=7)

        async def story() -> Crowd:
            crowd = Crowd([str(http.base_url)])
            asking = asyncio.create_task(crowd.ask([whole, less]))
            for include in (True, False, True):
                await change(lambda runner, include=include: exclude(runner, "faults", [channel], include=include))
            await change(lambda runner: load_run(runner, other, replace=True))
            await change(lambda runner: delete_run(runner, "other-run"))
            crowd.stop.set()
            await asking
            return crowd

        crowd = asyncio.run(story())
        # Before or after, never between; and no reader waited for the loader.
        assert crowd.wrong == []
        assert crowd.heard.keys() == {"data"}
        time.sleep(answer_cache.VERSION_S)
        assert healthy(http, whole)
