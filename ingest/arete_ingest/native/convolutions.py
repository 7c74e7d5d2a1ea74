"""The strongest inputs of a convolution, as `arete_ingest.influences` defines them.

The inputs found are those of exact arithmetic on the float32 numbers given: where rounding could change an order,
double decides. So they depend on no instruction set, number of threads, memory layout or batch. How it is done:
`pointwise.h` and `windowed.h` in `src`.
"""

import ctypes
import weakref
from typing import NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor

from arete_ingest.native.images import checked, described, require_float32
from arete_ingest.native.library import load

MOST_STRONGEST = 16
"""Largest k that the kernels are compiled for."""


class Strongest(NamedTuple):
    """The strongest inputs of every output, per (image, out_channel, place), strongest first.

    Attributes:
        values: Their contributions, within rounding; infinite where they exceed float32.
        inputs: Input channels inside the output's group, int32.
    """

    values: Float[Tensor, "image out_channel k"]
    inputs: Int[Tensor, "image out_channel k"]


class NativeConv:
    """A convolution whose weights are laid out for the kernels; any number of threads may use it at once.

    Args:
        weight: float32, finite, with sign or scale of a folded BatchNorm multiplied in.
        stride: (height, width), 1 or more.
        dilation: (height, width), 1 or more.
        padding: Added positions (left, right, top, bottom), 0 or more, all zeros.
        groups: Divides the output channels.
        instruction_set: For tests: use this one instead of the usual.

    Attributes:
        out_channels: Output channels of all groups.
        candidates: Input channels of one group.
        groups: Number of groups.

    Raises:
        RuntimeError: If there are no kernels: see `available`.
        TypeError: If the weights are not float32 on the processor.
        ValueError: If a setting is out of its range or a weight is not finite.
        MemoryError: If there is no memory for the weights.
    """

    def __init__(
        self,
        weight: Float[Tensor, "out_channel in_channel kernel_height kernel_width"],
        *,
        stride: tuple[int, int],
        dilation: tuple[int, int],
        padding: tuple[int, int, int, int],
        groups: int,
        instruction_set: str | None = None,
    ) -> None:
        library, _, why_not = load(instruction_set)
        if library is None:
            raise RuntimeError(why_not)
        weight = weight.detach()
        require_float32(weight, "weight")
        if min(weight.shape) < 1 or min(*stride, *dilation, groups) < 1 or min(padding) < 0 or weight.shape[0] % groups:
            raise ValueError(
                f"weights {tuple(weight.shape)}, stride {stride}, dilation {dilation}, padding {padding}, "
                f"groups {groups} describe no convolution"
            )
        if not torch.isfinite(weight).all():
            raise ValueError("weights hold NaN or infinity")
        self.out_channels, self.candidates = int(weight.shape[0]), int(weight.shape[1])
        self.groups = groups
        height, width = int(weight.shape[2]), int(weight.shape[3])
        left, right, top, bottom = padding
        self._reach = (height - 1) * dilation[0] + 1, (width - 1) * dilation[1] + 1
        self._border = top + bottom, left + right
        self._library = library
        weight = weight.contiguous()
        settings = (ctypes.c_int64 * 13)(
            self.out_channels, self.candidates, height, width, *stride, *dilation, left, right, top, bottom, groups
        )
        self._handle = library.arete_conv_create(settings, weight.data_ptr())
        if not self._handle:
            raise MemoryError("no memory for a convolution's weights")
        weakref.finalize(self, library.arete_conv_destroy, self._handle)

    def strongest(self, images: Float[Tensor, "image in_channel height width"], k: int) -> Strongest:
        """Finds the strongest input channels of every output channel.

        Args:
            images: The convolution's input, float32, of any strides.
            k: How many to find, 1 to `MOST_STRONGEST` and fewer than the candidates.

        Returns:
            Contributions and input channels, of equal contributions the lower channel first.

        Raises:
            NotFinite: If an image holds NaN or infinity.
            TypeError: If the images are not float32 on the processor.
            ValueError: If k is out of its range, or the images have another number of channels or are smaller than the
                kernel.
            MemoryError: If there is no memory for the working space, about twice that of one image's maps.
        """
        require_float32(images, "images")
        if not 1 <= k <= min(MOST_STRONGEST, self.candidates - 1):
            raise ValueError(f"k is {k}, 1 to {min(MOST_STRONGEST, self.candidates - 1)} was expected")
        count, channels, height, width = images.shape
        if channels != self.candidates * self.groups:
            raise ValueError(f"{channels} input channels, {self.candidates * self.groups} were expected")
        if not height * width or height + self._border[0] < self._reach[0] or width + self._border[1] < self._reach[1]:
            raise ValueError(f"maps of {height} x {width} positions are smaller than the kernel")
        values = torch.empty(count, self.out_channels, k)
        inputs = torch.empty(count, self.out_channels, k, dtype=torch.int32)
        pointers = values.data_ptr(), inputs.data_ptr()
        checked(self._library.arete_conv_strongest(self._handle, *described(images), k, *pointers))
        return Strongest(values, inputs)
