"""Optimises many pictures at once, each as if it were alone.

Every picture has its own generator, seeded by what it shows, its own term in the loss and its own entries in Adam, so
that a picture does not depend on what else is in the batch but for rounding; batches are always full, for libraries
choose their kernels by the batch's shape. On one device the same command gives the same pictures.
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from einops import rearrange

from arete_ingest.features.objective import LayerModel, channel_means, largest, likeness
from arete_ingest.features.parametrization import Pictures, initial_coefficients
from arete_ingest.features.transforms import change, draw_changes

DIVERSITY_WEIGHT = 1.0
"""Of the likeness against the channel's mean: pictures that are a tenth less alike are worth a tenth of it."""
ADAM_BETAS = (0.5, 0.98)
"""Each step sees the picture changed in another way, so that what earlier steps saw is soon of no use: with less
momentum than the usual (0.9, 0.999), half the steps excite the channels as much."""


@dataclass(frozen=True, kw_only=True)
class Method:
    """How pictures are made.

    Attributes:
        size: Side of the pictures, in pixels.
        steps: Steps of gradient ascent.
        rate: Adam's learning rate.
        decay: Power of the frequency that coefficients are divided by.
        diversity: Further pictures a channel, which are to differ from each other; 0, or 2 and more.
        seed: Every picture's generator depends on it.
    """

    size: int
    steps: int = 80
    rate: float = 0.1
    decay: float = 1.0
    diversity: int = 4
    seed: int = 0


@dataclass(frozen=True)
class Found:
    """What came of one channel.

    Attributes:
        tiles: uint8 (tile, size, size, 3), the picture and its diverse ones; those that failed are left out.
        activation: Of the channel for the first tile, largest over space.
        error: Why there is no picture; then there are no tiles.
    """

    tiles: np.ndarray
    activation: float
    error: str | None = None


def generator_of(seed: int, layer: str, channel: int, tile: int) -> torch.Generator:
    """Returns the generator of one picture, on the CPU."""
    digest = hashlib.sha256(f"{seed} {layer}/{channel} {tile}".encode()).digest()
    return torch.Generator().manual_seed(int.from_bytes(digest[:8], "big", signed=True))


def visualize(
    model: LayerModel,
    layer: str,
    channels: Sequence[int],
    method: Method,
    device: torch.device,
    *,
    stop: Callable[[], bool] = lambda: False,
) -> list[Found] | None:
    """Makes the pictures of some channels of a layer.

    Args:
        model: The model up to the layer.
        layer: Its name, part of the seeds.
        channels: Which ones.
        method: How.
        device: Where.
        stop: Asked at each step.

    Returns:
        What came of each channel, in their order; None where it was stopped. Memory: some times that of the model's
        own pass for `len(channels) * (1 + diversity)` pictures.

    Raises:
        ModelError: If the model does not take pictures of this size.
    """
    each = 1 + method.diversity
    generators = [generator_of(method.seed, layer, channel, tile) for channel in channels for tile in range(each)]
    coefficients = initial_coefficients(method.size, generators).to(device).requires_grad_()
    maps_of_steps = draw_changes(method.steps, generators).to(device)
    pictures = Pictures(method.size, decay=method.decay, device=device)
    own = torch.tensor(channels, device=device).repeat_interleave(each)
    adam = torch.optim.Adam([coefficients], lr=method.rate, betas=ADAM_BETAS, fused=True)
    broken = torch.zeros(len(own), dtype=torch.bool, device=device)
    moved = torch.zeros(len(own), dtype=torch.bool, device=device)
    for step in range(method.steps):
        if stop():
            return None
        maps = model(change(pictures(coefficients), maps_of_steps[step]))
        means = channel_means(maps, own)
        loss = -means.sum()
        if method.diversity:
            grouped = rearrange(maps, "(b k) c h w -> b k c h w", k=each)[:, 1:]
            alike = likeness(rearrange(grouped, "b k c h w -> (b k) c h w"), method.diversity)
            worth = rearrange(means.detach(), "(b k) -> b k", k=each)[:, 1:].mean(dim=1).clamp(min=0)
            loss = loss + (alike * worth).sum() * DIVERSITY_WEIGHT
        adam.zero_grad()
        loss.backward()
        gradient = coefficients.grad
        assert gradient is not None  # noqa: S101 - the loss depends on them
        most = largest(gradient)
        broken |= ~torch.isfinite(most)
        gradient[broken] = 0.0  # a picture that is lost must not take part in what others share
        moved |= most > 0
        adam.step()
    with torch.no_grad():
        final = pictures(coefficients)
        peaks = model(final)[torch.arange(len(own), device=device), own].amax(dim=(1, 2)).cpu()
        drawn = torch.round(final * 255).to(torch.uint8).permute(0, 2, 3, 1).cpu().numpy()
    broken, moved = broken.cpu(), moved.cpu()
    return [_found(drawn, peaks, broken, moved, first, each) for first in range(0, len(own), each)]


def _found(
    drawn: np.ndarray, peaks: torch.Tensor, broken: torch.Tensor, moved: torch.Tensor, first: int, each: int
) -> Found:
    nothing = np.empty((0, *drawn.shape[1:]), np.uint8)
    peak = float(peaks[first])
    if broken[first] or not np.isfinite(peak):
        return Found(nothing, 0.0, "the gradient of its activation is not finite")
    if not moved[first]:
        return Found(nothing, 0.0, "its activation does not depend on the picture")
    if peak <= 0:
        return Found(nothing, 0.0, "it never fires: no picture was found that excites it")
    rows = [first, *(row for row in range(first + 1, first + each) if not broken[row] and peaks[row] > 0)]
    return Found(drawn[rows], peak)
