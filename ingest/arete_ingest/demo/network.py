"""A small Inception-style network for the drawings, and its committed weights.

The blocks are those of Szegedy et al., "Going deeper with convolutions" (2015), with the 5×5 branch as two 3×3
convolutions and with batch normalization as in "Rethinking the Inception architecture" (2016).

Departures: batch normalization has an offset but no learned scale (it is held at 1). Every channel then enters its ReLU
with the same variance, so that a channel's peak says how unusual its input is, and not how large its weights grew; the
channels with the largest peaks are what activation counts are made of.
"""

import json
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from einops import rearrange
from jaxtyping import Float, UInt8
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.fx import Proxy

from arete_core.errors import WeightsError
from arete_ingest.demo import WEIGHTS
from arete_ingest.demo.drawings import CLASSES

# While torch.fx traces a network, its stand-in takes the tensors' place.
Activations = Float[Tensor, "image channel height width"] | Proxy
NewActivations = Float[Tensor, "image out_channel out_height out_width"] | Proxy
Logits = Float[Tensor, "image class_"] | Proxy


class ConvBlock(nn.Module):
    """A convolution, batch normalization with a fixed scale, and ReLU."""

    def __init__(self, in_channels: int, out_channels: int, kernel: int, *, stride: int = 1) -> None:
        super().__init__()
        self.conv = nn.Conv2d(in_channels, out_channels, kernel, stride=stride, padding=kernel // 2, bias=False)
        self.bn = nn.BatchNorm2d(out_channels, eps=1e-3)
        self.bn.weight.requires_grad_(False)
        self.relu = nn.ReLU()

    def forward(self, x: Activations) -> NewActivations:
        """Returns the activations, 0 or more."""
        return self.relu(self.bn(self.conv(x)))


class Inception(nn.Module):
    """Four branches side by side: 1×1, 3×3, two 3×3 in a row, and pooling; concatenated in this order.

    Args:
        in_channels: Channels of the input.
        one: Channels of the 1×1 branch.
        three: Channels of the 3×3 branch: its reduction, its output.
        five: Channels of the branch with two 3×3 convolutions: its reduction, its output.
        pool: Channels of the pooling branch.
    """

    def __init__(self, in_channels: int, one: int, three: tuple[int, int], five: tuple[int, int], pool: int) -> None:
        super().__init__()
        self.branch1 = ConvBlock(in_channels, one, 1)
        self.branch3 = nn.Sequential(ConvBlock(in_channels, three[0], 1), ConvBlock(three[0], three[1], 3))
        self.branch5 = nn.Sequential(
            ConvBlock(in_channels, five[0], 1), ConvBlock(five[0], five[1], 3), ConvBlock(five[1], five[1], 3)
        )
        self.branch_pool = nn.Sequential(nn.AvgPool2d(3, stride=1, padding=1), ConvBlock(in_channels, pool, 1))
        self.out_channels = one + three[1] + five[1] + pool

    def forward(self, x: Activations) -> NewActivations:
        """Returns the branches' activations, one after the other along the channels."""
        return torch.cat([self.branch1(x), self.branch3(x), self.branch5(x), self.branch_pool(x)], dim=1)


class DemoNetwork(nn.Module):
    """Eight layers from colours and edges to whole shapes, and a linear classifier on their mean.

    Args:
        classes: Number of outputs.
    """

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.stem1 = ConvBlock(3, 24, 5, stride=2)
        self.pool1 = nn.MaxPool2d(2)
        self.stem2 = ConvBlock(24, 32, 3)
        self.mixed3a = Inception(32, 16, (16, 28), (8, 12), 8)
        self.pool3 = nn.MaxPool2d(2)
        self.mixed4a = Inception(64, 24, (24, 40), (12, 20), 12)
        self.mixed4b = Inception(96, 28, (28, 48), (16, 24), 12)
        self.mixed4c = Inception(112, 32, (32, 56), (16, 28), 12)
        self.pool4 = nn.MaxPool2d(2)
        self.mixed5a = Inception(128, 40, (40, 64), (20, 32), 24)
        self.mixed5b = Inception(160, 48, (48, 80), (24, 40), 24)
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.dropout = nn.Dropout(0.2)
        self.fc = nn.Linear(self.mixed5b.out_channels, classes)

    def forward(self, x: Activations) -> Logits:
        """Returns one logit per class."""
        x = self.pool1(self.stem1(x))
        x = self.pool3(self.mixed3a(self.stem2(x)))
        x = self.pool4(self.mixed4c(self.mixed4b(self.mixed4a(x))))
        x = self.mixed5b(self.mixed5a(x))
        x = torch.flatten(self.avgpool(x), 1)
        return self.fc(self.dropout(x))


def build() -> DemoNetwork:
    """Returns the network with random weights, one output per class of the drawings, in the order of `CLASSES`."""
    return DemoNetwork(len(CLASSES))


class DemoMetadata(NamedTuple):
    """What the weight file says about itself.

    Attributes:
        mean: Subtracted from each colour channel (red, green, blue; pixels 0 to 1).
        std: Each channel is divided by it afterwards.
        image_size: Height and width of the images in pixels.
        categories: Names of the outputs, in order.
        accuracy: Share of held-out drawings that the network names right, 0 to 1.
    """

    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    image_size: int
    categories: tuple[str, ...]
    accuracy: float

    def to_strings(self) -> dict[str, str]:
        """Returns it as a safetensors header holds it: every value as JSON text."""
        return {key: json.dumps(value) for key, value in self._asdict().items()}


def demo_metadata(path: Path = WEIGHTS) -> DemoMetadata:
    """Reads what a weight file of the demo says about itself.

    Raises:
        WeightsError: The file is missing, is no safetensors file or lacks an entry.
    """
    try:
        with safe_open(path, framework="pt") as file:
            strings = file.metadata() or {}
        values = {key: json.loads(strings[key]) for key in DemoMetadata._fields}
    except (OSError, SafetensorError, KeyError, json.JSONDecodeError) as error:
        raise WeightsError(
            f"{path} is no weight file of the demo: {error}", hint="make it with `python -m arete_ingest.demo.train`"
        ) from error
    return DemoMetadata(
        mean=tuple(values["mean"]),
        std=tuple(values["std"]),
        image_size=values["image_size"],
        categories=tuple(values["categories"]),
        accuracy=values["accuracy"],
    )


def demo_model(path: Path = WEIGHTS) -> DemoNetwork:
    """Returns the trained network, ready for inference.

    Args:
        path: A weight file written by `arete_ingest.demo.train`; the committed one by default.

    Raises:
        WeightsError: The file is missing, is no safetensors file or holds other weights than the network's.
    """
    demo_metadata(path)  # says what is wrong with a file that is no weight file
    network = build()
    try:
        network.load_state_dict(load_file(path), strict=True)
    except RuntimeError as error:
        raise WeightsError(
            f"the weights in {path} do not fit the demo network: {error}",
            hint="make them again with `python -m arete_ingest.demo.train`",
        ) from error
    return network.eval()


def to_input(
    images: UInt8[np.ndarray, "image height width channel=3"], metadata: DemoMetadata
) -> Float[Tensor, "image channel=3 height width"]:
    """Returns pictures as the network wants them: pixels 0 to 1, less the mean, divided by the deviation."""
    planes = rearrange(torch.from_numpy(images), "image height width channel -> image channel height width")
    mean, std = (rearrange(torch.tensor(v), "channel -> channel 1 1") for v in (metadata.mean, metadata.std))
    return (planes.float() / 255 - mean) / std
