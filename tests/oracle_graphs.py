"""A slow oracle for residual, grouped and dense networks, from the definitions; shares no code with the product.

A network is written down channel by channel: what each output channel of a sum adds up, and what each channel of a
shown layer is made of. Contributions are computed in float64 with every BatchNorm folded in full, one input channel at
a time; paths between shown layers are walked one by one.
"""

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any, NamedTuple, cast

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional


class Candidate(NamedTuple):
    """What an output channel adds up: a channel of a layer or of another sum, through a convolution or as it is."""

    kind: str  # "conv" or "passed"
    producer: str
    channel: int


@dataclass
class Sum:
    """A convolution, or several things that are added."""

    candidates: list[list[Candidate]]  # per output channel
    strength: np.ndarray  # (image, out_channel, candidate)


@dataclass
class Layer:
    """A shown layer: its activation map and what each channel is made of."""

    maps: np.ndarray
    members: list[tuple[str, int]]  # (producer, channel); a producer is a sum or a layer


@dataclass
class Net:
    """What one run of a model leaves. `layers` and `sums` are in the order of execution."""

    logits: np.ndarray = field(default_factory=lambda: np.zeros(0))
    layers: dict[str, Layer] = field(default_factory=dict)
    sums: dict[str, Sum] = field(default_factory=dict)


class Flow(NamedTuple):
    """A feature map and who made each of its channels."""

    value: Tensor
    channels: list[tuple[str, int]]


def conv_terms(conv: nn.Conv2d, norm: Any, inputs: Flow) -> tuple[list[list[Candidate]], np.ndarray]:
    """Candidates and contributions of one convolution with the BatchNorm behind it."""
    weight = conv.weight.double()
    if norm is not None:
        weight = weight * (norm.weight.double() / torch.sqrt(norm.running_var.double() + norm.eps))[:, None, None, None]
    outputs, candidates = weight.shape[:2]
    per_group = outputs // conv.groups
    strength = np.empty((len(inputs.value), outputs, candidates))
    listed = []
    for output in range(outputs):
        first = output // per_group * candidates
        listed.append([Candidate("conv", *inputs.channels[first + i]) for i in range(candidates)])
    for group in range(conv.groups):
        rows = slice(group * per_group, (group + 1) * per_group)
        for i in range(candidates):
            channel = group * candidates + i
            alone = functional.conv2d(
                inputs.value[:, channel : channel + 1],
                weight[rows, i : i + 1],
                None, conv.stride, conv.padding, conv.dilation,
            )  # fmt: skip
            strength[:, rows, i] = alone.amax(dim=(2, 3)).numpy()
    return listed, strength


def passed_terms(inputs: Flow) -> tuple[list[list[Candidate]], np.ndarray]:
    """A feature map that is added as it is."""
    listed = [[Candidate("passed", *channel)] for channel in inputs.channels]
    return listed, inputs.value.amax(dim=(2, 3)).numpy()[:, :, None]


def add_sum(net: Net, name: str, *terms: tuple[list[list[Candidate]], np.ndarray]) -> list[tuple[str, int]]:
    """Writes a sum down and returns its channels."""
    outputs = len(terms[0][0])
    candidates = [[candidate for listed, _ in terms for candidate in listed[output]] for output in range(outputs)]
    net.sums[name] = Sum(candidates, np.concatenate([strength for _, strength in terms], axis=2))
    return [(name, output) for output in range(outputs)]


def add_layer(net: Net, name: str, value: Tensor, members: list[tuple[str, int]]) -> Flow:
    """Writes a shown layer down and returns what follows it."""
    net.layers[name] = Layer(value.numpy().copy(), members)
    return Flow(value, [(name, channel) for channel in range(value.shape[1])])


def run_resnet(model: Any, images: Tensor) -> Net:
    """Runs torchvision's ResNet (basic blocks or bottlenecks, with or without groups)."""
    net = Net()
    with torch.no_grad():
        flow = Flow(images.double(), [("image", channel) for channel in range(3)])
        made = add_sum(net, "conv1", conv_terms(model.conv1, model.bn1, flow))
        flow = add_layer(net, "conv1", torch.relu(model.bn1(model.conv1(flow.value))), made)
        flow = Flow(model.maxpool(flow.value), flow.channels)
        for stage in range(1, 5):
            for place, block in enumerate(getattr(model, f"layer{stage}")):
                flow = _residual_block(net, f"layer{stage}.{place}", block, flow)
        net.logits = model.fc(torch.flatten(model.avgpool(flow.value), 1)).numpy()
    return net


def _residual_block(net: Net, name: str, block: Any, flow: Flow) -> Flow:
    inner = flow
    last = 3 if hasattr(block, "conv3") else 2
    for number in range(1, last):
        conv, norm = getattr(block, f"conv{number}"), getattr(block, f"bn{number}")
        made = add_sum(net, f"{name}.conv{number}", conv_terms(conv, norm, inner))
        inner = Flow(torch.relu(norm(conv(inner.value))), made)
    conv, norm = getattr(block, f"conv{last}"), getattr(block, f"bn{last}")
    terms = [conv_terms(conv, norm, inner)]
    skip = flow.value
    if block.downsample is None:
        terms.append(passed_terms(flow))
    else:
        terms.append(conv_terms(block.downsample[0], block.downsample[1], flow))
        skip = block.downsample(flow.value)
    made = add_sum(net, name, *terms)
    return add_layer(net, name, torch.relu(norm(conv(inner.value)) + skip), made)


def run_densenet(model: Any, images: Tensor) -> Net:
    """Runs torchvision's DenseNet; each dense layer and each transition is a shown layer."""
    net = Net()
    features = model.features
    with torch.no_grad():
        flow = Flow(images.double(), [("image", channel) for channel in range(3)])
        made = add_sum(net, "features.conv0", conv_terms(features.conv0, features.norm0, flow))
        flow = add_layer(net, "features.conv0", torch.relu(features.norm0(features.conv0(flow.value))), made)
        flow = Flow(features.pool0(flow.value), flow.channels)
        for block, part in features.named_children():
            if block.startswith("denseblock"):
                for place, layer in part.named_children():
                    flow = _dense_layer(net, f"features.{block}.{place}", layer, flow)
            elif block.startswith("transition"):
                name = f"features.{block}"
                inner = Flow(torch.relu(part.norm(flow.value)), flow.channels)
                made = add_sum(net, f"{name}.conv", conv_terms(part.conv, None, inner))
                flow = add_layer(net, name, part.conv(inner.value), made)
                flow = Flow(part.pool(flow.value), flow.channels)
        pooled = functional.adaptive_avg_pool2d(torch.relu(features.norm5(flow.value)), (1, 1))
        net.logits = model.classifier(torch.flatten(pooled, 1)).numpy()
    return net


def _dense_layer(net: Net, name: str, layer: Any, flow: Flow) -> Flow:
    inner = Flow(torch.relu(layer.norm1(flow.value)), flow.channels)
    made = add_sum(net, f"{name}.conv1", conv_terms(layer.conv1, layer.norm2, inner))
    inner = Flow(torch.relu(layer.norm2(layer.conv1(inner.value))), made)
    made = add_sum(net, f"{name}.conv2", conv_terms(layer.conv2, None, inner))
    grown = add_layer(net, name, layer.conv2(inner.value), made)
    return Flow(torch.cat([flow.value, grown.value], 1), flow.channels + grown.channels)


def run_mobilenet_v2(model: Any, images: Tensor) -> Net:
    """Runs torchvision's MobileNet v2: depthwise convolutions, linear bottlenecks, blocks with and without a sum."""
    net = Net()
    with torch.no_grad():
        flow = Flow(images.double(), [("image", channel) for channel in range(3)])
        for place, block in enumerate(model.features):
            name = f"features.{place}"
            if isinstance(block, nn.Sequential):  # the first and the last one
                conv, norm = cast(Any, list(block)[:2])
                made = add_sum(net, f"{name}.0", conv_terms(conv, norm, flow))
                flow = add_layer(net, name, block(flow.value), made)
                continue
            inner = flow
            parts = list(block.conv)
            for number, part in enumerate(parts[:-2]):
                made = add_sum(net, f"{name}.conv.{number}.0", conv_terms(part[0], part[1], inner))
                inner = Flow(part(inner.value), made)
            terms = [conv_terms(parts[-2], parts[-1], inner)]
            value = parts[-1](parts[-2](inner.value))
            if block.use_res_connect:
                terms.insert(0, passed_terms(flow))
                value = flow.value + value
            made = add_sum(net, name if block.use_res_connect else f"{name}.conv.{len(parts) - 2}", *terms)
            flow = add_layer(net, name, value, made)
        net.logits = model.classifier(flow.value.mean((2, 3))).numpy()
    return net


def influence_counts(total: Sum, k: int) -> np.ndarray:
    """I, (out_channel, candidate), summed over the images; of equal contributions the lower candidate first."""
    _, outputs, candidates = total.strength.shape
    counts = np.zeros((outputs, candidates), int)
    for strength in total.strength:
        order = np.argsort(-strength, axis=1, kind="stable")[:, :k]
        np.add.at(counts, (np.arange(outputs)[:, None], order), 1)
    return counts


Edge = tuple[str, int, str, int]


def edges_of(net: Net, counts: dict[str, np.ndarray], images: int) -> dict[Edge, int]:
    """Edges between shown layers: (source layer, source channel, target layer, target channel) -> count.

    Args:
        net: Of the run.
        counts: I of each sum.
        images: Number of images.
    """
    known: dict[tuple[str, int], dict[tuple[str, int], list[int]]] = {}

    def paths(name: str, output: int) -> dict[tuple[str, int], list[int]]:
        """Source channel -> counts of its direct, inner and identity paths to a sum's channel."""
        if (name, output) not in known:
            found: dict[tuple[str, int], list[int]] = defaultdict(lambda: [0, 0, 0])
            for number, candidate in enumerate(net.sums[name].candidates[output]):
                count = int(counts[name][output, number])
                source = (candidate.producer, candidate.channel)
                if candidate.producer in net.layers:
                    place = 0 if candidate.kind == "conv" else 2
                    found[source][place] = max(found[source][place], count)
                elif candidate.producer in net.sums and candidate.producer != "image":
                    for before, best in paths(*source).items():
                        found[before][1] = max(found[before][1], min(count, max(best)))
            known[name, output] = found
        return known[name, output]

    edges: dict[Edge, int] = {}
    for target, layer in net.layers.items():
        sources = {source for name, _ in layer.members for source in _reached(net, name)}
        for source in sources:
            n = _kept(net, counts, layer, source)
            for channel, (name, output) in enumerate(layer.members):
                found: dict[int, int] = {}
                if name in net.layers and name != target:
                    if name == source:
                        found[output] = images
                else:
                    for (origin, origin_channel), (direct, _, identity) in paths(name, output).items():
                        if origin == source:
                            found[origin_channel] = max(direct, identity)
                    inner = {c: best[1] for (origin, c), best in paths(name, output).items() if origin == source}
                    for c in sorted((c for c in inner if inner[c]), key=lambda c: (-inner[c], c))[:n]:
                        found[c] = max(found.get(c, 0), inner[c])
                edges |= {(source, c, target, channel): count for c, count in found.items() if count}
    return edges


def _reached(net: Net, producer: str) -> set[str]:
    """Layers that a sum's candidates come from."""
    candidates = {c.producer for row in net.sums[producer].candidates for c in row}
    direct = {name for name in candidates if name in net.layers}
    return direct.union(*(_reached(net, name) for name in candidates if name in net.sums and name not in net.layers))


def _kept(net: Net, counts: dict[str, np.ndarray], layer: Layer, source: str) -> int:
    """How many inner edges each channel of a layer keeps."""
    direct, fed, last, last_fed = 0, 0, 0, 0
    for name, output in layer.members:
        row = list(enumerate(net.sums[name].candidates[output]))
        ends = [n for n, c in row if c.kind == "conv" and c.producer == source]
        inner = [
            n for n, c in row
            if c.kind == "conv" and c.producer in net.sums and c.producer not in net.layers
            and source in _reached(net, c.producer)
        ]  # fmt: skip
        direct_sources = {row[n][1].channel for n in ends if counts[name][output, n]}
        direct, fed = direct + len(direct_sources), fed + bool(ends)
        last, last_fed = last + sum(bool(counts[name][output, n]) for n in inner), last_fed + bool(inner)
    return max(1, direct // fed if fed else last // max(1, last_fed))
