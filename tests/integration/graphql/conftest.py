"""The service on a real port, over the real database, with two small runs loaded."""

import asyncio
import hashlib
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import pyarrow as pa
import pytest

from arete_core.run_folder import RunFolder
from arete_graphql.server import ApiServer
from arete_graphql.settings import ApiSettings, Limits
from arete_queries.engine import EngineAddress
from arete_queries.load import load_run
from arete_queries.runner import QueryRunner
from run_builder import random_run, with_images, with_instances, write_run

RUN = "demo"
OTHER = "demo-2"
MEASURED = (2, 3, 8, 9, 20)
"""Images of `demo` that were measured one by one: of the classes 0, 0, 1, 1 and 3."""
TOKEN = "a-token-for-these-tests"


@dataclass
class Service:
    """A running service.

    Attributes:
        http: A client for it.
        folder: The run folder of `demo`; that of `demo-2` lies beside it.
        connect: Opens a runner on the same database.
        statements: Names of the statements that the service has sent so far.
        token: Lets a request change something.
    """

    http: httpx.Client
    folder: RunFolder
    connect: Callable[[], Awaitable[QueryRunner]]
    statements: list[str]
    token: str = TOKEN

    def ask(self, query: str, *, token: bool = False, **variables: Any) -> dict[str, Any]:
        """Sends a query, with the service's token where it changes something; returns the whole answer."""
        headers = {"Authorization": f"Bearer {self.token}"} if token else {}
        answer = self.http.post("/graphql", json={"query": query, "variables": variables}, headers=headers)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def data(self, query: str, **variables: Any) -> dict[str, Any]:
        """Sends a query that must succeed; returns its data."""
        answer = self.ask(query, **variables)
        assert "errors" not in answer, answer["errors"]
        return answer["data"]

    def error(self, query: str, **variables: Any) -> dict[str, Any]:
        """Sends a query of one field that must fail; returns the error."""
        answer = self.ask(query, **variables)
        assert list(answer["data"].values()) == [None]
        (error,) = answer["errors"]
        return error

    def read(self, function: Callable[..., Awaitable[Any]], *args: Any, **options: Any) -> Any:
        """Calls a read without the service."""

        async def call() -> Any:
            async with await self.connect() as runner:
                return await function(runner, *args, **options)

        return asyncio.run(call())


@pytest.fixture(scope="session")
def serve() -> Callable[..., AbstractContextManager[httpx.Client]]:
    """Returns a function that runs the service in a thread and gives a client for it."""
    return serving


@contextmanager
def serving(settings: ApiSettings, connect: Callable[[], Awaitable[QueryRunner]]) -> Iterator[httpx.Client]:
    """Runs the service in a thread; gives a client for it."""
    listening = threading.Event()
    server = ApiServer(settings, connect, on_listening=lambda _: listening.set())
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        assert listening.wait(30)
        with httpx.Client(base_url=server.url, timeout=120) as http:
            yield http
    finally:
        server.stop()
        thread.join(30)
    assert not thread.is_alive()


def with_pictures(folder: RunFolder) -> RunFolder:
    """Gives a run folder real picture files, and a table of sprites that tells their hashes."""
    (folder.path / "examples").mkdir(exist_ok=True)
    rows = folder.table("sprites").to_pylist()
    for row in rows:
        content = b"RIFF" + f"{folder.manifest.id} {row['layer']}-{row['channel']}".encode() * 100
        (folder.path / row["file"]).write_bytes(content)
        row["sha256"] = hashlib.sha256(content).hexdigest()
    tables = {
        name.removesuffix(".parquet"): folder.table(name.removesuffix(".parquet")) for name in folder.manifest.files
    }
    tables["sprites"] = pa.Table.from_pylist(rows, schema=tables["sprites"].schema)
    return write_run(folder.path, tables, run_id=folder.manifest.id)


@pytest.fixture(scope="package")
def service(engine: EngineAddress, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """The service; its runs replace what other tests left under their ids and nothing else."""
    base = tmp_path_factory.mktemp("runs")
    folder = with_pictures(
        with_images(
            random_run(base / RUN, run_id=RUN, class_count=8, excluded=[(1, 2)], pictures=True, embeddings=True, seed=3)
        )
    )
    folder = with_instances(folder, MEASURED)
    other = random_run(base / OTHER, run_id=OTHER, class_count=2, seed=4)
    statements: list[str] = []

    class NotingRunner(QueryRunner):
        async def run(self, name: str, *args: Any, **options: Any) -> Any:
            statements.append(name)
            return await super().run(name, *args, **options)

    async def connect() -> QueryRunner:
        return await QueryRunner.connect(engine.bolt_url, engine.user, engine.password)

    async def noting() -> QueryRunner:
        return await NotingRunner.connect(engine.bolt_url, engine.user, engine.password)

    async def load() -> None:
        async with await connect() as runner:
            for run in (folder, other):
                await load_run(runner, run, replace=True)

    asyncio.run(load())
    # On a busy machine a request may wait long for its place; how long is not what these tests are about. Nor are
    # answers that were kept: each question is to reach the database.
    limits = Limits(wait_s=60, timeout_s=120, cache_bytes=0)
    with serving(ApiSettings(port=0, viewer=base, limits=limits, token=TOKEN), noting) as http:
        yield Service(http, folder, connect, statements)
