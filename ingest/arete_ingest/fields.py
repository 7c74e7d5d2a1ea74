"""Receptive fields behind single operations: windows, adaptive pooling, padding, interpolation."""

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any, NamedTuple

import torch
import torch.fx
import torch.nn.functional as F
from torch import nn

from arete_ingest.operations import Kind, shape_of
from arete_ingest.receptive import ReceptiveField

# The order of the arguments behind the input, as their signatures have it.
_WINDOW_FUNCTIONS: Mapping[Any, tuple[str, ...]] = {
    F.max_pool2d: ("kernel_size", "stride", "padding", "dilation"),
    torch.max_pool2d: ("kernel_size", "stride", "padding", "dilation"),
    F.avg_pool2d: ("kernel_size", "stride", "padding"),
}
_ADAPTIVE_MODULES = (nn.AdaptiveAvgPool2d, nn.AdaptiveMaxPool2d)


class _Window(NamedTuple):
    """A sliding window; pairs are (height, width), padding that of the top and the left."""

    kernel: tuple[int, int]
    stride: tuple[int, int]
    padding: tuple[int, int]
    dilation: tuple[int, int]


def field_behind(
    node: torch.fx.Node, kind: Kind, source: torch.fx.Node, field: ReceptiveField, modules: Mapping[str, nn.Module]
) -> ReceptiveField:
    """Works out the receptive field of what a node makes.

    Args:
        node: The node.
        kind: Its kind, none that joins several tensors.
        source: The node that it reads.
        field: The receptive field of what it reads.
        modules: The model's modules by qualified name.

    Returns:
        Which pixels one position of the node's map sees.
    """
    module = modules[str(node.target)] if node.op == "call_module" else None
    if isinstance(module, nn.Linear):
        return field
    if kind in (Kind.CONV, Kind.POOL):
        window = _window(node, module)
        if window is None:
            return _adaptive_field(node, source, field)
        if isinstance(module, nn.ConvTranspose2d):
            sides = zip(field, window.kernel, window.stride, window.padding, window.dilation, strict=True)
            return ReceptiveField(*(axis.transposed(*numbers) for axis, *numbers in sides))
        return field.window(window.kernel, window.stride, window.padding, window.dilation)
    if kind is Kind.PAD:
        amounts = _padding_amounts(node, module)
        return field.window((1, 1), (1, 1), (amounts[2] if len(amounts) > 2 else 0, amounts[0]))
    if kind is Kind.RESIZE:
        before, after = shape_of(source), shape_of(node)
        factors = (Fraction(now, then) for now, then in zip(after[2:], before[2:], strict=True))  # type: ignore[index]
        return ReceptiveField(*(axis.resized(factor) for axis, factor in zip(field, factors, strict=True)))
    return field


def _pair(value: Any) -> tuple[int, int]:
    if isinstance(value, Sequence):
        return (int(value[0]), int(value[-1]))
    return (int(value), int(value))


def _window(node: torch.fx.Node, module: Any) -> _Window | None:
    if module is not None:
        if isinstance(module, _ADAPTIVE_MODULES):
            return None
        if isinstance(module, nn.Conv2d):
            # [left, right, top, bottom]; also right for padding="same", which may be uneven.
            amounts = module._reversed_padding_repeated_twice
            padding = (int(amounts[2]), int(amounts[0]))
        else:
            padding = _pair(getattr(module, "padding", 0))
        stride = module.kernel_size if module.stride is None else module.stride
        return _Window(_pair(module.kernel_size), _pair(stride), padding, _pair(getattr(module, "dilation", 1)))
    names = _WINDOW_FUNCTIONS.get(node.target)
    if names is None:
        return None
    given: dict[str, Any] = {**dict(zip(names, node.args[1:], strict=False)), **node.kwargs}
    kernel = given["kernel_size"]
    stride = given.get("stride")
    return _Window(
        _pair(kernel), _pair(stride or kernel), _pair(given.get("padding", 0)), _pair(given.get("dilation", 1))
    )


def _adaptive_field(node: torch.fx.Node, source: torch.fx.Node, field: ReceptiveField) -> ReceptiveField:
    """Adaptive pooling: even windows where the sizes divide, otherwise (and for one position) the whole map."""
    before, after = shape_of(source), shape_of(node)
    if before is None or after is None:
        return field
    axes = []
    kept = after[2:] if len(after) == 4 else (1, 1)  # a mean over space that drops its axes
    for axis, positions, left in zip(field, before[2:], kept, strict=True):
        step = positions // left if left else 0
        even = left > 1 and positions % left == 0
        axes.append(axis.window(step, step, 0) if even else axis.whole(positions))
    return ReceptiveField(*axes)


def _padding_amounts(node: torch.fx.Node, module: Any) -> Sequence[int]:
    """Returns left, right and perhaps top, bottom."""
    if module is not None:
        return (module.padding,) * 4 if isinstance(module.padding, int) else module.padding
    return node.args[1]  # type: ignore[return-value]
