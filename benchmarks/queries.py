"""How fast a run loads and its graphs are read: `python benchmarks/queries.py [--classes 30] [--edges 100000]`.

Makes a run of InceptionV1's layer sizes with made-up counts that are spread as real ones are (`synthetic_runs`), loads
it into an embedded engine in a temporary folder, or into `--url`, and prints medians of warm reads as one JSON object.
`--home` reads a synthetic run that was loaded before, for instance in bulk, and leaves it there: so large stores are
measured (docs/scale.md). `--profile` prints plans instead.

Caveats: everything is on one machine, the client takes its share of the cores; the first reads of each kind are thrown
away, so plans are cached and pages are in memory.
"""

import argparse
import asyncio
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from arete_core.run_folder import RunFolder
from arete_queries.delete import delete_run
from arete_queries.engine import EngineSettings, start_engine
from arete_queries.load import load_run
from arete_queries.reads import (
    MotifPattern,
    channel_in_class,
    channel_uses,
    class_graph,
    class_neighbors,
    compare_classes,
    find_common_motifs,
    gds_rank,
    list_classes,
    overlap_classes,
)
from arete_queries.runner import QueryRunner
from arete_queries.statements import statements

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from synthetic_runs import synthetic_run

RUN = "benchmark"
LOADED_RUN = "synthetic"
"""The id that `python tests/synthetic_runs.py` gives."""


async def median_ms(read: Callable[[int], Awaitable[Any]], *, rounds: int) -> float:
    """Returns the median time of a read over different classes, in milliseconds."""
    for number in range(4):
        await read(number)
    times = []
    for number in range(rounds):
        started = time.perf_counter()
        await read(number)
        times.append(time.perf_counter() - started)
    return round(statistics.median(times) * 1000, 1)


async def load_and_measure(runner: QueryRunner, folder: RunFolder, rounds: int) -> dict[str, Any]:
    """Loads, reads and deletes, and returns the figures."""
    report = await load_run(runner, folder)
    reads = await measure(runner, RUN, report.classes, rounds)
    started = time.perf_counter()
    await delete_run(runner, RUN)
    return {
        "load s": round(report.elapsed_s, 1),
        "load edges/s": round(report.edges / report.elapsed_s),
        "delete s": round(time.perf_counter() - started, 1),
        "edges": report.edges,
    } | reads


async def measure(runner: QueryRunner, run: str, class_count: int, rounds: int) -> dict[str, Any]:
    """Reads a loaded run, and returns the figures."""

    def id_of(number: int) -> str:
        return f"{run}/{number % class_count}"

    every = [id_of(number) for number in range(class_count)]
    own = await class_graph(runner, id_of(0))
    half = await class_graph(runner, id_of(0), mass=0.5)
    reads: dict[str, Callable[[int], Awaitable[Any]]] = {
        "class_graph": lambda n: class_graph(runner, id_of(n)),
        "class_graph mass 0.2": lambda n: class_graph(runner, id_of(n), mass=0.2),
        "class_graph mass 0.5": lambda n: class_graph(runner, id_of(n), mass=0.5),
        "class_graph mass 1": lambda n: class_graph(runner, id_of(n), mass=1.0),
        "compare": lambda n: compare_classes(runner, id_of(n), id_of(n + 1)),
        "compare mass 0.5": lambda n: compare_classes(runner, id_of(n), id_of(n + 1), mass=0.5),
        "gds_rank": lambda n: gds_rank(runner, id_of(n)),
        "overlap of 5 classes": lambda n: overlap_classes(runner, [id_of(n + k) for k in range(5)], at_least=2),
        "motifs path_3": lambda n: find_common_motifs(
            runner, every, MotifPattern.PATH_3, min_support=0.1 + n % 3 / 100
        ),
        "class_neighbors": lambda n: class_neighbors(runner, id_of(n), layers=[f"mixed{n % 9}"]),
        "channel_uses": lambda n: channel_uses(runner, run, layer=f"mixed{n % 9}"),
        "channel_in_class": lambda n: channel_in_class(runner, f"{run}/mixed4/{n % 512}", id_of(n)),
        "list_classes": lambda n: list_classes(runner, run, search=str(n % 10)),
    }
    medians = {name: await median_ms(read, rounds=rounds) for name, read in reads.items()}
    return {
        "classes": class_count,
        "own graph": {"mass": own.mass, "vertices": len(own.vertices), "edges": len(own.edges)},
        "graph at 0.5": {"vertices": len(half.vertices), "edges": len(half.edges)},
        "median ms": medians,
    }


def profile(url: str, user: str, password: str) -> None:
    """Prints the operators of the reads, with rows and database hits."""
    import neo4j

    ids = {"class": f"{RUN}/0", "a": f"{RUN}/0", "b": f"{RUN}/1", "channel": f"{RUN}/mixed4/3"}
    values = ids | {"mass": 0.5, "massA": 0.5, "massB": 0.5, "minShare": 0.0, "first": 5}
    values |= {"memberships": ["only_a", "shared", "only_b"]}
    names = ("class_graph", "class_graph_at_mass", "compare_graphs", "compare_graphs_at_mass", "compare_layers",
             "channel_in_class")  # fmt: skip
    with neo4j.GraphDatabase.driver(url, auth=(user, password) if user else None) as driver:
        for name in names:
            statement = statements()[name]
            params = {key: values[key] for key in statement.params}
            text: Any = "PROFILE " + statement.text
            _, summary, _ = driver.execute_query(text, params)
            print(f"\n{name}", file=sys.stderr)
            show(summary.profile or {}, 0)


def show(plan: dict[str, Any], depth: int) -> None:
    """Prints one operator and those below it."""
    details = str(plan["args"].get("Details", ""))[:90]
    print(f"{'  ' * depth}{plan['operatorType']} rows {plan['rows']} hits {plan['dbHits']} {details}", file=sys.stderr)
    for child in plan.get("children", []):
        show(child, depth + 1)


async def read_loaded(home: Path, rounds: int) -> None:
    """Prints the figures of the run that a store holds."""
    with start_engine(EngineSettings(home=home)) as engine:
        address = engine.address
        async with await QueryRunner.connect(address.bolt_url, address.user, address.password) as runner:
            classes = await list_classes(runner, LOADED_RUN, first=1)
            print(json.dumps(await measure(runner, LOADED_RUN, classes.total, rounds), indent=2))


def main() -> None:
    """Runs the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--classes", type=int, default=30)
    parser.add_argument("--edges", type=int, default=100_000, help="edges a class")
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--url", help="a database to load into; password in PASSWORD")
    parser.add_argument("--user", default="neo4j")
    parser.add_argument("--home", type=Path, help=f"a data folder whose store holds the run `{LOADED_RUN}`; read only")
    parser.add_argument("--profile", action="store_true", help="load, print operators, and keep the run")
    options = parser.parse_args()
    if options.home:
        asyncio.run(read_loaded(options.home, options.rounds))
        return
    with tempfile.TemporaryDirectory() as folder:
        base = Path(folder)
        run = synthetic_run(base / "run", class_count=options.classes, edge_count=options.edges, run_id=RUN)

        async def go(url: str, user: str, password: str) -> None:
            async with await QueryRunner.connect(url, user, password) as runner:
                if options.profile:
                    await load_run(runner, run)
                    await asyncio.to_thread(profile, url, user, password)
                else:
                    print(json.dumps(await load_and_measure(runner, run, options.rounds), indent=2))

        if options.url:
            asyncio.run(go(options.url, options.user, os.environ.get("PASSWORD", "")))
            return
        with start_engine(EngineSettings(home=base / "home")) as engine:
            address = engine.address
            asyncio.run(go(address.bolt_url, address.user, address.password))


if __name__ == "__main__":
    main()
