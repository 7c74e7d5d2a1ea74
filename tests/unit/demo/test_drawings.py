import colorsys
import itertools
from typing import cast

import numpy as np
import pytest
from scipy import ndimage
from scipy.spatial import ConvexHull

from arete_ingest.demo.drawings import CLASSES, COLOURS, Composition, draw, draw_batch
from arete_ingest.demo.shapes import SHAPES
from arete_ingest.demo.textures import TEXTURES

FOLDERS = [composition.folder for composition in CLASSES]


def test_classes_are_every_combination_in_folder_order() -> None:
    assert {tuple(c) for c in CLASSES} == set(itertools.product(SHAPES, TEXTURES, COLOURS))
    assert len(CLASSES) == 36
    assert sorted(FOLDERS) == FOLDERS
    star = Composition("star", "striped", "red")
    assert (star.name, star.folder) == ("red striped star", "red-striped-star")


def test_a_drawing_depends_on_its_seed_split_class_and_index_alone() -> None:
    first = draw(CLASSES[5], seed=3, split="train", index=2)
    for _ in range(3):  # whatever was drawn before
        draw(CLASSES[0], seed=1)
    again = draw(CLASSES[5], seed=3, split="train", index=2)
    assert first.image.tobytes() == again.image.tobytes()
    assert first.mask.tobytes() == again.mask.tobytes()
    others = [
        draw(CLASSES[5], seed=4, split="train", index=2),
        draw(CLASSES[5], seed=3, split="demo", index=2),
        draw(CLASSES[5], seed=3, split="train", index=3),
        draw(CLASSES[6], seed=3, split="train", index=2),
    ]
    assert len({drawing.image.tobytes() for drawing in [first, *others]}) == 5


def test_an_unknown_split_or_class_is_refused() -> None:
    with pytest.raises(KeyError):
        draw(CLASSES[0], seed=0, split="validation")
    with pytest.raises(ValueError, match="not in tuple"):
        draw(Composition("star", "striped", "green"), seed=0)


def test_a_batch_holds_the_single_drawings() -> None:
    batch = draw_batch([(4, 1), (30, 0)], seed=2, split="held-out")
    assert batch.shape == (2, 96, 96, 3)
    assert batch.dtype == np.uint8
    assert np.array_equal(batch[1], draw(CLASSES[30], seed=2, split="held-out", index=0).image)


def test_the_same_drawing_comes_at_any_size() -> None:
    for index in range(6):
        small = draw(CLASSES[index * 7 % 36], seed=1, index=index, size=64).mask
        large = draw(CLASSES[index * 7 % 36], seed=1, index=index, size=256).mask
        shrunk = large.reshape(64, 4, 64, 4).mean(axis=(1, 3))
        # Only the antialiased edge differs.
        assert np.abs(shrunk - small).mean() < 0.01
        assert small.mean() > 0.02


def _mean_hue(pixels: np.ndarray, weights: np.ndarray) -> float:
    """Returns the mean hue of pixels in degrees; pale pixels count less."""
    hsv = np.array([colorsys.rgb_to_hsv(*pixel) for pixel in pixels / 255])
    weights = weights * hsv[:, 1] * hsv[:, 2]
    return float(np.degrees(np.angle(np.sum(weights * np.exp(2j * np.pi * hsv[:, 0])))) % 360)


@pytest.mark.parametrize("folder", FOLDERS)
def test_the_named_colour_dominates_inside_the_object(folder: str) -> None:
    composition = CLASSES[FOLDERS.index(folder)]
    hues = {"red": 355.0, "yellow": 45.0, "blue": 220.0}
    for index in range(4):
        drawing = draw(composition, seed=11, index=index)
        inside = drawing.mask > 0.9
        hue = _mean_hue(drawing.image[inside], drawing.mask[inside])
        distances = {name: abs((hue - wanted + 180) % 360 - 180) for name, wanted in hues.items()}
        assert min(distances, key=lambda name: distances[name]) == composition.colour, (index, hue)


def test_other_classes_colours_lie_outside_the_object() -> None:
    """A picture's colours must not tell its class: strong red is found outside many an object that is not red."""
    found = 0
    drawings = [draw(c, seed=5, index=i) for c in CLASSES if c.colour != "red" for i in range(3)]
    for drawing in drawings:
        red, green, blue = (drawing.image[..., channel].astype(int) for channel in range(3))
        found += np.sum((red > 150) & (red > green + 70) & (red > blue + 70) & (drawing.mask == 0)) >= 20
    assert found / len(drawings) > 0.25


def _whole_masks(shape: str, count: int) -> list[np.ndarray]:
    """Returns masks of objects that lie wholly inside their picture, with no confetti before them."""
    masks = []
    for index in itertools.count():
        composition = Composition(shape, "striped", "blue")
        mask = ndimage.binary_closing(draw(composition, seed=8, index=index, size=128).mask > 0.5, iterations=2)
        border = np.concatenate([mask[:2].ravel(), mask[-2:].ravel(), mask[:, :2].ravel(), mask[:, -2:].ravel()])
        if not border.any() and cast("tuple[np.ndarray, int]", ndimage.label(mask))[1] == 1:
            masks.append(mask)
        if len(masks) == count:
            return masks
    raise AssertionError


def _describe(mask: np.ndarray) -> tuple[float, float, int]:
    """Returns the share of the filled shape that is hole, its share of its convex hull, and its number of tips."""
    filled = ndimage.binary_fill_holes(mask)
    assert filled is not None
    hole = 1 - mask.sum() / filled.sum()
    points = np.argwhere(filled)
    solidity = filled.sum() / ConvexHull(points).volume
    centre = points.mean(axis=0)
    outline = points[~np.asarray(ndimage.binary_erosion(filled), dtype=bool)[tuple(points.T)]] - centre
    angles, radii = np.arctan2(*outline.T), np.hypot(*outline.T)
    bins = np.floor((angles + np.pi) / (2 * np.pi) * 36).astype(int) % 36
    profile = np.array([radii[bins == number].max(initial=0) for number in range(36)])
    smooth = np.asarray(ndimage.gaussian_filter1d(profile, 1.0, mode="wrap"))
    peaks = (smooth > np.roll(smooth, 1)) & (smooth >= np.roll(smooth, -1)) & (smooth > 1.1 * smooth.mean())
    return float(hole), float(solidity), int(peaks.sum())


def test_each_shape_has_its_own_geometry() -> None:
    described = {shape: [_describe(mask) for mask in _whole_masks(shape, 10)] for shape in SHAPES}
    # A hull through pixel centres is a little smaller than the pixels' area: solidity reaches 1.02.
    for hole, solidity, tips in described["ring"]:
        assert hole > 0.1
        assert solidity > 0.95
        assert tips == 0
    for hole, solidity, tips in described["heart"]:
        assert hole < 0.03
        assert solidity > 0.93
        assert 1 <= tips <= 3
    for hole, solidity, tips in described["star"]:
        assert hole < 0.03
        assert solidity < 0.82
        assert tips == 5
    for hole, solidity, tips in described["moon"]:
        assert hole < 0.03
        assert solidity < 0.82
        assert tips == 2


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("character", [0.0, 0.5, 1.0])
def test_shapes_are_distances_that_fit_the_unit_circle(shape: str, character: float) -> None:
    line = np.linspace(-1.5, 1.5, 601, dtype=np.float32)
    x, y = np.meshgrid(line, line)
    distance = SHAPES[shape](x, y, character)
    inside = distance < 0
    assert np.hypot(x, y)[inside].max() < 1.12
    assert 0.9 < max(np.ptp(x[inside]), np.ptp(y[inside])) / 2 <= 1.1
    # A distance grows by one per unit of length: check it near the outline, away from the medial axis.
    slope = np.hypot(*np.gradient(distance, line[1] - line[0]))[np.abs(distance) < 0.03]
    assert np.median(slope) == pytest.approx(1, abs=0.01)
    assert np.mean(np.abs(slope - 1) < 0.05) > 0.95


@pytest.mark.parametrize(
    ("texture", "least", "most"), [("striped", 0.4, 0.6), ("checked", 0.48, 0.52), ("dotted", 0.2, 0.4)]
)
def test_textures_repeat_and_share_the_area(texture: str, least: float, most: float) -> None:
    line = np.linspace(0, 4, 400, endpoint=False, dtype=np.float32)
    u, v = np.meshgrid(line, line, indexing="ij")
    for character in (0.0, 0.5, 1.0):
        cover = TEXTURES[texture](u, v, character, 0.02)
        assert cover.min() == 0
        assert cover.max() == 1
        assert least < cover.mean() < most
        moved = TEXTURES[texture](u + 2, v + 1, character, 0.02)
        assert np.abs(moved - cover).max() < 0.01
        varies_along = np.ptp(cover, axis=1).max() > 0.5
        assert varies_along == (texture != "striped")


def _coherence(image: np.ndarray, mask: np.ndarray) -> float:
    """Returns how far the gradients inside an object share one direction: 1 for straight stripes, 0 for none."""
    grey = image.astype(float).mean(axis=2)
    inside = np.asarray(ndimage.binary_erosion(mask > 0.99, iterations=4), dtype=bool)
    down, right = (np.asarray(ndimage.sobel(grey, axis))[inside] for axis in (0, 1))
    return float(np.abs(np.sum((right + 1j * down) ** 2)) / np.sum(right**2 + down**2))


@pytest.mark.parametrize("colour", COLOURS)
def test_only_stripes_run_in_one_direction(colour: str) -> None:
    by_texture: dict[str, list[float]] = {texture: [] for texture in TEXTURES}
    for texture, index in itertools.product(TEXTURES, range(12)):
        drawing = draw(Composition("heart", texture, colour), seed=13, index=index, size=192)
        by_texture[texture].append(_coherence(drawing.image, drawing.mask))
    assert np.median(by_texture["striped"]) > 0.6
    assert np.median(by_texture["checked"]) < 0.3
    assert np.median(by_texture["dotted"]) < 0.3
