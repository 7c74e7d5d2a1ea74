"""Resize, crop, mean and deviation, against torchvision's own."""

import numpy as np
import pytest
import torch
from image_folders import make_picture
from PIL import Image
from torchvision import transforms

from arete_core.errors import SettingError
from arete_ingest.transform import IMAGENET_MEAN, IMAGENET_STD, ImageTransform
from arete_ingest.unit_count import model_input


@pytest.mark.parametrize("size", [(64, 64), (100, 60), (61, 97), (224, 224), (30, 31), (500, 375)])
@pytest.mark.parametrize(("resize", "crop"), [(48, 48), (64, 56), (33, 24)])
def test_it_is_torchvisions_resize_and_crop(size: tuple[int, int], resize: int, crop: int) -> None:
    picture = make_picture((120, 90, 200), seed=3, size=size)
    reference = transforms.Compose(
        [
            transforms.Resize(resize),
            transforms.CenterCrop(crop),
            transforms.ToTensor(),
            transforms.Normalize(IMAGENET_MEAN, IMAGENET_STD),
        ]
    )(picture)
    transform = ImageTransform(image_size=crop, resize=resize)
    found = model_input(transform.pixels(picture)[None], transform, torch.device("cpu"))[0]
    # The same pixels; mean and deviation are applied in the same order, in float32.
    torch.testing.assert_close(found, reference, rtol=0, atol=1e-6)


def test_a_picture_of_the_right_size_is_left_as_it_is() -> None:
    picture = make_picture((120, 90, 200), seed=3, size=(32, 32))
    assert np.array_equal(ImageTransform(32, 32).pixels(picture), np.asarray(picture))


@pytest.mark.parametrize("size", [(1, 1), (1, 20_000), (20_000, 2)])
def test_extreme_shapes_fit_into_memory(size: tuple[int, int]) -> None:
    # Resized whole, the strip would have 224 x 4,480,000 pixels.
    picture = Image.new("RGB", size, (10, 20, 30))
    pixels = ImageTransform(224, 224).pixels(picture)
    assert pixels.shape == (224, 224, 3)
    assert (pixels == (10, 20, 30)).all()


def test_at_size_resizes_to_that_size() -> None:
    assert ImageTransform(224, 256).at_size(96) == ImageTransform(96, 96)


@pytest.mark.parametrize(
    "options",
    [
        {"image_size": 0, "resize": 0},
        {"image_size": 64, "resize": 32},
        {"interpolation": "cubic"},
        {"std": (0.2, 0.0, 0.2)},
    ],
)
def test_what_cannot_work_is_refused(options: dict) -> None:
    with pytest.raises(SettingError):
        ImageTransform(**options)
