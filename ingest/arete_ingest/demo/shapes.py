"""The four shapes, as signed distances: negative inside, positive outside, 0 on the outline.

A distance gives everything that a clean drawing needs: an antialiased edge at any size, an outline of even width, a
soft shadow. The formulas are Inigo Quilez's ("2D distance functions", iquilezles.org), moved and scaled so that every
shape is centred and fits a circle of radius 1.
"""

from collections.abc import Callable

import numpy as np
from jaxtyping import Float32

Plane = Float32[np.ndarray, "height width"]
"""One value per pixel."""


def star(x: Plane, y: Plane, character: float) -> Plane:
    """Returns the distance to a star with five rounded points.

    Args:
        x: Position to the right, in units of the shape's radius.
        y: Position upwards.
        character: 0 to 1, from thick to slender points.
    """
    rounding = 0.07
    radius = 1.0 - rounding
    half_sector = np.pi / 5
    slope = np.pi / (3.6 - 0.8 * character)
    sector = np.mod(np.arctan2(x, y), np.float32(2 * half_sector)) - np.float32(half_sector)
    length = np.hypot(x, y)
    u = length * np.cos(sector) - np.float32(radius * np.cos(half_sector))
    v = length * np.abs(np.sin(sector)) - np.float32(radius * np.sin(half_sector))
    along = np.clip(
        -(u * np.float32(np.cos(slope)) + v * np.float32(np.sin(slope))),
        0,
        np.float32(radius * np.sin(half_sector) / np.sin(slope)),
    )
    u += along * np.float32(np.cos(slope))
    v += along * np.float32(np.sin(slope))
    return np.copysign(np.hypot(u, v), u) - np.float32(rounding)


def heart(x: Plane, y: Plane, character: float) -> Plane:
    """Returns the distance to a heart that stands on its tip.

    Args:
        x: Position to the right, in units of the shape's radius.
        y: Position upwards.
        character: 0 to 1, from a sharp to a round tip.
    """
    scale = 1.50  # the published heart is 1.10 high and 1.21 wide
    rounding = 0.03 + 0.07 * character
    u = np.abs(x) / np.float32(scale)
    v = y / np.float32(scale) + np.float32(0.57)
    lobe = np.hypot(u - np.float32(0.25), v - np.float32(0.75)) - np.float32(np.sqrt(2) / 4)
    middle = np.float32(0.5) * np.maximum(u + v, 0)
    below = np.minimum(np.hypot(u, v - 1), np.hypot(u - middle, v - middle)) * np.sign(u - v)
    return np.where(u + v > 1, lobe, below) * np.float32(scale) - np.float32(rounding)


def ring(x: Plane, y: Plane, character: float) -> Plane:
    """Returns the distance to a ring.

    Args:
        x: Position to the right, in units of the shape's radius.
        y: Position upwards.
        character: 0 to 1, from a narrow to a broad band.
    """
    half_band = 0.19 + 0.06 * character
    return np.abs(np.hypot(x, y) - np.float32(0.96 - half_band)) - np.float32(half_band)


def moon(x: Plane, y: Plane, character: float) -> Plane:
    """Returns the distance to a crescent moon that opens to the right.

    Args:
        x: Position to the right, in units of the shape's radius.
        y: Position upwards.
        character: 0 to 1, from a half to a slim moon.
    """
    rounding = 0.05
    outer = 1.0 - rounding
    inner = 0.80
    offset = 0.62 - 0.14 * character
    u = x + np.float32(0.12)  # a crescent's mass lies to the left of its circle's centre
    v = np.abs(y)
    a = (outer**2 - inner**2 + offset**2) / (2 * offset)
    b = np.sqrt(max(outer**2 - a**2, 0.0))
    at_horn = offset * (u * np.float32(b) - v * np.float32(a)) > offset**2 * np.maximum(np.float32(b) - v, 0)
    horn = np.hypot(u - np.float32(a), v - np.float32(b))
    crescent = np.maximum(np.hypot(u, v) - np.float32(outer), np.float32(inner) - np.hypot(u - np.float32(offset), v))
    return np.where(at_horn, horn, crescent) - np.float32(rounding)


SHAPES: dict[str, Callable[[Plane, Plane, float], Plane]] = {"star": star, "heart": heart, "ring": ring, "moon": moon}
