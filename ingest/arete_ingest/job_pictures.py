"""What a job draws once everything is counted: the classes' places in each layer, and the dataset examples."""

import os
from pathlib import Path
from typing import Any

from arete_core.progress import Progress
from arete_core.run_folder import write_table
from arete_ingest.atlases import atlases_table, draw_atlases
from arete_ingest.class_examples import CLASS_TILE_PX, cut_class_examples
from arete_ingest.embeddings import begin_embeddings
from arete_ingest.examples import TILE_MEMORY_BYTES, cut_examples
from arete_ingest.memory import resident_bytes
from arete_ingest.planning import Job, cores
from arete_ingest.tables import Joined


def place_classes(job: Job, folder: Path, joined: Joined, progress: Progress) -> dict[str, dict[str, Any]]:
    """Writes `embeddings.parquet`.

    Args:
        job: The job.
        folder: The run folder, which has no manifest yet.
        joined: What was counted; `files` gets one more.
        progress: Where to report to.

    Returns:
        What the manifest is to say of how it was made.
    """
    return begin_embeddings(
        folder,
        joined.files,
        classes=[one.index for one in job.plan.sets],
        sizes=[layer.channels for layer in job.graph.layers],
        method=job.settings.method,
        progress=progress,
    )


def draw_examples(job: Job, folder: Path, joined: Joined, progress: Progress) -> None:
    """Cuts the dataset examples of the run and of each class, and writes their tables.

    Args:
        job: The job.
        folder: The run folder, which has no manifest yet.
        joined: What was counted; `files` gets the tables.
        progress: Where to report to.

    Raises:
        DatasetError: If an image that was counted cannot be read any more.
    """
    cut: dict[str, Any] = {
        "root": job.dataset.root,
        "files": job.plan.files,
        "graph": job.graph,
        "transform": job.model.transform,
        "threads": job.settings.workers or cores(),
        "progress": progress,
        "memory_bytes": _tile_memory(job),
    }
    tables = cut_examples(folder, strongest=joined.strongest, tile_px=job.settings.tile_px, **cut)
    joined.files["examples.parquet"] = write_table(folder, "examples", tables.examples)
    joined.files["sprites.parquet"] = write_table(folder, "sprites", tables.sprites)
    atlases = atlases_table(draw_atlases(folder, "examples", tables.sprites))
    joined.files["atlases.parquet"] = write_table(folder, "atlases", atlases)
    if job.settings.class_examples:
        side = min(job.settings.tile_px, CLASS_TILE_PX)
        own = cut_class_examples(folder, kept=joined.kept, tile_px=side, **cut)
        joined.files["class_examples.parquet"] = write_table(folder, "class_examples", own.examples)
        joined.files["class_sprites.parquet"] = write_table(folder, "class_sprites", own.sprites)
    os.sync()  # thousands of small pictures, flushed once instead of one by one


def _tile_memory(job: Job) -> int:
    if job.settings.memory_mb is None or job.device.type == "cuda":
        return TILE_MEMORY_BYTES
    left = int(job.settings.memory_mb * 2**20) - resident_bytes()
    return max(left // 2, 2**20)
