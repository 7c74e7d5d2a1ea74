"""Random small convolutions, and the strongest inputs by definition, in float64."""

import random
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from arete_ingest.native import NativeConv

KINDS = (
    *("signed", "relu", "sparse", "dead", "integers", "negative zeros", "negative weights", "zero kernels"),
    *("huge", "tiny", "wide range", "black"),
)


class Case(NamedTuple):
    """A convolution, two images, and how many inputs to find."""

    kind: str
    images: Tensor
    weight: Tensor
    stride: tuple[int, int]
    dilation: tuple[int, int]
    padding: tuple[int, int, int, int]
    groups: int
    k: int

    def conv(self, instruction_set: str | None = None) -> NativeConv:
        return NativeConv(
            self.weight,
            stride=self.stride,
            dilation=self.dilation,
            padding=self.padding,
            groups=self.groups,
            instruction_set=instruction_set,
        )


def random_case(seed: int) -> Case:
    """Makes a case; sizes are no multiples of a vector's width, maps may be smaller than the kernel without padding."""
    choose = random.Random(seed)
    generator = torch.Generator().manual_seed(seed)
    groups, candidates = choose.choice([1, 1, 1, 2, 3]), choose.choice([2, 5, 9, 17, 40])
    outputs = choose.choice([1, 3, 16, 17, 35])
    kernel = choose.choice([(1, 1), (1, 1), (3, 3), (3, 3), (2, 4), (1, 7), (7, 1), (5, 5)])
    stride = choose.randint(1, 3), choose.randint(1, 3)
    dilation = choose.randint(1, 2), choose.randint(1, 2)
    left, right, top, bottom = (choose.randint(0, 3) for _ in range(4))
    reach = (kernel[0] - 1) * dilation[0] + 1, (kernel[1] - 1) * dilation[1] + 1
    height = max(1, reach[0] - top - bottom, choose.choice([choose.randint(1, 12), 31]))
    width = max(1, reach[1] - left - right, choose.choice([choose.randint(1, 20), 34]))
    images = torch.randn(2, groups * candidates, height, width, generator=generator)
    weight = torch.randn(groups * outputs, candidates, *kernel, generator=generator)
    kind = choose.choice(KINDS)
    if kind in ("relu", "dead", "negative weights"):
        images = images.relu()
    if kind == "sparse":
        images = (images - 1.5).relu()
    if kind == "dead":
        images[:, torch.rand(images.shape[1], generator=generator) < 0.5] = choose.choice([0.0, -0.0])
    if kind in ("integers", "negative zeros"):  # many exact ties
        images, weight = (images * 2).round(), (weight * 0.7).round()
    if kind == "integers":
        images = images.relu()
    if kind == "negative zeros":
        images = torch.where(images == 0, -0.0, images)
        weight = torch.where(weight == 0, -0.0, weight)
    if kind == "negative weights":
        weight = -weight.abs()
    if kind == "zero kernels":
        weight[torch.rand(weight.shape[:2], generator=generator) < 0.5] = 0
    if kind == "huge":  # sums overflow
        images, weight = images * choose.choice([1e20, 1e37]), weight * choose.choice([1e-5, 1.0, 1e5])
    if kind == "tiny":  # squares, products and sums underflow
        images = images * choose.choice([1e-20, 1e-30, 1e-38, 1e-44])
        weight = weight * choose.choice([1e-20, 1e-5, 1.0, 1e5, 1e30])
    if kind == "wide range":  # beside the largest values the squares of the others vanish
        images = images.relu() * 10.0 ** torch.randint(-25, 10, images.shape, generator=generator)
    if kind == "black":
        images = torch.zeros_like(images)
    k = choose.randint(1, min(16, candidates - 1))
    return Case(kind, images, weight, stride, dilation, (left, right, top, bottom), groups, k)


def contributions(case: Case) -> Tensor:
    """Every contribution in float64, (image, out_channel, in_channel of the group): each input channel alone."""
    images = functional.pad(case.images.double(), case.padding)
    weight = case.weight.double()
    outputs, candidates = weight.shape[:2]
    per_group = outputs // case.groups
    found = torch.empty(len(images), outputs, candidates, dtype=torch.float64)
    for group in range(case.groups):
        rows = slice(group * per_group, (group + 1) * per_group)
        for candidate in range(candidates):
            channel = group * candidates + candidate
            alone = functional.conv2d(
                images[:, channel : channel + 1],
                weight[rows, candidate : candidate + 1],
                stride=case.stride,
                dilation=case.dilation,
            )
            found[:, rows, candidate] = alone.amax(dim=(2, 3))
    return found + 0.0  # -0.0 equals 0.0
