"""Dataset examples of the whole run, from the run folder to `(:Channel)-[:EXAMPLE {rank, activation}]->(:Image)`.

Only images that are an example are in the database. They are no part of a class's counts, and can be written again.
"""

import asyncio
from typing import Any, Final

from arete_core.errors import RunFolderError
from arete_core.ids import channel_id, image_id
from arete_core.run_folder import RunFolder
from arete_queries.runner import QueryRunner
from arete_queries.write_class import TIMEOUT_S

_BATCH: Final = 5_000


async def load_examples(runner: QueryRunner, folder: RunFolder) -> int:
    """Writes a run's dataset examples into the database.

    Args:
        runner: The database, which holds the run.
        folder: The run folder.

    Returns:
        How many were written; 0 for a run without any.

    Raises:
        RunFolderError: If an example is of no channel or image of the run.
        DatabaseError: If the database fails or cannot be reached.
    """
    if not folder.has("examples") or not folder.has("images"):
        return 0
    rows = await asyncio.to_thread(_read, folder)
    for start in range(0, len(rows), _BATCH):
        channels, ranks, activations, images = zip(*rows[start : start + _BATCH], strict=True)
        params = {"channels": list(channels), "ranks": list(ranks), "activations": list(activations)}
        params |= {"run": folder.manifest.id, "images": list(images)}
        await runner.run("write_examples", params, timeout_s=TIMEOUT_S)
    return len(rows)


def _read(folder: RunFolder) -> list[tuple[str, int, float, dict[str, Any]]]:
    run = folder.manifest.id
    layers = folder.table("layers").sort_by("layer")
    names, sizes = layers.column("name").to_pylist(), layers.column("channels").to_pylist()
    images = {
        row["image"]: {
            "id": image_id(run, row["image"]),
            "number": row["image"],
            "classIndex": row["class"],
            "predictedIndex": row["predicted"],
            "probability": row["probability"],
        }
        for row in folder.table("images").to_pylist()
    }
    found = []
    for row in folder.table("examples").to_pylist():
        layer, channel = row["layer"], row["channel"]
        if not 0 <= layer < len(names) or not 0 <= channel < sizes[layer]:
            raise RunFolderError(
                f"examples.parquet: channel {channel} of layer {layer} is named, which the run does not have"
            )
        if row["image"] not in images:
            raise RunFolderError(f"examples.parquet: image {row['image']} is not in images.parquet")
        found.append((channel_id(run, names[layer], channel), row["rank"], row["activation"], images[row["image"]]))
    return found
