"""What questions about several classes are answered with: groups, overlaps, neighbours of a class.

As in `results`: frozen, plain; shares, ranks and cosines are 0 to 1.
"""

from dataclasses import dataclass
from enum import StrEnum

from arete_queries.comparison_results import LayerOverlap, Membership
from arete_queries.results import ChannelInfo, ClassInfo


@dataclass(frozen=True)
class GroupInfo:
    """A named set of classes of one run. `id` is `run/name`; `classes` are ids of its complete classes, by index."""

    id: str
    run: str
    name: str
    classes: tuple[str, ...]

    @property
    def class_count(self) -> int:
        """How many complete classes it has."""
        return len(self.classes)


@dataclass(frozen=True)
class Group:
    """A group with its complete classes, by index."""

    info: GroupInfo
    classes: tuple[ClassInfo, ...]


class OverlapOperation(StrEnum):
    """What of two sides is asked for, each side being what enough of its classes have.

    Where there is one side only, `UNION` is what any of its classes has and `INTERSECTION` what all have, unless a
    number of classes is given; the differences need two sides.
    """

    UNION = "union"
    INTERSECTION = "intersection"
    A_MINUS_B = "a_minus_b"
    B_MINUS_A = "b_minus_a"
    SYMMETRIC_DIFFERENCE = "symmetric_difference"


@dataclass(frozen=True)
class OverlapVertex:
    """A vertex of enough classes of a side.

    `classes_a` of side A's graphs have it, `classes_b` of side B's. `count_a` and `rank_a` are means of A and rank over
    all classes of side A, taken as 0 in those whose graph lacks it; so are `count_b` and `rank_b`, 0 without a side B.
    """

    channel: ChannelInfo
    membership: Membership
    classes_a: int
    classes_b: int
    count_a: float
    count_b: float
    rank_a: float
    rank_b: float


@dataclass(frozen=True)
class OverlapEdge:
    """An edge of enough classes of a side; numbers as in `OverlapVertex`, the counts being influence counts."""

    source: str
    target: str
    membership: Membership
    classes_a: int
    classes_b: int
    count_a: float
    count_b: float


@dataclass(frozen=True)
class OverlapLayer(LayerOverlap):
    """How much the graphs overlap in one layer, whatever the operation.

    `only_a`, `shared` and `only_b` count vertices of the two sides. `in_any` and `in_all` count those that at least one
    class, or every class, of both sides keeps.

    With two sides, `jaccard` = shared / (only_a + shared + only_b), and `weighted_jaccard` = sum of min / sum of max of
    the two sides' shares of the layer's kept rank, a side's share being the mean over its classes. With one side,
    `jaccard` = in_all / in_any, and `weighted_jaccard` = sum of the smallest / sum of the largest share of any class.
    Both are the pairwise ones of `LayerOverlap` for two classes. None where no class has a vertex in the layer, or no
    side one.
    """

    in_any: int
    in_all: int


@dataclass(frozen=True)
class Overlap:
    """What the graphs of several classes have in common, or where two sets of classes differ.

    An element is in side A when the graphs of at least `at_least_a` classes of `a` have it; so for B, which is empty
    where one set only was asked about. `mass` is None where each class's own was used. `parts_at` is the layer where
    the graphs part (see `parting_layer`). `cypher` draws the same vertices and edges in Neo4j Browser.
    """

    a: tuple[ClassInfo, ...]
    b: tuple[ClassInfo, ...]
    operation: OverlapOperation
    at_least_a: int
    at_least_b: int
    mass: float | None
    vertices: tuple[OverlapVertex, ...]
    edges: tuple[OverlapEdge, ...]
    layers: tuple[OverlapLayer, ...]
    parts_at: str | None
    cypher: str


@dataclass(frozen=True)
class ClassNeighbor:
    """Another class, and the cosine of the angle between the two classes' activation counts in one layer."""

    class_: ClassInfo
    cosine: float


@dataclass(frozen=True)
class LayerNeighbors:
    """A class's nearest other classes in one layer, and how they differ from those one layer nearer the input.

    `entered` and `left` are class ids; `stayed` is the share of the neighbours that were neighbours in the layer before
    as well. All three are empty or None in the first layer, and after a layer without neighbours.
    """

    layer: str
    layer_index: int
    neighbors: tuple[ClassNeighbor, ...]
    entered: tuple[str, ...]
    left: tuple[str, ...]
    stayed: float | None


@dataclass(frozen=True)
class Neighborhood:
    """A class's nearest classes, layer by layer. `cypher` gives the last layer's."""

    class_: ClassInfo
    layers: tuple[LayerNeighbors, ...]
    cypher: str


@dataclass(frozen=True)
class Similarity:
    """How like `class_` the classes of its run are in one layer (`layer`, an id), as parallel lists by class index.

    The class itself is among them, with 1. Classes that share no active channel with it are not: their cosine is 0.
    """

    class_: ClassInfo
    layer: str
    classes: tuple[str, ...]
    cosines: tuple[float, ...]
    cypher: str
