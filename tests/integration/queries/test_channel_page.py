"""One channel over all classes, matrices of classes by channels, and labels: against the numbers of the run folder."""

from collections import defaultdict
from typing import Any

import numpy as np
import pytest
from loaded_runs import Loaded

from arete_core.errors import BadInput, NotFoundError
from arete_queries.reads import (
    ClassUseOrder,
    MatrixOrder,
    channel_matrix,
    channel_over_classes,
    get_channel,
    get_channels,
    label_channel,
    list_channel_classes,
)
from arete_queries.runner import QueryRunner

pytestmark = [pytest.mark.integration, pytest.mark.anyio]

CHANNEL = "tiny/block2/5"


def place(loaded: Loaded, channel: str = CHANNEL) -> int:
    return loaded.channel_ids("tiny").index(channel)


def images(loaded: Loaded) -> list[int]:
    return loaded.data["tiny"].classes.column("images").to_pylist()


@pytest.mark.parametrize("order", list(ClassUseOrder))
async def test_the_classes_of_a_channel_page_by_page(loaded: Loaded, runner: QueryRunner, order: ClassUseOrder) -> None:
    at, size = place(loaded), images(loaded)
    uses = {
        f"tiny/{index}": (int(one.counts[at]), float(one.ranks[at]))
        for index in range(8)
        if (one := loaded.classes[f"tiny/{index}"]).counts[at] > 0
    }
    assert len(uses) > 3
    keys = {
        ClassUseOrder.SHARE: lambda id_: (-uses[id_][0] / size[int(id_[5:])], id_),
        ClassUseOrder.RANK: lambda id_: (-uses[id_][1], id_),
    }
    first = await list_channel_classes(runner, CHANNEL, order=order, first=2)
    rest = await list_channel_classes(runner, CHANNEL, order=order, after=first.end_cursor)
    assert (first.total, first.has_next, rest.start, rest.has_next) == (len(uses), True, 2, False)
    found = {use.class_.id: (use.count, pytest.approx(use.rank)) for use in (*first.items, *rest.items)}
    assert list(found) == sorted(uses, key=keys[order])
    assert uses == found

    found = await channel_over_classes(runner, CHANNEL, links=0)
    assert (found.inputs, found.outputs) == ((), ())
    profile = found.profile
    assert list(profile.classes) == sorted(uses)
    assert list(profile.counts) == [uses[id_][0] for id_ in profile.classes]
    assert list(profile.shares) == [uses[id_][0] / size[int(id_[5:])] for id_ in profile.classes]
    np.testing.assert_allclose(profile.ranks, [uses[id_][1] for id_ in profile.classes], rtol=1e-12)
    assert list(profile.kept) == [bool(loaded.classes[id_].extraction.kept[at]) for id_ in profile.classes]


async def test_inputs_and_outputs_over_all_classes(loaded: Loaded, runner: QueryRunner) -> None:
    at, ids = place(loaded), loaded.channel_ids("tiny")
    found = await channel_over_classes(runner, CHANNEL, profile=False, links=4)
    assert found.profile.classes == ()
    for links, own, other in ((found.inputs, "targets", "sources"), (found.outputs, "sources", "targets")):
        counts: dict[int, list[int]] = defaultdict(list)
        for index in range(8):
            one = loaded.classes[f"tiny/{index}"]
            for edge in np.flatnonzero(getattr(one, own) == at):
                counts[int(getattr(one, other)[edge])].append(int(one.weights[edge]))
        expected = sorted(counts, key=lambda channel: (-sum(counts[channel]), channel))[:4]
        assert [(one.channel.id, one.classes, one.count) for one in links] == [
            (ids[channel], len(counts[channel]), sum(counts[channel])) for channel in expected
        ]
        assert [one.share for one in links] == [sum(counts[one]) / sum(images(loaded)) for one in expected]


async def test_a_channel_that_is_not_there(loaded: Loaded, runner: QueryRunner) -> None:
    for call in (list_channel_classes, channel_over_classes):
        with pytest.raises(NotFoundError, match="no channel 'tiny/block2/99'"):
            await call(runner, "tiny/block2/99")
    with pytest.raises(NotFoundError):
        await label_channel(runner, "tiny/block2/99", "fur")
    assert list(await get_channels(runner, ["tiny/block2/99", CHANNEL, CHANNEL])) == [CHANNEL]
    assert await get_channels(runner, []) == {}
    with pytest.raises(BadInput, match="501"):
        await get_channels(runner, [f"tiny/block2/{number}" for number in range(501)])


async def test_a_label_stays_until_it_is_taken_away(loaded: Loaded, runner: QueryRunner) -> None:
    for given, label in (("  black \t fur", "black fur"), ("x" * 200, "x" * 200), (" ", None), (None, None)):
        made = await label_channel(runner, CHANNEL, given)
        assert made.label == label
        assert await get_channel(runner, CHANNEL) == made
    for bad in ("x" * 201, "a\u0000b", "\ud800"):
        with pytest.raises(BadInput, match="label"):
            await label_channel(runner, CHANNEL, bad)


@pytest.mark.parametrize("order", list(MatrixOrder))
async def test_a_matrix_of_shares(loaded: Loaded, runner: QueryRunner, order: MatrixOrder) -> None:
    rows = ["tiny/6", "tiny/bears"]  # a group: 0, 1 and 2
    layout = loaded.data["tiny"].layout
    columns = np.flatnonzero(layout.layer == 2)
    shares = np.array([loaded.classes[f"tiny/{n}"].counts[columns] / images(loaded)[n] for n in (6, 0, 1, 2)])
    key = {
        MatrixOrder.MEAN: -shares.mean(axis=0),
        MatrixOrder.ROW: -shares[2],
        MatrixOrder.SPREAD: -(shares.max(axis=0) - shares.min(axis=0)),
        MatrixOrder.INDEX: np.arange(len(columns)),
    }[order]
    expected = np.argsort(key, kind="stable")[:7]
    sort_by = "tiny/1" if order is MatrixOrder.ROW else None
    found = await channel_matrix(runner, "tiny/block2", rows, order=order, sort_by=sort_by, first=7)
    assert [one.id for one in found.rows] == ["tiny/6", "tiny/0", "tiny/1", "tiny/2"]
    assert [one.index for one in found.channels] == expected.tolist()
    np.testing.assert_allclose(np.reshape(found.values, (4, 7)), shares[:, expected])
    assert (found.layer.id, found.column_count) == ("tiny/block2", 24)
    assert "tiny/6" in found.cypher


async def test_matrices_that_cannot_be(loaded: Loaded, runner: QueryRunner) -> None:
    wrong: list[tuple[dict[str, Any], type[Exception]]] = [
        ({"rows": []}, BadInput),
        ({"order": MatrixOrder.ROW}, BadInput),
        ({"sort_by": "tiny/0"}, BadInput),
        ({"order": MatrixOrder.ROW, "sort_by": "tiny/3"}, BadInput),
        ({"rows": ["tiny/0", "other/0"]}, BadInput),
        ({"rows": [f"tiny/{n}" for n in range(201)]}, BadInput),
        ({"first": 0}, BadInput),
        ({"first": 5_001}, BadInput),
        ({"rows": ["tiny/0", "tiny/99"]}, NotFoundError),
        ({"rows": ["tiny/wolves"]}, NotFoundError),
        ({"layer_id": "tiny/blck2"}, NotFoundError),
    ]
    for options, error in wrong:
        asked = {"layer_id": "tiny/block2", "rows": ["tiny/0"], **options}
        with pytest.raises(error):
            await channel_matrix(runner, **asked)
