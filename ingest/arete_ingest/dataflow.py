"""What a recorded graph of operations says about itself: paths, users, owners, names and its hash."""

import hashlib
import json
import operator
from collections.abc import Mapping
from typing import Any

import torch
import torch.fx
from torch import nn


def crossed_by_every_path(nodes: list[torch.fx.Node]) -> set[torch.fx.Node]:
    """Returns the nodes that every path of tensors from the image to the output crosses.

    A node is one exactly when the number of paths through it equals the number of all paths. Python's integers hold
    any number of paths.
    """
    to_node: dict[torch.fx.Node, int] = {}
    for node in nodes:
        if node.op == "placeholder":
            to_node[node] = int(not to_node)  # the image is the first one, others have defaults
        elif node.op == "output" or is_tensor(node):
            to_node[node] = sum(to_node.get(source, 0) for source in node.all_input_nodes if is_tensor(source))
        else:
            to_node[node] = 0  # sizes and the like: no channels flow through them
    to_output: dict[torch.fx.Node, int] = {}
    for node in reversed(nodes):
        users = [user for user in node.users if user.op == "output" or is_tensor(user)]
        to_output[node] = 1 if node.op == "output" else sum(to_output[user] for user in users)
    total = sum(to_node[node] for node in nodes if node.op == "output")
    return {node for node in nodes if total and to_node[node] * to_output[node] == total}


def is_tensor(node: torch.fx.Node) -> bool:
    """Returns whether a node makes a tensor or several; of a graph whose shapes were propagated."""
    return node.meta.get("tensor_meta") is not None


def tensor_users(node: torch.fx.Node) -> list[torch.fx.Node]:
    """Returns who reads a node's values, not only its size."""
    return [user for user in node.users if user.op == "output" or is_tensor(user)]


def makes_feature_maps(node: torch.fx.Node) -> bool:
    """Returns whether a node makes a tensor with image, channel, height and width axes, or several with one such."""
    meta = node.meta.get("tensor_meta")
    if meta is None:
        return False
    metas = [meta] if hasattr(meta, "shape") else list(meta)
    return any(len(getattr(part, "shape", ())) == 4 for part in metas)


def module_stack(node: torch.fx.Node) -> list[tuple[str, type]]:
    """Returns the modules that an operation lies in, outermost first: qualified name and class."""
    return [(str(name), class_) for name, class_ in (node.meta.get("nn_module_stack") or {}).values()]


def owner_of(node: torch.fx.Node) -> str:
    """Returns the qualified name of the module whose forward does this operation."""
    stack = module_stack(node)
    return stack[-1][0] if stack else node.name


def place_of(node: torch.fx.Node) -> str:
    """Returns where in the model a node is, for messages: a module's name, or its owner's and the operation's."""
    if node.op == "call_module":
        return str(node.target)
    owner = owner_of(node)
    return f"{owner}, operation {node.name}" if owner != node.name else f"operation {node.name}"


_OPERATION_NAMES = {
    operator.add: "addition", operator.iadd: "addition", torch.add: "addition", "add": "addition", "add_": "addition",
    operator.mul: "multiplication", operator.imul: "multiplication", torch.mul: "multiplication",
    "mul": "multiplication", "mul_": "multiplication",
}  # fmt: skip


def describe(node: torch.fx.Node, modules: Mapping[str, nn.Module]) -> str:
    """Returns what a node does, for messages: a module's class, or a function's name."""
    if node.op == "call_module":
        return type(modules[str(node.target)]).__name__
    target: Any = node.target
    name = target if isinstance(target, str) else getattr(target, "__name__", str(target))
    known = _OPERATION_NAMES.get(target)
    return f"{known} ({name})" if known else name


def structure_sha256(
    nodes: list[torch.fx.Node], modules: Mapping[str, nn.Module], shown: Mapping[torch.fx.Node, str]
) -> str:
    """Returns a hash of the operations, their settings, how they hang together and which of them are shown.

    Args:
        nodes: All nodes, in the order of execution.
        modules: The model's modules by qualified name.
        shown: Names of the nodes that are shown layers.

    Returns:
        The same hexadecimal sha256 for the same structure, whatever the weights, the image size, the device and
        whether operations work in place.
    """
    index = {node: position for position, node in enumerate(nodes)}

    def plain(value: Any) -> Any:
        if isinstance(value, torch.fx.Node):
            return f"%{index[value]}"
        if isinstance(value, list | tuple):
            return [plain(part) for part in value]
        if isinstance(value, dict):
            return {str(key): plain(part) for key, part in value.items()}
        if isinstance(value, slice):
            return ["slice", plain(value.start), plain(value.stop), plain(value.step)]
        return value if isinstance(value, bool | int | float | str | None) else str(value)

    def settings(module: nn.Module) -> dict[str, Any]:
        simple = (bool, int, float, str, tuple, type(None))
        hidden = {"training", "inplace"}
        return {
            key: plain(value)
            for key, value in sorted(vars(module).items())
            if not key.startswith("_") and key not in hidden and isinstance(value, simple)
        }

    steps: list[Any] = []
    for node in nodes:
        target: Any = node.target
        if node.op == "call_module":
            module = modules[str(target)]
            what: Any = [str(target), type(module).__name__, settings(module)]
        elif callable(target):
            what = getattr(target, "__name__", str(target))
        else:
            what = str(target)
        steps.append([node.op, what, plain(node.args), plain(node.kwargs), shown.get(node, "")])
    return hashlib.sha256(json.dumps(steps, sort_keys=True).encode()).hexdigest()
