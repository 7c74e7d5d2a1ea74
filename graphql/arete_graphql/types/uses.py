"""Channels over all classes of a run: who uses them, what they are joined to, which ones go together."""

from typing import Self

import strawberry
from strawberry import ID

from arete_graphql.types.channels import Channel
from arete_graphql.types.common import CYPHER, First, describe_enum, mirror
from arete_graphql.types.graphs import GraphVertex, graph_vertex
from arete_queries import channel_page, channel_use, remainder
from arete_queries.arguments import check_first
from arete_queries.channel_use import UseOrder
from arete_queries.results import ChannelInfo

describe_enum(
    UseOrder,
    "Which channels come first.",
    {
        "GENERAL": "Those that most classes keep.",
        "CENTRAL": "Those of the largest mean rank.",
        "SPECIAL": "Those that the fewest classes share: specialists.",
    },
    name="ChannelUseOrder",
)


@strawberry.type(description="How much each class uses a channel, as parallel lists by class index.")
class ChannelProfile:
    """A channel over all classes."""

    classes: list[ID] = strawberry.field(description="Ids of the classes that it is active in.")
    counts: list[int] = strawberry.field(description="Activation count of the channel in each.")
    shares: list[float] = strawberry.field(description="The same as a share of the class's images, 0 to 1.")
    ranks: list[float] = strawberry.field(description="Personalized PageRank of the channel in each.")
    kept: list[bool] = strawberry.field(description="Whether each class's own attribution graph has it.")

    @classmethod
    def of(cls, found: channel_page.ChannelProfile) -> Self:
        """Maps a result of the query layer."""
        return cls(
            classes=[ID(id_) for id_ in found.classes],
            counts=list(found.counts),
            shares=list(found.shares),
            ranks=list(found.ranks),
            kept=list(found.kept),
        )


@strawberry.type(description="A channel joined to another one, over all classes.")
class ChannelLink:
    """A joined channel."""

    channel: Channel = strawberry.field(description="The other channel.")
    classes: int = strawberry.field(description="How many classes have an edge between them.")
    count: int = strawberry.field(description="Influence count, summed over all classes.")
    share: float = strawberry.field(description="The same over the images of all classes of the run, 0 to 1.")

    @classmethod
    def of(cls, found: channel_page.ChannelLink) -> Self:
        """Maps a result of the query layer."""
        return mirror(cls, found, channel=Channel.of(found.channel))


@strawberry.type(description="How the classes of a run use a channel.")
class ChannelUse:
    """Use of a channel."""

    channel: Channel = strawberry.field(description="The channel.")
    kept_by: int = strawberry.field(description="How many classes' own attribution graphs have it.")
    mean_rank: float = strawberry.field(description="Mean of its rank over all classes.")
    effective_classes: float = strawberry.field(
        description="Exponential of the entropy of the classes' parts of its rank: 1 where one class has all of it, n "
        "where n have the same part."
    )


@strawberry.type(description="Channels by how the classes use them.")
class ChannelUses:
    """Channels by use."""

    classes: int = strawberry.field(description="How many classes the run has.")
    channels: list[ChannelUse] = strawberry.field(description="The channels; without those that no class gives a rank.")
    cypher: str = strawberry.field(description=CYPHER)

    @classmethod
    def of(cls, found: channel_use.ChannelUses) -> Self:
        """Maps a result of the query layer."""
        uses = [mirror(ChannelUse, one, channel=Channel.of(one.channel)) for one in found.channels]
        return cls(classes=found.classes, channels=uses, cypher=found.cypher)


@strawberry.type(description="Channels that the same classes keep.")
class Community:
    """A community."""

    size: int = strawberry.field(description="How many channels it has.")
    members: strawberry.Private[tuple[ChannelInfo, ...]]

    @strawberry.field(description="Its channels by layer, then index.")
    def channels(self, first: First = 50) -> list[Channel]:
        """Cuts the list."""
        return [Channel.of(one) for one in self.members[: check_first(first)]]


@strawberry.type(
    description="Communities of a run's channels, largest first; a channel that nothing joins to another is in none."
)
class Communities:
    """Communities of channels."""

    at_least: int = strawberry.field(description="Two channels were joined where so many classes keep both.")
    gamma: float = strawberry.field(description="Resolution.")
    communities: list[Community] = strawberry.field(description="Largest first.")
    cypher: str = strawberry.field(description="The statements that answer it, ready for Neo4j Browser.")

    @classmethod
    def of(cls, found: channel_use.Communities) -> Self:
        """Maps a result of the query layer."""
        return mirror(
            cls,
            found,
            communities=[Community(size=len(one.channels), members=one.channels) for one in found.communities],
        )


@strawberry.type(description="What an attribution graph leaves out.")
class LessContributing:
    """The complement of a graph."""

    mass: float = strawberry.field(description="Kept share of rank mass that the graph was cut at.")
    total_count: int = strawberry.field(description="How many there are, listed or not.")
    vertices: list[GraphVertex] = strawberry.field(description="The largest ranks first.")
    cypher: str = strawberry.field(description=CYPHER)

    @classmethod
    def of(cls, found: remainder.LessContributing) -> Self:
        """Maps a result of the query layer."""
        vertices = [graph_vertex(one, found.class_.images) for one in found.vertices]
        return cls(mass=found.mass, total_count=found.total, vertices=vertices, cypher=found.cypher)
