"""Ids, the same string in Parquet, Cypher, GraphQL, URL, SVG and CSV.

A channel is `layer/channel` inside a run and `run/layer/channel` globally; a layer is `run/layer`; a class is
`run/index`, where index is its number in the column `class` of `classes.parquet`; an image is `run/image:number`, its
number in `images.parquet`. A run's id holds no slash, so every id splits one way.
"""

import re
from typing import NamedTuple

from arete_core.errors import SettingError

_RUN_ID = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}")
_IMAGE = re.compile(r"image:([0-9]{1,18})", re.ASCII)


class ChannelId(NamedTuple):
    """The parts of a global channel id."""

    run: str
    layer: str
    channel: int


class ImageId(NamedTuple):
    """The parts of a global image id."""

    run: str
    number: int


def check_run_id(run_id: str) -> str:
    """Returns `run_id` unchanged if it can serve as a run's id.

    Args:
        run_id: 1 to 63 characters out of a-z, 0-9, dot, underscore and hyphen; the first a letter or digit.

    Returns:
        The same string.

    Raises:
        SettingError: If it holds anything else.
    """
    if not _RUN_ID.fullmatch(run_id):
        raise SettingError(
            f"{run_id!r} cannot be a run's id: 1 to 63 of a-z, 0-9, '.', '_' and '-' are expected, "
            "the first a letter or a digit",
            hint="pass another one with --name",
        )
    return run_id


def run_id_from(name: str) -> str:
    """Makes a run id of a free name: lower case, anything else than a-z, 0-9, dot and underscore becomes `-`.

    Args:
        name: Any text with at least one letter or digit.

    Returns:
        A valid run id.

    Raises:
        SettingError: If nothing of the name can be kept.
    """
    return check_run_id(re.sub(r"[^a-z0-9._]+", "-", name.lower()).strip("-._")[:63])


def layer_id(run: str, layer: str) -> str:
    """Returns the global id of a layer, `run/layer`."""
    return f"{run}/{layer}"


def class_id(run: str, index: int) -> str:
    """Returns the global id of a class, `run/index`."""
    return f"{run}/{index}"


def image_id(run: str, number: int) -> str:
    """Returns the global id of an image, `run/image:number`."""
    return f"{run}/image:{number}"


def split_image_id(id_: str) -> ImageId | None:
    """Splits a global image id.

    Args:
        id_: `run/image:number`.

    Returns:
        Its parts, or None where the text is no image id.
    """
    run, _, rest = id_.partition("/")
    match = _IMAGE.fullmatch(rest)
    return ImageId(run, int(match[1])) if run and match else None


def channel_id(run: str, layer: str, channel: int) -> str:
    """Returns the global id of a channel, `run/layer/channel`."""
    return f"{run}/{layer}/{channel}"


def split_channel_id(id_: str) -> ChannelId | None:
    """Splits a global channel id.

    Args:
        id_: `run/layer/channel`.

    Returns:
        Its parts, or None where the text is no channel id.
    """
    run, _, rest = id_.partition("/")
    layer, _, channel = rest.rpartition("/")
    if not run or not layer or not channel.isascii() or not channel.isdigit():
        return None
    return ChannelId(run, layer, int(channel))
