"""Records a model's operations with torch.fx and the shapes of what they make."""

import copy
from typing import Any

import torch
import torch.fx
from torch import Tensor, nn
from torch.fx.passes.shape_prop import ShapeProp

from arete_core.errors import ModelError


class _Tracer(torch.fx.Tracer):
    """Keeps convolutions, normalizations and the like whole, also where subclasses only change the constructor."""

    _WHOLE = (nn.Conv2d, nn.ConvTranspose2d, nn.Linear, nn.BatchNorm2d, nn.LayerNorm, nn.GroupNorm)

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        if any(isinstance(m, base) and type(m).forward is base.forward for base in self._WHOLE):
            return True
        return super().is_leaf_module(m, module_qualified_name)


def record(model: nn.Module) -> torch.fx.GraphModule:
    """Records what a model does to an image.

    Args:
        model: With its weights loaded; stays as it is.

    Returns:
        A copy in evaluation mode, as a graph of single operations.

    Raises:
        ModelError: If it cannot be traced, or wants more than one batch of images.
    """
    model = copy.deepcopy(model).eval().requires_grad_(False)
    tracer = _Tracer()
    try:
        graph = tracer.trace(model)
    except Exception as error:  # tracing runs the model's own code, which may raise anything
        raise ModelError(
            f"{type(model).__name__} cannot be traced by torch.fx: {error}",
            hint="its forward must do the same operations for every image: no `if`, loop or assert that depends on "
            "the values of tensors; wrap such a part in a module of its own with torch.fx.wrap, or pass a model "
            "without it",
        ) from error
    module = torch.fx.GraphModule(model, graph, type(model).__name__)
    module.eval()
    inputs = [node for node in graph.nodes if node.op == "placeholder"]
    needed = [node for node in inputs if not node.args]  # a default value is the placeholder's only argument
    if not inputs or (needed and needed != inputs[:1]):
        names = ", ".join(node.name for node in needed) or "none"
        raise ModelError(f"{type(model).__name__} takes these inputs: {names}; one batch of images was expected")
    return module


def propagate_shapes(module: torch.fx.GraphModule, image_size: int, image_channels: int) -> None:
    """Runs the model on one zero image and notes what each operation makes.

    Every node's `meta` then has `tensor_meta`; `value` where it makes no tensor or one that is part of the model; and
    `constant` in the latter case.

    Args:
        module: As `record` returns it.
        image_size: Side of the square input, in pixels.
        image_channels: Channels of the input.

    Raises:
        ModelError: If the model does not take such images.
    """
    reference = next(module.parameters(), torch.zeros(()))
    image = torch.zeros(1, image_channels, image_size, image_size, dtype=reference.dtype, device=reference.device)
    try:
        with torch.no_grad():
            _Noting(module).propagate(image)
    except Exception as error:  # whatever the model's own operations raise
        cause = error.__cause__ or error  # fx wraps it into its own, which names no module
        reason = str(cause).strip().splitlines()[0] if str(cause).strip() else repr(cause)
        raise ModelError(
            f"{module._get_name()} does not take {image_channels}-channel images of {image_size}×{image_size} pixels: "
            f"{reason}",
            hint="pass the image size that the model was made for",
        ) from error


class _Noting(ShapeProp):
    def run_node(self, n: torch.fx.Node) -> Any:
        result = super().run_node(n)
        sources = n.all_input_nodes
        constant = n.op == "get_attr" or (
            n.op.startswith("call") and bool(sources) and all(source.meta.get("constant") for source in sources)
        )
        if constant and isinstance(result, Tensor):
            n.meta["constant"] = True
        if constant or n.meta.get("tensor_meta") is None:
            n.meta["value"] = result
        return result
