"""Search on the real database: ranks, typing errors, beginnings, and texts that are no search at all."""

from collections.abc import Callable
from typing import Any

import pytest
from loaded_runs import Loaded

from arete_core.errors import BadInput, NotFoundError
from arete_queries.reads import SearchKind, label_channel, search_run
from arete_queries.runner import QueryRunner

pytestmark = [pytest.mark.integration, pytest.mark.anyio]


async def names(runner: QueryRunner, text: str, *kinds: SearchKind) -> list[str]:
    await runner.run("await_indexes", {"seconds": 30})
    found = await search_run(runner, "tiny", text, kinds=kinds or None)
    assert found.complete
    assert [hit.score for hit in found.hits] == sorted((hit.score for hit in found.hits), reverse=True)
    assert all(0 < hit.score <= 1 and hit.id == hit.item.id for hit in found.hits)
    return [hit.name for hit in found.hits]


async def test_whole_names_come_before_words_and_beginnings(loaded: Loaded, runner: QueryRunner) -> None:
    assert await names(runner, "BEAR") == ["black bear", "Brown Bear", "polar bear", "bears"]
    assert await names(runner, "bears") == ["bears"]
    assert await names(runner, "bear", SearchKind.GROUP) == ["bears"]
    assert await names(runner, "black bear") == ["black bear"]
    assert await names(runner, "bro") == ["Brown Bear"]
    assert await names(runner, "block") == [f"block{number}" for number in range(5)]


@pytest.mark.parametrize(
    ("text", "name"),
    [("balck baer", "black bear"), ("polr bear", "polar bear"), ("blok2", "block2"), ("übersse", "übersee")],
)
async def test_typing_errors_are_forgiven(loaded: Loaded, runner: QueryRunner, text: str, name: str) -> None:
    assert name in await names(runner, text)


async def test_channels_by_place_and_by_label(loaded: Loaded, runner: QueryRunner) -> None:
    for text in ("block2/7", "block2 7", "block2:007"):
        assert (await names(runner, text))[0] == "block2/7"
    assert "block2/99" not in await names(runner, "block2/99")
    await label_channel(runner, "tiny/block2/7", "striped fur")
    try:
        assert await names(runner, "fur") == ["striped fur"]
        assert await names(runner, "stirped") == ["striped fur"]
        assert await names(runner, "fur", SearchKind.CLASS) == []
        assert (await names(runner, "block2/7"))[0] == "striped fur"
    finally:
        await label_channel(runner, "tiny/block2/7", None)
    assert await names(runner, "fur") == []


@pytest.mark.parametrize(
    "text",
    [
        "AND", "OR NOT", "bear AND", "name:*", "*", "?", "~", "bear~9", '"', '"bear', "(", ")", "a:b", "[a TO b]", "{",
        "\\", "/re.*/", "+-&&||!", "^9", "bear^99999999999", "a" * 200, "$run", "') RETURN 1 //", "\t\n", "😀",
        "x" + "*" * 50,
    ],
)  # fmt: skip
async def test_any_text_is_only_text(loaded: Loaded, runner: QueryRunner, text: str) -> None:
    assert (await search_run(runner, "tiny", text)).complete


async def test_what_cannot_be_asked(loaded: Loaded, runner: QueryRunner) -> None:
    for call in (
        search_run(runner, "tiny", "x" * 201),
        search_run(runner, "tiny", "\ud800"),
        search_run(runner, "tiny", "bear", kinds=[]),
        search_run(runner, "tiny", "bear", first=0),
    ):
        with pytest.raises(BadInput):
            await call
    for text in ("bear", ""):
        with pytest.raises(NotFoundError, match="no run 'tinny'"):
            await search_run(runner, "tinny", text)
    assert (await search_run(runner, "tiny", "  ")).hits == ()
    assert len((await search_run(runner, "tiny", "b", first=2)).hits) == 2
    assert {hit.item.run for hit in (await search_run(runner, "other", "bears")).hits} == {"other"}


async def test_without_the_index_names_are_still_read(
    loaded: Loaded, runner: QueryRunner, execute: Callable[..., Any]
) -> None:
    execute("DROP INDEX arete_search_labels")
    try:
        found = await search_run(runner, "tiny", "bear")
        assert not found.complete
        assert [hit.name for hit in found.hits] == ["black bear", "Brown Bear", "polar bear", "bears"]
    finally:
        await runner.run("schema_search_labels")
        await runner.run("await_indexes", {"seconds": 30})
