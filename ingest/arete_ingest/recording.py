"""Records a model's operations with torch.fx and the shapes of what they make."""

import copy
from typing import Any, NamedTuple

import torch
import torch.fx
from torch import Tensor, nn
from torch.fx.node import map_aggregate
from torch.fx.passes.shape_prop import _extract_tensor_metadata

from arete_core.errors import ModelError
from arete_ingest.tracers import SizedTracer, WholeModulesTracer


class Recorded(NamedTuple):
    """A model as a graph of single operations.

    Attributes:
        module: A copy in evaluation mode.
        sized: Whether it was recorded with the sizes of one image as numbers.
    """

    module: torch.fx.GraphModule
    sized: bool


def record(model: nn.Module, image_size: int, image_channels: int) -> Recorded:
    """Records what a model does to an image.

    Args:
        model: With its weights loaded; stays as it is.
        image_size: Side of the square input, in pixels, for models whose operations depend on it.
        image_channels: Channels of the input.

    Returns:
        What it does.

    Raises:
        ModelError: If it cannot be traced, or wants more than one batch of images.
    """
    model = copy.deepcopy(model).eval().requires_grad_(False)
    sized = False
    try:
        graph = WholeModulesTracer().trace(model)
    except Exception as error:  # tracing runs the model's own code, which may raise anything
        graph, sized = _sized(model, _images(model, 1, image_size, image_channels)), True
        if graph is None:
            raise ModelError(
                f"{type(model).__name__} cannot be traced by torch.fx: {error}",
                hint="its forward must do the same operations for every image: no `if`, loop or assert that depends "
                "on the values of tensors; wrap such a part in a module of its own with torch.fx.wrap, or pass a "
                "model without it",
            ) from error
    module = torch.fx.GraphModule(model, graph, type(model).__name__)
    module.eval()
    inputs = [node for node in graph.nodes if node.op == "placeholder"]
    needed = [node for node in inputs if not node.args]  # a default value is the placeholder's only argument
    if not inputs or (needed and needed != inputs[:1]):
        names = ", ".join(node.name for node in needed) or "none"
        raise ModelError(f"{type(model).__name__} takes these inputs: {names}; one batch of images was expected")
    return Recorded(module, sized)


def check_same(model: nn.Module, module: torch.fx.GraphModule, image_size: int, image_channels: int) -> None:
    """Compares what the recorded operations make of two images with what the model makes of them.

    Args:
        model: The model.
        module: What was recorded of it.
        image_size: Side of the square input, in pixels.
        image_channels: Channels of the input.

    Raises:
        ModelError: If the outputs differ by more than rounding.
    """
    images = _images(model, 2, image_size, image_channels)
    images += torch.rand(images.shape, generator=torch.Generator().manual_seed(0)).to(images)
    training = model.training
    try:
        with torch.no_grad():
            outputs = [_tensors(run(images)) for run in (model.eval(), module)]
    except Exception as error:
        reason = f"{type(error).__name__}: {error}".splitlines()[0]
        raise ModelError(
            f"{type(model).__name__} was recorded for one image and fails with two: {reason}",
            hint="its forward must not depend on the number of images",
        ) from error
    finally:
        model.train(training)
    for one, other in zip(*outputs, strict=True):
        if not torch.allclose(one, other, rtol=1e-3, atol=1e-5 * float(one.abs().max() + 1), equal_nan=True):
            raise ModelError(
                f"{type(model).__name__} does something else than what was recorded of it",
                hint="please report this model; a plainer forward, with modules for its layers, can be read",
            )


def _tensors(value: Any) -> list[Tensor]:
    found: list[Tensor] = []
    map_aggregate(value, lambda part: found.append(part) if isinstance(part, Tensor) else None)
    return found


def _images(model: nn.Module, count: int, image_size: int, image_channels: int) -> Tensor:
    reference = next(model.parameters(), torch.zeros(()))
    return torch.zeros(count, image_channels, image_size, image_size, dtype=reference.dtype, device=reference.device)


def _sized(model: nn.Module, image: Tensor) -> torch.fx.Graph | None:
    """Tries again with known sizes; None where that does not help."""
    try:
        return SizedTracer(image).trace(model)
    except Exception:
        return None


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
    image = _images(module, 1, image_size, image_channels)
    try:
        with torch.no_grad():
            _Noting(module).run(image)
    except Exception as error:  # whatever the model's own operations raise
        cause = error.__cause__ or error  # fx wraps it into its own, which names no module
        reason = str(cause).strip().splitlines()[0] if str(cause).strip() else repr(cause)
        raise ModelError(
            f"{module._get_name()} does not take {image_channels}-channel images of {image_size}×{image_size} pixels: "
            f"{reason}",
            hint="pass the image size that the model was made for",
        ) from error


class _Noting(torch.fx.Interpreter):
    """What torch.fx's `ShapeProp` does, which prints a traceback where an operation fails."""

    def run_node(self, n: torch.fx.Node) -> Any:
        """Runs one operation and notes what it makes."""
        result = super().run_node(n)
        found: list[Tensor] = []

        def noted(value: Any) -> Any:
            if not isinstance(value, Tensor):
                return value
            found.append(value)
            # How a tensor lies in memory is not asked for: finding it out loads sympy, for 2 s.
            return _extract_tensor_metadata(value, include_contiguity=False)

        meta = map_aggregate(result, noted)
        if found:
            n.meta["tensor_meta"] = meta
        sources = n.all_input_nodes
        constant = n.op == "get_attr" or (
            n.op.startswith("call") and bool(sources) and all(source.meta.get("constant") for source in sources)
        )
        if constant and isinstance(result, Tensor):
            n.meta["constant"] = True
        if constant or n.meta.get("tensor_meta") is None:
            n.meta["value"] = result
        return result
