"""The picture as the model sees it: resize the short side, crop the centre, scale by mean and deviation.

Resizing and cropping give 8-bit pixels, so that the pictures cut for people later are the very pixels that were
counted. Mean and deviation are applied on the computing device. This module does not import torch.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from PIL import Image

from arete_core.errors import SettingError

IMAGENET_MEAN = (0.485, 0.456, 0.406)  # of the ImageNet training images in RGB, 0 to 1; torchvision's default
IMAGENET_STD = (0.229, 0.224, 0.225)
DEFAULT_IMAGE_SIZE = 224  # what torchvision's classifiers are trained for, Inception v3 and EfficientNet apart

RESAMPLING = {
    "nearest": Image.Resampling.NEAREST,
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
    "lanczos": Image.Resampling.LANCZOS,
}
_LONGEST_SHAPE = 16


@dataclass(frozen=True)
class ImageTransform:
    """How a picture becomes the model's input.

    Attributes:
        image_size: Side of the square input, in pixels.
        resize: What the short side is resized to before the centre is cropped; `image_size` unless the weights bring
            a larger one.
        interpolation: A key of `RESAMPLING`. Pillow averages when it makes a picture smaller (antialias).
        mean: Of red, green and blue, 0 to 1.
        std: Deviation of red, green and blue, above 0.
    """

    image_size: int = DEFAULT_IMAGE_SIZE
    resize: int = DEFAULT_IMAGE_SIZE
    interpolation: str = "bilinear"
    mean: tuple[float, float, float] = IMAGENET_MEAN
    std: tuple[float, float, float] = IMAGENET_STD

    def __post_init__(self) -> None:
        if not 1 <= self.image_size <= self.resize <= 4096:
            raise SettingError(
                f"image size {self.image_size} (resized to {self.resize}) cannot work: 1 to 4096 pixels are expected, "
                "and the crop not larger than what it is cut from"
            )
        if self.interpolation not in RESAMPLING:
            raise SettingError(f"interpolation {self.interpolation!r} is none of {', '.join(RESAMPLING)}")
        if any(value <= 0 for value in self.std):
            raise SettingError(f"the deviation {self.std} of the weights' transform is not above 0")

    def at_size(self, image_size: int) -> "ImageTransform":
        """Returns the same transform for another input size: resized to and cropped at that size."""
        return replace(self, image_size=image_size, resize=image_size)

    def pixels(self, picture: Image.Image) -> np.ndarray:
        """Returns the picture as the model sees it, before mean and deviation.

        The sizes are rounded as torchvision's `Resize` and `CenterCrop` round them.

        Args:
            picture: RGB, any size.

        Returns:
            uint8 `(image_size, image_size, 3)`.
        """
        width, height = picture.size
        if max(width, height) > _LONGEST_SHAPE * min(width, height):
            picture = _cut_to_shape(picture)
            width, height = picture.size
        if min(width, height) != self.resize:
            # A picture whose short side fits already is not resampled, only cropped.
            short = min(width, height)
            size = (int(self.resize * width / short), int(self.resize * height / short))
            picture = picture.resize(size, RESAMPLING[self.interpolation])
        left = round((picture.width - self.image_size) / 2.0)
        top = round((picture.height - self.image_size) / 2.0)
        if (picture.width, picture.height) != (self.image_size, self.image_size):
            picture = picture.crop((left, top, left + self.image_size, top + self.image_size))
        return np.array(picture)  # a copy: torch refuses what cannot be written to

    def as_settings(self) -> dict[str, Any]:
        """Returns the fields as plain JSON values, for the manifest."""
        fields = asdict(self)
        return {name: list(value) if isinstance(value, tuple) else value for name, value in fields.items()}


def transform_of(settings: Mapping[str, Any]) -> ImageTransform:
    """Makes a transform of what `ImageTransform.as_settings` returned."""
    values: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in settings.items()
    }
    return ImageTransform(**values)


def _cut_to_shape(picture: Image.Image) -> Image.Image:
    # The centre is all that is kept anyway; resizing a strip of 1 x 10,000 whole would take 150 GB.
    width, height = picture.size
    longest = _LONGEST_SHAPE * min(width, height)
    left, top = max(0, (width - longest) // 2), max(0, (height - longest) // 2)
    return picture.crop((left, top, left + min(width, longest), top + min(height, longest)))
