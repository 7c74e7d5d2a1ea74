"""What a run folder holds of single images: channel maxima, places and thumbnails, found by the images' numbers.

The maxima are by far the largest table (1,000 classes of 50 images in GoogLeNet: half a gigabyte). Its rows are sorted
by layer and image, and only the row groups that hold what is asked for are read.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from arete_core.errors import RunAlteredError
from arete_core.run_folder import RunFolder
from arete_queries.image_results import StripInfo, ThumbnailInfo

_FILE = "instance_activations.parquet"


@dataclass(frozen=True)
class Maxima:
    """Channel maxima of images in one layer.

    Attributes:
        largest: Each image's largest one, (image,).
        shares: All as a share of it, 0 to 1, (image, channel); 0 where all are 0.
    """

    largest: NDArray[np.float32]
    shares: NDArray[np.float32]


class InstanceTables:
    """Reads of one run folder; each table is read when it is first needed.

    Args:
        folder: A whole run folder.
    """

    def __init__(self, folder: RunFolder) -> None:
        self._folder = folder

    @cached_property
    def numbers(self) -> NDArray[np.int64]:
        """Numbers of the images that have instances, ascending; none where nobody has made any."""
        return self._instances["image"]

    @cached_property
    def layers(self) -> NDArray[np.int32]:
        """Indices of the layers that the images were measured in, ascending."""
        return np.unique(self._places["layer"])

    def has(self, numbers: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Returns which of some images have instances."""
        return np.isin(numbers, self.numbers)

    def places(self, layer: int) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Returns the images that lie in a layer and where, (image,) and (image, 2)."""
        own = self._places["layer"] == layer
        return self._places["image"][own], np.stack([self._places[axis][own] for axis in ("x", "y")], axis=1)

    def thumbnail(self, number: int) -> ThumbnailInfo | None:
        """Returns the tile that shows an image; None where it has none."""
        at = int(np.searchsorted(self.numbers, number))
        if at == len(self.numbers) or self.numbers[at] != number:
            return None
        strip = int(self._instances["strip"][at])
        known = self._strips.get(strip)
        return None if known is None else ThumbnailInfo(strip, int(self._instances["tile"][at]), known)

    def maxima(self, layer: int, numbers: Sequence[int], channels: int) -> Maxima:
        """Reads the channel maxima of images in a layer.

        Args:
            layer: One of `layers`.
            numbers: Images that have instances.
            channels: Number of channels of the layer.

        Returns:
            The maxima, in the order of `numbers`. Memory: the answer, and one row group of 128 rows.

        Raises:
            RunAlteredError: If the table does not hold them as the format says.
        """
        found = Maxima(np.zeros(len(numbers), np.float32), np.zeros((len(numbers), channels), np.float32))
        rows = int(np.searchsorted(self.layers, layer)) * len(self.numbers) + np.searchsorted(self.numbers, numbers)
        ends = self._row_groups
        with pq.ParquetFile(self._folder.path / _FILE, metadata=self._metadata) as file:
            groups = np.searchsorted(ends, rows, side="right")
            for group in np.unique(groups).tolist():
                wanted = np.flatnonzero(groups == group)
                start = int(ends[group - 1]) if group else 0
                self._read_group(file, group, rows[wanted] - start, (layer, np.asarray(numbers)[wanted]), wanted, found)
        return found

    @staticmethod
    def _read_group(
        file: pq.ParquetFile,
        group: int,
        rows: NDArray[np.int64],
        expected: tuple[int, NDArray[np.int64]],
        into: NDArray[np.int64],
        found: Maxima,
    ) -> None:
        try:
            table = file.read_row_group(group, columns=["layer", "image", "largest", "shares"]).take(pa.array(rows))
            shares = table.column("shares").combine_chunks()
            lengths = shares.value_lengths().to_numpy()
            right = (table.column("layer").to_numpy() == expected[0]) & (
                table.column("image").to_numpy() == expected[1]
            )
            if not right.all() or (lengths != found.shares.shape[1]).any():
                raise RunAlteredError(f"{_FILE} is not sorted by layer and image, or a row has not a value a channel")
            found.largest[into] = table.column("largest").to_numpy()
            found.shares[into] = shares.flatten().to_numpy().reshape(len(rows), -1)
        except (OSError, pa.ArrowException, IndexError) as error:
            raise RunAlteredError(f"{_FILE} cannot be read: {error}") from error

    @cached_property
    def _metadata(self) -> pq.FileMetaData:
        try:
            found = pq.read_metadata(self._folder.path / _FILE)
        except (OSError, pa.ArrowException) as error:
            raise RunAlteredError(f"{_FILE} cannot be read: {error}") from error
        if found.num_rows != len(self.layers) * len(self.numbers):
            raise RunAlteredError(f"{_FILE}: a row for each layer and image of instances.parquet was expected")
        return found

    @cached_property
    def _row_groups(self) -> NDArray[np.int64]:
        """The row after the last one of each row group."""
        meta = self._metadata
        return np.cumsum([meta.row_group(group).num_rows for group in range(meta.num_row_groups)], dtype=np.int64)

    @cached_property
    def _instances(self) -> dict[str, NDArray[Any]]:
        return _columns(self._folder.table("instances").sort_by("image"))

    @cached_property
    def _places(self) -> dict[str, NDArray[Any]]:
        return _columns(self._folder.table("instance_places").sort_by([("layer", "ascending"), ("image", "ascending")]))

    @cached_property
    def _strips(self) -> dict[int, StripInfo]:
        return {
            row["strip"]: StripInfo(row["sha256"], row["tiles"], row["tile_px"])
            for row in self._folder.table("thumbnails").to_pylist()
        }


def _columns(table: pa.Table) -> dict[str, NDArray[Any]]:
    return {name: table.column(name).to_numpy() for name in table.column_names}
