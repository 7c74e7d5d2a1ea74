"""Colours by lightness, chroma and hue, so that a jitter looks equally strong in every hue.

OKLCH is the polar form of OKLab (Björn Ottosson, "A perceptual color space for image processing", 2020); the two
matrices are the ones published there.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float32

_LMS_FROM_OKLAB = np.array(
    [[1.0, 0.3963377774, 0.2158037573], [1.0, -0.1055613458, -0.0638541728], [1.0, -0.0894841775, -1.2914855480]]
)
_LINEAR_RGB_FROM_LMS = np.array(
    [
        [4.0767416621, -3.3077115913, 0.2309699292],
        [-1.2684380046, 2.6097574011, -0.3413193965],
        [-0.0041960863, -0.7034186147, 1.7076147010],
    ]
)

RGB = Float32[np.ndarray, " channel=3"]


class Tone(NamedTuple):
    """One colour in OKLCH.

    Attributes:
        lightness: 0 is black, 1 is white.
        chroma: 0 is grey; sRGB ends at about 0.3, depending on the hue.
        hue: Angle in degrees: 25 is red, 90 yellow, 260 blue.
    """

    lightness: float
    chroma: float
    hue: float

    def moved(self, *, lightness: float = 0.0, chroma: float = 0.0, hue: float = 0.0) -> "Tone":
        """Returns the colour with the given differences added; lightness and chroma stay in their ranges."""
        return Tone(
            min(max(self.lightness + lightness, 0.0), 1.0), max(self.chroma + chroma, 0.0), (self.hue + hue) % 360.0
        )

    def rgb(self) -> np.ndarray:
        """Returns it as gamma-encoded sRGB: 3 values in 0 to 1, clipped where sRGB has no such colour."""
        angle = np.deg2rad(self.hue)
        oklab = np.array([self.lightness, self.chroma * np.cos(angle), self.chroma * np.sin(angle)])
        linear = np.clip(_LINEAR_RGB_FROM_LMS @ (_LMS_FROM_OKLAB @ oklab) ** 3, 0.0, 1.0)
        encoded = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
        return encoded.astype(np.float32)
