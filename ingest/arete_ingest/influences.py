"""Influence counts I: which input channels excite an output channel of a convolution most.

For an image and an output channel o, the contribution of input channel i is the largest value over space of
`conv(X_i, W[o, i])`, without bias; border padding contributes what it holds (zeros unless the padding mode says
otherwise). The 5 input channels with the largest contributions count once each (ties: lower channel first; -0.0 equals
0.0). Convolutions with groups count inside each group.

Source: Hohman et al., Summit (2019), section 5.2; no activation function is applied to a contribution, as there.

How it is computed, with the same result:
- 1x1: a product with one weight is monotone and so is its rounding, hence max(w * x) = max(w * max x, w * min x), over
  the positions that the convolution visits.
- k x k: patches of a few input channels at a time, multiplied with all output channels' kernels and reduced at once,
  in pieces that stay in the cache.
- Not more candidates than are counted: every one of them counts for every image, and nothing needs to be computed.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn


@dataclass(frozen=True, eq=False)
class ConvWeights:
    """One convolution's settings and weights, laid out for counting.

    Attributes:
        kernel: (height, width).
        stride: (height, width).
        dilation: (height, width).
        padding: Added positions (left, right, top, bottom).
        padding_mode: As torch's `F.pad` names it: `constant` (zeros), `reflect`, `replicate` or `circular`.
        groups: Per group (in_channel, kernel position, out_channel), or (out_channel, in_channel) for 1x1.
    """

    kernel: tuple[int, int]
    stride: tuple[int, int]
    dilation: tuple[int, int]
    padding: tuple[int, int, int, int]
    padding_mode: str
    groups: tuple[Tensor, ...]

    @classmethod
    def of(cls, conv: nn.Conv2d, sign: Int[Tensor, " out_channel"]) -> "ConvWeights":
        """Lays out a convolution's weights.

        Args:
            conv: The convolution.
            sign: -1, 0 or 1 by which each output channel's weights are multiplied (folded BatchNorm).

        Returns:
            Its weights, on the same device and of the same type.
        """
        weight = conv.weight.detach() * sign.to(conv.weight).view(-1, 1, 1, 1)
        kernel = (int(weight.shape[2]), int(weight.shape[3]))
        groups = []
        for part in weight.chunk(conv.groups):
            flat = part.flatten(2)
            groups.append(flat[:, :, 0].contiguous() if kernel == (1, 1) else flat.permute(1, 2, 0).contiguous())
        left, right, top, bottom = conv._reversed_padding_repeated_twice
        return cls(
            kernel=kernel,
            stride=(int(conv.stride[0]), int(conv.stride[1])),
            dilation=(int(conv.dilation[0]), int(conv.dilation[1])),
            padding=(int(left), int(right), int(top), int(bottom)),
            padding_mode="constant" if conv.padding_mode == "zeros" else conv.padding_mode,
            groups=tuple(groups),
        )


def strongest_inputs(
    images: Float[Tensor, "image in_channel height width"],
    weights: ConvWeights,
    *,
    k: int,
    memory_bytes: int,
) -> Int[Tensor, "image out_channel k"]:
    """Finds the strongest input channels of every output channel.

    Args:
        images: The convolution's input; finite.
        weights: The convolution.
        k: How many to find, fewer than the candidates of a group.
        memory_bytes: About how much memory one piece of work may take.

    Returns:
        Input channels inside the output channel's group, in no particular order.
    """
    images = _padded(images, weights)
    width = images.shape[1] // len(weights.groups)
    pointwise = weights.kernel == (1, 1)
    found = []
    for group, weight in enumerate(weights.groups):
        part = images[:, group * width : (group + 1) * width]
        outputs = weight.shape[0] if pointwise else weight.shape[2]
        # An image takes its contributions (and as much again to rank them) and, for k x k, one channel's products.
        cells = max(
            2 * outputs * width, 0 if pointwise else _cells_per_row(images, weight, weights) * _rows(images, weights)
        )
        pieces = []
        for piece in part.split(max(1, memory_bytes // (cells * images.element_size()))):
            if pointwise:
                strength = _pointwise(piece, weight, weights.stride)
            else:
                strength = _windowed(piece, weight, weights, memory_bytes)
            pieces.append(strongest(strength, k))
        found.append(torch.cat(pieces))
    return torch.cat(found, dim=1)


def strongest(strength: Float[Tensor, "image out_channel in_channel"], k: int) -> Int[Tensor, "image out_channel k"]:
    """Finds the k largest of each row, of equal ones the lowest in_channel.

    Args:
        strength: Finite; is changed in place (-0.0 becomes 0.0).
        k: Less than the number of in_channels.

    Returns:
        The in_channels, in no particular order.
    """
    strength.add_(0.0)  # -0.0 + 0.0 is 0.0: some devices order by the bits
    values, indices = torch.topk(strength, k + 1, dim=2)
    chosen = indices[:, :, :k].clone()
    # topk promises no order among equals. That matters only where the last taken and the first left are equal.
    tied = values[:, :, k - 1] == values[:, :, k]
    if tied.any():
        rows = strength[tied]
        chosen[tied] = torch.sort(rows, dim=1, descending=True, stable=True).indices[:, :k]
    return chosen


def _reach(weights: ConvWeights) -> tuple[int, int]:
    """Positions between the first and the last that a kernel touches, both counted: (height, width)."""
    (height, width), (down, right) = weights.kernel, weights.dilation
    return (height - 1) * down + 1, (width - 1) * right + 1


def _rows(images: Tensor, weights: ConvWeights) -> int:
    """Rows of the convolution's output."""
    return (images.shape[2] - _reach(weights)[0]) // weights.stride[0] + 1


def _cells_per_row(images: Tensor, weight: Tensor, weights: ConvWeights) -> int:
    """Numbers held for one output row of one input channel: patches (twice, to lay them out) and products."""
    columns = (images.shape[3] - _reach(weights)[1]) // weights.stride[1] + 1
    return columns * (2 * weight.shape[1] + weight.shape[2])


def _padded(images: Tensor, weights: ConvWeights) -> Tensor:
    if not any(weights.padding):
        return images
    return F.pad(images, weights.padding, mode=weights.padding_mode)


def _pointwise(
    images: Float[Tensor, "image in_channel height width"],
    weight: Float[Tensor, "out_channel in_channel"],
    stride: tuple[int, int],
) -> Float[Tensor, "image out_channel in_channel"]:
    visited = images[:, :, :: stride[0], :: stride[1]]
    high = visited.amax(dim=(2, 3)).unsqueeze(1)
    low = visited.amin(dim=(2, 3)).unsqueeze(1)
    return torch.maximum(weight * high, weight * low)


def _windowed(
    images: Float[Tensor, "image in_channel height width"],
    weight: Float[Tensor, "in_channel position out_channel"],
    weights: ConvWeights,
    memory_bytes: int,
) -> Float[Tensor, "image out_channel in_channel"]:
    image_count, in_channels = images.shape[:2]
    outputs = weight.shape[2]
    rows = _rows(images, weights)
    reach = _reach(weights)[0]
    bytes_per_row = image_count * _cells_per_row(images, weight, weights) * images.element_size()
    rows_at_once = max(1, min(rows, memory_bytes // bytes_per_row))
    channels_at_once = max(1, min(in_channels, memory_bytes // (bytes_per_row * rows_at_once)))
    strength = images.new_empty(in_channels, image_count, outputs)
    for first in range(0, in_channels, channels_at_once):
        channels = slice(first, min(first + channels_at_once, in_channels))
        best: Tensor | None = None
        for row in range(0, rows, rows_at_once):
            last = min(row + rows_at_once, rows) - 1
            band = images[:, channels, row * weights.stride[0] : last * weights.stride[0] + reach]
            values = _band_strength(band, weight[channels], weights)
            best = values if best is None else torch.maximum(best, values)
        strength[channels] = best  # type: ignore[assignment]
    return strength.permute(1, 2, 0).contiguous()


def _band_strength(band: Tensor, weight: Tensor, weights: ConvWeights) -> Float[Tensor, "in_channel image out_channel"]:
    """The largest contribution inside a horizontal band of a few input channels."""
    images, channels = band.shape[:2]
    patches = F.unfold(band, weights.kernel, weights.dilation, 0, weights.stride)
    patches = patches.view(images, channels, weight.shape[1], -1)
    by_channel = patches.permute(1, 0, 3, 2).reshape(channels, -1, weight.shape[1])
    products = torch.bmm(by_channel, weight).view(channels, images, -1, weight.shape[2])
    return products.amax(dim=2)
