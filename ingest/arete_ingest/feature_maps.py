"""What is known of each operation's output while a model is read, and the operations that make no new channels.

A feature map has a channel map, an axis of channels and a receptive field. Whatever only keeps or moves channels hands
these on; what is not known to keep channels apart is refused.
"""

from collections.abc import Mapping
from typing import NoReturn

import torch
import torch.fx
from torch import nn

from arete_core.errors import ModelError
from arete_ingest.channel_maps import IMAGE, ChannelMap, Segment, channels_in, picked_from
from arete_ingest.dataflow import describe, makes_feature_maps, place_of
from arete_ingest.fields import field_behind
from arete_ingest.operations import Kind, is_spatial, shape_of
from arete_ingest.rearranging import Moving, arrived, moved, numbered
from arete_ingest.receptive import PIXEL, ReceptiveField

SUPPORTED = (
    "convolutions (also grouped, strided, dilated, transposed), linear layers over channels, normalization, "
    "activations, pooling, padding, interpolation, addition, concatenation, gates, and whatever only moves channels"
)

_SPATIAL_ONLY = frozenset({Kind.POOL, Kind.PAD, Kind.RESIZE, Kind.BATCH_NORM})


class FeatureMaps:
    """The feature maps of a model, as far as it was read.

    Args:
        modules: The model's, by name.
        image_size: Side of the square input, in pixels.

    Attributes:
        maps: Where each operation's channels come from.
        axes: Which of the four axes is the channels'.
        fields: What each position saw of the image.
        moving: Values under way: maps, and what was made of them by moves alone.
        of_image: Made of nothing but the image and constants.
    """

    def __init__(self, modules: Mapping[str, nn.Module], image_size: int) -> None:
        self._modules = modules
        self._image_size = image_size
        self.maps: dict[torch.fx.Node, ChannelMap] = {}
        self.axes: dict[torch.fx.Node, int] = {}
        self.fields: dict[torch.fx.Node, ReceptiveField] = {}
        self.moving: dict[torch.fx.Node, Moving] = {}
        self.of_image: set[torch.fx.Node] = set()

    def arrive(self, node: torch.fx.Node, channel_map: ChannelMap, field: ReceptiveField, axis: int = 1) -> None:
        """Notes what an operation makes: its channels, receptive field and channel axis."""
        self.maps[node] = channel_map
        self.fields[node] = field
        self.axes[node] = axis

    def is_under_way(self, node: torch.fx.Node) -> bool:
        """Whether a tensor still has positions, but no longer four axes (a transformer's tokens)."""
        shape = shape_of(node)
        return node in self.moving and node not in self.maps and shape is not None and len(shape) > 2

    def read_image_operation(self, node: torch.fx.Node) -> None:
        """Whatever is done to the image before the first convolution: no edges come from there."""
        self.of_image.add(node)
        shape = shape_of(node)
        if shape is not None and len(shape) == 4:
            same = shape[2:] == (self._image_size, self._image_size)
            field = PIXEL if same else PIXEL.whole(self._image_size, self._image_size)
            self.arrive(node, (Segment(IMAGE, 0, shape[1]),), field)

    def read_keeping(self, node: torch.fx.Node, kind: Kind, source: torch.fx.Node) -> None:
        """Reads an operation that changes no channel's place."""
        if kind in _SPATIAL_ONLY and self.axes[source] != 1:
            self.refuse(node)
        if kind is Kind.BATCH_NORM:
            self._check_batch_norm(node)
        field = field_behind(node, kind, source, self.fields[source], self._modules)
        self.arrive(node, self.maps[source], field, self.axes[source])

    def read_move(self, node: torch.fx.Node) -> None:
        """Reads an operation that only moves values: reshapes, slices, shuffles."""
        for source in node.all_input_nodes:
            if source in self.maps and source not in self.moving:
                shape = shape_of(source)
                self.moving[source] = Moving(source, numbered(shape, self.axes[source]))  # type: ignore[arg-type]
        module = self._modules[str(node.target)] if node.op == "call_module" else None
        result = moved(node, module, self.moving)
        if result is None:
            if makes_feature_maps(node):
                self.refuse(node)
            return
        self.moving[node] = result
        if not is_spatial(node):
            return
        source = result.source
        before = shape_of(source)
        at_rest = before[2:] if self.axes[source] == 1 else before[1:3]  # type: ignore[index]
        found = arrived(result.numbers, at_rest[0] * at_rest[1], at_rest)  # type: ignore[arg-type]
        if found is None:
            self.refuse(node)
        field = self.fields[source] if found.in_place else self.fields[source].whole(*at_rest)
        self.arrive(node, picked_from(self.maps[source], found.channels.tolist()), field, found.axis)
        self.moving[node] = Moving(node, numbered(shape_of(node), found.axis))  # type: ignore[arg-type]

    def only_changes_axes(self, node: torch.fx.Node) -> bool:
        """Whether a move leaves every channel whole and in its place."""
        sources = [source for source in node.all_input_nodes if source in self.maps]
        return (
            len(sources) == 1
            and self.maps[node] == self.maps[sources[0]]
            and (self.fields[node] == self.fields[sources[0]])
        )

    def _check_batch_norm(self, node: torch.fx.Node) -> None:
        module: nn.Module = self._modules[str(node.target)]
        if getattr(module, "running_mean", None) is None or getattr(module, "running_var", None) is None:
            raise ModelError(
                f"{node.target} ({type(module).__name__}) keeps no running statistics, so what it makes of one image "
                "depends on the others of its batch",
                hint="use a model with track_running_stats=True",
            )

    def check(self, node: torch.fx.Node) -> None:
        """A feature map whose channels are not all accounted for would be counted wrongly."""
        channel_map, shape = self.maps.get(node), shape_of(node)
        if channel_map is None:
            return
        if shape is None or len(shape) != 4 or shape[self.axes[node]] != channels_in(channel_map):
            if shape is not None and len(shape) == 2:  # a mean over space: one vector an image, on its way to the head
                del self.maps[node]
                return
            self.refuse(node)

    def refuse(self, node: torch.fx.Node) -> NoReturn:
        """Says that an operation cannot be read.

        Raises:
            ModelError: Always.
        """
        raise ModelError(
            f"{place_of(node)}: {describe(node, self._modules)} of feature maps is not supported",
            hint=f"supported: {SUPPORTED}",
        )
