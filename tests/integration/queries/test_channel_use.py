"""Questions over all classes of a run: neighbours by layer, use of channels, communities, what a graph leaves out."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from loaded_runs import Loaded

from arete_core.errors import BadInput, NotFoundError
from arete_queries.reads import (
    UseOrder,
    channel_communities,
    channel_uses,
    class_neighbors,
    get_class,
    less_contributing,
)
from arete_queries.runner import QueryRunner

pytestmark = [pytest.mark.integration, pytest.mark.anyio]

Execute = Callable[..., list[dict[str, Any]]]
CLASSES = [f"tiny/{number}" for number in range(8)]


async def test_neighbors_by_cosine(loaded: Loaded, runner: QueryRunner, execute: Execute) -> None:
    layout = loaded.data["tiny"].layout
    found = await class_neighbors(runner, "tiny/3", first=4)
    before: list[str] = []
    for layer in found.layers:
        here = layout.layer == layer.layer_index
        own = loaded.classes["tiny/3"].counts[here].astype(float)
        cosines = {}
        for id_ in CLASSES:
            other = loaded.classes[id_].counts[here].astype(float)
            if id_ != "tiny/3" and own @ other:
                cosines[id_] = own @ other / np.sqrt((own @ own) * (other @ other))
        order = sorted(cosines, key=lambda id_: (-cosines[id_], id_))[:4]
        assert [one.class_.id for one in layer.neighbors] == order
        assert [one.cosine for one in layer.neighbors] == pytest.approx([cosines[id_] for id_ in order], abs=1e-12)
        if before:
            assert set(layer.entered) == set(order) - set(before)
            assert set(layer.left) == set(before) - set(order)
            assert layer.stayed == len(set(order) & set(before)) / len(order)
        before = order
    assert len(found.layers) == 5
    (row,) = execute(found.cypher)
    assert [one["id"] for one in row["neighbors"]] == before
    two = await class_neighbors(runner, "tiny/3", layers=["block4", "block1"], first=4)
    assert [layer.layer for layer in two.layers] == ["block1", "block4"]
    assert two.layers[1].neighbors == found.layers[4].neighbors


async def test_a_class_alone_has_no_neighbors(loaded: Loaded, runner: QueryRunner) -> None:
    found = await class_neighbors(runner, "cut-off/0")
    assert [(layer.neighbors, layer.stayed) for layer in found.layers] == [((), None)] * 3


@pytest.mark.parametrize("order", list(UseOrder))
async def test_use_of_channels(loaded: Loaded, runner: QueryRunner, execute: Execute, order: UseOrder) -> None:
    ids, ranks = loaded.channel_ids("tiny"), np.array([loaded.classes[id_].ranks for id_ in CLASSES])
    kept = np.array([loaded.classes[id_].extraction.kept for id_ in CLASSES]).sum(axis=0)
    found = await channel_uses(runner, "tiny", order=order, first=500)
    assert found.classes == 8
    assert {one.channel.id for one in found.channels} == {ids[place] for place in np.flatnonzero(ranks.sum(axis=0))}
    keys = []
    for one in found.channels:
        place = ids.index(one.channel.id)
        parts = ranks[:, place] / ranks[:, place].sum()
        entropy = -sum(part * np.log(part) for part in parts if part > 0)
        assert one.kept_by == kept[place]
        assert one.mean_rank == pytest.approx(ranks[:, place].mean(), abs=1e-12)
        assert one.effective_classes == pytest.approx(np.exp(entropy), rel=1e-9)
        assert 1 <= one.effective_classes <= 8 + 1e-9
        figures = {UseOrder.GENERAL: -one.kept_by, UseOrder.CENTRAL: -one.mean_rank}
        keys.append(figures.get(order, one.effective_classes))
    assert keys == sorted(keys)
    (row,) = execute(found.cypher)
    assert [channel["id"] for channel in row["channels"]] == [one.channel.id for one in found.channels]
    layer = await channel_uses(runner, "tiny", layer="block2", order=order, first=3)
    inside = [one.channel.id for one in found.channels if one.channel.layer == "block2"]
    assert [one.channel.id for one in layer.channels] == inside[:3]


async def test_communities_are_parts_of_what_goes_together(loaded: Loaded, runner: QueryRunner) -> None:
    ids = loaded.channel_ids("tiny")
    kept = np.array([loaded.classes[id_].extraction.kept for id_ in CLASSES]).astype(int)
    together = kept.T @ kept
    np.fill_diagonal(together, 0)
    for at_least in (1, 2):
        found = await channel_communities(runner, "tiny", at_least=at_least)
        members = [channel.id for one in found.communities for channel in one.channels]
        assert len(members) == len(set(members))
        assert set(members) == {ids[place] for place in np.flatnonzero((together >= at_least).any(axis=0))}
        sizes = [len(one.channels) for one in found.communities]
        assert sizes == sorted(sizes, reverse=True)
        joined = np.where(together >= at_least, together, 0)
        community = {channel.id: number for number, one in enumerate(found.communities) for channel in one.channels}
        number = np.array([community.get(id_, -1) for id_ in ids])
        degree = joined.sum(axis=0)
        same = (number[:, None] == number) & (number >= 0)[:, None]
        modularity = ((joined - np.outer(degree, degree) / degree.sum()) * same).sum() / degree.sum()
        assert modularity > 0 or len(sizes) == 1
        assert await channel_communities(runner, "tiny", at_least=at_least) == found
    assert (await channel_communities(runner, "tiny", at_least=9)).communities == ()


async def test_the_cypher_of_communities_gives_them(loaded: Loaded, runner: QueryRunner, execute: Execute) -> None:
    found = await channel_communities(runner, "tiny", at_least=1)
    project, communities, drop = found.cypher.removesuffix(";").split(";\n")
    try:
        execute(project)
        rows = execute(communities)
    finally:
        execute(drop)
    assert [[channel["id"] for channel in row["channels"]] for row in rows] == [
        [channel.id for channel in one.channels] for one in found.communities
    ]


async def test_what_a_graph_leaves_out(loaded: Loaded, runner: QueryRunner, execute: Execute) -> None:
    ids, one, layout = loaded.channel_ids("tiny"), loaded.classes["tiny/1"], loaded.data["tiny"].layout
    images = (await get_class(runner, "tiny/1")).images
    for mass, min_share in ((None, 0.0), (0.5, 0.1), (1.0, 0.0)):
        used = one.extraction.mass if mass is None else mass
        assert used is not None
        found = await less_contributing(runner, "tiny/1", mass=mass, min_share=min_share, first=500)
        kept = loaded.kept("tiny/1", used)
        expected = [
            ids[place]
            for place in np.lexsort((np.arange(len(ids)), -one.ranks))
            if ids[place] not in kept and not layout.excluded[place]
            if one.counts[place] >= max(min_share * images, 1)
        ]
        assert [vertex.channel.id for vertex in found.vertices] == expected
        assert (found.total, found.mass) == (len(expected), used)
        (row,) = execute(found.cypher)
        assert [vertex["id"] for vertex in row["vertices"]] == expected
    short = await less_contributing(runner, "tiny/1", first=2)
    assert (len(short.vertices), short.total > 2) == (2, True)


async def test_what_cannot_be_asked(loaded: Loaded, runner: QueryRunner) -> None:
    for call, message in (
        (class_neighbors(runner, "tiny/0", first=0), "first"),
        (class_neighbors(runner, "tiny/0", layers=[]), "layers: at least one"),
        (channel_uses(runner, "tiny", first=501), "first"),
        (channel_communities(runner, "tiny", at_least=0), "at_least"),
        (channel_communities(runner, "tiny", gamma=0), "gamma"),
        (less_contributing(runner, "tiny/0", mass=0), "mass"),
        (less_contributing(runner, "tiny/0", min_share=1.5), "min_share"),
        (less_contributing(runner, "cut-off/0"), "no attribution graph of its own"),
    ):
        with pytest.raises(BadInput, match=message):
            await call
    for call, message in (
        (class_neighbors(runner, "tiny/99"), "class 'tiny/99'"),
        (class_neighbors(runner, "tiny/0", layers=["block9"]), "layer 'block9'"),
        (channel_uses(runner, "tinny"), "run 'tinny'"),
        (channel_uses(runner, "tiny", layer="block9"), "layer 'block9'"),
        (channel_communities(runner, "tinny"), "run 'tinny'"),
        (less_contributing(runner, "tiny/99"), "class 'tiny/99'"),
    ):
        with pytest.raises(NotFoundError, match=message):
            await call
