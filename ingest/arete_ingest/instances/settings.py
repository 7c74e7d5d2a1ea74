"""What is asked for when single images are measured, checked when it is written down. Does not import torch."""

from dataclasses import dataclass
from pathlib import Path

from arete_ingest.ranges import check_ranges

IMAGES = 50
"""Images of a class, unless told otherwise: enough to see clusters, and a class of GoogLeNet takes half a megabyte."""
TILE_PX = 64
"""Side of a thumbnail: 32 pixels on a screen with two of its pixels each."""


@dataclass(frozen=True, kw_only=True)
class InstanceSettings:
    """All settings of the job.

    Attributes:
        run: Run folder, whole.
        data: Folder of the images, as at ingest or where it lies now.
        classes: Names or indices of classes; all labels (all class sets, where there are no labels) when empty.
        images: How many images of each class; all when None.
        layers: Names of the layers to measure in; those of the images that are there already, else all, when empty.
        model: As at ingest; the name that the run's manifest gives when None.
        weights: As at ingest; may be None where the manifest says `DEFAULT`, `random` or `factory`.
        seed: Another one chooses other images, and places all otherwise.
        tile_px: Side of a thumbnail, in pixels.
        device: `auto`, `cpu`, `cuda` or `cuda:N`.
        batch_size: Images computed at once by each thread; by the device when None.
        workers: Threads that decode and, on a CPU, compute; as many as cores when None.
        replace: Drop what is there, and make only what is asked for.
    """

    run: Path
    data: Path
    classes: tuple[str, ...] = ()
    images: int | None = IMAGES
    layers: tuple[str, ...] = ()
    model: str | None = None
    weights: str | None = None
    seed: int = 0
    tile_px: int = TILE_PX
    device: str = "auto"
    batch_size: int | None = None
    workers: int | None = None
    replace: bool = False

    def __post_init__(self) -> None:
        """Checks what can be checked without opening anything.

        Raises:
            SettingError: If a value cannot work.
        """
        ranges = (
            ("images", 1, None),
            ("seed", 0, 2**32 - 1),
            ("tile_px", 16, 224),
            ("batch_size", 1, 4096),
            ("workers", 1, 256),
        )
        check_ranges(self, ranges)
