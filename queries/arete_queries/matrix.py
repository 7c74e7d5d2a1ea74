"""How strongly classes excite the channels of one layer: rows of classes, columns of channels."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import numpy as np

from arete_core.errors import BadInput, NotFoundError
from arete_core.ids import channel_id
from arete_core.rank import Floats
from arete_queries.arguments import AGAIN, check_text
from arete_queries.channel_page import get_channels
from arete_queries.groups import expand_groups
from arete_queries.lists import check_same_run
from arete_queries.records import class_info, layer_info
from arete_queries.results import ChannelInfo, ClassInfo, LayerInfo
from arete_queries.runner import QueryRunner
from arete_queries.statements import statements

MAX_ROWS: Final = 200
MAX_COLUMNS: Final = 5_000


class MatrixOrder(StrEnum):
    """Which columns come first: largest mean, largest value in a row, largest difference of two rows; or by index."""

    MEAN = "mean"
    ROW = "row"
    SPREAD = "spread"
    INDEX = "index"


@dataclass(frozen=True)
class Matrix:
    """Activation counts over images: `values[row * len(channels) + column]`, 0 to 1.

    Rows come in the order asked for. `column_count` is how many channels the layer has, listed or not. `cypher` gives
    the counts.
    """

    layer: LayerInfo
    rows: tuple[ClassInfo, ...]
    channels: tuple[ChannelInfo, ...]
    values: tuple[float, ...]
    column_count: int
    cypher: str


async def class_matrix(
    runner: QueryRunner,
    layer_id: str,
    rows: Sequence[str],
    *,
    order: MatrixOrder = MatrixOrder.MEAN,
    sort_by: str | None = None,
    first: int = 100,
) -> Matrix:
    """Lays classes side by side in one layer.

    Args:
        runner: The database.
        layer_id: The layer's id.
        rows: Ids of classes, and of groups, which stand for their classes; 1 to 200 classes of the layer's run.
        order: Which columns come first; equal ones by channel index.
        sort_by: Id of the class that `ROW` sorts by; goes with no other order.
        first: How many columns at most, 1 to 5,000: all of any layer, so that whoever draws them can sort them.

    Returns:
        The matrix.

    Raises:
        NotFoundError: If there is no such layer, class or group.
        BadInput: If an argument cannot be, or they are of different runs.
    """
    order = MatrixOrder(order)
    if not 1 <= first <= MAX_COLUMNS:
        raise BadInput(f"first: 1 to {MAX_COLUMNS:,} columns were expected, found {first:,}", hint="ask for fewer")
    ids = await expand_groups(runner, "rows", rows)
    if len(ids) > MAX_ROWS:
        raise BadInput(f"rows: 1 to {MAX_ROWS} classes were expected, found {len(ids):,}", hint="ask for fewer")
    if (order is MatrixOrder.ROW) != (sort_by is not None) or (sort_by is not None and sort_by not in ids):
        raise BadInput(
            "order: sorting by a row needs the id of one of the rows, and no other order takes one",
            hint="give a row's class in sort_by, or choose another order",
        )
    asked = {"layer": check_text("layer", layer_id), "classes": ids}
    found = {row["class"]["id"]: row for row in await runner.run("class_activations", asked)}
    for id_ in ids:
        if id_ not in found:
            await check_same_run(runner, class_id=id_, layer_id=layer_id)
            raise NotFoundError("class", id_, hint=AGAIN)
    layer = layer_info(found[ids[0]]["layer"])
    shares = np.zeros((len(ids), layer.channels))
    for place, id_ in enumerate(ids):
        row = found[id_]
        shares[place, row["channels"]] = np.array(row["counts"]) / row["class"]["images"]
    columns = _order(shares, order, None if sort_by is None else ids.index(sort_by))[:first]
    names = [channel_id(layer.run, layer.name, int(column)) for column in columns]
    channels = await get_channels(runner, names, most=MAX_COLUMNS)
    return Matrix(
        layer=layer,
        rows=tuple(class_info(found[id_]["class"]) for id_ in ids),
        channels=tuple(channels[name] for name in names),
        values=tuple(shares[:, columns].ravel().tolist()),
        column_count=layer.channels,
        cypher=statements()["class_activations"].with_values(asked),
    )


def _order(shares: Floats, order: MatrixOrder, row: int | None) -> np.ndarray:
    """Returns all columns in the order that is asked for."""
    if order is MatrixOrder.INDEX:
        return np.arange(shares.shape[1])
    if row is not None:
        key = shares[row]
    else:
        key = shares.mean(axis=0) if order is MatrixOrder.MEAN else np.ptp(shares, axis=0)
    return np.lexsort((np.arange(len(key)), -key))
