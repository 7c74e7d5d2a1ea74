"""The strongest images of each channel, in whatever pieces they arrive; and the squares cut out of them."""

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from arete_ingest.strips import Box, cut_tile, encode_strip, square_around
from arete_ingest.strongest import merge, no_images, strongest_of


def by_sorting(maxima: np.ndarray, k: int) -> list[list[tuple[float, int]]]:
    """Per channel the k strongest (activation, image), written from the definition."""
    return [
        sorted(((float(a), image) for image, a in enumerate(column) if a > 0), key=lambda p: (-p[0], p[1]))[:k]
        for column in maxima.T
    ]


# A busy machine makes drawing examples slow; that says nothing about the code.
@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    # Few different values: many ties.
    values=st.lists(st.lists(st.sampled_from([-1.0, 0.0, 1.0, 2.0]), min_size=3, max_size=3), min_size=1, max_size=9),
    k=st.integers(0, 4),
    cut=st.integers(1, 9),
)
def test_pieces_give_what_sorting_gives(values: list[list[float]], k: int, cut: int) -> None:
    maxima = np.asarray(values, np.float32)
    state = no_images(3, k)
    for first in range(0, len(maxima), cut):
        piece = torch.from_numpy(maxima[first : first + cut])
        ids = list(range(first, first + len(piece)))
        positions = torch.arange(len(piece) * 3).reshape(-1, 3) + 3 * first
        state = merge(state, strongest_of(piece, positions, ids, k))
    for channel, expected in enumerate(by_sorting(maxima, k)):
        found = [
            (float(a), int(i)) for a, i in zip(state.activation[channel], state.image[channel], strict=True) if i >= 0
        ]
        assert found == expected
        for rank, (_, image) in enumerate(expected):
            assert state.position[channel, rank] == 3 * image + channel


@pytest.mark.parametrize(
    ("box", "square"),
    [
        (Box(4, 4, 9, 9), Box(4, 4, 9, 9)),
        (Box(0, 4, 3, 12), Box(0, 4, 8, 12)),  # clipped at the left border: widened to the right
        (Box(20, 0, 32, 32), Box(0, 0, 32, 32)),
        (Box(10, 10, 12, 16), Box(8, 10, 14, 16)),
        (Box(31, 31, 32, 32), Box(31, 31, 32, 32)),
    ],
)
def test_squares_hold_the_box_and_stay_inside(box: Box, square: Box) -> None:
    assert square_around(box, 32) == square


def test_a_tile_shows_what_is_in_the_box() -> None:
    pixels = np.zeros((32, 32, 3), np.uint8)
    pixels[8:16, 4:12] = (250, 10, 20)
    assert (cut_tile(pixels, Box(4, 8, 12, 16), 48) == (250, 10, 20)).all()
    assert cut_tile(pixels, Box(0, 0, 32, 32), 48).mean() < 30


def test_a_strip_is_a_webp_of_square_tiles() -> None:
    tiles = np.stack([np.full((24, 24, 3), value, np.uint8) for value in (30, 120, 220)])
    data, digest = encode_strip(tiles)
    assert encode_strip(tiles) == (data, digest)
    import io

    with Image.open(io.BytesIO(data)) as picture:
        assert (picture.format, picture.size) == ("WEBP", (72, 24))
        shown = np.asarray(picture.convert("L")).astype(int)
    assert [shown[12, x] for x in (12, 36, 60)] == pytest.approx([30, 120, 220], abs=6)
