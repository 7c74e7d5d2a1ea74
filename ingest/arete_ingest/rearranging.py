"""Follows channels through operations that only move values: views, transpositions, slices, channel shuffles.

Such an operation is run a second time on a tensor whose every value says which channel and position it stands for.
Where each channel of what comes out holds one channel of what went in, the channel map is known, whatever the operation
is called and however many of them there were in between.
"""

from typing import Any, NamedTuple

import torch
import torch.fx
from torch import Tensor, nn
from torch.fx.node import map_arg


class Moving(NamedTuple):
    """A tensor under way between two feature maps, for instance with five axes in the middle of a channel shuffle.

    Attributes:
        source: Node whose feature map it came from.
        numbers: int64, of the tensor's shape: channel * positions + position of `source`; -1 for an added zero. A
            tuple of such tensors for an operation that makes several.
    """

    source: torch.fx.Node
    numbers: Any


class Arrived(NamedTuple):
    """What a rearranged feature map holds.

    Attributes:
        axis: Which of its axes holds the channels: 1 or 3.
        channels: int64 (channel,), which channel of the source each one is; -1 for one of zeros.
        in_place: Whether every value stayed at its height and width.
    """

    axis: int
    channels: Tensor
    in_place: bool


def numbered(shape: tuple[int, ...], axis: int) -> Tensor:
    """Makes the numbers of a feature map at rest.

    Args:
        shape: (1, channel, height, width), or (1, height, width, channel) for axis 3.
        axis: Where the channels are.

    Returns:
        int64 of that shape: channel * positions + position.
    """
    positions = torch.arange(shape[2] * shape[3] if axis == 1 else shape[1] * shape[2])
    channels = torch.arange(shape[axis])
    if axis == 1:
        return (channels.view(-1, 1) * len(positions) + positions).view(shape)
    return (channels * len(positions) + positions.view(-1, 1)).view(shape)


def moved(node: torch.fx.Node, module: nn.Module | None, moving: dict[torch.fx.Node, Moving]) -> Moving | None:
    """Runs a rearranging operation on numbers.

    Args:
        node: The operation; what else it reads has its value in `meta["value"]`.
        module: Its module, for a `call_module` node.
        moving: The numbers of the tensors that it may read.

    Returns:
        What it makes, or None where it reads none or several of the tensors, or does not work on numbers.
    """
    sources = [moving[each].source for each in node.all_input_nodes if each in moving]
    if len(set(sources)) != 1:
        return None

    def value(each: torch.fx.Node) -> Any:
        return moving[each].numbers if each in moving else each.meta.get("value")

    args = map_arg(node.args, value)
    kwargs: Any = map_arg(node.kwargs, value)
    target: Any = node.target
    if target is torch.nn.functional.pad:
        kwargs = {**kwargs, "value": -1}
        args = args[:2]
    try:
        if module is not None:
            numbers = module(*args, **kwargs)
        elif node.op == "call_method":
            numbers = getattr(args[0], target)(*args[1:], **kwargs)
        else:
            numbers = target(*args, **kwargs)
    except (RuntimeError, TypeError, IndexError, ValueError):
        return None
    return Moving(sources[0], numbers)


def arrived(numbers: Tensor, positions: int, at_rest: tuple[int, int]) -> Arrived | None:
    """Reads the channel map off a rearranged tensor.

    Args:
        numbers: int64 (1, ., ., .).
        positions: Positions of the source's map.
        at_rest: The source's (height, width).

    Returns:
        What it holds, or None where values of several channels are mixed in one.
    """
    channels = torch.where(numbers < 0, -1, torch.div(numbers, positions, rounding_mode="floor"))
    for axis, others in ((1, (0, 2, 3)), (3, (0, 1, 2))):
        lowest, highest = channels.amin(others), channels.amax(others)
        if torch.equal(lowest, highest):
            height, width = [numbers.shape[side] for side in (2, 3) if axis == 1] or numbers.shape[1:3]
            place = torch.where(numbers < 0, -1, numbers % positions).movedim(axis, 1)
            here = torch.arange(height * width).view(height, width)
            in_place = (height, width) == at_rest and bool(((place == here) | (place < 0)).all())
            return Arrived(axis, lowest, in_place)
    return None
