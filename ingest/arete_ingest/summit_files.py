"""Reads the attribution graphs that Summit [hohman2020summit] published: one JSON file a class, `ag-N.json`.

A file lists, for each of InceptionV1's nine blocks, the channels of the class's graph: `channel`, `count` (A),
`pagerank`, `prev_channels` (edges of the graph to the block before, `inf` is I) and `attr_channels` (the channel's
three strongest inputs, in the graph or not). Other channels and edges are not published.

Where both lists name an edge and differ in its count, as they do for 1 in 350 of the published ones, that of
`prev_channels` is taken, which is the graph's.
"""

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeGuard

from arete_core.errors import DatasetError

LAYERS: Final = {
    "mixed3a": 256,
    "mixed3b": 480,
    "mixed4a": 508,
    "mixed4b": 512,
    "mixed4c": 512,
    "mixed4d": 528,
    "mixed4e": 832,
    "mixed5a": 832,
    "mixed5b": 1024,
}
"""InceptionV1's blocks and their channels, the one nearest the input first."""
_FIRST_STEP: Final = 75  # thousandths of each block's rank mass, and on by 5: Summit's extraction
_STEP: Final = 5


@dataclass(frozen=True)
class SummitChannel:
    """A channel of a published graph.

    Attributes:
        layer: Index of its block.
        channel: Its index in the block.
        count: A, images.
        rank: Personalized PageRank.
        entry: Share of its block's rank mass ranked before it, as far as the file tells: see `read_graph`.
    """

    layer: int
    channel: int
    count: int
    rank: float
    entry: float


@dataclass(frozen=True)
class SummitGraph:
    """One class as published.

    Attributes:
        class_: ImageNet class index.
        mass: Share of each block's rank mass that the graph was cut at.
        channels: The graph's channels, by block and index.
        edges: I by (layer, source channel, target channel), the layer being the target's; of the graph and others.
        kept: Those of the edges that are the graph's.
        images: The largest count in the file: the class has at least as many images.
    """

    class_: int
    mass: float
    channels: tuple[SummitChannel, ...]
    edges: dict[tuple[int, int, int], int]
    kept: frozenset[tuple[int, int, int]]
    images: int


def read_graph(path: Path, class_: int) -> SummitGraph:
    """Reads and checks one published file.

    The cut is not in the file, but the ranks of all channels sum to 1 and each block keeps the fewest channels that
    reach it, so that it lies between the kept ranks with and without the last one of each block. A block's whole rank
    mass is not known either, only that it is at most the kept mass over the cut; a channel's entry is worked out from
    that, and is thus the least that it can be.

    Args:
        path: `ag-N.json`.
        class_: N.

    Returns:
        The graph.

    Raises:
        DatasetError: If it is no such file; names the place in it.
    """
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DatasetError(f"{path}: a published attribution graph in JSON was expected: {error}") from error
    if not isinstance(document, dict) or document.keys() != LAYERS.keys():
        raise DatasetError(f"{path}: an object with the keys {', '.join(LAYERS)} was expected")
    found: list[tuple[int, int, int, float]] = []
    edges: dict[tuple[int, int, int], int] = {}
    kept: set[tuple[int, int, int]] = set()
    below: set[int] = set()
    for layer, name in enumerate(LAYERS):
        own: set[int] = set()
        for item in _list(document[name], f"{path}: {name}"):
            channel = _index(item, "channel", LAYERS[name], f"{path}: {name}")
            place = f"{path}: {name}/{channel}"
            if channel in own:
                raise DatasetError(f"{place}: each channel was expected once")
            own.add(channel)
            rank = item.get("pagerank")
            if not isinstance(rank, float) or not math.isfinite(rank) or rank <= 0:
                raise DatasetError(f"{place}: pagerank: a number above 0 was expected, found {rank!r}")
            found.append((layer, channel, _count(item, "count", place), rank))
            graph_edges = _edges(item, "prev_channels", layer, place)
            if not graph_edges.keys() <= below:
                raise DatasetError(f"{place}: prev_channels: channels of the graph's block before were expected")
            others = _edges(item, "attr_channels", layer, place)
            for source, count in (others | graph_edges).items():
                edges[layer, source, channel] = count
            kept |= {(layer, source, channel) for source in graph_edges}
        below = own
    mass, channels = _cut(found, str(path))
    images = max([channel.count for channel in channels] + list(edges.values()))
    return SummitGraph(class_, mass, channels, edges, frozenset(kept), images)


def _cut(found: list[tuple[int, int, int, float]], place: str) -> tuple[float, tuple[SummitChannel, ...]]:
    """Finds the cut, and each channel's entry at it."""
    by_layer = [[item for item in found if item[0] == layer] for layer in range(len(LAYERS))]
    if not all(by_layer):
        raise DatasetError(f"{place}: at least one channel in each block was expected")
    totals = [sum(item[3] for item in own) for own in by_layer]
    least = sum(totals) - sum(min(item[3] for item in own) for own in by_layer)
    steps = range(_FIRST_STEP, 1001, _STEP)
    mass = next((step / 1000 for step in steps if least < step / 1000 <= sum(totals)), None)
    if mass is None:
        raise DatasetError(f"{place}: ranks that some share of 7.5%, 8%, … cuts so were expected")
    channels: list[SummitChannel] = []
    for own, total in zip(by_layer, totals, strict=True):
        before = 0.0
        for layer, channel, count, rank in sorted(own, key=lambda item: (-item[3], item[1])):
            channels.append(SummitChannel(layer, channel, count, rank, mass * before / total))
            before += rank
    return mass, tuple(sorted(channels, key=lambda channel: (channel.layer, channel.channel)))


def _edges(item: dict[str, Any], key: str, layer: int, place: str) -> dict[int, int]:
    """Reads a list of edges from the block before: source channel to count."""
    rows = _list(item.get(key), f"{place}: {key}")
    if rows and layer == 0:
        raise DatasetError(f"{place}: {key}: none were expected in the first block")
    size = list(LAYERS.values())[layer - 1]
    edges: dict[int, int] = {}
    for row in rows:
        source = _index(row, "prev_channel", size, f"{place}: {key}")
        if source in edges:
            raise DatasetError(f"{place}: {key}: channel {source} was expected once")
        edges[source] = _count(row, "inf", f"{place}: {key}: {source}")
    return edges


def _list(value: object, place: str) -> list[dict[str, Any]]:
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise DatasetError(f"{place}: a list of objects was expected")
    return value


def _index(item: dict[str, Any], key: str, size: int, place: str) -> int:
    value = item.get(key)
    # `attr_channels` writes its numbers as text.
    if isinstance(value, str) and value.isascii() and value.isdigit():
        value = int(value)
    if not _is_int(value) or not 0 <= value < size:
        raise DatasetError(f"{place}: {key}: a channel of 0 to {size - 1} was expected, found {value!r}")
    return value


def _count(item: dict[str, Any], key: str, place: str) -> int:
    value = item.get(key)
    if not _is_int(value) or value <= 0:
        raise DatasetError(f"{place}: {key}: a whole number above 0 was expected, found {value!r}")
    return value


def _is_int(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool)
