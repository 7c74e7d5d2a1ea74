"""Single images: where they lie in a layer, and how strongly each excites its channels.

Both are in the run folder for the images that `arete instances` has measured.
"""

import asyncio
from collections.abc import Sequence
from typing import Final

import numpy as np

from arete_core.errors import BadInput, NotFoundError
from arete_core.ids import image_id, split_image_id
from arete_queries.arguments import check_text
from arete_queries.groups import expand_groups
from arete_queries.image_results import ImageActivations, Instances
from arete_queries.image_tables import ImageTables, image_tables
from arete_queries.instance_tables import Maxima
from arete_queries.lists import no_layer
from arete_queries.records import layer_info
from arete_queries.results import LayerInfo
from arete_queries.runner import QueryRunner

MAX_IMAGES: Final = 200
MAX_PLACED: Final = 20_000
"""Images whose places are one answer: 0.5 s and 6 MB as GraphQL."""


async def layer_instances(runner: QueryRunner, layer: str, *, classes: Sequence[str] | None = None) -> Instances | None:
    """Returns where the images that were measured lie in a layer.

    Args:
        runner: The database.
        layer: The layer's id, `run/layer`.
        classes: Ids of classes, and of groups, which stand for their classes: only their images; all when None.

    Returns:
        The places by image number; None where the run has none in this layer.

    Raises:
        NotFoundError: If there is no such layer, class or group, or the run folder is gone.
        BadInput: If a class is of another run, or there are more than 20,000 images.
    """
    found, folder = await layer_and_folder(runner, layer)
    ids = None if classes is None else await expand_groups(runner, "classes", classes)
    indices = None if ids is None else [_class_index(id_, found.run) for id_ in ids]

    def look_up() -> Instances | None:
        tables = image_tables(folder)
        numbers, places = tables.instances.places(found.index)
        if not len(numbers):
            return None
        if indices is not None:
            wanted = np.isin(numbers, np.concatenate([tables.images_of(index) for index in indices]))
            numbers, places = numbers[wanted], places[wanted]
        if len(numbers) > MAX_PLACED:
            raise BadInput(
                f"classes: up to {MAX_PLACED:,} images can be asked for at once, these have {len(numbers):,}",
                hint="name fewer classes",
            )
        images = tuple(tables.image(number) for number in numbers.tolist())
        return Instances(found.id, images, tuple(places[:, 0].tolist()), tuple(places[:, 1].tolist()))

    return await asyncio.to_thread(look_up)


async def image_activations(runner: QueryRunner, layer: str, images: Sequence[str]) -> tuple[ImageActivations, ...]:
    """Returns how strongly single images excite the channels of a layer.

    Args:
        runner: The database.
        layer: The layer's id, `run/layer`.
        images: Ids of 1 to 200 images, `run/image:number`.

    Returns:
        Each image's channel maxima, in the order asked for. Kept as 16-bit floats: within 0.05% of what the model gave.

    Raises:
        NotFoundError: If there is no such layer or image, the run folder is gone, or nobody has measured an image: the
            hint is the command that does.
        BadInput: If there are too many images, or they are of another run.
    """
    if not 1 <= len(images) <= MAX_IMAGES:
        raise BadInput(f"images: 1 to {MAX_IMAGES} were expected, found {len(images):,}", hint="ask for fewer")
    found, folder = await layer_and_folder(runner, layer)

    def look_up() -> tuple[ImageActivations, ...]:
        tables = image_tables(folder)
        numbers = image_numbers(tables, images)
        maxima = read_maxima(tables, found, numbers)
        values = maxima.shares * maxima.largest[:, None]
        return tuple(
            ImageActivations(tables.image(number), found.id, tuple(row.tolist()))
            for number, row in zip(numbers, values, strict=True)
        )

    return await asyncio.to_thread(look_up)


async def layer_and_folder(runner: QueryRunner, layer: str) -> tuple[LayerInfo, str]:
    """Returns a layer, and where its run's folder lies.

    Raises:
        NotFoundError: If there is no such layer.
    """
    rows = await runner.run("layer_folder", {"layer": check_text("layer", layer)})
    if not rows:
        raise await no_layer(runner, layer)
    return layer_info(rows[0]["layer"]), rows[0]["folder"]


def image_numbers(tables: ImageTables, ids: Sequence[str]) -> list[int]:
    """Splits images' ids.

    Args:
        tables: Of the run that they must be of.
        ids: Ids, `run/image:number`.

    Returns:
        Their numbers.

    Raises:
        NotFoundError: If one names no image of the run.
        BadInput: If one is of another run.
    """
    found = []
    for id_ in ids:
        parts = split_image_id(check_text("image", id_))
        if parts is None:
            raise NotFoundError("image", id_, hint=f"an image of run {tables.run!r} is {image_id(tables.run, 7)}, say")
        if parts.run != tables.run:
            raise BadInput(f"image {id_!r} is not of run {tables.run!r}", hint="take layer and rows of one run")
        if parts.number >= tables.count:
            has = f"the images 0 to {tables.count - 1}" if tables.count else "no images: it was imported without them"
            raise NotFoundError("image", id_, hint=f"run {tables.run!r} has {has}")
        found.append(parts.number)
    return found


def read_maxima(tables: ImageTables, layer: LayerInfo, numbers: Sequence[int]) -> Maxima:
    """Reads the channel maxima of images in a layer; called in a thread.

    Raises:
        NotFoundError: If nobody has measured one of the images, or not in this layer: the hint is what to run.
    """
    instances = tables.instances
    missing = np.asarray(numbers)[~instances.has(np.asarray(numbers))]
    if len(missing):
        image = tables.image(int(missing[0]))
        class_ = image.class_id.rpartition("/")[2]
        raise NotFoundError(
            "record of the activations of image",
            image.id,
            hint="only images that were measured have one: "
            f"arete instances RUN --classes {class_} --data FOLDER (--images N for more of a class)",
        )
    if layer.index not in instances.layers:
        raise NotFoundError(
            f"record of the activations of image {image_id(tables.run, numbers[0])!r} in layer",
            layer.id,
            hint="the run's images were measured in other layers: arete instances RUN --replace --data FOLDER",
        )
    return instances.maxima(layer.index, numbers, layer.channels)


def _class_index(id_: str, run: str) -> int:
    own, _, index = id_.partition("/")
    if own != run:
        raise BadInput(f"class {id_!r} is not of run {run!r}", hint="take layer and classes of one run")
    if not (index.isascii() and index.isdigit() and len(index) < 10):
        raise NotFoundError("class", id_, hint=f"a class of run {run!r} is {run}/NUMBER")
    return int(index)
