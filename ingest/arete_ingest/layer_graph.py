"""What a traced model consists of, as far as counting needs to know.

A *channel sum* makes channels out of earlier ones: an output channel of a convolution is a sum of contributions, one
of each input channel; where feature maps are added (a residual block), the sum takes in the contributions of all that
is added. Influence counts are counted in channel sums: the strongest contributions to each of their channels.

A *shown layer* is a tensor whose channels are the vertices of the attribution graph. Behind it, channel maps name the
layer itself and no longer what the layer was made of. What it was made of is the layer's `members`; edges between
shown layers are found by walking from the members of one layer back to the layers before (`collapse`).
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch.fx

from arete_ingest.channel_maps import ChannelMap, channels_in
from arete_ingest.receptive import ReceptiveField


@dataclass(frozen=True, eq=False)
class Term:
    """One of the things that a channel sum adds up.

    Attributes:
        kind: `conv` for a convolution (also a transposed one, or a linear layer over the channels of each position);
            `passed` for a feature map that is added as it is, channel by channel.
        module: The convolution's qualified name; empty for `passed`.
        node: Name of the fx node that calls the convolution, or that adds the feature map.
        operand: Which argument of `node` is looked at: 0 for a convolution's input.
        inputs: Channel map of that argument.
        groups: Groups of the convolution; 1 for `passed`.
        scale: float64 (out_channel,), what the convolution's output is multiplied by before it is added (BatchNorm,
            layer scale); ones where the convolution is the only term, because only the order matters then.
        channel_axis: Axis of that argument which holds the channels: 1, or 3 where the model keeps them last.
    """

    kind: Literal["conv", "passed"]
    module: str
    node: str
    operand: int
    inputs: ChannelMap
    groups: int
    scale: np.ndarray
    channel_axis: int = 1

    @property
    def candidates(self) -> int:
        """Input channels that one output channel sees."""
        return 1 if self.kind == "passed" else channels_in(self.inputs) // self.groups


@dataclass(frozen=True, eq=False)
class ChannelSum:
    """What makes channels out of earlier ones; influences are counted here.

    Attributes:
        index: Position in `LayerGraph.sums`, in the order of execution.
        name: The convolution's qualified name, or that of the block that owns the addition; with `:2`, `:3`, … for
            later ones of the same name.
        out_channels: Channels that it makes.
        terms: What is added up. An output channel's candidates are those of the first term, then the second's, ….
        sign: int8 (out_channel,), -1, 0 or 1: what a folded BatchNorm does to the order of the contributions.
        batch_norms: Qualified names of the BatchNorms that are folded into it.
    """

    index: int
    name: str
    out_channels: int
    terms: tuple[Term, ...]
    sign: np.ndarray
    batch_norms: tuple[str, ...]

    @property
    def candidates(self) -> int:
        """Channels whose contributions one output channel adds up."""
        return sum(term.candidates for term in self.terms)

    @property
    def inputs(self) -> ChannelMap:
        """Channel map of the first term's input."""
        return self.terms[0].inputs


@dataclass(frozen=True, eq=False)
class ShownLayer:
    """A layer of the attribution graph.

    Attributes:
        index: Position in `LayerGraph.layers`, 0 = nearest the input.
        name: Qualified name of the convolution or of the block that owns the concatenation or addition; unique.
        kind: `conv`, `concat` or `sum`.
        channels: Number of channels.
        height: Of the activation map at the traced image size.
        width: Of the activation map at the traced image size.
        parents: Indices of the layers whose channels are joined to this one's by edges.
        members: Channel map of what the layer is made of.
        tap: Name of the fx node whose value is the layer's activation map.
        channel_axis: Axis of that value which holds the channels: 1, or 3 where the model keeps them last.
        field: Which pixels one position of the activation map sees.
    """

    index: int
    name: str
    kind: Literal["conv", "concat", "sum"]
    channels: int
    height: int
    width: int
    parents: tuple[int, ...]
    members: ChannelMap
    tap: str
    channel_axis: int
    field: ReceptiveField


@dataclass(frozen=True, eq=False)
class LayerGraph:
    """A traced model.

    Attributes:
        module: A copy of the model in evaluation mode, as a graph of single operations.
        image_size: Side of the square input, in pixels.
        image_channels: Channels of the input.
        layers: Shown layers, nearest the input first.
        sums: Every channel sum that a shown layer depends on, in the order of execution.
        graph_sha256: Of the traced structure: operations, their settings, how they hang together, and which layers are
            shown; neither of the weights nor of the image size.
        unshown: Names of what `--layers` could also show.
    """

    module: torch.fx.GraphModule
    image_size: int
    image_channels: int
    layers: tuple[ShownLayer, ...]
    sums: tuple[ChannelSum, ...]
    graph_sha256: str
    unshown: tuple[str, ...] = ()

    @property
    def channels(self) -> int:
        """Channels of all shown layers."""
        return sum(layer.channels for layer in self.layers)

    @property
    def pairs(self) -> int:
        """Counts that one class set takes: output channels times candidates, over all channel sums."""
        return sum(total.out_channels * total.candidates for total in self.sums)

    def receptive_box(self, layer: int, y: int, x: int, image_size: int | None = None) -> tuple[int, int, int, int]:
        """Finds the pixels that one position of a layer's activation map sees.

        Args:
            layer: Index of a shown layer.
            y: Row of the activation map, from the top.
            x: Column of the activation map, from the left.
            image_size: Side of the image in pixels; the traced size unless given.

        Returns:
            `(left, top, right, bottom)` in pixels, clipped to the image, right and bottom exclusive. Where branches
            see different pixels, the smallest box around all of them.
        """
        size = image_size or self.image_size
        field = self.layers[layer].field
        top, bottom = field.rows.span(y, size)
        left, right = field.columns.span(x, size)
        return left, top, right, bottom
