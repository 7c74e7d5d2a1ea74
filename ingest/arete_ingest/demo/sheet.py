"""Lays one drawing of each class side by side: a row a shape, a column a texture and colour.

`python -m arete_ingest.demo.sheet docs/images/demo-classes.webp` makes the picture in the documentation.
"""

import argparse
import sys
from pathlib import Path

from PIL import Image, ImageDraw

from arete_ingest.demo.drawings import COLOURS, Composition, draw
from arete_ingest.demo.shapes import SHAPES
from arete_ingest.demo.textures import TEXTURES

_CORNER = 0.08  # radius of a tile's rounded corners, of its width


def contact_sheet(*, seed: int, tile: int = 96, gap: int = 8) -> Image.Image:
    """Returns one drawing per class with rounded corners on a transparent ground.

    Args:
        seed: Seed of the drawings.
        tile: Width of a drawing in pixels.
        gap: Space between two drawings in pixels.
    """
    columns = [(texture, colour) for texture in TEXTURES for colour in COLOURS]
    pitch = tile + gap
    sheet = Image.new("RGBA", (len(columns) * pitch - gap, len(SHAPES) * pitch - gap), (0, 0, 0, 0))
    corners = Image.new("L", (4 * tile, 4 * tile), 0)  # drawn four times as large, for smooth corners
    ImageDraw.Draw(corners).rounded_rectangle((0, 0, 4 * tile - 1, 4 * tile - 1), 4 * tile * _CORNER, fill=255)
    corners = corners.resize((tile, tile), Image.Resampling.LANCZOS)
    for row, shape in enumerate(SHAPES):
        for column, (texture, colour) in enumerate(columns):
            drawing = draw(Composition(shape, texture, colour), seed=seed, size=tile)
            sheet.paste(Image.fromarray(drawing.image), (column * pitch, row * pitch), corners)
    return sheet


def main(arguments: list[str] | None = None) -> int:
    """Writes a contact sheet; returns 0."""
    parser = argparse.ArgumentParser(description="Draw one picture of each class of the demo.")
    parser.add_argument("out", type=Path, help="an image file: .webp or .png")
    parser.add_argument("--seed", type=int, default=5, help="seed of the drawings (default: 5)")
    parser.add_argument("--tile", type=int, default=96, help="width of a drawing in pixels (default: 96)")
    options = parser.parse_args(arguments)
    contact_sheet(seed=options.seed, tile=options.tile).save(options.out, quality=74, method=6)
    return 0


if __name__ == "__main__":
    sys.exit(main())
