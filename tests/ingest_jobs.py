"""Whole small jobs for tests, and what their run folders hold."""

from pathlib import Path

import numpy as np
import torch
from tiny_models import tiny

from arete_core.files import sha256_of
from arete_ingest.counter import ClassCounts, Counter
from arete_ingest.images import read_image
from arete_ingest.settings import IngestSettings
from arete_ingest.tracing import trace_model
from arete_ingest.transform import ImageTransform
from arete_ingest.unit_count import model_input

SIZE = 16
BATCH = 2  # 16 images a unit: two units for a class of 20 images


def tiny_job(data: Path, out: Path) -> IngestSettings:
    """Settings of a job of a second or less."""
    return IngestSettings(
        model="tiny_models:tiny",
        data=data,
        out=out,
        name="tiny",
        image_size=SIZE,
        batch_size=BATCH,
        tile_px=16,
        influence_k=2,
        threads=1,
    )


def hashes(folder: Path) -> dict[str, str]:
    """The sha256 of every table and picture."""
    files = [*folder.glob("*.parquet"), *folder.glob("examples/*.webp"), *folder.glob("class-examples/*")]
    return {str(path.relative_to(folder)): sha256_of(path) for path in files}


def counted_alone(files: list[Path]) -> tuple[Counter, ClassCounts, np.ndarray]:
    """Counts images one by one, without any of the job's machinery but the decoder; and the probabilities."""
    counter = Counter(trace_model(tiny(), SIZE), influence_k=2)
    transform = ImageTransform(SIZE, SIZE)
    outputs = [np.empty((0, 3), np.float32)]
    for file in files:
        pixels = transform.pixels(read_image(file))[None]
        logits = counter.count(model_input(pixels, transform, torch.device("cpu")), [0]).logits
        outputs.append(torch.softmax(logits, dim=1).numpy())
    return counter, counter.take(0), np.concatenate(outputs)
