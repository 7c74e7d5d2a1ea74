"""Bulk loading: the same graph as online, and the old store until the new one is whole."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import neo4j
import pytest
from loaded_runs import read_dump, read_schema

from arete_core.errors import (
    BadInput,
    EngineError,
    LoadError,
    RunConflictError,
    RunFolderError,
    StoreLockedError,
)
from arete_core.progress import SilentProgress
from arete_core.run_folder import RunFolder
from arete_queries import bulk as bulk_module
from arete_queries.bulk import bulk_load
from arete_queries.bulk_files import BulkRun, plan_runs, write_bulk_files
from arete_queries.engine import EngineAddress, EngineSettings, start_engine
from arete_queries.engine.importer import import_store
from arete_queries.engine.state import is_locked, take_lock
from arete_queries.load import load_run
from arete_queries.runner import QueryRunner
from run_builder import class_sets_run, random_run

pytestmark = [pytest.mark.integration]

LOADER = """
import sys
from pathlib import Path
from arete_core.run_folder import RunFolder
from arete_core.progress import SilentProgress
from arete_queries.bulk import bulk_load
from arete_queries.engine import EngineSettings

class Telling(SilentProgress):
    def task(self, name, **kwargs):
        print(name, flush=True)
        return super().task(name, **kwargs)

home, jars, *folders = map(Path, sys.argv[1:])
settings = EngineSettings(home=home, jars_folder=jars, heap_mb=512, page_cache_mb=128,
                          java_options=("-XX:TieredStopAtLevel=1",))
bulk_load(settings, [RunFolder.open(folder) for folder in folders], progress=Telling())
"""


@pytest.fixture(scope="module")
def settings(engine_jars: Path, tmp_path_factory: pytest.TempPathFactory) -> EngineSettings:
    """An engine of this module's own."""
    return EngineSettings(
        home=tmp_path_factory.mktemp("bulk"),
        jars_folder=engine_jars,
        heap_mb=512,
        page_cache_mb=128,
        java_options=("-XX:TieredStopAtLevel=1",),  # it lives for seconds, as in conftest
    )


@contextmanager
def driver_on(settings: EngineSettings) -> Iterator[neo4j.Driver]:
    with start_engine(settings) as engine:
        address = engine.address
        with neo4j.GraphDatabase.driver(address.bolt_url, auth=(address.user, address.password)) as driver:
            yield driver


def make_runs(base: Path) -> tuple[RunFolder, RunFolder, RunFolder]:
    """Runs with an excluded channel, pictures, class sets of every kind, and gaps between classes."""
    first = random_run(base / "a", run_id="a", seed=1, excluded=[(1, 2)], pictures=True, scores=True, class_count=4)
    return first, class_sets_run(base), random_run(base / "c", run_id="c", seed=3)


def test_the_graph_is_that_of_an_online_load(
    settings: EngineSettings, tmp_path: Path, clean_database: EngineAddress, engine_driver: neo4j.Driver
) -> None:
    """Every node and relationship with its properties and their types, index and constraint; of two runs one after the
    other, with different floors, of which the first comes along when the second is loaded."""
    first, second, third = make_runs(tmp_path)

    async def load() -> None:
        address = clean_database
        async with await QueryRunner.connect(address.bolt_url, address.user, address.password) as runner:
            for folder, min_share in ((first, 0.1), (second, 0.0), (third, 0.0)):
                await load_run(runner, folder, min_share=min_share)

    asyncio.run(load())
    online, schema = read_dump(engine_driver), read_schema(engine_driver)
    assert len(schema) > 8

    report = bulk_load(settings, [first], min_share=0.1)
    assert (report.kept, report.runs[0].classes_loaded) == ((), 4)
    report = bulk_load(settings, [second, third])
    assert report.kept == ("a",)
    assert [one.run for one in report.runs] == ["sets", "c"]
    with driver_on(settings) as driver:
        held = read_dump(driver)
        assert held.keys() == online.keys()
        for part, rows in online.items():
            assert held[part] == rows, part
        assert read_schema(driver) == schema
    assert sorted(
        path.name for path in settings.paths.root.iterdir() if "data" in path.name or path.name == "bulk"
    ) == ["data"]
    # All are there: nothing is done, but that takes a look.
    again = bulk_load(settings, [third])
    assert (again.runs[0].classes, again.runs[0].classes_loaded, again.import_s) == (3, 0, 0.0)


def test_killed_at_any_time_the_old_store_stays(settings: EngineSettings, tmp_path: Path) -> None:
    """After the test above: the store holds three runs. Killed while it ranks, imports, and checks the new store."""
    with driver_on(settings) as driver:
        before = read_dump(driver)
    assert before["influences"]
    folder = random_run(tmp_path / "d", run_id="d", class_count=30, sizes=(20, 30, 30), edges_per_target=10)
    for stage in ("Rank d", "Import into a new store", "Build indexes"):
        kill_at(settings, [folder], stage)
        assert settings.paths.data.exists()
        assert settings.paths.bulk.exists()  # it was in the middle
    with driver_on(settings) as driver:
        assert read_dump(driver) == before
    assert not settings.paths.bulk.exists()


def kill_at(settings: EngineSettings, folders: list[RunFolder], stage: str) -> None:
    """Kills a bulk load when it begins a stage, and waits until its processes have ended."""
    arguments = [settings.home, settings.jars, *(folder.path for folder in folders)]
    with subprocess.Popen([sys.executable, "-c", LOADER, *map(str, arguments)], stdout=subprocess.PIPE) as loader:
        assert loader.stdout
        seen = [line.decode().strip() for line in iter_until(loader.stdout, stage)]
        assert seen[-1] == stage
        loader.kill()
        assert loader.wait() == -signal.SIGKILL
    deadline = time.monotonic() + 60
    while is_locked(settings.paths.lock):  # its guard and Java end by themselves
        assert time.monotonic() < deadline
        time.sleep(0.05)


def iter_until(stream: Any, last: str) -> Iterator[bytes]:
    for line in stream:
        yield line
        if line.decode().strip() == last:
            return


def test_what_would_be_lost_is_refused(settings: EngineSettings, tmp_path: Path) -> None:
    """After the tests above. Nothing is changed by any of the refusals."""
    new = random_run(tmp_path / "new", run_id="new")
    with driver_on(settings) as driver:
        before = read_dump(driver)
        folder = driver.execute_query("MATCH (r:Run {id: 'c'}) RETURN r.folder AS folder")[0][0]["folder"]
    other = random_run(tmp_path / "other", run_id="c", seed=9)
    with pytest.raises(RunConflictError, match="holds a run 'c' already, made from other numbers") as conflict:
        bulk_load(settings, [other])
    assert "--replace" in conflict.value.hint
    Path(folder).rename(tmp_path / "moved")
    with pytest.raises(RunFolderError, match=r"run 'c', which a bulk load imports anew.*is no folder") as gone:
        bulk_load(settings, [new])
    assert "arete delete c" in gone.value.hint
    with driver_on(settings) as driver:
        assert read_dump(driver) == before
        driver.execute_query("CREATE (:Note {text: 'mine'})")
    with pytest.raises(RunConflictError, match="1 nodes labelled Note"):
        bulk_load(settings, [new])
    with driver_on(settings) as driver:
        assert driver.execute_query("MATCH (n:Note) DELETE n RETURN count(n) AS n")[0][0]["n"] == 1


def test_a_new_store_that_holds_something_else_is_not_used(
    engine_jars: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = EngineSettings(home=tmp_path / "home", jars_folder=engine_jars, heap_mb=512, page_cache_mb=128)
    folder = random_run(tmp_path / "run")

    def altered(files: Path, runs: list[BulkRun], progress: Any) -> Any:
        written = write_bulk_files(files, runs, progress)
        for run in runs:
            run.classes[1] = replace(run.classes[1], held=run.classes[1].held | {"influenceSum": 7})
        return written

    with monkeypatch.context() as patch:
        patch.setattr(bulk_module, "write_bulk_files", altered)
        with pytest.raises(LoadError, match=r"class tiny/1: influenceSum: 7 sent"):
            bulk_load(own, [folder])
    assert not own.paths.databases.exists()
    assert not own.paths.bulk.exists()
    assert not is_locked(own.paths.lock)


def test_the_importer_refuses_what_does_not_fit(engine_jars: Path, tmp_path: Path) -> None:
    own = EngineSettings(home=tmp_path / "home", jars_folder=engine_jars, heap_mb=512, page_cache_mb=128)
    runs = plan_runs([(random_run(tmp_path / "run"), 0.0)])
    runs[0].first_channel = 5  # so that channels 0 to 4 are missing
    (tmp_path / "files").mkdir()
    files = write_bulk_files(tmp_path / "files", runs, SilentProgress())
    runs[0].first_channel = 0
    other = write_bulk_files(tmp_path, runs, SilentProgress())
    lock = take_lock(own.paths.lock)
    assert lock is not None
    try:
        with pytest.raises(EngineError, match=r"the importer ended with code [1-9](.|\n)*Error in input data"):
            import_store(own, replace(files, relationships=other.relationships), lock=lock, progress=SilentProgress())
    finally:
        os.close(lock)


def test_what_cannot_work_is_refused_before_anything_is_started(
    engine_jars: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = EngineSettings(home=tmp_path / "home", jars_folder=engine_jars)
    folder = random_run(tmp_path / "run")
    with pytest.raises(BadInput, match="each run once"):
        bulk_load(own, [folder, folder])
    with pytest.raises(BadInput, match="min_share"):
        bulk_load(own, [folder], min_share=1.5)
    lock = take_lock(own.paths.lock)
    assert lock is not None
    with pytest.raises(StoreLockedError, match="a bulk load puts a new store into its place") as running:
        bulk_load(own, [folder])
    assert "arete db stop" in running.value.hint
    os.close(lock)
    monkeypatch.setattr(bulk_module, "free_disk_mb", lambda _: -1)
    with pytest.raises(EngineError, match="a new store of 504 edges takes about 0 MiB"):
        bulk_load(own, [folder])
    assert not own.paths.data.exists()
