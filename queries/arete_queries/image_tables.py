"""What a run folder says of images, looked up by id: its examples, and each class's images.

The database holds the examples of the whole run; everything else about images stays in the run folder, which is read
when it is first asked for and kept in memory as columns. A run folder that has changed is read again.
"""

import threading
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from arete_core.errors import NotFoundError, RunFolderError
from arete_core.ids import class_id, image_id
from arete_core.manifest import MANIFEST
from arete_core.run_folder import RunFolder
from arete_queries.image_results import ExampleInfo, ImageFilter, ImageInfo, StripInfo
from arete_queries.instance_tables import InstanceTables

_KEPT: Final = 4
"""Run folders whose tables stay in memory: 50 MB each for a million examples."""


@dataclass(frozen=True)
class Place:
    """Where in a run folder a picture lies: a file, and which of its bytes; all where `length` is None."""

    file: str
    offset: int
    length: int | None
    sha256: str


class ImageTables:
    """Reads of one run folder; each table is read when it is first needed.

    Args:
        folder: A whole run folder.
    """

    def __init__(self, folder: RunFolder) -> None:
        self._folder = folder
        self._run = folder.manifest.id

    @property
    def run(self) -> str:
        """The run's id."""
        return self._run

    @cached_property
    def instances(self) -> InstanceTables:
        """What is known of single images."""
        found = InstanceTables(self._folder)
        if len(found.numbers) and not 0 <= found.numbers[0] <= found.numbers[-1] < len(self._images["class"]):
            raise RunFolderError("instances.parquet names an image that is not in images.parquet")
        return found

    @property
    def count(self) -> int:
        """Number of images; 0 for a run without any, as an imported one."""
        return len(self._images["class"])

    def image(self, number: int) -> ImageInfo:
        """Returns what is known of an image.

        Args:
            number: Its id in `images.parquet`, 0 to `count` - 1.
        """
        predicted = int(self._images["predicted"][number])
        probability = float(self._images["probability"][number])
        return ImageInfo(
            id=image_id(self._run, number),
            run=self._run,
            number=number,
            class_id=class_id(self._run, int(self._images["class"][number])),
            predicted_id=None if predicted < 0 else class_id(self._run, predicted),
            probability=None if np.isnan(probability) else probability,
            thumbnail=self.instances.thumbnail(number),
        )

    def images_of(
        self, class_: int, kind: str | None = None, where: ImageFilter = ImageFilter.ALL
    ) -> NDArray[np.int64]:
        """Returns a class set's images that could be read, in ascending order.

        Args:
            class_: The class's index.
            kind: Its kind: a label's images are those in its folder, another set's are listed; looked up when None.
            where: All, or those whose largest output is, or is not, that of their own label.

        Raises:
            NotFoundError: If the kind is not given and there is no such class.
        """
        if kind is None:
            kind = self._kinds.get(class_)
            if kind is None:
                raise NotFoundError("class", class_id(self._run, class_), hint=f"run {self._run!r} has no such class")
        if kind == "label":
            numbers = np.flatnonzero(self._images["class"] == class_)
        else:
            members = self._members
            numbers = members["image"][members["class"] == class_]
        numbers = numbers[self._images["read"][numbers]]
        if where is ImageFilter.ALL:
            return numbers
        known = ~np.isnan(self._images["probability"][numbers])
        right = self._images["predicted"][numbers] == self._images["class"][numbers]
        return numbers[known & (right if where is ImageFilter.CORRECT else ~right)]

    def examples(self, layer: int, channel: int, class_: int | None, first: int) -> tuple[ExampleInfo, ...]:
        """Returns a channel's dataset examples, best first.

        Args:
            layer: The layer's index.
            channel: The channel's index in it.
            class_: Of this class's images; of the whole run's when None.
            first: How many at most.

        Returns:
            The examples; none where none were kept.
        """
        table = self._run_examples if class_ is None else self._class_examples
        rows = table.rows(-1 if class_ is None else class_, layer, channel)
        strip = self.strip(layer, channel, class_)
        found = []
        for row in sorted(rows, key=lambda row: int(table["rank"][row]))[:first]:
            rank, number = int(table["rank"][row]), int(table["image"][row])
            if not 0 <= number < self.count:
                raise RunFolderError(f"examples name image {number}, which is not in images.parquet")
            found.append(
                ExampleInfo(
                    rank=rank,
                    image=self.image(number),
                    activation=float(table["activation"][row]),
                    box=tuple(int(table[side][row]) for side in ("left", "top", "right", "bottom")),
                    layer_index=layer,
                    channel_index=channel,
                    class_index=class_,
                    strip=strip if strip is not None and rank < strip.tiles else None,
                )
            )
        return tuple(found)

    def strip(self, layer: int, channel: int, class_: int | None) -> StripInfo | None:
        """Returns the strip of a channel's examples; None where there is none."""
        table = self._run_sprites if class_ is None else self._class_sprites
        rows = table.rows(-1 if class_ is None else class_, layer, channel)
        if len(rows) == 0:
            return None
        row = rows[0]
        return StripInfo(str(table["sha256"][row]), int(table["tiles"][row]), int(table["tile_px"][row]))

    def class_strip_place(self, class_: int, layer: int, channel: int) -> Place | None:
        """Returns where the strip of a class's examples of a channel lies; None where there is none."""
        table = self._class_sprites
        for row in table.rows(class_, layer, channel):
            return Place(
                str(table["file"][row]), int(table["offset"][row]), int(table["bytes"][row]), str(table["sha256"][row])
            )
        return None

    @cached_property
    def _images(self) -> dict[str, NDArray[Any]]:
        table = self._folder.table("images").sort_by("image")
        if table.column("image").to_pylist() != list(range(len(table))):
            raise RunFolderError("images.parquet: each image from 0 on was expected once")
        return {
            "class": table.column("class").to_numpy(),
            "predicted": table.column("predicted").fill_null(-1).to_numpy(),
            "probability": table.column("probability").fill_null(float("nan")).to_numpy(),
            "read": table.column("error").is_null().to_numpy(),
        }

    @cached_property
    def _kinds(self) -> dict[int, str]:
        table = self._folder.table("classes")
        return dict(zip(table.column("class").to_pylist(), table.column("kind").to_pylist(), strict=True))

    @cached_property
    def _members(self) -> dict[str, NDArray[Any]]:
        table = self._folder.table("members").sort_by([("class", "ascending"), ("image", "ascending")])
        found = {name: table.column(name).to_numpy() for name in ("class", "image")}
        if ((found["image"] < 0) | (found["image"] >= self.count)).any():
            raise RunFolderError("members.parquet names an image that is not in images.parquet")
        return found

    @cached_property
    def _run_examples(self) -> "_ByChannel":
        return _ByChannel(self._folder.table("examples"))

    @cached_property
    def _class_examples(self) -> "_ByChannel":
        return _ByChannel(self._folder.table("class_examples"))

    @cached_property
    def _run_sprites(self) -> "_ByChannel":
        return _ByChannel(self._folder.table("sprites"))

    @cached_property
    def _class_sprites(self) -> "_ByChannel":
        return _ByChannel(self._folder.table("class_sprites"))


class _ByChannel:
    """A table's rows by (class, layer, channel), or by (layer, channel) under class -1."""

    def __init__(self, table: pa.Table) -> None:
        self._columns = {name: table.column(name).to_numpy(zero_copy_only=False) for name in table.column_names}
        classes = self._columns.get("class", np.full(len(table), -1))
        keys = _key(classes, self._columns["layer"], self._columns["channel"])
        self._order = np.argsort(keys, kind="stable")
        self._keys = keys[self._order]

    def rows(self, class_: int, layer: int, channel: int) -> NDArray[np.intp]:
        """Returns the rows of a channel, in the order of the table."""
        key = _key(*(np.asarray(value) for value in (class_, layer, channel)))
        return self._order[np.searchsorted(self._keys, key) : np.searchsorted(self._keys, key, side="right")]

    def __getitem__(self, column: str) -> NDArray[Any]:
        return self._columns[column]


def _key(class_: NDArray[Any], layer: NDArray[Any], channel: NDArray[Any]) -> NDArray[np.int64]:
    """Puts three indices into one number: 2^23 classes, 2^16 layers, 2^24 channels."""
    return (class_.astype(np.int64) + 1 << 40) + (layer.astype(np.int64) << 24) + channel.astype(np.int64)


_cache: dict[str, tuple[tuple[int, int], ImageTables]] = {}
_lock = threading.Lock()


def image_tables(folder: str) -> ImageTables:
    """Opens a run folder's tables of images, or finds them open. Called in a thread.

    Args:
        folder: The run folder; errors do not name it, for the service's callers have no business with it.

    Returns:
        The tables.

    Raises:
        NotFoundError: If the folder is not there any more, or is no whole run folder.
    """
    path = Path(folder)
    hint = "what it says of images cannot be read: it was moved, deleted or altered; load the run again"
    try:
        found = (path / MANIFEST).stat()
        stamp = (found.st_mtime_ns, found.st_size)
        with _lock:
            known = _cache.pop(folder, None)
            if known is None or known[0] != stamp:
                known = (stamp, ImageTables(RunFolder.open(path, verify=False)))
            _cache[folder] = known  # the last one used comes last
            for oldest in list(_cache)[:-_KEPT]:
                del _cache[oldest]
        return known[1]
    except (OSError, RunFolderError):
        raise NotFoundError("run folder", path.name, hint=hint) from None
