"""Writes one class's relationships, checks that the database holds them, and takes them away again.

Edges are sorted by target and written by two connections, one from the first edge on and one from the middle: their
batches touch other targets and mostly other layers, so that neither waits for the other's locks, and while one packs
its next batch the database works on the other's. `benchmarks/load.py` compares this with simpler ways.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from arete_core.class_data import ClassData
from arete_core.errors import LoadError
from arete_queries.runner import QueryRunner
from arete_queries.transaction import Transaction

BATCH: Final = 20_000
"""Relationships a transaction: more is no faster, and takes more of the server's heap."""
TIMEOUT_S: Final = 120.0

_Write = Callable[[str, dict[str, Any]], Awaitable[Any]]


@dataclass(frozen=True)
class ClassSummary:
    """What the database must hold of a class before readers may see it, and what its node says then.

    Attributes:
        index: The class's index in the run.
        mass: Share of rank mass that its extraction settled on; None without a graph.
        dropped_share: Share of its influence counts that was left out, 0 to 1.
        held: Numbers of relationships and sums of counts, by the columns of `count_class`.
    """

    index: int
    mass: float | None
    dropped_share: float
    held: dict[str, int]

    @classmethod
    def of(cls, data: ClassData) -> "ClassSummary":
        """Summarizes a class as it is to be written."""
        kept = data.extraction.kept_edges
        held = {
            "activations": len(active_positions(data)),
            "activationSum": int(data.counts.sum()),
            "kept": int(data.extraction.kept.sum()),
            "influences": len(data.weights),
            "influenceSum": int(data.weights.sum()),
            "attributes": int(kept.sum()),
            "attributeSum": int(data.weights[kept].sum()),
        }
        return cls(data.index, data.extraction.mass, data.dropped_share, held)


def active_positions(data: ClassData) -> NDArray[np.intp]:
    """Returns the positions of the channels that a class has an `ACTIVATES` relationship to."""
    return np.flatnonzero((data.counts > 0) | (data.ranks > 0))


async def write_class(runner: QueryRunner, run: str, key: int, data: ClassData) -> None:
    """Writes a class and shows it to readers, once the database is known to hold all of it.

    The class must be known to have no relationships yet; see `clear_class`.

    Args:
        runner: The database.
        run: The run's id.
        key: The class's key.
        data: What to write.

    Raises:
        LoadError: If the database holds something else than was sent; the class stays invisible.
        DatabaseError: If the database fails or cannot be reached.
    """
    await runner.run("set_class_state", {"class": key, "state": "loading"})
    write = partial(runner.run, timeout_s=TIMEOUT_S)
    await _write_activations(write, run, key, data)
    await write_influences(runner, run, key, data)
    await _write_batches(write, run, key, data, "attributes", np.flatnonzero(data.extraction.kept_edges))
    await show_class(runner, run, key, ClassSummary.of(data))


async def show_class(runner: QueryRunner, run: str, key: int, summary: ClassSummary) -> None:
    """Shows a class to readers if the database holds all of it.

    Args:
        runner: The database.
        run: The run's id.
        key: The class's key.
        summary: What it must hold.

    Raises:
        LoadError: If it holds something else; the class stays invisible.
        DatabaseError: If the database fails or cannot be reached.
    """
    async with runner.transaction("complete_class", timeout_s=TIMEOUT_S) as transaction:
        await _complete(transaction, run, key, summary)


async def write_influences(runner: QueryRunner, run: str, key: int, data: ClassData) -> None:
    """Writes a class's influence edges.

    Args:
        runner: The database.
        run: The run's id.
        key: The class's key.
        data: What to write, its edges sorted by target.

    Raises:
        DatabaseError: If the database fails or cannot be reached.
    """
    write = partial(runner.run, timeout_s=TIMEOUT_S)
    edges = np.arange(len(data.weights))
    # Whole batches for the first writer, so that there are no more batches than with one.
    middle = -(-len(edges) // (2 * BATCH)) * BATCH
    await together(
        *(_write_batches(write, run, key, data, "influences", own) for own in (edges[:middle], edges[middle:]))
    )


async def rewrite_ranking(runner: QueryRunner, run: str, key: int, data: ClassData) -> None:
    """Replaces a complete class's ranks and attribution graph, in one transaction; its influences stay.

    Args:
        runner: The database.
        run: The run's id.
        key: The class's key.
        data: What its counts give now.

    Raises:
        LoadError: If the database holds something else than was sent; the class stays as it was.
        DatabaseError: If the database fails or cannot be reached.
    """
    async with runner.transaction("rewrite_ranking", timeout_s=TIMEOUT_S) as transaction:
        for name in ("delete_attributes", "delete_activations"):
            while (await transaction.run(name, {"class": key, "limit": BATCH}))[0]["deleted"] == BATCH:
                pass
        await _write_activations(transaction.run, run, key, data)
        await _write_batches(transaction.run, run, key, data, "attributes", np.flatnonzero(data.extraction.kept_edges))
        await _complete(transaction, run, key, ClassSummary.of(data))
        await transaction.run("unmark_stale", {"class": key})


async def _complete(transaction: Transaction, run: str, key: int, summary: ClassSummary) -> None:
    held = (await transaction.run("count_class", {"class": key}))[0]
    if held != summary.held:
        raise LoadError(
            f"class {run}/{summary.index}: {shortfall(summary.held, held)}",
            hint="load the run again, the class is redone",
        )
    await transaction.run(
        "complete_class",
        {
            "class": key,
            "mass": summary.mass,
            "edgeCount": summary.held["influences"],
            "droppedShare": summary.dropped_share,
        },
    )


def shortfall(sent: dict[str, int], held: dict[str, int]) -> str:
    """Says where what the database holds differs from what was sent."""
    return ", ".join(f"{name}: {sent[name]:,} sent, {held[name]:,} stored" for name in sent if sent[name] != held[name])


async def clear_class(runner: QueryRunner, key: int) -> None:
    """Deletes all relationships of a class but the one to its run, in batches.

    Args:
        runner: The database.
        key: The class's key.

    Raises:
        DatabaseError: If the database fails or cannot be reached.
    """
    for name in ("delete_attributes", "delete_influences", "delete_activations"):
        await delete_all(runner, name, {"class": key})


async def delete_all(runner: QueryRunner, name: str, params: dict[str, Any]) -> None:
    """Repeats a deleting statement until it finds nothing more, a batch a transaction.

    Args:
        runner: The database.
        name: A statement with a parameter `limit` and a column `deleted`.
        params: Its other parameters.

    Raises:
        DatabaseError: If the database fails or cannot be reached.
    """
    while (await runner.run(name, params | {"limit": BATCH}, timeout_s=TIMEOUT_S))[0]["deleted"] == BATCH:
        pass


async def _write_activations(write: _Write, run: str, key: int, data: ClassData) -> None:
    positions = active_positions(data)
    for start in range(0, len(positions), BATCH):
        part = positions[start : start + BATCH]
        await write(
            "write_activations",
            {
                "class": key,
                "run": run,
                "positions": part.tolist(),
                "counts": data.counts[part].tolist(),
                "ranks": data.ranks[part].tolist(),
                "entries": data.extraction.entry[part].tolist(),
                "kept": data.extraction.kept[part].tolist(),
            },
        )


async def _write_batches(
    write: _Write, run: str, key: int, data: ClassData, kind: str, edges: NDArray[np.int64]
) -> None:
    for start in range(0, len(edges), BATCH):
        part = edges[start : start + BATCH]
        await write(
            f"write_{kind}",
            {
                "class": key,
                "run": run,
                "sources": data.sources[part].tolist(),
                "targets": data.targets[part].tolist(),
                "counts": data.weights[part].tolist(),
            },
        )


async def together(*works: Coroutine[Any, Any, None]) -> None:
    """Does all at once; the first error ends the others and is raised, once none of them is at work any more.

    Args:
        *works: What to do.

    Raises:
        BaseException: The first one's error, and not a group of errors.
    """
    try:
        async with asyncio.TaskGroup() as group:
            for work in works:
                group.create_task(work)
    except BaseExceptionGroup as errors:
        raise errors.exceptions[0] from None
