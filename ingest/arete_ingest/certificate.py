"""Proof that a rounded contribution ranks as the exact one does, and the exact contribution where it cannot be proven.

A contribution is the largest value over space of the convolution of one input channel with one kernel. Its exact value
is that of float64: the products of two float32 numbers are exact there, and they are added kernel row by kernel row,
from left to right. Computed with a rounding of relative size u, it is off by no more than

    c u ||w|| max over positions of ||patch||        (Cauchy-Schwarz on the sum of |w x|)

so an input whose bound stays below the k-th largest lower bound is out, and two inputs whose bounds do not overlap are
in the right order. Everything that is not settled so is computed again, exactly.

Bounds are never below `FLOOR` (unless a kernel or a channel is all zeros, when its contribution is exactly 0): squares
and products that underflow are covered by it. Where a sum might overflow, the bound is infinite.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Float, Float32, Float64, Int
from torch import Tensor

FLOOR = 2.0**-40
"""Added to every norm: c u FLOOR² > 2^-104 covers 2^20 products lost below 2^-126, the smallest normal float32."""

OVERFLOW = 1e37
"""A product of norms from which a partial sum in float32 (largest number 3.4e38) might overflow."""

SUM_UNIT = 2.0**-24
"""Relative error of one float32 addition or multiplication."""

TENSOR_CORE_UNIT = 2.0**-21
"""Relative error allowed for one addition in a tensor core, whose sums are cut off and not rounded; generous."""


class NotFiniteInputError(ValueError):
    """A convolution's input holds NaN or infinity.

    Args:
        image: Index of the first such image in the batch.

    Attributes:
        image: Index of the first such image in the batch.
    """

    def __init__(self, image: int) -> None:
        super().__init__(f"the convolution's input holds NaN or infinity for image {image} of the batch")
        self.image = image


@dataclass(frozen=True)
class Window:
    """Where a convolution looks.

    Attributes:
        kernel: (height, width).
        stride: (height, width).
        dilation: (height, width).
        padding: Added positions (left, right, top, bottom).
    """

    kernel: tuple[int, int]
    stride: tuple[int, int] = (1, 1)
    dilation: tuple[int, int] = (1, 1)
    padding: tuple[int, int, int, int] = (0, 0, 0, 0)

    @property
    def taps(self) -> int:
        """Positions of the kernel."""
        return self.kernel[0] * self.kernel[1]

    @property
    def reach(self) -> tuple[int, int]:
        """Positions between the first and the last that a kernel touches, both counted: (height, width)."""
        (height, width), (down, right) = self.kernel, self.dilation
        return (height - 1) * down + 1, (width - 1) * right + 1

    def output_size(self, height: int, width: int) -> tuple[int, int]:
        """Size of the convolution's output.

        Args:
            height: Rows of the map, without padding.
            width: Columns of the map, without padding.

        Returns:
            (height, width).

        Raises:
            ValueError: If the padded map is smaller than the kernel.
        """
        left, right, top, bottom = self.padding
        rows = (height + top + bottom - self.reach[0]) // self.stride[0] + 1
        columns = (width + left + right - self.reach[1]) // self.stride[1] + 1
        if rows < 1 or columns < 1:
            raise ValueError(
                f"a map of {height} x {width} is smaller than the kernel of {self.reach} with {self.padding}"
            )
        return rows, columns

    def unpadded(self) -> "Window":
        """The same for a map that has its padding already."""
        return Window(self.kernel, self.stride, self.dilation)


def error_factor(taps: int, operand: float, unit: float) -> float:
    """The c u of the bound: relative to ||w|| ||patch||.

    Args:
        taps: Products that are added.
        operand: Largest relative error of a rounded weight or input; 0 where they are used as they are.
        unit: Relative error of one addition.

    Returns:
        The factor; covers the rounding of the bound itself too.
    """
    return 1.01 * (2 * operand + operand**2 + (taps + 8) * unit)


def kernel_norms(weight: Float[Tensor, "out_channel in_channel *kernel"]) -> Float32[Tensor, "out_channel in_channel"]:
    """Bounds each kernel's Euclidean norm from above; exactly 0 for a kernel of zeros.

    Args:
        weight: Of any floating type.

    Returns:
        The bounds.
    """
    flat = weight.flatten(2).double()
    norms = flat.square().sum(dim=2).sqrt() * (1 + 2.0**-20) + FLOOR
    return torch.where((flat == 0).all(dim=2), 0.0, norms).float()


def patch_norms(
    padded: Float32[Tensor, "image channel height width"], window: Window
) -> Float32[Tensor, "image channel"]:
    """Bounds the Euclidean norm of every patch of a channel from above; exactly 0 for a channel of zeros.

    Args:
        padded: The convolution's input, with its padding.
        window: Kernel, stride and dilation; its padding is not looked at.

    Returns:
        The bounds; infinite or NaN where the channel holds such values, infinite where a square overflows.
    """
    rows, columns = window.unpadded().output_size(padded.shape[2], padded.shape[3])
    squares = padded.square()
    # The box sum is separable: first down the columns, then along the rows.
    tall = _strided_sum(squares, 2, window.kernel[0], window.stride[0], window.dilation[0], rows)
    largest = _strided_sum(tall, 3, window.kernel[1], window.stride[1], window.dilation[1], columns).amax(dim=(2, 3))
    norms = largest.sqrt() * (1 + (window.taps + 8) * SUM_UNIT) + FLOOR
    if (largest == 0).any():  # all zeros, or squares that underflow
        norms = torch.where((padded == 0).all(dim=3).all(dim=2), 0.0, norms)
    return norms


def _strided_sum(values: Tensor, dim: int, taps: int, stride: int, dilation: int, outputs: int) -> Tensor:
    """The sum of `taps` values that are `dilation` apart, at every `stride`-th position of one dimension."""
    reach = (outputs - 1) * stride + 1
    parts = [values.narrow(dim, tap * dilation, reach) for tap in range(taps)]
    strided = [part[:, :, ::stride] if dim == 2 else part[:, :, :, ::stride] for part in parts]
    total = strided[0].clone()
    for part in strided[1:]:
        total += part
    return total


def bounds_of(
    kernels: Float[Tensor, "row in_channel"], patches: Float[Tensor, "row in_channel"], factor: float
) -> Float64[Tensor, "row in_channel"]:
    """The largest error of each contribution.

    Args:
        kernels: `kernel_norms` of the row's output channel.
        patches: `patch_norms` of the row's image.
        factor: `error_factor`.

    Returns:
        The bound: 0 where the contribution is exactly 0, infinite where it may have overflowed.
    """
    product = kernels.double() * patches.double()
    product = torch.where(product < OVERFLOW, product, torch.inf)
    return torch.where((kernels == 0) | (patches == 0), 0.0, product * factor)


def exact_contributions(
    padded: Float32[Tensor, "image channel height width"],
    weight: Float32[Tensor, "out_channel in_channel kernel_height kernel_width"],
    window: Window,
    image: Int[Tensor, " pair"],
    out_channel: Int[Tensor, " pair"],
    in_channel: Int[Tensor, " pair"],
    *,
    memory_bytes: int,
) -> Float64[Tensor, " pair"]:
    """Computes single contributions in float64, each in the same order of addition.

    Args:
        padded: The input of one group, with its padding.
        weight: The weights of that group.
        window: Kernel, stride and dilation; its padding is not looked at.
        image: Index of each pair's image.
        out_channel: Index of its output channel.
        in_channel: Index of its input channel.
        memory_bytes: About how much memory the pairs that are computed at once may take.

    Returns:
        The contributions.
    """
    rows, columns = window.unpadded().output_size(padded.shape[2], padded.shape[3])
    (down, right), (step_y, step_x) = window.dilation, window.stride
    pair_bytes = 8 * (2 * padded.shape[2] * padded.shape[3] + 2 * rows * columns)
    at_once = max(1, memory_bytes // pair_bytes)
    found = []
    for first in range(0, len(image), at_once):
        part = slice(first, first + at_once)
        planes = padded[image[part], in_channel[part]].double()
        kernels = weight[out_channel[part], in_channel[part]].double()
        total = planes.new_zeros(len(planes), rows, columns)
        for y in range(window.kernel[0]):
            for x in range(window.kernel[1]):
                band = planes[:, y * down :: step_y, x * right :: step_x][:, :rows, :columns]
                total += kernels[:, y, x, None, None] * band
        found.append(total.amax(dim=(1, 2)))
    return torch.cat(found) if found else padded.new_empty(0, dtype=torch.float64)


def require_finite_images(images: Float[Tensor, "image channel height width"], finite: Tensor | None = None) -> None:
    """Raises where an image holds NaN or infinity.

    Args:
        images: The convolution's input.
        finite: Any tensor, of which one element that is not finite makes the check look closer; the images themselves
            if missing.

    Raises:
        NotFiniteInputError: If one does.
    """
    if finite is not None and bool(torch.isfinite(finite).all()):
        return
    good = torch.isfinite(images).flatten(1).all(dim=1)
    if not bool(good.all()):
        raise NotFiniteInputError(int(torch.argmin(good.int())))


def padded_images(images: Tensor, window: Window, mode: str = "constant") -> Tensor:
    """The images with their padding.

    Args:
        images: (image, channel, height, width).
        window: Gives the padding.
        mode: As torch's `F.pad` names it.

    Returns:
        The same tensor where there is no padding.
    """
    return F.pad(images, window.padding, mode=mode) if any(window.padding) else images
