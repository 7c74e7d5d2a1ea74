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
from arete_ingest.activations import Peaks, spatial_peaks, taken_channels
from arete_ingest.execution import Watcher, full_precision, logits_of, moved_to, require_finite
from arete_ingest.influences import ConvWeights, strongest_inputs
from arete_ingest.layer_graph import CountedConv, LayerGraph, ShownLayer

SHARE = 0.03
"""Share of a layer's activation that an image's counted channels reach; that of Summit's published graphs."""

CPU_MEMORY_MB = 4.0
"""A piece of work that stays in a core's cache; 2 to 8 MB measured alike, 1 and 16 MB slower."""

CUDA_MEMORY_MB = 512.0
"""Enough to keep a GPU busy, small beside the forward pass."""


class BatchResult(NamedTuple):
    """What one batch gave.

    Attributes:
        logits: The model's output (image, output), on the counting device.
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
        conv_counts: Per convolution, I: int32 (out_channel, in_channel of the group).
    """

    images: int
    activation_counts: list[np.ndarray]
    top_k_counts: list[np.ndarray]
    conv_counts: list[np.ndarray]

    def add(self, other: "ClassCounts") -> None:
        """Adds the counts of other images of the same class set.

        Args:
            other: Made with the same layer graph.
        """
        self.images += other.images
        for mine, theirs in (
            (self.activation_counts, other.activation_counts),
            (self.top_k_counts, other.top_k_counts),
            (self.conv_counts, other.conv_counts),
        ):
            for index, counts in enumerate(theirs):
                mine[index] = mine[index] + counts


class Counter:
    """Counts A and I of images, in one slot a class set.

    Args:
        graph: The traced model.
        share: Share of a layer's activation that the counted channels reach, above 0 and at most 1.
        top_k: Channels that the second method of A counts in each layer.
        influence_k: Input channels that I counts for each output channel.
        dtype: `torch.float32`, or `torch.float64` to check it.
        device: `cpu`, `cuda` or `cuda:N`.
        memory_mb: About how much memory one piece of work may take; chosen by device unless given.

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
        self._memory_bytes = int((memory_mb or default_mb) * 2**20)
        self._module = moved_to(graph.module, self.device, dtype)
        modules = dict(self._module.named_modules())
        self._counted = [conv for conv in graph.convs if conv.candidates > influence_k]
        self._weights = {
            conv.index: ConvWeights.of(modules[conv.module], torch.from_numpy(conv.sign))  # type: ignore[arg-type]
            for conv in self._counted
        }
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
            class_slots: Per image the slot to count into, 0 or more; or what makes it of the model's output (image,
                output), where -1 says that the image is not counted.

        Returns:
            The model's output and each layer's maxima.

        Raises:
            NotFiniteError: If a convolution's input or a layer's map holds NaN or infinity; nothing is counted then.
            ModelError: If the model gives something else than one output vector an image.
            SettingError: If the batch is empty, or there is not one slot, 0 or more, for each image.
        """
        if not len(images):
            raise SettingError("the batch is empty, at least one image was expected")
        slots = None if callable(class_slots) else _checked_slots(class_slots, len(images), lowest=0)
        images = images.to(self.device, self.dtype)
        batch = _Batch(self)
        with torch.no_grad(), full_precision():
            output = Watcher(self._module, batch.before, batch.after).run(images)
            logits = logits_of(output, len(images))
            if callable(class_slots):
                slots = _checked_slots(class_slots(logits), len(images), lowest=-1)
            assert slots is not None  # noqa: S101 - for the type checker
            self._commit(batch, slots.to(self.device))
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

        layers, convs = range(len(self.graph.layers)), self.graph.convs
        return ClassCounts(
            images=images,
            activation_counts=[taken("share", layer).astype(np.int64) for layer in layers],
            top_k_counts=[taken("top_k", layer).astype(np.int64) for layer in layers],
            conv_counts=[
                taken("conv", conv.index)
                if conv.index in self._weights
                else np.full((conv.out_channels, conv.candidates), images, np.int32)
                for conv in convs
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
        for conv in self._counted:
            grow("conv", conv.index, conv.out_channels, conv.candidates)

    def _commit(self, batch: "_Batch", slots: Tensor) -> None:
        counted = slots >= 0
        if not counted.all():
            batch.keep(counted)
            slots = slots[counted]
        numbers = slots.tolist()
        self._reserve(max(numbers, default=-1) + 1)
        for slot in numbers:
            self._images[slot] += 1
        for layer, taken in batch.taken.items():
            self._stores["share", layer].index_add_(0, slots, taken.by_share.int())
            self._stores["top_k", layer].index_add_(0, slots, taken.top_k.int())
        for conv, inputs in batch.inputs.items():
            store = self._stores["conv", conv]
            _, outputs, candidates = store.shape
            rows = slots[:, None] * outputs + torch.arange(outputs, device=self.device)
            cells = (rows[:, :, None] * candidates + inputs).flatten()
            store.view(-1).index_add_(0, cells, torch.ones_like(cells, dtype=torch.int32))


def _checked_slots(given: Tensor | Sequence[int], images: int, *, lowest: int) -> Tensor:
    slots = torch.as_tensor(given, dtype=torch.int64)
    if len(slots) != images:
        raise SettingError(f"{images} images, {len(slots)} slots: one slot an image was expected")
    if int(slots.min()) < lowest:
        raise SettingError(f"slot {int(slots.min())}: {lowest} or more was expected")
    return slots


class _Batch:
    """What one forward pass finds, before it is added to the counts."""

    def __init__(self, counter: Counter) -> None:
        self.counter = counter
        self.peaks: dict[int, Peaks] = {}
        self.taken: dict[int, Any] = {}
        self.inputs: dict[int, Tensor] = {}
        convs: dict[str, CountedConv] = {conv.node: conv for conv in counter.graph.convs}
        layers: dict[str, ShownLayer] = {layer.tap: layer for layer in counter.graph.layers}
        self._convs = convs
        self._layers = layers

    def keep(self, counted: Tensor) -> None:
        """Drops what was found of the images that are not counted."""
        self.taken = {layer: type(taken)(*(values[counted] for values in taken)) for layer, taken in self.taken.items()}
        self.inputs = {conv: inputs[counted] for conv, inputs in self.inputs.items()}

    def before(self, node: torch.fx.Node, value: Any) -> None:
        """Looks at a convolution's input before it runs: an in-place operation may change it afterwards."""
        conv = self._convs.get(node.name)
        if conv is None:
            return
        require_finite(value, conv.name, "the input")
        weights = self.counter._weights.get(conv.index)
        if weights is not None:
            self.inputs[conv.index] = strongest_inputs(
                value, weights, k=self.counter.influence_k, memory_bytes=self.counter._memory_bytes
            )

    def after(self, node: torch.fx.Node, value: Any) -> None:
        """Looks at a layer's activation map as soon as it is there."""
        layer = self._layers.get(node.name)
        if layer is None:
            return
        require_finite(value, layer.name, "the activation map")
        peaks = spatial_peaks(value)
        self.peaks[layer.index] = peaks
        self.taken[layer.index] = taken_channels(peaks.values, share=self.counter.share, top_k=self.counter.top_k)
