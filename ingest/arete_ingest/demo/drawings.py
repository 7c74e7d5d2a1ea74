"""Small pictures of known composition: a shape, a texture and a colour, drawn differently every time.

Every image shows one object, say a red striped star. Its class is the three words; everything else varies: place, size,
angle, tilt, the texture's own angle, pitch and second tone, hue and lightness, outline, shadow, ground, distractors
behind the object and now and then a piece of confetti before it. Each class shares each of its words with others, so
that no single feature gives it away: a network must find the shape, the texture and the colour, and join them.

Everything is computed from signed distances in floating point, so edges are antialiased and a drawing can be made at
any size. A drawing depends on its seed, split, class and index alone, never on what was drawn before it.
"""

from functools import lru_cache
from typing import NamedTuple

import numpy as np
from einops import rearrange
from jaxtyping import Float32, UInt8

from arete_ingest.demo.backgrounds import DECOY, LIGHT, PIECE, blend, paint_ground, scatter, smoothstep
from arete_ingest.demo.colours import Tone
from arete_ingest.demo.shapes import SHAPES
from arete_ingest.demo.textures import TEXTURES

IMAGE_SIZE = 96
"""Height and width of a drawing in pixels, unless asked otherwise."""

COLOURS: dict[str, Tone] = {
    "red": Tone(0.62, 0.22, 24.0),
    "yellow": Tone(0.84, 0.17, 88.0),
    "blue": Tone(0.58, 0.19, 260.0),
}
"""The three colours; they stay apart in the common forms of colour blindness."""

_OTHER_TONES = [Tone(0.70, 0.16, 150.0), Tone(0.60, 0.17, 310.0), Tone(0.97, 0.0, 0.0), Tone(0.45, 0.02, 260.0)]
"""Colours that only distractors have: green, violet, white, slate."""

_SHADOW = Tone(0.2, 0.02, 280.0)

SPLITS = {"demo": 0, "train": 1, "held-out": 2}
"""The sets of drawings, and what tells their seeds apart."""

DRAWINGS_VERSION = 1
"""Goes up with every change that changes a drawing; sets of another version are drawn anew."""


class Composition(NamedTuple):
    """What a class shows: the ground truth about its parts."""

    shape: str
    texture: str
    colour: str

    @property
    def name(self) -> str:
        """The class's name in words: `red striped star`."""
        return f"{self.colour} {self.texture} {self.shape}"

    @property
    def folder(self) -> str:
        """The class's folder: `red-striped-star`."""
        return self.name.replace(" ", "-")


CLASSES: tuple[Composition, ...] = tuple(
    sorted(
        (Composition(shape, texture, colour) for shape in SHAPES for texture in TEXTURES for colour in COLOURS),
        key=lambda composition: composition.folder,
    )
)
"""Every class, in the order of its folders: the order of the network's outputs."""


class Drawing(NamedTuple):
    """One picture and where its object is.

    Attributes:
        image: sRGB, 0 to 255.
        mask: How much of each pixel the object covers, 0 to 1; its outline and shadow do not count.
    """

    image: UInt8[np.ndarray, "height width channel=3"]
    mask: Float32[np.ndarray, "height width"]


@lru_cache(maxsize=4)
def _positions(size: int) -> tuple[np.ndarray, np.ndarray]:
    """Returns the pixel centres of a square picture: x to the right, y upwards, both -0.5 to 0.5."""
    line = ((np.arange(size) + 0.5) / size - 0.5).astype(np.float32)
    x, y = np.meshgrid(line, -line)
    x.setflags(write=False)
    y.setflags(write=False)
    return x, y


class _Placement(NamedTuple):
    """Where an object stands: centre, radius, turn and tilt."""

    left: float
    up: float
    radius: float
    angle: float
    squash: float
    squash_angle: float

    def local(self, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Returns positions in the object's own frame, in units of its radius."""
        cosine, sine = np.cos(self.squash_angle), np.sin(self.squash_angle)
        squash = np.array([[cosine, sine], [-sine, cosine]])
        squash = squash.T @ np.diag([1.0, 1.0 / self.squash]) @ squash
        cosine, sine = np.cos(self.angle), np.sin(self.angle)
        matrix = (np.array([[cosine, sine], [-sine, cosine]]) @ squash / self.radius).astype(np.float32)
        right, over = x - np.float32(self.left), y - np.float32(self.up)
        return matrix[0, 0] * right + matrix[0, 1] * over, matrix[1, 0] * right + matrix[1, 1] * over


def _place(shape: str, rng: np.random.Generator) -> _Placement:
    """Chooses where an object stands; hearts stay nearly upright, the others turn freely."""
    radius = rng.triangular(0.16, 0.39, 0.43)
    reach = max(0.5 + 0.03 - radius, 0.0)  # at most 3% of the picture's width beyond its border
    left, up = rng.uniform(-reach, reach, size=2)
    turn = rng.uniform(-1, 1)
    angle = turn * (np.pi / 4.5 if shape == "heart" else np.pi)
    return _Placement(left, up, radius, angle, rng.uniform(0.84, 1.0), rng.uniform(0, np.pi))


def draw(
    composition: Composition, *, seed: int, split: str = "demo", index: int = 0, size: int = IMAGE_SIZE
) -> Drawing:
    """Draws one picture of a class.

    Args:
        composition: What to draw; one of `CLASSES`.
        seed: Seed of the whole set, 0 or more.
        split: `demo`, `train` or `held-out`: three sets that share no drawing.
        index: Number of the drawing within its class and split, 0 or more.
        size: Height and width in pixels; the same drawing at any size, but for its grain.

    Returns:
        The picture and the object's mask.

    Raises:
        ValueError: The composition is no class.
        KeyError: There is no such split.
    """
    key = (seed, SPLITS[split], CLASSES.index(composition), index)
    rng, grain_rng = (np.random.Generator(np.random.PCG64(s)) for s in np.random.SeedSequence(key).spawn(2))
    x, y = _positions(size)
    pixel = 1.0 / size

    picture = paint_ground(x, y, rng)
    tones = [*COLOURS.values(), *_OTHER_TONES]
    scatter(picture, x, y, list(COLOURS.values()), rng, kind=DECOY, count=int(rng.choice(3, p=[0.65, 0.25, 0.10])))
    scatter(picture, x, y, tones, rng, kind=LIGHT, count=int(rng.integers(0, 4)))
    scatter(picture, x, y, tones, rng, kind=PIECE, count=int(rng.integers(0, 7)))

    place = _place(composition.shape, rng)
    character = rng.random()

    def distance_to_object(left: float, up: float) -> np.ndarray:
        """Returns the distance to the object's outline once it is moved, in picture widths."""
        u, v = place.local(x - np.float32(left), y - np.float32(up))
        return SHAPES[composition.shape](u, v, character) * np.float32(place.radius * place.squash**0.5)

    blur, drop, depth = rng.uniform(0.02, 0.05), rng.uniform(0.01, 0.035), rng.uniform(0.25, 0.5)
    shadow = distance_to_object(rng.uniform(-0.5, 0.5) * drop, -drop)
    blend(picture, _SHADOW.rgb(), np.float32(depth) * (1 - smoothstep(shadow, -blur, blur)))

    distance = distance_to_object(0.0, 0.0)
    tone = COLOURS[composition.colour].moved(
        lightness=rng.uniform(-0.05, 0.04), chroma=rng.uniform(-0.03, 0.02), hue=rng.uniform(-11, 11)
    )
    _outline(picture, distance, tone, pixel, rng)
    mask = np.clip(np.float32(0.5) - distance / np.float32(pixel), 0, 1)
    _fill(picture, (x, y), distance, mask, composition, tone, rng)

    before = int(rng.integers(1, 6)) if rng.random() < 0.4 else 0
    mask = mask * (1 - scatter(picture, x, y, tones, rng, kind=PIECE, count=before))
    if rng.random() < 0.3:  # coloured light
        picture *= Tone(rng.uniform(0.86, 0.98), rng.uniform(0.0, 0.05), rng.uniform(0, 360)).rgb()[:, None, None]
    grain = max(rng.uniform(-0.012, 0.022), 0.0)  # none in a third of the pictures
    if grain > 0:
        picture += np.float32(grain) * grain_rng.standard_normal(x.shape, dtype=np.float32)
    image = (np.clip(picture, 0, 1) * np.float32(255) + np.float32(0.5)).astype(np.uint8)
    return Drawing(rearrange(image, "channel height width -> height width channel").copy(), mask)


def _darker(tone: Tone, difference: float) -> Tone:
    """Returns a deeper tone of a class's colour; a darker yellow looks olive, so it goes towards orange."""
    towards = -16.0 if 60 < tone.hue < 120 else 0.0
    return tone.moved(lightness=-difference, chroma=-difference / 8, hue=towards)


def _outline(picture: np.ndarray, distance: np.ndarray, tone: Tone, pixel: float, rng: np.random.Generator) -> None:
    """Draws the line round the object: a white border as on a sticker, a dark line, or none, a third each."""
    kind, width = rng.integers(3), rng.random()
    if kind == 0:
        colour, width = Tone(0.985, 0.005, tone.hue), 0.018 + 0.018 * width
    elif kind == 1:
        colour, width = _darker(tone, 0.32), 0.008 + 0.012 * width
    else:
        return
    blend(picture, colour.rgb(), np.clip(np.float32(0.5) - (distance - np.float32(width)) / np.float32(pixel), 0, 1))


def _fill(
    picture: np.ndarray,
    positions: tuple[np.ndarray, np.ndarray],
    distance: np.ndarray,
    mask: np.ndarray,
    composition: Composition,
    tone: Tone,
    rng: np.random.Generator,
) -> None:
    """Fills the object with its two tones and a soft light from above, in place."""
    x, y = positions
    angle, pitch, character = rng.uniform(0, np.pi), rng.uniform(0.06, 0.125), rng.random()
    if composition.texture == "checked":
        pitch *= 1.3  # two squares a period
    cosine, sine = np.float32(np.cos(angle) / pitch), np.float32(np.sin(angle) / pitch)
    start = rng.random(2).astype(np.float32)
    pattern = TEXTURES[composition.texture](
        x * cosine + y * sine + start[0], y * cosine - x * sine + start[1], character, 1.0 / (x.shape[0] * pitch)
    )
    if rng.random() < 0.55:
        second = Tone(rng.uniform(0.88, 0.98), rng.uniform(0.01, 0.05), tone.hue)
    else:
        second = _darker(tone, rng.uniform(0.09, 0.27))
    inked = np.empty_like(picture)
    inked[:] = tone.rgb()[:, None, None]
    blend(inked, second.rgb(), pattern)
    light = 1 + np.float32(rng.uniform(0.04, 0.16)) * (y - x * np.float32(0.5)) * 2
    light -= np.float32(0.12) * smoothstep(distance, -0.035, 0.005)
    inked *= light
    picture += mask * (inked - picture)


def draw_batch(numbers: list[tuple[int, int]], *, seed: int, split: str, size: int = IMAGE_SIZE) -> np.ndarray:
    """Draws several pictures.

    Args:
        numbers: Class index and drawing number of each picture.
        seed: Seed of the whole set.
        split: As for `draw`.
        size: Height and width in pixels.

    Returns:
        The pictures, uint8 of shape (image, height, width, 3).
    """
    return np.stack([draw(CLASSES[c], seed=seed, split=split, index=i, size=size).image for c, i in numbers])
