"""Runs, layers, classes and channels as readers see them."""

from typing import Any

import numpy as np
import pytest
from loaded_runs import Loaded

from arete_core.errors import BadInput, NotFoundError
from arete_queries.reads import (
    ClassOrder,
    class_similarity,
    get_channel,
    get_class,
    get_layer,
    get_run,
    list_channels,
    list_classes,
    list_layers,
    list_runs,
)
from arete_queries.results import ClassInfo, ClassKind
from arete_queries.runner import QueryRunner

pytestmark = [pytest.mark.integration, pytest.mark.anyio]


async def test_runs(loaded: Loaded, runner: QueryRunner) -> None:
    runs = {run.id: run for run in await list_runs(runner)}
    assert runs.keys() == loaded.folders.keys()
    tiny, folder = runs["tiny"], loaded.folders["tiny"]
    assert (tiny.name, tiny.model, tiny.dataset, tiny.device) == ("The tiny run", "tiny", "drawings", "cpu")
    assert (tiny.class_count, tiny.complete_classes, tiny.channel_count) == (8, 8, 82)
    assert (tiny.images, tiny.image_size) == (folder.manifest.dataset.images, 32)
    assert (tiny.state, tiny.folder, tiny.created_at) == ("complete", str(folder.path), folder.manifest.created_at)
    assert await get_run(runner, "tiny") == tiny


async def test_layers(loaded: Loaded, runner: QueryRunner) -> None:
    layers = await list_layers(runner, "tiny")
    assert [(layer.id, layer.index, layer.channels) for layer in layers] == [
        ("tiny/block0", 0, 12),
        ("tiny/block1", 1, 20),
        ("tiny/block2", 2, 24),
        ("tiny/block3", 3, 16),
        ("tiny/block4", 4, 10),
    ]
    assert layers[0].parents == ()
    assert layers[3].parents == ("tiny/block2", "tiny/block1")
    assert {(layer.run, layer.kind, layer.height, layer.width) for layer in layers} == {("tiny", "conv", 8, 8)}


async def all_pages(runner: QueryRunner, order: ClassOrder, search: str | None, first: int) -> list[ClassInfo]:
    found: list[ClassInfo] = []
    after = None
    for _ in range(20):
        page = await list_classes(runner, "tiny", order=order, search=search, first=first, after=after)
        assert len(page.items) <= first
        found += page.items
        assert page.has_next == (len(found) < page.total)
        if not page.has_next:
            return found
        after = page.end_cursor
    raise AssertionError("pages never end")


def null_last(value: float | None, sign: int) -> tuple[bool, float]:
    return value is None, sign * (value or 0.0)


EXPECTED_ORDER = {
    ClassOrder.INDEX: lambda c: c.index,
    ClassOrder.NAME: lambda c: (c.name.lower(), c.index),
    ClassOrder.NAME_DESC: lambda c: (*(-ord(letter) for letter in c.name.lower()), 0, c.index),
    ClassOrder.ACCURACY_DESC: lambda c: (*null_last(c.accuracy, -1), c.index),
    ClassOrder.ACCURACY_ASC: lambda c: (*null_last(c.accuracy, 1), c.index),
    ClassOrder.IMAGES_DESC: lambda c: (-c.images, c.index),
}


@pytest.mark.parametrize("order", list(EXPECTED_ORDER))
@pytest.mark.parametrize("first", [1, 3, 500])
async def test_classes_in_every_order_page_by_page(
    loaded: Loaded, runner: QueryRunner, order: ClassOrder, first: int
) -> None:
    found = await all_pages(runner, order, None, first)
    assert {one.index for one in found} == set(range(8))
    assert found == sorted(found, key=EXPECTED_ORDER[order])


async def test_the_classes_that_a_layer_sees_alike_come_first(loaded: Loaded, runner: QueryRunner) -> None:
    layout = loaded.data["tiny"].layout
    block = np.flatnonzero(layout.layer == 1)
    counts = {id_: one.counts[block] for id_, one in loaded.classes.items() if id_.startswith("tiny/")}
    own = counts["tiny/3"]
    cosines = {id_: one @ own / np.linalg.norm(one) / np.linalg.norm(own) for id_, one in counts.items()}
    options: dict[str, Any] = {"order": ClassOrder.SIMILARITY, "similar_to": "tiny/3", "layer": "tiny/block1"}
    page = await list_classes(runner, "tiny", **options, first=5)
    rest = await list_classes(runner, "tiny", **options, after=page.end_cursor)
    found = [one.id for one in (*page.items, *rest.items)]
    assert found == sorted(cosines, key=lambda id_: -cosines[id_])
    assert found[0] == "tiny/3"

    near = await class_similarity(runner, "tiny/3", "tiny/block1")
    assert (near.class_.id, near.layer) == ("tiny/3", "tiny/block1")
    assert list(near.classes) == list(counts)
    np.testing.assert_allclose(near.cosines, [cosines[id_] for id_ in near.classes], rtol=1e-12)

    bears = await list_classes(runner, "tiny", **options, search="bear", kinds=[ClassKind.LABEL])
    assert [one.id for one in bears.items] == [one for one in found if "bear" in loaded_name(loaded, one)]
    assert (await list_classes(runner, "tiny", **options, kinds=[ClassKind.IMAGE])).total == 0


def loaded_name(loaded: Loaded, id_: str) -> str:
    return loaded.data["tiny"].classes.column("name").to_pylist()[int(id_.partition("/")[2])].lower()


async def test_similarity_needs_a_class_and_a_layer_of_the_run(loaded: Loaded, runner: QueryRunner) -> None:
    order = ClassOrder.SIMILARITY
    for call in (
        list_classes(runner, "tiny", order=order),
        list_classes(runner, "tiny", order=order, similar_to="tiny/0"),
        list_classes(runner, "tiny", similar_to="tiny/0", layer="tiny/block1"),
        list_classes(runner, "tiny", order=order, similar_to="other/0", layer="tiny/block1"),
        list_classes(runner, "tiny", kinds=[]),
        class_similarity(runner, "other/0", "tiny/block1"),
    ):
        with pytest.raises(BadInput):
            await call
    for call in (
        list_classes(runner, "tiny", order=order, similar_to="tiny/99", layer="tiny/block1"),
        list_classes(runner, "tiny", order=order, similar_to="tiny/0", layer="tiny/blck1"),
        class_similarity(runner, "tiny/0", "tiny/blck1"),
        get_layer(runner, "tiny/blck1"),
    ):
        with pytest.raises(NotFoundError):
            await call
    assert await get_layer(runner, "tiny/block2") == (await list_layers(runner, "tiny"))[2]


@pytest.mark.parametrize(
    ("search", "names"),
    [
        ("bear", ["black bear", "Brown Bear", "polar bear"]),
        ("BROWN b", ["Brown Bear"]),
        ("  fox ", ["red fox"]),
        ("o'h", ["O'Hara's cat"]),
        ("ÜBER", ["übersee"]),
        ("tab\tb", ["tab\tby"]),
        ("", None),
        ("   ", None),
        ("no such thing", []),
        (".*", []),
        ("%", []),
        ("') RETURN 1 //", []),
    ],
)
async def test_search_is_plain_text(loaded: Loaded, runner: QueryRunner, search: str, names: list[str] | None) -> None:
    page = await list_classes(runner, "tiny", search=search)
    assert [one.name for one in page.items] == (names if names is not None else all_names(loaded))
    assert page.total == len(page.items)
    assert not page.has_next


def all_names(loaded: Loaded) -> list[str]:
    return loaded.data["tiny"].classes.column("name").to_pylist()


async def test_a_class_says_what_the_folder_says(loaded: Loaded, runner: QueryRunner) -> None:
    for row in loaded.data["tiny"].classes.to_pylist():
        found = await get_class(runner, f"tiny/{row['class']}")
        one = loaded.classes[found.id]
        assert (found.run, found.index, found.name, found.kind) == ("tiny", row["class"], row["name"], "label")
        assert (found.images, found.failed, found.accuracy) == (row["images"], 0, row["accuracy"])
        assert found.histogram == (None if row["histogram"] is None else tuple(row["histogram"]))
        assert (found.mass, found.edge_count, found.dropped_share) == (one.extraction.mass, len(one.weights), 0.0)
    keys = [one.key for run in loaded.folders for one in (await list_classes(runner, run)).items]
    assert len(keys) == len(set(keys)) == 12


async def test_channels(loaded: Loaded, runner: QueryRunner) -> None:
    page = await list_channels(runner, "tiny/block1", 7)
    again = await list_channels(runner, "tiny/block1", 500, page.end_cursor)
    assert [one.index for one in page.items + again.items] == list(range(20))
    assert (page.total, page.has_next, again.has_next) == (20, True, False)
    one = await get_channel(runner, "tiny/block1/2")
    assert one == page.items[2]
    assert (one.run, one.layer, one.layer_index, one.index, one.excluded) == ("tiny", "block1", 1, 2, True)
    assert (one.picture_hash, one.picture_tiles, one.picture_tile_px) == (f"{1:032x}{2:032x}", 3, 32)
    assert not page.items[3].excluded
    bare = await get_channel(runner, "other/block0/0")
    assert (bare.picture_hash, bare.picture_tiles, bare.label) == (None, 0, None)


@pytest.mark.parametrize(
    ("id_", "hint"),
    [
        ("tiny/8", "tiny/0 to tiny/7"),
        ("tiny/brown bea", "tiny/1 (Brown Bear)"),
        ("tini/0", "near it: tiny"),
        ("", "tiny"),
        ("/", "tiny"),
        ("tiny/0/0", "tiny/0 to tiny/7"),
        ("tiny/0' OR 1=1", "tiny/0 to tiny/7"),
        ("qqqqqq/1", "the runs are"),
    ],
)
async def test_an_unknown_class(loaded: Loaded, runner: QueryRunner, id_: str, hint: str) -> None:
    with pytest.raises(NotFoundError, match="there is no class") as caught:
        await get_class(runner, id_)
    assert hint in caught.value.hint


@pytest.mark.parametrize(
    ("id_", "hint"),
    [
        ("tiny/block1/20", "the channels 0 to 19"),
        ("tiny/blok1/3", "block1"),
        ("tiny/qqq/3", "has the layers block0"),
        ("tini/block1/3", "near it: tiny"),
        ("tiny", "run/layer/channel"),
        ("tiny/block1/x", "run/layer/channel"),
    ],
)
async def test_an_unknown_channel(loaded: Loaded, runner: QueryRunner, id_: str, hint: str) -> None:
    with pytest.raises(NotFoundError, match="there is no channel") as caught:
        await get_channel(runner, id_)
    assert hint in caught.value.hint


async def test_an_unknown_run_or_layer(loaded: Loaded, runner: QueryRunner) -> None:
    for call in (get_run(runner, "tinny"), list_layers(runner, "tinny"), list_classes(runner, "tinny")):
        with pytest.raises(NotFoundError, match="there is no run 'tinny'") as caught:
            await call
        assert "near it: tiny" in caught.value.hint
    with pytest.raises(NotFoundError, match="there is no layer") as caught:
        await list_channels(runner, "tiny/blck1")
    assert "block1" in caught.value.hint


async def test_what_cannot_be_asked(loaded: Loaded, runner: QueryRunner) -> None:
    page = await list_classes(runner, "tiny", first=2)
    for call in (
        list_classes(runner, "tiny", first=0),
        list_classes(runner, "tiny", first=501),
        list_classes(runner, "tiny", first=2, after="nonsense"),
        list_classes(runner, "tiny", first=2, after=page.end_cursor, search="bear"),
        list_classes(runner, "tiny", search="\ud800"),
        list_channels(runner, "tiny/block1", 0),
        list_channels(runner, "tiny/block2", 5, (await list_channels(runner, "tiny/block1", 5)).end_cursor),
        get_class(runner, "x" * 2000),
    ):
        with pytest.raises(BadInput):
            await call
