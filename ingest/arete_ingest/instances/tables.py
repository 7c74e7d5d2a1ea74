"""The tables of single images, as arrays that more images can be added to."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from arete_core.run_folder import RunFolder
from arete_core.run_schema import (
    CLASS_THUMBNAILS,
    INSTANCE_ACTIVATIONS,
    INSTANCE_PLACES,
    INSTANCES,
)
from arete_ingest.instances.choice import ClassImages, RunImages
from arete_ingest.instances.thumbnails import (
    STRIP_TILES,
    Strip,
    read_strips,
    read_tile,
    tile_of,
    write_strip,
)

Numbers = NDArray[np.int64]


@dataclass(frozen=True)
class Instances:
    """Images that were measured, ascending.

    Attributes:
        images: Their numbers, (image,).
        strips: Which strip shows each, (image,).
        tiles: Where in the strip, (image,).
        largest: Per layer, each image's largest channel maximum, float32 (image,).
        shares: Per layer, channel maxima as a share of it, float16 (image, channel).
    """

    images: Numbers
    strips: NDArray[np.int32]
    tiles: NDArray[np.int32]
    largest: list[NDArray[np.float32]]
    shares: list[NDArray[np.float16]]

    @classmethod
    def none(cls, sizes: Sequence[int]) -> "Instances":
        """Returns no images, in layers of so many channels."""
        return cls(
            np.empty(0, np.int64),
            np.empty(0, np.int32),
            np.empty(0, np.int32),
            [np.empty(0, np.float32) for _ in sizes],
            [np.empty((0, size), np.float16) for size in sizes],
        )

    @classmethod
    def read(cls, folder: RunFolder, layers: Sequence[int], sizes: Sequence[int]) -> "Instances":
        """Reads those of a run folder. Memory: `instance_activations`, 12 kB an image of GoogLeNet."""
        table = folder.table("instances").sort_by("image")
        images = table.column("image").to_numpy()
        maxima = folder.table("instance_activations")
        rows = maxima.column("layer").to_numpy()
        largest, shares = [], []
        for layer, size in zip(layers, sizes, strict=True):
            own = maxima.filter(pa.array(rows == layer)).sort_by("image")
            largest.append(own.column("largest").to_numpy())
            flat = own.column("shares").combine_chunks().flatten().to_numpy(zero_copy_only=False)
            shares.append(flat.reshape(-1, size))
        strips, tiles = (table.column(name).to_numpy() for name in ("strip", "tile"))
        return cls(images, strips, tiles, largest, shares)

    def with_more(self, others: "Instances") -> "Instances":
        """Returns these images and others together, ascending."""
        order = np.argsort(np.concatenate([self.images, others.images]), kind="stable")

        def merged(own: NDArray, more: NDArray) -> NDArray:
            return np.concatenate([own, more])[order]

        return replace(
            self,
            images=merged(self.images, others.images),
            strips=merged(self.strips, others.strips),
            tiles=merged(self.tiles, others.tiles),
            largest=[merged(*pair) for pair in zip(self.largest, others.largest, strict=True)],
            shares=[merged(*pair) for pair in zip(self.shares, others.shares, strict=True)],
        )

    def tables(self, layers: Sequence[int], places: Sequence[NDArray[np.float64]]) -> dict[str, pa.Table]:
        """Makes the tables of images.

        Args:
            layers: Indices of the measured layers, ascending.
            places: Of each the images' places, (image, 2).

        Returns:
            `instances`, `instance_activations` and `instance_places`.
        """
        count = len(self.images)
        layer = np.repeat(np.asarray(layers, np.int32), count)
        image = np.tile(self.images, len(layers))
        lists = [
            pa.ListArray.from_arrays(
                pa.array(np.arange(0, own.size + 1, own.shape[1], dtype=np.int32)), pa.array(own.ravel(), pa.float16())
            )
            for own in self.shares
        ]
        both = np.concatenate([np.empty((0, 2)), *places]).astype(np.float32)
        return {
            "instances": pa.table({"image": self.images, "strip": self.strips, "tile": self.tiles}, schema=INSTANCES),
            "instance_activations": pa.table(
                {
                    "layer": layer,
                    "image": image,
                    "largest": np.concatenate(self.largest),
                    "shares": pa.chunked_array(lists, INSTANCE_ACTIVATIONS.field("shares").type),
                },
                schema=INSTANCE_ACTIVATIONS,
            ),
            "instance_places": pa.table(
                {"layer": layer, "image": image, "x": both[:, 0], "y": both[:, 1]}, schema=INSTANCE_PLACES
            ),
        }


def halved(maxima: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float16]]:
    """Splits channel maxima (image, channel), 0 or more, into each image's largest and shares of it."""
    largest = maxima.max(axis=1, initial=0.0)
    shares = np.divide(maxima, largest[:, None], out=np.zeros_like(maxima), where=largest[:, None] > 0)
    return largest, shares.astype(np.float16)


def standing_for(run: RunImages, classes: Iterable[ClassImages], images: Numbers) -> dict[int, int]:
    """Chooses the image that stands for each class.

    Args:
        run: The run's images.
        classes: All classes.
        images: Those that were measured, ascending.

    Returns:
        By class index, of its measured images the one that the model is surest of among those it gets right, or else
        among all; ties by lower number. Classes without one are left out.
    """
    found: dict[int, int] = {}
    for one in classes:
        own = one.images[np.isin(one.images, images)]
        if len(own):
            sure = np.nan_to_num(run.probabilities[own], nan=-1.0)
            found[one.index] = int(own[np.lexsort((own, -sure, ~run.right[own]))[0]])
    return found


def draw_classes(
    folder: RunFolder, standing: dict[int, int], measured: Instances, strips: Sequence[Strip], first: int, tile_px: int
) -> tuple[list[Strip], pa.Table]:
    """Draws the images that stand for classes side by side, so that a map asks for few pictures.

    Args:
        folder: The run folder.
        standing: By class index the image's number.
        measured: Holds the images.
        strips: Their strips.
        first: Number of the first strip to write.
        tile_px: Side of a tile.

    Returns:
        The new strips, and `class_thumbnails.parquet`.
    """
    by_number = {one.strip: one for one in strips}
    rows, drawn = [], []
    classes = sorted(standing)
    for start in range(0, len(classes), STRIP_TILES):
        tiles = []
        for class_ in classes[start : start + STRIP_TILES]:
            at = int(np.searchsorted(measured.images, standing[class_]))
            strip = by_number[int(measured.strips[at])]
            rows.append((class_, standing[class_], first + len(drawn), len(tiles)))
            tiles.append(tile_of(read_tile(folder.path, strip, int(measured.tiles[at])), tile_px))
        drawn.append(write_strip(folder.path, first + len(drawn), np.stack(tiles)))
    names = CLASS_THUMBNAILS.names
    table = pa.Table.from_pylist([dict(zip(names, row, strict=True)) for row in rows], schema=CLASS_THUMBNAILS)
    return drawn, table


def strips_of_images(folder: RunFolder) -> dict[int, Strip]:
    """Returns the strips that show images one by one, by number: all but those of classes."""
    shown = set(folder.table("instances").column("strip").to_pylist())
    return {number: one for number, one in read_strips(folder.table("thumbnails")).items() if number in shown}
