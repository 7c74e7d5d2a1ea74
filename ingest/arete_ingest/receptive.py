"""Receptive fields: which input pixels one position of a feature map sees.

Along one axis, position p sees the pixels `start + p * jump` to `start + p * jump + size - 1`; padding is seen too, so
start may be negative. A window of `kernel` positions, `dilation` apart, moved by `stride`, over a map padded by
`padding` in front gives

    start' = start - padding * jump
    size'  = size + (kernel - 1) * dilation * jump
    jump'  = jump * stride

(Araujo, Norris, Sim: Computing receptive fields of convolutional neural networks, Distill 2019). A transposed
convolution moves by less than a position, so that jumps may be fractions. Branches that are joined keep the smallest
interval around all of theirs, because all of them have the same jump.
"""

import math
from fractions import Fraction
from typing import NamedTuple


class Axis(NamedTuple):
    """The receptive field along one axis, in pixels.

    Attributes:
        start: First pixel that position 0 sees; negative where it sees padding.
        size: Number of pixels that a position sees.
        jump: Pixels between neighbouring positions; 0 where each position sees the same pixels.
    """

    start: int | Fraction
    size: int | Fraction
    jump: int | Fraction

    def window(self, kernel: int, stride: int, padding: int, dilation: int = 1) -> "Axis":
        """Returns the field behind a convolution or pooling window."""
        return Axis(
            self.start - padding * self.jump,
            self.size + (kernel - 1) * dilation * self.jump,
            self.jump * stride,
        )

    def transposed(self, kernel: int, stride: int, padding: int, dilation: int = 1) -> "Axis":
        """Returns the field behind a transposed convolution: position p reads (p + padding - tap) / stride."""
        step = Fraction(self.jump, stride) if self.jump else Fraction(0)
        reach = (kernel - 1) * dilation
        return Axis(self.start + (padding - reach) * step, self.size + reach * step, step)

    def resized(self, factor: Fraction) -> "Axis":
        """Returns the field behind an interpolation to `factor` times the positions: at most one neighbour each way."""
        return Axis(self.start - self.jump, self.size + 2 * self.jump, self.jump / factor)

    def whole(self, positions: int) -> "Axis":
        """Returns the field of an operation that sees all `positions` of the map at once."""
        return Axis(self.start, self.size + (positions - 1) * self.jump, 0)

    def union(self, other: "Axis", positions: int) -> "Axis":
        """Returns the smallest field that holds both, for maps of `positions` positions."""
        if self.jump != other.jump:
            # Only where one branch sees a whole map at every position; the union then does so too.
            return self.whole(positions).union(other.whole(positions), positions)
        start = min(self.start, other.start)
        return Axis(start, max(self.start + self.size, other.start + other.size) - start, self.jump)

    def span(self, position: int, pixels: int) -> tuple[int, int]:
        """Returns the first pixel seen and the one behind the last, clipped to `0 … pixels`, at least one pixel."""
        start = self.start + position * self.jump
        low = min(max(math.floor(start), 0), pixels - 1)
        return low, min(max(math.ceil(start + self.size), low + 1), pixels)


class ReceptiveField(NamedTuple):
    """The receptive field of a feature map's positions, along both axes."""

    rows: Axis
    columns: Axis

    def window(
        self,
        kernel: tuple[int, int],
        stride: tuple[int, int],
        padding: tuple[int, int],
        dilation: tuple[int, int] = (1, 1),
    ) -> "ReceptiveField":
        """Returns the field behind a window; pairs are (height, width), padding is that of the top and the left."""
        return ReceptiveField(
            self.rows.window(kernel[0], stride[0], padding[0], dilation[0]),
            self.columns.window(kernel[1], stride[1], padding[1], dilation[1]),
        )

    def whole(self, height: int, width: int) -> "ReceptiveField":
        """Returns the field of an operation that sees the whole map, of `height` by `width` positions, at once."""
        return ReceptiveField(self.rows.whole(height), self.columns.whole(width))

    def union(self, other: "ReceptiveField", height: int, width: int) -> "ReceptiveField":
        """Returns the smallest field that holds both, for maps of `height` by `width` positions."""
        return ReceptiveField(self.rows.union(other.rows, height), self.columns.union(other.columns, width))


PIXEL = ReceptiveField(Axis(0, 1, 1), Axis(0, 1, 1))
"""What a position of the image itself sees."""
