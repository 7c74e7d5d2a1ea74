"""Which channels a tensor holds: runs of channels of the producers that made them, in order.

A *producer* makes channels: the image, a shown layer, or a channel sum that is not shown (`layer_graph`). Each tensor
of the model with an image, channel, height and width axis has a *channel map*. Operations that keep channels apart
leave it as it is, concatenation joins maps, and whatever only moves channels about (a slice, a channel shuffle) is
followed by letting it move numbers (`rearranging`).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np


@dataclass(frozen=True, order=True)
class Producer:
    """What makes channels, by its index; `zeros` are channels that padding adds."""

    kind: Literal["image", "layer", "sum", "zeros"]
    index: int


IMAGE = Producer("image", 0)
ZEROS = Producer("zeros", 0)


class Segment(NamedTuple):
    """Channels `first` to `first + length - 1` of one producer, side by side."""

    producer: Producer
    first: int
    length: int


ChannelMap = tuple[Segment, ...]
"""The channels of a tensor, in order."""


def channels_in(channel_map: ChannelMap) -> int:
    """Returns the number of channels that a map describes."""
    return sum(segment.length for segment in channel_map)


def join_maps(maps: Iterable[ChannelMap]) -> ChannelMap:
    """Joins channel maps one behind the other, as concatenation does.

    Args:
        maps: In the order of concatenation.

    Returns:
        One map; neighbouring segments that continue each other are merged.
    """
    joined: list[Segment] = []
    for channel_map in maps:
        for segment in channel_map:
            last = joined[-1] if joined else None
            if last and last.producer == segment.producer and last.first + last.length == segment.first:
                joined[-1] = last._replace(length=last.length + segment.length)
            else:
                joined.append(segment)
    return tuple(joined)


def picked_from(channel_map: ChannelMap, positions: Iterable[int]) -> ChannelMap:
    """Returns the map of some of a tensor's channels.

    Args:
        channel_map: The tensor's.
        positions: Which of its channels, in the order wanted; -1 for a channel of zeros.

    Returns:
        Their map.
    """
    single = [
        (Segment(segment.producer, segment.first + offset, 1),)
        for segment in channel_map
        for offset in range(segment.length)
    ]
    zero = (Segment(ZEROS, 0, 1),)
    return join_maps(zero if position < 0 else single[position] for position in positions)


class Part(NamedTuple):
    """The channels of a map that come from one producer.

    Attributes:
        producer: What made them.
        positions: int64 (channel,), where they are in the map, ascending.
        channels: int64 (channel,), which of the producer's channels they are.
    """

    producer: Producer
    positions: np.ndarray
    channels: np.ndarray


def parts_of(channel_map: ChannelMap) -> list[Part]:
    """Sorts a map's channels by producer; the producers in the order of their first appearance."""
    positions: dict[Producer, list[np.ndarray]] = {}
    channels: dict[Producer, list[np.ndarray]] = {}
    offset = 0
    for producer, first, length in channel_map:
        positions.setdefault(producer, []).append(np.arange(offset, offset + length))
        channels.setdefault(producer, []).append(np.arange(first, first + length))
        offset += length
    return [
        Part(producer, np.concatenate(where), np.concatenate(channels[producer]))
        for producer, where in positions.items()
    ]
