"""What the reads answer with: frozen, plain, the same words as the GraphQL schema.

Ids are those of `arete_core.ids`. Shares and ranks are 0 to 1. Vertices come sorted by layer index then channel index,
edges by target then source, so that the same question always gives the same answer.
"""

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
