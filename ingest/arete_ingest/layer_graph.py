"""What a traced model consists of, as far as counting needs to know.

A *producer* makes channels: the image, a shown layer, or an inner convolution that is not shown. Each tensor of the
model that has an image, channel, height and width axis is described by a *channel map*: which channels of which
producers it holds, in order. Operations that keep channels apart leave the map as it is; concatenation joins maps.

Every path from the input to the output crosses a shown layer, so behind it the map names the layer itself and no
longer what the layer was made of. What it was made of is the layer's `members`; edges between shown layers are found
by walking from the members of one layer back to the layer before (`collapse`).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
import torch.fx

from arete_ingest.receptive import ReceptiveField


@dataclass(frozen=True)
class Producer:
    """What makes channels: the image, a shown layer or a convolution, by its index."""

    kind: Literal["image", "layer", "conv"]
    index: int


IMAGE = Producer("image", 0)


class Segment(NamedTuple):
    """Channels `first` to `first + length - 1` of one producer, side by side."""

    producer: Producer
    first: int
    length: int


ChannelMap = tuple[Segment, ...]
"""The channels of a tensor, in order."""


def channels_in(channel_map: ChannelMap) -> int:
    """Returns the number of channels that a map describes."""
    return sum(segment.length for segment in channel_map)


def join_maps(maps: Iterable[ChannelMap]) -> ChannelMap:
    """Joins channel maps one behind the other, as concatenation does.

    Args:
        maps: In the order of concatenation.

    Returns:
        One map; neighbouring segments that continue each other are merged.
    """
    joined: list[Segment] = []
    for channel_map in maps:
        for segment in channel_map:
            last = joined[-1] if joined else None
            if last and last.producer == segment.producer and last.first + last.length == segment.first:
                joined[-1] = last._replace(length=last.length + segment.length)
            else:
                joined.append(segment)
    return tuple(joined)


def slice_map(channel_map: ChannelMap, start: int, stop: int) -> ChannelMap:
    """Returns the map of channels `start` to `stop - 1`, with 0 <= start <= stop <= the number of channels."""
    parts: list[Segment] = []
    offset = 0
    for segment in channel_map:
        low, high = max(start - offset, 0), min(stop - offset, segment.length)
        if low < high:
            parts.append(Segment(segment.producer, segment.first + low, high - low))
        offset += segment.length
    return tuple(parts)


@dataclass(frozen=True, eq=False)
class CountedConv:
    """A convolution whose influences are counted.

    Attributes:
        index: Position in `LayerGraph.convs`, in the order of execution.
        name: The module's qualified name, with `:2`, `:3`, … for its later calls.
        module: The module's qualified name.
        node: Name of the fx node that calls it.
        in_channels: Channels of its input, over all groups.
        out_channels: Channels of its output.
        groups: Groups; an output channel sees `in_channels // groups` input channels.
        inputs: Channel map of its input.
        batch_norm: Qualified name of the BatchNorm that is folded into it, or None.
        sign: int8 (out_channel,), -1, 0 or 1: what the folded BatchNorm does to the order of the contributions.
    """

    index: int
    name: str
    module: str
    node: str
    in_channels: int
    out_channels: int
    groups: int
    inputs: ChannelMap
    batch_norm: str | None
    sign: np.ndarray

    @property
    def candidates(self) -> int:
        """Input channels that one output channel sees."""
        return self.in_channels // self.groups

    def candidates_of_group(self, group: int) -> ChannelMap:
        """Returns the channel map of the input channels that one group sees."""
        return slice_map(self.inputs, group * self.candidates, (group + 1) * self.candidates)


@dataclass(frozen=True, eq=False)
class ShownLayer:
    """A layer of the attribution graph.

    Attributes:
        index: Position in `LayerGraph.layers`, 0 = nearest the input.
        name: Qualified name of the convolution or of the block that owns the concatenation; unique.
        kind: `conv` or `concat`.
        channels: Number of channels.
        height: Of the activation map at the traced image size.
        width: Of the activation map at the traced image size.
        parents: Indices of the layers whose channels are joined to this one's by edges.
        members: Channel map of what the layer is made of.
        tap: Name of the fx node whose value is the layer's activation map.
        field: Which pixels one position of the activation map sees.
    """

    index: int
    name: str
    kind: Literal["conv", "concat"]
    channels: int
    height: int
    width: int
    parents: tuple[int, ...]
    members: ChannelMap
    tap: str
    field: ReceptiveField


@dataclass(frozen=True, eq=False)
class LayerGraph:
    """A traced model.

    Attributes:
        module: A copy of the model in evaluation mode, as a graph of single operations.
        image_size: Side of the square input, in pixels.
        image_channels: Channels of the input.
        layers: Shown layers, nearest the input first.
        convs: Every convolution, in the order of execution.
        graph_sha256: Of the traced structure: operations, their settings and how they hang together; neither of the
            weights nor of the image size.
    """

    module: torch.fx.GraphModule
    image_size: int
    image_channels: int
    layers: tuple[ShownLayer, ...]
    convs: tuple[CountedConv, ...]
    graph_sha256: str

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
