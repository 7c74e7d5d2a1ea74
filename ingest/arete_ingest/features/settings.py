"""What is asked for when feature visualizations are made, checked when it is written down. Does not import torch."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from arete_core.errors import SettingError
from arete_ingest.ranges import check_ranges

KEPT, ALL = "kept", "all"
METHOD = 2
"""Counted up when the same settings make other pictures; 1 where a manifest does not say."""


@dataclass(frozen=True, kw_only=True)
class FeatureSettings:
    """All settings of the job. Those marked * change the pictures; all pictures of a run are made with the same ones.

    Attributes:
        run: Run folder, whole.
        model: As at ingest; the name that the run's manifest gives when None.
        weights: As at ingest; may be None where the manifest says `DEFAULT`, `random` or `factory`.
        channels: `kept` (in some class's attribution graph, the most used first), `all` (these, then all others),
            layers' names, or channels `layer/channel`.
        mass: `kept` is also what graphs hold at this share of each layer's rank mass, above 0 and at most 1.
        size: * Side of the pictures that are optimised, in pixels; by the layer when None, see `sizes`.
        steps: * Steps of gradient ascent.
        rate: * Learning rate.
        diversity: * Further, different pictures a channel; 0, or 2 to 8.
        tile_px: * Side of a tile of the strips.
        seed: * Another one gives other pictures.
        batch: Pictures computed at once, by each thread on a CPU; those of at least one channel.
        threads: Batches computed beside each other on a CPU; as many as cores when None.
        device: `auto`, `cpu`, `cuda` or `cuda:N`.
        replace: Make all anew where the run has pictures of other settings.
        limit: At most this many channels, the first of those asked for; all when None.
    """

    run: Path
    model: str | None = None
    weights: str | None = None
    channels: tuple[str, ...] = (KEPT,)
    mass: float | None = None
    size: int | None = None
    steps: int = 80
    rate: float = 0.1
    diversity: int = 4
    tile_px: int = 96
    seed: int = 0
    batch: int | None = None
    threads: int | None = None
    device: str = "auto"
    replace: bool = False
    limit: int | None = None

    def __post_init__(self) -> None:
        """Checks what can be checked without opening anything.

        Raises:
            SettingError: If a value cannot work.
        """
        ranges = (
            ("size", 16, 1024),
            ("steps", 1, 10_000),
            ("diversity", 0, 8),
            ("tile_px", 16, 512),
            ("batch", 1, 4096),
            ("threads", 1, 256),
            ("limit", 1, None),
        )
        check_ranges(self, ranges)
        if self.diversity == 1:
            raise SettingError("diversity is 1, and one picture has nothing to differ from", hint="0, or 2 and more")
        if self.mass is not None and not 0 < self.mass <= 1:
            raise SettingError(f"mass is {self.mass}, above 0 and at most 1 was expected")
        if not 0 < self.rate <= 10:
            raise SettingError(f"rate is {self.rate}, above 0 and at most 10 was expected")

    def method(self) -> dict[str, Any]:
        """Returns the settings that change the pictures, as plain JSON values."""
        settings = ("size", "steps", "rate", "diversity", "tile_px", "seed")
        return {"method": METHOD} | {name: getattr(self, name) for name in settings}


def picture_size(receptive: int, image_size: int) -> int:
    """Returns the side of the pictures of a layer, where none is asked for.

    Twice what one position sees, so that small patterns are large enough to be seen and first layers cost little; 48 at
    least, and no more than the run's images or 128 pixels.

    Args:
        receptive: Side of the receptive field, in pixels.
        image_size: Side of the run's images.

    Returns:
        A multiple of 16.
    """
    most = max(16, min(image_size, 128) // 16 * 16)
    return max(min(48, most), min(most, -(-2 * receptive // 16) * 16))
