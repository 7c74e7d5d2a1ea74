"""Headers, host names and compression of every answer."""

from pathlib import Path
from typing import Any

import pytest
from graphql import get_introspection_query

from arete_core.errors import DatabaseUnavailableError
from arete_graphql import context
from arete_graphql.settings import ApiSettings, base_url

pytestmark = pytest.mark.anyio


@pytest.fixture
def viewer(tmp_path: Path) -> Path:
    (tmp_path / "index.html").write_text("<!doctype html><title>Arête</title>")
    return tmp_path


@pytest.mark.parametrize("path", ["/", "/graphql", "/healthz", "/readyz", "/images/x/examples/0-0.webp", "/no.where"])
async def test_every_answer_carries_the_headers(client: Any, recorded: Any, viewer: Path, path: str) -> None:
    async with client(ApiSettings(viewer=viewer)) as http:
        answer = await http.get(path)
    policy = answer.headers["content-security-policy"]
    assert "default-src 'self'" in policy
    assert "img-src 'self' data:" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["cache-control"]
    assert "access-control-allow-origin" not in answer.headers
    assert "server" not in answer.headers


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1:8700", "[::1]:8700", "LOCALHOST:1", "arete.example:80"])
async def test_own_names_are_answered(client: Any, host: str) -> None:
    async with client(ApiSettings(allowed_hosts=("arete.example",))) as http:
        assert (await http.get("/healthz", headers={"Host": host})).status_code == 200


@pytest.mark.parametrize(
    "host",
    ["evil.example", "localhost.evil.example", "arete.example.evil", "127.0.0.1.evil.example", "evil@localhost",
     "localhost/evil", "[::2]", "0.0.0.0", "", "www.localhost", "local\thost"],
)  # fmt: skip
async def test_other_names_are_refused(client: Any, recorded: list[Any], host: str) -> None:
    async with client(ApiSettings(allowed_hosts=("arete.example",))) as http:
        answer = await http.post("/graphql", json={"query": "{ runs { id } }"}, headers={"Host": host})
    assert answer.status_code == 400
    assert "allowed_hosts" in answer.json()["errors"][0]["extensions"]["hint"]
    assert recorded == []


def test_names_that_settings_allow() -> None:
    loopback = ("localhost", "127.0.0.1", "[::1]")
    assert ApiSettings().host_names() == loopback
    assert ApiSettings(host="0.0.0.0").host_names() == loopback
    assert ApiSettings(host="10.0.0.5").host_names() == (*loopback, "10.0.0.5")
    assert ApiSettings(host="fe80::1").host_names() == (*loopback, "[fe80::1]")
    assert ApiSettings(allowed_hosts=("*.example.org",)).host_names() == (*loopback, "*.example.org")


def test_the_address_a_browser_opens() -> None:
    assert base_url("127.0.0.1", 8700) == "http://127.0.0.1:8700/"
    assert base_url("0.0.0.0", 80) == "http://127.0.0.1:80/"
    assert base_url("::1", 8700) == "http://[::1]:8700/"
    assert base_url("arete.example", 1) == "http://arete.example:1/"


async def test_large_json_is_compressed_and_small_is_not(client: Any, recorded: Any) -> None:
    gzip = {"Accept-Encoding": "gzip"}
    large = {"query": get_introspection_query()}
    async with client() as http:
        packed = await http.post("/graphql", json=large, headers=gzip)
        plain = await http.post("/graphql", json=large, headers={"Accept-Encoding": "identity"})
        small = await http.post("/graphql", json={"query": "{ runs { id } }"}, headers=gzip)
    assert packed.headers["content-encoding"] == "gzip"
    assert "Accept-Encoding" in packed.headers["vary"]
    assert int(packed.headers["content-length"]) < len(plain.content) / 4
    assert packed.json() == plain.json()
    assert "content-encoding" not in plain.headers
    assert "content-encoding" not in small.headers


async def test_without_a_database_the_service_starts_says_so_and_heals(
    client: Any, recorded: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    down = True

    class Runner:
        async def close(self) -> None:
            pass

    async def connect() -> Any:
        if down:
            raise DatabaseUnavailableError("nothing answers at bolt://127.0.0.1:1", hint="start it")
        return Runner()

    monkeypatch.setattr(context, "RETRY_S", 0.0)
    async with client(factory=connect) as http:
        assert (await http.get("/healthz")).json() == {"status": "alive"}
        ready = await http.get("/readyz")
        asked = await http.post("/graphql", json={"query": "{ runs { id } }"})
        picture = await http.get("/images/demo/examples/0-0.webp")
        down = False
        healed = await http.get("/readyz")
    assert ready.status_code == picture.status_code == 503
    assert asked.status_code == 200
    for answer in (ready, picture, asked):
        entry = answer.json()["errors"][0]
        assert entry["extensions"]["code"] == "DATABASE_UNAVAILABLE"
        assert entry["extensions"]["hint"] == "start it"
    assert (healed.status_code, healed.json()) == (200, {"status": "ready", "warmUp": "off"})
