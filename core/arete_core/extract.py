"""From ranks to the attribution graph that is shown: Summit's extraction, one share for all layers.

1. In each layer, order the channels by rank, largest first, equal ranks by lower index.
2. A channel's *entry* is the share of the layer's rank mass that the channels before it hold. The smallest set of
   channels whose share reaches *m* is exactly the set with entry below *m*.
3. Try m = 7.5%, 8.0%, 8.5%, … 100%. Take the first at which every layer has a kept channel with an edge to a kept
   channel in a layer next to it. Two layers are next to each other when the layer graph joins them (one is the other's
   parent).
4. The graph is the kept channels and every edge between two of them.

Steps are counted in thousandths, as integers: 0.075 + 0.005 + 0.005 is not 0.085.

What the description leaves open is settled so: A layer without any rank mass, or one that the layer graph joins to no
other, has no say in step 3. Where no m up to 100% will do (a layer with rank mass but no edge), or no layer has rank
mass, the class has no graph, and `Extraction.mass` is None.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from arete_core.layout import Layout
from arete_core.rank import Floats, Ints

FIRST_STEP: Final = 75  # thousandths of each layer's rank mass; Summit starts at 7.5%
STEP: Final = 5  # and goes on by 0.5%
LAST_STEP: Final = 1000
_NEVER: Final = 1.0
"""The entry of a channel without rank: not below any m."""


@dataclass(frozen=True)
class Extraction:
    """A class's attribution graph, as a part of all its channels and edges.

    Attributes:
        entry: Shape (channel,), 0 to 1; a channel is kept at mass m exactly when its entry is below m.
        mass: The m that the search settled on, or None where the class has no graph.
        kept: Kept channels, shape (channel,); none without a graph.
        kept_edges: Kept edges, shape (edge,).
    """

    entry: Floats
    mass: float | None
    kept: NDArray[np.bool_]
    kept_edges: NDArray[np.bool_]


def entries(layout: Layout, ranks: Floats) -> Floats:
    """Returns the share of its layer's rank mass that is ranked before each channel.

    Args:
        layout: The run's channels.
        ranks: Shape (channel,), not negative.

    Returns:
        Shape (channel,), 0 for the first channel of each layer; 1 for a channel of rank 0 or an excluded one.
    """
    entry = np.full(layout.channel_count, _NEVER)
    # By layer, then rank descending, then index ascending; lexsort's last key is the first to sort by.
    order = np.lexsort((np.arange(len(ranks)), -ranks, layout.layer))
    for first, end in zip(layout.offsets[:-1], layout.offsets[1:], strict=True):
        channels = order[first:end]
        reached = np.cumsum(ranks[channels])
        if len(reached) == 0 or reached[-1] == 0:
            continue
        before = np.concatenate([np.zeros(1), reached[:-1]]) / reached[-1]
        entry[channels] = np.where(ranks[channels] > 0, before, _NEVER)
    return entry


def extract(layout: Layout, ranks: Floats, sources: Ints, targets: Ints) -> Extraction:
    """Extracts a class's attribution graph.

    Args:
        layout: The run's channels.
        ranks: Shape (channel,).
        sources: Positions of the edges' sources, shape (edge,).
        targets: Positions of the edges' targets, shape (edge,).

    Returns:
        The graph, or none with the reason readable from `mass` being None.
    """
    entry = entries(layout, ranks)
    # An edge is kept exactly when both its ends are.
    edge_entry = np.maximum(entry[sources], entry[targets])
    mass = _settle(layout, ranks, sources, targets, edge_entry)
    if mass is None:
        return Extraction(entry, None, np.zeros(len(entry), np.bool_), np.zeros(len(edge_entry), np.bool_))
    return Extraction(entry, mass, entry < mass, edge_entry < mass)


def _settle(layout: Layout, ranks: Floats, sources: Ints, targets: Ints, edge_entry: Floats) -> float | None:
    """Finds the first m without trying each: a layer is connected from its earliest edge's entry on."""
    layer_mass = np.bincount(layout.layer, weights=ranks, minlength=len(layout.sizes))
    joined = layout.joined
    has_say = (layer_mass > 0) & joined.any(axis=1)
    if not (layer_mass > 0).any():
        return None
    connected_from = np.full(len(layout.sizes), np.inf)
    beside = joined[layout.layer[sources], layout.layer[targets]]
    for ends in (sources, targets):
        np.minimum.at(connected_from, layout.layer[ends[beside]], edge_entry[beside])
    needed = connected_from[has_say].max(initial=-1.0)
    for step in range(FIRST_STEP, LAST_STEP + 1, STEP):
        if needed < step / 1000:
            return step / 1000
    return None
