"""Pictures as Fourier coefficients of decorrelated colours [olah2017feature, "Preconditioning and Parameterization"].

1. A picture is a real inverse Fourier transform of coefficients, each divided by its frequency: a step of gradient
   ascent then moves all scales of a picture alike, as they are in photographs, and high frequencies do not win.
2. Its three planes are colours in which photographs have no correlation; a fixed matrix turns them into RGB.
3. A sigmoid keeps RGB within 0 and 1.

The constants are those of Lucid, the library of the paper's authors.
"""

from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

INITIAL_DEVIATION = 0.01
"""Of the coefficients at the start: a nearly grey picture."""
SCALE = 0.25  # of the planes before the colours are mixed; Lucid divides by 4
COLOUR_ROOT = ((0.26, 0.09, 0.02), (0.27, 0.00, -0.05), (0.27, -0.09, 0.03))
"""A square root of the covariance of the colours of ImageNet's pixels; RGB in rows. Its columns are light and dark,
blue against yellow, and magenta against green."""


def frequencies(size: int) -> np.ndarray:
    """Returns the frequency of each coefficient of a square picture.

    Args:
        size: Side, in pixels.

    Returns:
        float64 (size, size // 2 + 1), in cycles a pixel, 0 to 0.71.
    """
    return np.hypot(np.fft.fftfreq(size)[:, None], np.fft.rfftfreq(size)[None])


def initial_coefficients(
    size: int, generators: Sequence[torch.Generator]
) -> Float[Tensor, "picture plane=3 row column part=2"]:
    """Draws what pictures start from, each from a generator of its own.

    Args:
        size: Side of the pictures, in pixels.
        generators: One a picture, on the CPU.

    Returns:
        Real and imaginary parts.
    """
    shape = (3, size, size // 2 + 1, 2)
    drawn = [torch.randn(shape, generator=generator) for generator in generators]
    return torch.stack(drawn) * INITIAL_DEVIATION


class Pictures:
    """Turns coefficients into pictures.

    Args:
        size: Side of the pictures, in pixels.
        decay: Power of the frequency that coefficients are divided by; 1 is that of photographs.
        device: Where it is done.
    """

    def __init__(self, size: int, *, decay: float = 1.0, device: torch.device | None = None) -> None:
        self._size = size
        # Frequency 0 counts as the lowest of the others.
        scale = size / np.maximum(frequencies(size), 1.0 / size) ** decay
        self._scale = torch.tensor(scale, dtype=torch.float32, device=device)[..., None]
        root = torch.tensor(COLOUR_ROOT, device=device)
        self._colours = root / root.norm(dim=0).max()

    def __call__(
        self, coefficients: Float[Tensor, "picture plane=3 row column part=2"]
    ) -> Float[Tensor, "picture colour=3 height width"]:
        """Returns RGB pictures, each value above 0 and below 1."""
        spectrum = torch.view_as_complex(coefficients * self._scale)
        planes = torch.fft.irfft2(spectrum, s=(self._size, self._size)) * SCALE
        return torch.sigmoid(torch.einsum("nphw,cp->nchw", planes, self._colours))
