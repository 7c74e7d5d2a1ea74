"""Which kernels count on a device: compiled ones on the processor, Triton's on CUDA devices, else plain torch.

All of them find the same inputs (`influences`), so that this choice changes no count.
"""

from typing import Any, Protocol, runtime_checkable

import torch
from torch import Tensor

from arete_ingest import cuda, native
from arete_ingest.certificate import NotFiniteInputError, Window


@runtime_checkable
class FastKernel(Protocol):
    """A convolution laid out for finding its strongest inputs."""

    most: int
    """Largest k that it finds."""

    def strongest(self, images: Tensor, k: int) -> tuple[Tensor, Tensor]:
        """Finds the k strongest inputs of every output channel.

        Args:
            images: float32 (image, in_channel, height, width), padded where the padding is not zeros.
            k: Fewer than the candidates.

        Returns:
            Contributions (image, out_channel, k) and int64 input channels inside the group, strongest first.

        Raises:
            NotFiniteInputError: If an image holds NaN or infinity.
        """
        ...


def fast_kernel(weight: Tensor, window: Window, groups: int, *, added: bool, memory_bytes: int) -> FastKernel | None:
    """Lays a convolution out for the fastest kernel of the device that its weights are on.

    Args:
        weight: float32 (out_channel, candidate, height, width), scaled.
        window: Kernel, stride, dilation and padding with zeros.
        groups: Groups of the convolution.
        added: Whether its contributions are compared with those of other terms, so that their values matter and not
            only their order.
        memory_bytes: About how much memory one piece of work may take on a GPU; the processor's kernels need little.

    Returns:
        The kernel, or None where plain torch counts.
    """
    if not bool(torch.isfinite(weight).all()):
        return None  # damaged weights show in the next feature map, whose check names the place
    if weight.device.type == "cpu" and native.available():
        return _Native(weight, window, groups)
    if weight.device.type == "cuda" and cuda.available(weight.device):
        problem = cuda.why_unsupported(tuple(weight.shape), k=1)
        return None if problem else _Fused(weight, window, groups, added=added, memory_bytes=memory_bytes)
    return None


def why_slow(device: torch.device) -> str:
    """Says why plain torch counts on a device; empty where a fast kernel does."""
    if device.type == "cpu":
        return "" if native.available() else native.why_not()
    return "" if cuda.available(device) else cuda.why_not(device)


class _Native:
    most = native.MOST_STRONGEST

    def __init__(self, weight: Tensor, window: Window, groups: int) -> None:
        self._conv = native.NativeConv(
            weight, stride=window.stride, dilation=window.dilation, padding=window.padding, groups=groups
        )

    def strongest(self, images: Tensor, k: int) -> tuple[Tensor, Tensor]:
        try:
            values, inputs = self._conv.strongest(images, k)
        except native.NotFinite as error:
            raise NotFiniteInputError(error.image) from error
        return values, inputs.long()


class _Fused:
    most = 16

    def __init__(self, weight: Tensor, window: Window, groups: int, *, added: bool, memory_bytes: int) -> None:
        # Rows that TF32 proves have the right inputs, but values that are off by up to a thousandth.
        self._settings: dict[str, Any] = {"exact_values": added, "memory_bytes": memory_bytes}
        self._conv = cuda.FusedConv(
            weight, stride=window.stride, dilation=window.dilation, padding=window.padding, groups=groups
        )

    def strongest(self, images: Tensor, k: int) -> tuple[Tensor, Tensor]:
        found = self._conv.strongest(images, k, **self._settings)
        return found.values, found.inputs
