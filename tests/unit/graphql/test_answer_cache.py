"""Answers that are kept: how much, how long, and what of the request they depend on."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from arete_core.errors import DatabaseUnavailableError
from arete_core.manifest import MANIFEST
from arete_graphql import answer_cache
from arete_graphql.answer_cache import Answer, AnswerCache, DataVersion, question_key
from arete_graphql.context import Database
from arete_graphql.settings import ApiSettings, Limits
from arete_queries import reads
from arete_queries.data_version import DataState

RUNS = {"query": "{ runs { id } }"}


class FakeConnection:
    async def close(self) -> None:
        pass


def answer(length: int) -> Answer:
    return Answer(b"x" * length, None, "tag")


def test_the_one_asked_for_longest_ago_goes_first_and_bytes_are_bounded() -> None:
    size = answer(1000).size
    cache = AnswerCache(size * 10)
    for number in range(10):
        cache.put(bytes([number]), "", answer(1000))
    assert cache.bytes_held == size * 10
    assert cache.get(b"\x00", "") is not None
    cache.put(b"new", "", answer(1000))
    assert len(cache) == 10
    assert cache.get(b"\x01", "") is None
    assert cache.get(b"\x00", "") is not None
    cache.put(b"new", "", answer(500))  # replaced, not added
    assert len(cache) == 10
    assert cache.bytes_held == size * 9 + answer(500).size


def test_a_large_answer_does_not_push_out_the_others() -> None:
    cache = AnswerCache(100_000)
    cache.put(b"a", "", answer(10))
    cache.put(b"b", "", answer(20_000))
    assert cache.get(b"b", "") is None
    assert cache.get(b"a", "") is not None


def test_another_version_of_the_data_empties_it() -> None:
    cache = AnswerCache(100_000)
    assert cache.get(b"a", "1") is None
    cache.put(b"a", "1", answer(10))
    assert cache.get(b"a", "1") is not None
    assert cache.get(b"a", "2") is None
    # Worked out from data of yesterday, while somebody else noticed the change.
    cache.put(b"a", "1", answer(10))
    assert cache.get(b"a", "2") is None
    assert cache.bytes_held == 0


def test_questions_are_the_same_only_where_everything_is() -> None:
    query = {"query": "{ a }", "variables": {"x": 1, "y": [1, 2]}, "operationName": "Q"}
    assert question_key(query) == question_key({**query, "variables": {"y": [1, 2], "x": 1}, "extensions": {}})
    others = [
        {**query, "query": "{ b }"},
        {**query, "operationName": None},
        {**query, "variables": {"x": 1, "y": [2, 1]}},
        {**query, "variables": {"x": "1", "y": [1, 2]}},
        {**query, "variables": {"x": 1.5, "y": [1, 2]}},
        {**query, "variables": None},
    ]
    assert len({question_key(one) for one in [query, *others]}) == 7


@pytest.mark.anyio
async def test_the_version_follows_database_and_manifests_and_is_asked_for_twice_a_second(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    asked = 0
    state: Any = DataState("FB:1", (str(tmp_path),))

    async def data_state(_runner: Any) -> DataState:
        nonlocal asked
        asked += 1
        if isinstance(state, Exception):
            raise state
        return state

    async def connect() -> Any:
        return FakeConnection()

    monkeypatch.setattr(reads, "data_state", data_state)
    version = DataVersion(Database(connect))
    first = await version.current()
    assert first
    assert await version.current() == first
    assert asked == 1
    version.forget()
    assert await version.current() == first
    assert asked == 2

    seen = {first}
    monkeypatch.setattr(answer_cache, "VERSION_S", 0.0)
    version.forget()
    (tmp_path / MANIFEST).write_text("{}")
    seen.add(await version.current() or "")
    (tmp_path / MANIFEST).write_text("{} ")
    seen.add(await version.current() or "")
    state = DataState("FB:2", (str(tmp_path),))
    seen.add(await version.current() or "")
    assert len(seen) == 4
    state = DatabaseUnavailableError("gone")
    assert await version.current() is None


@pytest.mark.anyio
async def test_a_question_asked_again_is_not_read_again(client: Any, recorded: list[Any]) -> None:
    async with client() as http:
        first = await http.post("/graphql", json=RUNS)
        second = await http.post("/graphql", json=RUNS)
        other = await http.post("/graphql", json={"query": "{ runs { name } }"})
    assert first.json() == second.json() == {"data": {"runs": [{"id": "demo"}, {"id": "demo"}]}}
    assert other.json() != first.json()
    assert [name for name, _ in recorded] == ["list_runs", "list_runs"]
    assert first.headers["x-request-id"] != second.headers["x-request-id"]


@pytest.mark.anyio
async def test_errors_are_not_kept(client: Any, recorded: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    async def down(_runner: Any) -> Any:
        raise DatabaseUnavailableError("gone")

    before = reads.list_runs
    async with client() as http:
        monkeypatch.setattr(reads, "list_runs", down)
        failed = await http.post("/graphql", json=RUNS)
        monkeypatch.setattr(reads, "list_runs", before)
        healed = await http.post("/graphql", json=RUNS)
    assert "errors" in failed.json()
    assert "etag" not in failed.headers
    assert "errors" not in healed.json()


@pytest.mark.anyio
@pytest.mark.parametrize("cache_bytes", [0, 10_000_000])
async def test_who_has_the_answer_hears_so(client: Any, recorded: list[Any], cache_bytes: int) -> None:
    settings = ApiSettings(limits=Limits(cache_bytes=cache_bytes))
    async with client(settings) as http:
        first = await http.post("/graphql", json=RUNS)
        tag = first.headers["etag"]
        same = await http.post("/graphql", json=RUNS, headers={"If-None-Match": f'"other", {tag}'})
        strong = await http.post("/graphql", json=RUNS, headers={"If-None-Match": tag.removeprefix("W/")})
        other = await http.post("/graphql", json=RUNS, headers={"If-None-Match": '"other"'})
    # The tag is that of the content: another process gives the same one.
    async with client(settings) as http:
        elsewhere = await http.post("/graphql", json=RUNS, headers={"If-None-Match": tag})
    for answered in (same, strong, elsewhere):
        assert (answered.status_code, answered.content) == (304, b"")
        assert answered.headers["etag"] == tag
        assert answered.headers["x-content-type-options"] == "nosniff"
    assert (other.status_code, other.json()) == (200, first.json())
    assert first.headers["cache-control"] == "no-cache"


@pytest.mark.anyio
async def test_kept_answers_are_compressed_once_and_come_out_whole(client: Any, recorded: list[Any]) -> None:
    question = {"query": "{ __schema { types { name description } } }"}
    async with client() as http:
        packed = [await http.post("/graphql", json=question, headers={"Accept-Encoding": "gzip"}) for _ in range(2)]
        plain = await http.post("/graphql", json=question, headers={"Accept-Encoding": "identity"})
        raw = http.build_request("POST", "/graphql", json=question, headers={"Accept-Encoding": "gzip"})
        stream = await http.send(raw, stream=True)
        body = b"".join([part async for part in stream.aiter_raw()])
    assert packed[0].headers["content-encoding"] == packed[1].headers["content-encoding"] == "gzip"
    assert "content-encoding" not in plain.headers
    assert packed[0].json() == packed[1].json() == plain.json() == json.loads(gzip.decompress(body))
    assert int(packed[1].headers["content-length"]) == len(body) < len(plain.content) / 2
    assert packed[1].headers["vary"] == plain.headers["vary"] == "Accept-Encoding"
