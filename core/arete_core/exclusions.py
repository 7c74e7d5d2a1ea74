"""Channels that take no part in attribution graphs, and how that is changed in a run folder that is whole.

Counts stay as they were measured: exclusion is a mark in `channels.parquet` that ranking and extraction obey. Summit
left five non-semantic channels of InceptionV1 out in the same way.
"""

import difflib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import pyarrow as pa

from arete_core.errors import NotFoundError, SettingError
from arete_core.run_change import change_tables
from arete_core.run_folder import RunFolder
from arete_core.run_lock import locked

Channel = tuple[int, int]
"""A channel as (layer, channel)."""

BY_HAND = "excluded by the user"
"""The reason that is noted where none is given."""


def find_channels(texts: Iterable[str], layers: Sequence[str], sizes: Sequence[int]) -> list[Channel]:
    """Finds channels by their ids inside a run.

    Args:
        texts: Ids, `layer/channel`.
        layers: The layers' names, in order of index.
        sizes: Number of channels of each.

    Returns:
        Their layers and channels, in the order asked for, each once.

    Raises:
        SettingError: If a text is no id of that form.
        NotFoundError: If there is no such layer or channel.
    """
    places = {name: index for index, name in enumerate(layers)}
    found: dict[Channel, None] = {}
    for text in texts:
        name, _, number = text.strip().rpartition("/")
        if not name or not (number.isascii() and number.isdigit()):
            raise SettingError(
                f"{text!r} is no channel: LAYER/CHANNEL was expected", hint=f"for instance {layers[-1]}/0"
            )
        if name not in places:
            near = difflib.get_close_matches(name, layers, n=3, cutoff=0.4) or list(layers[:6])
            raise NotFoundError("layer", name, hint=f"the nearest are {', '.join(near)}")
        layer, channel = places[name], int(number)
        if channel >= sizes[layer]:
            raise NotFoundError("channel", text.strip(), hint=f"{name} has channels 0 to {sizes[layer] - 1}")
        found[layer, channel] = None
    return list(found)


def channels_table(sizes: Sequence[int], excluded: Mapping[Channel, str]) -> pa.Table:
    """Makes `channels.parquet`.

    Args:
        sizes: Number of channels of each layer.
        excluded: Reasons by channel.

    Returns:
        One row a channel.
    """
    every = [(layer, channel) for layer, size in enumerate(sizes) for channel in range(size)]
    return pa.table(
        {
            "layer": pa.array([layer for layer, _ in every], pa.int32()),
            "channel": pa.array([channel for _, channel in every], pa.int32()),
            "excluded": pa.array([channel in excluded for channel in every], pa.bool_()),
            "reason": pa.array([excluded.get(channel) for channel in every], pa.string()),
        }
    )


def excluded_channels(folder: RunFolder) -> dict[Channel, str]:
    """Returns the excluded channels of a run folder and why, in the order of the table."""
    table = folder.table("channels")
    rows = table.filter(table.column("excluded")).to_pylist()
    return {(row["layer"], row["channel"]): row["reason"] or BY_HAND for row in rows}


def exclude_channels(
    path: Path, texts: Sequence[str], *, reason: str = BY_HAND, include: bool = False
) -> tuple[RunFolder, list[Channel]]:
    """Excludes channels in a whole run folder, or takes them in again. Only `channels.parquet` and the manifest change.

    Args:
        path: The run folder.
        texts: Channels as `layer/channel`.
        reason: Why; one line.
        include: Take them in again instead.

    Returns:
        The folder as it is now, and the channels that were not so before. Nothing is written where there are none.

    Raises:
        SettingError: If a text is no channel's id, or the run's ranks are given.
        NotFoundError: If there is no such layer or channel.
        RunConflictError: If a job or another exclusion is writing the folder.
        RunFolderError: If it is not whole.
    """
    with locked(path.absolute()):
        folder = RunFolder.open(path, verify=False)
        if folder.has_given_graphs:
            raise given_graphs(folder.manifest.id)
        layers = folder.table("layers")
        wanted = find_channels(texts, layers.column("name").to_pylist(), layers.column("channels").to_pylist())
        return mark_channels(folder, wanted, reason=reason, include=include)


def mark_channels(
    folder: RunFolder, channels: Iterable[Channel], *, reason: str = BY_HAND, include: bool = False
) -> tuple[RunFolder, list[Channel]]:
    """Does what `exclude_channels` describes for channels that are known, where the caller holds the folder's lock."""
    before = excluded_channels(folder)
    changed = [channel for channel in channels if (channel in before) is include]
    if not changed:
        return folder, []
    after = {channel: why for channel, why in before.items() if not (include and channel in changed)}
    if not include:
        after |= dict.fromkeys(changed, " ".join(reason.split()))
    sizes = folder.table("layers").column("channels").to_pylist()
    return change_tables(folder, {"channels": channels_table(sizes, after)}), changed


def given_graphs(run: str) -> SettingError:
    """Returns the error for a run whose ranks no exclusion can change."""
    return SettingError(
        f"run {run!r} came with its ranks and graphs, so that they cannot be worked out anew without some channels",
        hint="exclude channels in a run that `arete ingest` made",
    )
