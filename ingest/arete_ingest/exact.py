"""The strongest input channels of every output channel, the same on every device.

The contribution of input channel i to output channel o is the largest value over space of `conv(X_i, W[o, i])`, without
bias. The k inputs with the largest contributions are those of exact arithmetic on the float32 input and weights (see
`certificate`): computed in float32 with plain torch, and again in float64 where float32 leaves a doubt. Hence neither
the order in which a library adds nor the device makes a difference.

- 1x1: a product with one weight is monotone and so is its rounding, hence max(w * x) = max(w * max x, w * min x) over
  the positions that the convolution visits, and of two different rounded values the larger one is the larger one. Only
  rows with equal values are ranked again.
- k x k: patches of a few input channels at a time, multiplied with all output channels' kernels and reduced at once, in
  pieces of a given size. Rows whose first k + 1 contributions are closer to each other than twice the largest possible
  error are looked at one contender at a time.
"""

from functools import partial
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Float, Float32, Float64, Int
from torch import Tensor

from arete_ingest.certificate import (
    OVERFLOW,
    SUM_UNIT,
    TENSOR_CORE_UNIT,
    Window,
    bounds_of,
    error_factor,
    exact_contributions,
    kernel_norms,
    padded_images,
    patch_norms,
    require_finite_images,
)

OPERAND_UNIT = {"none": 0.0, "ieee": 0.0, "tf32": 2.0**-10, "bf16": 2.0**-7}
"""How much torch's matrix product may round its operands (TF32 and BF16: cut off), by its precision."""


class Strongest(NamedTuple):
    """The k strongest inputs of every output channel, strongest first; of equal ones the lower channel first.

    Attributes:
        values: Their contributions: within the certified error of the exact ones, correctly rounded for 1x1 kernels
            and for rows that were computed again.
        inputs: Their channels, counted inside the output channel's group.
    """

    values: Float32[Tensor, "image out_channel k"]
    inputs: Int[Tensor, "image out_channel k"]


def strongest_exact(
    images: Float32[Tensor, "image in_channel height width"],
    weight: Float32[Tensor, "out_channel candidate kernel_height kernel_width"],
    *,
    stride: tuple[int, int],
    dilation: tuple[int, int],
    padding: tuple[int, int, int, int],
    groups: int,
    k: int,
    memory_bytes: int,
    padding_mode: str = "constant",
    exact_values: bool = False,
) -> Strongest:
    """Finds the strongest input channels of every output channel, as exact arithmetic on the given numbers does.

    Args:
        images: The convolution's input.
        weight: Sign or scale of a BatchNorm folded in.
        stride: (height, width).
        dilation: (height, width).
        padding: Added positions (left, right, top, bottom).
        groups: Groups of the convolution.
        k: How many to find, fewer than the candidates of a group.
        memory_bytes: About how much memory one piece of work may take.
        padding_mode: What padding holds, as torch's `F.pad` names it.
        exact_values: Compute every returned contribution in float64 and round it, for callers that compare them.

    Returns:
        Contributions and channels.

    Raises:
        ValueError: If k is not from 1 to the candidates less 1, or the map is smaller than the kernel.
        NotFiniteInputError: If an image holds NaN or infinity where the convolution looks.
    """
    candidates = weight.shape[1]
    if not 1 <= k < candidates:
        raise ValueError(f"k is {k}, expected 1 to {candidates - 1}: a group has {candidates} candidates")
    window = Window((weight.shape[2], weight.shape[3]), stride, dilation, padding)
    window.output_size(images.shape[2], images.shape[3])
    search = _pointwise if window.taps == 1 else partial(_windowed, exact_values=exact_values)
    found = [
        search(
            part,
            kernels,
            window,
            k=k,
            memory_bytes=memory_bytes,
            padding_mode=padding_mode,
        )
        for part, kernels in zip(images.split(candidates, dim=1), weight.chunk(groups), strict=True)
    ]
    if len(found) == 1:
        return found[0]
    return Strongest(torch.cat([part.values for part in found], 1), torch.cat([part.inputs for part in found], 1))


def contributions(
    images: Float[Tensor, "image in_channel height width"],
    weight: Float[Tensor, "out_channel candidate kernel_height kernel_width"],
    window: Window,
    *,
    groups: int,
    memory_bytes: int,
    mode: str = "constant",
) -> Float[Tensor, "image out_channel candidate"]:
    """Computes every contribution, in the precision of what is given and without proof.

    Args:
        images: The convolution's input; finite.
        weight: Of the same type.
        window: Kernel, stride, dilation and padding.
        groups: Groups of the convolution.
        memory_bytes: About how much memory one piece of work may take.
        mode: What padding holds, as torch's `F.pad` names it.

    Returns:
        The contributions, inside each output channel's group.
    """
    padded = padded_images(images, window, mode)
    found = []
    for part, kernels in zip(padded.chunk(groups, dim=1), weight.chunk(groups), strict=True):
        if window.taps == 1:
            visited = part[:, :, :: window.stride[0], :: window.stride[1]]
            high, low = (reduced.unsqueeze(1) for reduced in (visited.amax(dim=(2, 3)), visited.amin(dim=(2, 3))))
            flat = kernels.flatten(1)
            found.append(torch.maximum(flat * high, flat * low))
        else:
            by_channel = kernels.flatten(2).permute(1, 2, 0).contiguous()
            found.append(_contributions(part, by_channel, window, memory_bytes))
    return torch.cat(found, dim=1)


def _joined(pieces: list[Strongest]) -> Strongest:
    if len(pieces) == 1:
        return pieces[0]
    return Strongest(torch.cat([piece.values for piece in pieces]), torch.cat([piece.inputs for piece in pieces]))


def _ranked(rows: Float64[Tensor, "row in_channel"], k: int) -> tuple[Float32[Tensor, "row k"], Int[Tensor, "row k"]]:
    """The k largest of each row, sorted; of equal ones the lower channel first."""
    values, inputs = torch.sort(rows + 0.0, dim=1, descending=True, stable=True)  # -0.0 + 0.0 is 0.0
    return values[:, :k].float(), inputs[:, :k]


def _pointwise(
    images: Tensor, weight: Tensor, window: Window, *, k: int, memory_bytes: int, padding_mode: str
) -> Strongest:
    weight = weight.flatten(1)
    (left, right, top, bottom), (step_y, step_x) = window.padding, window.stride
    if padding_mode == "constant" and step_y == step_x == 1:
        high, low = images.amax(dim=(2, 3)), images.amin(dim=(2, 3))
        if left or right or top or bottom:
            high, low = high.clamp(min=0), low.clamp(max=0)
    else:
        visited = padded_images(images, window, padding_mode)[:, :, ::step_y, ::step_x]
        high, low = visited.amax(dim=(2, 3)), visited.amin(dim=(2, 3))
    require_finite_images(images, high - high + (low - low))
    # An image takes its contributions twice and what ranking them takes.
    at_once = max(1, memory_bytes // (4 * 4 * weight.numel()))
    pieces = []
    for high_part, low_part in zip(high.split(at_once), low.split(at_once), strict=True):
        strength = torch.maximum(weight * high_part.unsqueeze(1), weight * low_part.unsqueeze(1)).add_(0.0)
        top_values, top_inputs = torch.topk(strength, k + 1, dim=2)
        values, inputs = top_values[:, :, :k].clone(), top_inputs[:, :, :k].clone()
        # Equal values may be so by rounding, and topk promises no order among equals.
        doubtful = (top_values[:, :, :-1] == top_values[:, :, 1:]).any(dim=2).nonzero()
        for image, output in _chunks(doubtful, memory_bytes // (8 * 8 * weight.shape[1])):
            kernels = weight[output].double()
            exact = torch.maximum(kernels * high_part[image].double(), kernels * low_part[image].double())
            values[image, output], inputs[image, output] = _ranked(exact, k)
        pieces.append(Strongest(values, inputs))
    return _joined(pieces)


def _windowed(
    images: Tensor,
    weight: Tensor,
    window: Window,
    *,
    k: int,
    memory_bytes: int,
    padding_mode: str,
    exact_values: bool,
) -> Strongest:
    outputs, candidates = weight.shape[:2]
    by_channel = weight.flatten(2).permute(1, 2, 0).contiguous()  # (in_channel, kernel position, out_channel)
    kernels = kernel_norms(weight)
    factor = _product_error(window.taps, images.device)
    rows, columns = window.output_size(images.shape[2], images.shape[3])
    # An image takes its contributions (and as much again to rank them) and, for one channel, patches and products.
    cells = 2 * outputs * candidates + rows * columns * (2 * window.taps + outputs)
    pieces = []
    for piece in images.split(max(1, memory_bytes // (4 * cells))):
        padded = padded_images(piece, window, padding_mode)
        patches = patch_norms(padded, window)
        require_finite_images(piece, patches)
        strength = _contributions(padded, by_channel, window, memory_bytes)
        top_values, top_inputs = torch.topk(strength, k + 1, dim=2)
        values, inputs = top_values[:, :, :k].clone(), top_inputs[:, :, :k].clone()
        # First with the largest bound of all inputs: that settles nearly all rows, and no row need be read again.
        bound = 2 * factor * kernels.amax(dim=1) * patches.amax(dim=1, keepdim=True)
        bound = torch.where(bound < OVERFLOW * factor, bound, torch.inf).unsqueeze(2)
        settled = (top_values[:, :, :-1] - top_values[:, :, 1:] > bound).all(dim=2)
        doubtful = (torch.zeros_like(settled) if exact_values else settled).logical_not().nonzero()
        for image, output in _chunks(doubtful, memory_bytes // (8 * 16 * candidates)):
            rounded = strength[image, output].double()
            error = bounds_of(kernels[output], patches[image], factor)
            low = torch.where(error < torch.inf, rounded - error, -torch.inf)
            least = low.topk(k, dim=1).values[:, -1:]
            contends = ~(rounded + error < least)
            exact = torch.where(contends & (error == 0), 0.0, -torch.inf).double()
            row, channel = (contends & (error != 0)).nonzero(as_tuple=True)
            exact[row, channel] = exact_contributions(
                padded, weight, window, image[row], output[row], channel, memory_bytes=memory_bytes
            )
            values[image, output], inputs[image, output] = _ranked(exact, k)
        pieces.append(Strongest(values + 0.0, inputs))
    return _joined(pieces)


def _product_error(taps: int, device: torch.device) -> float:
    """The `error_factor` of torch's matrix product on a device, as it is set."""
    backend: Any = torch.backends.cuda if device.type == "cuda" else torch.backends.mkldnn
    operand = OPERAND_UNIT[backend.matmul.fp32_precision]
    return error_factor(taps, operand, TENSOR_CORE_UNIT if operand else SUM_UNIT)


def _chunks(places: Int[Tensor, "row 2"], at_once: int) -> list[tuple[Tensor, Tensor]]:
    """Pieces of (image, out_channel) pairs."""
    return [(part[:, 0], part[:, 1]) for part in places.split(max(1, at_once)) if len(part)]


def _contributions(
    padded: Float[Tensor, "image in_channel height width"],
    weight: Float[Tensor, "in_channel position out_channel"],
    window: Window,
    memory_bytes: int,
) -> Float[Tensor, "image out_channel in_channel"]:
    """Every contribution: a few input channels and output rows at a time."""
    image_count, in_channels = padded.shape[:2]
    outputs = weight.shape[2]
    rows, columns = window.unpadded().output_size(padded.shape[2], padded.shape[3])
    row_bytes = padded.element_size() * image_count * columns * (2 * window.taps + outputs)
    rows_at_once = max(1, min(rows, memory_bytes // row_bytes))
    channels_at_once = max(1, min(in_channels, memory_bytes // (row_bytes * rows_at_once)))
    strength = padded.new_full((in_channels, image_count, outputs), -torch.inf)
    for first in range(0, in_channels, channels_at_once):
        channels = slice(first, min(first + channels_at_once, in_channels))
        best = strength[channels]
        for row in range(0, rows, rows_at_once):
            last = min(row + rows_at_once, rows) - 1
            band = padded[:, channels, row * window.stride[0] : last * window.stride[0] + window.reach[0]]
            torch.maximum(best, _band(band, weight[channels], window), out=best)
    return strength.permute(1, 2, 0).contiguous()


def _band(band: Tensor, weight: Tensor, window: Window) -> Float[Tensor, "in_channel image out_channel"]:
    """The largest contributions inside a horizontal band of a few input channels."""
    images, channels = band.shape[:2]
    patches = F.unfold(band, window.kernel, window.dilation, 0, window.stride)
    patches = patches.view(images, channels, window.taps, -1)
    by_channel = patches.permute(1, 0, 3, 2).reshape(channels, -1, window.taps)
    return torch.bmm(by_channel, weight).view(channels, images, -1, weight.shape[2]).amax(dim=2)
