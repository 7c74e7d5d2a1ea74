"""Traces a model into a `LayerGraph`.

1. torch.fx records the operations of a copy of the model in evaluation mode; one zero image gives every shape.
2. *Shown layers* are the convolutions and concatenations that every path from the input to the output crosses
   (articulation points of the dataflow): each convolution of a plain chain, each Inception block's concatenation.
3. In the order of execution each feature map gets its channel map and receptive field; behind a shown layer the map
   names that layer (`layer_graph`).
4. A layer's activation map is read behind the elementwise operations that follow it, before any pooling.
5. A BatchNorm that follows a convolution is folded into it: only the sign of its scale matters, because it scales all
   contributions to one output channel alike.

What counting does not cover yet (addition and multiplication of feature maps, transposed convolution, anything not
known to keep channels apart) is refused with the name of the operation, never counted wrongly.
"""

import copy
from collections.abc import Mapping
from typing import Any, NoReturn

import numpy as np
import torch
import torch.fx
from torch import nn
from torch.fx.passes.shape_prop import ShapeProp

from arete_core.errors import ModelError
from arete_ingest.dataflow import (
    crossed_by_every_path,
    describe,
    is_tensor,
    makes_feature_maps,
    owner_of,
    place_of,
    structure_sha256,
    tensor_users,
)
from arete_ingest.layer_graph import (
    IMAGE,
    ChannelMap,
    CountedConv,
    LayerGraph,
    Producer,
    Segment,
    ShownLayer,
    channels_in,
    join_maps,
    slice_map,
)
from arete_ingest.operations import (
    ELEMENTWISE,
    Kind,
    channel_slice,
    concatenated,
    field_behind,
    is_spatial,
    kind_of,
    shape_of,
)
from arete_ingest.receptive import PIXEL, ReceptiveField

SUPPORTED = (
    "chains, branches and concatenations of nn.Conv2d (also grouped, strided and dilated) with BatchNorm, activations, "
    "pooling, dropout, padding and channel slices between them"
)


def trace_model(model: nn.Module, image_size: int, *, image_channels: int = 3) -> LayerGraph:
    """Traces a model.

    Args:
        model: With its weights loaded; stays as it is, the result holds a copy.
        image_size: Side of the square input, in pixels.
        image_channels: Channels of the input.

    Returns:
        The model's shown layers and convolutions, with a copy of the model that runs operation by operation.

    Raises:
        ModelError: If the model cannot be traced, does not take images of this size, or does something with feature
            maps that counting does not cover.
    """
    module = _record(model)
    _propagate_shapes(module, image_size, image_channels)
    return _Reader(module, image_size, image_channels).read()


class _Tracer(torch.fx.Tracer):
    """Keeps convolutions and BatchNorms whole, also where they are subclasses that only change the constructor."""

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        for base in (nn.Conv2d, nn.BatchNorm2d):
            if isinstance(m, base) and type(m).forward is base.forward:
                return True
        return super().is_leaf_module(m, module_qualified_name)


def _record(model: nn.Module) -> torch.fx.GraphModule:
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


def _propagate_shapes(module: torch.fx.GraphModule, image_size: int, image_channels: int) -> None:
    reference = next(module.parameters(), torch.zeros(()))
    image = torch.zeros(1, image_channels, image_size, image_size, dtype=reference.dtype, device=reference.device)
    try:
        with torch.no_grad():
            ShapeProp(module).propagate(image)
    except Exception as error:  # whatever the model's own operations raise
        reason = str(error).strip().splitlines()[0] if str(error).strip() else repr(error)
        raise ModelError(
            f"{module._get_name()} does not take {image_channels}-channel images of {image_size}×{image_size} pixels: "
            f"{reason}",
            hint="pass the image size that the model was made for",
        ) from error


class _Reader:
    """Walks the recorded operations once, in the order of execution."""

    def __init__(self, module: torch.fx.GraphModule, image_size: int, image_channels: int) -> None:
        self.module = module
        self.image_size = image_size
        self.image_channels = image_channels
        self.modules: Mapping[str, nn.Module] = dict(module.named_modules())
        self.nodes: list[torch.fx.Node] = list(module.graph.nodes)
        self.kinds = {node: kind_of(node, self.modules) for node in self.nodes}
        self.crossed = crossed_by_every_path(self.nodes)
        self.maps: dict[torch.fx.Node, ChannelMap] = {}
        self.splits: dict[torch.fx.Node, list[ChannelMap]] = {}
        self.fields: dict[torch.fx.Node, ReceptiveField] = {}
        self.of_image: set[torch.fx.Node] = set()  # made of nothing but the image and constants
        self.layers: list[ShownLayer] = []
        self.convs: list[CountedConv] = []
        self.reached: list[frozenset[int]] = []  # per convolution, the layers that its paths come from
        self.names: dict[str, int] = {}

    def read(self) -> LayerGraph:
        for node in self.nodes:
            if node.op == "placeholder":
                self._read_placeholder(node)
            elif node.op == "get_attr":
                self.of_image.add(node)
            elif node.op != "output":
                self._read_operation(node)
        if not self.layers:
            raise ModelError(
                f"{self.module._get_name()} has no convolution that every path from input to output crosses",
                hint=f"supported now: {SUPPORTED}",
            )
        return LayerGraph(
            module=self.module,
            image_size=self.image_size,
            image_channels=self.image_channels,
            layers=tuple(self.layers),
            convs=tuple(self.convs),
            graph_sha256=structure_sha256(self.nodes, self.modules),
        )

    def _read_placeholder(self, node: torch.fx.Node) -> None:
        self.of_image.add(node)
        if is_spatial(node):
            self.maps[node] = (Segment(IMAGE, 0, self.image_channels),)
            self.fields[node] = PIXEL

    def _read_operation(self, node: torch.fx.Node) -> None:
        kind = self.kinds[node]
        inputs = [source for source in node.all_input_nodes if is_tensor(source)]
        if kind is not Kind.CONV and inputs and all(source in self.of_image for source in inputs):
            self._read_image_operation(node)
            return
        if kind is Kind.CONCAT:
            self._read_concatenation(node)
        elif kind is Kind.ITEM and node.args[0] in self.splits:
            source = node.args[0]
            self.maps[node] = self.splits[source][int(node.args[1])]  # type: ignore[index, arg-type]
            self.fields[node] = self.fields[source]
        elif kind is not Kind.OTHER and inputs and inputs[0] in self.maps:
            self._read_known(node, kind, inputs)
        elif makes_feature_maps(node):
            self._refuse(node)
        self._check(node)

    def _read_image_operation(self, node: torch.fx.Node) -> None:
        """Whatever is done to the image before the first convolution: no edges come from there."""
        self.of_image.add(node)
        shape = shape_of(node)
        if shape is not None and len(shape) == 4:
            self.maps[node] = (Segment(IMAGE, 0, shape[1]),)
            same = shape[2:] == (self.image_size, self.image_size)
            whole = PIXEL.rows.whole(self.image_size)
            self.fields[node] = PIXEL if same else ReceptiveField(whole, whole)

    def _read_known(self, node: torch.fx.Node, kind: Kind, inputs: list[torch.fx.Node]) -> None:
        source = inputs[0]
        if len(inputs) > 1:
            self._refuse(node)
        channel_map = self.maps[source]
        self.fields[node] = field_behind(node, kind, source, self.fields[source], self.modules)
        if kind is Kind.CONV:
            self._read_conv(node, channel_map)
        elif kind is Kind.SLICE:
            start, stop, _ = channel_slice(node).indices(channels_in(channel_map))  # type: ignore[union-attr]
            self.maps[node] = slice_map(channel_map, start, max(start, stop))
        elif kind is Kind.SPLIT:
            self.splits[node] = _split_map(node, channel_map)
        else:
            if kind is Kind.BATCH_NORM:
                self._check_batch_norm(node)
            self.maps[node] = channel_map

    def _read_conv(self, node: torch.fx.Node, inputs: ChannelMap) -> None:
        module: Any = self.modules[str(node.target)]
        index = len(self.convs)
        norms, sign = self._folded(node, module.out_channels)
        conv = CountedConv(
            index=index,
            name=self._unique(f"conv {node.target}").removeprefix("conv "),
            module=str(node.target),
            node=node.name,
            in_channels=module.in_channels,
            out_channels=module.out_channels,
            groups=module.groups,
            inputs=inputs,
            batch_norm=norms[0] if norms else None,
            sign=sign,
        )
        self.convs.append(conv)
        self.reached.append(self._layers_behind(inputs))
        made = (Segment(Producer("conv", index), 0, conv.out_channels),)
        self.maps[node] = self._show(node, made, _conv_layer_name(conv.module, self.modules)) or made

    def _read_concatenation(self, node: torch.fx.Node) -> None:
        parts = concatenated(node)
        if not all(part in self.maps for part in parts):
            if makes_feature_maps(node):
                self._refuse(node)
            return
        shape = shape_of(node)
        joined = join_maps(self.maps[part] for part in parts)
        field = self.fields[parts[0]]
        for part in parts[1:]:
            field = field.union(self.fields[part], *shape[2:])  # type: ignore[index]
        self.fields[node] = field
        self.maps[node] = self._show(node, joined, owner_of(node)) or joined

    def _show(self, node: torch.fx.Node, members: ChannelMap, name: str) -> ChannelMap | None:
        """Makes a shown layer of a node that every path crosses; returns the channel map behind it."""
        if node not in self.crossed:
            return None
        tap = self._tap(node)
        _, channels, height, width = shape_of(tap)  # type: ignore[misc]
        layer = ShownLayer(
            index=len(self.layers),
            name=self._unique(name),
            kind="conv" if self.kinds[node] is Kind.CONV else "concat",
            channels=channels,
            height=height,
            width=width,
            parents=tuple(sorted(self._layers_behind(members))),
            members=members,
            tap=tap.name,
            field=self.fields[node],
        )
        self.layers.append(layer)
        return (Segment(Producer("layer", layer.index), 0, channels),)

    def _tap(self, node: torch.fx.Node) -> torch.fx.Node:
        """Returns the last of the elementwise operations that follow a node and that nothing bypasses."""
        while True:
            users = tensor_users(node)
            if len(users) != 1 or self.kinds[users[0]] not in ELEMENTWISE:
                return node
            node = users[0]

    def _layers_behind(self, members: ChannelMap) -> frozenset[int]:
        """Returns the shown layers that channels come from, through inner convolutions only."""
        found: frozenset[int] = frozenset()
        for producer, _, _ in members:
            if producer.kind == "layer":
                found |= {producer.index}
            elif producer.kind == "conv":
                found |= self.reached[producer.index]
        return found

    def _folded(self, node: torch.fx.Node, channels: int) -> tuple[list[str], np.ndarray]:
        """Follows a convolution's output to the BatchNorms that scale it.

        Args:
            node: The convolution.
            channels: Its output channels.

        Returns:
            Their names and the sign of the product of their scales, int8 (channel,).
        """
        sign = np.ones(channels, np.int8)
        names: list[str] = []
        conv, offset, activated, pooled = node, 0, False, False
        while len(users := tensor_users(node)) == 1:
            before, node = node, users[0]
            kind = self.kinds[node]
            if kind is Kind.CONCAT:
                parts = concatenated(node)
                place = parts.index(before)
                offset += sum(shape_of(part)[1] for part in parts[:place])  # type: ignore[index]
            elif kind is Kind.ACTIVATION and not pooled:
                activated = True
            elif kind in (Kind.POOL, Kind.PAD) and not activated:
                pooled = True
            elif kind is Kind.BATCH_NORM:
                module: Any = self.modules[str(node.target)]
                if module.weight is None:
                    continue
                scale = np.sign(module.weight.detach().cpu().double().numpy())[offset : offset + channels]
                if not (activated or pooled):
                    names.append(str(node.target))
                    sign = sign * scale.astype(np.int8)
                elif (scale < 0).any():
                    raise ModelError(
                        f"{node.target} scales channel {int(np.argmax(scale < 0))} of {conv.target} by a negative "
                        f"number after an {'activation' if activated else 'operation over positions'}, so that the "
                        "channel is excited by what excites the convolution least",
                        hint="a BatchNorm with negative scales is supported directly behind a convolution",
                    )
            elif kind is not Kind.IDENTITY:
                break
        return names, sign

    def _check_batch_norm(self, node: torch.fx.Node) -> None:
        module: Any = self.modules[str(node.target)]
        if module.running_mean is None or module.running_var is None:
            raise ModelError(
                f"{node.target} ({type(module).__name__}) keeps no running statistics, so what it makes of one image "
                "depends on the others of its batch",
                hint="use a model with track_running_stats=True",
            )

    def _check(self, node: torch.fx.Node) -> None:
        """A feature map whose channels are not all accounted for would be counted wrongly."""
        channel_map, shape = self.maps.get(node), shape_of(node)
        if channel_map is not None and (shape is None or len(shape) != 4 or shape[1] != channels_in(channel_map)):
            self._refuse(node)

    def _unique(self, name: str) -> str:
        times = self.names[name] = self.names.get(name, 0) + 1
        return name if times == 1 else f"{name}:{times}"

    def _refuse(self, node: torch.fx.Node) -> NoReturn:
        raise ModelError(
            f"{place_of(node)}: {describe(node, self.modules)} of feature maps is not supported",
            hint=f"supported now: {SUPPORTED}",
        )


def _split_map(node: torch.fx.Node, channel_map: ChannelMap) -> list[ChannelMap]:
    parts: list[ChannelMap] = []
    start = 0
    for meta in node.meta["tensor_meta"]:
        parts.append(slice_map(channel_map, start, start + meta.shape[1]))
        start += meta.shape[1]
    return parts


def _conv_layer_name(name: str, modules: Mapping[str, nn.Module]) -> str:
    """Leaves out a trailing `.conv` where the block wraps that one convolution (torchvision's BasicConv2d)."""
    block, _, last = name.rpartition(".")
    if last == "conv" and block:
        convs = sum(isinstance(module, nn.Conv2d) for module in modules[block].modules())
        return block if convs == 1 else name
    return name
