"""The three textures, as the share of the second tone in each pixel: 0 is the ground, 1 the pattern."""

from collections.abc import Callable

import numpy as np
from jaxtyping import Float32

Plane = Float32[np.ndarray, "height width"]


def _bars(position: Plane, share: float, softness: float) -> Plane:
    """Returns antialiased bars of period 1: 1 on the bar, 0 beside it.

    Args:
        position: Position across the bars, in periods.
        share: Part of each period that the bar takes.
        softness: Width of a pixel in periods.
    """
    distance = np.abs(position - np.rint(position)) - np.float32(share / 2)
    return np.clip(np.float32(0.5) - distance / np.float32(softness), 0, 1)


def striped(u: Plane, v: Plane, character: float, softness: float) -> Plane:
    """Returns straight stripes along v.

    Args:
        u: Position across, in periods.
        v: Position along, in periods.
        character: 0 to 1, from thin to thick stripes.
        softness: Width of a pixel in periods.
    """
    del v
    return _bars(u, 0.42 + 0.16 * character, softness)


def checked(u: Plane, v: Plane, character: float, softness: float) -> Plane:
    """Returns a chessboard; one square is half a period wide. Arguments as for `striped`; `character` is not used."""
    del character
    across, along = _bars(u, 0.5, softness), _bars(v, 0.5, softness)
    return across + along - 2 * across * along


def dotted(u: Plane, v: Plane, character: float, softness: float) -> Plane:
    """Returns round dots in staggered rows.

    Args:
        u: Position across the rows, in periods.
        v: Position along the rows, in periods.
        character: 0 to 1, from small to large dots.
        softness: Width of a pixel in periods.
    """
    row = np.rint(u)
    shifted = v + np.float32(0.5) * np.mod(row, 2)
    distance = np.hypot(u - row, shifted - np.rint(shifted)) - np.float32(0.27 + 0.07 * character)
    return np.clip(np.float32(0.5) - distance / np.float32(softness), 0, 1)


TEXTURES: dict[str, Callable[[Plane, Plane, float, float], Plane]] = {
    "striped": striped,
    "dotted": dotted,
    "checked": checked,
}
