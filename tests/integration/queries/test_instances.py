"""Single images: what is read is what the run folder says, and what nobody has measured is told with its command."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from loaded_runs import Loaded

from arete_core.errors import BadInput, NotFoundError, RunAlteredError
from arete_core.run_folder import RunFolder, write_table
from arete_core.run_schema import INSTANCE_ACTIVATIONS
from arete_queries import instances
from arete_queries.load import load_run
from arete_queries.reads import MatrixOrder, channel_matrix, get_class, image_activations, layer_instances, list_images
from arete_queries.runner import QueryRunner
from run_builder import random_run, with_images, with_instances

pytestmark = [pytest.mark.integration, pytest.mark.anyio]

NUMBERS = [2, 3, 8, 9, 20]  # six images a class: of the classes 0, 0, 1, 1 and 3
LAYER = "seen/block1"


@pytest.fixture
async def seen(tmp_path: Path, runner: QueryRunner) -> RunFolder:
    folder = with_images(random_run(tmp_path / "run", run_id="seen", class_count=5, pictures=True, seed=3))
    # Measured after it was loaded: nothing of it is in the database.
    await load_run(runner, folder, replace=True)
    return with_instances(folder, NUMBERS)


def rows_of(folder: RunFolder, layer: int) -> dict[int, dict[str, Any]]:
    rows = folder.table("instance_activations").to_pylist()
    return {row["image"]: row for row in rows if row["layer"] == layer}


async def test_activations_of_images(seen: RunFolder, runner: QueryRunner) -> None:
    rows = rows_of(seen, 1)
    asked = [20, 2, 3]
    found = await image_activations(runner, LAYER, [f"seen/image:{number}" for number in asked])
    for number, one in zip(asked, found, strict=True):
        row = rows[number]
        assert (one.image.id, one.image.number, one.layer) == (f"seen/image:{number}", number, LAYER)
        np.testing.assert_allclose(one.values, np.float32(row["shares"]) * np.float32(row["largest"]), rtol=1e-6)
    assert max(found[1].values) == 9
    assert not any(found[2].values)  # it excites nothing


async def test_places_of_images_and_their_thumbnails(seen: RunFolder, runner: QueryRunner) -> None:
    found = await layer_instances(runner, LAYER)
    assert found is not None
    assert [one.number for one in found.images] == NUMBERS
    assert (found.x, found.y) == ((0, 0.5, 1, 1.5, 2), (1, 0.75, 0.5, 0.25, 0))
    some = await layer_instances(runner, LAYER, classes=["seen/3", "seen/0"])
    assert some is not None
    assert ([one.number for one in some.images], some.x) == ([2, 3, 20], (0, 0.5, 2))
    assert await layer_instances(runner, "seen/block0") is None  # measured in other layers
    strips = {row["strip"]: row for row in seen.table("thumbnails").to_pylist()}
    for tile, image in enumerate(found.images):
        assert image.thumbnail is not None
        assert (image.thumbnail.number, image.thumbnail.tile) == (0, tile)
        assert image.thumbnail.strip.sha256 == strips[0]["sha256"]
    listed = await list_images(runner, "seen/0")
    assert {one.number for one in listed.items if one.thumbnail is not None} == {2, 3}


@pytest.mark.parametrize("order", list(MatrixOrder))
async def test_images_beside_classes(seen: RunFolder, runner: QueryRunner, order: MatrixOrder) -> None:
    rows = ["seen/image:8", "seen/2", "seen/image:20"]
    images = rows_of(seen, 1)
    counts = {row["channel"]: row["count"] for row in seen.table("activations").to_pylist()
              if (row["class"], row["layer"]) == (2, 1)}  # fmt: skip
    size = seen.table("layers").to_pylist()[1]["channels"]
    class_ = await get_class(runner, "seen/2")
    values = np.array(
        [
            images[8]["shares"],
            [counts.get(channel, 0) / class_.images for channel in range(size)],
            images[20]["shares"],
        ],
        float,
    )
    key = {
        MatrixOrder.MEAN: -values.mean(axis=0),
        MatrixOrder.ROW: -values[2],
        MatrixOrder.SPREAD: -np.ptp(values, axis=0),
        MatrixOrder.INDEX: np.arange(size),
    }[order]
    expected = np.argsort(key, kind="stable")[:5]
    sort_by = rows[2] if order is MatrixOrder.ROW else None
    found = await channel_matrix(runner, LAYER, rows, order=order, sort_by=sort_by, first=5)
    assert [one.index for one in found.channels] == expected.tolist()
    np.testing.assert_allclose(np.reshape(found.values, (3, 5)), values[:, expected], rtol=1e-6)
    assert [(one.id, one.unit.name, one.largest) for one in found.rows] == [
        ("seen/image:8", "OF_LARGEST", 8.0),
        ("seen/2", "SHARE_OF_IMAGES", None),
        ("seen/image:20", "OF_LARGEST", 7.0),
    ]
    assert [one.class_.id for one in found.rows if one.class_] == ["seen/1", "seen/2", "seen/3"]
    assert [one.image.number for one in found.rows if one.image] == [8, 20]
    assert found.column_count == size


async def test_images_alone(seen: RunFolder, runner: QueryRunner) -> None:
    found = await channel_matrix(runner, LAYER, ["seen/image:3", "seen/image:2", "seen/image:3"])
    assert [(one.id, one.largest) for one in found.rows] == [("seen/image:3", 0.0), ("seen/image:2", 9.0)]
    assert set(found.values[: len(found.channels)]) == {0.0}


async def test_wrong_questions(seen: RunFolder, runner: QueryRunner, monkeypatch: pytest.MonkeyPatch) -> None:
    for rows, layer, error, text in (
        (["seen/image:4"], LAYER, NotFoundError, "arete instances RUN --classes 0"),
        (["seen/2", "seen/image:10"], LAYER, NotFoundError, "arete instances RUN --classes 1"),
        (["seen/image:2"], "seen/block0", NotFoundError, "other layers"),
        (["seen/image:99"], LAYER, NotFoundError, "images 0 to 29"),
        (["other/image:2"], LAYER, BadInput, "one run"),
        (["seen/image:2"], "seen/block9", NotFoundError, "block"),
    ):
        with pytest.raises(error) as caught:
            await channel_matrix(runner, layer, rows)
        assert text in caught.value.hint
    with pytest.raises(NotFoundError, match="image 'seen/2'"):
        await image_activations(runner, LAYER, ["seen/2"])
    with pytest.raises(BadInput, match="1 to 200"):
        await image_activations(runner, LAYER, [])
    with pytest.raises(NotFoundError, match="class 'seen/9'"):
        await layer_instances(runner, LAYER, classes=["seen/9"])
    with pytest.raises(BadInput, match="not of run"):
        await layer_instances(runner, LAYER, classes=["other/0"])
    monkeypatch.setattr(instances, "MAX_PLACED", len(NUMBERS))
    assert await layer_instances(runner, LAYER) is not None
    monkeypatch.setattr(instances, "MAX_PLACED", len(NUMBERS) - 1)
    with pytest.raises(BadInput, match=f"these have {len(NUMBERS)}"):
        await layer_instances(runner, LAYER)


async def test_a_run_without_instances(loaded: Loaded, runner: QueryRunner) -> None:
    assert await layer_instances(runner, "tiny/block1") is None
    with pytest.raises(NotFoundError) as caught:
        await image_activations(runner, "tiny/block1", ["tiny/image:0"])
    assert "arete instances" in caught.value.hint
    with pytest.raises(NotFoundError) as caught:
        await image_activations(runner, "other/block1", ["other/image:0"])
    assert "imported without" in caught.value.hint


async def test_a_table_that_was_altered_is_refused(seen: RunFolder, runner: QueryRunner) -> None:
    rows = seen.table("instance_activations").to_pylist()
    for wrong in (rows[::-1], rows[:-1], [{**row, "shares": row["shares"][:-1]} for row in rows]):
        write_table(seen.path, "instance_activations", pa.Table.from_pylist(wrong, INSTANCE_ACTIVATIONS))
        (seen.path / "manifest.json").write_text((seen.path / "manifest.json").read_text() + "\n")
        with pytest.raises(RunAlteredError, match="instance_activations"):
            await image_activations(runner, LAYER, ["seen/image:2"])
