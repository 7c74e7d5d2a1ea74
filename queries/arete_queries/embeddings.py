"""The classes' places in each layer: `embeddings.parquet` to `(:Class)-[:PLACED_IN {x, y}]->(:Layer)`, and back.

They are no part of a class's counts, and can be written again at any time. A layer's places are written in one
transaction: readers see those from before or the new ones.
"""

import asyncio

import numpy as np

from arete_core.errors import RunFolderError
from arete_core.ids import class_id, layer_id
from arete_core.run_folder import RunFolder
from arete_queries.arguments import check_text
from arete_queries.image_results import Embedding
from arete_queries.lists import no_layer
from arete_queries.runner import QueryRunner
from arete_queries.write_class import TIMEOUT_S


async def load_embeddings(runner: QueryRunner, folder: RunFolder) -> int:
    """Writes the places of a run's classes into the database, over those that are there.

    Args:
        runner: The database, which holds the run.
        folder: The run folder.

    Returns:
        How many places were written; 0 for a run without `embeddings.parquet`.

    Raises:
        RunFolderError: If a place is of no class or layer of the run, is not finite or is there twice.
        DatabaseError: If the database fails or cannot be reached.
    """
    if not folder.has("embeddings"):
        return 0
    places = await asyncio.to_thread(_read, folder)
    for own in places:
        params = {"layer": own.layer, "classes": list(own.classes), "x": list(own.x), "y": list(own.y)}
        await runner.run("write_embedding", params, timeout_s=TIMEOUT_S)
    return sum(len(own.classes) for own in places)


async def layer_embedding(runner: QueryRunner, layer: str) -> Embedding | None:
    """Returns where the classes lie in a layer.

    Args:
        runner: The database.
        layer: The layer's id, `run/layer`.

    Returns:
        The places by class index, or None where the run has none.

    Raises:
        NotFoundError: If there is no such layer.
        DatabaseError: If the database fails or cannot be reached.
    """
    rows = await runner.run("embedding", {"layer": check_text("layer", layer)})
    if not rows:
        raise await no_layer(runner, layer)
    row = rows[0]
    return Embedding(row["layer"], tuple(row["classes"]), tuple(row["x"]), tuple(row["y"])) if row["classes"] else None


def _read(folder: RunFolder) -> list[Embedding]:
    run = folder.manifest.id
    names = folder.table("layers").sort_by("layer").column("name").to_pylist()
    known = folder.table("classes").column("class").to_numpy()
    table = folder.table("embeddings").sort_by([("layer", "ascending"), ("class", "ascending")])
    layers, classes = table.column("layer").to_numpy(), table.column("class").to_numpy()
    x, y = (table.column(axis).to_numpy().astype(np.float64) for axis in ("x", "y"))
    if len(table) and (layers[0] < 0 or layers[-1] >= len(names)):
        raise RunFolderError(f"embeddings.parquet: layers 0 to {len(names) - 1} were expected")
    unknown = ~np.isin(classes, known)
    if unknown.any():
        raise RunFolderError(f"embeddings.parquet: class {classes[unknown][0]} is not in classes.parquet")
    if ((np.diff(layers) == 0) & (np.diff(classes) == 0)).any():
        raise RunFolderError("embeddings.parquet: each class once a layer was expected")
    if not (np.isfinite(x).all() and np.isfinite(y).all()):
        raise RunFolderError("embeddings.parquet: finite places were expected")
    found = []
    for layer in np.unique(layers).tolist():
        own = layers == layer
        ids = tuple(class_id(run, index) for index in classes[own].tolist())
        found.append(Embedding(layer_id(run, names[layer]), ids, tuple(x[own].tolist()), tuple(y[own].tolist())))
    return found
