"""What the reads answer with of images: which there are, where they lie, what excites a channel."""

from dataclasses import dataclass
from enum import StrEnum


class ImageFilter(StrEnum):
    """Which images of a class are asked for, by whether the model's largest output is that of their own label."""

    ALL = "all"
    CORRECT = "correct"
    MISCLASSIFIED = "misclassified"


@dataclass(frozen=True)
class StripInfo:
    """A strip of square tiles side by side, `tile_px` pixels each; `sha256` is its content's."""

    sha256: str
    tiles: int
    tile_px: int


@dataclass(frozen=True)
class ThumbnailInfo:
    """Tile `tile` of a run's strip of thumbnails number `number`: a small picture of an image as the model saw it."""

    number: int
    tile: int
    strip: StripInfo


@dataclass(frozen=True)
class ImageInfo:
    """An image; `number` is its id in the run folder, and its path is for nobody.

    `class_id` is the class of its label, which may be no class of the run; `predicted_id` that of the largest output,
    None where that stands for no class. `probability`: of its label, None where it is not known which output that is.
    """

    id: str
    run: str
    number: int
    class_id: str
    predicted_id: str | None
    probability: float | None
    thumbnail: ThumbnailInfo | None = None


@dataclass(frozen=True)
class Instances:
    """Where images lie in a layer among those that were measured, alike ones near each other: parallel lists.

    Centred at 0 with a root mean square distance of 1, in every layer.
    """

    layer: str
    images: tuple[ImageInfo, ...]
    x: tuple[float, ...]
    y: tuple[float, ...]


@dataclass(frozen=True)
class ImageActivations:
    """Channel maxima of an image in a layer: the largest activation over space of each channel, 0 or more."""

    image: ImageInfo
    layer: str
    values: tuple[float, ...]


@dataclass(frozen=True)
class ExampleInfo:
    """A dataset example: the image with the `rank`-th largest activation of a channel, 0 being the strongest.

    `box` is what of the image the channel saw, in pixels of the model's input: left, top, right, bottom, the last two
    exclusive. Its tile is the `rank`-th of `strip`, which is that of the class `class_index`, or of the whole run.
    """

    rank: int
    image: ImageInfo
    activation: float
    box: tuple[int, ...]
    layer_index: int
    channel_index: int
    class_index: int | None
    strip: StripInfo | None


@dataclass(frozen=True)
class Embedding:
    """Where classes lie in a layer, alike ones near each other: ids and coordinates, as parallel lists.

    Centred at 0 with a root mean square distance of 1, in every layer.
    """

    layer: str
    classes: tuple[str, ...]
    x: tuple[float, ...]
    y: tuple[float, ...]
