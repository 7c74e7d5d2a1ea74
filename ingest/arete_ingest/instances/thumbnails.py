"""Strips of thumbnails: small pictures of images as the model saw them, side by side.

A file's name holds its content's hash, so that no file that a table names is ever written over.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from PIL import Image

from arete_core.files import sync_folder
from arete_core.run_folder import RunFolder
from arete_core.run_schema import THUMBNAILS
from arete_ingest.strips import encode_strip

FOLDER = "thumbnails"
STRIP_TILES = 64
"""Tiles of a strip: 4,096 pixels wide, a class of 50 images in one request."""


@dataclass(frozen=True)
class Strip:
    """A strip of thumbnails: a row of `thumbnails.parquet`."""

    strip: int
    file: str
    sha256: str
    tiles: int
    tile_px: int


def tile_of(pixels: NDArray[np.uint8], tile_px: int) -> NDArray[np.uint8]:
    """Returns a square picture at the size of a tile."""
    if pixels.shape[0] == tile_px:
        return pixels
    return np.asarray(Image.fromarray(pixels).resize((tile_px, tile_px), Image.Resampling.LANCZOS))


def write_strip(folder: Path, number: int, tiles: NDArray[np.uint8]) -> Strip:
    """Writes a strip into a run folder.

    Args:
        folder: The run folder.
        number: The strip's number.
        tiles: uint8 (tile, side, side, 3), 1 to `STRIP_TILES` of them.

    Returns:
        What was written.
    """
    data, digest = encode_strip(tiles)
    file = f"{FOLDER}/{number}-{digest[:12]}.webp"
    # Not flushed one by one: `flush` does it for all before a table names them.
    (folder / file).write_bytes(data)
    return Strip(number, file, digest, len(tiles), tiles.shape[1])


def flush(folder: Path) -> None:
    """Flushes written strips to disk."""
    os.sync()
    sync_folder(folder / FOLDER)


def read_tile(folder: Path, strip: Strip, tile: int) -> NDArray[np.uint8]:
    """Reads one tile of a strip."""
    with Image.open(folder / strip.file) as picture:
        left = tile * strip.tile_px
        return np.asarray(picture.convert("RGB").crop((left, 0, left + strip.tile_px, strip.tile_px)))


def read_strips(table: pa.Table) -> dict[int, Strip]:
    """Returns the strips of `thumbnails.parquet` by number."""
    return {row["strip"]: Strip(**row) for row in table.to_pylist()}


def strips_table(strips: Sequence[Strip]) -> pa.Table:
    """Makes `thumbnails.parquet`."""
    return pa.Table.from_pylist([vars(one) for one in sorted(strips, key=lambda one: one.strip)], schema=THUMBNAILS)


def remove_others(folder: RunFolder) -> None:
    """Removes what no table names: strips of before, and of jobs that were stopped."""
    kept = {Path(file).name for file in folder.table("thumbnails").column("file").to_pylist()}
    for path in (folder.path / FOLDER).glob("*.webp"):
        if path.name not in kept:
            path.unlink(missing_ok=True)
