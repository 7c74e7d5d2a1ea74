"""Several classes' graphs laid over each other, and classes near one another."""

from typing import Annotated, Self

import strawberry
from strawberry import ID

from arete_graphql.context import Info
from arete_graphql.limits import check_edges
from arete_graphql.types.channels import Channel
from arete_graphql.types.classes import Class
from arete_graphql.types.common import CYPHER, GroupMass, MinShare, describe_enum, mirror
from arete_graphql.types.graphs import PARTS_AT, Membership
from arete_queries import group_results, reads
from arete_queries.group_results import OverlapOperation

describe_enum(
    OverlapOperation,
    "What of two sides is asked for, each side being what enough of its classes have.",
    {
        "UNION": "Those of either side.",
        "INTERSECTION": "Those of both sides; of one side alone, those of all its classes.",
        "A_MINUS_B": "Those of side A that side B lacks.",
        "B_MINUS_A": "Those of side B that side A lacks.",
        "SYMMETRIC_DIFFERENCE": "Those of one side and not the other.",
    },
)


@strawberry.type(description="A vertex of enough classes of a side.")
class OverlapVertex:
    """A vertex of several graphs."""

    channel: Channel = strawberry.field(description="The channel.")
    membership: Membership = strawberry.field(description="On which side; ONLY_A where there is one side alone.")
    classes_a: int = strawberry.field(description="How many of side A's graphs have it.")
    classes_b: int = strawberry.field(description="How many of side B's graphs have it.")
    count_a: float = strawberry.field(
        description="Mean activation count over all classes of side A, 0 in those whose graph lacks it."
    )
    count_b: float = strawberry.field(
        description="Mean activation count over all classes of side B, 0 in those whose graph lacks it."
    )
    rank_a: float = strawberry.field(
        description="Mean rank over all classes of side A, 0 in those whose graph lacks it."
    )
    rank_b: float = strawberry.field(
        description="Mean rank over all classes of side B, 0 in those whose graph lacks it."
    )


@strawberry.type(description="An edge of enough classes of a side.")
class OverlapEdge:
    """An edge of several graphs."""

    source: ID = strawberry.field(description="Id of the earlier channel.")
    target: ID = strawberry.field(description="Id of the later channel.")
    membership: Membership = strawberry.field(description="On which side; ONLY_A where there is one side alone.")
    classes_a: int = strawberry.field(description="How many of side A's graphs have it.")
    classes_b: int = strawberry.field(description="How many of side B's graphs have it.")
    count_a: float = strawberry.field(
        description="Mean influence count over all classes of side A, 0 in those whose graph lacks it."
    )
    count_b: float = strawberry.field(
        description="Mean influence count over all classes of side B, 0 in those whose graph lacks it."
    )


@strawberry.type(description="How much the graphs of several classes overlap in one layer, whatever the operation.")
class OverlapLayer:
    """Overlap of several graphs in a layer."""

    layer: str = strawberry.field(description="The layer's name.")
    layer_index: int = strawberry.field(description="The layer's index, 0 nearest the input.")
    only_a: int = strawberry.field(description="Vertices of side A alone.")
    shared: int = strawberry.field(description="Vertices of both sides.")
    only_b: int = strawberry.field(description="Vertices of side B alone.")
    in_any: int = strawberry.field(description="Vertices that at least one class of either side keeps.")
    in_all: int = strawberry.field(description="Vertices that every class of both sides keeps.")
    jaccard: float | None = strawberry.field(
        description="Of two sides: shared / all. Of one: kept by all classes / by any. Null where there is nothing."
    )
    weighted_jaccard: float | None = strawberry.field(
        description="The same weighted by rank: sum of the smallest / sum of the largest share of the "
        "layer's kept rank."
    )


@strawberry.type(description="The attribution graphs of several classes laid over each other.")
class Overlap:
    """Several graphs compared."""

    a: list[Class] = strawberry.field(description="Side A.")
    b: list[Class] = strawberry.field(description="Side B; empty where there is one side alone.")
    operation: OverlapOperation = strawberry.field(description="What was asked for.")
    at_least: int = strawberry.field(description="In how many of side A's graphs an element had to be.")
    at_least_b: int = strawberry.field(description="In how many of side B's graphs an element had to be.")
    mass: float | None = strawberry.field(description="Kept share of rank mass; null where each class's own was used.")
    vertices: list[OverlapVertex] = strawberry.field(description="By layer index, then channel index.")
    edges: list[OverlapEdge] = strawberry.field(description="By target, then source.")
    layers: list[OverlapLayer] = strawberry.field(description="One for each layer of the run, input first.")
    parts_at: str | None = strawberry.field(description=PARTS_AT)
    cypher: str = strawberry.field(description=CYPHER)

    @classmethod
    def of(cls, found: group_results.Overlap) -> Self:
        """Maps a result of the query layer."""
        return mirror(
            cls,
            found,
            a=[Class.of(one) for one in found.a],
            b=[Class.of(one) for one in found.b],
            at_least=found.at_least_a,
            vertices=[mirror(OverlapVertex, one, channel=Channel.of(one.channel)) for one in found.vertices],
            edges=[mirror(OverlapEdge, one) for one in found.edges],
            layers=[mirror(OverlapLayer, one) for one in found.layers],
        )


@strawberry.type(description="A class near another one.")
class ClassNeighbor:
    """A neighbour of a class."""

    class_: Class = strawberry.field(name="class", description="The class.")
    cosine: float = strawberry.field(
        description="Cosine of the angle between the two classes' activation counts in the layer, 0 to 1."
    )


@strawberry.type(description="A class's nearest classes in one layer.")
class LayerNeighbors:
    """Neighbours in a layer."""

    layer_id: ID = strawberry.field(description="The layer's id.")
    layer: str = strawberry.field(description="The layer's name.")
    layer_index: int = strawberry.field(description="The layer's index, 0 nearest the input.")
    neighbors: list[ClassNeighbor] = strawberry.field(description="Nearest first.")
    entered: list[ID] = strawberry.field(
        description="Ids of neighbours that were none in the layer before, nearest first."
    )
    left: list[ID] = strawberry.field(description="Ids of neighbours in the layer before that are none here.")
    stayed: float | None = strawberry.field(
        description="Share of the neighbours that were neighbours in the layer before; null in the first layer, and "
        "after one without any."
    )


@strawberry.type(description="A class's nearest classes, layer by layer.")
class Neighborhood:
    """Neighbours of a class."""

    class_: Class = strawberry.field(name="class", description="Whose they are.")
    layers: list[LayerNeighbors] = strawberry.field(description="From the input on.")
    cypher: str = strawberry.field(description="The statement that gives the last layer's, ready for Neo4j Browser.")

    @classmethod
    def of(cls, found: group_results.Neighborhood) -> Self:
        """Maps a result of the query layer."""
        layers = [
            mirror(
                LayerNeighbors,
                layer,
                layer_id=ID(f"{found.class_.run}/{layer.layer}"),
                neighbors=[ClassNeighbor(class_=Class.of(one.class_), cosine=one.cosine) for one in layer.neighbors],
                entered=[ID(id_) for id_ in layer.entered],
                left=[ID(id_) for id_ in layer.left],
            )
            for layer in found.layers
        ]
        return cls(class_=Class.of(found.class_), layers=layers, cypher=found.cypher)


@strawberry.type(description="How like one class the classes of its run are in one layer, as parallel lists.")
class Similarity:
    """Similarity of classes to one."""

    class_: Class = strawberry.field(name="class", description="Whom they are compared with.")
    layer_id: ID = strawberry.field(description="The layer's id.")
    classes: list[ID] = strawberry.field(
        description="Ids of classes by index, the compared one among them; without those that share no active channel "
        "with it, whose cosine is 0."
    )
    cosines: list[float] = strawberry.field(
        description="Their cosines of the angle between activation counts, above 0 up to 1, in the same order."
    )
    cypher: str = strawberry.field(description=CYPHER)

    @classmethod
    def of(cls, found: group_results.Similarity) -> Self:
        """Maps a result of the query layer."""
        return cls(
            class_=Class.of(found.class_),
            layer_id=ID(found.layer),
            classes=[ID(id_) for id_ in found.classes],
            cosines=list(found.cosines),
            cypher=found.cypher,
        )


@strawberry.type
class OverlapQueries:
    """Questions about several classes' graphs."""

    @strawberry.field(
        description="Several classes' attribution graphs laid over each other: in at least k of n, or one side against "
        "another."
    )
    async def overlap(
        self,
        info: Info,
        a: Annotated[
            list[ID],
            strawberry.argument(
                description="Side A: ids of classes, and of groups, which stand for their classes; 1 to 5,000 classes "
                "of one run."
            ),
        ],
        b: Annotated[
            list[ID] | None,
            strawberry.argument(description="Side B, likewise; absent: a question about side A alone."),
        ] = None,
        operation: Annotated[
            OverlapOperation,
            strawberry.argument(
                description="Which vertices and edges are asked for. Of one side alone: UNION for those of enough "
                "classes, INTERSECTION for those of all."
            ),
        ] = OverlapOperation.UNION,
        at_least: Annotated[
            int | None,
            strawberry.argument(
                description="In how many of side A's graphs a vertex or edge must be, 1 or more; absent: 1."
            ),
        ] = None,
        at_least_b: Annotated[
            int | None,
            strawberry.argument(
                description="In how many of side B's graphs a vertex or edge must be, 1 or more; absent: 1."
            ),
        ] = None,
        mass: GroupMass = None,
        min_share: MinShare = 0.0,
    ) -> Overlap | None:
        """Compares groups of classes."""
        left = await info.context.read(reads.expand_groups, "a", a)
        right = await info.context.read(reads.expand_groups, "b", b) if b else []
        found = await info.context.read(
            reads.overlap_classes,
            left,
            right,
            operation=operation,
            at_least=at_least,
            at_least_b=at_least_b,
            mass=mass,
            min_share=min_share,
        )
        check_edges(len(found.edges), info.context.limits)
        return Overlap.of(found)
