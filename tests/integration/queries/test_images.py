"""Dataset examples and images: what is read is what the run folder says, and folders that are gone are told plainly."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from loaded_runs import Dump, Loaded

from arete_core.errors import BadInput, NotFoundError
from arete_queries.delete import delete_run
from arete_queries.image_results import ImageFilter
from arete_queries.load import load_run
from arete_queries.reads import channel_examples, get_classes, list_images
from arete_queries.runner import QueryRunner
from run_builder import class_sets_run, random_run, with_images

pytestmark = [pytest.mark.integration, pytest.mark.anyio]


async def test_examples_of_the_run_and_of_a_class(loaded: Loaded, runner: QueryRunner) -> None:
    folder = loaded.folders["tiny"]
    for class_, table in ((None, "examples"), ("tiny/0", "class_examples")):
        rows = [row for row in folder.table(table).to_pylist() if (row["layer"], row["channel"]) == (1, 1)]
        found = await channel_examples(runner, "tiny/block1/1", class_=class_)
        assert [(one.rank, one.image.number, one.activation) for one in found] == [
            (row["rank"], row["image"], row["activation"]) for row in rows
        ]
        assert len(rows) == (3 if class_ is None else 2)
        assert {one.box for one in found} == {(1, 2, 9, 8)}
        sprites = folder.table("sprites" if class_ is None else "class_sprites").to_pylist()
        (sprite,) = [row for row in sprites if (row["layer"], row["channel"]) == (1, 1)]
        strips = [one.strip for one in found if one.strip is not None]
        assert len(strips) == len(found)
        assert {(one.sha256, one.tiles, one.tile_px) for one in strips} == {
            (sprite["sha256"], sprite["tiles"], sprite["tile_px"])
        }
    assert [one.rank for one in await channel_examples(runner, "tiny/block1/1", first=1)] == [0]


async def test_channels_and_runs_without_examples(loaded: Loaded, runner: QueryRunner) -> None:
    assert await channel_examples(runner, "tiny/block1/0") == ()
    assert await channel_examples(runner, "tiny/block1/2", class_="tiny/0") == ()
    assert await channel_examples(runner, "tiny/block1/1", class_="tiny/3") == ()
    assert await channel_examples(runner, "other/block1/1") == ()
    assert (await list_images(runner, "other/0")).items == ()


async def test_wrong_questions(loaded: Loaded, runner: QueryRunner) -> None:
    with pytest.raises(NotFoundError, match="block1/99"):
        await channel_examples(runner, "tiny/block1/99")
    with pytest.raises(NotFoundError, match="tiny/77"):
        await channel_examples(runner, "tiny/block1/1", class_="tiny/77")
    with pytest.raises(BadInput, match="different runs"):
        await channel_examples(runner, "tiny/block1/1", class_="other/0")
    with pytest.raises(BadInput, match="first"):
        await channel_examples(runner, "tiny/block1/1", first=0)
    with pytest.raises(NotFoundError, match="tiny/77"):
        await list_images(runner, "tiny/77")


@pytest.mark.parametrize(
    ("class_", "where", "places"),
    [
        (0, ImageFilter.ALL, [0, 1, 2, 3, 4]),
        (0, ImageFilter.CORRECT, [2, 3, 4]),
        (0, ImageFilter.MISCLASSIFIED, [0, 1]),
        (1, ImageFilter.ALL, [0, 1, 2, 3, 4]),
        (1, ImageFilter.CORRECT, []),  # no output stands for its label
        (1, ImageFilter.MISCLASSIFIED, []),
    ],
)
async def test_images_of_a_class(
    loaded: Loaded, runner: QueryRunner, class_: int, where: ImageFilter, places: list[int]
) -> None:
    page = await list_images(runner, f"tiny/{class_}", where=where)
    assert [one.number for one in page.items] == [class_ * 6 + place for place in places]
    assert page.total == len(places)
    for one in page.items:
        assert (one.id, one.class_id) == (f"tiny/image:{one.number}", f"tiny/{class_}")
        place = one.number % 6
        assert one.predicted_id == [f"tiny/{class_ + 1}", None, *[f"tiny/{class_}"] * 3][place]
        assert one.probability == (None if class_ == 1 else place / 8)


async def test_images_page_by_page(loaded: Loaded, runner: QueryRunner) -> None:
    seen: list[int] = []
    after = None
    while True:
        page = await list_images(runner, "tiny/2", first=2, after=after)
        seen += [one.number for one in page.items]
        after = page.end_cursor
        if not page.has_next:
            break
    assert seen == [12, 13, 14, 15, 16]
    with pytest.raises(BadInput):
        await list_images(runner, "tiny/3", first=2, after=after)


async def test_classes_by_id(loaded: Loaded, runner: QueryRunner) -> None:
    found = await get_classes(runner, ["tiny/3", "tiny/99", "other/0"])
    assert {id_: one.id for id_, one in found.items()} == {"tiny/3": "tiny/3", "other/0": "other/0"}


@pytest.mark.usefixtures("clean_database")
async def test_what_the_database_holds_and_what_is_left_of_it(
    tmp_path: Path, runner: QueryRunner, dump: Callable[[], Dump]
) -> None:
    folder = with_images(random_run(tmp_path / "run", pictures=True))
    await load_run(runner, folder)
    rows = folder.table("examples").to_pylist()
    held = dump()
    assert held["examples"] == sorted(
        (
            (f"tiny/block{row['layer']}/{row['channel']}", f"tiny/image:{row['image']}", row["rank"], row["activation"])
            for row in rows
        ),
        key=repr,
    )
    images = {node["number"]: node for labels, node in held["nodes"] if labels == ["Image"]}
    assert images.keys() == {row["image"] for row in rows}
    assert images[0] == {"id": "tiny/image:0", "run": "tiny", "number": 0, "classIndex": 0, "predictedIndex": 1,
                         "probability": 0.0}  # fmt: skip
    assert "predictedIndex" not in images[1]
    await delete_run(runner, "tiny")
    assert dump()["nodes"] == []


@pytest.mark.usefixtures("clean_database")
async def test_images_of_other_class_sets_are_their_members(tmp_path: Path, runner: QueryRunner) -> None:
    folder = with_images(class_sets_run(tmp_path))
    await load_run(runner, folder)
    assert [one.number for one in (await list_images(runner, "sets/5")).items] == [0, 1]
    assert [one.class_id for one in (await list_images(runner, "sets/6")).items] == ["sets/1"]
    assert [one.number for one in (await list_images(runner, "sets/3")).items] == [6, 7, 8, 9, 10]


@pytest.mark.usefixtures("clean_database")
async def test_a_run_folder_that_is_gone(tmp_path: Path, runner: QueryRunner) -> None:
    folder = with_images(random_run(tmp_path / "run", pictures=True))
    await load_run(runner, folder)
    assert await channel_examples(runner, "tiny/block1/1")
    shutil.rmtree(folder.path)
    for question in (channel_examples(runner, "tiny/block1/1"), list_images(runner, "tiny/0")):
        with pytest.raises(NotFoundError, match="run folder") as caught:
            await question
        assert "load the run again" in caught.value.hint
        assert str(tmp_path) not in caught.value.message
