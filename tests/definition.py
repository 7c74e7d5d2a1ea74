"""The k strongest inputs of a convolution in the words of the definition, in float64; shares no code with the product.

Every contribution is written out: each output position is visited, the patch under the kernel is cut out of the padded
map, multiplied and added up in float64 (exact products of float32 numbers), and the largest value over the positions is
taken. Sorting is Python's.
"""

from dataclasses import dataclass

import numpy as np
import torch


@dataclass
class Case:
    """A convolution, its input and how many inputs are looked for."""

    images: torch.Tensor
    weight: torch.Tensor
    stride: tuple[int, int]
    dilation: tuple[int, int]
    padding: tuple[int, int, int, int]  # left, right, top, bottom
    groups: int
    k: int


def contributions(case: Case) -> np.ndarray:
    """All contributions (image, out_channel, candidate)."""
    weight = case.weight.cpu().double().numpy()
    outputs, candidates, high, wide = weight.shape
    left, right, top, bottom = case.padding
    padded = np.pad(case.images.cpu().double().numpy(), ((0, 0), (0, 0), (top, bottom), (left, right)))
    reach_y, reach_x = (high - 1) * case.dilation[0] + 1, (wide - 1) * case.dilation[1] + 1
    result = np.full((len(padded), outputs, candidates), -np.inf)
    per_group = outputs // case.groups
    for group in range(case.groups):
        kernels = weight[group * per_group : (group + 1) * per_group]
        maps = padded[:, group * candidates : (group + 1) * candidates]
        target = result[:, group * per_group : (group + 1) * per_group]
        for y in range(0, padded.shape[2] - reach_y + 1, case.stride[0]):
            for x in range(0, padded.shape[3] - reach_x + 1, case.stride[1]):
                patch = maps[:, :, y : y + reach_y : case.dilation[0], x : x + reach_x : case.dilation[1]]
                value = np.zeros(target.shape)
                for i in range(high):
                    for j in range(wide):
                        value += kernels[None, :, :, i, j] * patch[:, None, :, i, j]
                np.maximum(target, value, out=target)
    return result


def strongest(case: Case) -> tuple[list[list[list[int]]], np.ndarray]:
    """The inputs in their order, and all contributions."""
    strength = contributions(case)
    inputs = [
        [sorted(range(len(row)), key=lambda c: (-row[c], c))[: case.k] for row in image.tolist()] for image in strength
    ]
    return inputs, strength


KINDS = ("signed", "relu", "sparse", "dead", "quantised", "negative", "tiny", "huge", "mixed", "zero")


def random_case(seed: int, kind: str, kernel: tuple[int, int] | None = None, most: int = 9) -> Case:
    """A random small convolution; `kind` says what its numbers are like."""
    draw = np.random.default_rng(seed)
    generator = torch.Generator().manual_seed(seed)
    kernels = [(1, 1), (2, 2), (3, 3), (5, 5), (7, 7), (1, 3), (7, 1), (1, 7), (2, 3)]
    kernel = kernel or kernels[draw.integers(len(kernels))]
    groups = int(draw.choice([1, 1, 2, 3]))
    candidates = int(draw.integers(2, most + 1))
    outputs = groups * int(draw.integers(1, 6))
    dilation = (int(draw.integers(1, 3)), int(draw.integers(1, 3)))
    stride = (int(draw.integers(1, 4)), int(draw.integers(1, 4)))
    padding = tuple(int(p) for p in draw.integers(0, 4, 4)) if draw.random() < 0.7 else (0, 0, 0, 0)
    least_y = max(1, (kernel[0] - 1) * dilation[0] + 1 - padding[2] - padding[3])
    least_x = max(1, (kernel[1] - 1) * dilation[1] + 1 - padding[0] - padding[1])
    shape = (2, groups * candidates, least_y + int(draw.integers(0, 6)), least_x + int(draw.integers(0, 6)))
    images = torch.randn(shape, generator=generator)
    weight = torch.randn(outputs, candidates, *kernel, generator=generator)
    if kind in ("relu", "sparse", "dead"):
        images = images.relu()
    if kind == "sparse":
        images *= torch.rand(shape, generator=generator) < 0.2
    if kind == "dead":
        images[:, torch.rand(shape[1], generator=generator) < 0.6] = -0.0
    if kind == "quantised":
        images = torch.randint(-2, 3, shape, generator=generator).float()
        weight = torch.randint(-2, 3, weight.shape, generator=generator) * 0.5
    if kind == "negative":
        images, weight = images.relu(), -weight.abs()
    if kind == "tiny":
        images *= 1e-25
        weight *= 1e-18
    if kind == "huge":
        images *= 1e30
        weight *= 1e25
    if kind == "mixed":  # every channel and kernel of another size, from far below the others to far above them
        images *= 10.0 ** torch.randint(-30, 10, (2, shape[1], 1, 1), generator=generator)
        weight *= 10.0 ** torch.randint(-20, 10, (outputs, candidates, 1, 1), generator=generator)
    if kind == "zero":
        images[0] = 0.0
        weight[0] = -0.0
    k = int(draw.integers(1, candidates))
    return Case(images, weight, stride, dilation, padding, groups, k)  # type: ignore[arg-type]
