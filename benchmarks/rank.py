"""How fast all classes of a run are ranked: `python benchmarks/rank.py [--classes 1000] [--edges 200000]`.

Makes classes of InceptionV1's layer sizes with made-up counts and computes each one's exact personalized PageRank with
Arête's solver, one class after the other and in threads; igraph (PRPACK) and networkx (its default tolerance, and
one that is as exact as the others) rank some of the same classes. Prints seconds a class, ratios, the largest
difference between their ranks and ours, the machine and versions as one JSON object.

Caveats: the time to build igraph's and networkx's graphs is given apart and is not in the ratios, though nobody can
rank without; some distinct classes are made and ranked again and again, as a thousand would not fit into memory;
networkx turns its graph into a matrix anew at each call, which is a large part of its time.
"""

import argparse
import json
import os
import platform
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from typing import Any

import igraph
import networkx as nx
import numpy as np

from arete_core.rank import pagerank

SIZES = (256, 480, 508, 512, 512, 528, 832, 832, 1024)
DISTINCT = 16
Class = tuple[int, np.ndarray, np.ndarray, np.ndarray, np.ndarray]


def make_class(edge_count: int, seed: int) -> Class:
    """Makes vertex count, sources, targets, weights and restarts of one class."""
    rng = np.random.default_rng(seed)
    offsets = np.concatenate([[0], np.cumsum(SIZES)])
    layer = np.repeat(np.arange(len(SIZES)), SIZES)
    targets = rng.choice(np.arange(offsets[1], offsets[-1]), edge_count * 5 // 4)
    below = layer[targets] - 1
    sources = offsets[below] + (rng.random(len(targets)) ** 2 * np.take(SIZES, below)).astype(np.int64)
    pairs = np.unique(targets * 10_000 + sources)
    pairs = np.sort(rng.choice(pairs, min(edge_count, len(pairs)), replace=False))
    weights = np.minimum(rng.geometric(0.01, len(pairs)), 1300).astype(np.float64)
    restart = rng.random(offsets[-1]) * (rng.random(offsets[-1]) < 0.7)
    return int(offsets[-1]), pairs % 10_000, pairs // 10_000, weights, restart


def timed(work: Callable[[], Any]) -> tuple[Any, float]:
    """Returns what the work gives, and its seconds."""
    started = time.perf_counter()
    result = work()
    return result, time.perf_counter() - started


def with_igraph(one: Class) -> tuple[np.ndarray, float, float]:
    """Returns igraph's ranks, and seconds to rank and to build."""
    count, sources, targets, weights, restart = one
    graph, build = timed(lambda: igraph.Graph(n=count, edges=np.column_stack([sources, targets]), directed=False))
    own, reset = weights.tolist(), restart.tolist()
    ranks, rank = timed(
        lambda: graph.personalized_pagerank(
            directed=False, damping=0.85, reset=reset, weights=own, implementation="prpack"
        )
    )
    return np.array(ranks), rank, build


def with_networkx(one: Class, tolerance: float) -> tuple[np.ndarray, float, float]:
    """Returns networkx's ranks, and seconds to rank and to build."""
    count, sources, targets, weights, restart = one

    def build() -> nx.Graph:
        graph = nx.Graph()
        graph.add_nodes_from(range(count))
        graph.add_weighted_edges_from(zip(sources.tolist(), targets.tolist(), weights.tolist(), strict=True))
        return graph

    graph, building = timed(build)
    start = dict(enumerate(restart.tolist()))
    ranks, rank = timed(lambda: nx.pagerank(graph, personalization=start, tol=tolerance, max_iter=1000))
    return np.array([ranks[vertex] for vertex in range(count)]), rank, building


def main() -> None:
    """Runs the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--classes", type=int, default=1000)
    parser.add_argument("--edges", type=int, default=200_000, help="edges a class")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--others", type=int, default=4, help="classes that igraph and networkx rank")
    options = parser.parse_args()
    classes = [make_class(options.edges, seed) for seed in range(DISTINCT)]
    wanted = [classes[number % DISTINCT] for number in range(options.classes)]
    ours = [pagerank(*one) for one in classes]
    _, alone = timed(lambda: [pagerank(*one) for one in wanted])
    with ThreadPoolExecutor(options.threads) as pool:
        _, threaded = timed(lambda: list(pool.map(lambda one: pagerank(*one), wanted)))
    a_class = {"arete": alone / len(wanted), f"arete, {options.threads} threads": threaded / len(wanted)}
    building, difference = {}, {}
    rivals: dict[str, Callable[[Class], tuple[np.ndarray, float, float]]] = {
        "igraph": with_igraph,
        "networkx": lambda one: with_networkx(one, 1e-6),
        "networkx, exact": lambda one: with_networkx(one, 1e-12 / len(one[4])),
    }
    for name, rival in rivals.items():
        results = [rival(one) for one in classes[: options.others]]
        a_class[name] = float(np.median([rank for _, rank, _ in results]))
        building[name] = float(np.median([build for _, _, build in results]))
        difference[name] = max(
            float(np.abs(found - own).max()) for (found, _, _), own in zip(results, ours, strict=False)
        )
    threads = f"arete, {options.threads} threads"
    report = {
        "classes": options.classes,
        "edges a class": len(classes[0][1]),
        "all classes s": {"one thread": round(alone, 2), f"{options.threads} threads": round(threaded, 2)},
        "ms a class": {name: round(seconds * 1000, 2) for name, seconds in a_class.items()},
        "ms to build the graph": {name: round(seconds * 1000, 2) for name, seconds in building.items()},
        "times as fast as": {
            name: {
                "one thread": round(a_class[name] / a_class["arete"], 1),
                f"{options.threads} threads": round(a_class[name] / a_class[threads], 1),
            }
            for name in rivals
        },
        "largest difference of a rank": difference,
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
        "versions": {
            "python": platform.python_version(),
            **{name: version(name) for name in ("numpy", "scipy", "igraph", "networkx")},
        },
    }
    print(json.dumps(report, indent=2))


if __name__ == "__main__":
    main()
