"""How fast a run gets into the database: `python benchmarks/load.py [--classes 20] [--bulk-classes 100]`.

Online, into one embedded engine with the product's schema, classes of a made-up run in turn, edges only:

- naive: `UNWIND` of one map a row, both channels found by their ids.
- grouped: one map a target, its sources and counts as lists; channels found by their ids.
- arete: the product's own statement and writers, `write_class`.

Then the whole of `arete load` of that run: ranks, activations, edges, attribution graph, counting what arrived.

Offline (`--bulk-classes 0` leaves it out), a run of its own:

- importer: Neo4j's importer alone on finished Parquet files, from its start until it ends.
- bulk: the whole of `arete load --bulk`, from the run folder to a checked store in place, with its stages.

Caveats: client and server share this machine. Each way writes classes that no other writes, in turn within a round, so
that a busy machine slows all alike; rates are medians over rounds, and processor seconds stand beside them. The first
round is thrown away: Java has not compiled anything by then. Nothing is judged.
"""

import argparse
import asyncio
import json
import os
import platform
import re
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import neo4j
import numpy as np

from arete_core.class_data import ClassData, RunData
from arete_core.ids import channel_id
from arete_core.progress import SilentProgress
from arete_core.run_folder import RunFolder
from arete_queries.bulk import bulk_load
from arete_queries.bulk_files import plan_runs, write_bulk_files
from arete_queries.delete import delete_run
from arete_queries.engine import EngineAddress, EngineSettings, find_java, start_engine
from arete_queries.engine.host import installed_memory_mb
from arete_queries.engine.importer import import_store
from arete_queries.engine.jars import pom_file
from arete_queries.engine.state import take_lock
from arete_queries.load import load_run
from arete_queries.runner import QueryRunner
from arete_queries.write_class import clear_class, write_influences

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from synthetic_runs import synthetic_run

BATCH = 20_000  # relationships a transaction, of every way
NAIVE = """
UNWIND $rows AS row
MATCH (source:Channel {id: row.source}), (target:Channel {id: row.target})
CREATE (source)-[:INFLUENCES {class: $class, count: row.count}]->(target)
"""
GROUPED = """
UNWIND $rows AS row
MATCH (target:Channel {id: row.target})
UNWIND range(0, size(row.sources) - 1) AS i
MATCH (source:Channel {id: row.sources[i]})
CREATE (source)-[:INFLUENCES {class: $class, count: row.counts[i]}]->(target)
"""

OTHER_KEYS = 1_000_000
"""Above every class's key."""

Way = Callable[[int, ClassData], Awaitable[None]]


class Ways:
    """The ways to write one class's edges.

    Args:
        driver: For the baselines.
        runner: For the product's own way.
        run: The run's id.
        ids: The channels' ids, by position.
    """

    def __init__(self, driver: neo4j.AsyncDriver, runner: QueryRunner, run: str, ids: list[str]) -> None:
        self._driver = driver
        self._runner = runner
        self._run = run
        self._ids = ids

    async def naive(self, key: int, data: ClassData) -> None:
        """Writes one map a row."""
        for start in range(0, len(data.weights), BATCH):
            part = slice(start, start + BATCH)
            columns = (values[part].tolist() for values in (data.sources, data.targets, data.weights))
            rows = [
                {"source": self._ids[source], "target": self._ids[target], "count": count}
                for source, target, count in zip(*columns, strict=True)
            ]
            await self._execute(NAIVE, key, rows)

    async def grouped(self, key: int, data: ClassData) -> None:
        """Writes one map a target."""
        for start in range(0, len(data.weights), BATCH):
            part = slice(start, start + BATCH)
            targets = data.targets[part]
            cuts = np.flatnonzero(np.diff(targets)) + 1
            rows = [
                {"target": self._ids[own[0]], "sources": [self._ids[i] for i in sources], "counts": counts.tolist()}
                for own, sources, counts in zip(
                    *(np.split(values, cuts) for values in (targets, data.sources[part], data.weights[part])),
                    strict=True,
                )
            ]
            await self._execute(GROUPED, key, rows)

    async def arete(self, key: int, data: ClassData) -> None:
        """Writes as `arete load` does."""
        await write_influences(self._runner, self._run, key, data)

    async def _execute(self, text: Any, key: int, rows: list[dict[str, Any]]) -> None:
        await self._driver.execute_query(text, {"class": key, "rows": rows})


async def online(address: EngineAddress, folder: RunFolder, rounds: int) -> dict[str, Any]:
    """Compares the ways of writing and times a whole load and deletion."""
    run = folder.manifest.id
    auth = (address.user, address.password)
    async with (
        await QueryRunner.connect(address.bolt_url, *auth) as runner,
        neo4j.AsyncGraphDatabase.driver(address.bolt_url, auth=auth) as driver,
    ):
        await load_run(runner, folder)  # warms all up, and makes the channels
        ways = Ways(driver, runner, run, channel_ids(folder))
        edges, keys = await write_in_turn(ways, folder, address, rounds)
        for key in keys:
            await clear_class(runner, key)
        await delete_run(runner, run)
        report = await load_run(runner, folder)
        started = time.perf_counter()
        await delete_run(runner, run)
        deleted_s = time.perf_counter() - started
    rates = {name: figures["edges/s"] for name, figures in edges.items()}
    return {
        "edges only": edges,
        "arete over": {name: round(rates["arete"] / rates[name], 2) for name in ("naive", "grouped")},
        "whole load": {
            "edges": report.edges,
            "edges/s": round(report.edges / report.elapsed_s),
            "delete edges/s": round(report.edges / deleted_s),
        },
    }


async def write_in_turn(
    ways: Ways, folder: RunFolder, address: EngineAddress, rounds: int
) -> tuple[dict[str, dict[str, float]], range]:
    """Writes classes in each way in turn, under keys that no class has, and returns medians and the keys."""
    data = RunData(folder, min_share=0.0)
    key = OTHER_KEYS
    seen: dict[str, list[tuple[float, float, float]]] = {}
    for number, class_ in enumerate(data.each(np.ones(data.class_count, np.bool_))):
        if number > rounds:
            break
        for name in ("naive", "grouped", "arete"):
            write: Way = getattr(ways, name)
            key += 1
            started, server_s, client_s = time.perf_counter(), cpu_s(address.pid), time.process_time()
            await write(key, class_)
            elapsed_s = time.perf_counter() - started
            if number:
                per_edge = 1e6 / len(class_.weights)
                seen.setdefault(name, []).append(
                    (
                        len(class_.weights) / elapsed_s,
                        (cpu_s(address.pid) - server_s) * per_edge,
                        (time.process_time() - client_s) * per_edge,
                    )
                )
    labels = ("edges/s", "server cpu us/edge", "client cpu us/edge")
    figures = {
        name: {label: round(statistics.median(row[i] for row in rows), 1) for i, label in enumerate(labels)}
        for name, rows in seen.items()
    }
    return figures, range(OTHER_KEYS + 1, key + 1)


def offline(base: Path, folder: RunFolder) -> dict[str, Any]:
    """Times the importer alone and the whole bulk load."""
    bare = EngineSettings(home=base / "bare")
    files = base / "files"
    files.mkdir()
    progress = SilentProgress()
    runs = plan_runs([(folder, 0.0)])
    written = write_bulk_files(files, runs, progress)
    lock = take_lock(bare.paths.lock)
    assert lock is not None
    imported = import_store(bare, written, lock=lock, progress=progress)
    os.close(lock)
    file_bytes = sum(path.stat().st_size for path in files.iterdir())
    shutil.rmtree(bare.home)
    shutil.rmtree(files)
    settings = EngineSettings(home=base / "bulk")
    started = time.perf_counter()
    report = bulk_load(settings, [folder], progress=progress)
    elapsed_s = time.perf_counter() - started
    store_bytes = sum(path.stat().st_size for path in settings.paths.data.rglob("*") if path.is_file())
    shutil.rmtree(settings.home)
    count = imported.relationships
    return {
        "relationships": count,
        "importer": {"rel/s": round(count / imported.elapsed_s), "s": round(imported.elapsed_s, 1)},
        "bulk": {
            "rel/s": round(count / elapsed_s),
            "s": round(elapsed_s, 1),
            "rank and write files s": round(report.files_s, 1),
            "importer s": round(report.import_s, 1),
            "indexes, properties, check s": round(report.check_s, 1),
        },
        "bulk's importer over importer": round(imported.elapsed_s / report.import_s, 2),
        "bulk over importer": round(imported.elapsed_s / elapsed_s, 2),
        "importer's files B/rel": round(file_bytes / count, 1),
        "store B/rel": round(store_bytes / count, 1),
    }


def channel_ids(folder: RunFolder) -> list[str]:
    """Returns the channels' ids, by position."""
    layers = folder.table("layers").sort_by("layer").to_pylist()
    run = folder.manifest.id
    return [channel_id(run, layer["name"], index) for layer in layers for index in range(layer["channels"])]


def cpu_s(pid: int) -> float:
    """Returns the processor seconds of a process so far; 0 where the system does not tell."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def machine() -> dict[str, Any]:
    """Returns what ran this."""
    cpu = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        names = [line.partition(":")[2].strip() for line in info.read_text().splitlines() if "model name" in line]
        cpu = next(iter(names), cpu)
    return {
        "processor": cpu,
        "cores": os.cpu_count(),
        "memory MiB": installed_memory_mb(),
        "load": [round(load, 1) for load in os.getloadavg()],
        "python": platform.python_version(),
        "driver": neo4j.__version__,
        "compiled codec": find_spec("neo4j._rust") is not None,
        "neo4j": re.search(r"<neo4j.version>(.*?)<", pom_file().read_text(encoding="utf-8"))[1],  # type: ignore[index]
        "java": find_java().version,
    }


def main() -> None:
    """Runs the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--classes", type=int, default=12, help="of the run that is loaded online")
    parser.add_argument("--bulk-classes", type=int, default=100, help="of the run that is loaded in bulk; 0 for none")
    parser.add_argument("--edges", type=int, default=100_000, help="edges a class")
    parser.add_argument("--rounds", type=int, default=6)
    options = parser.parse_args()
    figures: dict[str, Any] = {"machine": machine()}
    with tempfile.TemporaryDirectory() as folder:
        base = Path(folder)
        if options.classes:
            run = synthetic_run(base / "run", class_count=options.classes, edge_count=options.edges)
            with start_engine(EngineSettings(home=base / "home")) as engine:
                figures["online"] = asyncio.run(online(engine.address, run, options.rounds))
            shutil.rmtree(base / "home")
        if options.bulk_classes:
            run = synthetic_run(base / "bulk-run", class_count=options.bulk_classes, edge_count=options.edges)
            figures["offline"] = offline(base, run)
    figures["load at the end"] = [round(load, 1) for load in os.getloadavg()]
    print(json.dumps(figures, indent=2))


if __name__ == "__main__":
    main()
