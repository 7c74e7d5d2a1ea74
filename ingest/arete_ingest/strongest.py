"""Per channel the images that excite it most, kept while counting.

Equal activations are ordered by image id, so that the result does not depend on how the images were cut into batches.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor


class Strongest(NamedTuple):
    """Of one layer, each channel's strongest images, the strongest first.

    Attributes:
        activation: float32 (channel, rank); 0 or less where there is no image.
        image: int64 (channel, rank), image ids; -1 where there is none.
        position: int32 (channel, rank): row * width + column of the largest value.
    """

    activation: np.ndarray
    image: np.ndarray
    position: np.ndarray


def no_images(channels: int, k: int) -> Strongest:
    """Returns a layer's state before the first image."""
    return Strongest(
        np.zeros((channels, k), np.float32), np.full((channels, k), -1, np.int64), np.zeros((channels, k), np.int32)
    )


def strongest_of(
    maxima: Float[Tensor, "image channel"], positions: Int[Tensor, "image channel"], images: Sequence[int], k: int
) -> Strongest:
    """Picks each channel's k strongest images of a batch.

    Args:
        maxima: Largest value over space.
        positions: Where it is.
        images: Image ids, ascending.
        k: How many; fewer where fewer images excite the channel above 0.

    Returns:
        The picked images, on the CPU.
    """
    # A stable sort keeps equal ones in the order of their ids.
    order = torch.sort(maxima.T, dim=1, descending=True, stable=True).indices[:, :k]
    ids = torch.as_tensor(np.asarray(images, np.int64), device=maxima.device)
    picked = Strongest(
        torch.gather(maxima.T, 1, order).float().cpu().numpy(),
        ids[order].cpu().numpy(),
        torch.gather(positions.T, 1, order).int().cpu().numpy(),
    )
    missing = k - picked.image.shape[1]
    if missing > 0:
        empty = no_images(len(picked.image), missing)
        picked = Strongest(*(np.concatenate(pair, axis=1) for pair in zip(picked, empty, strict=True)))
    silent = picked.activation <= 0
    picked.image[silent] = -1
    picked.activation[silent] = 0
    picked.position[silent] = 0
    return picked


def only_of(state: Strongest, wanted: np.ndarray) -> Strongest:
    """Leaves images out.

    Args:
        state: Of some images.
        wanted: By image id, whether it may stay.

    Returns:
        The same without the others; the places at the end are empty.
    """
    stays = (state.image >= 0) & wanted[state.image]
    order = np.argsort(~stays, axis=1, kind="stable")
    left = Strongest(*(np.where(stays, array, empty) for array, empty in zip(state, (0, -1, 0), strict=True)))
    found = Strongest(*(np.take_along_axis(array, order, axis=1) for array in left))
    return Strongest(*(array.astype(own.dtype) for array, own in zip(found, state, strict=True)))


def merge(first: Strongest, second: Strongest) -> Strongest:
    """Joins two states whose images differ.

    Args:
        first: Of some images.
        second: Of other images, of as many ranks.

    Returns:
        The strongest of both, whichever comes first.
    """
    k = first.image.shape[1]
    joined = [np.concatenate(pair, axis=1) for pair in zip(first, second, strict=True)]
    order = np.lexsort((joined[1], -joined[0]), axis=1)[:, :k]
    return Strongest(*(np.take_along_axis(array, order, axis=1) for array in joined))
