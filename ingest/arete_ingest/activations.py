"""Activation counts A: which channels an image excites in one layer.

1. Each channel's maximum over space, after the activation function, clipped at 0.
2. Divide by their sum. From the largest on (ties: lower channel first), take channels until the taken ones' share first
   reaches 3%; that channel is taken too.
3. Each taken channel of the image counts once. A layer whose maxima are all 0 counts nothing.

The second method takes the k largest channels instead. Both are those of Hohman et al., Summit (2019), section 5.1.
Sums are in float64, so that they do not depend on the device.
"""

from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor


class Peaks(NamedTuple):
    """Per image and channel, the largest value over space and where it is.

    Attributes:
        values: (image, channel), not clipped.
        positions: (image, channel), row * width + column; the first one where several are largest.
    """

    values: Float[Tensor, "image channel"]
    positions: Int[Tensor, "image channel"]


def spatial_peaks(maps: Float[Tensor, "image channel height width"]) -> Peaks:
    """Finds each channel's largest value over space; a NaN anywhere in the map is the largest."""
    values, positions = maps.flatten(2).max(dim=2)
    return Peaks(values, positions)


class Taken(NamedTuple):
    """Which channels each image takes, by both methods: (image, channel), true where it counts."""

    by_share: Bool[Tensor, "image channel"]
    top_k: Bool[Tensor, "image channel"]


def taken_channels(maxima: Float[Tensor, "image channel"], *, share: float, top_k: int) -> Taken:
    """Decides which channels count.

    Args:
        maxima: Largest value of each channel over space; finite.
        share: Share of the sum that the taken channels reach, 0 to 1.
        top_k: Number of channels that the second method takes (all, where the layer has fewer).

    Returns:
        For each image the channels that count; none where all maxima are at most 0.
    """
    clipped = maxima.double().clamp(min=0)
    values, order = torch.sort(clipped, dim=1, descending=True, stable=True)
    total = clipped.sum(dim=1, keepdim=True)
    alive = total > 0
    reached = torch.cumsum(values / torch.where(alive, total, 1.0), dim=1)
    before = torch.cat([torch.zeros_like(total), reached[:, :-1]], dim=1)
    ranked = torch.arange(maxima.shape[1], device=maxima.device)
    by_share = torch.zeros_like(clipped, dtype=torch.bool)
    by_share.scatter_(1, order, (before < share) & alive)
    by_rank = torch.zeros_like(by_share)
    by_rank.scatter_(1, order, (ranked < top_k) & alive)
    return Taken(by_share, by_rank)
