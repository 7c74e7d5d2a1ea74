"""Runs a traced model operation by operation, so that values can be looked at as they arise."""

import copy
import threading
from collections.abc import Callable, Container, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
import torch.fx
from torch import Tensor

from arete_core.errors import ModelError


class NotFiniteError(ModelError):
    """A feature map holds NaN or infinity.

    Args:
        where: Name of the layer or convolution.
        image: Index of the first such image in the batch.
        what: Which of its feature maps.

    Attributes:
        where: Name of the layer or convolution.
        image: Index of the first such image in the batch.
    """

    def __init__(self, where: str, image: int, what: str) -> None:
        super().__init__(
            f"{what} of {where} holds NaN or infinity for image {image} of the batch",
            hint="the weights may be damaged, or the image size or transform may be wrong for them",
        )
        self.where = where
        self.image = image


class Watcher(torch.fx.Interpreter):
    """Runs a traced model and shows what some operations read and each node's value as they arise.

    Args:
        module: The traced model.
        watched: Names of the nodes whose arguments are shown.
        before: Called with such a node and its arguments before it runs: an in-place operation may change them.
        after: Called with every node and what it made.
    """

    def __init__(
        self,
        module: torch.fx.GraphModule,
        watched: Container[str],
        before: Callable[[torch.fx.Node, Sequence[Any]], None],
        after: Callable[[torch.fx.Node, Any], None],
    ) -> None:
        super().__init__(module)
        self.extra_traceback = False  # deliberate errors keep their text
        self._watched = watched
        self._before = before
        self._after = after

    def run_node(self, n: torch.fx.Node) -> Any:
        """Runs one operation, between `before` and `after`."""
        if n.name in self._watched:
            args, kwargs = self.fetch_args_kwargs_from_env(n)
            self._before(n, args or tuple(kwargs.values()))
        value = super().run_node(n)
        self._after(n, value)
        return value


def require_finite(value: Tensor, where: str, what: str) -> None:
    """Checks that a feature map holds numbers only: comparisons drop NaN silently, and counts would be wrong.

    Args:
        value: (image, …).
        where: Name of the layer or convolution, for the message.
        what: Which of its feature maps, for the message.

    Raises:
        NotFiniteError: If it holds NaN or infinity.
    """
    if torch.isfinite(value.sum()):  # one fast pass; a sum of finite numbers may still overflow, so look closer then
        return
    finite = torch.isfinite(value).flatten(1).all(dim=1)
    if not finite.all():
        raise NotFiniteError(where, int(torch.argmin(finite.int())), what)


_moving = threading.Lock()


def moved_to(
    module: torch.fx.GraphModule,
    device: torch.device,
    dtype: torch.dtype,
    memory_format: torch.memory_format = torch.contiguous_format,
) -> torch.fx.GraphModule:
    """Returns a traced model on a device, of a type, with its weights laid out as asked.

    Lanes share one model and ask for it at the same time, so the layout is changed once, by the first that asks, and
    nothing is touched where it is right already.

    Args:
        module: Of a `LayerGraph`, which owns it.
        device: Where it is wanted.
        dtype: Of its numbers.
        memory_format: `torch.contiguous_format` takes either, `torch.channels_last` is made where it is not there.

    Returns:
        The module itself, or a copy where device or type are others.
    """
    tensors = [*module.parameters(), *(buffer for buffer in module.buffers() if buffer.is_floating_point())]
    if not all(tensor.dtype == dtype and tensor.device == device for tensor in tensors):
        return copy.deepcopy(module).to(device, dtype).to(memory_format=memory_format)
    with _moving:
        if memory_format == torch.channels_last and not all(
            tensor.is_contiguous(memory_format=memory_format) for tensor in tensors if tensor.ndim == 4
        ):
            module.to(memory_format=memory_format)
    return module


def class_scores_of(output: Any, images: int) -> Tensor:
    """Takes the scores of classes out of a model's output; of several outputs the first counts.

    Args:
        output: What the model returned.
        images: Number of images in the batch.

    Returns:
        (image, output); without outputs where there is no vector an image, as an autoencoder's pictures are none.
    """
    while isinstance(output, tuple | list) and output:
        output = output[0]
    if (
        not isinstance(output, Tensor)
        or output.ndim < 2
        or len(output) != images
        or output[0].numel() > output.shape[1]
    ):
        return torch.empty(images, 0)
    return output.flatten(1)


_precision_lock = threading.Lock()
_precision_before: list[str] = []
_precision_users = 0


@contextmanager
def full_precision() -> Iterator[None]:
    """Keeps TF32 out: with it feature maps, and so counts, differ between devices.

    The setting is the process's. Threads may be inside at once; the last one out puts it back.
    """
    global _precision_users
    cudnn: Any = torch.backends.cudnn  # its stubs do not know `conv`
    settings: tuple[Any, ...] = (cudnn.conv, torch.backends.cuda.matmul)
    with _precision_lock:
        _precision_users += 1
        if _precision_users == 1:
            _precision_before[:] = [setting.fp32_precision for setting in settings]
            for setting in settings:
                setting.fp32_precision = "ieee"
    try:
        yield
    finally:
        with _precision_lock:
            _precision_users -= 1
            if _precision_users == 0:
                for setting, precision in zip(settings, _precision_before, strict=True):
                    setting.fp32_precision = precision


@contextmanager
def torch_settings() -> Iterator[None]:
    """One thread an operation, as work is done in lanes beside each other, and kernels that are always the same."""
    before = torch.get_num_threads(), torch.backends.cudnn.benchmark, torch.backends.cudnn.deterministic
    try:
        torch.set_num_threads(1)  # a lane
        # Choosing kernels by timing them would make the last bits depend on the machine's mood.
        torch.backends.cudnn.benchmark, torch.backends.cudnn.deterministic = False, True
        yield
    finally:
        torch.set_num_threads(before[0])
        torch.backends.cudnn.benchmark, torch.backends.cudnn.deterministic = before[1:]
