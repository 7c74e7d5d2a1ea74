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
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import neo4j
import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from arete_core.ids import channel_id
from arete_core.run_folder import RunFolder
from arete_queries.class_data import ClassData, RunData
from arete_queries.engine import EngineAddress, EngineSettings, start_engine
from arete_queries.load import delete_run, load_run, prepare_schema
from arete_queries.run_rows import channel_rows, layer_rows, run_properties
from arete_queries.runner import QueryRunner
from arete_queries.write_class import write_influences
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


async def online(address: EngineAddress, folder: RunFolder) -> dict[str, Any]:
    """Compares the ways of writing and times a whole load."""
    data = RunData(folder, min_share=0.0)
    run = folder.manifest.id
    auth = (address.user, address.password)
    async with (
        await QueryRunner.connect(address.bolt_url, *auth) as runner,
        neo4j.AsyncGraphDatabase.driver(address.bolt_url, auth=auth) as driver,
    ):
        await prepare_schema(runner)
        await runner.run("create_run", {"run": run, "properties": run_properties(folder, 0.0)})
        await runner.run("create_layers", {"run": run, "layers": layer_rows(run, data)})
        ids = []
        names = data.layers.column("name").to_pylist()
        for layer, rows in channel_rows(run, data, folder):
            await runner.run("create_channels", {"layer": layer, "channels": rows})
        for layer, size in enumerate(data.layout.sizes.tolist()):
            ids += [channel_id(run, names[layer], channel) for channel in range(size)]
        ways = Ways(driver, runner, run, ids)
        seen: dict[str, list[tuple[float, float, float]]] = {}
        key = 0
        for number, class_ in enumerate(data.each(np.ones(data.class_count, np.bool_))):
            for name in ("naive", "grouped", "arete"):
                write: Way = getattr(ways, name)
                key += 1
                started, server, client = time.perf_counter(), cpu_s(address.pid), time.process_time()
                await write(key, class_)
                elapsed = time.perf_counter() - started
                if number:
                    edges = len(class_.weights)
                    own = (edges / elapsed, cpu_s(address.pid) - server, time.process_time() - client)
                    seen.setdefault(name, []).append((own[0], own[1] / edges * 1e6, own[2] / edges * 1e6))
            if number == 5:
                break
        figures = {name: describe(rows) for name, rows in seen.items()}
        await driver.execute_query(
            "MATCH (n) CALL (n) { DETACH DELETE n } IN TRANSACTIONS OF 100 ROWS"
        ) if False else await clear(driver)
        report = await load_run(runner, folder)
        whole = report.edges / report.elapsed_s
        started = time.perf_counter()
        await delete_run(runner, run)
        deleted = report.edges / (time.perf_counter() - started)
    base = {name: figures[name]["edges/s"] for name in ("naive", "grouped")}
    return {
        "edges only": figures,
        "arete over": {name: round(figures["arete"]["edges/s"] / rate, 2) for name, rate in base.items()},
        "whole load": {"edges": report.edges, "edges/s": round(whole), "delete edges/s": round(deleted)},
    }
