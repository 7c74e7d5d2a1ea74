"""Gradient times activation: how much of an image's class score a channel carries, to first order.

For one image, the score y of its class before softmax, and a channel's activation map a, it is the sum over positions
of a · ∂y/∂a: about how much y would fall if the channel were silenced. A class's score of a channel is its mean over
the class's images; negative ones speak against the class. Source: Shrikumar et al., Not Just a Black Box (2016), and
layer-wise relevance as Summit's section on future work names it.
"""

from typing import Any, Final

import numpy as np
import torch
import torch.fx
from jaxtyping import Float, Float64, Int
from torch import Tensor

from arete_ingest.execution import class_scores_of, full_precision, moved_to
from arete_ingest.layer_graph import LayerGraph

NAME: Final = "gradient x activation"
"""What the scores are called in `scores.parquet`."""


class GradientScores:
    """Computes the scores of batches of images.

    Cost: a forward and a backward pass without the weights' gradients, some two to three times the model's own pass;
    memory for the activation maps that the backward pass needs.

    Args:
        graph: The traced model, a classifier.
        dtype: Of the computation.
        device: Where it runs.
    """

    def __init__(self, graph: LayerGraph, *, dtype: torch.dtype, device: torch.device) -> None:
        self._graph = graph
        self._dtype = dtype
        self._device = device
        # Contiguous, whatever the counter's: the backward pass may not have been written for anything else.
        self._module = moved_to(graph.module, device, dtype)

    def of(
        self, images: Float[Tensor, "image channel height width"], outputs: Int[Tensor, " image"]
    ) -> Float64[np.ndarray, "image all_channels"]:
        """Computes each image's scores.

        Args:
            images: As the model expects them.
            outputs: Of each the output that is its class; -1 for the one with the largest score.

        Returns:
            One score for each channel of each layer, layer by layer.
        """
        images = images.to(self._device, self._dtype)
        watching = _Taps(self._module, {layer.tap for layer in self._graph.layers})
        with torch.enable_grad(), full_precision():
            scores = class_scores_of(watching.run(images), len(images))
            outputs = outputs.to(scores.device)
            chosen = torch.where(outputs < 0, scores.argmax(dim=1), outputs)
            total = scores.gather(1, chosen[:, None]).sum()
            maps = [watching.maps[layer.tap] for layer in self._graph.layers]
            slopes = torch.autograd.grad(total, maps, allow_unused=True)
        found = []
        for layer, map_, slope in zip(self._graph.layers, maps, slopes, strict=True):
            positions = (2, 3) if layer.channel_axis == 1 else (1, 2)
            value = torch.zeros_like(map_) if slope is None else map_.detach() * slope
            found.append(value.double().sum(dim=positions))
        return torch.cat(found, dim=1).cpu().numpy()


class _Taps(torch.fx.Interpreter):
    """Keeps the activation maps of some nodes, which what comes later may change only in a copy."""

    def __init__(self, module: torch.fx.GraphModule, taps: set[str]) -> None:
        super().__init__(module)
        self.extra_traceback = False
        self._taps = taps
        self.maps: dict[str, Tensor] = {}

    def run_node(self, n: torch.fx.Node) -> Any:
        value = super().run_node(n)
        if n.name not in self._taps:
            return value
        # Nothing before the first map needs a gradient: the weights ask for none.
        map_ = value if value.requires_grad else value.detach().requires_grad_()
        self.maps[n.name] = map_
        return map_.clone()
