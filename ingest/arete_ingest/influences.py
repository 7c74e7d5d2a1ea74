"""Influence counts I: which channels contribute most to an output channel of a channel sum.

For an image and an output channel o of a convolution, the contribution of input channel i is the largest value over
space of `conv(X_i, W[o, i])`, without bias; border padding contributes what it holds (zeros unless the padding mode
says otherwise). A feature map that is added contributes its own largest value to the channel of the same number. The k
largest contributions count once each (ties: lower candidate first; -0.0 equals 0.0).

Source: Hohman et al., Summit (2019), section 5.2; no activation function is applied to a contribution, as there.

Three ways find the same inputs, because all of them give what exact arithmetic on the given float32 numbers gives:
the compiled kernel (`native`), a fused kernel on CUDA devices (`cuda`), and plain torch (`exact`). In float64, for
checking, plain torch is used without further ado.
"""

from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn

from arete_ingest.certificate import Window, padded_images, require_finite_images
from arete_ingest.exact import contributions, strongest_exact
from arete_ingest.kernels import fast_kernel


class Strongest(NamedTuple):
    """The strongest candidates of every output channel, strongest first; of equal ones the lower candidate first.

    Attributes:
        values: Their contributions.
        inputs: int64, which candidates: input channels inside the output channel's group.
    """

    values: Float[Tensor, "image out_channel k"]
    inputs: Int[Tensor, "image out_channel k"]


class ConvKernel:
    """One convolution, laid out for counting: ordinary, transposed, or a linear layer over channels.

    A transposed convolution is an ordinary one with mirrored weights over a map with zeros between its values; a linear
    layer over the channels of each position is one with 1x1 kernels.

    Args:
        module: The convolution.
        scale: float64 (out_channel,), by which each output channel's weights are multiplied.
        dtype: float32 or float64.
        device: Where the input will be.
        memory_bytes: About how much memory one piece of work may take.
        added: Whether its contributions are compared with those of other terms.
        fast: Whether a fast kernel may be used; plain torch otherwise.
    """

    def __init__(
        self,
        module: nn.Module,
        scale: Float[Tensor, " out_channel"],
        *,
        dtype: torch.dtype,
        device: torch.device,
        memory_bytes: int,
        added: bool = False,
        fast: bool = True,
    ) -> None:
        conv: Any = module
        self._memory_bytes = memory_bytes
        self._channels_last = isinstance(module, nn.Linear)
        self._spread: tuple[int, int] | None = None
        self._sides = (0, 0, 0, 0)
        self._mode = "constant"
        self._groups = 1
        weight = conv.weight.detach()
        if isinstance(module, nn.Linear):
            weight, window = weight[:, :, None, None], Window((1, 1))
        elif isinstance(module, nn.ConvTranspose2d):
            weight, window = self._mirrored(conv, weight)
        else:
            self._groups = conv.groups
            self._mode = "constant" if conv.padding_mode == "zeros" else conv.padding_mode
            left, right, top, bottom = (int(amount) for amount in conv._reversed_padding_repeated_twice)
            window = Window(
                _pair(weight.shape[2:]), _pair(conv.stride), _pair(conv.dilation), (left, right, top, bottom)
            )
        self._window = window
        scale = scale.to(weight.device)
        self._weight = (weight.double() * scale.view(-1, 1, 1, 1)).to(device, dtype).contiguous()
        fast_window = window if self._mode == "constant" else window.unpadded()
        usable = fast and dtype == torch.float32
        self._fast = (
            fast_kernel(self._weight, fast_window, self._groups, added=added, memory_bytes=memory_bytes)
            if usable
            else None
        )

    @property
    def candidates(self) -> int:
        """Input channels that one output channel sees."""
        return int(self._weight.shape[1])

    def strongest(self, images: Float[Tensor, "image a b c"], k: int) -> Strongest:
        """Finds the strongest input channels of every output channel.

        Args:
            images: The convolution's input: (image, channel, height, width), or (image, height, width, channel) for a
                linear layer.
            k: How many to find; all of them where there are fewer.

        Returns:
            Contributions and channels inside the output channel's group.

        Raises:
            NotFiniteInputError: If an image holds NaN or infinity.
        """
        images = self._laid_out(images)
        if self._fast is not None and k < self.candidates and k <= self._fast.most:
            if self._mode != "constant":
                images = padded_images(images, self._window, self._mode)
            return Strongest(*self._fast.strongest(images, k))
        if images.dtype == torch.float32 and k < self.candidates:
            window = self._window
            found = strongest_exact(
                images, self._weight, stride=window.stride, dilation=window.dilation, padding=window.padding,
                groups=self._groups, k=k, memory_bytes=self._memory_bytes, padding_mode=self._mode,
            )  # fmt: skip
            return Strongest(found.values, found.inputs)
        require_finite_images(images)
        strength = contributions(
            images, self._weight, self._window, groups=self._groups, memory_bytes=self._memory_bytes, mode=self._mode
        )
        return largest(strength, k)

    def _laid_out(self, images: Tensor) -> Tensor:
        if self._channels_last:
            return images.permute(0, 3, 1, 2)
        if self._spread is None:
            return images
        (step_y, step_x), (height, width) = self._spread, images.shape[2:]
        spread = images.new_zeros(*images.shape[:2], (height - 1) * step_y + 1, (width - 1) * step_x + 1)
        spread[:, :, ::step_y, ::step_x] = images
        return F.pad(spread, self._sides)  # a negative amount crops, which is what its padding does

    def _mirrored(self, conv: nn.ConvTranspose2d, weight: Tensor) -> tuple[Tensor, Window]:
        self._groups = conv.groups
        per_group = weight.unflatten(0, (conv.groups, -1))  # (group, in, out, height, width)
        weight = per_group.transpose(1, 2).flatten(0, 1).flip(2, 3)
        kernel, dilation, padding = _pair(weight.shape[2:]), _pair(conv.dilation), _pair(conv.padding)
        more = _pair(conv.output_padding)
        self._spread = _pair(conv.stride)
        before = [(side - 1) * step - amount for side, step, amount in zip(kernel, dilation, padding, strict=True)]
        self._sides = (before[1], before[1] + more[1], before[0], before[0] + more[0])
        return weight, Window(kernel, (1, 1), dilation)


def largest(strength: Float[Tensor, "image out_channel candidate"], k: int) -> Strongest:
    """Finds the k largest of each row (all where there are fewer), of equal ones the lowest candidate first."""
    values, inputs = torch.sort(strength + 0.0, dim=2, descending=True, stable=True)  # -0.0 + 0.0 is 0.0
    return Strongest(values[:, :, :k], inputs[:, :, :k])


def merged(parts: list[Strongest], offsets: list[int], k: int) -> Int[Tensor, "image out_channel k"]:
    """Finds the strongest candidates of a sum of several terms.

    Args:
        parts: The strongest of each term, in the order of the terms.
        offsets: Where each term's candidates begin.
        k: How many to find; at most as many as the parts hold together.

    Returns:
        Candidates of the sum. A stable sort keeps equal ones in the order of terms and channels.
    """
    values = torch.cat([part.values for part in parts], dim=2)
    inputs = torch.cat([part.inputs + offset for part, offset in zip(parts, offsets, strict=True)], dim=2)
    order = torch.sort(values + 0.0, dim=2, descending=True, stable=True).indices[:, :, :k]
    return torch.gather(inputs, 2, order)


def passed(maps: Float[Tensor, "image channel height width"], scale: Float[Tensor, " channel"]) -> Strongest:
    """Finds what a feature map that is added contributes: each channel's largest value, after scaling.

    Args:
        maps: The feature map.
        scale: By which each channel is multiplied; negative ones turn the smallest value into the largest.

    Returns:
        One candidate for each channel.
    """
    values = maps.amax(dim=(2, 3)) * scale
    if bool((scale < 0).any()):
        values = torch.where(scale < 0, maps.amin(dim=(2, 3)) * scale, values)
    values = values.unsqueeze(2)
    return Strongest(values, torch.zeros_like(values, dtype=torch.int64))


def _pair(value: Any) -> tuple[int, int]:
    if isinstance(value, int):
        return value, value
    height, width = (int(side) for side in value)
    return height, width
