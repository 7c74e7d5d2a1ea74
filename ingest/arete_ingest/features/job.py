"""Makes the feature visualizations of a whole run, in batches that a killed job continues from.

1. Make the run's model again and trace it; the most used channels come first.
2. Optimise batches of channels of one layer, on a CPU several beside each other.
3. Every `CHECKPOINT_S` seconds, and at the end, also when the job is stopped: add what is there to the run's tables and
   draw the atlases of the layers that changed. Readers see the pictures from then on.

A channel without a picture gets a row that says why. The run folder stays usable all the while: it is locked only
while its tables change; another lock, on `features/`, keeps a second job of this kind out.
"""

import time
from collections.abc import Generator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import torch
from PIL import Image

from arete_core.errors import RunConflictError
from arete_core.exclusions import Channel
from arete_core.files import write_bytes_atomically
from arete_core.progress import Progress, SilentProgress
from arete_core.run_change import change_tables
from arete_core.run_folder import RunFolder, writing_failed
from arete_core.run_lock import locked
from arete_core.run_schema import FEATURES
from arete_ingest.atlases import atlases_table, draw_atlas
from arete_ingest.execution import full_precision, torch_settings
from arete_ingest.features.choice import batches_of, choose_channels
from arete_ingest.features.objective import LayerModel
from arete_ingest.features.optimize import Found, Method, visualize
from arete_ingest.features.settings import FeatureSettings, picture_size
from arete_ingest.layer_graph import LayerGraph
from arete_ingest.planning import cores, find_device
from arete_ingest.processes import Process
from arete_ingest.remake import remake_model
from arete_ingest.stopping import Stop
from arete_ingest.strips import encode_strip
from arete_ingest.transform import ImageTransform

FOLDER = "features"
CHECKPOINT_S = 15.0
"""Seconds of work that a killed job loses at most, beside the batches under way."""
CPU_BATCH = 20
CUDA_BATCH = 640
"""Pictures computed at once: small enough for a CPU's caches; large enough to keep a GPU busy in the last layers.

On a GPU memory is the limit: PyTorch keeps for the way back what operations read. For GoogLeNet's last layer that is
14 MB a picture of 128 × 128 pixels (counted on a CPU), so 9 GB for 640 and some more for gradients and workspace. Not
tried on a small GPU: give a smaller `--batch` where memory does not suffice.
"""
FAINT = 0.12
"""Deviation of the pixels, 0 to 1, below which contrast is raised for people, up to `MOST_CONTRAST` times."""
MOST_CONTRAST = 4.0
_PATIENCE_S = 120.0

Row = dict[str, Any]


@dataclass(frozen=True)
class FeaturesResult:
    """What a job did.

    Attributes:
        run_id: The run's id.
        channels: Channels asked for.
        made: Pictures made by this job.
        already_there: Channels that had their picture, or the reason for having none, before.
        without: Channels asked for that have no picture, with the reason.
        seconds: Wall-clock time of the whole call.
    """

    run_id: str
    channels: int
    made: int
    already_there: int
    without: dict[str, str]
    seconds: float


def make_features(settings: FeatureSettings, progress: Progress | None = None) -> FeaturesResult:
    """Makes feature visualizations, continues with them, or finds them there.

    Args:
        settings: What to do.
        progress: Where to report to; nowhere when None.

    Returns:
        What was done.

    Raises:
        BadInput: If model, weights, channels or settings cannot work; nothing was written then.
        RunConflictError: If model or weights are not the run's, its pictures were made with other settings, or another
            job is making some.
        RunFolderError: If the run folder is not whole, or the disk is full; what was finished is kept.
        KeyboardInterrupt: On Ctrl-C; what was finished is kept.
        SystemExit: On SIGTERM, with code 143; what was finished is kept.
    """
    started = time.perf_counter()
    progress = progress or SilentProgress()
    stop = Stop()
    with stop.on_sigterm(), torch_settings(), full_precision():
        folder = RunFolder.open(settings.run, verify=False)
        device = find_device(settings.device, Process())
        graph, transform = remake_model(folder, settings.model, settings.weights)
        wanted = choose_channels(folder, settings.channels, settings.mass)[: settings.limit]
        try:
            (folder.path / FOLDER).mkdir(exist_ok=True)
            with locked(folder.path / FOLDER):
                job = _Job(settings, folder, graph, transform, device, wanted)
                made = job.run(progress)
        except OSError as error:
            raise writing_failed(folder.path, error) from error
    names = [layer.name for layer in graph.layers]
    without = {
        f"{names[layer]}/{channel}": job.rows[layer, channel]["error"]
        for layer, channel in wanted
        if job.rows[layer, channel]["error"]
    }
    seconds = time.perf_counter() - started
    return FeaturesResult(folder.manifest.id, len(wanted), made, len(wanted) - made - job.failed, without, seconds)


class _Job:
    """One job, under the lock on `features/`."""

    def __init__(
        self,
        settings: FeatureSettings,
        folder: RunFolder,
        graph: LayerGraph,
        transform: ImageTransform,
        device: torch.device,
        wanted: list[Channel],
    ) -> None:
        self._settings = settings
        self._path = folder.path
        self._graph = graph
        self._transform = transform
        self._device = device
        self.rows = self._rows_there(RunFolder.open(folder.path, verify=False))
        self.failed = 0
        self._wanted = wanted
        self._todo = [channel for channel in wanted if channel not in self.rows]
        self._changed: set[int] = set()
        self._halt = False
        # Places in the atlases do not move while the job is at work.
        self._places: dict[int, list[int]] = {}
        for layer, channel in sorted({*wanted, *self.rows}):
            self._places.setdefault(layer, []).append(channel)

    def _rows_there(self, folder: RunFolder) -> dict[Channel, Row]:
        rows = {(row["layer"], row["channel"]): row for row in folder.table("features").to_pylist()}
        before, now = {"method": 1} | folder.manifest.pictures.get(FOLDER, {}), self._settings.method()
        changed = [
            "an older method" if name == "method" else f"{name} {before.get(name)!r}, not {value!r}"
            for name, value in now.items()
            if before.get(name) != value
        ]
        if not rows or (self._settings.replace and changed):
            return {}
        if changed:
            raise RunConflictError(
                f"{folder.path} has {len(rows)} feature visualizations made with other settings: {'; '.join(changed)}",
                hint="give the same settings, or make all anew with --replace",
            )
        return rows

    def run(self, progress: Progress) -> int:
        """Makes what is missing and returns how many pictures that were."""
        there = len(self._wanted) - len(self._todo)
        if not self._todo:
            progress.say(f"{self._path}: all {there} feature visualizations are there already")
            return 0
        each = 1 + self._settings.diversity
        at_once = max(1, (self._settings.batch or (CUDA_BATCH if self._device.type == "cuda" else CPU_BATCH)) // each)
        saved = time.monotonic()
        done = 0
        total = len(self._wanted)
        with progress.task("Make feature visualizations", total=total, unit="channels", done=there) as task:
            try:
                with closing(self._batches(batches_of(self._todo, at_once), at_once)) as batches:
                    for layer, channels, found in batches:
                        done += self._keep(layer, channels, found)
                        task.advance(len(channels))
                        if self.failed:
                            task.note(f"{self.failed} without a picture")
                        if time.monotonic() - saved > CHECKPOINT_S:
                            self._save()
                            saved = time.monotonic()
            finally:
                self._save()
        return done

    def _batches(
        self, batches: list[tuple[int, list[int]]], at_once: int
    ) -> Generator[tuple[int, list[int], list[Found]], None, None]:
        """Yields batches as they are finished; as many lanes work as there are threads, on a GPU one."""
        lanes = 1 if self._device.type == "cuda" else self._settings.threads or cores()
        models: dict[int, LayerModel] = {}
        waiting: dict[Future[list[Found] | None], tuple[int, list[int]]] = {}
        with ThreadPoolExecutor(lanes, thread_name_prefix="features") as pool:
            try:
                for layer, channels in [*batches, (-1, [])]:
                    while waiting and (len(waiting) >= lanes or not channels):
                        finished, _ = wait(waiting, return_when=FIRST_COMPLETED)
                        for future in finished:
                            found = future.result()
                            if found is not None:
                                yield *waiting[future], found
                            del waiting[future]
                    if channels:
                        if layer not in models:
                            mean, std = self._transform.mean, self._transform.std
                            models[layer] = LayerModel(self._graph, layer, mean, std, self._device)
                        waiting[pool.submit(self._visualize, models[layer], layer, channels, at_once)] = (
                            layer,
                            channels,
                        )
            except BaseException:
                self._halt = True  # the lanes look at it before each step, and the pool waits for them
                raise

    def _visualize(self, model: LayerModel, layer: int, channels: list[int], at_once: int) -> list[Found] | None:
        shown = self._graph.layers[layer]
        settings = self._settings
        box = self._graph.receptive_box(layer, shown.height // 2, shown.width // 2)
        receptive = max(box[2] - box[0], box[3] - box[1])
        method = Method(
            size=settings.size or picture_size(receptive, self._graph.image_size),
            steps=settings.steps,
            rate=settings.rate,
            diversity=settings.diversity,
            seed=settings.seed,
        )
        # Libraries choose their kernels by the batch's shape: the last batch of a layer is filled up.
        filled = [*channels, *channels[-1:] * (at_once - len(channels))]
        found = visualize(model, shown.name, filled, method, self._device, stop=lambda: self._halt)
        return None if found is None else found[: len(channels)]

    def _keep(self, layer: int, channels: list[int], found: list[Found]) -> int:
        """Writes the pictures of a batch and returns how many there are."""
        for channel, one in zip(channels, found, strict=True):
            row: Row = {"layer": layer, "channel": channel, "tiles": len(one.tiles), "tile_px": self._settings.tile_px}
            if one.error:
                self.failed += 1
                row |= {"file": None, "sha256": None, "activation": None, "error": one.error}
            else:
                file = f"{FOLDER}/{layer}-{channel}.webp"
                data, digest = encode_strip(np.stack([_for_people(tile, row["tile_px"]) for tile in one.tiles]))
                write_bytes_atomically(self._path / file, data)
                row |= {"file": file, "sha256": digest, "activation": one.activation, "error": None}
            self.rows[layer, channel] = row
            self._changed.add(layer)
        return sum(one.error is None for one in found)

    def _save(self) -> None:
        """Adds what is finished to the run's tables."""
        if not self._changed:
            return
        drawn = [
            draw_atlas(
                self._path,
                FOLDER,
                layer,
                self._places[layer],
                {
                    channel: self._path / f"{row['file']}"
                    for (own, channel), row in self.rows.items()
                    if own == layer and row["file"]
                },
            )
            for layer in sorted(self._changed)
        ]
        features = pa.Table.from_pylist([self.rows[channel] for channel in sorted(self.rows)], schema=FEATURES)
        with locked(self._path, patience_s=_PATIENCE_S):
            folder = RunFolder.open(self._path, verify=False)
            layers = {layer for layer, _ in self.rows}
            others = [
                row
                for row in folder.table("atlases").to_pylist()
                if row["kind"] != FOLDER or (row["layer"] in layers and row["layer"] not in self._changed)
            ]
            tables = {"features": features, "atlases": atlases_table([*others, *drawn])}
            change_tables(folder, tables, pictures={FOLDER: self._settings.method() | {"device": self._device.type}})
        self._changed.clear()


def _for_people(tile: np.ndarray, tile_px: int) -> np.ndarray:
    """Returns a picture at the size of a tile, with more contrast where it is faint."""
    values = tile.astype(np.float32) / 255
    deviation = float(values.std())
    if 0 < deviation < FAINT:
        mean = values.mean(axis=(0, 1))
        values = mean + (values - mean) * min(FAINT / deviation, MOST_CONTRAST)
        tile = np.round(np.clip(values, 0, 1) * 255).astype(np.uint8)
    if tile.shape[0] == tile_px:
        return tile
    return np.asarray(Image.fromarray(tile).resize((tile_px, tile_px), Image.Resampling.LANCZOS))
