"""Which pictures a run has, as its own tables say: files to serve, and what GraphQL answers of them.

The tables may come from a stranger, so a file name counts only if it is a plain name in one of the folders that hold
pictures. What was read is kept as long as the run's manifest is the same file: a job that adds pictures writes it anew.
"""

import asyncio
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from arete_core.errors import AreteError
from arete_core.manifest import MANIFEST
from arete_core.run_folder import RunFolder
from arete_queries.image_results import StripInfo, ThumbnailInfo

_FILE = re.compile(
    r"(examples|features|atlases|thumbnails)/([A-Za-z0-9_-][A-Za-z0-9._-]{0,200}\.(webp|jpg|jpeg|png))", re.ASCII
)
_MEDIA_TYPES = {"webp": "image/webp", "jpg": "image/jpeg", "jpeg": "image/jpeg", "png": "image/png"}

Stamp = tuple[int, int]
"""Time of change and size of a manifest."""
ChannelKey = tuple[int, int]
"""Layer index and channel index."""


@dataclass(frozen=True)
class PictureFile:
    """One picture file of a run: the folder and its name in it, its media type and its content's sha256."""

    folder: str
    name: str
    media_type: str
    sha256: str


@dataclass(frozen=True)
class AtlasPlace:
    """Where a channel's first tile is in its layer's atlas.

    Attributes:
        sha256: Of the atlas's file.
        column: From the left, from 0.
        row: From the top, from 0.
        columns: Tiles a row.
        rows: Rows of the atlas.
        tile_px: Side of a tile.
    """

    sha256: str
    column: int
    row: int
    columns: int
    rows: int
    tile_px: int


@dataclass(frozen=True)
class RunPictures:
    """The pictures of a run.

    Attributes:
        files: By kind (`examples`, `features`, `atlases`, `thumbnails`) and name without suffix: `LAYER-CHANNEL`,
            `KIND-LAYER`, `STRIP`.
        features: Feature visualizations by channel.
        places: By kind (`examples`, `features`) and channel.
        class_thumbnails: By index of the class.
    """

    files: Mapping[tuple[str, str], PictureFile]
    features: Mapping[ChannelKey, StripInfo]
    places: Mapping[str, Mapping[ChannelKey, AtlasPlace]]
    class_thumbnails: Mapping[int, ThumbnailInfo]


def stamp_of(folder: Path) -> Stamp:
    """Returns what tells a run folder's present state from others.

    Raises:
        OSError: If it has no manifest that can be looked at.
    """
    found = (folder / MANIFEST).stat()
    return found.st_mtime_ns, found.st_size


@lru_cache(maxsize=64)
def read_pictures(folder: Path, stamp: Stamp) -> tuple[str, RunPictures]:  # noqa: ARG001 - the stamp is a part of the key
    """Reads which pictures a run has.

    Args:
        folder: A run folder.
        stamp: As `stamp_of` returns it.

    Returns:
        The run's id and its pictures; entries whose file name is no plain name in a folder of pictures are left out.
        GoogLeNet's 5,808 channels take some 50 ms and 5 MB.

    Raises:
        RunFolderError: If it is no whole run folder.
    """
    run = RunFolder.open(folder, verify=False)
    files: dict[tuple[str, str], PictureFile] = {}
    features: dict[ChannelKey, StripInfo] = {}
    for table, kind in (("sprites", "examples"), ("features", "features")):
        for row in run.table(table).to_pylist():
            file = _file(row)
            if file is not None:
                files[kind, f"{row['layer']}-{row['channel']}"] = file
                if kind == "features":
                    features[row["layer"], row["channel"]] = StripInfo(file.sha256, row["tiles"], row["tile_px"])
    places: dict[str, dict[ChannelKey, AtlasPlace]] = {"examples": {}, "features": {}}
    for row in run.table("atlases").to_pylist():
        file = _file(row)
        if file is not None and row["kind"] in places and row["columns"] > 0:
            files["atlases", f"{row['kind']}-{row['layer']}"] = file
            rows = -(-len(row["channels"]) // row["columns"])
            for place, channel in enumerate(row["channels"]):
                top, left = divmod(place, row["columns"])
                places[row["kind"]][row["layer"], channel] = AtlasPlace(
                    file.sha256, left, top, row["columns"], rows, row["tile_px"]
                )
    strips: dict[int, StripInfo] = {}
    for row in run.table("thumbnails").to_pylist():
        file = _file(row)
        if file is not None:
            files["thumbnails", f"{row['strip']}"] = file
            strips[row["strip"]] = StripInfo(file.sha256, row["tiles"], row["tile_px"])
    class_thumbnails = {
        row["class"]: ThumbnailInfo(row["strip"], row["tile"], strips[row["strip"]])
        for row in run.table("class_thumbnails").to_pylist()
        if row["strip"] in strips
    }
    return run.manifest.id, RunPictures(files, features, places, class_thumbnails)


def _file(row: Mapping[str, Any]) -> PictureFile | None:
    plain = _FILE.fullmatch(row["file"] or "")
    return PictureFile(plain[1], plain[2], _MEDIA_TYPES[plain[3]], row["sha256"]) if plain else None


class PictureBook:
    """The pictures of all runs that the database holds, for answers of GraphQL. Asks the database nothing."""

    def __init__(self) -> None:
        self._runs: Mapping[str, RunPictures] = {}
        self._version: str | None = None

    async def refresh(self, version: str | None, folders: Sequence[str]) -> None:
        """Looks again where something has changed.

        Args:
            version: Of the data and of the manifests; None where it is not known, and nothing is done.
            folders: Where the run folders lie.
        """
        if version is not None and version != self._version:
            self._runs = await asyncio.to_thread(_read_all, folders)
            self._version = version

    @contextmanager
    def open(self) -> Iterator[None]:
        """Makes these pictures the ones that `pictures_of` finds while the block runs."""
        token = _book.set(self._runs)
        try:
            yield
        finally:
            _book.reset(token)


_book: ContextVar[Mapping[str, RunPictures] | None] = ContextVar("pictures", default=None)


def pictures_of(run: str) -> RunPictures | None:
    """Returns the pictures of a run; None where its run folder cannot be read."""
    return (_book.get() or {}).get(run)


def _read_all(folders: Sequence[str]) -> Mapping[str, RunPictures]:
    runs: dict[str, RunPictures] = {}
    for folder in map(Path, folders):
        try:
            run, pictures = read_pictures(folder, stamp_of(folder))
        except (OSError, AreteError):
            continue  # moved or altered: its channels are answered without pictures
        runs[run] = pictures
    return runs
