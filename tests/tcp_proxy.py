"""A TCP proxy that misbehaves on demand: the network between a client and a database, for tests."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit


class Proxy:
    """Passes bytes on, until it is told to hold them back, to cut all connections, or to listen no more."""

    def __init__(self, host: str, port: int) -> None:
        self._target = (host, port)
        self._flowing = asyncio.Event()
        self._flowing.set()
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None
        self.port = 0
        self.delay_s = 0.0
        self._cut_after: int | None = None

    async def listen(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    def hold(self) -> None:
        """Lets no byte through either way; connections stay open, as when a host vanishes."""
        self._flowing.clear()

    def flow(self) -> None:
        self._flowing.set()

    def cut_after(self, answer_bytes: int) -> None:
        """Resets every connection once so many more bytes have come from the far side, in the middle of an answer."""
        self._cut_after = answer_bytes

    def cut(self) -> None:
        """Resets every open connection; new ones are accepted."""
        for writer in self._writers:
            writer.transport.abort()

    async def refuse(self) -> None:
        """Listens no more, as when the database has ended."""
        if self._server is not None:
            self._server.close()
            self._server = None
        self.cut()

    async def close(self) -> None:
        await self.refuse()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        own = asyncio.current_task()
        assert own is not None
        self._tasks.add(own)
        try:
            far_reader, far_writer = await asyncio.open_connection(*self._target)
            self._writers |= {writer, far_writer}
            await asyncio.gather(self._pass(reader, far_writer), self._pass(far_reader, writer, answers=True))
        except (OSError, asyncio.CancelledError):
            writer.transport.abort()
        finally:
            self._tasks.discard(own)

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, answers: bool = False) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(65536):
                await self._flowing.wait()
                await asyncio.sleep(self.delay_s)
                if answers and self._cut_after is not None:
                    if len(data) > self._cut_after:
                        writer.write(data[: self._cut_after])
                        await writer.drain()
                        self._cut_after = None
                        self.cut()
                        break
                    self._cut_after -= len(data)
                writer.write(data)
                await writer.drain()
        writer.transport.abort()
        self._writers.discard(writer)


@asynccontextmanager
async def proxy_to(url: str) -> AsyncIterator[tuple[Proxy, str]]:
    """Opens a proxy in front of `bolt://host:port` and gives it with its own URL."""
    parts = urlsplit(url)
    assert parts.hostname
    assert parts.port
    proxy = Proxy(parts.hostname, parts.port)
    await proxy.listen()
    try:
        yield proxy, f"bolt://127.0.0.1:{proxy.port}"
    finally:
        await proxy.close()
