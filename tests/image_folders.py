"""Image folders for tests: small pictures of coloured noise, a different colour for each class."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from PIL import Image

COLOURS = ((220, 60, 40), (40, 200, 80), (60, 80, 230), (200, 200, 40))


def make_picture(colour: tuple[int, int, int], seed: int, size: tuple[int, int] = (20, 18)) -> Image.Image:
    """Draws noise around a colour, always the same for the same seed."""
    rng = np.random.default_rng(seed)
    pixels = np.asarray(colour) + rng.integers(-60, 60, (size[1], size[0], 3))
    return Image.fromarray(pixels.clip(0, 255).astype(np.uint8))


def make_folder(root: Path, classes: Sequence[str] = ("a", "b", "c"), images: int = 20) -> Path:
    """Writes `root/CLASS/NN.png` and returns root."""
    for number, name in enumerate(classes):
        (root / name).mkdir(parents=True)
        for image in range(images):
            picture = make_picture(COLOURS[number % len(COLOURS)], seed=100 * number + image)
            picture.save(root / name / f"{image:02d}.png")
    return root


@contextmanager
def as_nobody() -> Iterator[None]:
    """Gives up root's right to read everything, where the tests run as root."""
    user = os.geteuid()
    if user == 0:
        os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(user)
