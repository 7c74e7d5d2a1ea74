"""Measures single images: each channel's largest activation over space, clipped at 0, as activation counts take it.

Every batch has the same size, the last one filled up with its last image: libraries choose their kernels by a batch's
shape, and so an image's values do not depend on which others are measured with it.
"""

from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.fx
from numpy.typing import NDArray

from arete_core.errors import ModelError, SettingError
from arete_ingest.activations import spatial_peaks
from arete_ingest.execution import Watcher, class_scores_of, full_precision, moved_to
from arete_ingest.instances.thumbnails import tile_of
from arete_ingest.layer_graph import LayerGraph
from arete_ingest.reading import Batch, decode_batch
from arete_ingest.transform import ImageTransform
from arete_ingest.unit_count import model_input

CPU_BATCH = 16
CUDA_BATCH = 128


@dataclass(frozen=True)
class Measured:
    """What one batch gave.

    Attributes:
        images: Numbers of the images that were measured, ascending.
        tiles: uint8 (image, tile_px, tile_px, 3): each as the model saw it, small.
        maxima: Per measured layer, channel maxima, float32 (image, channel), 0 or more.
        probabilities: Softmax of the model's output (image, output); without outputs where it is no classifier.
        left_out: Why others were not, by number.
    """

    images: NDArray[np.int64]
    tiles: NDArray[np.uint8]
    maxima: list[NDArray[np.float32]]
    probabilities: NDArray[np.float32]
    left_out: dict[int, str]


@dataclass(frozen=True)
class Measurer:
    """Measures images in threads beside each other, on a GPU in one after decoding in several.

    Attributes:
        graph: The traced model.
        layers: Indices of the layers to measure in, ascending.
        transform: How a picture becomes the model's input.
        device: Where to compute.
        dtype: In which numbers, as the run was counted.
        batch_size: Images computed at once.
        threads: How many threads work.
        tile_px: Side of the small pictures.
    """

    graph: LayerGraph
    layers: Sequence[int]
    transform: ImageTransform
    device: torch.device
    dtype: torch.dtype
    batch_size: int
    threads: int
    tile_px: int

    def measure(self, root: Path, numbers: NDArray[np.int64], paths: Sequence[str]) -> Iterator[Measured]:
        """Measures images.

        Args:
            root: The data folder.
            numbers: Which images.
            paths: By number, relative to the data folder.

        Yields:
            Batch by batch, in the order of `numbers`. Memory: `threads + 2` batches.

        Raises:
            ModelError: If the model fails on them.
            SettingError: If the device's memory is too small for a batch.
        """
        memory_format = torch.channels_last if self.dtype == torch.float32 else torch.contiguous_format
        module = moved_to(self.graph.module, self.device, self.dtype, memory_format)
        starts = range(0, len(numbers), self.batch_size)
        pool = ThreadPoolExecutor(self.threads, thread_name_prefix="instances")
        # On a GPU only decoding goes ahead: one thread keeps it busy.
        waiting: deque[Future[Any]] = deque()
        try:
            for start in starts:
                own: list[int] = numbers[start : start + self.batch_size].tolist()
                batch = Batch(0, tuple(own), tuple(paths[number] for number in own))
                waiting.append(
                    pool.submit(self._decoded, root, batch)
                    if self.device.type == "cuda"
                    else pool.submit(self._measured, module, root, batch)
                )
                if len(waiting) > self.threads + 1:
                    yield self._finished(module, waiting.popleft().result())
            while waiting:
                yield self._finished(module, waiting.popleft().result())
        finally:
            pool.shutdown(wait=True, cancel_futures=True)

    def _finished(self, module: torch.fx.GraphModule, found: Any) -> Measured:
        return found if isinstance(found, Measured) else self._compute(module, *found)

    def _measured(self, module: torch.fx.GraphModule, root: Path, batch: Batch) -> Measured:
        return self._compute(module, *self._decoded(root, batch))

    def _decoded(self, root: Path, batch: Batch) -> tuple[NDArray[np.int64], NDArray[np.uint8], dict[int, str]]:
        decoded = decode_batch(root, batch, self.transform, ends_unit=False)
        return np.asarray(decoded.kept, np.int64), decoded.pixels, decoded.errors

    def _compute(
        self,
        module: torch.fx.GraphModule,
        images: NDArray[np.int64],
        pixels: NDArray[np.uint8],
        left_out: dict[int, str],
    ) -> Measured:
        count = len(images)
        wanted = [self.graph.layers[index] for index in self.layers]
        if not count:
            nothing = [np.empty((0, layer.channels), np.float32) for layer in wanted]
            return Measured(images, self._tiles(pixels), nothing, np.empty((0, 0), np.float32), left_out)
        by_tap = {layer.tap: layer for layer in wanted}
        peaks: dict[int, torch.Tensor] = {}

        def after(node: torch.fx.Node, value: Any) -> None:
            layer = by_tap.get(node.name)
            if layer is not None:
                maps = value.permute(0, 3, 1, 2) if layer.channel_axis == 3 else value
                peaks[layer.index] = spatial_peaks(maps).values

        filled = np.concatenate([pixels, np.repeat(pixels[-1:], self.batch_size - count, axis=0)])
        inputs = model_input(filled, self.transform, self.device).to(self.dtype)
        if self.dtype == torch.float32:
            inputs = inputs.contiguous(memory_format=torch.channels_last)
        try:
            with torch.no_grad(), full_precision():
                output = Watcher(module, (), lambda *_: None, after).run(inputs)
        except torch.OutOfMemoryError as error:
            raise SettingError(
                f"a batch of {self.batch_size} does not fit into the memory of {self.device}",
                hint="choose a smaller --batch-size",
            ) from error
        except RuntimeError as error:
            raise ModelError(f"the model failed on image {images[0]} and those after it: {error}") from error
        scores = class_scores_of(output, self.batch_size)[:count]
        found = [peaks[layer.index][:count] for layer in wanted]
        finite = torch.stack([torch.isfinite(values).all(dim=1) for values in found]).all(dim=0).cpu().numpy()
        maxima = [values.clamp(min=0).float().cpu().numpy()[finite] for values in found]
        probabilities = torch.softmax(scores.double(), dim=1).float().cpu().numpy()[finite]
        broken = dict.fromkeys(images[~finite].tolist(), "its activations hold NaN or infinity")
        return Measured(images[finite], self._tiles(pixels[finite]), maxima, probabilities, left_out | broken)

    def _tiles(self, pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Returns small pictures, so that a class of a thousand images is a few megabytes until it is checked."""
        side = self.tile_px
        return np.array([tile_of(one, side) for one in pixels], np.uint8).reshape(-1, side, side, 3)
