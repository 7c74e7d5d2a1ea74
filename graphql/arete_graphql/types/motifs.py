"""Motifs: what the graphs of several classes have in common, piece by piece."""

from typing import Annotated, Self

import strawberry
from strawberry import ID

from arete_graphql.context import Info
from arete_graphql.types.channels import Channel
from arete_graphql.types.classes import Class
from arete_graphql.types.common import First, GroupMass, describe_enum, mirror
from arete_queries import motif_results, reads
from arete_queries.motif_results import MotifPattern

describe_enum(
    MotifPattern,
    "Shapes of motifs. A motif is a shape on certain channels, not the shape alone.",
    {
        "PATH_2": "Two edges in a row.",
        "PATH_3": "Three edges in a row.",
        "PATH_4": "Four edges in a row.",
        "WEDGE_IN": "Two channels that influence a third.",
        "WEDGE_OUT": "A channel that influences two.",
        "DIAMOND": "Two paths of two edges with the same ends.",
        "TRIANGLE": "A path of two edges and a skip edge between its ends.",
        "SUBGRAPH": "Any connected set of edges.",
    },
)
Classes = Annotated[
    list[ID],
    strawberry.argument(
        description="Ids of classes, and of groups, which stand for their classes; 1 to 5,000 classes of one run."
    ),
]


@strawberry.type(description="An edge of a motif.")
class MotifEdge:
    """An edge of a motif."""

    source: ID = strawberry.field(description="Id of the earlier channel.")
    target: ID = strawberry.field(description="Id of the later channel.")


@strawberry.type(description="Edges between certain channels that the attribution graphs of several classes hold.")
class Motif:
    """A motif."""

    channels: list[Channel] = strawberry.field(description="By layer, then index.")
    edges: list[MotifEdge] = strawberry.field(description="Between these channels.")
    support: int = strawberry.field(description="How many of the classes hold all of its edges.")
    support_outside: int = strawberry.field(description="How many of the run's other classes do.")
    lift: float | None = strawberry.field(
        description="Share of the classes that hold it / share of the other classes; null where no other class does."
    )
    p_value: float = strawberry.field(
        description="Probability of at least this support in a group of this size drawn at random from the run's "
        "classes (hypergeometric)."
    )
    q_value: float = strawberry.field(description="The same after Benjamini and Hochberg's correction for many tests.")
    classes: list[ID] = strawberry.field(description="Ids of those of the classes that hold it, by index.")
    cypher: str = strawberry.field(
        description="The statement that draws it in all of the classes, ready for Neo4j Browser."
    )

    @classmethod
    def of(cls, found: motif_results.Motif) -> Self:
        """Maps a result of the query layer."""
        return mirror(
            cls,
            found,
            channels=[Channel.of(channel) for channel in found.channels],
            edges=[MotifEdge(source=ID(source), target=ID(target)) for source, target in found.edges],
            classes=[ID(id_) for id_ in found.classes],
        )


@strawberry.type(description="The motifs of one shape that several classes have in common, most significant first.")
class MotifList:
    """Motifs of a group."""

    pattern: MotifPattern = strawberry.field(description="The shape.")
    classes: list[Class] = strawberry.field(description="Whose they are, by index.")
    at_least: int = strawberry.field(description="How many of the classes had to hold one.")
    mass: float | None = strawberry.field(description="Kept share of rank mass; null where each class's own was used.")
    outside: int = strawberry.field(description="Number of the run's other classes.")
    found: int = strawberry.field(description="How many motifs were found, of which the first ones are listed.")
    tested: float = strawberry.field(
        description="What `qValue` is corrected for: the motifs of this shape that any class of the run could show, a "
        "whole number that may not fit into an Int; of SUBGRAPH, those found."
    )
    motifs: list[Motif] = strawberry.field(description="The most significant first.")
    cypher: str = strawberry.field(
        description="The statement that lists motifs of this shape, ready for Neo4j Browser; of SUBGRAPH, that draws "
        "the first one."
    )

    @classmethod
    def of(cls, found: motif_results.MotifList) -> Self:
        """Maps a result of the query layer."""
        return mirror(
            cls,
            found,
            classes=[Class.of(one) for one in found.classes],
            tested=float(found.tested),
            motifs=[Motif.of(one) for one in found.motifs],
        )


@strawberry.type
class MotifQueries:
    """Questions about motifs."""

    @strawberry.field(description="Motifs that the attribution graphs of several classes have in common.")
    async def motifs(
        self,
        info: Info,
        classes: Classes,
        pattern: Annotated[MotifPattern, strawberry.argument(description="Which shape.")],
        least_support: Annotated[
            float, strawberry.argument(description="Least share of the classes that hold a motif, above 0 up to 1.")
        ] = 0.5,
        closed: Annotated[
            bool,
            strawberry.argument(
                description="Leave out motifs that are part of a larger one which the same classes hold."
            ),
        ] = True,
        mass: GroupMass = None,
        first: First = 50,
    ) -> MotifList | None:
        """Finds motifs."""
        ids = await info.context.read(reads.expand_groups, "classes", classes)
        found = await info.context.read(
            reads.find_common_motifs, ids, pattern, min_support=least_support, first=first, closed=closed, mass=mass
        )
        return MotifList.of(found)

    @strawberry.field(
        description="The longest path that the attribution graphs of all of the classes hold; null where they share no "
        "edge."
    )
    async def shared_path(self, info: Info, classes: Classes, mass: GroupMass = None) -> Motif | None:
        """Finds the longest shared path."""
        ids = await info.context.read(reads.expand_groups, "classes", classes)
        found = await info.context.read(reads.shared_path, ids, mass=mass)
        return None if found is None else Motif.of(found)
