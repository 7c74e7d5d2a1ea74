"""Turns functional convolutions, linear layers and BatchNorms into modules, so that the tracer knows one form of each.

Many code bases subclass `nn.Conv2d` or `nn.BatchNorm2d` and call the function themselves, to pad first, to standardise
the weights or to add an activation. Where the weights are part of the model, perhaps computed from parameters, they are
the same for every image, and a module with these weights does the same.
"""

import inspect
from collections.abc import Callable, Mapping
from typing import Any

import torch
import torch.fx
import torch.nn.functional as F
from torch import Tensor, nn

from arete_ingest.dataflow import owner_of


def _conv2d(
    input: Any,  # noqa: A002, ARG001 - torch's own names, by which keyword arguments are found
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> nn.Module:
    out_channels, candidates, *kernel = weight.shape
    module = nn.Conv2d(
        candidates * groups, out_channels, (kernel[0], kernel[1]), stride, padding, dilation, groups, bias is not None,
        device="meta",
    )  # fmt: skip
    return _with(module, weight=weight, bias=bias)


def _conv_transpose2d(
    input: Any,  # noqa: A002, ARG001
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Any = 1,
    padding: Any = 0,
    output_padding: Any = 0,
    groups: int = 1,
    dilation: Any = 1,
) -> nn.Module:
    in_channels, outputs, *kernel = weight.shape
    module = nn.ConvTranspose2d(
        in_channels, outputs * groups, (kernel[0], kernel[1]), stride, padding, output_padding, groups,
        bias is not None, dilation, device="meta",
    )  # fmt: skip
    return _with(module, weight=weight, bias=bias)


def _linear(input: Any, weight: Tensor, bias: Tensor | None = None) -> nn.Module:  # noqa: A002, ARG001
    outputs, inputs = weight.shape
    return _with(nn.Linear(inputs, outputs, bias is not None, device="meta"), weight=weight, bias=bias)


def _batch_norm(
    input: Any,  # noqa: A002, ARG001
    running_mean: Tensor | None,
    running_var: Tensor | None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    training: bool = False,
    momentum: Any = 0.1,  # noqa: ARG001
    eps: float = 1e-5,
    **_cudnn: Any,
) -> nn.Module | None:
    if running_mean is None or running_var is None or training:
        return None  # by the statistics of the batch: one image's counts would depend on the others
    module = nn.BatchNorm2d(len(running_mean), eps, affine=weight is not None or bias is not None, device="meta")
    if module.affine:
        weight = torch.ones_like(running_mean) if weight is None else weight
        bias = torch.zeros_like(running_mean) if bias is None else bias
    module.num_batches_tracked = torch.tensor(0)
    module.running_mean, module.running_var = running_mean.detach().clone(), running_var.detach().clone()
    return _with(module, weight=weight, bias=bias)


_MODULES: Mapping[Any, Callable[..., nn.Module | None]] = {
    F.conv2d: _conv2d,
    torch.conv2d: _conv2d,
    F.conv_transpose2d: _conv_transpose2d,
    F.linear: _linear,
    F.batch_norm: _batch_norm,
    torch.batch_norm: _batch_norm,
}


def make_modules(module: torch.fx.GraphModule) -> bool:
    """Replaces functions by modules where their weights are part of the model.

    Args:
        module: With `meta` as `recording.propagate_shapes` gives it; changed in place. New nodes have no such `meta`.

    Returns:
        Whether anything was replaced.
    """
    found = False
    for node in list(module.graph.nodes):
        made = _module_of(node) if node.op == "call_function" and node.target in _MODULES else None
        if made is None:
            continue
        name = _free_name(module, f"{owner_of(node)}.{node.target.__name__}")
        module.add_submodule(name, made.eval().requires_grad_(False))
        with module.graph.inserting_before(node):
            called = module.graph.call_module(name, (node.all_input_nodes[0],))
        called.meta["nn_module_stack"] = {**(node.meta.get("nn_module_stack") or {}), name: (name, type(made))}
        node.replace_all_uses_with(called)
        module.graph.erase_node(node)
        found = True
    if found:
        module.graph.eliminate_dead_code()
        module.recompile()
    return found


def _module_of(node: torch.fx.Node) -> nn.Module | None:
    make: Any = _MODULES[node.target]
    try:
        given = inspect.signature(make).bind(*node.args, **node.kwargs)
    except TypeError:
        return None
    values: dict[str, Any] = {}
    for name, value in given.arguments.items():
        if name == "input":
            if not isinstance(value, torch.fx.Node) or value.meta.get("constant"):
                return None
        elif isinstance(value, torch.fx.Node):
            if "value" not in value.meta:
                return None
            value = value.meta["value"]
        values[name] = value
    return make(**values)


def _with(module: nn.Module, **tensors: Tensor | None) -> nn.Module:
    for name, tensor in tensors.items():
        if tensor is not None:
            setattr(module, name, nn.Parameter(tensor.detach().clone(), requires_grad=False))
    return module


def _free_name(module: torch.fx.GraphModule, name: str) -> str:
    taken = {known for known, _ in module.named_modules()}
    free, number = name, 2
    while free in taken:
        free, number = f"{name}_{number}", number + 1
    return free
