"""Activation counts of one layer, as `arete_ingest.activations` defines them."""

from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from arete_ingest.native.images import checked, described, require_float32
from arete_ingest.native.library import load


class ActivationCounts(NamedTuple):
    """What a layer's maps give, per (image, channel).

    Attributes:
        values: Largest value over space, not clipped.
        positions: Where it is, row * width + column; the first one where several are largest.
        by_share: Whether the channel counts, by share of the activation.
        top_k: Whether the channel counts, by the k largest.
    """

    values: Float[Tensor, "image channel"]
    positions: Int[Tensor, "image channel"]
    by_share: Bool[Tensor, "image channel"]
    top_k: Bool[Tensor, "image channel"]


def activation_counts(
    maps: Float[Tensor, "image channel height width"], *, share: float, top_k: int, instruction_set: str | None = None
) -> ActivationCounts:
    """Finds each channel's largest value over space and decides which channels count.

    Args:
        maps: float32, of any strides; read in one pass.
        share: Share of the sum that the taken channels reach, 0 to 1.
        top_k: Number of channels that the second method takes (all, where the layer has fewer).
        instruction_set: For tests: use this one instead of the usual.

    Returns:
        The same as `activations.spatial_peaks` and `activations.taken_channels`.

    Raises:
        NotFinite: If a map holds NaN or infinity.
        RuntimeError: If there are no kernels: see `available`.
        TypeError: If the maps are not float32 on the processor.
        ValueError: If they have no positions.
    """
    library, _, why_not = load(instruction_set)
    if library is None:
        raise RuntimeError(why_not)
    require_float32(maps, "maps")
    images, channels, height, width = maps.shape
    if not height * width:
        raise ValueError(f"maps of {height} x {width} positions, at least one was expected")
    values = torch.empty(images, channels)
    positions = torch.empty(images, channels, dtype=torch.int64)
    checked(library.arete_peaks(*described(maps), values.data_ptr(), positions.data_ptr()))
    by_share = torch.empty(images, channels, dtype=torch.bool)
    by_rank = torch.empty(images, channels, dtype=torch.bool)
    # Added up by torch, as in `taken_channels`: a sum in another order may differ in its last bit, and with it a count.
    totals = values.double().clamp(min=0).sum(dim=1, keepdim=True)
    pointers = values.data_ptr(), totals.data_ptr()
    checked(library.arete_take(*pointers, images, channels, share, top_k, by_share.data_ptr(), by_rank.data_ptr()))
    return ActivationCounts(values, positions, by_share, by_rank)
