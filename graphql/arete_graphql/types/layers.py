"""Layers."""

from typing import Self

import strawberry
from strawberry import ID

from arete_graphql.context import Info
from arete_graphql.types.channels import Channel
from arete_graphql.types.common import After, Connection, First
from arete_queries import reads
from arete_queries.results import LayerInfo


@strawberry.type(description="A shown layer: the output of a convolution block.")
class Layer:
    """A layer."""

    id: ID = strawberry.field(description="`run/layer`.")
    name: str = strawberry.field(description="The module's qualified name, for instance `inception4a`.")
    index: int = strawberry.field(description="0 nearest the input.")
    kind: str = strawberry.field(description="What kind of block it is.")
    channel_count: int = strawberry.field(description="Number of channels.")
    height: int = strawberry.field(description="Of the activation map at the run's input size.")
    width: int = strawberry.field(description="Of the activation map at the run's input size.")
    parents: list[ID] = strawberry.field(description="Ids of the layers whose channels are joined to this one's.")

    @classmethod
    def of(cls, info: LayerInfo) -> Self:
        """Maps a result of the query layer."""
        return cls(
            id=ID(info.id),
            name=info.name,
            index=info.index,
            kind=info.kind,
            channel_count=info.channels,
            height=info.height,
            width=info.width,
            parents=[ID(parent) for parent in info.parents],
        )

    @strawberry.field(description="The layer's channels, by index.")
    async def channels(self, info: Info, first: First = 50, after: After = None) -> Connection[Channel]:
        """Reads a page of the layer's channels."""
        page = await info.context.read(reads.list_channels, self.id, first=first, after=after)
        return Connection[Channel].of(page, Channel.of)
