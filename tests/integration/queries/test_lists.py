"""Runs, layers, classes and channels as readers see them."""

import pytest
from loaded_runs import Loaded

from arete_core.errors import BadInput, NotFoundError
from arete_queries.reads import (
    ClassOrder,
    get_channel,
    get_class,
    get_run,
    list_channels,
    list_classes,
    list_layers,
    list_runs,
)
from arete_queries.results import ClassInfo
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
        assert len(page.classes) <= first
        found += page.classes
        assert page.has_next == (len(found) < page.total)
        if not page.has_next:
            return found
        after = page.cursor
    raise AssertionError("pages never end")


def null_last(value: float | None, sign: int) -> tuple[bool, float]:
    return value is None, sign * (value or 0.0)


EXPECTED_ORDER = {
    ClassOrder.INDEX: lambda c: c.index,
    ClassOrder.NAME: lambda c: (c.name.lower(), c.index),
    ClassOrder.ACCURACY_DESC: lambda c: (*null_last(c.accuracy, -1), c.index),
    ClassOrder.ACCURACY_ASC: lambda c: (*null_last(c.accuracy, 1), c.index),
    ClassOrder.IMAGES_DESC: lambda c: (-c.images, c.index),
}


@pytest.mark.parametrize("order", list(ClassOrder))
@pytest.mark.parametrize("first", [1, 3, 500])
async def test_classes_in_every_order_page_by_page(
    loaded: Loaded, runner: QueryRunner, order: ClassOrder, first: int
) -> None:
    found = await all_pages(runner, order, None, first)
    assert {one.index for one in found} == set(range(8))
    assert found == sorted(found, key=EXPECTED_ORDER[order])


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
    assert [one.name for one in page.classes] == (names if names is not None else all_names(loaded))
    assert page.total == len(page.classes)
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
    keys = [one.key for run in loaded.folders for one in (await list_classes(runner, run)).classes]
    assert len(keys) == len(set(keys)) == 12


async def test_channels(loaded: Loaded, runner: QueryRunner) -> None:
    page = await list_channels(runner, "tiny/block1", 7)
    again = await list_channels(runner, "tiny/block1", 500, page.cursor)
    assert [one.index for one in page.channels + again.channels] == list(range(20))
    assert (page.total, page.has_next, again.has_next) == (20, True, False)
    one = await get_channel(runner, "tiny/block1/2")
    assert one == page.channels[2]
    assert (one.run, one.layer, one.layer_index, one.index, one.excluded) == ("tiny", "block1", 1, 2, True)
    assert (one.picture_hash, one.picture_tiles, one.picture_tile_px) == (f"{1:032x}{2:032x}", 3, 32)
    assert not page.channels[3].excluded
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
        list_classes(runner, "tiny", first=2, after=page.cursor, search="bear"),
        list_classes(runner, "tiny", search="\ud800"),
        list_channels(runner, "tiny/block1", 0),
        list_channels(runner, "tiny/block2", 5, (await list_channels(runner, "tiny/block1", 5)).cursor),
        get_class(runner, "x" * 2000),
    ):
        with pytest.raises(BadInput):
            await call
