"""Everything that is fixed before the first image is counted: images, model, traced graph and units of work."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import numpy as np
import torch

from arete_core.errors import SettingError
from arete_core.exclusions import Channel, find_channels
from arete_core.progress import Progress
from arete_ingest.class_sets import ClassSet, check_names, read_subset, read_superclasses, single_images
from arete_ingest.dataset import Dataset, match_outputs, scan_folder
from arete_ingest.kernels import why_slow
from arete_ingest.layer_graph import LayerGraph
from arete_ingest.memory import fit
from arete_ingest.models import LoadedModel, load_model
from arete_ingest.plan import Plan, make_plan
from arete_ingest.processes import Process
from arete_ingest.reading import Batch
from arete_ingest.settings import DEFAULT_BATCH, IngestSettings
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
        sets: Class sets that are no labels, in order of index.
        plan: The images, class sets and units of work.
        exclude: Channels that take no part in attribution graphs.
        device: Where counting is done.
        batch_size: Images computed at once.
        lanes: How many units are counted beside each other.
        process: Which of the job's processes this is.
    """

    settings: IngestSettings
    dataset: Dataset
    model: LoadedModel
    graph: LayerGraph
    output_of: dict[int, int]
    sets: tuple[ClassSet, ...]
    plan: Plan
    exclude: tuple[Channel, ...]
    device: torch.device
    batch_size: int
    lanes: int
    process: Process

    def fingerprint(self) -> dict[str, Any]:
        """Returns everything that the numbers depend on, as plain JSON values; nothing of it says where files lie."""
        digest = sha256()
        for index in np.unique(self.plan.labels).tolist():
            folder, name, output = self.dataset.folders[index], self.dataset.names[index], self.output_of.get(index)
            digest.update(f"{index}\t{folder}\t{name}\t{output}\n".encode("utf-8", "replace"))
        sets = {f"{one.kind} {one.name}": one.fingerprint() for one in self.sets}
        return {
            "run": self.settings.run_id,
            "model": self.settings.model,
            "weights_sha256": self.model.weights_sha256,
            "graph_sha256": self.graph.graph_sha256,
            "images_sha256": self.plan.files_sha256,
            "split": self.dataset.split,
            "classes_sha256": digest.hexdigest(),
            **self.settings.numbers(),
            "batch_size": self.batch_size,
            "transform": self.model.transform.as_settings(),
            **({"sets": sets} if sets else {}),
        }

    def true_outputs(self) -> np.ndarray:
        """Returns, by image id, the model output that stands for its label; -1 where none is known."""
        outputs = np.array([self.output_of.get(index, -1) for index in range(len(self.dataset.folders))], np.int64)
        return outputs[self.plan.labels]

    def device_name(self) -> str:
        """Returns the device in words: `cpu`, or `cuda: ` and the card's name."""
        if self.device.type != "cuda":
            return self.device.type
        return f"cuda: {torch.cuda.get_device_name(self.device)}"


def prepare(settings: IngestSettings, progress: Progress, process: Process) -> Job:
    """Lists the images, makes and traces the model. Writes nothing.

    Args:
        settings: What is asked for.
        progress: Where remarks go.
        process: Which of the job's processes this is.

    Returns:
        The job.

    Raises:
        BadInput: If model, weights, data or settings cannot work.
    """
    device = find_device(settings.device, process)
    dataset, sets, notes = _images(settings)
    out = settings.out.absolute()
    if out.resolve().is_relative_to(dataset.root.resolve()):
        raise SettingError(
            f"the run folder {out} lies inside the data folder {dataset.root}", hint="choose another --out"
        )
    model = load_model(settings.model, settings.weights, image_size=settings.image_size, seed=settings.seed)
    graph = trace_model(model.module, model.transform.image_size, layers=settings.layers)
    exclude = find_channels(
        settings.exclude, [layer.name for layer in graph.layers], [layer.channels for layer in graph.layers]
    )
    output_of = match_outputs(dataset, model.outputs, model.categories)
    for note in (*notes, *model.notes):
        progress.say(note)
    slow = why_slow(device)
    if slow and settings.dtype == "float32":
        progress.say(f"plain PyTorch counts influences here, several times slower than compiled kernels: {slow}")
    lanes, batch_size = 1, settings.batch_size or DEFAULT_BATCH
    if device.type != "cuda":
        lanes = settings.threads or max(1, cores() // process.local_world)
        lanes, batch_size = fit(graph, settings, model.transform.image_size, lanes)
    if settings.scores and not model.outputs:
        raise SettingError(
            f"--scores {', '.join(settings.scores)} needs scores of classes, and {model.name} gives none",
            hint="leave out --scores",
        )
    plan = make_plan(dataset, sets, with_labels=settings.labels, unit_images=batch_size * UNIT_BATCHES)
    _check_outputs(settings, dataset, plan, model, output_of, progress)
    return Job(
        settings,
        dataset,
        model,
        graph,
        output_of,
        tuple(sets),
        plan,
        tuple(exclude),
        device,
        batch_size,
        lanes,
        process,
    )


def _images(settings: IngestSettings) -> tuple[Dataset, list[ClassSet], list[str]]:
    """Lists the labels' images and reads the other class sets."""

    def scan(classes: Sequence[str] | None) -> Dataset:
        return scan_folder(
            settings.data,
            split=settings.split,
            classes=classes,
            limit=settings.limit,
            class_names=settings.class_names,
        )

    # Without labels only what a superclass adds up is listed.
    dataset = scan(settings.classes if settings.labels else ())
    sets: list[ClassSet] = []
    if settings.superclasses is not None:
        sets += read_superclasses(settings.superclasses, dataset.folders, dataset.names)
        if not settings.labels:
            dataset = scan([dataset.folders[index] for one in sets for index in one.classes])
    notes = list(dataset.notes) if settings.labels else []
    for name, path in settings.subsets:
        subset, remarks = read_subset(name, path, dataset)
        sets.append(subset)
        notes += remarks
    images, remarks = single_images(settings.single_images, dataset)
    sets += images
    check_names(sets, dataset)
    return dataset, sets, notes + remarks


def _check_outputs(
    settings: IngestSettings,
    dataset: Dataset,
    plan: Plan,
    model: LoadedModel,
    output_of: dict[int, int],
    progress: Progress,
) -> None:
    labels = np.unique(plan.labels).tolist()
    unmatched = [index for index in labels if index not in output_of]
    if not unmatched:
        return
    reason = (
        "the model gives no scores of classes"
        if not model.outputs
        else f"the model has {model.outputs} outputs, the folder {len(dataset.folders)} classes, and names do not match"
    )
    if settings.where != "all":
        raise SettingError(
            f"--where {settings.where} needs to know which output stands for each class, and for "
            f"{dataset.names[unmatched[0]]} and {len(unmatched) - 1} others it is not known: {reason}",
            hint="give classes the names of the model's categories with --class-names, or leave out --where",
        )
    progress.say(f"accuracy is unknown for {len(unmatched)} of {len(labels)} classes: {reason}")


def units_of(job: Job) -> Iterator[tuple[int, list[Batch]]]:
    """Yields every unit's number and its batches; a batch never crosses a unit, nor a unit a class set."""
    size = job.batch_size
    for unit, images in enumerate(job.plan.units):
        batches = [images[first : first + size].tolist() for first in range(0, len(images), size)]
        yield unit, [Batch(unit, tuple(ids), tuple(job.plan.files[id_] for id_ in ids)) for ids in batches]


def cores() -> int:
    """Returns the number of cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def find_device(name: str, process: Process) -> torch.device:
    """Returns the device of a name, for one of a job's processes; `auto` is CUDA where there is one.

    Args:
        name: `auto`, `cpu`, `cuda` or `cuda:N`.
        process: Which of the job's processes this is.

    Returns:
        The device.

    Raises:
        SettingError: If there is no such device.
    """
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise SettingError(f"device {name!r} is none of auto, cpu, cuda and cuda:N") from error
    if device.type not in ("cpu", "cuda"):
        raise SettingError(f"device {name!r} is none of auto, cpu, cuda and cuda:N")
    if device.type != "cuda":
        return device
    cards = torch.cuda.device_count()
    if device.index is None and process.world > 1:
        if process.local_rank >= cards > 0:
            raise SettingError(
                f"{process.name} would take CUDA device {process.local_rank}, this machine has {cards}",
                hint=f"start one process a device: torchrun --nproc-per-node {cards}",
            )
        device = torch.device("cuda", process.local_rank)
    if (device.index or 0) >= cards:
        raise SettingError(
            f"device {name} was asked for, PyTorch {torch.__version__} sees {cards} CUDA devices",
            hint="leave --device out, or install a PyTorch build for your driver",
        )
    return device
