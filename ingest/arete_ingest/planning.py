"""Everything that is fixed before the first image is counted: images, model, traced graph and units of work."""

import math
import os
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import torch

from arete_core.errors import SettingError
from arete_core.progress import Progress
from arete_ingest.dataset import Dataset, match_outputs, scan_folder
from arete_ingest.layer_graph import LayerGraph
from arete_ingest.models import LoadedModel, load_model
from arete_ingest.reading import Batch
from arete_ingest.settings import IngestSettings
from arete_ingest.tables import ClassUnits
from arete_ingest.tracing import trace_model

UNIT_BATCHES = 8
"""Batches a unit: what a killed job loses at most. 256 images by default, 3 to 10 s on a CPU."""


@dataclass(frozen=True)
class Job:
    """Everything that is fixed before the first image is counted.

    Attributes:
        settings: What was asked for.
        dataset: The images.
        model: The model with its weights.
        graph: The traced model.
        output_of: Model output of a class index, where they could be matched.
        plan: The classes with their units of work, in order of index.
        files: By image id, paths relative to the data folder.
        device: Where counting is done.
    """

    settings: IngestSettings
    dataset: Dataset
    model: LoadedModel
    graph: LayerGraph
    output_of: dict[int, int]
    plan: tuple[ClassUnits, ...]
    files: tuple[str, ...]
    device: torch.device

    def fingerprint(self) -> dict[str, Any]:
        """Returns everything that the numbers depend on, as plain JSON values; nothing of it says where files lie."""
        digest = sha256()
        for class_ in self.dataset.classes:
            output = self.output_of.get(class_.index)
            digest.update(f"{class_.index}\t{class_.folder}\t{class_.name}\t{output}\n".encode("utf-8", "replace"))
        return {
            "run": self.settings.run_id,
            "model": self.settings.model,
            "weights_sha256": self.model.weights_sha256,
            "graph_sha256": self.graph.graph_sha256,
            "images_sha256": self.dataset.files_sha256,
            "split": self.dataset.split,
            "classes_sha256": digest.hexdigest(),
            **self.settings.numbers(),
            "transform": self.model.transform.as_settings(),
        }

    @property
    def lanes(self) -> int:
        """How many units are counted beside each other."""
        return 1 if self.device.type == "cuda" else self.settings.threads or cores()

    def device_name(self) -> str:
        """Returns the device in words: `cpu`, or `cuda: ` and the card's name."""
        if self.device.type != "cuda":
            return self.device.type
        return f"cuda: {torch.cuda.get_device_name(self.device)}"


def prepare(settings: IngestSettings, progress: Progress) -> Job:
    """Lists the images, makes and traces the model. Writes nothing.

    Args:
        settings: What is asked for.
        progress: Where remarks go.

    Returns:
        The job.

    Raises:
        BadInput: If model, weights, data or settings cannot work.
    """
    device = _device(settings.device)
    dataset = scan_folder(
        settings.data,
        split=settings.split,
        classes=settings.classes,
        limit=settings.limit,
        class_names=settings.class_names,
    )
    out = settings.out.absolute()
    if out.resolve().is_relative_to(dataset.root.resolve()):
        raise SettingError(
            f"the run folder {out} lies inside the data folder {dataset.root}", hint="choose another --out"
        )
    model = load_model(settings.model, settings.weights, image_size=settings.image_size, seed=settings.seed)
    graph = trace_model(model.module, model.transform.image_size)
    output_of = match_outputs(dataset, model.outputs, model.categories)
    for note in (*dataset.notes, *model.notes):
        progress.say(note)
    unmatched = sum(class_.index not in output_of for class_ in dataset.classes)
    if unmatched:
        progress.say(
            f"accuracy is unknown for {unmatched} of {len(dataset.classes)} classes: the model has {model.outputs} "
            f"outputs, the folder {len(dataset.folders)} classes, and names do not match"
        )
    plan, files = _plan(dataset, settings.batch_size * UNIT_BATCHES)
    return Job(settings, dataset, model, graph, output_of, plan, files, device)


def _plan(dataset: Dataset, unit_images: int) -> tuple[tuple[ClassUnits, ...], tuple[str, ...]]:
    plan: list[ClassUnits] = []
    files: list[str] = []
    unit = 0
    for class_ in dataset.classes:
        units = math.ceil(len(class_.files) / unit_images)
        plan.append(ClassUnits(class_, len(files), tuple(range(unit, unit + units))))
        unit += units
        files += class_.files
    return tuple(plan), tuple(files)


def units_of(job: Job) -> Iterator[tuple[int, list[Batch]]]:
    """Yields every unit's number and its batches; a batch never crosses a unit, nor a unit a class."""
    size = job.settings.batch_size
    for entry in job.plan:
        for number, unit in enumerate(entry.units):
            start = number * size * UNIT_BATCHES
            stop = min(start + size * UNIT_BATCHES, len(entry.class_.files))
            batches = []
            for first in range(start, stop, size):
                files = entry.class_.files[first : min(first + size, stop)]
                ids = range(entry.first_image + first, entry.first_image + first + len(files))
                batches.append(Batch(unit, tuple(ids), files))
            yield unit, batches


def cores() -> int:
    """Returns the number of cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _device(name: str) -> torch.device:
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise SettingError(f"device {name!r} is none of auto, cpu, cuda and cuda:N") from error
    if device.type not in ("cpu", "cuda"):
        raise SettingError(f"device {name!r} is none of auto, cpu, cuda and cuda:N")
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise SettingError(
            f"device {name} was asked for, PyTorch {torch.__version__} sees {torch.cuda.device_count()} CUDA devices",
            hint="leave --device out, or install a PyTorch build for your driver",
        )
    return device
