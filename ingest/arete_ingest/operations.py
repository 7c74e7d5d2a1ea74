"""What one operation of a traced model does to channels and positions.

The tracer knows operations only by their `Kind`. To support another one, add it to a table here; to support another
kind (addition of feature maps, say), give it a `Kind` and tell `tracing` what it does to channel maps.
"""

import operator
from collections.abc import Callable, Mapping, Sequence
from enum import Enum
from typing import Any, NamedTuple

import torch
import torch.fx
import torch.nn.functional as F
from torch import nn

from arete_ingest.receptive import ReceptiveField


class Kind(Enum):
    """What an operation does to the channels of a feature map."""

    CONV = "convolution"
    BATCH_NORM = "batch normalization"
    ACTIVATION = "activation"  # each value becomes a function of itself and perhaps of its surroundings' size
    IDENTITY = "identity"  # values stay as they are, or are all scaled by a positive number and shifted
    POOL = "pooling"
    PAD = "padding"
    CONCAT = "concatenation"
    SLICE = "channel slice"
    SPLIT = "channel split"
    ITEM = "item of a split"
    OTHER = "other"


ELEMENTWISE = frozenset({Kind.BATCH_NORM, Kind.ACTIVATION, Kind.IDENTITY})
"""Kinds that keep channels and positions."""

_ACTIVATION_MODULES = (
    nn.ReLU, nn.ReLU6, nn.LeakyReLU, nn.PReLU, nn.RReLU, nn.ELU, nn.SELU, nn.CELU, nn.GELU, nn.SiLU, nn.Mish,
    nn.Hardswish, nn.Hardsigmoid, nn.Hardtanh, nn.Sigmoid, nn.Tanh, nn.Softplus, nn.Softsign, nn.Threshold,
    nn.LogSigmoid, nn.Softshrink, nn.Hardshrink, nn.Tanhshrink, nn.LocalResponseNorm,
)  # fmt: skip
_ACTIVATION_FUNCTIONS = frozenset({
    F.relu, F.relu_, torch.relu, torch.relu_, F.relu6, F.leaky_relu, F.leaky_relu_, F.elu, F.elu_, F.selu, F.celu,
    F.gelu, F.silu, F.mish, F.hardswish, F.hardsigmoid, F.hardtanh, F.sigmoid, torch.sigmoid, F.tanh, torch.tanh,
    F.softplus, F.softsign, F.logsigmoid, F.threshold, torch.clamp, F.local_response_norm,
})  # fmt: skip
_ACTIVATION_METHODS = frozenset({"relu", "relu_", "sigmoid", "sigmoid_", "tanh", "tanh_", "clamp", "clamp_"})

_IDENTITY_MODULES = (nn.Identity, nn.Dropout, nn.Dropout1d, nn.Dropout2d, nn.AlphaDropout, nn.FeatureAlphaDropout)
_IDENTITY_FUNCTIONS = frozenset({F.dropout, F.dropout1d, F.dropout2d, F.alpha_dropout, F.feature_alpha_dropout,
                                 torch.clone, torch.detach})  # fmt: skip
_IDENTITY_METHODS = frozenset({"contiguous", "clone", "detach"})

_WINDOW_MODULES = (nn.MaxPool2d, nn.AvgPool2d, nn.LPPool2d)
_ADAPTIVE_MODULES = (nn.AdaptiveAvgPool2d, nn.AdaptiveMaxPool2d)
# The order of the arguments behind the input, as their signatures have it.
_WINDOW_FUNCTIONS: Mapping[Any, tuple[str, ...]] = {
    F.max_pool2d: ("kernel_size", "stride", "padding", "dilation"),
    torch.max_pool2d: ("kernel_size", "stride", "padding", "dilation"),
    F.avg_pool2d: ("kernel_size", "stride", "padding"),
}
_ADAPTIVE_FUNCTIONS = frozenset({F.adaptive_avg_pool2d, F.adaptive_max_pool2d})
_PAD_MODULES = (nn.ZeroPad2d, nn.ConstantPad2d, nn.ReflectionPad2d, nn.ReplicationPad2d, nn.CircularPad2d)
_CONCAT_FUNCTIONS = frozenset({torch.cat, torch.concat, torch.concatenate})
_SPLIT_FUNCTIONS = frozenset({torch.chunk, torch.split})
_SPLIT_METHODS = frozenset({"chunk", "split"})
_INCREASING_ARITHMETIC: Mapping[Any, Callable[[float], bool]] = {
    **dict.fromkeys((operator.add, operator.iadd, operator.sub, operator.isub, torch.add, torch.sub), lambda _: True),
    **dict.fromkeys((operator.mul, operator.imul, operator.truediv, operator.itruediv, torch.mul, torch.div),
                    lambda factor: factor > 0),
}  # fmt: skip


_COMMUTATIVE = frozenset({operator.add, operator.mul, torch.add, torch.mul})


class Window(NamedTuple):
    """A sliding window; pairs are (height, width)."""

    kernel: tuple[int, int]
    stride: tuple[int, int]
    padding: tuple[int, int]
    dilation: tuple[int, int]


def shape_of(node: torch.fx.Node) -> tuple[int, ...] | None:
    """Looks up the shape of what a node makes.

    Args:
        node: Of a graph whose shapes were propagated.

    Returns:
        The shape of the tensor, or None where it makes something else.
    """
    meta = node.meta.get("tensor_meta")
    shape = getattr(meta, "shape", None)
    return tuple(shape) if shape is not None else None


def is_spatial(node: torch.fx.Node) -> bool:
    """Returns whether a node makes a tensor with image, channel, height and width axes."""
    shape = shape_of(node)
    return shape is not None and len(shape) == 4


def kind_of(node: torch.fx.Node, modules: Mapping[str, nn.Module]) -> Kind:
    """Returns what a node does to channels.

    Args:
        node: Of a graph whose shapes were propagated.
        modules: The model's modules by qualified name.

    Returns:
        Its kind; `OTHER` for whatever is not known to keep channels apart.
    """
    if node.op == "call_module":
        return _module_kind(modules[str(node.target)])
    if node.op == "call_method":
        return _method_kind(node)
    if node.op == "call_function":
        return _function_kind(node)
    return Kind.OTHER


def _module_kind(module: nn.Module) -> Kind:
    if isinstance(module, nn.Conv2d):
        return Kind.CONV
    if isinstance(module, nn.BatchNorm2d):
        return Kind.BATCH_NORM
    if isinstance(module, _ACTIVATION_MODULES):
        return Kind.ACTIVATION
    if isinstance(module, _IDENTITY_MODULES):
        return Kind.IDENTITY
    if isinstance(module, (*_WINDOW_MODULES, *_ADAPTIVE_MODULES)) and not getattr(module, "return_indices", False):
        return Kind.POOL
    if isinstance(module, _PAD_MODULES):
        return Kind.PAD
    return Kind.OTHER


def _method_kind(node: torch.fx.Node) -> Kind:
    if node.target in _ACTIVATION_METHODS:
        return Kind.ACTIVATION
    if node.target in _IDENTITY_METHODS:
        return Kind.IDENTITY
    if node.target in _SPLIT_METHODS and _axis(node, position=2, default=0) == 1:
        return Kind.SPLIT
    if node.target == "mean" and _is_spatial_mean(node):
        return Kind.POOL
    return Kind.OTHER


def _function_kind(node: torch.fx.Node) -> Kind:
    target: Any = node.target
    if target in _ACTIVATION_FUNCTIONS:
        return Kind.ACTIVATION
    if target in _IDENTITY_FUNCTIONS:
        return Kind.IDENTITY
    if target in _WINDOW_FUNCTIONS or target in _ADAPTIVE_FUNCTIONS:
        return Kind.POOL
    if target is torch.mean and _is_spatial_mean(node):
        return Kind.POOL
    if target is F.pad and len(node.args) > 1 and isinstance(node.args[1], Sequence) and len(node.args[1]) <= 4:
        return Kind.PAD
    if target in _CONCAT_FUNCTIONS and _axis(node, position=1, default=0) == 1:
        return Kind.CONCAT
    if target in _SPLIT_FUNCTIONS and _axis(node, position=2, default=0) == 1:
        return Kind.SPLIT
    if target is operator.getitem:
        return _getitem_kind(node)
    return Kind.IDENTITY if _is_increasing_arithmetic(node) else Kind.OTHER


def _is_increasing_arithmetic(node: torch.fx.Node) -> bool:
    """Returns whether a node adds a number to each value or multiplies it by a positive one."""
    target: Any = node.target
    increasing = _INCREASING_ARITHMETIC.get(target)
    if increasing is None or len(node.args) != 2 or node.kwargs:
        return False
    left, right = node.args
    if isinstance(left, int | float) and target in _COMMUTATIVE:
        left, right = right, left
    return isinstance(left, torch.fx.Node) and isinstance(right, int | float) and increasing(right)


def _axis(node: torch.fx.Node, *, position: int, default: int) -> int | None:
    """Returns the `dim` argument, counted from the front for tensors with four axes."""
    axis = node.kwargs.get(
        "dim", node.kwargs.get("axis", node.args[position] if len(node.args) > position else default)
    )
    return axis + 4 if isinstance(axis, int) and axis < 0 else axis if isinstance(axis, int) else None


def _is_spatial_mean(node: torch.fx.Node) -> bool:
    axes = node.kwargs.get("dim", node.args[1] if len(node.args) > 1 else None)
    return is_spatial(node) and isinstance(axes, Sequence) and sorted(int(a) % 4 for a in axes) == [2, 3]  # type: ignore[arg-type]


def _getitem_kind(node: torch.fx.Node) -> Kind:
    key = node.args[1]
    if isinstance(key, int):
        return Kind.ITEM
    if channel_slice(node) is not None:
        return Kind.SLICE
    return Kind.OTHER


def channel_slice(node: torch.fx.Node) -> slice | None:
    """Returns the channels that `x[:, a:b]` takes, or None where the index does anything else."""
    key = node.args[1]
    if not isinstance(key, tuple) or not 2 <= len(key) <= 4:
        return None
    parts = [part for part in key if isinstance(part, slice)]
    if len(parts) < len(key) or any(part != slice(None) for part in (parts[0], *parts[2:])):
        return None
    start, stop, step = parts[1].start, parts[1].stop, parts[1].step
    if step not in (None, 1) or not all(bound is None or isinstance(bound, int) for bound in (start, stop)):
        return None
    return slice(start, stop)


def concatenated(node: torch.fx.Node) -> list[torch.fx.Node]:
    """Returns the tensors that a concatenation joins, in order."""
    tensors = node.args[0] if node.args else node.kwargs.get("tensors")
    return [tensor for tensor in tensors if isinstance(tensor, torch.fx.Node)]  # type: ignore[union-attr]


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
    if kind in (Kind.CONV, Kind.POOL):
        window = _window(node, modules)
        if window is not None:
            return field.window(window.kernel, window.stride, window.padding, window.dilation)
        return _adaptive_field(node, source, field)
    if kind is Kind.PAD:
        amounts = _padding_amounts(node, modules)
        return field.window((1, 1), (1, 1), (amounts[2] if len(amounts) > 2 else 0, amounts[0]))
    return field


def _pair(value: Any) -> tuple[int, int]:
    if isinstance(value, Sequence):
        return (int(value[0]), int(value[-1]))
    return (int(value), int(value))


def _window(node: torch.fx.Node, modules: Mapping[str, nn.Module]) -> Window | None:
    if node.op == "call_module":
        module: Any = modules[str(node.target)]
        if isinstance(module, _ADAPTIVE_MODULES):
            return None
        if isinstance(module, nn.Conv2d):
            # [left, right, top, bottom]; also right for padding="same", which may be uneven.
            amounts = module._reversed_padding_repeated_twice
            padding = (int(amounts[2]), int(amounts[0]))
        else:
            padding = _pair(getattr(module, "padding", 0))
        stride = module.kernel_size if module.stride is None else module.stride
        return Window(_pair(module.kernel_size), _pair(stride), padding, _pair(getattr(module, "dilation", 1)))
    names = _WINDOW_FUNCTIONS.get(node.target)
    if names is None:
        return None
    given: dict[str, Any] = {**dict(zip(names, node.args[1:], strict=False)), **node.kwargs}
    kernel = given["kernel_size"]
    stride = given.get("stride")
    return Window(
        _pair(kernel), _pair(stride or kernel), _pair(given.get("padding", 0)), _pair(given.get("dilation", 1))
    )


def _adaptive_field(node: torch.fx.Node, source: torch.fx.Node, field: ReceptiveField) -> ReceptiveField:
    """Adaptive pooling: even windows where the sizes divide, otherwise (and for one position) the whole map."""
    before, after = shape_of(source), shape_of(node)
    if before is None or after is None:
        return field
    axes = []
    for axis, positions, left in zip(field, before[2:], after[2:], strict=True):
        step = positions // left
        even = left > 1 and positions % left == 0
        axes.append(axis.window(step, step, 0) if even else axis.whole(positions))
    return ReceptiveField(*axes)


def _padding_amounts(node: torch.fx.Node, modules: Mapping[str, nn.Module]) -> Sequence[int]:
    """Returns left, right and perhaps top, bottom."""
    if node.op == "call_module":
        module: Any = modules[str(node.target)]
        amounts = module.padding
        return (amounts,) * 4 if isinstance(amounts, int) else amounts
    return node.args[1]  # type: ignore[return-value]
