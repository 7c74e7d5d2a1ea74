"""What one operation of a traced model does to channels.

The tracer knows operations only by their `Kind`. To support another one, add it to a table here; to support another
kind, give it a `Kind` and tell `tracing` what it does to channel maps.
"""

import operator
import sys
from collections.abc import Mapping, Sequence
from enum import Enum
from typing import Any

import torch
import torch.fx
import torch.nn.functional as F
from torch import nn


class Kind(Enum):
    """What an operation does to the channels of a feature map."""

    CONV = "convolution"  # also transposed, and a linear layer over the channels of each position
    BATCH_NORM = "batch normalization"
    SCALE = "scaling"  # by a number, or by one number a channel that is part of the model
    ACTIVATION = "activation"  # each value becomes a function of itself and perhaps of its surroundings' size
    NORM = "normalization"  # by statistics of the image itself, then scaled per channel
    IDENTITY = "identity"  # values stay as they are, or are all shifted
    POOL = "pooling"
    PAD = "padding"
    RESIZE = "interpolation"
    CONCAT = "concatenation"
    ADD = "addition"
    MULTIPLY = "multiplication"
    MOVE = "rearrangement"  # values only change their places
    OTHER = "other"


ELEMENTWISE = frozenset({Kind.BATCH_NORM, Kind.SCALE, Kind.ACTIVATION, Kind.IDENTITY})
"""Kinds that keep channels and positions and that belong to what a layer shows."""

CONV_MODULES = (nn.Conv2d, nn.ConvTranspose2d, nn.Linear)

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

_NORM_MODULES = (nn.GroupNorm, nn.LayerNorm, nn.InstanceNorm2d)
_NORM_FUNCTIONS = frozenset({F.layer_norm, F.group_norm, F.instance_norm})

_IDENTITY_MODULES = (
    nn.Identity, nn.Dropout, nn.Dropout1d, nn.Dropout2d, nn.AlphaDropout, nn.FeatureAlphaDropout,
)  # fmt: skip
_IDENTITY_FUNCTIONS = frozenset({
    F.dropout, F.dropout1d, F.dropout2d, F.alpha_dropout, F.feature_alpha_dropout, torch.clone, torch.detach,
})  # fmt: skip
_IDENTITY_METHODS = frozenset({"contiguous", "clone", "detach"})

_POOL_MODULES = (nn.MaxPool2d, nn.AvgPool2d, nn.LPPool2d, nn.AdaptiveAvgPool2d, nn.AdaptiveMaxPool2d)
_POOL_FUNCTIONS = frozenset({F.max_pool2d, torch.max_pool2d, F.avg_pool2d, F.adaptive_avg_pool2d,
                             F.adaptive_max_pool2d})  # fmt: skip
_PAD_MODULES = (nn.ZeroPad2d, nn.ConstantPad2d, nn.ReflectionPad2d, nn.ReplicationPad2d, nn.CircularPad2d)
_RESIZE_MODULES = (nn.Upsample,)
_CONCAT_FUNCTIONS = frozenset({torch.cat, torch.concat, torch.concatenate})

_MOVE_MODULES = (nn.Flatten, nn.Unflatten, nn.ChannelShuffle, nn.PixelShuffle, nn.PixelUnshuffle)
_MOVE_FUNCTIONS = frozenset({
    operator.getitem, torch.chunk, torch.split, torch.tensor_split, torch.unbind, torch.permute, torch.transpose,
    torch.swapaxes, torch.movedim, torch.reshape, torch.flatten, torch.squeeze, torch.unsqueeze, torch.flip,
    torch.roll, torch.narrow, torch.select, torch.index_select, F.pixel_shuffle, F.pixel_unshuffle, F.channel_shuffle,
})  # fmt: skip
_MOVE_METHODS = frozenset({
    "chunk", "split", "tensor_split", "unbind", "permute", "transpose", "swapaxes", "movedim", "view", "reshape",
    "flatten", "unflatten", "squeeze", "unsqueeze", "flip", "roll", "narrow", "select", "index_select", "repeat",
    "tile", "expand", "expand_as",
})  # fmt: skip

_ADDITIONS = frozenset({operator.add, operator.iadd, torch.add, "add", "add_"})
_SUBTRACTIONS = frozenset({operator.sub, operator.isub, torch.sub, "sub", "sub_"})
_PRODUCTS = frozenset({operator.mul, operator.imul, torch.mul, torch.multiply, "mul", "mul_"})
_QUOTIENTS = frozenset({operator.truediv, operator.itruediv, torch.div, "div", "div_"})


def _of_torchvision(name: str) -> tuple[Any, ...]:
    """Looks an operation up where a model has brought torchvision: loading that takes longer than torch itself."""
    operations = sys.modules.get("torchvision.ops")
    return () if operations is None else (getattr(operations, name),)


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
    """Returns whether a node makes a tensor with image, channel, height and width axes, for the one traced image."""
    shape = shape_of(node)
    return shape is not None and len(shape) == 4 and shape[0] == 1  # not pieces of it laid along the first axis


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
    if isinstance(module, CONV_MODULES):
        return Kind.CONV
    if isinstance(module, nn.BatchNorm2d):
        return Kind.BATCH_NORM
    if isinstance(module, _POOL_MODULES) and getattr(module, "return_indices", False):
        return Kind.OTHER
    tables = (
        (_ACTIVATION_MODULES, Kind.ACTIVATION),
        (_NORM_MODULES, Kind.NORM),
        ((*_IDENTITY_MODULES, *_of_torchvision("StochasticDepth")), Kind.IDENTITY),
        (_POOL_MODULES, Kind.POOL),
        (_PAD_MODULES, Kind.PAD),
        (_RESIZE_MODULES, Kind.RESIZE),
        ((*_MOVE_MODULES, *_of_torchvision("Permute")), Kind.MOVE),
    )
    return next((kind for classes, kind in tables if isinstance(module, classes)), Kind.OTHER)


def _method_kind(node: torch.fx.Node) -> Kind:
    if node.target in _ACTIVATION_METHODS:
        return Kind.ACTIVATION
    if node.target in _IDENTITY_METHODS:
        return Kind.IDENTITY
    if node.target in _MOVE_METHODS:
        return Kind.MOVE
    if node.target == "mean" and _is_spatial_mean(node):
        return Kind.POOL
    return _arithmetic_kind(node)


def _function_kind(node: torch.fx.Node) -> Kind:
    target: Any = node.target
    tables = (
        (_ACTIVATION_FUNCTIONS, Kind.ACTIVATION),
        (_NORM_FUNCTIONS, Kind.NORM),
        (_IDENTITY_FUNCTIONS, Kind.IDENTITY),
        (_POOL_FUNCTIONS, Kind.POOL),
        (_MOVE_FUNCTIONS, Kind.MOVE),
    )
    for functions, kind in tables:
        if target in functions:
            return kind
    if target in _of_torchvision("stochastic_depth"):
        return Kind.IDENTITY
    if target is F.interpolate:
        return Kind.RESIZE
    if target is torch.mean and _is_spatial_mean(node):
        return Kind.POOL
    if target is F.pad and len(node.args) > 1 and isinstance(node.args[1], Sequence):
        return Kind.PAD if len(node.args[1]) <= 4 else Kind.MOVE
    if target in _CONCAT_FUNCTIONS and _axis(node, position=1, default=0) == 1:
        return Kind.CONCAT
    return _arithmetic_kind(node)


def _arithmetic_kind(node: torch.fx.Node) -> Kind:
    """Tells sums and products of feature maps from those with a number or a parameter of the model."""
    target: Any = node.target
    if len(node.args) != 2 or node.kwargs:
        return Kind.OTHER
    left, right = node.args
    if not (isinstance(left, torch.fx.Node) or target in _ADDITIONS | _PRODUCTS):
        return Kind.OTHER  # 1 - x turns the order round
    constant = any(isinstance(part, int | float) or is_constant(part) for part in (left, right))
    if target in _ADDITIONS:
        return Kind.IDENTITY if constant else Kind.ADD
    if target in _PRODUCTS:
        return Kind.SCALE if constant else Kind.MULTIPLY
    second_is_constant = isinstance(right, int | float) or is_constant(right)
    if target in _SUBTRACTIONS and second_is_constant:
        return Kind.IDENTITY
    if target in _QUOTIENTS and second_is_constant:
        return Kind.SCALE
    return Kind.OTHER


def factor_of(node: torch.fx.Node) -> Any:
    """Returns the number or the tensor of the model that a node of kind SCALE multiplies by."""
    left, right = node.args
    constant: Any = right if isinstance(left, torch.fx.Node) and not is_constant(left) else left
    if isinstance(constant, torch.fx.Node):
        constant = constant.meta["value"]
    return 1.0 / constant if node.target in _QUOTIENTS else constant


def is_constant(value: Any) -> bool:
    """Returns whether a node's value is part of the model, whatever the image; it is then in `meta["value"]`."""
    return isinstance(value, torch.fx.Node) and bool(value.meta.get("constant"))


def _axis(node: torch.fx.Node, *, position: int, default: int) -> int | None:
    """Returns the `dim` argument, counted from the front for tensors with four axes."""
    axis = node.kwargs.get(
        "dim", node.kwargs.get("axis", node.args[position] if len(node.args) > position else default)
    )
    return axis + 4 if isinstance(axis, int) and axis < 0 else axis if isinstance(axis, int) else None


def _is_spatial_mean(node: torch.fx.Node) -> bool:
    given: Any = node.args
    axes = node.kwargs.get("dim", given[1] if len(given) > 1 else None)
    source = given[0]
    if not isinstance(source, torch.fx.Node) or not is_spatial(source) or not isinstance(axes, Sequence):
        return False
    return sorted(int(axis) % 4 for axis in axes) == [2, 3]  # type: ignore[arg-type]


def concatenated(node: torch.fx.Node) -> list[torch.fx.Node]:
    """Returns the tensors that a concatenation joins, in order."""
    tensors = node.args[0] if node.args else node.kwargs.get("tensors")
    return [tensor for tensor in tensors if isinstance(tensor, torch.fx.Node)]  # type: ignore[union-attr]


def conv_channels(module: nn.Module) -> tuple[int, int, int]:
    """Returns a convolution's input channels, output channels and groups."""
    found: Any = module
    if isinstance(module, nn.Linear):
        return found.in_features, found.out_features, 1
    return found.in_channels, found.out_channels, found.groups
