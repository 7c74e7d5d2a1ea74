"""Remembers answers, so that a graph that many look at is read from the database once.

An answer holds as long as the data does. Which data there are is said by the database itself: the bookmark that it
gives at the end of a transaction names the last change that was committed, whoever made it (a load, an exclusion, a
label, a group, somebody in Neo4j Browser). It is asked for at most twice a second, whatever the number of requests;
so an answer is at most `VERSION_S` behind a change that another process made, and not at all behind one made through
this service. Since some answers name files of run folders, the state of their manifests counts too.
"""

import asyncio
import gzip
import hashlib
import json
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from arete_core.errors import AreteError
from arete_core.manifest import MANIFEST
from arete_graphql.context import Database
from arete_queries import reads

VERSION_S = 0.5
"""Seconds for which the version of the data is taken as known."""
VERSION_WAIT_S = 1.0
"""A database that does not tell its version within this is busy with better things; answers are not looked up then."""
GZIP_FROM_BYTES = 1024
"""Smaller answers fit one packet either way."""
GZIP_LEVEL = 5
"""A graph of 100 kB shrinks to within 5% of level 9 in a third of the time."""
_OVERHEAD_BYTES = 500
"""Of an entry beside its bytes."""


@dataclass(frozen=True)
class Answer:
    """A whole answer to a query, ready to be sent.

    Attributes:
        body: JSON.
        packed: The same, compressed; None where that is not worth while.
        tag: Its entity tag: the same content has the same one, in any process.
    """

    body: bytes
    packed: bytes | None
    tag: str

    @classmethod
    def of(cls, body: bytes) -> "Answer":
        """Compresses and hashes an answer's JSON."""
        packed = gzip.compress(body, GZIP_LEVEL, mtime=0) if len(body) >= GZIP_FROM_BYTES else None
        # Weak: compressed or not, it is the same answer.
        return cls(body, packed, f'W/"{hashlib.sha256(body).hexdigest()[:32]}"')

    @property
    def size(self) -> int:
        """What it takes in memory, in bytes."""
        return len(self.body) + len(self.packed or b"") + _OVERHEAD_BYTES

    def response(self, request: Request) -> Response:
        """Returns what is sent: the answer, compressed where the caller takes that, or 304 where the caller has it."""
        headers = {"ETag": self.tag, "Cache-Control": "no-cache"}
        given = request.headers.get("if-none-match", "")
        if given and self.tag.removeprefix("W/") in (one.strip().removeprefix("W/") for one in given.split(",")):
            return Response(status_code=304, headers=headers)
        if self.packed is not None and "gzip" in request.headers.get("accept-encoding", ""):
            headers |= {"Content-Encoding": "gzip", "Vary": "Accept-Encoding"}
            return Response(self.packed, headers=headers, media_type="application/json")
        return Response(self.body, headers=headers, media_type="application/json")


def question_key(payload: Mapping[str, Any]) -> bytes:
    """Returns what two requests for the same thing have in common: document, operation and variables, hashed."""
    parts = [payload.get("query"), payload.get("operationName"), payload.get("variables")]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).digest()


class AnswerCache:
    """The answers asked for last, up to a number of bytes, all of one version of the data.

    Args:
        most_bytes: How much memory they may take; 0 keeps none.
    """

    def __init__(self, most_bytes: int) -> None:
        self._most_bytes = most_bytes
        self._answers: OrderedDict[bytes, Answer] = OrderedDict()
        self._version = ""
        self.bytes_held = 0

    def __len__(self) -> int:
        return len(self._answers)

    def get(self, key: bytes, version: str) -> Answer | None:
        """Returns the answer to a question as the data stand, or None where it is not held.

        Args:
            key: From `question_key`.
            version: Of the data; another one than before empties the cache.
        """
        if version != self._version:
            self.clear()
            self._version = version
        answer = self._answers.get(key)
        if answer is not None:
            self._answers.move_to_end(key)
        return answer

    def put(self, key: bytes, version: str, answer: Answer) -> None:
        """Keeps an answer that was worked out from data of a version, or later ones.

        Args:
            key: From `question_key`.
            version: That of `get` before the work began; an answer to data of yesterday is not kept.
            answer: The answer; one that takes more than an eighth of the whole memory is not kept.
        """
        if version != self._version or answer.size * 8 > self._most_bytes:
            return
        before = self._answers.pop(key, None)
        self.bytes_held += answer.size - (before.size if before else 0)
        self._answers[key] = answer
        while self.bytes_held > self._most_bytes:
            _, oldest = self._answers.popitem(last=False)
            self.bytes_held -= oldest.size

    def clear(self) -> None:
        """Forgets every answer."""
        self._answers.clear()
        self.bytes_held = 0


class DataVersion:
    """Names the state of the data; two states never have the same name.

    Args:
        database: The service's database.

    Attributes:
        folders: Where the run folders lay when it was last asked.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self.folders: tuple[str, ...] = ()
        self._known: str | None = None
        self._known_until = 0.0
        self._asking = asyncio.Lock()

    async def current(self) -> str | None:
        """Returns the version, at most `VERSION_S` old; None where the database does not tell it."""
        loop = asyncio.get_running_loop()
        if loop.time() < self._known_until:
            return self._known
        async with self._asking:
            if loop.time() >= self._known_until:
                try:
                    async with asyncio.timeout(VERSION_WAIT_S):
                        self._known = await self._ask()
                except (AreteError, TimeoutError):
                    self._known = None
                self._known_until = loop.time() + VERSION_S
            return self._known

    def forget(self) -> None:
        """Makes the next question ask the database: something was just changed through this service."""
        self._known_until = 0.0

    async def _ask(self) -> str:
        state = await self._database.read(reads.data_state)
        self.folders = state.folders
        stamps = await asyncio.to_thread(lambda: [_stamp(Path(folder) / MANIFEST) for folder in state.folders])
        return f"{state.bookmark} {stamps}"


def _stamp(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size
