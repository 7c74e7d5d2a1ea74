"""The strongest inputs of every output channel, by Triton kernels.

- 1x1: `visited_ranges` reads each channel once, `closed_top` ranks max(w * max x, w * min x) as it computes it.
- k x k: `fused_max` multiplies patches with kernels in tensor cores and keeps only the largest product of each pair of
  channels; `rank_windowed` ranks them and says which rows the error bounds prove; `settle_windowed` computes what is
  left in doubt again in float64.

The result is that of exact arithmetic on the float32 input and weights, as that of `exact.strongest_exact`.
"""

from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

import torch
from jaxtyping import Float32
from torch import Tensor

from arete_ingest.certificate import (
    SUM_UNIT,
    TENSOR_CORE_UNIT,
    Window,
    error_factor,
    kernel_norms,
    require_finite_images,
)
from arete_ingest.exact import Strongest

MOST_INPUTS = 4096
"""A row of candidates is ranked in registers."""

MOST_TAPS = 128
"""The positions of a kernel, times BLOCK_O outputs, stay in registers or shared memory."""

MOST_RANKS = 16
"""Each rank is one pass over a row, written out by the compiler."""

MOST_IN_GRID = 65_535
"""CUDA's limit for the second and third dimension of a grid."""

TF32_UNIT = 2.0**-11
"""Half of TF32's last place: the kernel rounds to nearest what it multiplies."""

Precision = Literal["tf32", "ieee"]


class UnsupportedConvError(ValueError):
    """A convolution that the kernels cannot take; `exact.strongest_exact` can."""


@dataclass(frozen=True)
class Tiles:
    """Sizes of the work of one program; powers of 2. Chosen by arithmetic, never measured.

    Attributes:
        rows: Positions (of one image or several) times which a kernel tile is multiplied.
        outputs: Output channels of a kernel tile, at most; a multiple of 16.
        cells: Contributions that one program ranks at once, at most, where a row is shorter.
        threads: Positions that a program that settles a row computes at once.
    """

    rows: int = 64
    outputs: int = 128
    cells: int = 4096
    threads: int = 128


class FusedConv:
    """One convolution's weights, laid out once on the device.

    Args:
        weight: float32, sign or scale of a BatchNorm folded in, on the device.
        stride: (height, width).
        dilation: (height, width).
        padding: Added zeros (left, right, top, bottom).
        groups: Groups of the convolution.
        precision: `tf32` multiplies in tensor cores, `ieee` in float32; the result is the same.
        tiles: Sizes of the work of one program.

    Raises:
        UnsupportedConvError: If there are too many candidates or the kernel is too large.
    """

    def __init__(
        self,
        weight: Float32[Tensor, "out_channel candidate kernel_height kernel_width"],
        *,
        stride: tuple[int, int],
        dilation: tuple[int, int],
        padding: tuple[int, int, int, int],
        groups: int,
        precision: Precision = "tf32",
        tiles: Tiles | None = None,
    ) -> None:
        if problem := why_unsupported(tuple(weight.shape), k=1):
            raise UnsupportedConvError(problem)
        self.window = Window((weight.shape[2], weight.shape[3]), stride, dilation, padding)
        self.groups = groups
        self.candidates = weight.shape[1]
        self.outputs = weight.shape[0] // groups
        self.channels = groups * self.candidates
        self.precision: Precision = precision
        self.tiles = tiles or Tiles()
        weight = weight.detach()
        # (group, candidate, kernel position, out_channel): neighbours in memory are neighbours in a tile.
        by_group = weight.reshape(groups, self.outputs, self.candidates, self.window.taps)
        self._weight = by_group.permute(0, 2, 3, 1).contiguous()
        self._rounded = self._weight
        self._kernels = kernel_norms(weight).reshape(groups, self.outputs, -1).permute(0, 2, 1).contiguous()
        if precision == "tf32":
            self._rounded = rounded_to_tf32(self._weight)
        operand, unit = (TF32_UNIT, TENSOR_CORE_UNIT) if precision == "tf32" else (0.0, SUM_UNIT)
        self.factor = error_factor(self.window.taps, operand, unit)

    def strongest(
        self,
        images: Float32[Tensor, "image in_channel height width"],
        k: int,
        *,
        memory_bytes: int = 512 * 2**20,
        exact_values: bool = False,
    ) -> Strongest:
        """Finds the k input channels with the largest contributions to every output channel.

        Args:
            images: The convolution's input, on the weights' device; NCHW or channels_last by its strides.
            k: How many to find: 1 to 16, fewer than the candidates of a group.
            memory_bytes: About how much memory the contributions of one block of images may take (at least those of
                one image are held: 4 bytes for each pair of channels).
            exact_values: Compute every returned contribution in float64 and round it, for callers that compare them.

        Returns:
            Contributions and channels, strongest first; of equal ones the lower channel first, -0.0 as 0.0. Unless
            `exact_values` is set, a row that TF32 proves has values off by up to about 0.1% of ||kernel|| ||patch||.

        Raises:
            UnsupportedConvError: If k is not among these.
            ValueError: If the map is smaller than the kernel.
            NotFiniteInputError: If an image holds NaN or infinity where the convolution looks.
        """
        if problem := why_unsupported((0, self.candidates, *self.window.kernel), k):
            raise UnsupportedConvError(problem)
        self.window.output_size(images.shape[2], images.shape[3])
        images = images.detach()
        shape = (images.shape[0], self.groups * self.outputs)
        found = Strongest(
            images.new_empty((*shape, k)), torch.empty((*shape, k), dtype=torch.int64, device=images.device)
        )
        proven = torch.empty(shape, dtype=torch.int32, device=images.device)
        pointwise = self.window.taps == 1
        image_bytes = 4 * (2 * self.channels if pointwise else self.channels * self.outputs)
        at_once = max(1, min(memory_bytes // image_bytes, MOST_IN_GRID))
        search = self._pointwise if pointwise else partial(self._windowed, exact_values=exact_values)
        finite = []
        with torch.cuda.device(images.device if images.is_cuda else -1):
            for first in range(0, len(images), at_once):
                part = slice(first, first + at_once)
                finite.append(search(images[part], Strongest(*(each[part] for each in found)), proven[part], k))
        # Last, because it waits for the device.
        require_finite_images(images, torch.cat(finite) if finite else images)
        return found

    def _windowed(self, images: Tensor, found: Strongest, proven: Tensor, k: int, *, exact_values: bool) -> Tensor:
        """Fills in the rows of a block of images; returns norms that are infinite where an image is not finite."""
        from arete_ingest.cuda import kernels

        strength = images.new_empty(len(images), self.channels, self.outputs)
        norms = images.new_empty(len(images), self.channels)
        least = images.new_empty(proven.shape)
        height, width = images.shape[2:]
        rows, columns = self.window.output_size(height, width)
        geometry = self._geometry
        positions = min(self.tiles.rows, _power_of_2(rows * columns))
        images_a_tile = self.tiles.rows // positions  # small maps share a tile
        taps = max(16, _power_of_2(self.window.taps))
        # The kernel tile may take 32 KB of shared memory or registers.
        block_outputs = max(16, min(self.tiles.outputs, _power_of_2(self.outputs), 8192 // taps))
        launch(
            kernels.fused_max,
            (_blocks(self.outputs, block_outputs), self.channels, _blocks(len(images), images_a_tile)),
            images, self._rounded, strength, norms,
            len(images), self.channels, self.outputs, height, width, columns, rows * columns,
            *images.stride(),
            **geometry,
            TAPS=taps, BLOCK_O=block_outputs, IMAGES=images_a_tile, POSITIONS=positions, TF32=self.precision == "tf32",
            warps=8 if block_outputs > 64 else 4,
        )  # fmt: skip
        block_inputs, ranked, warps = self._ranking_tile()
        results = (*found, proven, least)
        launch(
            kernels.rank_windowed,
            (_blocks(self.outputs, ranked), self.groups, len(images)),
            strength, self._kernels, norms, *results,
            self.candidates, self.outputs, self.factor,
            K=k, BLOCK_I=block_inputs, ROWS=ranked, warps=warps,
        )  # fmt: skip
        if exact_values:
            proven.zero_()
        launch(
            kernels.settle_windowed,
            (self.outputs, self.groups, len(images)),
            images, self._weight, strength, self._kernels, norms, *results,
            self.candidates, height, width, columns, rows * columns, self.factor,
            *images.stride(),
            **geometry,
            K=k, BLOCK_I=block_inputs, BLOCK_P=self.tiles.threads, warps=4,
        )  # fmt: skip
        return norms

    def _pointwise(self, images: Tensor, found: Strongest, proven: Tensor, k: int) -> Tensor:
        """As `_windowed`, for 1x1 kernels, whose values are always exact; returns the largest values."""
        from arete_ingest.cuda import pointwise

        highs, lows = (images.new_empty(len(images), self.channels) for _ in range(2))
        height, width = images.shape[2:]
        rows, columns = self.window.output_size(height, width)
        # A tile that is long where the memory is contiguous.
        block_channels, block_positions = (64, 16) if images.stride(1) == 1 else (4, 256)
        geometry = self._geometry
        launch(
            pointwise.visited_ranges,
            (_blocks(self.channels, block_channels), len(images), 1),
            images, highs, lows,
            self.channels, height, width, columns, rows * columns,
            *images.stride(),
            **{name: geometry[name] for name in ("STEP_Y", "STEP_X", "TOP", "LEFT")},
            BLOCK_C=block_channels, BLOCK_P=block_positions, warps=4,
        )  # fmt: skip
        block_inputs, ranked, warps = self._ranking_tile()
        launch(
            pointwise.closed_top,
            (_blocks(self.outputs, ranked), self.groups, len(images)),
            highs, lows, self._weight, *found, proven,
            self.candidates, self.outputs,
            K=k, BLOCK_I=block_inputs, ROWS=ranked, warps=warps,
        )  # fmt: skip
        launch(
            pointwise.settle_pointwise,
            (self.outputs, self.groups, len(images)),
            highs, lows, self._weight, *found, proven,
            self.candidates,
            K=k, BLOCK_I=block_inputs, warps=4,
        )  # fmt: skip
        return highs

    @property
    def _geometry(self) -> dict[str, int]:
        """The window as the kernels' compile-time constants."""
        (height, width), (step_y, step_x), (down, right) = self.window.kernel, self.window.stride, self.window.dilation
        left, _, top, _ = self.window.padding
        return {
            "KERNEL_HEIGHT": height, "KERNEL_WIDTH": width, "STEP_Y": step_y, "STEP_X": step_x,
            "DOWN": down, "RIGHT": right, "TOP": top, "LEFT": left,
        }  # fmt: skip

    def _ranking_tile(self) -> tuple[int, int, int]:
        """Inputs (all of a row), rows and warps of one program that ranks."""
        inputs = _power_of_2(self.candidates)
        # 8 rows of float32 are one 32-byte sector of memory.
        rows = max(1, min(8, self.tiles.cells // inputs, _power_of_2(self.outputs)))
        return inputs, rows, max(1, min(16, inputs * rows // 256))  # 8 cells a thread, or as many as it takes


def launch(kernel: Any, grid: tuple[int, int, int], *arguments: Any, warps: int, **constants: int) -> None:
    """Starts a Triton kernel.

    Args:
        kernel: What `triton.jit` made.
        grid: Programs in each dimension.
        arguments: Tensors and numbers, in its order.
        warps: Warps of 32 threads a program.
        constants: Its compile-time constants.
    """
    # Fused multiply-adds are inside the bounds in float32 and exact in float64; said here, as Triton's default changes.
    kernel[grid](*arguments, num_warps=warps, enable_fp_fusion=True, **constants)


def why_unsupported(weight_shape: tuple[int, ...], k: int) -> str:
    """Says why the kernels cannot take a convolution.

    Args:
        weight_shape: (out_channel, candidate, kernel height, kernel width).
        k: How many inputs are looked for.

    Returns:
        A sentence; empty where they can.
    """
    _, candidates, height, width = weight_shape
    if candidates > MOST_INPUTS:
        return f"a group has {candidates} candidates, at most {MOST_INPUTS} fit into registers"
    if height * width > MOST_TAPS:
        return f"the kernel has {height} x {width} positions, at most {MOST_TAPS} fit into registers"
    if not 1 <= k <= min(MOST_RANKS, candidates - 1):
        return f"k is {k}, expected 1 to {MOST_RANKS} and less than the {candidates} candidates"
    return ""


def rounded_to_tf32(values: Float32[Tensor, "*shape"]) -> Float32[Tensor, "*shape"]:
    """Rounds to the nearest number that TF32 holds, halves away from zero, as the kernels do.

    Args:
        values: Finite.

    Returns:
        Numbers with 10 bits behind the point.
    """
    return ((values.view(torch.int32) + 0x1000) & -0x2000).view(torch.float32)


def _power_of_2(number: int) -> int:
    """The smallest power of 2 that is not smaller."""
    return 1 << (number - 1).bit_length()


def _blocks(total: int, size: int) -> int:
    return -(-total // size)
