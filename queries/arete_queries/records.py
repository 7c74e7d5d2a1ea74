"""From the maps that statements return to the answers of `results`."""

from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any, Protocol, TypeVar

from arete_core.ids import split_channel_id
from arete_queries.comparison_results import ComparedEdge, ComparedVertex, LayerOverlap, Membership
from arete_queries.results import (
    ChannelInfo,
    ClassInfo,
    ClassKind,
    GraphEdge,
    GraphVertex,
    LayerInfo,
    Neighbor,
    RunInfo,
)

Map = Mapping[str, Any]


class _HasEnds(Protocol):
    @property
    def source(self) -> str: ...
    @property
    def target(self) -> str: ...


class _HasChannel(Protocol):
    @property
    def channel(self) -> ChannelInfo: ...


Edge = TypeVar("Edge", bound=_HasEnds)
Vertex = TypeVar("Vertex", bound=_HasChannel)


def run_info(row: Map) -> RunInfo:
    """Makes a run of a row of `runs`."""
    run = row["run"]
    return RunInfo(
        id=run["id"],
        name=run["name"],
        model=run["model"],
        dataset=run["dataset"],
        images=run["images"],
        class_count=row["classCount"],
        complete_classes=row["completeClasses"],
        channel_count=row["channelCount"],
        image_size=run["imageSize"],
        device=run["device"],
        created_at=run["createdAt"],
        state=run["state"],
        folder=run["folder"],
    )


def layer_info(layer: Map) -> LayerInfo:
    """Makes a layer of a map."""
    return LayerInfo(
        id=layer["id"],
        run=_run_of(layer["id"]),
        name=layer["name"],
        index=layer["index"],
        kind=layer["kind"],
        channels=layer["channels"],
        height=layer["height"],
        width=layer["width"],
        parents=tuple(layer["parents"]),
    )


def class_info(class_: Map) -> ClassInfo:
    """Makes a class of a map; absent keys are nulls in the database."""
    histogram = class_.get("histogram")
    return ClassInfo(
        id=class_["id"],
        run=_run_of(class_["id"]),
        key=class_["key"],
        index=class_["index"],
        name=class_["name"],
        kind=ClassKind(class_["kind"]),
        images=class_["images"],
        failed=class_["failed"],
        accuracy=class_.get("accuracy"),
        histogram=None if histogram is None else tuple(histogram),
        mass=class_.get("mass"),
        edge_count=class_["edgeCount"],
        dropped_share=class_["droppedShare"],
    )


def channel_info(channel: Map) -> ChannelInfo:
    """Makes a channel of a map; absent keys are nulls in the database."""
    return ChannelInfo(
        id=channel["id"],
        run=_run_of(channel["id"]),
        layer=channel["layer"],
        layer_index=channel["layerIndex"],
        index=channel["index"],
        excluded=channel["excluded"],
        label=channel.get("label"),
        picture_hash=channel.get("pictureHash"),
        picture_tiles=channel.get("pictureTiles") or 0,
        picture_tile_px=channel.get("pictureTilePx") or 0,
        excluded_reason=channel.get("reason"),
    )


def neighbor(channel: Map) -> Neighbor:
    """Makes a neighbour of a channel's map with a `count`."""
    return Neighbor(channel=channel_info(channel), count=channel["count"])


def graph_vertices(channels: Iterable[Map]) -> tuple[GraphVertex, ...]:
    """Makes vertices of channels' maps with `count` and `rank`, sorted by layer, then channel."""
    found = (GraphVertex(channel_info(one), one["count"], one["rank"]) for one in channels)
    return by_channel(found)


def graph_edges(
    vertices: Iterable[GraphVertex], sources: list[str], targets: list[str], counts: list[int]
) -> tuple[GraphEdge, ...]:
    """Makes edges of three parallel lists, sorted by target, then source, in the order of the vertices."""
    place = {vertex.channel.id: number for number, vertex in enumerate(vertices)}
    found = (GraphEdge(*edge) for edge in zip(sources, targets, counts, strict=True))
    return tuple(sorted(found, key=lambda edge: (place[edge.target], place[edge.source])))


def compared_vertices(channels: Iterable[Map]) -> tuple[ComparedVertex, ...]:
    """Makes compared vertices of channels' maps, sorted by layer, then channel."""
    found = (
        ComparedVertex(
            channel=channel_info(one),
            membership=Membership(one["membership"]),
            count_a=one["countA"],
            count_b=one["countB"],
            rank_a=one["rankA"],
            rank_b=one["rankB"],
        )
        for one in channels
    )
    return by_channel(found)


def compared_edges(
    layers: Iterable[LayerOverlap], sources: list[str], targets: list[str], counts_a: list[int], counts_b: list[int]
) -> tuple[ComparedEdge, ...]:
    """Makes compared edges of four parallel lists, sorted by target, then source.

    Args:
        layers: All layers, which give the order of the channels.
        sources: Channel ids.
        targets: Channel ids.
        counts_a: Counts in the first graph, 0 where the edge is not in it.
        counts_b: Counts in the second graph.

    Returns:
        The edges. A difference's may end at channels that are no vertices of it, so the order comes from the ids.
    """
    found = (
        ComparedEdge(source, target, _membership(count_a, count_b), count_a, count_b)
        for source, target, count_a, count_b in zip(sources, targets, counts_a, counts_b, strict=True)
    )
    return by_target(found, layers)


def by_target(edges: Iterable[Edge], layers: Iterable[LayerOverlap]) -> tuple[Edge, ...]:
    """Sorts edges by target, then source, in the order of the layers and of the channels' indices."""
    order = {layer.layer: layer.layer_index for layer in layers}

    @cache  # a channel ends many edges
    def place(id_: str) -> tuple[int, int]:
        parts = split_channel_id(id_)
        return (-1, -1) if parts is None else (order[parts.layer], parts.channel)

    return tuple(sorted(edges, key=lambda edge: (place(edge.target), place(edge.source))))


def by_channel(vertices: Iterable[Vertex]) -> tuple[Vertex, ...]:
    """Sorts vertices by layer, then channel."""
    return tuple(sorted(vertices, key=lambda vertex: (vertex.channel.layer_index, vertex.channel.index)))


def _membership(count_a: int, count_b: int) -> Membership:
    if count_a and count_b:
        return Membership.SHARED
    return Membership.ONLY_A if count_a else Membership.ONLY_B


def layer_overlap(row: Map) -> LayerOverlap:
    """Makes a layer's overlap of a row of `compare_layers`."""
    return LayerOverlap(
        layer=row["layer"],
        layer_index=row["layerIndex"],
        only_a=row["onlyA"],
        shared=row["shared"],
        only_b=row["onlyB"],
        jaccard=row["jaccard"],
        weighted_jaccard=row["weightedJaccard"],
    )


def _run_of(id_: str) -> str:
    return id_.partition("/")[0]
