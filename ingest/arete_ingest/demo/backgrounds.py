"""What lies behind the object: a quiet ground, and distractors in every colour.

Grounds are pale, middling or dark, of any hue. Distractors take the colours of the classes too, so that the colours of
an image say little about the colour of its object, and a faint pattern on some grounds does the same for textures.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float32

from arete_ingest.demo.colours import Tone
from arete_ingest.demo.textures import TEXTURES

Plane = Float32[np.ndarray, "height width"]
Picture = Float32[np.ndarray, "channel=3 height width"]


def blend(picture: Picture, colour: np.ndarray, coverage: Plane) -> None:
    """Lays a colour over a picture, in place.

    Args:
        picture: sRGB, 0 to 1.
        colour: 3 values of sRGB, 0 to 1.
        coverage: How much of each pixel it hides, 0 to 1.
    """
    for channel in range(3):
        picture[channel] += coverage * (colour[channel] - picture[channel])


def smoothstep(value: Plane, low: float, high: float) -> Plane:
    """Returns 0 below `low`, 1 above `high` and a smooth rise between."""
    t = np.clip((value - np.float32(low)) / np.float32(high - low), 0, 1)
    return t * t * (3 - 2 * t)


def _ground_tone(rng: np.random.Generator) -> Tone:
    """Returns a quiet colour of any hue: pale (60%), middling (18%) or dark (22%)."""
    kind, hue = rng.random(), rng.uniform(0, 360)
    if kind < 0.60:
        return Tone(rng.uniform(0.88, 0.97), rng.uniform(0.0, 0.045), hue)
    if kind < 0.78:
        return Tone(rng.uniform(0.68, 0.84), rng.uniform(0.02, 0.07), hue)
    return Tone(rng.uniform(0.24, 0.38), rng.uniform(0.02, 0.07), hue)


def paint_ground(x: Plane, y: Plane, rng: np.random.Generator) -> Picture:
    """Paints a plain ground, a gradient, soft clouds or a faint pattern.

    Args:
        x: Position to the right, -0.5 to 0.5.
        y: Position upwards, -0.5 to 0.5.
        rng: Source of every choice; the same number of draws for every image size.

    Returns:
        The picture, sRGB in 0 to 1.
    """
    tone = _ground_tone(rng)
    picture = np.empty((3, *x.shape), dtype=np.float32)
    picture[:] = tone.rgb()[:, None, None]
    kind = rng.choice(["plain", "gradient", "clouds", "pattern"], p=[0.20, 0.32, 0.24, 0.24])
    away = -1.0 if tone.lightness > 0.6 else 1.0
    other = tone.moved(
        lightness=away * rng.uniform(0.04, 0.14), chroma=rng.uniform(0.0, 0.05), hue=rng.uniform(-60, 60)
    )
    angle = rng.uniform(0, 2 * np.pi)
    across = x * np.float32(np.cos(angle)) + y * np.float32(np.sin(angle))
    if kind == "gradient":
        blend(picture, other.rgb(), np.clip(across + np.float32(0.5), 0, 1))
    elif kind == "clouds":
        waves = rng.uniform([0.6, 0.6, 0.0], [2.2, 2.2, 2 * np.pi], size=(4, 3)) * rng.choice([-1, 1], size=(4, 3))
        height = sum(
            np.sin(np.float32(2 * np.pi) * (x * np.float32(a) + y * np.float32(b)) + np.float32(c)) for a, b, c in waves
        )
        blend(picture, other.rgb(), smoothstep(np.asarray(height, dtype=np.float32), -2.0, 2.0))
    elif kind == "pattern":
        along = y * np.float32(np.cos(angle)) - x * np.float32(np.sin(angle))
        pitch = rng.uniform(0.07, 0.16)
        name = rng.choice(list(TEXTURES))
        cover = TEXTURES[name](across / np.float32(pitch), along / np.float32(pitch), 0.5, 1 / (x.shape[0] * pitch))
        faint = tone.moved(lightness=away * rng.uniform(0.03, 0.09), chroma=rng.uniform(0.0, 0.02))
        blend(picture, faint.rgb(), cover)
    return picture


def _spot_distance(x: Plane, y: Plane, radius: float, kind: str, angle: float) -> Plane:
    """Returns the signed distance to a small distractor round the origin: a disc, a square or a short bar."""
    if kind == "disc":
        return np.hypot(x, y) - np.float32(radius)
    cosine, sine = np.float32(np.cos(angle)), np.float32(np.sin(angle))
    u, v = np.abs(x * cosine + y * sine), np.abs(y * cosine - x * sine)
    wide, high = (radius, radius * 0.28) if kind == "bar" else (radius * 0.75, radius * 0.75)
    rounding = 0.3 * high
    u, v = u - np.float32(wide - rounding), v - np.float32(high - rounding)
    return np.hypot(np.maximum(u, 0), np.maximum(v, 0)) + np.minimum(np.maximum(u, v), 0) - np.float32(rounding)


def _window(size: int, left: float, up: float, reach: float) -> tuple[slice, slice]:
    """Returns the rows and columns within `reach` of a point, so that a small piece costs little to draw."""
    row, column, pixels = (0.5 - up) * size, (left + 0.5) * size, reach * size + 1
    rows = slice(max(int(row - pixels), 0), int(row + pixels) + 1)
    return rows, slice(max(int(column - pixels), 0), int(column + pixels) + 1)


class Confetti(NamedTuple):
    """A kind of distractor; lengths are parts of the picture's width.

    Attributes:
        shapes: What a piece may be: `disc`, `square`, `bar`.
        radius: Least and largest.
        blur: Least and largest half width of its edge; 0 is a crisp one.
        opacity: Least and largest, 0 to 1.
    """

    shapes: tuple[str, ...]
    radius: tuple[float, float]
    blur: tuple[float, float]
    opacity: tuple[float, float]


DECOY = Confetti(("disc", "square"), (0.10, 0.20), (0.0, 0.0), (0.7, 1.0))
LIGHT = Confetti(("disc",), (0.05, 0.13), (0.008, 0.04), (0.2, 0.55))
PIECE = Confetti(("disc", "square", "bar"), (0.018, 0.05), (0.0, 0.0), (0.75, 1.0))


def scatter(
    picture: Picture, x: Plane, y: Plane, tones: list[Tone], rng: np.random.Generator, *, kind: Confetti, count: int
) -> Plane:
    """Scatters distractors over a picture, in place.

    Args:
        picture: sRGB, 0 to 1.
        x: Position to the right, -0.5 to 0.5.
        y: Position upwards, -0.5 to 0.5.
        tones: Colours to choose from.
        rng: Source of every choice.
        kind: What to scatter.
        count: How many.

    Returns:
        How much of each pixel they hide, 0 to 1.
    """
    hidden = np.zeros_like(x)
    half_pixel = 0.5 / x.shape[0]
    for _ in range(count):
        left, up = rng.uniform(-0.5, 0.5, size=2)
        angle, radius = rng.uniform(0, np.pi), rng.uniform(*kind.radius)
        shape = kind.shapes[int(rng.integers(len(kind.shapes)))]
        tone = tones[int(rng.integers(len(tones)))].moved(
            lightness=rng.uniform(-0.06, 0.06), chroma=rng.uniform(-0.05, 0.01), hue=rng.uniform(-10, 10)
        )
        blur, opacity = max(rng.uniform(*kind.blur), half_pixel), rng.uniform(*kind.opacity)
        window = _window(x.shape[0], left, up, radius + blur)
        distance = _spot_distance(x[window] - np.float32(left), y[window] - np.float32(up), radius, shape, angle)
        cover = np.float32(opacity) * (1 - smoothstep(distance, -blur, blur))
        blend(picture[:, *window], tone.rgb(), cover)
        np.maximum(hidden[window], cover, out=hidden[window])
    return hidden
