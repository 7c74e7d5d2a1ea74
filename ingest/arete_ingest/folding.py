"""Folds what follows a convolution or an addition into it: BatchNorm, layer scale, numbers.

Everything here multiplies a whole output channel by one number, so that it scales all contributions to it alike. Where
a channel sum has one term, only the sign matters: a negative one turns the order of the contributions round. Where
several terms are added, each is scaled in full before contributions of different terms are compared.
"""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
import torch.fx
from torch import Tensor, nn

from arete_core.errors import ModelError
from arete_ingest.dataflow import tensor_users
from arete_ingest.operations import Kind, concatenated, factor_of, shape_of


class Folding:
    """Reads scales off a traced model.

    Args:
        kinds: Kinds of all nodes.
        modules: The model's modules by qualified name.
        axis_of: Which axis of a node's feature map holds the channels.
    """

    def __init__(
        self,
        kinds: Mapping[torch.fx.Node, Kind],
        modules: Mapping[str, nn.Module],
        axis_of: Callable[[torch.fx.Node], int],
    ) -> None:
        self._kinds = kinds
        self._modules = modules
        self._axis_of = axis_of

    def scale_of(self, node: torch.fx.Node, channels: int) -> np.ndarray | None:
        """Returns what a node multiplies each channel by.

        Args:
            node: Any node behind a convolution.
            channels: Its channels.

        Returns:
            float64 (channel,), or None where it does anything but scale and shift channels.
        """
        kind = self._kinds[node]
        if kind is Kind.IDENTITY:
            return np.ones(channels)
        if kind is Kind.BATCH_NORM:
            module: Any = self._modules[str(node.target)]
            weight = torch.ones(channels) if module.weight is None else module.weight
            return _plain(weight) / np.sqrt(_plain(module.running_var) + module.eps)
        if kind is Kind.SCALE:
            return self._constant_scale(node, channels)
        return None

    def _constant_scale(self, node: torch.fx.Node, channels: int) -> np.ndarray | None:
        factor = factor_of(node)
        if not isinstance(factor, Tensor):
            return np.full(channels, float(factor))
        axis = self._axis_of(node)
        whole = torch.broadcast_to(factor.detach().double().cpu(), shape_of(node) or ()).movedim(axis, 0).flatten(1)
        if not torch.equal(whole.amin(1), whole.amax(1)):
            return None  # differs between positions
        return whole[:, 0].numpy().copy()

    def sign_behind(self, node: torch.fx.Node, channels: int, *, shown: bool) -> tuple[tuple[str, ...], np.ndarray]:
        """Follows a convolution's or addition's output to what scales it before its activation function.

        Args:
            node: The convolution or addition.
            channels: Its channels.
            shown: Whether it is a shown layer itself, whose activation map is read before it is joined to others.

        Returns:
            Names of the BatchNorms that were met, and the sign of the product of all scales, int8 (channel,).

        Raises:
            ModelError: If a channel is scaled by a negative number after an activation or an operation over
                positions: it is then excited by what excites the convolution least.
        """
        sign = np.ones(channels, np.int8)
        names: list[str] = []
        start, offset, activated, pooled = node, 0, False, False
        while len(users := tensor_users(node)) == 1:
            before, node = node, users[0]
            kind = self._kinds[node]
            if kind is Kind.CONCAT and not shown:
                parts = concatenated(node)
                offset += sum(shape_of(part)[1] for part in parts[: parts.index(before)])  # type: ignore[index]
            elif kind is Kind.ACTIVATION and not pooled:
                activated = True
            elif kind in (Kind.POOL, Kind.PAD, Kind.RESIZE) and not activated:
                pooled = True
            elif kind in (Kind.BATCH_NORM, Kind.SCALE):
                shape = shape_of(node)
                scale = self.scale_of(node, shape[self._axis_of(node)]) if shape is not None else None
                if scale is None:
                    break
                scale = np.sign(scale[offset : offset + channels]).astype(np.int8)
                if not (activated or pooled):
                    sign = sign * scale
                    if kind is Kind.BATCH_NORM:
                        names.append(str(node.target))
                elif (scale < 0).any():
                    what = str(node.target) if kind is Kind.BATCH_NORM else f"operation {node.name}"
                    raise ModelError(
                        f"{what} scales channel {int(np.argmax(scale < 0))} of {_named(start)} by a negative "
                        f"number after an {'activation' if activated else 'operation over positions'}, so that the "
                        "channel is excited by what excites the convolution least",
                        hint="a BatchNorm with negative scales is supported directly behind a convolution",
                    )
            elif kind is not Kind.IDENTITY:
                break
        return tuple(names), sign


def _plain(tensor: Tensor) -> np.ndarray:
    return tensor.detach().cpu().double().numpy()


def _named(node: torch.fx.Node) -> str:
    return str(node.target) if node.op == "call_module" else f"operation {node.name}"
