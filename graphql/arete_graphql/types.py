"""GraphQL types of runs, layers, channels and classes. Names and fields are those of `arete_queries.results`.

A type holds plain values, which Strawberry reads without calling anything; only fields that need the database are
resolvers, and each of these makes one read.
"""

from collections.abc import Mapping
from enum import Enum
from typing import TYPE_CHECKING, Annotated, Self, TypeVar, cast

import strawberry
from strawberry import ID
from strawberry.types.enum import StrawberryEnumDefinition

from arete_core.errors import NotFoundError
from arete_graphql.context import GraphKey, Info
from arete_graphql.embedding_types import Embedding
from arete_graphql.limits import check_edges
from arete_graphql.picture_types import Picture
from arete_queries import reads
from arete_queries.arguments import MAX_FIRST
from arete_queries.results import ChannelInfo, ChannelPage, ClassInfo, ClassOrder, ClassPage, LayerInfo, RunInfo

if TYPE_CHECKING:
    from arete_graphql.graph_types import AttributionGraph

E = TypeVar("E", bound=type[Enum])


def describe_enum(enum: E, description: str, values: Mapping[str, str]) -> E:
    """Registers an enum of the query layer with Strawberry, with a description for each value.

    Args:
        enum: The enum; its member names become the GraphQL values.
        description: Of the enum.
        values: A description for each member's name.

    Returns:
        The same enum.
    """
    strawberry.enum(enum, description=description)
    definition = cast("StrawberryEnumDefinition", vars(enum)["__strawberry_definition__"])
    for value in definition.values:
        value.description = values[value.name]
    return enum


describe_enum(
    ClassOrder,
    "How a list of classes is sorted; classes that are equal in it come by index.",
    {
        "INDEX": "As in the run folder.",
        "NAME": "By name, A to Z.",
        "ACCURACY_DESC": "The classes that the model knows best first; unknown accuracy last.",
        "ACCURACY_ASC": "The classes that the model knows worst first; unknown accuracy last.",
        "IMAGES_DESC": "The classes with the most images first.",
    },
)

First = Annotated[int, strawberry.argument(description=f"How many at most, 1 to {MAX_FIRST}.")]
After = Annotated[str | None, strawberry.argument(description="The `endCursor` of the page before; absent: start.")]
Mass = Annotated[
    float | None,
    strawberry.argument(
        description="Share of each layer's rank mass that its kept channels hold, above 0 up to 1; "
        "absent: the class's own, at which its graph first hangs together."
    ),
]
MinShare = Annotated[
    float, strawberry.argument(description="Leave out edges below this share of the class's images, 0 to 1.")
]


@strawberry.type(description="Where a page of a list ends.")
class PageInfo:
    """Where a page ends."""

    has_next_page: bool = strawberry.field(description="Whether more come after this page.")
    end_cursor: str | None = strawberry.field(description="Pass it as `after` to go on; null on an empty page.")


@strawberry.type(description="A channel of a layer: one feature that the model computes at every place of an image.")
class Channel:
    """A channel."""

    id: ID = strawberry.field(description="`run/layer/channel`.")
    layer_id: ID = strawberry.field(description="Of its layer: `run/layer`.")
    layer: str = strawberry.field(description="Its layer's name.")
    layer_index: int = strawberry.field(description="Its layer's index, 0 nearest the input.")
    index: int = strawberry.field(description="Its index in the layer, from 0.")
    label: str | None = strawberry.field(description="What a person called it; null where nobody has.")
    excluded: bool = strawberry.field(description="Left out of every graph, for instance as non-semantic.")
    picture: Picture | None = strawberry.field(description="Its dataset examples; null where the run has none.")
    feature: Picture | None = strawberry.field(
        description="Its feature visualization, then different pictures that excite it too; null where none was made."
    )

    @classmethod
    def of(cls, info: ChannelInfo) -> Self:
        """Maps a result of the query layer."""
        return cls(
            id=ID(info.id),
            layer_id=ID(f"{info.run}/{info.layer}"),
            layer=info.layer,
            layer_index=info.layer_index,
            index=info.index,
            label=info.label,
            excluded=info.excluded,
            picture=Picture.examples_of(info),
            feature=Picture.feature_of(info),
        )


@strawberry.type(description="A page of a layer's channels.")
class ChannelConnection:
    """A page of channels."""

    total_count: int = strawberry.field(description="How many there are on all pages.")
    nodes: list[Channel] = strawberry.field(description="The channels of this page, by index.")
    page_info: PageInfo = strawberry.field(description="Where this page ends.")

    @classmethod
    def of(cls, page: ChannelPage) -> Self:
        """Maps a result of the query layer."""
        return cls(
            total_count=page.total,
            nodes=[Channel.of(channel) for channel in page.channels],
            page_info=PageInfo(has_next_page=page.has_next, end_cursor=page.cursor),
        )


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
    async def channels(self, info: Info, first: First = 50, after: After = None) -> ChannelConnection:
        """Reads a page of the layer's channels."""
        return ChannelConnection.of(await info.context.read(reads.list_channels, self.id, first=first, after=after))


@strawberry.type(description="A class, or any other named set of images with counts of its own.")
class Class:
    """A class."""

    id: ID = strawberry.field(description="`run/index`.")
    key: int = strawberry.field(description="The small integer that stands for it on edges in the database.")
    index: int = strawberry.field(description="Its row in the run folder, from 0.")
    name: str = strawberry.field(description="Its name, for labels the folder's.")
    kind: str = strawberry.field(description="`label`, `subset`, `superclass` or `image`.")
    images: int = strawberry.field(description="Images that were counted.")
    failed: int = strawberry.field(description="Images left out because they could not be read.")
    accuracy: float | None = strawberry.field(
        description="Share of its images that the model assigns to it; null where its outputs match no classes."
    )
    histogram: list[int] | None = strawberry.field(
        description="Images by predicted probability of this class, ten equal bins from 0 to 1; null like `accuracy`."
    )
    mass: float | None = strawberry.field(
        description="Kept share of rank mass that its attribution graph settled on; null where it has no graph."
    )
    edge_count: int = strawberry.field(description="Edges that the database holds for it.")
    dropped_share: float = strawberry.field(
        description="Share of its influence counts that were left out when it was loaded, 0 to 1."
    )
    run_id: ID = strawberry.field(description="Of its run.")

    @classmethod
    def of(cls, info: ClassInfo) -> Self:
        """Maps a result of the query layer."""
        return cls(
            id=ID(info.id),
            key=info.key,
            index=info.index,
            name=info.name,
            kind=info.kind,
            images=info.images,
            failed=info.failed,
            accuracy=info.accuracy,
            histogram=None if info.histogram is None else list(info.histogram),
            mass=info.mass,
            edge_count=info.edge_count,
            dropped_share=info.dropped_share,
            run_id=ID(info.run),
        )

    @strawberry.field(description="Its attribution graph: the channels that it excites, and which caused which.")
    async def graph(
        self, info: Info, mass: Mass = None, min_share: MinShare = 0.0
    ) -> Annotated["AttributionGraph", strawberry.lazy("arete_graphql.graph_types")] | None:
        """Reads the class's graph."""
        from arete_graphql.graph_types import AttributionGraph

        graph = await info.context.graphs.load(GraphKey(self.id, mass, min_share))
        check_edges(len(graph.edges), info.context.limits)
        return AttributionGraph.of(graph)


@strawberry.type(description="A page of a run's classes.")
class ClassConnection:
    """A page of classes."""

    total_count: int = strawberry.field(description="How many there are on all pages.")
    nodes: list[Class] = strawberry.field(description="The classes of this page.")
    page_info: PageInfo = strawberry.field(description="Where this page ends.")

    @classmethod
    def of(cls, page: ClassPage) -> Self:
        """Maps a result of the query layer."""
        return cls(
            total_count=page.total,
            nodes=[Class.of(class_) for class_ in page.classes],
            page_info=PageInfo(has_next_page=page.has_next, end_cursor=page.cursor),
        )


@strawberry.type(description="A model applied to a set of images, counted and loaded.")
class Run:
    """A run."""

    id: ID = strawberry.field(description="Chosen when it was made; holds no slash.")
    name: str = strawberry.field(description="For people.")
    model: str = strawberry.field(description="The model's name.")
    dataset: str = strawberry.field(description="The image folder's name.")
    images: int = strawberry.field(description="Images that were counted.")
    image_size: int = strawberry.field(description="Side of the model's square input, in pixels.")
    class_count: int = strawberry.field(description="Number of classes.")
    channel_count: int = strawberry.field(description="Number of channels of all shown layers.")
    device: str = strawberry.field(description="What it was computed on.")
    created_at: str = strawberry.field(description="When it was made, ISO 8601 in UTC.")

    @classmethod
    def of(cls, info: RunInfo) -> Self:
        """Maps a result of the query layer; the run's folder stays here."""
        return cls(
            id=ID(info.id),
            name=info.name,
            model=info.model,
            dataset=info.dataset,
            images=info.images,
            image_size=info.image_size,
            class_count=info.class_count,
            channel_count=info.channel_count,
            device=info.device,
            created_at=info.created_at,
        )

    @strawberry.field(description="Its shown layers, input first.")
    async def layers(self, info: Info) -> list[Layer]:
        """Reads the run's layers, once a request."""
        return [Layer.of(layer) for layer in await info.context.layers.load(self.id)]

    @strawberry.field(description="Where its classes lie in a layer; null where nobody has placed them.")
    async def embedding(
        self, info: Info, layer: Annotated[ID, strawberry.argument(description="`run/layer`.")]
    ) -> Embedding | None:
        """Reads the places of the run's classes."""
        if layer.partition("/")[0] != self.id:
            raise NotFoundError("layer", layer, hint=f"a layer of run {self.id!r} was expected: {self.id}/LAYER")
        found = await info.context.read(reads.layer_embedding, layer)
        return None if found is None else Embedding.of(found)

    @strawberry.field(description="Its classes.")
    async def classes(
        self,
        info: Info,
        search: Annotated[
            str | None, strawberry.argument(description="Only classes whose name holds this text, in any case.")
        ] = None,
        sort: Annotated[ClassOrder, strawberry.argument(description="In which order.")] = ClassOrder.INDEX,
        first: First = 50,
        after: After = None,
    ) -> ClassConnection:
        """Reads a page of the run's classes."""
        return ClassConnection.of(
            await info.context.read(reads.list_classes, self.id, search=search, order=sort, first=first, after=after)
        )
