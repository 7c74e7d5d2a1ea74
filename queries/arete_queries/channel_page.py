"""Everything about one channel over all classes of its run, several channels by id, and a person's label for one."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from arete_core.errors import BadInput
from arete_queries.arguments import MAX_FIRST, check_first, check_text, read_cursor
from arete_queries.lists import get_channel
from arete_queries.records import channel_info, class_info
from arete_queries.results import ChannelInfo, ClassUse, Page
from arete_queries.runner import QueryRunner

MAX_LABEL = 200


class ClassUseOrder(StrEnum):
    """Which classes come first: those with the largest share of images that the channel is active in, or by rank."""

    SHARE = "share"
    RANK = "rank"


@dataclass(frozen=True)
class ChannelProfile:
    """How much each class uses a channel, as parallel lists by class index; classes that never do are left out.

    `classes` are ids, `counts` activation counts, `shares` these over the class's images, `ranks` personalized
    PageRanks, and `kept` says whether the class's own attribution graph has the channel.
    """

    classes: tuple[str, ...]
    counts: tuple[int, ...]
    shares: tuple[float, ...]
    ranks: tuple[float, ...]
    kept: tuple[bool, ...]


@dataclass(frozen=True)
class ChannelLink:
    """A channel joined to another one, over all classes.

    `classes` have an edge between the two; `count` is the sum of its influence counts, `share` that over the images of
    all classes of the run.
    """

    channel: ChannelInfo
    classes: int
    count: int
    share: float


@dataclass(frozen=True)
class ChannelOverClasses:
    """A channel over all classes of its run; `inputs` influence it most, `outputs` it influences most."""

    profile: ChannelProfile
    inputs: tuple[ChannelLink, ...]
    outputs: tuple[ChannelLink, ...]


async def list_channel_classes(
    runner: QueryRunner,
    channel_id: str,
    *,
    order: ClassUseOrder = ClassUseOrder.SHARE,
    first: int = 50,
    after: str | None = None,
) -> Page[ClassUse]:
    """Lists the classes that use a channel, page by page.

    Args:
        runner: The database.
        channel_id: The channel's id.
        order: Which come first; equal ones by class index.
        first: Length of the page, 1 to 500.
        after: Cursor of the page before.

    Returns:
        The page: classes with an activation count above 0.

    Raises:
        NotFoundError: If there is no such channel.
        BadInput: If `first` or `after` cannot be.
    """
    order = ClassUseOrder(order)
    question = ("channel classes", channel_id, order.value)
    asked = {"channel": check_text("channel", channel_id), "order": order.value, "first": check_first(first)}
    start = read_cursor(after, *question)
    rows = await runner.run("channel_classes", asked | {"skip": start})
    if not rows:
        await get_channel(runner, channel_id)
    (row,) = rows
    uses = tuple(ClassUse(class_info(one), one["useCount"], one["useRank"]) for one in row["classes"])
    return Page(uses, row["total"], start, question)


async def channel_over_classes(
    runner: QueryRunner, channel_id: str, *, profile: bool = True, links: int = 10
) -> ChannelOverClasses:
    """Says how much every class uses a channel, and what it is joined to over all classes of its run.

    Args:
        runner: The database.
        channel_id: The channel's id.
        profile: Ask for the classes; without it the profile is empty.
        links: How many inputs and outputs at most, 0 to 500: the largest sum of counts first, equal ones by layer and
            index.

    Returns:
        Both, of one moment.

    Raises:
        NotFoundError: If there is no such channel.
        BadInput: If `links` cannot be.
    """
    asked = {"channel": check_text("channel", channel_id), "links": links and check_first(links)}
    rows = await runner.run("channel_over_classes", asked | {"profile": profile})
    if not rows:
        await get_channel(runner, channel_id)
    (row,) = rows
    shares = tuple(count / images for count, images in zip(row["counts"], row["images"], strict=True))
    inputs, outputs = (
        tuple(
            ChannelLink(channel_info(one), one["classes"], one["count"], one["count"] / max(row["allImages"], 1))
            for one in row[side]
        )
        for side in ("inputs", "outputs")
    )
    return ChannelOverClasses(
        ChannelProfile(tuple(row["classes"]), tuple(row["counts"]), shares, tuple(row["ranks"]), tuple(row["kept"])),
        inputs,
        outputs,
    )


async def get_channels(runner: QueryRunner, ids: Sequence[str]) -> dict[str, ChannelInfo]:
    """Returns several channels in one statement.

    Args:
        runner: The database.
        ids: Their ids, at most 500.

    Returns:
        Those that there are, by id.

    Raises:
        BadInput: If there are too many ids.
    """
    wanted = list(dict.fromkeys(check_text("channel", id_) for id_ in ids))
    if len(wanted) > MAX_FIRST:
        raise BadInput(f"channels: {MAX_FIRST} at most were expected, found {len(wanted):,}", hint="ask for fewer")
    if not wanted:
        return {}
    rows = await runner.run("channels_by_id", {"channels": wanted})
    return {row["channel"]["id"]: channel_info(row["channel"]) for row in rows}


async def label_channel(runner: QueryRunner, channel_id: str, label: str | None) -> ChannelInfo:
    """Gives a channel a label, or takes it away. Searches find it by its label.

    Args:
        runner: The database.
        channel_id: The channel's id.
        label: Up to 200 characters, without control characters; spaces around it are dropped and inner ones become
            one. None or empty takes the label away.

    Returns:
        The channel as it is then.

    Raises:
        NotFoundError: If there is no such channel.
        BadInput: If the label cannot be.
    """
    text = " ".join(check_text("label", label or "").split())
    if len(text) > MAX_LABEL or not text.isprintable():
        raise BadInput(
            f"label: up to {MAX_LABEL} characters that can be shown were expected, found {text[:40]!r}",
            hint="a few words are enough, for instance `fur` or `eyes in a face`",
        )
    rows = await runner.run("label_channel", {"channel": check_text("channel", channel_id), "label": text or None})
    if not rows:
        return await get_channel(runner, channel_id)  # raises, with a hint
    return channel_info(rows[0]["channel"])
