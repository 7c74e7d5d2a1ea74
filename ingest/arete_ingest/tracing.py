"""Traces a model into a `LayerGraph`.

1. torch.fx records the operations of a copy of the model; one zero image gives every shape (`recording`).
2. Which tensors are shown layers is decided (`shown_layers`).
3. In the order of execution each feature map gets its channel map and receptive field; behind a shown layer the map
   names that layer.
4. Convolutions and additions become channel sums; a convolution whose output is only scaled and then added becomes a
   term of the addition's sum. What scales a sum's output is folded into it (`folding`).
5. A layer's activation map is read behind the elementwise operations that follow it, before any pooling.

A gate (squeeze-and-excitation, or any factor that was computed from what it multiplies) passes the gated channels
through: their values are scaled, and the scaled values are what the next convolution's contributions are made of. What
makes the gate makes no edges. Likewise the statistics of LayerNorm and GroupNorm.

Whatever is not known to keep channels apart is refused with the name of the operation, never counted wrongly.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import numpy as np
import torch
import torch.fx
from torch import nn

from arete_core.errors import ModelError
from arete_ingest.channel_maps import (
    IMAGE,
    ChannelMap,
    Producer,
    Segment,
    channels_in,
    join_maps,
)
from arete_ingest.dataflow import (
    is_tensor,
    makes_feature_maps,
    owner_of,
    structure_sha256,
    tensor_users,
)
from arete_ingest.drafts import Drafts, renumbered
from arete_ingest.feature_maps import SUPPORTED, FeatureMaps
from arete_ingest.fields import field_behind
from arete_ingest.folding import Folding
from arete_ingest.functional import make_modules
from arete_ingest.layer_graph import LayerGraph, ShownLayer, Term
from arete_ingest.operations import (
    ELEMENTWISE,
    Kind,
    concatenated,
    conv_channels,
    is_constant,
    is_spatial,
    kind_of,
    shape_of,
)
from arete_ingest.rearranging import Moving
from arete_ingest.receptive import PIXEL
from arete_ingest.recording import check_same, propagate_shapes, record
from arete_ingest.shown_layers import ShownLayers

_KEEPING = frozenset({
    Kind.BATCH_NORM, Kind.SCALE, Kind.ACTIVATION, Kind.NORM, Kind.IDENTITY, Kind.POOL, Kind.PAD, Kind.RESIZE,
})  # fmt: skip


def trace_model(
    model: nn.Module, image_size: int, *, image_channels: int = 3, layers: Sequence[str] | None = None
) -> LayerGraph:
    """Traces a model.

    Args:
        model: With its weights loaded; stays as it is, the result holds a copy.
        image_size: Side of the square input, in pixels.
        image_channels: Channels of the input.
        layers: Names or patterns of the layers to show, as `shown_layers` takes them; chosen by themselves when None.

    Returns:
        The model's shown layers and channel sums, with a copy of the model that runs operation by operation.

    Raises:
        ModelError: If the model cannot be traced, does not take images of this size, does something with feature maps
            that counting does not cover, or has no layer of a name asked for.
    """
    module, sized = record(model, image_size, image_channels)
    propagate_shapes(module, image_size, image_channels)
    remade = make_modules(module)
    if remade:
        propagate_shapes(module, image_size, image_channels)
    if sized or remade:
        check_same(model, module, image_size, image_channels)
    return _Reader(module, image_size, image_channels, layers).read()


class _Reader:
    """Walks the recorded operations once, in the order of execution."""

    def __init__(
        self, module: torch.fx.GraphModule, image_size: int, image_channels: int, patterns: Sequence[str] | None
    ) -> None:
        self.module = module
        self.image_size = image_size
        self.image_channels = image_channels
        self.modules: Mapping[str, nn.Module] = dict(module.named_modules())
        self.nodes: list[torch.fx.Node] = list(module.graph.nodes)
        self.kinds = {node: kind_of(node, self.modules) for node in self.nodes}
        self.shown = ShownLayers(self.nodes, self.kinds, self.modules, patterns)
        self.found = FeatureMaps(self.modules, image_size)
        self.maps, self.axes, self.fields = self.found.maps, self.found.axes, self.found.fields
        self.lost: dict[torch.fx.Node, ModelError] = {}  # what cannot be read, and why
        self.layers: list[ShownLayer] = []
        self.folding = Folding(self.kinds, self.modules, lambda node: self.axes.get(node, 1))
        self.drafts = Drafts(self.folding, self.shown.names)

    def read(self) -> LayerGraph:
        for node in self.nodes:
            if node.op == "placeholder":
                self._read_placeholder(node)
            elif node.op == "get_attr" or is_constant(node):
                self.found.of_image.add(node)
            elif node.op == "output":
                self._require(node.all_input_nodes)
            elif is_tensor(node):
                self._read_or_put_off(node)
        self._require(self.shown.names)
        if not self.layers:
            raise ModelError(
                f"{self.module._get_name()} has no convolution that every path from input to output crosses",
                hint="choose the layers to show yourself: --layers NAME; `arete ingest --dry-run` lists them"
                if self.shown.unshown
                else f"supported: {SUPPORTED}",
            )
        sums, number = self.drafts.finished([layer.members for layer in self.layers])
        return LayerGraph(
            module=self.module,
            image_size=self.image_size,
            image_channels=self.image_channels,
            layers=tuple(replace(layer, members=renumbered(layer.members, number)) for layer in self.layers),
            sums=sums,
            graph_sha256=structure_sha256(self.nodes, self.modules, self.shown.names),
            unshown=self.shown.unshown,
        )

    def _read_placeholder(self, node: torch.fx.Node) -> None:
        self.found.of_image.add(node)
        if is_spatial(node):
            self.found.arrive(node, (Segment(IMAGE, 0, self.image_channels),), PIXEL)

    def _read_or_put_off(self, node: torch.fx.Node) -> None:
        """Reads an operation; what cannot be read is no error as long as nothing but a gate is made of it."""
        error = next((self.lost[source] for source in node.all_input_nodes if source in self.lost), None)
        if error is not None:
            if not self._read_gated(node):
                self.lost[node] = error
            return
        try:
            self._read_operation(node)
        except ModelError as refusal:
            self.maps.pop(node, None)
            self.lost[node] = refusal

    def _read_gated(self, node: torch.fx.Node) -> bool:
        """Reads a product of a feature map and something unreadable that was computed from it."""
        operands = [part for part in node.args if isinstance(part, torch.fx.Node)]
        if self.kinds[node] is not Kind.MULTIPLY or len(operands) != 2:
            return False
        gate, gated = operands if operands[0] in self.lost else operands[::-1]
        if gated not in self.maps or gated not in _ancestors(gate) or shape_of(gated) != shape_of(node):
            return False
        self.found.arrive(node, self.maps[gated], self.fields[gated], self.axes[gated])
        return True

    def _require(self, nodes: Iterable[torch.fx.Node]) -> None:
        for node in nodes:
            if node in self.lost:
                raise self.lost[node]

    def _read_operation(self, node: torch.fx.Node) -> None:
        kind = self.kinds[node]
        inputs = [source for source in node.all_input_nodes if is_tensor(source)]
        maps = [source for source in inputs if source in self.maps]
        if kind is not Kind.CONV and inputs and all(source in self.found.of_image for source in inputs):
            self.found.read_image_operation(node)
        elif kind is Kind.CONV and maps:
            self._read_conv(node, maps[0])
        elif kind is Kind.CONCAT:
            self._read_concatenation(node)
        elif kind is Kind.MOVE:
            self.found.read_move(node)
        elif kind is Kind.ADD and len(maps) == 2:
            self._read_addition(node, maps)
        elif kind is Kind.MULTIPLY and len(maps) == 2:
            self._read_product(node, maps)
        elif kind in (Kind.ADD, Kind.MULTIPLY) and len(inputs) > len(maps) and maps:
            self.found.refuse(node)  # with something that is no feature map and no constant
        elif kind in _KEEPING and len(maps) == 1:
            self.found.read_keeping(node, kind, maps[0])
        elif kind is Kind.IDENTITY and len(inputs) == 1 and inputs[0] in self.found.moving:
            source, numbers = self.found.moving[inputs[0]]
            self.found.moving[node] = Moving(
                source, numbers.contiguous() if isinstance(numbers, torch.Tensor) else numbers
            )
        elif makes_feature_maps(node):
            self.found.refuse(node)
        elif len(shape_of(node) or (0, 0, 0)) > 2 and any(self.found.is_under_way(source) for source in inputs):
            self.found.refuse(node)  # a vector has no positions any more, and no way back to a map
        self.found.check(node)

    def _read_conv(self, node: torch.fx.Node, source: torch.fx.Node) -> None:
        module = self.modules[str(node.target)]
        linear = isinstance(module, nn.Linear)
        if self.axes[source] != (3 if linear else 1):
            self.found.refuse(node)
        in_channels, out_channels, groups = conv_channels(module)
        inputs = self.maps[source]
        if channels_in(inputs) != in_channels:
            self.found.refuse(node)
        term = Term("conv", str(node.target), node.name, 0, inputs, groups, np.ones(out_channels), self.axes[source])
        made = self.drafts.add(node, str(node.target), out_channels, [term])
        field = field_behind(node, Kind.CONV, source, self.fields[source], self.modules)
        self.found.arrive(node, made, field, self.axes[source])
        self._show(node, made)

    def _read_addition(self, node: torch.fx.Node, operands: list[torch.fx.Node]) -> None:
        axis = self.axes[operands[0]]
        shape = shape_of(node)
        channels = shape[axis]  # type: ignore[index]
        if any(self.axes[each] != axis or channels_in(self.maps[each]) != channels for each in operands):
            self.found.refuse(node)
        terms: list[Term] = []
        for operand in (part for part in node.args if isinstance(part, torch.fx.Node)):
            absorbed = self._absorbed(operand, channels)
            if absorbed is None:
                where = list(node.args).index(operand)
                absorbed = [Term("passed", "", node.name, where, self.maps[operand], 1, np.ones(channels), axis)]
            terms += absorbed
        made = self.drafts.add(node, owner_of(node), channels, terms)
        height, width = shape[2:] if axis == 1 else shape[1:3]  # type: ignore[index]
        field = self.fields[operands[0]].union(self.fields[operands[1]], height, width)
        self.found.arrive(node, made, field, axis)
        self._show(node, made)

    def _absorbed(self, operand: torch.fx.Node, channels: int) -> list[Term] | None:
        """Takes over the terms of a convolution or addition whose output is only scaled before it is added."""
        scale = np.ones(channels)
        node = operand
        while len(tensor_users(node)) == 1:
            draft = self.drafts.at(node)
            if draft is not None:
                if node in self.shown.names:
                    return None
                return [replace(term, scale=term.scale * scale) for term in draft.terms]
            own = self.folding.scale_of(node, channels)
            if own is None:
                if self.kinds[node] is not Kind.MOVE or not self.found.only_changes_axes(node):
                    return None
                own = np.ones(channels)
            scale = scale * own
            node = next(source for source in node.all_input_nodes if source in self.maps)
        return None

    def _read_product(self, node: torch.fx.Node, operands: list[torch.fx.Node]) -> None:
        first, second = operands
        gate = second if first in _ancestors(second) else first if second in _ancestors(first) else None
        if gate is None:
            areas = [shape_of(each)[2] * shape_of(each)[3] for each in operands]  # type: ignore[index]
            gate = operands[areas.index(1)] if 1 in areas and areas != [1, 1] else None
        gated = first if gate is second else second
        if gate is None or shape_of(gated) != shape_of(node):
            self.found.refuse(node)
        self.found.arrive(node, self.maps[gated], self.fields[gated], self.axes[gated])

    def _read_concatenation(self, node: torch.fx.Node) -> None:
        parts = concatenated(node)
        if not all(part in self.maps and self.axes[part] == 1 for part in parts):
            if makes_feature_maps(node) or any(self.found.is_under_way(part) for part in parts):
                self.found.refuse(node)
            return
        shape = shape_of(node)
        joined = join_maps(self.maps[part] for part in parts)
        field = self.fields[parts[0]]
        for part in parts[1:]:
            field = field.union(self.fields[part], *shape[2:])  # type: ignore[index]
        self.found.arrive(node, joined, field)
        self._show(node, joined)

    def _show(self, node: torch.fx.Node, members: ChannelMap) -> None:
        """Makes a shown layer of a node that was chosen; its map then names the layer."""
        if node not in self.shown.names:
            return
        tap = self._tap(node)
        axis = self.axes[node]
        shape = shape_of(tap)
        height, width = shape[2:] if axis == 1 else shape[1:3]  # type: ignore[index]
        layer = ShownLayer(
            index=len(self.layers),
            name=self.shown.names[node],
            kind={Kind.CONV: "conv", Kind.CONCAT: "concat"}.get(self.kinds[node], "sum"),  # type: ignore[arg-type]
            channels=channels_in(members),
            height=height,
            width=width,
            parents=tuple(sorted(self.drafts.layers_behind(members))),
            members=members,
            tap=tap.name,
            channel_axis=axis,
            field=self.fields[node],
        )
        self.layers.append(layer)
        self.maps[node] = (Segment(Producer("layer", layer.index), 0, layer.channels),)

    def _tap(self, node: torch.fx.Node) -> torch.fx.Node:
        """Returns the last of the elementwise operations that follow a node and that nothing bypasses."""
        while True:
            users = tensor_users(node)
            if len(users) != 1 or self.kinds[users[0]] not in ELEMENTWISE:
                return node
            node = users[0]


def _ancestors(node: torch.fx.Node) -> set[torch.fx.Node]:
    found: set[torch.fx.Node] = set()
    pending = [node]
    while pending:
        for source in pending.pop().all_input_nodes:
            if source not in found:
                found.add(source)
                pending.append(source)
    return found
