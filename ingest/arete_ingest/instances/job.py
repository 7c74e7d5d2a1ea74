"""Measures single images of a whole run, places them in each layer, and draws their thumbnails.

1. Make the run's model again and trace it; choose the images; leave out what was measured before.
2. Measure, label by label: channel maxima, and the model's answer. An image that cannot be read, or that gives another
   answer than when the run was made, is left out.
3. Place all images that there are now, layer by layer (`layout_2d`).
4. Add the tables to the run folder, all of them or none.

A job that is stopped changes nothing; one that comes later keeps what is there. The run folder stays usable all the
while: it is locked only while its tables change; another lock, on `thumbnails/`, keeps a second job of this kind out.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from arete_core.errors import DatasetError, NotFoundError, RunConflictError
from arete_core.progress import Progress, SilentProgress, Task
from arete_core.run_change import change_tables
from arete_core.run_folder import RunFolder, writing_failed
from arete_core.run_lock import locked
from arete_ingest.execution import full_precision, torch_settings
from arete_ingest.instances.answers import by_label, same_answer
from arete_ingest.instances.choice import RunImages, choose_images
from arete_ingest.instances.measure import CPU_BATCH, CUDA_BATCH, Measured, Measurer
from arete_ingest.instances.settings import InstanceSettings
from arete_ingest.instances.tables import (
    Instances,
    draw_classes,
    halved,
    standing_for,
    strips_of_images,
)
from arete_ingest.instances.thumbnails import (
    FOLDER,
    STRIP_TILES,
    flush,
    remove_others,
    strips_table,
    write_strip,
)
from arete_ingest.layer_graph import LayerGraph
from arete_ingest.layout_2d import LayoutSettings, place_layers
from arete_ingest.planning import cores, find_device
from arete_ingest.processes import Process
from arete_ingest.remake import remake_model
from arete_ingest.stopping import Stop
from arete_ingest.transform import ImageTransform, transform_of

KIND = "instances"
"""Key under which the manifest says how they were made."""
_PATIENCE_S = 120.0


@dataclass(frozen=True)
class InstancesResult:
    """What a job did.

    Attributes:
        run_id: The run's id.
        classes: Classes asked for.
        measured: Images measured by this job.
        already_there: Images asked for that were measured before.
        total: Images that the run has measured now.
        layers: Layers that they were measured in.
        left_out: Paths of images asked for that could not be measured, with the reason.
        seconds: Wall-clock time of the whole call.
    """

    run_id: str
    classes: int
    measured: int
    already_there: int
    total: int
    layers: int
    left_out: dict[str, str]
    seconds: float


def make_instances(settings: InstanceSettings, progress: Progress | None = None) -> InstancesResult:
    """Measures single images of chosen classes, or finds them measured.

    Args:
        settings: What to do.
        progress: Where to report to; nowhere when None.

    Returns:
        What was done. Memory: the model, a few batches, and the channel maxima of all measured images (GoogLeNet: 12 kB
        an image, twice that while tables are written).

    Raises:
        BadInput: If model, weights, classes or settings cannot work.
        DatasetError: If none of the images is where it was, or as it was.
        CapabilityError: If the run was imported without its images or its model.
        RunConflictError: If model or weights are not the run's, its images were measured in other layers, or another
            job is measuring some.
        RunFolderError: If the run folder is not whole, or the disk is full; nothing has changed then.
        KeyboardInterrupt: On Ctrl-C; nothing has changed.
        SystemExit: On SIGTERM, with code 143; nothing has changed.
    """
    started = time.perf_counter()
    progress = progress or SilentProgress()
    with Stop().on_sigterm(), torch_settings(), full_precision():
        folder = RunFolder.open(settings.run, verify=False)
        run = RunImages.read(folder)
        classes = run.find(settings.classes)
        wanted = choose_images(run, classes, settings.images, settings.seed)
        if not settings.data.is_dir():
            raise DatasetError(
                f"data folder {settings.data} does not exist", hint="pass the folder that was ingested: --data FOLDER"
            )
        device = find_device(settings.device, Process())
        graph, transform = remake_model(folder, settings.model, settings.weights)
        try:
            (folder.path / FOLDER).mkdir(exist_ok=True)
            with locked(folder.path / FOLDER):
                job = _Job(settings, RunFolder.open(settings.run, verify=False), run, graph, transform, device)
                there = job.run(wanted, progress)
        except OSError as error:
            raise writing_failed(folder.path, error) from error
    left_out = {run.paths[number]: reason for number, reason in sorted(job.left_out.items())}
    return InstancesResult(
        folder.manifest.id,
        len(classes),
        len(wanted) - there - len(left_out),
        there,
        job.total,
        len(job.layers),
        left_out,
        time.perf_counter() - started,
    )


class _Job:
    """One job, under the lock on `thumbnails/`."""

    def __init__(
        self,
        settings: InstanceSettings,
        folder: RunFolder,
        run: RunImages,
        graph: LayerGraph,
        transform: ImageTransform,
        device: torch.device,
    ) -> None:
        self._settings = settings
        self._folder = folder
        self._run = run
        self._graph = graph
        self._device = device
        kept = folder.manifest.settings.get("transform")
        # As it was then: the model's own may be for another image size.
        self._transform = transform if kept is None else transform_of(kept)
        self.layers = self._choose_layers()
        self._sizes = [graph.layers[layer].channels for layer in self.layers]
        fresh = settings.replace or not folder.has(KIND)
        self._there = Instances.none(self._sizes) if fresh else Instances.read(folder, self.layers, self._sizes)
        self._strips = [] if fresh else list(strips_of_images(folder).values())
        numbers = folder.table("thumbnails").column("strip").to_pylist()
        self._next_strip = max(numbers, default=-1) + 1
        self.left_out: dict[int, str] = {}
        self.total = len(self._there.images)

    def _choose_layers(self) -> list[int]:
        names = [layer.name for layer in self._graph.layers]
        for name in self._settings.layers:
            if name not in names:
                raise NotFoundError("layer", name, hint="the run has the layers " + ", ".join(names))
        asked = sorted({names.index(name) for name in self._settings.layers})
        before = self._folder.table("instance_places").column("layer").unique().sort().to_pylist()
        if not before or self._settings.replace:
            return asked or list(range(len(names)))
        if asked and asked != before:
            raise RunConflictError(
                f"{self._folder.path} has images measured in {', '.join(names[layer] for layer in before)}, and all "
                "are measured in the same layers",
                hint="leave out --layers, or measure anew with --replace",
            )
        return before

    def run(self, wanted: NDArray[np.int64], progress: Progress) -> int:
        """Measures what is missing and returns how many images were there."""
        todo = wanted[~np.isin(wanted, self._there.images)]
        there = len(wanted) - len(todo)
        if not len(todo):
            progress.say(f"{self._folder.path}: all {there} images are measured already")
            return there
        remove_others(self._folder)
        try:
            found = self._measure(todo, there, progress)
            if not len(found.images):
                if not there:
                    raise self._nothing(todo)
                return there
            everything = self._there.with_more(found)
            self._save(everything, self._place(everything, progress))
        finally:
            # Of a job that was stopped, and what the tables do not name any more.
            remove_others(RunFolder.open(self._folder.path, verify=False))
        return there

    def _measure(self, todo: NDArray[np.int64], there: int, progress: Progress) -> Instances:
        cuda = self._device.type == "cuda"
        measurer = Measurer(
            self._graph,
            self.layers,
            self._transform,
            self._device,
            torch.float64 if self._folder.manifest.settings.get("dtype") == "float64" else torch.float32,
            self._settings.batch_size or (CUDA_BATCH if cuda else CPU_BATCH),
            self._settings.workers or cores(),
            self._settings.tile_px,
        )
        found = [Instances.none(self._sizes)]
        total = len(todo) + there
        with progress.task("Measure images", total=total, unit="images", done=there) as task:
            batches = measurer.measure(self._settings.data, todo, self._run.paths)
            for group in by_label(self._told(batches, task), self._run.labels):
                found += self._keep(group)
        images = np.concatenate([one.images for one in found])
        return Instances(
            images,
            np.concatenate([one.strips for one in found]),
            np.concatenate([one.tiles for one in found]),
            [np.concatenate(parts) for parts in zip(*(one.largest for one in found), strict=True)],
            [np.concatenate(parts) for parts in zip(*(one.shares for one in found), strict=True)],
        )

    def _told(self, batches: Iterator[Measured], task: Task) -> Iterator[Measured]:
        """Passes batches on, and says how many images there were, and how many are left out."""
        for batch in batches:
            self.left_out |= batch.left_out
            task.advance(len(batch.images) + len(batch.left_out))
            if self.left_out:
                task.note(f"{len(self.left_out)} left out")
            yield batch

    def _keep(self, group: Measured) -> Iterator[Instances]:
        """Checks the images of one label, and draws them."""
        same = same_answer(group.probabilities, self._run.probabilities[group.images])
        self.left_out |= dict.fromkeys(
            group.images[~same].tolist(), "changed: the model's answer is another one than when the run was made"
        )
        images, tiles, maxima = group.images[same], group.tiles[same], [one[same] for one in group.maxima]
        for start in range(0, len(images), STRIP_TILES):
            own = slice(start, start + STRIP_TILES)
            self._strips.append(write_strip(self._folder.path, self._next_strip, tiles[own]))
            halves = [halved(one[own]) for one in maxima]
            count = len(images[own])
            yield Instances(
                images[own],
                np.full(count, self._next_strip, np.int32),
                np.arange(count, dtype=np.int32),
                [largest for largest, _ in halves],
                [shares for _, shares in halves],
            )
            self._next_strip += 1

    def _nothing(self, todo: NDArray[np.int64]) -> DatasetError:
        number = int(todo[0])
        reason = self.left_out.get(number, "")
        return DatasetError(
            f"none of the {len(todo)} images could be measured; {self._run.paths[number]}: {reason}",
            hint=f"pass the folder that was ingested ({self._folder.manifest.dataset.name}), or where it lies now: "
            "--data FOLDER",
        )

    def _place(self, everything: Instances, progress: Progress) -> list[NDArray[np.float64]]:
        places = []
        with progress.task("Place the images", total=len(self.layers), unit="layers") as task:
            for own in place_layers(everything.shares, LayoutSettings(seed=self._settings.seed)):
                places.append(own)
                task.advance()
        return places

    def _save(self, everything: Instances, places: list[NDArray[np.float64]]) -> None:
        standing = standing_for(self._run, self._run.classes.values(), everything.images)
        of_classes, class_table = draw_classes(
            self._folder, standing, everything, self._strips, self._next_strip, self._settings.tile_px
        )
        flush(self._folder.path)
        tables = everything.tables(self.layers, places)
        tables |= {"thumbnails": strips_table([*self._strips, *of_classes]), "class_thumbnails": class_table}
        with locked(self._folder.path, patience_s=_PATIENCE_S):
            folder = RunFolder.open(self._folder.path, verify=False)
            change_tables(folder, tables, pictures={KIND: {"seed": self._settings.seed, "device": self._device.type}})
        self.total = len(everything.images)
