"""Dataset examples of channels, and the images of classes."""

import asyncio
from collections.abc import Sequence

from arete_core.errors import BadInput, NotFoundError
from arete_queries.arguments import check_first, check_text, read_cursor
from arete_queries.image_results import ExampleInfo, ImageFilter, ImageInfo
from arete_queries.image_tables import image_tables
from arete_queries.lists import get_channel, get_class, get_run
from arete_queries.records import class_info
from arete_queries.results import ClassInfo, Page
from arete_queries.runner import QueryRunner


async def channel_examples(
    runner: QueryRunner, channel: str, *, class_: str | None = None, first: int = 10
) -> tuple[ExampleInfo, ...]:
    """Returns a channel's dataset examples: the images that excite it most.

    Args:
        runner: The database.
        channel: The channel's id, `run/layer/channel`.
        class_: Id of the class whose images are meant; the whole run's when None.
        first: How many at most, 1 to 500.

    Returns:
        The examples, best first, each image once. None where the run has none (it was imported), no image excites the
        channel, or the class's graph did not keep it when the run was made.

    Raises:
        NotFoundError: If there is no such channel or class, or the run folder is gone.
        BadInput: If the class is of another run, or `first` cannot be.
    """
    check_first(first)
    asked = {"channel": check_text("channel", channel), "class": class_ and check_text("class", class_)}
    rows = await runner.run("example_place", asked)
    if not rows:
        await get_channel(runner, channel)
        raise NotFoundError("channel", channel)
    place = rows[0]
    if class_ is not None and place["class"] is None:
        await get_class(runner, class_)
        raise BadInput(f"channel {channel!r} and class {class_!r} are of different runs", hint="take both of one run")

    def look_up() -> tuple[ExampleInfo, ...]:
        return image_tables(place["folder"]).examples(place["layer"], place["channel"], place["class"], first)

    return await asyncio.to_thread(look_up)


async def list_images(
    runner: QueryRunner,
    class_id: str,
    *,
    where: ImageFilter = ImageFilter.ALL,
    first: int = 50,
    after: str | None = None,
) -> Page[ImageInfo]:
    """Lists a class's images that could be read, page by page, in the order of their numbers.

    Args:
        runner: The database.
        class_id: The class's id.
        where: All, or only those that the model gets right, or wrong. Where outputs match no classes, neither has any.
        first: Length of the page, 1 to 500.
        after: Cursor of the page before.

    Returns:
        The page; an empty one for a run without images.

    Raises:
        NotFoundError: If there is no such class, or the run folder is gone.
        BadInput: If `first` or `after` cannot be.
    """
    where = ImageFilter(where)
    question = ("images", class_id, where.value)
    start, length = read_cursor(after, *question), check_first(first)
    class_ = await get_class(runner, class_id)
    folder = (await get_run(runner, class_.run)).folder

    def look_up() -> Page[ImageInfo]:
        tables = image_tables(folder)
        numbers = tables.images_of(class_.index, class_.kind, where)
        page = tuple(tables.image(number) for number in numbers[start : start + length].tolist())
        return Page(page, len(numbers), start, question)

    return await asyncio.to_thread(look_up)


async def get_classes(runner: QueryRunner, ids: Sequence[str]) -> dict[str, ClassInfo]:
    """Returns those of some classes that are there, by id.

    Args:
        runner: The database.
        ids: Ids of classes.

    Returns:
        The classes; ids that name none are left out.
    """
    rows = await runner.run("classes_by_id", {"classes": [check_text("class", id_) for id_ in ids]})
    return {row["id"]: class_info(row) for row in rows[0]["classes"]}
