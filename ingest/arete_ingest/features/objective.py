"""What a picture is optimised for: the mean of one channel of a shown layer, and pictures that differ.

1. The traced model is cut off behind the layer, so that the first layers cost little.
2. BatchNorm is folded into the convolution before it.
3. A ReLU that lets nothing of a picture's gradient through passes it on to the inputs below 0 that could rise
   (Lucid's redirected ReLU): a channel that is silent at the start would otherwise never be woken. The layer's own
   ReLUs always pass on `LEAK` of it to such inputs, so that the channel is woken everywhere in the picture, and not
   only where chance let it begin.
4. The objective is the channel's mean over space [olah2017feature, "Optimization Objectives"].
5. Of pictures that are to differ, the mean over pairs of the cosine between their Gram matrices is taken off
   [olah2017feature, "Diversity"]: entry (i, j) of a picture's Gram matrix is how much channels i and j of the layer are
   active at the same places. It counts in units of the channel's mean, whatever the layer's scale.
"""

import copy
from collections.abc import Mapping
from typing import Any

import torch
import torch.nn.functional as F
from einops import rearrange, reduce
from jaxtyping import Float, Int
from torch import Tensor, nn

from arete_core.errors import ModelError
from arete_ingest.layer_graph import LayerGraph

LEAK = 0.1
_RELUS = frozenset({F.relu, F.relu_, torch.relu, torch.relu_})


class _RedirectedRelu(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, inputs: Tensor, leak: float) -> Tensor:
        ctx.save_for_backward(inputs)
        ctx.leak = leak
        return inputs.clamp(min=0)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None]:
        (inputs,), grad = ctx.saved_tensors, grads[0]
        passed = torch.ops.aten.threshold_backward(grad, inputs, 0)
        if ctx.leak:
            # The loss falls where its gradient is below 0, so that these are the inputs that ought to rise.
            return passed + (grad - passed).clamp_(max=0) * ctx.leak, None
        silent = _is_zero(passed)
        # Most often nothing comes from above either: the other branches of a concatenation.
        if silent.any() and not _is_zero(grad)[silent].all():
            passed[silent] = grad[silent].clamp(max=0)
        return passed, None


def _is_zero(values: Tensor) -> Tensor:
    return largest(values) == 0


def largest(values: Float[Tensor, "picture ..."]) -> Float[Tensor, " picture"]:
    """Returns the largest magnitude in each picture, NaN where there is one; 17 times as fast as its infinity norm."""
    return values.abs().amax(dim=tuple(range(1, values.ndim)))


def redirected_relu(inputs: Tensor, leak: float = 0.0) -> Tensor:
    """Returns ReLU of `inputs` (picture, …), with the gradient that the module describes."""
    return _RedirectedRelu.apply(inputs, leak)


class LayerModel:
    """A traced model up to one shown layer.

    Args:
        graph: The traced model; stays as it is.
        layer: Index of the layer.
        mean: Of red, green and blue, that its transform takes off.
        std: Deviation that its transform divides by.
        device: Where it is run.

    Attributes:
        channels: Number of channels of the layer.
    """

    def __init__(
        self,
        graph: LayerGraph,
        layer: int,
        mean: tuple[float, float, float],
        std: tuple[float, float, float],
        device: torch.device,
    ) -> None:
        shown = graph.layers[layer]
        self.channels = shown.channels
        self._name = shown.name
        self._axis = shown.channel_axis
        module = _fold_batch_norms(_cut_off(graph.module, shown.tap)).to(device)
        self._module = module.to(memory_format=torch.channels_last).requires_grad_(requires_grad=False)
        self._mean, self._std = (rearrange(torch.tensor(v, device=device), "c -> c 1 1") for v in (mean, std))

    def __call__(
        self, pictures: Float[Tensor, "picture colour=3 height width"]
    ) -> Float[Tensor, "picture channel row column"]:
        """Returns the layer's activation maps.

        Args:
            pictures: RGB, 0 to 1.

        Raises:
            ModelError: If the model does not take pictures of this size.
        """
        inputs = ((pictures - self._mean) / self._std).contiguous(memory_format=torch.channels_last)
        try:
            maps = self._module(inputs)
        except RuntimeError as error:
            if "out of memory" in str(error):
                raise
            raise self._wrong_size(pictures.shape[-1], str(error).splitlines()[0]) from error
        if maps.ndim != 4 or maps.shape[0] != len(pictures) or maps.shape[self._axis] != self.channels:
            raise self._wrong_size(pictures.shape[-1], f"a map of shape {tuple(maps.shape)} came out")
        return maps if self._axis == 1 else rearrange(maps, "n h w c -> n c h w")

    def _wrong_size(self, size: int, reason: str) -> ModelError:
        return ModelError(
            f"{self._name} cannot be computed for pictures of {size} × {size} pixels: {reason}",
            hint="pass --size with the run's image size",
        )


def _cut_off(module: torch.fx.GraphModule, tap: str) -> torch.fx.GraphModule:
    graph = torch.fx.Graph()
    made: dict[torch.fx.Node, torch.fx.Node] = {}
    modules: dict[str, nn.Module] = dict(module.named_modules())
    last = next(node for node in module.graph.nodes if node.name == tap)
    own = _behind(last, modules)
    for node in module.graph.nodes:
        if _is_relu(node, modules):
            leak = LEAK if node in own else 0.0
            made[node] = graph.call_function(redirected_relu, (made[node.all_input_nodes[0]], leak))
        else:
            made[node] = graph.node_copy(node, made.__getitem__)
        if node is last:
            graph.output(made[node])
            break
    cut = torch.fx.GraphModule(copy.deepcopy(module), graph).eval()
    cut.graph.eliminate_dead_code()
    return cut


def _behind(last: torch.fx.Node, modules: Mapping[str, nn.Module]) -> set[torch.fx.Node]:
    """Returns the operations between the layer's convolutions and what it makes."""
    found: set[torch.fx.Node] = set()
    pending = [last]
    while pending:
        node = pending.pop()
        module = modules[str(node.target)] if node.op == "call_module" else None
        if node not in found and not isinstance(module, nn.Conv2d | nn.ConvTranspose2d | nn.Linear):
            found.add(node)
            pending += node.all_input_nodes
    return found


def _is_relu(node: torch.fx.Node, modules: Mapping[str, nn.Module]) -> bool:
    if node.op == "call_module":
        return type(modules[str(node.target)]) is nn.ReLU
    return (node.op == "call_function" and node.target in _RELUS) or (
        node.op == "call_method" and node.target in ("relu", "relu_")
    )


def _fold_batch_norms(module: torch.fx.GraphModule) -> torch.fx.GraphModule:
    modules = dict(module.named_modules())
    for node in list(module.graph.nodes):
        source = node.args[0] if node.args else None
        if node.op != "call_module" or not isinstance(source, torch.fx.Node) or source.op != "call_module":
            continue
        norm, conv = modules[str(node.target)], modules[str(source.target)]
        if type(norm) is nn.BatchNorm2d and type(conv) is nn.Conv2d and len(source.users) == 1:
            calls = [one for one in module.graph.nodes if one.op == "call_module" and one.target == source.target]
            if len(calls) == 1:  # a convolution that is used twice has two outputs to scale
                folded = torch.nn.utils.fuse_conv_bn_eval(conv, norm)
                module.set_submodule(str(source.target), folded)
                node.replace_all_uses_with(source)
                module.graph.erase_node(node)
    module.recompile()
    return module


def channel_means(
    maps: Float[Tensor, "picture channel row column"], channels: Int[Tensor, " picture"]
) -> Float[Tensor, " picture"]:
    """Returns the mean over space of each picture's own channel."""
    own = maps[torch.arange(len(maps), device=maps.device), channels]
    return reduce(own, "n h w -> n", "mean")


def likeness(maps: Float[Tensor, "picture channel row column"], group: int) -> Float[Tensor, " group"]:
    """Returns how alike the pictures of each group are.

    Args:
        maps: Activation maps of groups of pictures, one group after the other.
        group: Pictures a group, 2 or more.

    Returns:
        Mean over pairs of the cosine between the pictures' Gram matrices, -1 to 1.
    """
    places = rearrange(maps, "n c h w -> n (h w) c")
    # The cosine does not depend on the scale, but squares of large activations overflow.
    places = places / places.detach().abs().amax(dim=(1, 2), keepdim=True).clamp(min=1e-30)
    if places.shape[1] < places.shape[2]:
        # In the last layers channels are many and places few: <XX', YY'> is the sum of the squares of X'Y.
        joined = rearrange(places, "(g k) p c -> g (k p) c", k=group)
        between = rearrange((joined @ joined.mT) ** 2, "g (a p) (b q) -> g a b p q", a=group, b=group)
        products = between.sum(dim=(3, 4))
    else:
        grams = rearrange(places.mT @ places, "(g k) c d -> g k (c d)", k=group)
        products = grams @ grams.mT
    norms = torch.diagonal(products, dim1=1, dim2=2).clamp(min=1e-24).sqrt()
    cosines = products / (norms[:, :, None] * norms[:, None, :])
    pairs = group * (group - 1)
    return (cosines.sum(dim=(1, 2)) - torch.diagonal(cosines, dim1=1, dim2=2).sum(dim=1)) / pairs
