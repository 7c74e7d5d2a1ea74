"""Which channels get a picture, and in which order: those first that most classes' graphs hold."""

from collections.abc import Sequence

import numpy as np

from arete_core.class_data import RunData
from arete_core.errors import SettingError
from arete_core.exclusions import Channel, find_channels
from arete_core.run_folder import RunFolder
from arete_ingest.features.settings import ALL, KEPT


def channel_use(folder: RunFolder, mass: float | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Counts in how many classes' attribution graphs each channel is.

    Args:
        folder: A run folder.
        mass: Share of each layer's rank mass, as a reader may ask for it.

    Returns:
        Two times int64 (channel,), by position in the run's layout: with each class's own share, and with the larger
        one of that and `mass`. Takes some 20 to 50 ms a class.
    """
    data = RunData(folder, min_share=0.0)
    own, wider = (np.zeros(data.layout.channel_count, np.int64) for _ in range(2))
    for one in data.each(np.ones(data.class_count, np.bool_)):
        own += one.extraction.kept
        if one.extraction.mass is not None:
            wider += one.extraction.entry < max(one.extraction.mass, mass or 0.0)
    return own, wider


def choose_channels(folder: RunFolder, wanted: Sequence[str], mass: float | None = None) -> list[Channel]:
    """Finds the channels that are asked for.

    Args:
        folder: A run folder.
        wanted: `kept`, `all`, layers' names, or channels `layer/channel`.
        mass: `kept` is also what graphs hold at this share of rank mass; these channels come later.

    Returns:
        Channels, each once, the most used first; where only some are named, in that order too.

    Raises:
        SettingError: If a text is none of these.
        NotFoundError: If there is no such layer or channel.
    """
    layers = folder.table("layers").sort_by("layer")
    names, sizes = layers.column("name").to_pylist(), layers.column("channels").to_pylist()
    every = [(layer, channel) for layer, size in enumerate(sizes) for channel in range(size)]
    own, wider = channel_use(folder, mass)
    use = dict(zip(every, zip(own.tolist(), wider.tolist(), strict=True), strict=True))
    chosen: set[Channel] = set()
    for text in wanted:
        if text == KEPT:
            chosen |= {channel for channel in every if use[channel][1]}
        elif text == ALL:
            chosen |= set(every)
        elif text in names:
            chosen |= {channel for channel in every if channel[0] == names.index(text)}
        elif "/" in text:
            chosen |= set(find_channels([text], names, sizes))
        else:
            raise SettingError(
                f"--channels {text}: {KEPT}, {ALL}, a layer or LAYER/CHANNEL was expected",
                hint=f"the layers are {', '.join(names)}",
            )
    return sorted(chosen, key=lambda channel: (-use[channel][0], -use[channel][1], channel))


def batches_of(channels: Sequence[Channel], at_once: int) -> list[tuple[int, list[int]]]:
    """Puts channels of one layer together: a batch runs the model up to one layer.

    Args:
        channels: In the order wanted.
        at_once: Channels a batch.

    Returns:
        Layers and their channels. A batch comes where its first channel stands, filled with the next ones of its layer.
    """
    batches: list[tuple[int, list[int]]] = []
    open_: dict[int, list[int]] = {}
    for layer, channel in channels:
        own = open_.get(layer)
        if own is None or len(own) == at_once:
            own = open_[layer] = []
            batches.append((layer, own))
        own.append(channel)
    return batches
