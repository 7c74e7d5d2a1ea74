"""How strongly classes and images excite the channels of one layer: a row for each, columns of channels."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import numpy as np

from arete_core.errors import BadInput, NotFoundError
from arete_core.ids import channel_id, split_image_id
from arete_core.rank import Floats
from arete_queries.arguments import AGAIN, check_text
from arete_queries.channel_page import get_channels
from arete_queries.groups import expand_groups, groups_in
from arete_queries.image_results import ImageInfo
from arete_queries.image_tables import image_tables
from arete_queries.instances import image_numbers, layer_and_folder, read_maxima
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


class MatrixUnit(StrEnum):
    """What a row's values are: activation count / images of a class, or activation / the image's largest one."""

    SHARE_OF_IMAGES = "share of images"
    OF_LARGEST = "of largest"


@dataclass(frozen=True)
class MatrixRow:
    """A row: of a class, or of an image, which has its label's class too where that is one of the run.

    `largest`: the activation that 1 stands for in an image's row; None in a class's.
    """

    id: str
    class_: ClassInfo | None
    image: ImageInfo | None = None
    largest: float | None = None

    @property
    def unit(self) -> MatrixUnit:
        """What its values are."""
        return MatrixUnit.SHARE_OF_IMAGES if self.image is None else MatrixUnit.OF_LARGEST


@dataclass(frozen=True)
class Matrix:
    """How strongly rows excite channels: `values[row * len(channels) + column]`, 0 to 1, see `MatrixRow.unit`.

    Rows come in the order asked for. `column_count` is how many channels the layer has, listed or not. `cypher` gives
    the classes' counts.
    """

    layer: LayerInfo
    rows: tuple[MatrixRow, ...]
    channels: tuple[ChannelInfo, ...]
    values: tuple[float, ...]
    column_count: int
    cypher: str


async def channel_matrix(
    runner: QueryRunner,
    layer_id: str,
    rows: Sequence[str],
    *,
    order: MatrixOrder = MatrixOrder.MEAN,
    sort_by: str | None = None,
    first: int = 100,
) -> Matrix:
    """Lays classes and images side by side in one layer.

    Args:
        runner: The database.
        layer_id: The layer's id.
        rows: Ids of classes, of groups, which stand for their classes, and of images, `run/image:number`; 1 to 200
            classes and images of the layer's run.
        order: Which columns come first; equal ones by channel index.
        sort_by: Id of the row that `ROW` sorts by; goes with no other order.
        first: How many columns at most, 1 to 5,000: all of any layer, so that whoever draws them can sort them.

    Returns:
        The matrix.

    Raises:
        NotFoundError: If there is no such layer, class, group or image, or nobody has measured an image: the hint is
            the command that does.
        BadInput: If an argument cannot be, or they are of different runs.
    """
    order = MatrixOrder(order)
    if not 1 <= first <= MAX_COLUMNS:
        raise BadInput(f"first: 1 to {MAX_COLUMNS:,} columns were expected, found {first:,}", hint="ask for fewer")
    ids = await _expand(runner, rows)
    if len(ids) > MAX_ROWS:
        raise BadInput(f"rows: 1 to {MAX_ROWS} were expected, found {len(ids):,}", hint="ask for fewer")
    if (order is MatrixOrder.ROW) != (sort_by is not None) or (sort_by is not None and sort_by not in ids):
        raise BadInput(
            "order: sorting by a row needs the id of one of the rows, and no other order takes one",
            hint="give a row's id in sort_by, or choose another order",
        )
    images = await _image_rows(runner, layer_id, [id_ for id_ in ids if split_image_id(id_)])
    own = [id_ for id_ in ids if id_ not in images.rows]
    labels = [image.class_id for image, _, _ in images.rows.values()]
    # The images' classes come in the same statement.
    asked = {"layer": check_text("layer", layer_id), "classes": list(dict.fromkeys([*own, *labels]))}
    found = await runner.run("class_activations", asked)
    classes = {row["class"]["id"]: row for row in found}
    for id_ in own:
        if id_ not in classes:
            await check_same_run(runner, class_id=id_, layer_id=layer_id)
            raise NotFoundError("class", id_, hint=AGAIN)
    layer = images.layer or layer_info(classes[own[0]]["layer"])
    values = np.zeros((len(ids), layer.channels))
    made = []
    for place, id_ in enumerate(ids):
        if id_ in images.rows:
            image, largest, values[place] = images.rows[id_]
            label = classes.get(image.class_id)
            made.append(MatrixRow(id_, None if label is None else class_info(label["class"]), image, largest))
            continue
        row = classes[id_]
        values[place, row["channels"]] = np.array(row["counts"]) / row["class"]["images"]
        made.append(MatrixRow(id_, class_info(row["class"])))
    columns = _order(values, order, None if sort_by is None else ids.index(sort_by))[:first]
    names = [channel_id(layer.run, layer.name, int(column)) for column in columns]
    channels = await get_channels(runner, names, most=MAX_COLUMNS)
    return Matrix(
        layer=layer,
        rows=tuple(made),
        channels=tuple(channels[name] for name in names),
        values=tuple(values[:, columns].ravel().tolist()),
        column_count=layer.channels,
        cypher=statements()["class_activations"].with_values(asked),
    )


async def _expand(runner: QueryRunner, rows: Sequence[str]) -> list[str]:
    """Puts classes in the place of groups and leaves images where they are; each row once, in the given order."""
    images = {id_ for id_ in rows if split_image_id(id_)}
    if not images:
        return await expand_groups(runner, "rows", rows)
    if len(images) == len(set(rows)):
        return list(dict.fromkeys(rows))
    found: list[str] = []
    groups = await groups_in(runner, "rows", [id_ for id_ in rows if id_ not in images])
    for id_ in rows:
        found += groups.get(id_, (id_,))
    return list(dict.fromkeys(found))


@dataclass(frozen=True)
class _ImageRows:
    """Rows of images by id: each its image, its largest activation and all as a share of that, (channel,)."""

    layer: LayerInfo | None
    rows: dict[str, tuple[ImageInfo, float, Floats]]


async def _image_rows(runner: QueryRunner, layer_id: str, ids: Sequence[str]) -> _ImageRows:
    if not ids:
        return _ImageRows(None, {})
    layer, folder = await layer_and_folder(runner, layer_id)

    def look_up() -> _ImageRows:
        tables = image_tables(folder)
        numbers = image_numbers(tables, ids)
        maxima = read_maxima(tables, layer, numbers)
        found = zip(ids, numbers, maxima.largest.tolist(), maxima.shares.astype(np.float64), strict=True)
        return _ImageRows(layer, {id_: (tables.image(number), top, shares) for id_, number, top, shares in found})

    return await asyncio.to_thread(look_up)


def _order(shares: Floats, order: MatrixOrder, row: int | None) -> np.ndarray:
    """Returns all columns in the order that is asked for."""
    if order is MatrixOrder.INDEX:
        return np.arange(shares.shape[1])
    if row is not None:
        key = shares[row]
    else:
        key = shares.mean(axis=0) if order is MatrixOrder.MEAN else np.ptp(shares, axis=0)
    return np.lexsort((np.arange(len(key)), -key))
