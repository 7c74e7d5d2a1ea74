"""Serves the channels' pictures out of the run folders.

An address holds ids alone: a run's id, a layer's and a channel's index. The run's row in the database says in which
folder it lies, and the run's own table of sprites which file is meant. That table may come from a stranger, so a file
name counts only if it is a plain name in `examples/` or `features/`, and neither the folder nor the file may be a
symbolic link.
"""

import asyncio
import logging
import os
import re
import stat
import time
from dataclasses import dataclass
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response

from arete_core.errors import AreteError, NotFoundError, RunFolderError, SettingError
from arete_core.ids import check_run_id
from arete_core.run_folder import MANIFEST, RunFolder
from arete_graphql.context import Database
from arete_graphql.limits import Gate
from arete_queries import reads
from arete_queries.image_tables import image_tables

log = logging.getLogger("arete.api")

FOREVER = "public, max-age=31536000, immutable"
"""For content whose address changes whenever it does."""
REVALIDATE = "no-cache"
"""Keep it, but ask each time whether it is still the same."""

LOOKUP_S = 2.0
"""Seconds for which a run's folder is remembered: a page of pictures costs one statement."""

_NAME = re.compile(r"(0|[1-9][0-9]{0,6})-(0|[1-9][0-9]{0,6})\.webp", re.ASCII)
_FILE = re.compile(r"(examples|features)/([A-Za-z0-9_-][A-Za-z0-9._-]{0,200}\.(webp|jpg|jpeg|png))", re.ASCII)
_INDEX = re.compile(r"0|[1-9][0-9]{0,6}", re.ASCII)
_PACK = re.compile(r"(class-examples)/([0-9]{1,7}\.pack)", re.ASCII)
_MEDIA_TYPES = {"webp": "image/webp", "jpg": "image/jpeg", "jpeg": "image/jpeg", "png": "image/png"}


@dataclass(frozen=True)
class Sprite:
    """One picture file of a run: the folder and its name in it, its media type and its content's sha256."""

    folder: str
    name: str
    media_type: str
    sha256: str


def read_sprites(folder: Path) -> dict[tuple[int, int], Sprite]:
    """Reads which picture belongs to which channel.

    Args:
        folder: A run folder.

    Returns:
        The pictures by layer index and channel index; entries whose file name is no plain name in `examples/` or
        `features/` are left out.

    Raises:
        RunFolderError: If it is no whole run folder.
    """
    table = RunFolder.open(folder, verify=False).table("sprites")
    sprites = {}
    for row in table.select(["layer", "channel", "file", "sha256"]).to_pylist():
        plain = _FILE.fullmatch(row["file"])
        if plain:
            sprites[row["layer"], row["channel"]] = Sprite(plain[1], plain[2], _MEDIA_TYPES[plain[3]], row["sha256"])
    return sprites


def read_plainly(folder: Path, inner: str, name: str, offset: int = 0, length: int | None = None) -> bytes | None:
    """Reads `folder/inner/name` or some of its bytes, following no symbolic link.

    Args:
        folder: A run folder.
        inner: Name of a folder in it, without a slash.
        name: A file name without a slash.
        offset: Where to begin.
        length: How many bytes; all of the rest when None.

    Returns:
        The content, or None where there is no such regular file, or it is too short.
    """
    try:
        directory = os.open(folder / inner, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except OSError:
        return None
    try:
        # O_NONBLOCK: opening a pipe must not wait for its other end.
        descriptor = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=directory)
    except (OSError, ValueError):
        return None
    finally:
        os.close(directory)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        return None
    with os.fdopen(descriptor, "rb") as file:
        if length is None and offset == 0:
            return file.read()
        # The table may come from a stranger: no more is asked for than there is.
        if offset < 0 or (length or 0) < 0 or offset + (length or 0) > os.fstat(descriptor).st_size:
            return None
        file.seek(offset)
        return file.read(-1 if length is None else length)


@dataclass(frozen=True)
class _Known:
    folder: Path
    stamp: tuple[int, int]
    sprites: dict[tuple[int, int], Sprite]
    checked_at: float


class Pictures:
    """The endpoint of `/images/{run}/examples/{name}`.

    Args:
        database: Where a run's folder is looked up.
        gate: Held for each look-up.
    """

    def __init__(self, database: Database, gate: Gate) -> None:
        self._database = database
        self._gate = gate
        self._runs: dict[str, _Known] = {}
        self._locks: dict[str, asyncio.Lock] = {}

    async def answer(self, request: Request) -> Response:
        """Answers a request for a picture.

        Args:
            request: Its path parameters are `run` and `name`, its query may hold `v`.

        Returns:
            The picture, or 304 where the caller has it.

        Raises:
            NotFoundError: If the run, the channel or the file is not there.
            DatabaseUnavailableError: If the run could not be looked up.
        """
        run, name = request.path_params["run"], request.path_params["name"]
        match = _NAME.fullmatch(name)
        if match is None:
            raise NotFoundError("picture", name, hint="pictures are named LAYER_INDEX-CHANNEL.webp")
        known = await self._look_up(run)
        sprite = known.sprites.get((int(match[1]), int(match[2])))
        if sprite is None:
            raise NotFoundError("picture", f"{run}/examples/{name}", hint="this run has no picture of that channel")
        exact = request.query_params.get("v") == sprite.sha256
        tag = f'"{sprite.sha256}"'
        headers = {"Cache-Control": FOREVER if exact else REVALIDATE, "ETag": tag}
        if tag in (given.strip() for given in request.headers.get("if-none-match", "").split(",")):
            return Response(status_code=304, headers=headers)
        content = await asyncio.to_thread(read_plainly, known.folder, sprite.folder, sprite.name)
        if content is None:
            raise NotFoundError(
                "picture", f"{run}/examples/{name}", hint=f"its file is missing from the run folder's {sprite.folder}/"
            )
        return Response(content, media_type=sprite.media_type, headers=headers)

    async def answer_for_class(self, request: Request) -> Response:
        """Answers a request for a channel's examples from one class: some of the bytes of the class's file.

        Args:
            request: Its path parameters are `run`, `class` and `name`, its query may hold `v`.

        Returns:
            The picture, or 304 where the caller has it.

        Raises:
            NotFoundError: If the run, the class, the channel or the file is not there.
            DatabaseUnavailableError: If the run could not be looked up.
        """
        run, class_, name = (request.path_params[part] for part in ("run", "class", "name"))
        match = _NAME.fullmatch(name)
        if match is None or not _INDEX.fullmatch(class_):
            raise NotFoundError(
                "picture", f"{class_}/{name}", hint="pictures are named CLASS_INDEX/LAYER_INDEX-CHANNEL.webp"
            )
        known = await self._look_up(run)
        tables = await asyncio.to_thread(image_tables, str(known.folder))
        place = await asyncio.to_thread(tables.class_strip_place, int(class_), int(match[1]), int(match[2]))
        plain = None if place is None else _PACK.fullmatch(place.file)
        if place is None or plain is None:
            raise NotFoundError(
                "picture", f"{run}/classes/{class_}/{name}", hint="this run has no picture of that channel and class"
            )
        exact = request.query_params.get("v") == place.sha256
        tag = f'"{place.sha256}"'
        headers = {"Cache-Control": FOREVER if exact else REVALIDATE, "ETag": tag}
        if tag in (given.strip() for given in request.headers.get("if-none-match", "").split(",")):
            return Response(status_code=304, headers=headers)
        content = await asyncio.to_thread(read_plainly, known.folder, plain[1], plain[2], place.offset, place.length)
        if content is None:
            raise NotFoundError(
                "picture",
                f"{run}/classes/{class_}/{name}",
                hint=f"its file is missing from the run folder's {plain[1]}/",
            )
        return Response(content, media_type="image/webp", headers=headers)

    async def _look_up(self, run: str) -> _Known:
        try:
            check_run_id(run)
        except SettingError:
            raise NotFoundError("run", run) from None
        known = self._fresh(run)
        if known is not None:
            return known
        # One look-up at a time a run: a page asks for a hundred pictures at once.
        lock = self._locks.setdefault(run, asyncio.Lock())
        try:
            async with lock:
                known = self._fresh(run)
                if known is None:
                    async with self._gate.place():
                        info = await self._database.read(reads.get_run, run)
                    known = await asyncio.to_thread(self._read, info.folder, self._runs.get(run))
                    self._runs[run] = known
                return known
        except AreteError:
            self._runs.pop(run, None)
            raise
        finally:
            if not lock.locked():
                self._locks.pop(run, None)

    def _fresh(self, run: str) -> _Known | None:
        known = self._runs.get(run)
        return known if known is not None and time.monotonic() - known.checked_at < LOOKUP_S else None

    @staticmethod
    def _read(folder_text: str, before: _Known | None) -> _Known:
        folder = Path(folder_text)
        try:
            found = (folder / MANIFEST).stat()
            stamp = (found.st_mtime_ns, found.st_size)
            if before is not None and (before.folder, before.stamp) == (folder, stamp):
                return _Known(folder, stamp, before.sprites, time.monotonic())
            return _Known(folder, stamp, read_sprites(folder), time.monotonic())
        except (OSError, RunFolderError) as error:
            # The message names the folder, which callers have no business with: it goes to the log.
            log.warning("run folder %s: %s", folder, error)
            hint = "its pictures cannot be read: the folder was moved, deleted or altered; load the run again"
            raise NotFoundError("run folder", folder.name, hint=hint) from None
