"""What questions about motifs are answered with."""

from dataclasses import dataclass
from enum import StrEnum

from arete_queries.results import ChannelInfo, ClassInfo


class MotifPattern(StrEnum):
    """Shapes of motifs. A motif is a shape on certain channels, not the shape alone.

    `PATH_2` to `PATH_4`: so many edges in a row. `WEDGE_IN`: two channels that influence a third. `WEDGE_OUT`: one that
    influences two. `DIAMOND`: two paths of two edges with the same ends. `TRIANGLE`: a path of two edges and a skip
    edge between its ends. `SUBGRAPH`: any connected set of edges.
    """

    PATH_2 = "path_2"
    PATH_3 = "path_3"
    PATH_4 = "path_4"
    WEDGE_IN = "wedge_in"
    WEDGE_OUT = "wedge_out"
    DIAMOND = "diamond"
    TRIANGLE = "triangle"
    SUBGRAPH = "subgraph"


@dataclass(frozen=True)
class Motif:
    """Edges between certain channels that the attribution graphs of several classes hold.

    `channels` come by layer, then index; `edges` are pairs of channel ids. `support` of the group's classes hold all of
    the edges, and `support_outside` of the run's other classes. `lift` is the share of the group that holds them over
    the share outside, None where no class outside does (or there is none). `p_value` is the probability of at least
    this support in a group of the same size drawn at random from the run's classes (hypergeometric), `q_value` the same
    after Benjamini and Hochberg's correction. `classes` are the ids of the group's classes that hold it, by index.
    `cypher` draws it in all of them.
    """

    channels: tuple[ChannelInfo, ...]
    edges: tuple[tuple[str, str], ...]
    support: int
    support_outside: int
    lift: float | None
    p_value: float
    q_value: float
    classes: tuple[str, ...]
    cypher: str


@dataclass(frozen=True)
class MotifList:
    """The motifs of one shape that a group of classes has in common, most significant first.

    `at_least` classes had to hold one; `mass` is the share of each layer's rank mass at which all classes' graphs are
    cut, None for each one's own; `outside` is the number of the run's other classes. `found` motifs were found, of
    which the first ones are listed. `tested` is what `q_value` is corrected for: the number of motifs of this shape
    that any class of the run could show, found or not (for `SUBGRAPH`, whose number has no end: those found).
    `cypher` lists the motifs of this shape with their support, closed or not; for `SUBGRAPH` it draws the first one.
    """

    pattern: MotifPattern
    classes: tuple[ClassInfo, ...]
    at_least: int
    mass: float | None
    outside: int
    found: int
    tested: int
    motifs: tuple[Motif, ...]
    cypher: str
