"""Where a run's channels stand: every table and every array of the loader counts channels in this one order.

A channel's *position* is its place when all channels of the run are listed by layer index, then by channel index.
Arrays over channels (counts, ranks, entries) are indexed by position.
"""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from arete_core.errors import RunFolderError


@dataclass(frozen=True)
class Layout:
    """The channels of a run.

    Attributes:
        sizes: Channels per layer, shape (layer,).
        offsets: Position of each layer's first channel and, last, the number of channels; shape (layer + 1,).
        layer: Each channel's layer index, shape (channel,).
        excluded: Channels that take no part in ranking and extraction, shape (channel,).
        feeds: Whether edges go from one layer (row) to another (column), shape (layer, layer).
    """

    sizes: NDArray[np.int64]
    offsets: NDArray[np.int64]
    layer: NDArray[np.int64]
    excluded: NDArray[np.bool_]
    feeds: NDArray[np.bool_]

    @property
    def channel_count(self) -> int:
        """Number of channels in all layers."""
        return int(self.offsets[-1])

    @property
    def joined(self) -> NDArray[np.bool_]:
        """Whether the layer graph joins two layers, either way round; shape (layer, layer), symmetric."""
        return self.feeds | self.feeds.T

    @classmethod
    def make(cls, sizes: list[int], parents: list[list[int]], excluded: NDArray[np.bool_] | None = None) -> "Layout":
        """Lays out channels.

        Args:
            sizes: Channels per layer.
            parents: For each layer the layers that its edges come from.
            excluded: Shape (channel,); none when omitted.

        Returns:
            The layout.

        Raises:
            RunFolderError: If a parent is no other layer of the run, or `excluded` has another length.
        """
        count = np.asarray(sizes, dtype=np.int64)
        offsets = np.concatenate([np.zeros(1, np.int64), np.cumsum(count)])
        feeds = np.zeros((len(sizes), len(sizes)), dtype=np.bool_)
        for layer, sources in enumerate(parents):
            for source in sources:
                if not 0 <= source < len(sizes) or source == layer:
                    raise RunFolderError(
                        f"layer {layer} has parent {source}, another one of 0 to {len(sizes) - 1} was expected"
                    )
                feeds[source, layer] = True
        if excluded is None:
            excluded = np.zeros(int(offsets[-1]), dtype=np.bool_)
        if len(excluded) != offsets[-1]:
            raise RunFolderError(f"channels.parquet: {offsets[-1]} rows were expected, found {len(excluded)}")
        return cls(count, offsets, np.repeat(np.arange(len(sizes)), count), excluded, feeds)

    @classmethod
    def of_tables(cls, layers: pa.Table, channels: pa.Table) -> "Layout":
        """Lays out the channels of a run folder.

        Args:
            layers: Table `layers`.
            channels: Table `channels`, in any order.

        Returns:
            The layout.

        Raises:
            RunFolderError: If the tables do not list each layer and each of its channels exactly once.
        """
        order = np.argsort(layers.column("layer").to_numpy())
        if not np.array_equal(layers.column("layer").to_numpy()[order], np.arange(len(order))):
            raise RunFolderError("layers.parquet: each of the layers 0, 1, 2, … was expected once")
        sizes = layers.column("channels").to_numpy()[order].tolist()
        parents = layers.column("parents").to_pylist()
        layout = cls.make(sizes, [parents[row] for row in order])
        positions = layout.positions(
            channels.column("layer").to_numpy(), channels.column("channel").to_numpy(), "channels.parquet"
        )
        if not np.array_equal(np.sort(positions), np.arange(layout.channel_count)):
            raise RunFolderError("channels.parquet: each channel of each layer was expected once")
        excluded = np.zeros(layout.channel_count, dtype=np.bool_)
        excluded[positions] = channels.column("excluded").to_numpy(zero_copy_only=False)
        return cls(layout.sizes, layout.offsets, layout.layer, excluded, layout.feeds)

    def positions(self, layer: NDArray[np.integer], channel: NDArray[np.integer], table: str) -> NDArray[np.int64]:
        """Returns the positions of channels.

        Args:
            layer: Layer indices, shape (row,).
            channel: Channel indices, shape (row,).
            table: Where they come from, for the error.

        Returns:
            Positions, shape (row,).

        Raises:
            RunFolderError: If one is no channel of the run.
        """
        layer = layer.astype(np.int64)
        known = (layer >= 0) & (layer < len(self.sizes))
        size = self.sizes[np.where(known, layer, 0)] if len(self.sizes) else np.zeros_like(layer)
        known &= (channel >= 0) & (channel < size)
        if not known.all():
            row = int(np.argmin(known))
            raise RunFolderError(
                f"{table}: channel {channel[row]} of layer {layer[row]} is named, which the run does not have"
            )
        return self.offsets[layer] + channel
