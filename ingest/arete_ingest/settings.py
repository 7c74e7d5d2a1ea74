"""What a job is asked to do, checked when it is written down. This module does not import torch."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from arete_core.errors import SettingError
from arete_core.ids import check_run_id, run_id_from
from arete_ingest.ranges import check_ranges

_NUMBERS = ("method", "share", "top_k", "influence_k", "examples", "tile_px", "dtype", "batch_size", "limit", "seed")
_UNUSUAL: dict[str, Any] = {"labels": True, "where": "all", "layers": None, "scores": (), "class_examples": True}
DEFAULT_BATCH = 32
SCORES = ("gradient",)
WHERE = ("all", "correct", "misclassified")
"""Which images are counted, by whether their largest output is that of their label."""


@dataclass(frozen=True, kw_only=True)
class IngestSettings:
    """All settings of a job. Those marked * change the numbers; a job is only continued where they are the same.

    Attributes:
        model: * As `models.load_model` takes it.
        data: Image folder.
        out: Run folder to write; made if it is missing.
        weights: * File, `DEFAULT`, `random`, or None for a factory's own.
        name: Name of the run; also its id once put into small letters. The run folder's own name when None.
        split: * `train`, `val` and the like; None takes `train` where the folder has splits.
        classes: * Classes asked for, as `dataset.scan_folder` takes them; all when None.
        class_names: File of `folder<TAB>name` lines; `classes.tsv` in the data folder when None.
        limit: * At most this many images a class; all when None. Subsets and single images are not limited.
        superclasses: * File of superclasses, as `class_sets.read_superclasses` takes it; none when None.
        subsets: * Names of subsets and the files that list their images, as `class_sets.read_subset` takes them.
        single_images: * Images that are a class set each.
        layers: * Names or patterns of the layers to show, as `shown_layers` takes them; chosen by the model when None.
        exclude: Channels, `layer/channel`, that take no part in attribution graphs. No count depends on it,
            so a finished run is only marked.
        scores: * Further scores of channels: `gradient` for gradient times activation (`gradients`).
        labels: * Whether the labels are class sets of the run; False leaves only the other sets.
        where: * `correct` or `misclassified` counts only images whose largest output is, or is not, their label's.
        image_size: * Side of the square input in pixels; the weights' own when None.
        method: * Which activation counts the loader takes: by share, or of the k largest channels. Both are counted.
        share: * Share of a layer's activation that an image's counted channels reach, above 0 and at most 1.
        top_k: * Channels a layer that the second method counts.
        influence_k: * Input channels that count for each output channel.
        examples: * Dataset examples a channel; 0 makes none and no pictures.
        class_examples: * Whether each class's own images that excite the channels of its graph are kept, too: as many.
        tile_px: * Side of one example in a picture strip, in pixels.
        device: * `auto` (CUDA where there is one), `cpu`, `cuda` or `cuda:N`.
        dtype: * `float32` or `float64`.
        batch_size: * Images computed at once. Part of the numbers, because libraries choose their kernels by it. When
            None `DEFAULT_BATCH`, or as many as fit into `memory_mb`.
        workers: Threads that decode images for each computing thread or GPU; chosen by the device when None.
        threads: Threads that compute on the CPU, each a unit of work of its own; one a core when None. Of each process.
        memory_mb: On a CPU about how much main memory the process may take, in MiB: it uses fewer threads where needed.
            Not in it: an image of many megapixels while it is decoded, up to 150 MB each, and the joining of a class,
            some ten times its counts. On a GPU, how much counting takes at a time beside the model's own pass.
            Unlimited, and 512 MiB on a GPU, when None.
        max_failed: Share of the images that may be unreadable before the job fails, rounded up to whole images: one
            bad image never stops a job unless 0 is asked for.
        seed: * For random weights.
    """

    model: str
    data: Path
    out: Path
    weights: str | None = None
    name: str | None = None
    split: str | None = None
    classes: tuple[str, ...] | None = None
    class_names: Path | None = None
    limit: int | None = None
    superclasses: Path | None = None
    subsets: tuple[tuple[str, Path], ...] = ()
    single_images: tuple[Path, ...] = ()
    layers: tuple[str, ...] | None = None
    exclude: tuple[str, ...] = ()
    scores: tuple[str, ...] = ()
    labels: bool = True
    where: str = "all"
    image_size: int | None = None
    method: str = "share"
    share: float = 0.03
    top_k: int = 5
    influence_k: int = 5
    examples: int = 10
    class_examples: bool = True
    tile_px: int = 96
    device: str = "auto"
    dtype: str = "float32"
    batch_size: int | None = None
    workers: int | None = None
    threads: int | None = None
    memory_mb: float | None = None
    max_failed: float = 0.01
    seed: int = 0

    def __post_init__(self) -> None:
        """Checks what can be checked without opening anything.

        Raises:
            SettingError: If a value cannot work.
        """
        ranges = (
            ("limit", 1, None),
            ("image_size", 1, 4096),
            ("top_k", 1, None),
            ("influence_k", 1, None),
            ("examples", 0, 100),
            ("tile_px", 8, 512),
            ("batch_size", 1, 65_536),
            ("workers", 1, 256),
            ("threads", 1, 1024),
            ("memory_mb", 0.25, None),
            ("max_failed", 0, 1),
        )
        check_ranges(self, ranges)
        if not 0 < self.share <= 1:
            raise SettingError(f"share is {self.share}, above 0 and at most 1 was expected")
        if self.method not in ("share", "top-k"):
            raise SettingError(f"method is {self.method!r}, share or top-k was expected")
        if self.dtype not in ("float32", "float64"):
            raise SettingError(f"dtype is {self.dtype!r}, float32 or float64 was expected")
        if self.where not in WHERE:
            raise SettingError(f"where is {self.where!r}, one of {', '.join(WHERE)} was expected")
        for score in self.scores:
            if score not in SCORES:
                raise SettingError(f"scores: {score!r} is unknown, {', '.join(SCORES)} was expected")
        if not self.labels:
            self._check_without_labels()
        check_run_id(self.run_id)

    def _check_without_labels(self) -> None:
        if self.superclasses is None and not self.subsets and not self.single_images:
            raise SettingError(
                "without labels there is nothing to count",
                hint="name a class set with --superclasses, --subset or --image, or leave out --no-labels",
            )
        if self.classes is not None:
            raise SettingError("--classes picks labels and --no-labels leaves them out", hint="give one of the two")

    @property
    def run_id(self) -> str:
        """The run's id, made of its name."""
        return run_id_from(self.run_name)

    @property
    def run_name(self) -> str:
        """The run's name, for people."""
        return self.name or self.out.absolute().name

    def decode_threads(self, device_type: str, processes: int = 1) -> int:
        """Returns how many threads decode for one lane. One decodes faster than a CPU counts; a GPU wants all.

        Args:
            device_type: `cpu` or `cuda`.
            processes: How many processes share this machine.
        """
        if self.workers is not None:
            return self.workers
        return max(1, min(16, (os.cpu_count() or 1) // processes)) if device_type == "cuda" else 1

    def numbers(self) -> dict[str, Any]:
        """Returns the settings that change the numbers and say nothing about where files lie, as plain JSON values.

        Model, weights, transform, images and classes are not among them: the job adds what they turned out to be.
        """
        numbers = {name: getattr(self, name) for name in _NUMBERS}
        # Only where they are used, so that runs made before there was such a setting are still known as the same.
        numbers |= {name: getattr(self, name) for name, usual in _UNUSUAL.items() if getattr(self, name) != usual}
        return {name: list(value) if isinstance(value, tuple) else value for name, value in numbers.items()}
