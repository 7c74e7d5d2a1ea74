"""What the reads answer with: frozen, plain, the same words as the GraphQL schema.

Ids are those of `arete_core.ids`. Shares and ranks are 0 to 1. Vertices come sorted by layer index then channel index,
edges by target then source, so that the same question always gives the same answer.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, TypeVar

from arete_queries.arguments import make_cursor

T = TypeVar("T")


@dataclass(frozen=True)
class Page(Generic[T]):
    """A page of a list of `total` items, of which `start` come before it.

    `question` is what was asked, so that a cursor continues this list and no other.
    """

    items: tuple[T, ...]
    total: int
    start: int
    question: tuple[str | None, ...]

    @property
    def has_next(self) -> bool:
        """Whether more come after this page."""
        return self.start + len(self.items) < self.total

    @property
    def end_cursor(self) -> str | None:
        """Continues after the last item; None on an empty page."""
        return self.cursor(len(self.items)) if self.items else None

    def cursor(self, place: int) -> str:
        """Returns what continues after an item.

        Args:
            place: The item's place on this page, 1 for the first.
        """
        return make_cursor(self.start + place, *self.question)

    def cursors(self) -> list[str]:
        """Returns what continues after each item."""
        return [self.cursor(place + 1) for place in range(len(self.items))]


@dataclass(frozen=True)
class RunInfo:
    """A run in the database. `folder` is for the service alone and never leaves it."""

    id: str
    name: str
    model: str
    dataset: str
    images: int
    class_count: int
    complete_classes: int
    channel_count: int
    image_size: int
    device: str
    created_at: str
    state: str
    folder: str


@dataclass(frozen=True)
class LayerInfo:
    """A shown layer; `parents` are the layer ids joined to it by edges."""

    id: str
    run: str
    name: str
    index: int
    kind: str
    channels: int
    height: int
    width: int
    parents: tuple[str, ...]


class ClassKind(StrEnum):
    """What the images of a class are: those of a label, a named set, those of several labels, or a single one."""

    LABEL = "label"
    SUBSET = "subset"
    SUPERCLASS = "superclass"
    IMAGE = "image"


class ImageFilter(StrEnum):
    """Which images of a class are asked for, by whether the model's largest output is that of their own label."""

    ALL = "all"
    CORRECT = "correct"
    MISCLASSIFIED = "misclassified"


@dataclass(frozen=True)
class ImageInfo:
    """An image; `number` is its id in the run folder, and its path is for nobody.

    `class_id` is the class of its label, which may be no class of the run; `predicted_id` that of the largest output,
    None where that stands for no class. `probability`: of its label, None where it is not known which output that is.
    """

    id: str
    run: str
    number: int
    class_id: str
    predicted_id: str | None
    probability: float | None
    thumbnail: "ThumbnailInfo | None" = None


@dataclass(frozen=True)
class StripInfo:
    """A strip of square tiles side by side, `tile_px` pixels each; `sha256` is its content's."""

    sha256: str
    tiles: int
    tile_px: int


@dataclass(frozen=True)
class ThumbnailInfo:
    """Tile `tile` of a run's strip of thumbnails number `number`: a small picture of an image as the model saw it."""

    number: int
    tile: int
    strip: StripInfo


@dataclass(frozen=True)
class Instances:
    """Where images lie in a layer among those that were measured, alike ones near each other: parallel lists.

    Centred at 0 with a root mean square distance of 1, in every layer.
    """

    layer: str
    images: tuple[ImageInfo, ...]
    x: tuple[float, ...]
    y: tuple[float, ...]


@dataclass(frozen=True)
class ImageActivations:
    """Channel maxima of an image in a layer: the largest activation over space of each channel, 0 or more."""

    image: ImageInfo
    layer: str
    values: tuple[float, ...]


@dataclass(frozen=True)
class ExampleInfo:
    """A dataset example: the image with the `rank`-th largest activation of a channel, 0 being the strongest.

    `box` is what of the image the channel saw, in pixels of the model's input: left, top, right, bottom, the last two
    exclusive. Its tile is the `rank`-th of `strip`, which is that of the class `class_index`, or of the whole run.
    """

    rank: int
    image: ImageInfo
    activation: float
    box: tuple[int, ...]
    layer_index: int
    channel_index: int
    class_index: int | None
    strip: StripInfo | None


@dataclass(frozen=True)
class Embedding:
    """Where classes lie in a layer, alike ones near each other: ids and coordinates, as parallel lists.

    Centred at 0 with a root mean square distance of 1, in every layer.
    """

    layer: str
    classes: tuple[str, ...]
    x: tuple[float, ...]
    y: tuple[float, ...]


@dataclass(frozen=True)
class ClassInfo:
    """A complete class. `key` is its small integer in the whole database, `index` its number in the run.

    `mass` is the one share of each layer's rank mass that the extraction settled on; None where the class has no graph.
    `edge_count` is the number of its influence edges in the database, in the attribution graph or not.
    `dropped_share` is the share of its influence counts that `load --min-share` left out.
    """

    id: str
    run: str
    key: int
    index: int
    name: str
    kind: ClassKind
    images: int
    failed: int
    accuracy: float | None
    histogram: tuple[int, ...] | None
    mass: float | None
    edge_count: int
    dropped_share: float


class ClassOrder(StrEnum):
    """In which order classes are listed. Classes without the number that is asked for come last, ties by index.

    `SIMILARITY` is by cosine of activation counts with a given class in a given layer, the likest first.
    """

    INDEX = "index"
    NAME = "name"
    NAME_DESC = "name_desc"
    ACCURACY_DESC = "accuracy_desc"
    ACCURACY_ASC = "accuracy_asc"
    IMAGES_DESC = "images_desc"
    SIMILARITY = "similarity"


@dataclass(frozen=True)
class ChannelInfo:
    """A channel. `picture_hash` names the content of its strip of `picture_tiles` dataset examples; None without."""

    id: str
    run: str
    layer: str
    layer_index: int
    index: int
    excluded: bool
    label: str | None
    picture_hash: str | None
    picture_tiles: int
    picture_tile_px: int
    excluded_reason: str | None = None


@dataclass(frozen=True)
class GraphVertex:
    """A channel in a class's attribution graph: activation count A, and rank (personalized PageRank)."""

    channel: ChannelInfo
    count: int
    rank: float


@dataclass(frozen=True)
class GraphEdge:
    """An edge of an attribution graph: influence count I of `source` on `target` (channel ids)."""

    source: str
    target: str
    count: int


@dataclass(frozen=True)
class AttributionGraph:
    """A class's attribution graph at one kept mass. `cypher` is the statement with its values filled in."""

    class_: ClassInfo
    mass: float
    vertices: tuple[GraphVertex, ...]
    edges: tuple[GraphEdge, ...]
    cypher: str


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


@dataclass(frozen=True)
class Neighbor:
    """A channel joined to another one in a class, with the influence count between them."""

    channel: ChannelInfo
    count: int


@dataclass(frozen=True)
class ClassUse:
    """How much a class uses a channel."""

    class_: ClassInfo
    count: int
    rank: float


@dataclass(frozen=True)
class ChannelInClass:
    """One channel seen from one class: what the hover card shows.

    `rank_in_layer` is 1 + the number of channels of its layer with a larger rank. `inputs` and `outputs` are the
    strongest ones over all edges of the class, kept or not; `other_classes` those that count the channel in the largest
    share of their images.
    """

    channel: ChannelInfo
    class_: ClassInfo
    count: int
    rank: float
    rank_in_layer: int
    inputs: tuple[Neighbor, ...]
    outputs: tuple[Neighbor, ...]
    other_classes: tuple[ClassUse, ...]
