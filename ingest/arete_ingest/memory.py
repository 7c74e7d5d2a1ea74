"""How many lanes and how large a batch fit into a given amount of main memory.

What a lane takes is not guessed from the architecture but looked at: a counter computes one and two blank images, and
every tensor that PyTorch makes on the way is added up while it lives. What grows between the two runs is an image's.
PyTorch's own work space inside of an operation is not seen; `_MARGIN` stands for it and for memory that the allocator
does not give back.
"""

import os
import resource
import sys
import weakref
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from arete_core.errors import SettingError
from arete_ingest.counter import Counter
from arete_ingest.gradients import GradientScores
from arete_ingest.layer_graph import LayerGraph
from arete_ingest.settings import DEFAULT_BATCH, IngestSettings

_MARGIN = 1.3
_WAITING_BATCHES = 3  # decoded, besides one for each decoding thread; see `reading.decode_ahead`
_MIB = 2**20
_LATER = 96 * _MIB
"""What the program itself takes on top once at work: kernels, threads, Parquet writers. Measured: 60 to 80 MiB."""


@dataclass(frozen=True)
class LaneMemory:
    """What one lane takes, in bytes.

    Attributes:
        fixed: However large a batch is: weights that are made ready, and the counts of a unit.
        image: For each image of a batch.
    """

    fixed: int
    image: int

    def of(self, batch: int) -> int:
        """Returns what a lane with batches of this size takes, with a margin for what cannot be seen."""
        return int(_MARGIN * (self.fixed + batch * self.image))


class _LiveBytes(TorchDispatchMode):
    """Adds up the tensors that live, and remembers the most."""

    def __init__(self) -> None:
        super().__init__()
        self._live: dict[int, int] = {}
        self._now = 0
        self.peak = 0

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        """Keeps torch from loading its compiler, for 160 MB and seconds, to say that it is not wanted in here."""
        return False

    def __torch_dispatch__(
        self, func: Any, types: Sequence[type], args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        result = func(*args, **(kwargs or {}))
        for value in tree_leaves(result):
            if isinstance(value, torch.Tensor):
                self._see(value.untyped_storage())
        return result

    def _see(self, storage: torch.UntypedStorage) -> None:
        key = storage._cdata
        if key in self._live:
            return
        self._live[key] = storage.nbytes()
        self._now += storage.nbytes()
        self.peak = max(self.peak, self._now)
        weakref.finalize(storage, self._forget, key)

    def _forget(self, key: int) -> None:
        self._now -= self._live.pop(key, 0)


def lane_memory(graph: LayerGraph, settings: IngestSettings, image_size: int) -> LaneMemory:
    """Looks at what a lane takes.

    Args:
        graph: The traced model.
        settings: How it is counted.
        image_size: Side of the square input, in pixels.

    Returns:
        The bytes. Time: that of counting three images.
    """

    def peak(images: int) -> int:
        with _LiveBytes() as live:
            counter = Counter(
                graph,
                share=settings.share,
                top_k=settings.top_k,
                influence_k=settings.influence_k,
                dtype=getattr(torch, settings.dtype),
            )
            counter.count(torch.zeros(images, 3, image_size, image_size), [0] * images)
            counter.take(0)
            if settings.scores:
                gradients = GradientScores(graph, dtype=counter.dtype, device=counter.device)
                gradients.of(torch.zeros(images, 3, image_size, image_size), torch.zeros(images, dtype=torch.int64))
        return live.peak

    one, two = peak(1), peak(2)
    pairs = graph.pairs
    pixels = 3 * image_size**2 * (_WAITING_BATCHES + settings.decode_threads("cpu"))
    # A finished unit is written from int64 counts; see `Parts.write`.
    return LaneMemory(fixed=max(0, 2 * one - two) + 16 * pairs, image=max(0, two - one) + pixels)


def fit(graph: LayerGraph, settings: IngestSettings, image_size: int, lanes: int) -> tuple[int, int]:
    """Chooses the number of lanes and the batch size by the memory that the job may take.

    A smaller batch is chosen before fewer lanes only where one lane does not fit: the batch size is part of the
    numbers, the number of lanes is not.

    Args:
        graph: The traced model.
        settings: With `memory_mb`; where it is None everything fits.
        image_size: Side of the square input, in pixels.
        lanes: As many as wanted.

    Returns:
        Lanes and batch size.

    Raises:
        SettingError: If not even one lane fits, with the batch size that was asked for or with one image.
    """
    wanted = settings.batch_size or DEFAULT_BATCH
    if settings.memory_mb is None:
        return lanes, wanted
    need = lane_memory(graph, settings, image_size)
    taken = resident_bytes() + _LATER
    left = int(settings.memory_mb * _MIB) - taken
    batch = wanted
    while need.of(batch) > left and batch > 1 and settings.batch_size is None:
        batch //= 2
    if need.of(batch) > left:
        fitting = max((size for size in (1, 2, 4, 8, 16, 32) if need.of(size) <= left), default=None)
        least = (taken + need.of(1)) / _MIB
        raise SettingError(
            f"{settings.memory_mb:,.0f} MB are too little for batches of {batch}: {taken / _MIB:,.0f} MB are for "
            f"program and model, and about {need.of(batch) / _MIB:,.0f} MB are needed to count",
            hint=f"choose --batch-size {fitting}, or more --memory-mb"
            if fitting
            else f"give it --memory-mb {least + 10:,.0f} or more, or a smaller --image-size",
        )
    return max(1, min(lanes, left // max(1, need.of(batch)))), batch


def expected_bytes(graph: LayerGraph, settings: IngestSettings, image_size: int, lanes: int, batch: int) -> int:
    """Says about how much main memory a job on a CPU will take.

    Args:
        graph: The traced model.
        settings: How it is counted.
        image_size: Side of the square input, in pixels.
        lanes: Units counted beside each other.
        batch: Images computed at once.

    Returns:
        Bytes, this process's own of now among them. Time: that of counting three images.
    """
    return resident_bytes() + _LATER + lanes * lane_memory(graph, settings, image_size).of(batch)


def resident_bytes() -> int:
    """Returns how much main memory this process takes now; on other systems than Linux, the most it has taken."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return most if sys.platform == "darwin" else most * 1024
