"""Layers."""

from typing import TYPE_CHECKING, Annotated, Self

import strawberry
from strawberry import ID

from arete_graphql.context import Info
from arete_graphql.types.channels import Channel
from arete_graphql.types.common import After, Connection, First
from arete_queries import reads
from arete_queries.results import LayerInfo

if TYPE_CHECKING:
    from arete_graphql.types.overlaps import Similarity


@strawberry.type(description="A shown layer: the output of a convolution block.")
class Layer:
    """A layer."""

    id: ID = strawberry.field(description="`run/layer`.")
    name: str = strawberry.field(description="The module's qualified name, for instance `inception4a`.")
    index: int = strawberry.field(description="0 nearest the input.")
    kind: str = strawberry.field(
        description="What its last operation is: `conv`, `concat` (branches side by side) or `sum` (a residual block)."
    )
    channel_count: int = strawberry.field(description="Number of channels.")
    height: int = strawberry.field(description="Of the activation map at the run's input size.")
    width: int = strawberry.field(description="Of the activation map at the run's input size.")
    run_id: ID = strawberry.field(description="Of its run.")
    parents: list[ID] = strawberry.field(
        description="Ids of the layers whose channels are joined to this one's, nearest the input first; one that is "
        "not the layer before is a skip edge, several are branches."
    )

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
            run_id=ID(info.run),
            parents=[ID(parent) for parent in info.parents],
        )

    @strawberry.field(description="The layer's channels, by index.")
    async def channels(self, info: Info, first: First = 50, after: After = None) -> Connection[Channel]:
        """Reads a page of the layer's channels."""
        page = await info.context.read(reads.list_channels, self.id, first=first, after=after)
        return Connection[Channel].of(page, Channel.of)

    @strawberry.field(description="How like one class the run's classes are, as this layer sees them.")
    async def similarity(
        self,
        info: Info,
        class_: Annotated[ID, strawberry.argument(name="class", description="The id of the class to compare with.")],
    ) -> Annotated["Similarity", strawberry.lazy("arete_graphql.types.overlaps")] | None:
        """Compares a class with all others in this layer."""
        from arete_graphql.types.overlaps import Similarity

        return Similarity.of(await info.context.read(reads.class_similarity, class_, self.id))
