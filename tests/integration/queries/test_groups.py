"""Groups: made, listed, deleted, and gone with their run."""

from pathlib import Path

import pytest
from loaded_runs import Loaded

from arete_core.errors import BadInput, NotFoundError
from arete_queries.delete import delete_run
from arete_queries.load import load_run
from arete_queries.reads import create_group, delete_group, get_group, list_groups
from arete_queries.runner import QueryRunner
from run_builder import random_run

pytestmark = [pytest.mark.integration, pytest.mark.anyio]


async def test_a_group_from_making_to_deleting(loaded: Loaded, runner: QueryRunner) -> None:
    made = await create_group(runner, "tiny", "  zoo & co  ", ["tiny/3", "tiny/1", "tiny/3"])
    assert (made.id, made.run, made.name, made.class_count) == ("tiny/zoo & co", "tiny", "zoo & co", 2)
    found = await get_group(runner, made.id)
    assert found.info == made
    assert [info.id for info in found.classes] == ["tiny/1", "tiny/3"]
    assert [info.name for info in await list_groups(runner, "tiny")] == ["bears", "zoo & co"]
    assert await list_groups(runner, "other") == ()
    with pytest.raises(BadInput, match="has a group 'zoo & co' already"):
        await create_group(runner, "tiny", "zoo & co", ["tiny/0"])
    assert (await get_group(runner, made.id)).info.class_count == 2
    await create_group(runner, "tiny", "zoo & co", ["tiny/0"], replace=True)
    assert [info.id for info in (await get_group(runner, made.id)).classes] == ["tiny/0"]
    await delete_group(runner, made.id)
    assert [info.name for info in await list_groups(runner, "tiny")] == ["bears"]
    with pytest.raises(NotFoundError, match="no group 'tiny/zoo & co'"):
        await get_group(runner, made.id)


@pytest.mark.parametrize("name", ["", "  ", "12", "a/b", "a\nb", "x" * 101, "\ud800"])
async def test_names_that_cannot_be(loaded: Loaded, runner: QueryRunner, name: str) -> None:
    with pytest.raises(BadInput, match="name"):
        await create_group(runner, "tiny", name, ["tiny/0"])


async def test_what_cannot_be_asked(loaded: Loaded, runner: QueryRunner) -> None:
    for call, message in (
        (create_group(runner, "tiny", "new", []), "1 to 5,000 classes"),
        (create_group(runner, "tiny", "new", ["tiny/0", "other/0"]), "'other/0' is not of run 'tiny'"),
        (create_group(runner, "tiny", "new", ["tiny/0", "tiny/99"]), "no class 'tiny/99'"),
        (create_group(runner, "tinny", "new", ["tiny/0"]), "no run 'tinny'"),
        (list_groups(runner, "tinny"), "no run 'tinny'"),
    ):
        with pytest.raises(BadInput, match=message):
            await call
    assert [info.name for info in await list_groups(runner, "tiny")] == ["bears"]
    with pytest.raises(NotFoundError) as caught:
        await get_group(runner, "tiny/baers")
    assert "tiny/bears" in caught.value.hint
    with pytest.raises(NotFoundError) as caught:
        await delete_group(runner, "other/any")
    assert "has no groups" in caught.value.hint


async def test_a_run_takes_its_groups_with_it(loaded: Loaded, runner: QueryRunner, tmp_path: Path) -> None:
    await load_run(runner, random_run(tmp_path / "gone", run_id="gone", class_count=2))
    await create_group(runner, "gone", "pair", ["gone/0", "gone/1"])
    await delete_run(runner, "gone")
    with pytest.raises(NotFoundError, match="no run 'gone'"):
        await list_groups(runner, "gone")
    await load_run(runner, random_run(tmp_path / "gone", run_id="gone", class_count=2))
    assert await list_groups(runner, "gone") == ()
    assert [info.name for info in await list_groups(runner, "tiny")] == ["bears"]
    await delete_run(runner, "gone")
