"""A slow oracle for counting, written from the definitions and sharing no code with the product.

It knows how GoogLeNet and VGG are built, runs them module by module in float64, writes out every contribution
`conv(X_i, W[o, i])` at every position, takes the maximum, sorts, and joins hops with plain loops. BatchNorm is folded
into the weights in full, not only by its sign.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional


@dataclass
class Conv:
    """One convolution: its input in float64, its weights with BatchNorm folded in."""

    inputs: np.ndarray  # (image, in_channel, height, width)
    weight: np.ndarray  # (out_channel, in_channel, kernel height, kernel width)
    stride: int
    padding: int


@dataclass
class Layer:
    """A shown layer: its activation map and the names of its convolutions, per branch in the order of concatenation."""

    name: str
    maps: np.ndarray
    branches: list[list[str]]


@dataclass
class Record:
    """What one run of the model leaves."""

    logits: np.ndarray
    layers: list[Layer] = field(default_factory=list)
    convs: dict[str, Conv] = field(default_factory=dict)


def run_vgg(model: Any, images: torch.Tensor) -> Record:
    """Runs torchvision's VGG (with or without BatchNorm)."""
    with torch.no_grad():
        x = images.double()
        record = Record(np.zeros(0))
        modules = list(model.features)
        for place, module in enumerate(modules):
            if isinstance(module, nn.Conv2d):
                norm = modules[place + 1] if isinstance(modules[place + 1], nn.BatchNorm2d) else None
                name = f"features.{place}"
                record.convs[name] = _conv(module, norm, x)
                record.layers.append(Layer(name, np.zeros(0), [[name]]))
            x = module(x.clone())
            if isinstance(module, nn.ReLU):
                record.layers[-1].maps = x.numpy().copy()
        record.logits = model.classifier(torch.flatten(model.avgpool(x), 1)).numpy()
    return record


def run_googlenet(model: Any, images: torch.Tensor) -> Record:
    """Runs torchvision's GoogLeNet."""
    record = Record(np.zeros(0))

    def basic(name: str, x: torch.Tensor) -> torch.Tensor:
        block = model.get_submodule(name)
        record.convs[f"{name}.conv"] = _conv(block.conv, block.bn, x)
        return torch.relu(block.bn(block.conv(x)))

    def plain(name: str, x: torch.Tensor) -> torch.Tensor:
        x = basic(name, x)
        record.layers.append(Layer(name, x.numpy().copy(), [[f"{name}.conv"]]))
        return x

    def inception(name: str, x: torch.Tensor) -> torch.Tensor:
        block = model.get_submodule(name)
        one = basic(f"{name}.branch1", x)
        two = basic(f"{name}.branch2.1", basic(f"{name}.branch2.0", x))
        three = basic(f"{name}.branch3.1", basic(f"{name}.branch3.0", x))
        four = basic(f"{name}.branch4.1", block.branch4[0](x))
        joined = torch.cat([one, two, three, four], 1)
        branches = [["branch1"], ["branch2.0", "branch2.1"], ["branch3.0", "branch3.1"], ["branch4.1"]]
        named = [[f"{name}.{conv}.conv" for conv in branch] for branch in branches]
        record.layers.append(Layer(name, joined.numpy().copy(), named))
        return joined

    with torch.no_grad():
        x = model.maxpool1(plain("conv1", images.double()))
        x = model.maxpool2(plain("conv3", plain("conv2", x)))
        x = model.maxpool3(inception("inception3b", inception("inception3a", x)))
        for letter in "abcde":
            x = inception(f"inception4{letter}", x)
        x = inception("inception5b", inception("inception5a", model.maxpool4(x)))
        record.logits = model.fc(torch.flatten(model.avgpool(x), 1)).numpy()
    return record


def activation_counts(maps: np.ndarray, share: float) -> np.ndarray:
    """A by share, summed over the images."""
    counts = np.zeros(maps.shape[1], int)
    for image in maps:
        maxima = [max(float(channel.max()), 0.0) for channel in image]
        total = sum(maxima)
        if total == 0:
            continue
        reached = 0.0
        for channel in sorted(range(len(maxima)), key=lambda c: (-maxima[c], c)):
            counts[channel] += 1
            reached += maxima[channel] / total
            if reached >= share:
                break
    return counts


def top_k_counts(maps: np.ndarray, k: int) -> np.ndarray:
    """A by the k largest channels, summed over the images."""
    counts = np.zeros(maps.shape[1], int)
    for image in maps:
        maxima = [max(float(channel.max()), 0.0) for channel in image]
        if sum(maxima) > 0:
            counts[sorted(range(len(maxima)), key=lambda c: (-maxima[c], c))[:k]] += 1
    return counts


def influence_counts(conv: Conv, k: int) -> np.ndarray:
    """I of one convolution, (out_channel, in_channel), summed over the images."""
    outputs, inputs = conv.weight.shape[:2]
    counts = np.zeros((outputs, inputs), int)
    for strength in contributions(conv):
        order = np.argsort(-strength, axis=1, kind="stable")[:, :k]  # of equal ones the lower channel first
        np.add.at(counts, (np.arange(outputs)[:, None], order), 1)
    return counts


def contributions(conv: Conv) -> np.ndarray:
    """The largest contribution of each input channel to each output channel, (image, out_channel, in_channel)."""
    images, weight = torch.from_numpy(conv.inputs), torch.from_numpy(conv.weight)
    strength = np.empty((len(images), *weight.shape[:2]))
    for channel in range(weight.shape[1]):
        alone = functional.conv2d(
            images[:, channel : channel + 1], weight[:, channel : channel + 1], None, conv.stride, conv.padding
        )
        strength[:, :, channel] = alone.numpy().max(axis=(2, 3))
    return strength


def collapsed_edges(record: Record, counts: dict[str, np.ndarray]) -> Iterator[tuple[tuple[int, int, int, int], int]]:
    """Edges between shown layers: ((target layer, target channel, source layer, source channel), count), sorted.

    Args:
        record: Of the run; each layer reads the one before it, by branches of one or two convolutions.
        counts: I of each convolution.
    """
    for target in range(1, len(record.layers)):
        direct = [branch[0] for branch in record.layers[target].branches if len(branch) == 1]
        nonzero = sum(int((counts[name] > 0).sum()) for name in direct)
        n = max(1, nonzero // sum(len(counts[name]) for name in direct))
        channel = 0
        for branch in record.layers[target].branches:
            last = counts[branch[-1]]
            for row in last:
                if len(branch) == 1:
                    kept = {source: int(count) for source, count in enumerate(row) if count}
                else:
                    best = np.minimum(row[:, None], counts[branch[0]]).max(axis=0)
                    order = sorted(np.flatnonzero(best).tolist(), key=lambda source: (-best[source], source))
                    kept = {source: int(best[source]) for source in order[:n]}
                for source in sorted(kept):
                    yield (target, channel, target - 1, source), kept[source]
                channel += 1


def _conv(module: nn.Conv2d, norm: Any, inputs: torch.Tensor) -> Conv:
    weight = module.weight.double()
    if norm is not None:
        scale = norm.weight.double() / torch.sqrt(norm.running_var.double() + norm.eps)
        weight = weight * scale[:, None, None, None]
    stride, padding = module.stride[0], module.padding[0]
    assert isinstance(padding, int)
    return Conv(inputs.numpy().copy(), weight.numpy(), stride, padding)
