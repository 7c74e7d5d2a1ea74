"""Atlases: for each layer one picture with a tile of every channel, so that a page asks once a layer."""

import io
import math
from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256
from pathlib import Path

import pyarrow as pa
from PIL import Image

from arete_core.files import write_bytes_atomically
from arete_core.run_schema import ATLASES

FOLDER = "atlases"
TILE_PX = 96
"""Side of a tile: a vertex of up to 48 pixels on a screen with two of its pixels each."""
QUALITY = 80
METHOD = 2
_LARGEST_PX = 16_383  # a side of a WebP picture
GREY = 128


def draw_atlas(
    folder: Path, kind: str, layer: int, channels: Sequence[int], strips: Mapping[int, Path], *, tile_px: int = TILE_PX
) -> dict[str, object]:
    """Draws one atlas and writes it to `atlases/KIND-LAYER.webp`.

    Args:
        folder: Run folder.
        kind: `features` or `examples`.
        layer: Index of the layer.
        channels: Its channels that have a place, in order.
        strips: Pictures by channel, whose first square is the tile; a place without one stays grey.
        tile_px: Side of a tile; made smaller where the picture would be too large.

    Returns:
        The row of `atlases.parquet`.
    """
    columns = max(1, math.isqrt(max(0, len(channels) - 1)) + 1)
    rows = max(1, -(-len(channels) // columns))
    tile_px = min(tile_px, _LARGEST_PX // columns)
    drawn = Image.new("RGB", (columns * tile_px, rows * tile_px), (GREY, GREY, GREY))
    for place, channel in enumerate(channels):
        if channel in strips:
            row, column = divmod(place, columns)
            drawn.paste(first_tile(strips[channel], tile_px), (column * tile_px, row * tile_px))
    buffer = io.BytesIO()
    drawn.save(buffer, "WEBP", quality=QUALITY, method=METHOD)
    data = buffer.getvalue()
    file = f"{FOLDER}/{kind}-{layer}.webp"
    (folder / FOLDER).mkdir(exist_ok=True)
    write_bytes_atomically(folder / file, data)
    return {
        "kind": kind,
        "layer": layer,
        "file": file,
        "sha256": sha256(data).hexdigest(),
        "tile_px": tile_px,
        "columns": columns,
        "channels": list(channels),
    }


def first_tile(strip: Path, tile_px: int) -> Image.Image:
    """Returns the first square of a strip, at a size."""
    with Image.open(strip) as picture:
        side = picture.height
        tile = picture.convert("RGB").crop((0, 0, side, side))
    return tile if side == tile_px else tile.resize((tile_px, tile_px), Image.Resampling.LANCZOS)


def draw_atlases(folder: Path, kind: str, pictures: pa.Table, layers: Iterable[int] | None = None) -> list[dict]:
    """Draws the atlases of all pictures that a table names.

    Args:
        folder: Run folder.
        kind: `features` or `examples`.
        pictures: Table `features` or `sprites`.
        layers: Only these; all that have a picture when None.

    Returns:
        Rows of `atlases.parquet`.
    """
    strips: dict[int, dict[int, Path]] = {}
    for row in pictures.select(["layer", "channel", "file"]).to_pylist():
        if row["file"]:
            strips.setdefault(row["layer"], {})[row["channel"]] = folder / row["file"]
    wanted = sorted(strips if layers is None else strips.keys() & set(layers))
    return [draw_atlas(folder, kind, layer, sorted(strips[layer]), strips[layer]) for layer in wanted]


def atlases_table(rows: Iterable[Mapping[str, object]]) -> pa.Table:
    """Makes `atlases.parquet`, sorted by kind and layer."""
    return pa.Table.from_pylist(sorted(map(dict, rows), key=lambda row: (row["kind"], row["layer"])), schema=ATLASES)
