"""What comparing two classes answers with; see `results` for ids, ranges and order."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from arete_queries.results import ChannelInfo, ClassInfo


class SetOperation(StrEnum):
    """What of two graphs is asked for."""

    UNION = "union"
    INTERSECTION = "intersection"
    A_MINUS_B = "a_minus_b"
    B_MINUS_A = "b_minus_a"


class Membership(StrEnum):
    """In which of two graphs a vertex or edge is."""

    ONLY_A = "only_a"
    SHARED = "shared"
    ONLY_B = "only_b"


@dataclass(frozen=True)
class ComparedVertex:
    """A vertex of either graph, with A and rank in both classes whether or not it is kept there (0 where none)."""

    channel: ChannelInfo
    membership: Membership
    count_a: int
    count_b: int
    rank_a: float
    rank_b: float


@dataclass(frozen=True)
class ComparedEdge:
    """An edge of either graph, with its count in each graph (0 where it is not in it)."""

    source: str
    target: str
    membership: Membership
    count_a: int
    count_b: int


@dataclass(frozen=True)
class LayerOverlap:
    """How much two graphs share in one layer, over kept vertices whatever the operation.

    `jaccard` = shared / all; `weighted_jaccard` = sum of min rank / sum of max rank over kept vertices, ranks taken
    as 0 where the vertex is not kept and scaled to sum to 1 in each class's layer. Both None where neither graph has
    a vertex in the layer.
    """

    layer: str
    layer_index: int
    only_a: int
    shared: int
    only_b: int
    jaccard: float | None
    weighted_jaccard: float | None


def parting_layer(layers: Sequence[LayerOverlap]) -> str | None:
    """Returns the layer where graphs part: the first one of the upper of two halves.

    The layers, from the input on, are cut in two so that the means of `weighted_jaccard` below and above the cut
    explain most of its variance (least squares with one change point), counting only cuts above which it is smaller.

    Args:
        layers: By index; those without overlap figures are skipped.

    Returns:
        The name of the first layer above the cut; None where overlap falls nowhere.
    """
    known = [(layer.layer, layer.weighted_jaccard) for layer in layers if layer.weighted_jaccard is not None]
    best, found = 1e-12, None  # rounding makes no cut
    for cut in range(1, len(known)):
        below = sum(value for _, value in known[:cut]) / cut
        above = sum(value for _, value in known[cut:]) / (len(known) - cut)
        explained = cut * (len(known) - cut) / len(known) * (below - above) ** 2
        if below > above and explained > best:
            best, found = explained, known[cut][0]
    return found


@dataclass(frozen=True)
class Comparison:
    """Two attribution graphs laid over each other; vertices and edges are those that the operation asks for.

    They are differences of sets: an edge that only A has may join two vertices that both have, and then stands in
    `A_MINUS_B` without them. The union has every edge's ends.
    """

    a: ClassInfo
    b: ClassInfo
    operation: SetOperation
    mass_a: float
    mass_b: float
    vertices: tuple[ComparedVertex, ...]
    edges: tuple[ComparedEdge, ...]
    layers: tuple[LayerOverlap, ...]
    cypher: str

    @property
    def parts_at(self) -> str | None:
        """Name of the layer where the graphs part, see `parting_layer`."""
        return parting_layer(self.layers)
