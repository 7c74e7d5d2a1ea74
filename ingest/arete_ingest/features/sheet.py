"""A contact sheet: feature visualizations beside dataset examples, for looking at them. Does not import torch."""

from collections.abc import Sequence
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from arete_core.errors import NotFoundError
from arete_core.exclusions import Channel
from arete_core.run_folder import RunFolder

_TILE_PX = 80
_LABEL_PX = 16
_GAP_PX = 10
_GROUND = (255, 255, 255)
_INK = (40, 40, 40)


def draw_sheet(folder: RunFolder, channels: Sequence[Channel], file: Path, *, per_layer: int = 6) -> int:
    """Draws a contact sheet.

    Args:
        folder: A run folder.
        channels: Channels in order; of each layer the first ones that have a feature visualization are shown.
        file: Where to write it; the suffix says which kind of picture.
        per_layer: How many a layer.

    Returns:
        Number of channels shown.

    Raises:
        NotFoundError: If none of the channels has a feature visualization.
        OSError: If it cannot be written.
    """
    names = folder.table("layers").sort_by("layer").column("name").to_pylist()
    features, sprites = (
        {(row["layer"], row["channel"]): row for row in folder.table(table).to_pylist() if row["file"]}
        for table in ("features", "sprites")
    )
    shown: dict[int, list[Channel]] = {}
    for channel in channels:
        own = shown.setdefault(channel[0], [])
        if channel in features and len(own) < per_layer:
            own.append(channel)
    count = sum(map(len, shown.values()))
    if not count:
        raise NotFoundError("feature visualization", folder.manifest.id, hint=f"arete features {folder.path}")
    tiles = max(features[channel]["tiles"] for own in shown.values() for channel in own)
    examples = max(
        (sprites[channel]["tiles"] for own in shown.values() for channel in own if channel in sprites), default=0
    )
    cell = ((tiles + examples) * _TILE_PX + 2 * _GAP_PX, _TILE_PX + _LABEL_PX)
    columns = 2 if count > 8 else 1
    lines = [
        [*own[first : first + columns]] for _, own in sorted(shown.items()) for first in range(0, len(own), columns)
    ]
    sheet = Image.new("RGB", (columns * cell[0], len(lines) * cell[1]), _GROUND)
    pen, font = ImageDraw.Draw(sheet), ImageFont.load_default(11)
    for row, line in enumerate(lines):
        for column, channel in enumerate(line):
            left, top = column * cell[0], row * cell[1]
            pen.text((left, top + 2), f"{names[channel[0]]}/{channel[1]}", fill=_INK, font=font)
            feature, sprite = features[channel], sprites.get(channel)
            sheet.paste(_strip(folder.path, feature), (left, top + _LABEL_PX))
            if sprite:
                sheet.paste(_strip(folder.path, sprite), (left + tiles * _TILE_PX + _GAP_PX, top + _LABEL_PX))
    sheet.save(file)
    return count


def _strip(path: Path, row: dict) -> Image.Image:
    with Image.open(path / row["file"]) as strip:
        return strip.convert("RGB").resize((row["tiles"] * _TILE_PX, _TILE_PX), Image.Resampling.LANCZOS)
