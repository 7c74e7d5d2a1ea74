"""The service in memory, its reads replaced: for what happens before and after a read, never for what it answers."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import httpx
import pytest

from arete_graphql.app import create_app
from arete_graphql.settings import ApiSettings
from arete_queries import reads
from arete_queries.results import ClassInfo, ClassKind, LayerInfo, Page, RunInfo


class FakeRunner:
    """Stands for a connection; remembers whether it was closed."""

    def __init__(self) -> None:
        self.closed = False

    async def close(self) -> None:
        self.closed = True

    async def run_with_bookmark(self, name: str) -> tuple[list[dict[str, Any]], str]:
        """What the service asks of its own accord, to know whether the answers that it keeps still hold."""
        assert name == "run_folders"
        return [{"folders": []}], "FB:1"


RUN = RunInfo(
    id="demo",
    name="Demo",
    model="net",
    dataset="shapes",
    images=10,
    class_count=2,
    complete_classes=2,
    channel_count=4,
    image_size=32,
    device="cpu",
    created_at="2026-01-01T00:00:00Z",
    state="complete",
    folder="/nowhere/at/all",
)
LAYERS = tuple(LayerInfo(f"demo/l{index}", "demo", f"l{index}", index, "conv", 2, 8, 8, ()) for index in range(2))
CLASSES = tuple(
    ClassInfo(f"demo/{index}", "demo", index, index, f"class {index}", ClassKind.LABEL, 5, 0, None, None, None, 0, 0.0)
    for index in range(2)
)

Client = Callable[..., AbstractAsyncContextManager[httpx.AsyncClient]]


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def recorded(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, tuple[Any, ...]]]:
    """Replaces the reads by recorded answers; returns the list of calls made so far."""
    calls: list[tuple[str, tuple[Any, ...]]] = []

    def record(name: str, answer: Any) -> None:
        async def read(_runner: Any, *args: Any, **_options: Any) -> Any:
            calls.append((name, args))
            return answer

        monkeypatch.setattr(reads, name, read)

    record("list_runs", [RUN, RUN])
    record("get_run", RUN)
    record("layers_of_runs", {"demo": LAYERS})
    record("get_class", CLASSES[0])
    record("list_classes", Page(CLASSES, 2, 0, ("classes",)))
    return calls


@pytest.fixture
def recorded_run() -> RunInfo:
    """A run as the database would describe it."""
    return RUN


@pytest.fixture
def client() -> Client:
    """Returns a function that starts the service in memory and gives an HTTP client for it."""

    @asynccontextmanager
    async def start(
        settings: ApiSettings | None = None, factory: Callable[[], Awaitable[Any]] | None = None
    ) -> AsyncIterator[httpx.AsyncClient]:
        async def connect() -> Any:
            return FakeRunner()

        app = create_app(settings or ApiSettings(), factory or connect)
        # The lifespan runs in the test's own task; httpx does not start it.
        async with (
            app.router.lifespan_context(app),
            httpx.AsyncClient(
                transport=httpx.ASGITransport(app, raise_app_exceptions=False), base_url="http://127.0.0.1:8700"
            ) as http,
        ):
            yield http

    return start


@pytest.fixture
def ask() -> Callable[..., Awaitable[dict[str, Any]]]:
    """Returns a function that sends a query and gives the answer's JSON; 200 is expected."""

    async def send(http: httpx.AsyncClient, query: str, **variables: Any) -> dict[str, Any]:
        answer = await http.post("/graphql", json={"query": query, "variables": variables})
        assert answer.status_code == 200, answer.text
        return answer.json()

    return send
