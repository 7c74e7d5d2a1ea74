"""`kill -9`, of the loader and of the database: nothing is half, and the same call goes on."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import neo4j
import pytest
from loaded_runs import Dump

from arete_core.errors import DatabaseUnavailableError, NotFoundError
from arete_queries.delete import delete_run
from arete_queries.engine import EngineAddress, EngineSettings, start_engine
from arete_queries.load import load_run
from arete_queries.reads import class_graph, list_runs
from arete_queries.runner import QueryRunner
from run_builder import random_run

pytestmark = [pytest.mark.integration, pytest.mark.anyio]

LOADER = """
import asyncio, os, sys
from arete_core.run_folder import RunFolder
from arete_queries import write_class
from arete_queries.load import load_run
from arete_queries.runner import QueryRunner

write_class.BATCH = 50

async def main():
    url, user, folder = sys.argv[1:]
    async with await QueryRunner.connect(url, user, os.environ["PASSWORD"]) as runner:
        print("ready", flush=True)
        await load_run(runner, RunFolder.open(folder))

asyncio.run(main())
"""


def start_loader(engine: EngineAddress, folder: Path) -> "subprocess.Popen[bytes]":
    loader = subprocess.Popen(
        [sys.executable, "-c", LOADER, engine.bolt_url, engine.user, str(folder)],
        env={**os.environ, "PASSWORD": engine.password},
        stdout=subprocess.PIPE,
    )
    assert loader.stdout
    assert loader.stdout.readline() == b"ready\n"
    return loader


async def edges_of(runner: QueryRunner, run: str) -> int:
    states = await runner.run("class_states", {"run": run})
    counts = [await runner.run("count_class", {"class": state["key"]}) for state in states]
    return sum(rows[0]["influences"] for rows in counts)


async def test_a_killed_loader_leaves_nothing_half_and_no_lock(
    clean_database: EngineAddress, runner: QueryRunner, tmp_path: Path, dump: Callable[[], Dump]
) -> None:
    folder = random_run(tmp_path / "run", class_count=5, sizes=(20, 30, 30, 20), edges_per_target=8)
    await load_run(runner, folder)
    whole = dump()
    total = len(whole["influences"])
    await delete_run(runner, "tiny")
    kills = 0
    for share in (0.02, 0.3, 0.7):  # of the edges, after which the loader is killed
        with start_loader(clean_database, folder.path) as loader:
            while loader.poll() is None and await edges_of(runner, "tiny") < share * total:
                await asyncio.sleep(0.01)
            loader.kill()
            kills += loader.wait() == -signal.SIGKILL
        assert await list_runs(runner) == ()
        with pytest.raises(NotFoundError):
            await class_graph(runner, "tiny/0", mass=1.0)
        assert await edges_of(runner, "tiny") >= share * total  # the next one goes on from here
    assert kills == 3
    await load_run(runner, folder)
    assert dump() == whole


async def test_a_killed_database_goes_on_where_it_was(engine_jars: Path, tmp_path: Path) -> None:
    """An engine of this test's own, killed without warning while a load writes into it, and started again."""
    settings = EngineSettings(home=tmp_path / "home", heap_mb=512, page_cache_mb=128, jars_folder=engine_jars)
    folder = random_run(tmp_path / "run", class_count=6, sizes=(30, 40, 40), edges_per_target=15)

    def content(address: EngineAddress) -> tuple[object, ...]:
        with neo4j.GraphDatabase.driver(address.bolt_url, auth=(address.user, address.password)) as driver:
            rows, _, _ = driver.execute_query(
                "MATCH ()-[r:INFLUENCES]->() MATCH (c:Class {key: r.class}) "
                "WITH c, count(*) AS edges, sum(r.count) AS counts "
                "MATCH (c)-[a:ACTIVATES]->() "
                "WITH c, edges, counts, a.rank AS rank ORDER BY rank "
                "RETURN c.id AS id, edges, counts, collect(rank) AS ranks ORDER BY id"
            )
        return tuple(tuple(row.values()) for row in rows)

    with start_engine(settings) as engine:
        address = engine.address
        async with await QueryRunner.connect(address.bolt_url, address.user, address.password) as runner:
            load = asyncio.create_task(load_run(runner, folder))
            while not load.done() and await edges_of(runner, "tiny") < 2_000:
                await asyncio.sleep(0.01)
            assert not load.done()
            assert address.pid
            os.kill(address.pid, signal.SIGKILL)
            started = time.monotonic()
            with pytest.raises(DatabaseUnavailableError):
                await load
            assert time.monotonic() - started < 60
    with start_engine(settings) as engine:
        address = engine.address
        async with await QueryRunner.connect(address.bolt_url, address.user, address.password) as runner:
            assert await list_runs(runner) == ()
            assert 2_000 <= await edges_of(runner, "tiny") < len(folder.table("influences"))
            report = await load_run(runner, folder)
            assert 0 < report.classes_loaded < 6
            continued = content(address)
            await delete_run(runner, "tiny")
            await load_run(runner, folder)
            assert content(address) == continued
            assert sum(row[1] for row in continued) == len(folder.table("influences"))  # type: ignore[misc]
