"""Writes one class's relationships, checks that the database holds them, and takes them away again.

Edges are sorted by target and written by two connections, one from the first edge on and one from the middle: their
batches touch other targets and mostly other layers, so that neither waits for the other's locks, and while one packs
its next batch the database works on the other's. `benchmarks/load.py` compares this with simpler ways.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from functools import partial
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from arete_core.errors import LoadError
from arete_queries.class_data import ClassData
from arete_queries.runner import QueryRunner, Transaction

BATCH: Final = 20_000
"""Relationships a transaction: more is no faster, and takes more of the server's heap."""
TIMEOUT_S: Final = 120.0

_Write = Callable[[str, dict[str, Any]], Awaitable[Any]]


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
    sent = await _write_activations(write, run, key, data)
    sent |= await write_influences(runner, run, key, data)
    sent |= await _write_edges(write, run, key, data, "attributes", data.extraction.kept_edges)
    async with runner.transaction("complete_class", timeout_s=TIMEOUT_S) as transaction:
        await _complete(transaction, run, key, data, sent)


async def write_influences(runner: QueryRunner, run: str, key: int, data: ClassData) -> dict[str, int]:
    """Writes a class's influence edges.

    Args:
        runner: The database.
        run: The run's id.
        key: The class's key.
        data: What to write, its edges sorted by target.

    Returns:
        Number and sum of what was sent, as `count_class` names them.

    Raises:
        DatabaseError: If the database fails or cannot be reached.
    """
    write = partial(runner.run, timeout_s=TIMEOUT_S)
    edges = np.arange(len(data.weights))
    # Whole batches for the first writer, so that there are no more batches than with one.
    middle = -(-len(edges) // (2 * BATCH)) * BATCH
    await _together(
        *(_write_batches(write, run, key, data, "influences", own) for own in (edges[:middle], edges[middle:]))
    )
    return {"influences": len(edges), "influenceSum": int(data.weights.sum())}


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
        sent = await _write_activations(transaction.run, run, key, data)
        sent |= {"influences": len(data.weights), "influenceSum": int(data.weights.sum())}
        sent |= await _write_edges(transaction.run, run, key, data, "attributes", data.extraction.kept_edges)
        await _complete(transaction, run, key, data, sent)
        await transaction.run("unmark_stale", {"class": key})


async def _complete(transaction: Transaction, run: str, key: int, data: ClassData, sent: dict[str, int]) -> None:
    held = (await transaction.run("count_class", {"class": key}))[0]
    if held != sent:
        raise LoadError(
            f"class {run}/{data.index}: {shortfall(sent, held)}", hint="load the run again, the class is redone"
        )
    await transaction.run(
        "complete_class",
        {
            "class": key,
            "mass": data.extraction.mass,
            "edgeCount": len(data.weights),
            "droppedShare": data.dropped_share,
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


async def _write_activations(write: _Write, run: str, key: int, data: ClassData) -> dict[str, int]:
    positions = np.flatnonzero((data.counts > 0) | (data.ranks > 0))
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
    return {
        "activations": len(positions),
        "activationSum": int(data.counts.sum()),
        "kept": int(data.extraction.kept.sum()),
    }


async def _write_edges(
    write: _Write, run: str, key: int, data: ClassData, kind: str, chosen: NDArray[np.bool_]
) -> dict[str, int]:
    edges = np.flatnonzero(chosen)
    await _write_batches(write, run, key, data, kind, edges)
    return {kind: len(edges), f"{kind[:-1]}Sum": int(data.weights[edges].sum())}


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


async def _together(*writers: Coroutine[Any, Any, None]) -> None:
    """Runs all at once; the first error ends the others and is raised, once none of them is at work any more."""
    try:
        async with asyncio.TaskGroup() as group:
            for writer in writers:
                group.create_task(writer)
    except BaseExceptionGroup as errors:
        raise errors.exceptions[0] from None
