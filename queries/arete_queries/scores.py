"""Further scores of channels, from `scores.parquet` to `(:Class)-[:SCORES {name, value}]->(:Channel)`.

They are no part of a class's counts: a class is complete without them, and they can be written again at any time. A
class's scores are replaced in one transaction, so that a ranking sees all of them or those from before.
"""

import asyncio
from typing import Final

import numpy as np

from arete_core.errors import RunFolderError
from arete_core.ids import class_id
from arete_core.layout import Layout
from arete_core.rank import Floats, Ints
from arete_core.run_folder import RunFolder
from arete_queries.runner import QueryRunner

_MAX_NAME: Final = 100
_TIMEOUT_S: Final = 120.0
_Scores = dict[int, dict[str, tuple[Ints, Floats]]]
"""Positions and values by class index and name."""


async def load_scores(runner: QueryRunner, folder: RunFolder) -> int:
    """Writes a run's scores into the database, in place of those that are there.

    Args:
        runner: The database, which holds the run.
        folder: The run folder.

    Returns:
        How many scores were written; 0 for a run without `scores.parquet`.

    Raises:
        RunFolderError: If a score is of no class or channel of the run, is not finite or is there twice.
        DatabaseError: If the database fails or cannot be reached.
    """
    if not folder.has("scores"):
        return 0
    scores = await asyncio.to_thread(_read, folder)
    run = folder.manifest.id
    written = 0
    for index, named in scores.items():
        class_ = class_id(run, index)
        async with runner.transaction("load_scores", timeout_s=_TIMEOUT_S) as transaction:
            await transaction.run("delete_scores", {"class": class_})
            for name, (positions, values) in named.items():
                asked = {"positions": positions.tolist(), "values": values.tolist()}
                await transaction.run("write_scores", {"class": class_, "run": run, "name": name, **asked})
                written += len(positions)
    return written


def _read(folder: RunFolder) -> _Scores:
    layout = Layout.of_tables(folder.table("layers"), folder.table("channels"))
    known = folder.table("classes").column("class").to_numpy()
    table = folder.table("scores")
    classes, values = table.column("class").to_numpy(), table.column("score").to_numpy()
    names = np.array(table.column("name").to_pylist(), dtype=object)
    positions = layout.positions(table.column("layer").to_numpy(), table.column("channel").to_numpy(), "scores.parquet")
    unknown = ~np.isin(classes, known)
    if unknown.any():
        raise RunFolderError(f"scores.parquet: class {classes[unknown][0]} is not in classes.parquet")
    if not np.isfinite(values).all():
        raise RunFolderError("scores.parquet: finite scores were expected")
    odd = [name for name in set(names.tolist()) if not 1 <= len(name) <= _MAX_NAME]
    if odd:
        raise RunFolderError(
            f"scores.parquet: a name of 1 to {_MAX_NAME} characters was expected, found {odd[0]!r:.40}"
        )
    found: _Scores = {}
    for index in np.unique(classes).tolist():
        own = classes == index
        for name in sorted(set(names[own].tolist())):
            rows = np.flatnonzero(own & (names == name))
            if len(np.unique(positions[rows])) != len(rows):
                raise RunFolderError(f"scores.parquet: class {index}, {name!r}: each channel was expected once")
            found.setdefault(index, {})[name] = (positions[rows], values[rows])
    return found
