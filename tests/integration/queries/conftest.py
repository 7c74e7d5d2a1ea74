"""Runs in the shared database, and ways to look at what is really there."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import neo4j
import pytest
from loaded_runs import Dump, Loaded, compute, read_dump, without_graph

from arete_queries.engine import EngineAddress
from arete_queries.groups import create_group
from arete_queries.load import load_run
from arete_queries.runner import QueryRunner
from run_builder import hand_worked_run, random_run, with_images


@dataclass
class Kept:
    """What the last module to load the four runs has left, with the state in which they were just loaded."""

    loaded: Loaded | None = None
    state: object = None


@pytest.fixture(scope="session")
def kept() -> Kept:
    """Empty before the first module that loads."""
    return Kept()


def state_of(driver: neo4j.Driver, loaded: Loaded) -> object:
    """What any change alters: the bookmark of the last write, and size and time of every file of the runs."""
    with driver.session(database="neo4j") as session:
        session.run("RETURN 1").consume()
        last_write = session.last_bookmarks().raw_values
    files = (path for folder in loaded.folders.values() for path in sorted(folder.path.rglob("*")))
    return last_write, [(path, path.stat().st_size, path.stat().st_mtime_ns) for path in files]


@pytest.fixture(scope="module")
def loaded(
    engine: EngineAddress, engine_driver: neo4j.Driver, tmp_path_factory: pytest.TempPathFactory, kept: Kept
) -> Loaded:
    """Four runs, for tests that only read; loaded again only where something was written since. The engine is the test
    run's own."""
    if kept.loaded is None or state_of(engine_driver, kept.loaded) != kept.state:
        kept.loaded = load_four(engine, engine_driver, tmp_path_factory.mktemp("runs"))
        kept.state = state_of(engine_driver, kept.loaded)
    return kept.loaded


def load_four(engine: EngineAddress, engine_driver: neo4j.Driver, base: Path) -> Loaded:
    """Empties the database and loads four runs."""
    engine_driver.execute_query("MATCH ()-[r]->() DELETE r")
    engine_driver.execute_query("MATCH (n) DETACH DELETE n")
    folders = [
        with_images(
            random_run(
                base / "tiny",
                class_count=8,
                sizes=(12, 20, 24, 16, 10),
                edges_per_target=7,
                excluded=[(1, 2), (3, 0)],
                pictures=True,
                scores=True,
                embeddings=True,
                seed=3,
            )
        ),
        random_run(base / "other", run_id="other", class_count=2, seed=4),
        hand_worked_run(base / "hand-worked"),
        without_graph(base / "cut-off"),
    ]

    async def load() -> None:
        async with await QueryRunner.connect(engine.bolt_url, engine.user, engine.password) as runner:
            for folder in folders:
                await load_run(runner, folder)
            await create_group(runner, "tiny", "bears", ["tiny/0", "tiny/1", "tiny/2"])

    asyncio.run(load())
    computed = {folder.manifest.id: compute(folder) for folder in folders}
    return Loaded(
        folders={folder.manifest.id: folder for folder in folders},
        data={run: data for run, (data, _) in computed.items()},
        classes={f"{run}/{one.index}": one for run, (_, classes) in computed.items() for one in classes},
    )


@pytest.fixture
def dump(engine_driver: neo4j.Driver) -> Callable[[], Dump]:
    """Reads everything in the database, see `read_dump`."""

    return lambda: read_dump(engine_driver)


@pytest.fixture
def execute(engine_driver: neo4j.Driver) -> Callable[..., list[dict[str, Any]]]:
    """Runs any Cypher text, as a person in Neo4j Browser would."""

    def run(text: Any, **params: Any) -> list[dict[str, Any]]:
        records, _, _ = engine_driver.execute_query(text, params)
        return [dict(record) for record in records]

    return run
