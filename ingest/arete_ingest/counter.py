"""Counts batches of images: one forward pass, in which every convolution's input and every layer's map is looked at.

Nothing is kept beyond the batch but the counts. A batch counts as a whole or not at all: where an operation fails or a
value is not finite, the counts stay as they were.

Measured: GoogLeNet, one thread of an AMD EPYC, processor time an image in batches of 8: at 96 pixels 13 ms for the
forward pass and 29 ms for counting, at 224 pixels 66 ms and 88 ms. `docs/counting.md` says what takes it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import torch
import torch.fx
from jaxtyping import Float, Int
from torch import Tensor

from arete_core.errors import SettingError
from arete_ingest import native
from arete_ingest.activations import Peaks, Taken, spatial_peaks, taken_channels
from arete_ingest.execution import NotFiniteError, Watcher, class_scores_of, full_precision, moved_to, require_finite
from arete_ingest.layer_graph import LayerGraph
from arete_ingest.terms import TermCounting

SHARE = 0.03
"""Share of a layer's activation that an image's counted channels reach; that of Summit's published graphs."""

CPU_MEMORY_MB = 4.0
"""A piece of work that stays in a core's cache; 2 to 8 MB measured alike, 1 and 16 MB slower."""

CUDA_MEMORY_MB = 512.0
"""Enough to keep a GPU busy, small beside the forward pass."""


class BatchResult(NamedTuple):
    """What one batch gave.

    Attributes:
        logits: The model's output (image, output), on the counting device; without outputs where it is no classifier.
        maxima: Per layer, each channel's largest value over space (image, channel).
        positions: Per layer, where it is: row * width + column (image, channel).
    """

    logits: Float[Tensor, "image output"]
    maxima: list[Float[Tensor, "image channel"]]
    positions: list[Int[Tensor, "image channel"]]


@dataclass
class ClassCounts:
    """Counts of one class set.

    Attributes:
        images: Number of images counted.
        activation_counts: Per layer, A by share: int64 (channel,).
        top_k_counts: Per layer, A by the k largest channels: int64 (channel,).
        influence_counts: Per channel sum, I: int32 (out_channel, candidate).
    """

    images: int
    activation_counts: list[np.ndarray]
    top_k_counts: list[np.ndarray]
    influence_counts: list[np.ndarray]

    def add(self, other: "ClassCounts") -> None:
        """Adds the counts of other images of the same class set.

        Args:
            other: Made with the same layer graph.
        """
        self.images += other.images
        for mine, theirs in (
            (self.activation_counts, other.activation_counts),
            (self.top_k_counts, other.top_k_counts),
            (self.influence_counts, other.influence_counts),
        ):
            for index, counts in enumerate(theirs):
                mine[index] = mine[index] + counts


class Counter:
    """Counts A and I of images, in one slot a class set.

    Args:
        graph: The traced model.
        share: Share of a layer's activation that the counted channels reach, above 0 and at most 1.
        top_k: Channels that the second method of A counts in each layer.
        influence_k: Candidates that I counts for each output channel.
        dtype: `torch.float32`, or `torch.float64` to check it.
        device: `cpu`, `cuda` or `cuda:N`.
        memory_mb: About how much memory one piece of work may take; chosen by device unless given.
        fast: Whether fast kernels may be used where there are some (`kernels`); plain torch otherwise.

    Raises:
        SettingError: If a setting is out of its range.
    """

    def __init__(
        self,
        graph: LayerGraph,
        *,
        share: float = SHARE,
        top_k: int = 5,
        influence_k: int = 5,
        dtype: torch.dtype = torch.float32,
        device: str | torch.device = "cpu",
        memory_mb: float | None = None,
        fast: bool = True,
    ) -> None:
        if not 0 < share <= 1:
            raise SettingError(f"share is {share}, above 0 and at most 1 was expected")
        for name, value in (("top_k", top_k), ("influence_k", influence_k)):
            if value < 1:
                raise SettingError(f"{name} is {value}, at least 1 was expected")
        if memory_mb is not None and not memory_mb > 0:
            raise SettingError(f"memory_mb is {memory_mb}, above 0 was expected")
        self.graph = graph
        self.share = share
        self.top_k = top_k
        self.influence_k = influence_k
        self.dtype = dtype
        self.device = torch.device(device)
        default_mb = CUDA_MEMORY_MB if self.device.type == "cuda" else CPU_MEMORY_MB
        # Convolutions over channels_last maps take a half to all of the time that others take; nothing else changes.
        self._memory_format = torch.channels_last if dtype == torch.float32 else torch.contiguous_format
        self._module = moved_to(graph.module, self.device, dtype, self._memory_format)
        self._counted = [total for total in graph.sums if total.candidates > influence_k]
        self._terms = TermCounting(
            graph, self._module, influence_k, dtype=dtype, device=self.device,
            memory_bytes=int((memory_mb or default_mb) * 2**20), fast=fast,
        )  # fmt: skip
        self._native_peaks = fast and dtype == torch.float32 and self.device.type == "cpu" and native.available()
        self._layers = {layer.tap: layer for layer in graph.layers}
        self._images: list[int] = []
        self._stores: dict[tuple[str, int], Tensor] = {}
        self._reserve(1)

    def count(
        self,
        images: Float[Tensor, "image channel height width"],
        class_slots: Int[Tensor, " image"] | Sequence[int] | Callable[[Tensor], Int[Tensor, " image"] | Sequence[int]],
    ) -> BatchResult:
        """Counts a batch of images.

        Args:
            images: Transformed as the model expects; moved to the counter's device and type.
            class_slots: Per image the slot to count into, 0 or more, or -1 for an image that is looked at and not
                counted; or a function that decides this by the model's output (image, output).

        Returns:
            The model's output and each layer's maxima, also of images that are not counted.

        Raises:
            NotFiniteError: If a channel sum's input or a layer's map holds NaN or infinity; nothing is counted then.
            SettingError: If the batch is empty, or there is not one slot, -1 or more, for each image.
        """
        if not len(images):
            raise SettingError("the batch is empty, at least one image was expected")
        if not callable(class_slots):
            _check_slots(class_slots, len(images))
        images = images.to(self.device, self.dtype, memory_format=self._memory_format)
        batch = _Batch(self)
        with torch.no_grad(), full_precision():
            output = Watcher(self._module, self._terms.watched, batch.terms.before, batch.after).run(images)
            logits = class_scores_of(output, len(images))
            slots = class_slots(logits) if callable(class_slots) else class_slots
            self._commit(batch, _check_slots(slots, len(images)).to(self.device))
        peaks = [batch.peaks[layer.index] for layer in self.graph.layers]
        return BatchResult(logits, [peak.values for peak in peaks], [peak.positions for peak in peaks])

    def take(self, slot: int) -> ClassCounts:
        """Takes the counts out of a slot, which is empty afterwards.

        Args:
            slot: A slot; one that no image was counted into gives zeros.

        Returns:
            The counts of the images since the slot was last taken.
        """
        self._reserve(slot + 1)
        images = self._images[slot]
        self._images[slot] = 0

        def taken(kind: str, index: int) -> np.ndarray:
            store = self._stores[kind, index][slot]
            counts = store.cpu().numpy().copy()
            store.zero_()
            return counts

        layers = range(len(self.graph.layers))
        return ClassCounts(
            images=images,
            activation_counts=[taken("share", layer).astype(np.int64) for layer in layers],
            top_k_counts=[taken("top_k", layer).astype(np.int64) for layer in layers],
            influence_counts=[
                taken("influence", total.index)
                if total.candidates > self.influence_k
                else np.full((total.out_channels, total.candidates), images, np.int32)
                for total in self.graph.sums
            ],
        )

    def _reserve(self, slots: int) -> None:
        missing = slots - len(self._images)
        if missing <= 0:
            return
        self._images += [0] * missing

        def grow(kind: str, index: int, *shape: int) -> None:
            more = torch.zeros(missing, *shape, dtype=torch.int32, device=self.device)
            store = self._stores.get((kind, index))
            self._stores[kind, index] = more if store is None else torch.cat([store, more])

        for layer in self.graph.layers:
            grow("share", layer.index, layer.channels)
            grow("top_k", layer.index, layer.channels)
        for total in self._counted:
            grow("influence", total.index, total.out_channels, total.candidates)

    def _commit(self, batch: "_Batch", slots: Tensor) -> None:
        counted = slots >= 0
        everything = bool(counted.all())
        slots = slots[counted]
        numbers = slots.tolist()
        self._reserve(max(numbers, default=-1) + 1)
        for slot in numbers:
            self._images[slot] += 1

        def of_counted(found: Tensor) -> Tensor:
            return found if everything else found[counted]

        for layer, taken in batch.taken.items():
            self._stores["share", layer].index_add_(0, slots, of_counted(taken.by_share).int())
            self._stores["top_k", layer].index_add_(0, slots, of_counted(taken.top_k).int())
        for index, found in batch.terms.inputs.items():
            inputs = of_counted(found)
            store = self._stores["influence", index]
            _, outputs, candidates = store.shape
            rows = slots[:, None] * outputs + torch.arange(outputs, device=self.device)
            cells = (rows[:, :, None] * candidates + inputs).flatten()
            store.view(-1).index_add_(0, cells, torch.ones_like(cells, dtype=torch.int32))


def _check_slots(class_slots: Tensor | Sequence[int], images: int) -> Tensor:
    slots = torch.as_tensor(class_slots, dtype=torch.int64)
    if len(slots) != images:
        raise SettingError(f"{images} images, {len(slots)} slots: one slot an image was expected")
    if int(slots.min()) < -1:
        raise SettingError(f"slot {int(slots.min())}: -1 or more was expected")
    return slots


class _Batch:
    """What one forward pass finds, before it is added to the counts."""

    def __init__(self, counter: Counter) -> None:
        self.counter = counter
        self.terms = counter._terms.begin()
        self.peaks: dict[int, Peaks] = {}
        self.taken: dict[int, Taken] = {}

    def after(self, node: torch.fx.Node, value: Any) -> None:
        """Looks at a layer's activation map as soon as it is there."""
        layer = self.counter._layers.get(node.name)
        if layer is None:
            return
        maps = value.permute(0, 3, 1, 2) if layer.channel_axis == 3 else value
        share, top_k = self.counter.share, self.counter.top_k
        if self.counter._native_peaks:
            try:
                found = native.activation_counts(maps, share=share, top_k=top_k)
            except native.NotFinite as error:
                raise NotFiniteError(layer.name, error.image, "the activation map") from error
            self.peaks[layer.index] = Peaks(found.values, found.positions)
            self.taken[layer.index] = Taken(found.by_share, found.top_k)
            return
        require_finite(maps, layer.name, "the activation map")
        peaks = spatial_peaks(maps)
        self.peaks[layer.index] = peaks
        self.taken[layer.index] = taken_channels(peaks.values, share=share, top_k=top_k)
