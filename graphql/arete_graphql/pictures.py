"""Serves the channels' pictures out of the run folders.

An address holds ids alone: a run's id, a kind of picture, a layer's and a channel's index. The run's row in the
database says in which folder it lies, and the run's own tables which file is meant (`picture_tables`). Neither the
folder nor the file may be a symbolic link.
"""

import asyncio
import hashlib
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
from arete_graphql.context import Database
from arete_graphql.limits import Gate
from arete_graphql.picture_tables import RunPictures, read_pictures, stamp_of
from arete_queries import reads
from arete_queries.image_tables import image_tables

log = logging.getLogger("arete.api")

FOREVER = "public, max-age=31536000, immutable"
"""For content whose address changes whenever it does."""
REVALIDATE = "no-cache"
"""Keep it, but ask each time whether it is still the same."""

LOOKUP_S = 2.0
"""Seconds for which a run's folder is remembered: a page of pictures costs one statement."""

KINDS = ("examples", "features", "atlases", "thumbnails")
_NAME = re.compile(r"((?:0|[1-9][0-9]{0,6})-(?:0|[1-9][0-9]{0,6}))\.webp", re.ASCII)
_INDEX = re.compile(r"0|[1-9][0-9]{0,6}", re.ASCII)
_PACK = re.compile(r"(class-examples)/([0-9]{1,7}\.pack)", re.ASCII)
_STRIP_NAME = re.compile(r"(0|[1-9][0-9]{0,8})\.webp", re.ASCII)
_ATLAS_NAME = re.compile(r"((?:examples|features)-(?:0|[1-9][0-9]{0,6}))\.webp", re.ASCII)
_NAMES = {"atlases": (_ATLAS_NAME, "KIND-LAYER_INDEX.webp"), "thumbnails": (_STRIP_NAME, "STRIP.webp")}


def read_plainly(folder: Path, inner: str, name: str, offset: int = 0, length: int | None = None) -> bytes | None:
    """Reads `folder/inner/name` or some of its bytes, following no symbolic link.

    Args:
        folder: A run folder.
        inner: Name of a folder in it, without a slash.
        name: A file name without a slash.
        offset: Where to begin.
        length: How many bytes; the whole file when None.

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
        if length is None:
            return file.read()
        # The table may come from a stranger: no more is asked for than there is.
        if offset < 0 or length < 0 or offset + length > os.fstat(descriptor).st_size:
            return None
        file.seek(offset)
        return file.read(length)


@dataclass(frozen=True)
class _Known:
    folder: Path
    pictures: RunPictures
    checked_at: float


class Pictures:
    """The endpoint of `/images/{run}/{kind}/{name}`.

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
            request: Its path parameters are `run`, `kind` and `name`, its query may hold `v`.

        Returns:
            The picture, or 304 where the caller has it.

        Raises:
            NotFoundError: If the run, the channel or the file is not there.
            DatabaseUnavailableError: If the run could not be looked up.
        """
        run, kind, name = (request.path_params[key] for key in ("run", "kind", "name"))
        if kind not in KINDS:
            raise NotFoundError("kind of picture", kind, hint=f"there are {', '.join(KINDS)}")
        pattern, expected = _NAMES.get(kind, (_NAME, "LAYER_INDEX-CHANNEL.webp"))
        match = pattern.fullmatch(name)
        if match is None:
            raise NotFoundError("picture", name, hint=f"pictures are named {expected}")
        known = await self._look_up(run)
        file = known.pictures.files.get((kind, match[1]))
        if file is None:
            raise NotFoundError("picture", f"{run}/{kind}/{name}", hint="this run has no such picture")
        asked = request.query_params.get("v")
        given = [one.strip() for one in request.headers.get("if-none-match", "").split(",")]
        if f'"{file.sha256}"' in given:
            return Response(status_code=304, headers=_headers(file.sha256, asked))
        content = await asyncio.to_thread(read_plainly, known.folder, file.folder, file.name)
        if content is None:
            raise NotFoundError(
                "picture", f"{run}/{kind}/{name}", hint=f"its file is missing from the run folder's {file.folder}/"
            )
        # Of what is there, not of what the table says: while pictures are made anew the two may differ.
        digest = await asyncio.to_thread(lambda: hashlib.sha256(content).hexdigest())
        return Response(content, media_type=file.media_type, headers=_headers(digest, asked))

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
        run, class_, name = (request.path_params[key] for key in ("run", "class", "name"))
        match = _NAME.fullmatch(name)
        if match is None or not _INDEX.fullmatch(class_):
            raise NotFoundError(
                "picture", f"{class_}/{name}", hint="pictures are named CLASS_INDEX/LAYER_INDEX-CHANNEL.webp"
            )
        known = await self._look_up(run)
        layer, channel = map(int, match[1].split("-"))

        def read() -> tuple[bytes | None, str]:
            place = image_tables(str(known.folder)).class_strip_place(int(class_), layer, channel)
            plain = None if place is None else _PACK.fullmatch(place.file)
            if place is None or plain is None:
                raise NotFoundError("picture", f"{run}/classes/{class_}/{name}", hint="this run has no such picture")
            return read_plainly(known.folder, plain[1], plain[2], place.offset, place.length), place.sha256

        content, sha256 = await asyncio.to_thread(read)
        headers = _headers(sha256, request.query_params.get("v"))
        if content is None:
            raise NotFoundError(
                "picture", f"{run}/classes/{class_}/{name}", hint="its file is missing from the run folder"
            )
        if f'"{sha256}"' in [one.strip() for one in request.headers.get("if-none-match", "").split(",")]:
            return Response(status_code=304, headers=headers)
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
                    known = await asyncio.to_thread(self._read, info.folder)
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
    def _read(folder_text: str) -> _Known:
        folder = Path(folder_text)
        try:
            return _Known(folder, read_pictures(folder, stamp_of(folder))[1], time.monotonic())
        except (OSError, RunFolderError) as error:
            # The message names the folder, which callers have no business with: it goes to the log.
            log.warning("run folder %s: %s", folder, error)
            hint = "its pictures cannot be read: the folder was moved, deleted or altered; load the run again"
            raise NotFoundError("run folder", folder.name, hint=hint) from None


def _headers(sha256: str, asked: str | None) -> dict[str, str]:
    return {"Cache-Control": FOREVER if asked == sha256 else REVALIDATE, "ETag": f'"{sha256}"'}
