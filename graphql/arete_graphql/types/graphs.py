"""GraphQL types of attribution graphs, of two of them compared, and of one channel seen from one class."""

from typing import Annotated, Self

import strawberry
from strawberry import ID

from arete_graphql.context import Info
from arete_graphql.limits import check_edges
from arete_graphql.types.channels import Channel
from arete_graphql.types.classes import Class
from arete_graphql.types.common import CYPHER, First, MinShare, SharedMass, describe_enum, mirror, share
from arete_queries import comparison_results, reads, results
from arete_queries.comparison_results import Membership, SetOperation

PARTS_AT = (
    "Name of the layer where the graphs part: the first one of the upper of two halves, cut where the weighted overlap "
    "falls most; null where it falls nowhere."
)

describe_enum(
    SetOperation,
    "Which vertices and edges of two graphs are asked for.",
    {
        "UNION": "Those of either.",
        "INTERSECTION": "Those of both.",
        "A_MINUS_B": "Those of the first that the second lacks.",
        "B_MINUS_A": "Those of the second that the first lacks.",
    },
)
describe_enum(
    Membership,
    "In which of two graphs a vertex or edge is.",
    {"ONLY_A": "In the first alone.", "SHARED": "In both.", "ONLY_B": "In the second alone."},
)


@strawberry.type(description="A channel in a class's attribution graph.")
class GraphVertex:
    """A vertex of a graph."""

    channel: Channel = strawberry.field(description="The channel.")
    count: int = strawberry.field(
        description="Activation count A: images of the class in which it was among the most active."
    )
    share: float = strawberry.field(description="`count` as a share of the class's images, 0 to 1.")
    rank: float = strawberry.field(description="Its personalized PageRank in the class.")


def graph_vertex(found: results.GraphVertex, images: int) -> GraphVertex:
    """Maps a result of the query layer; `images` are the class's."""
    return GraphVertex(
        channel=Channel.of(found.channel), count=found.count, share=share(found.count, images), rank=found.rank
    )


@strawberry.type(description="An edge of a class's attribution graph, from an earlier channel to a later one.")
class GraphEdge:
    """An edge of a graph."""

    source: ID = strawberry.field(description="Id of the earlier channel.")
    target: ID = strawberry.field(description="Id of the later channel.")
    count: int = strawberry.field(
        description="Influence count I: images of the class in which the source was a strongest input of the target."
    )
    share: float = strawberry.field(description="`count` as a share of the class's images, 0 to 1.")


@strawberry.type(description="The channels that a class excites, and which earlier channels caused them.")
class AttributionGraph:
    """A class's attribution graph."""

    class_: Class = strawberry.field(name="class", description="Whose graph it is.")
    mass: float = strawberry.field(description="Kept share of each layer's rank mass.")
    vertices: list[GraphVertex] = strawberry.field(description="By layer index, then channel index.")
    edges: list[GraphEdge] = strawberry.field(description="Between these vertices; by target, then source.")
    cypher: str = strawberry.field(description=CYPHER)

    @classmethod
    def of(cls, graph: results.AttributionGraph) -> Self:
        """Maps a result of the query layer."""
        images = graph.class_.images
        return cls(
            class_=Class.of(graph.class_),
            mass=graph.mass,
            vertices=[graph_vertex(vertex, images) for vertex in graph.vertices],
            edges=[
                GraphEdge(
                    source=ID(edge.source), target=ID(edge.target), count=edge.count, share=share(edge.count, images)
                )
                for edge in graph.edges
            ],
            cypher=graph.cypher,
        )


@strawberry.type(description="A vertex of either of two graphs; its numbers in both classes, kept there or not.")
class ComparedVertex:
    """A vertex of two graphs."""

    channel: Channel = strawberry.field(description="The channel.")
    membership: Membership = strawberry.field(description="In which graph it is.")
    count_a: int = strawberry.field(description="Activation count in the first class, 0 where none.")
    count_b: int = strawberry.field(description="Activation count in the second class, 0 where none.")
    rank_a: float = strawberry.field(description="Personalized PageRank in the first class, 0 where none.")
    rank_b: float = strawberry.field(description="Personalized PageRank in the second class, 0 where none.")


@strawberry.type(description="An edge of either of two graphs.")
class ComparedEdge:
    """An edge of two graphs."""

    source: ID = strawberry.field(description="Id of the earlier channel.")
    target: ID = strawberry.field(description="Id of the later channel.")
    membership: Membership = strawberry.field(description="In which graph it is.")
    count_a: int = strawberry.field(description="Influence count in the first graph, 0 where it is not in it.")
    count_b: int = strawberry.field(description="Influence count in the second graph, 0 where it is not in it.")


@strawberry.type(description="How much two graphs share in one layer, whatever the operation.")
class LayerOverlap:
    """Overlap of two graphs in a layer."""

    layer: str = strawberry.field(description="The layer's name.")
    layer_index: int = strawberry.field(description="The layer's index, 0 nearest the input.")
    only_a: int = strawberry.field(description="Vertices of the first graph alone.")
    shared: int = strawberry.field(description="Vertices of both.")
    only_b: int = strawberry.field(description="Vertices of the second graph alone.")
    jaccard: float | None = strawberry.field(description="Shared / all vertices; null where neither graph has any.")
    weighted_jaccard: float | None = strawberry.field(
        description="Sum of the smaller ranks / sum of the larger ones, each class's kept ranks scaled to sum to 1; "
        "null where neither graph has a vertex."
    )


@strawberry.type(description="Two attribution graphs laid over each other.")
class Comparison:
    """Two graphs compared."""

    a: Class = strawberry.field(description="The first class.")
    b: Class = strawberry.field(description="The second class.")
    operation: SetOperation = strawberry.field(description="What was asked for.")
    mass_a: float = strawberry.field(description="Kept share of rank mass in the first graph.")
    mass_b: float = strawberry.field(description="Kept share of rank mass in the second graph.")
    vertices: list[ComparedVertex] = strawberry.field(description="By layer index, then channel index.")
    edges: list[ComparedEdge] = strawberry.field(description="By target, then source.")
    layers: list[LayerOverlap] = strawberry.field(description="One for each layer of the run, input first.")
    parts_at: str | None = strawberry.field(description=PARTS_AT)
    cypher: str = strawberry.field(description=CYPHER)

    @classmethod
    def of(cls, found: comparison_results.Comparison) -> Self:
        """Maps a result of the query layer."""
        return mirror(
            cls,
            found,
            a=Class.of(found.a),
            b=Class.of(found.b),
            vertices=[mirror(ComparedVertex, one, channel=Channel.of(one.channel)) for one in found.vertices],
            edges=[mirror(ComparedEdge, one) for one in found.edges],
            layers=[mirror(LayerOverlap, one) for one in found.layers],
        )


@strawberry.type(description="A channel joined to another one in a class.")
class Neighbor:
    """A neighbouring channel."""

    channel: Channel = strawberry.field(description="The neighbouring channel.")
    count: int = strawberry.field(description="Influence count of the edge between them.")
    share: float = strawberry.field(description="`count` as a share of the class's images, 0 to 1.")

    @classmethod
    def of(cls, found: results.Neighbor, images: int) -> Self:
        """Maps a result of the query layer; `images` are the class's."""
        return cls(channel=Channel.of(found.channel), count=found.count, share=share(found.count, images))


@strawberry.type(description="How much a class uses a channel.")
class ClassUse:
    """A class that uses a channel."""

    class_: Class = strawberry.field(name="class", description="The class.")
    count: int = strawberry.field(description="Activation count of the channel in it.")
    share: float = strawberry.field(description="`count` as a share of that class's images, 0 to 1.")
    rank: float = strawberry.field(description="Personalized PageRank of the channel in it.")

    @classmethod
    def of(cls, use: results.ClassUse) -> Self:
        """Maps a result of the query layer."""
        return cls(
            class_=Class.of(use.class_), count=use.count, share=share(use.count, use.class_.images), rank=use.rank
        )


@strawberry.type(description="One channel seen from one class.")
class ChannelInClass:
    """A channel in a class."""

    channel: Channel = strawberry.field(description="The channel.")
    class_: Class = strawberry.field(name="class", description="The class.")
    count: int = strawberry.field(description="Activation count of the channel in the class.")
    share: float = strawberry.field(description="`count` as a share of the class's images, 0 to 1.")
    rank: float = strawberry.field(description="Personalized PageRank of the channel in the class.")
    rank_in_layer: int = strawberry.field(description="Its place in its layer by rank, 1 the highest.")
    inputs: list[Neighbor] = strawberry.field(description="The channels that influence it most, strongest first.")
    outputs: list[Neighbor] = strawberry.field(description="The channels that it influences most, strongest first.")
    other_classes: list[ClassUse] = strawberry.field(description="The other classes that use it most.")

    @classmethod
    def of(cls, found: results.ChannelInClass) -> Self:
        """Maps a result of the query layer."""
        images = found.class_.images
        return cls(
            channel=Channel.of(found.channel),
            class_=Class.of(found.class_),
            count=found.count,
            share=share(found.count, images),
            rank=found.rank,
            rank_in_layer=found.rank_in_layer,
            inputs=[Neighbor.of(neighbor, images) for neighbor in found.inputs],
            outputs=[Neighbor.of(neighbor, images) for neighbor in found.outputs],
            other_classes=[ClassUse.of(use) for use in found.other_classes],
        )


@strawberry.type
class GraphQueries:
    """Questions about attribution graphs."""

    @strawberry.field(description="One channel seen from one class of the same run.")
    async def channel_in_class(
        self,
        info: Info,
        channel: Annotated[ID, strawberry.argument(description="The channel's id, `run/layer/channel`.")],
        class_: Annotated[ID, strawberry.argument(name="class", description="The class's id, `run/index`.")],
        first: First = 5,
    ) -> ChannelInClass | None:
        """Reads a channel's strongest inputs, outputs and other classes."""
        return ChannelInClass.of(await info.context.read(reads.channel_in_class, channel, class_, first=first))

    @strawberry.field(description="Two classes' attribution graphs laid over each other.")
    async def compare(
        self,
        info: Info,
        a: Annotated[ID, strawberry.argument(description="The first class's id.")],
        b: Annotated[ID, strawberry.argument(description="The second class's id, of the same run.")],
        operation: Annotated[
            SetOperation, strawberry.argument(description="Which vertices and edges are asked for.")
        ] = SetOperation.UNION,
        mass: SharedMass = None,
        min_share: MinShare = 0.0,
    ) -> Comparison | None:
        """Compares two classes."""
        found = await info.context.read(
            reads.compare_classes, a, b, operation=operation, mass=mass, min_share=min_share
        )
        check_edges(len(found.edges), info.context.limits)
        return Comparison.of(found)
