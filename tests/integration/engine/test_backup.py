"""A database in a file and back, on an engine of its own."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from neo4j import Driver, GraphDatabase

from arete_core.errors import EngineError, SettingError, StoreLockedError
from arete_queries.engine import EngineSettings, RunningEngine, start_engine
from arete_queries.engine.backup import dump_database, restore_database

pytestmark = pytest.mark.integration


def settings_of(home: Path, jars: Path) -> EngineSettings:
    return EngineSettings(
        home=home,
        heap_mb=384,
        page_cache_mb=64,
        jars_folder=jars,
        java_options=("-XX:TieredStopAtLevel=1",),
        start_timeout_s=200.0,
    )


def content(driver: Driver) -> list[list[int]]:
    """What the database holds, and its indexes."""
    nodes, _, _ = driver.execute_query("MATCH (n:N)-[r]->() RETURN n.i AS i, r.w AS w ORDER BY i")
    names, _, _ = driver.execute_query("SHOW INDEXES YIELD name, type WHERE type = 'RANGE' RETURN name")
    return [[row["i"], row["w"]] for row in nodes] + [[row["name"]] for row in names]


@contextmanager
def driven(engine: RunningEngine) -> Iterator[Driver]:
    found = engine.address
    with GraphDatabase.driver(found.bolt_url, auth=(found.user, found.password)) as driver:
        yield driver


@pytest.mark.timeout(600)  # starts an engine four times
def test_round_trip_into_another_data_folder(engine_jars: Path, tmp_path: Path) -> None:
    here, there = settings_of(tmp_path / "here", engine_jars), settings_of(tmp_path / "there", engine_jars)
    file = tmp_path / "backup.dump"
    with pytest.raises(EngineError, match="no database"):
        dump_database(here, file)
    with start_engine(here) as engine, driven(engine) as driver:
        driver.execute_query("CREATE INDEX of_n FOR (n:N) ON (n.i)")
        driver.execute_query("UNWIND range(1, 500) AS i CREATE (:N {i: i})-[:R {w: i * i}]->(:M)")
        before = content(driver)
        with pytest.raises(StoreLockedError, match="at rest"):
            dump_database(here, file)
        with pytest.raises(StoreLockedError):
            restore_database(here, Path(__file__))
        # An engine that was killed has the last changes in its log alone; they are in the dump.
        os.kill(engine.address.pid, signal.SIGKILL)
    assert before == [[i, i * i] for i in range(1, 501)] + [["of_n"]]
    size = dump_database(here, file)
    assert size == file.stat().st_size > 1000
    assert [path.name for path in tmp_path.iterdir() if path.is_file() or path.name.startswith(".")] == ["backup.dump"]

    # Nothing is written over unless that is asked for.
    with pytest.raises(SettingError, match="already"):
        dump_database(here, file)
    with pytest.raises(SettingError, match="already"):
        restore_database(here, file)

    restore_database(there, file)
    # A file that is none leaves what is there.
    broken = tmp_path / "broken.dump"
    broken.write_bytes(file.read_bytes()[: size // 2])
    with pytest.raises(EngineError):
        restore_database(there, broken, force=True)
    assert not there.paths.bulk.exists()
    with start_engine(there) as engine, driven(engine) as driver:
        assert content(driver) == before
    # The other folder has a password of its own: users are not in a dump.
    assert there.paths.password.read_text() != here.paths.password.read_text()


def test_the_commands_name_what_is_wrong(engine_jars: Path, tmp_path: Path) -> None:
    environment = {key: value for key, value in os.environ.items() if not key.startswith("ARETE_")}
    environment |= {"ARETE_HOME": str(tmp_path / "home"), "ARETE_ENGINE_CACHE": str(engine_jars)}

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "arete", "db", *arguments],
            env=environment, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=120,
        )  # fmt: skip

    nothing = run("dump", "file")
    assert (nothing.returncode, nothing.stdout) == (1, "")
    assert "no database" in nothing.stderr
    missing = run("restore", "file")
    assert missing.returncode == 2
    assert "is no file" in missing.stderr
    folder = run("dump", "no/such/folder/file")
    assert folder.returncode == 2
    assert "is no folder" in folder.stderr
