"""The real Neo4j that the integration tests share: one for the whole run, on free ports, over a store of its own.

    @pytest.mark.integration
    @pytest.mark.anyio
    async def test_something(clean_database, runner): ...

The jars are kept between runs, in ARETE_ENGINE_CACHE or the checkout's `.arete/engine`.
"""

import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import neo4j
import pytest

from arete_queries.engine import EngineAddress, EngineSettings, start_engine
from arete_queries.engine.config import JARS_VARIABLE

if TYPE_CHECKING:
    from arete_queries.runner import QueryRunner

CHECKOUT = Path(__file__).parents[2]

# The tests' engines live for seconds: without Java's optimising compiler they start with half the work (4.6 instead of
# 8.9 s of processor time).
QUICK_START = ("-XX:TieredStopAtLevel=1",)


@pytest.fixture
def anyio_backend() -> str:
    """Async tests run on asyncio only, which the driver needs."""
    return "asyncio"


@pytest.fixture(scope="session")
def engine_jars() -> Path:
    """The folder of jars that all engines of a test run share."""
    return Path(os.environ.get(JARS_VARIABLE) or CHECKOUT / ".arete" / "engine")


@pytest.fixture(scope="session")
def engine(engine_jars: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[EngineAddress]:
    """The address of the engine of this test run. It is small: a heap of 512 MB, a page cache of 128 MB."""
    settings = EngineSettings(
        home=tmp_path_factory.mktemp("engine"),
        heap_mb=512,
        page_cache_mb=128,
        jars_folder=engine_jars,
        java_options=QUICK_START,
        start_timeout_s=290.0,  # a busy machine; pytest itself gives up after 300 s
    )
    with start_engine(settings) as running:
        yield running.address


@pytest.fixture(scope="session")
def engine_driver(engine: EngineAddress) -> Iterator[neo4j.Driver]:
    """A blocking driver on the engine of this test run, for looking at what a test has done."""
    with neo4j.GraphDatabase.driver(engine.bolt_url, auth=(engine.user, engine.password)) as driver:
        yield driver


@pytest.fixture
def clean_database(engine: EngineAddress, engine_driver: neo4j.Driver) -> EngineAddress:
    """The engine with an empty database: no node, no index, no constraint, no projection.

    Deletes only in the engine that `engine` started; there is no way to point it at another server.
    """
    with engine_driver.session(database="neo4j") as session:
        session.run("MATCH (n) CALL (n) { DETACH DELETE n } IN TRANSACTIONS OF 20000 ROWS").consume()
        for record in session.run("SHOW CONSTRAINTS YIELD name").fetch(1000):
            session.run(f"DROP CONSTRAINT `{record['name']}`").consume()  # pyright: ignore[reportArgumentType]
        for record in session.run("SHOW INDEXES YIELD name, type WHERE type <> 'LOOKUP'").fetch(1000):
            session.run(f"DROP INDEX `{record['name']}`").consume()  # pyright: ignore[reportArgumentType]
        for record in session.run("CALL gds.graph.list() YIELD graphName").fetch(1000):
            session.run("CALL gds.graph.drop($name)", name=record["graphName"]).consume()
    return engine


@pytest.fixture
async def runner(engine: EngineAddress) -> "AsyncIterator[QueryRunner]":
    """A runner on the engine of this test run. Ask for `clean_database` first where the test needs it empty."""
    from arete_queries.runner import QueryRunner

    async with await QueryRunner.connect(engine.bolt_url, engine.user, engine.password) as connected:
        yield connected
