"""Channels and their pictures."""

from typing import TYPE_CHECKING, Annotated, Self

import strawberry
from strawberry import ID

from arete_graphql.context import ChannelKey, Info
from arete_graphql.picture_types import Picture
from arete_graphql.types.common import After, Connection, First, describe_enum
from arete_graphql.types.images import Example
from arete_queries import reads
from arete_queries.arguments import check_first
from arete_queries.channel_page import ClassUseOrder
from arete_queries.results import ChannelInfo

if TYPE_CHECKING:
    from arete_graphql.types.graphs import ClassUse
    from arete_graphql.types.uses import ChannelLink, ChannelProfile


describe_enum(
    ClassUseOrder,
    "In which order the classes that use a channel come; equal ones by class index.",
    {"SHARE": "The largest share of images first.", "RANK": "The largest rank first."},
)


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
    excluded_reason: str | None = strawberry.field(description="Why it is left out; null where it is not.")
    picture: Picture | None = strawberry.field(description="Its dataset examples; null where the run has none.")
    feature: Picture | None = strawberry.field(
        description="Its feature visualization, then different pictures that excite it too; null where none was made."
    )

    @strawberry.field(
        description="Its dataset examples, best first: of the whole run, or of one class. None where the run has none, "
        "or where the class's graph did not keep the channel when the run was made."
    )
    async def examples(
        self,
        info: Info,
        class_: Annotated[
            ID | None, strawberry.argument(name="class", description="Of this class's images; absent: of all.")
        ] = None,
        first: First = 10,
    ) -> list[Example]:
        """Reads the channel's examples."""
        found = await info.context.read(reads.channel_examples, self.id, class_=class_, first=first)
        return [Example.of(one) for one in found]

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
            excluded_reason=info.excluded_reason,
            picture=Picture.examples_of(info),
            feature=Picture.feature_of(info),
        )

    @strawberry.field(description="The classes that use it, page by page.")
    async def uses(
        self,
        info: Info,
        sort: Annotated[ClassUseOrder, strawberry.argument(description="In which order.")] = ClassUseOrder.SHARE,
        first: First = 50,
        after: After = None,
    ) -> Connection[Annotated["ClassUse", strawberry.lazy("arete_graphql.types.graphs")]]:
        """Reads a page of the classes that use the channel."""
        from arete_graphql.types.graphs import ClassUse

        page = await info.context.read(reads.list_channel_classes, self.id, order=sort, first=first, after=after)
        return Connection[ClassUse].of(page, ClassUse.of)

    @strawberry.field(description="How much each class of the run uses it, as parallel lists.")
    async def profile(self, info: Info) -> Annotated["ChannelProfile", strawberry.lazy("arete_graphql.types.uses")]:
        """Reads the channel's counts in all classes."""
        from arete_graphql.types.uses import ChannelProfile

        return ChannelProfile.of((await info.context.over_classes.load(ChannelKey(self.id, profile=True))).profile)

    @strawberry.field(description="The channels that influence it most over all classes, strongest first.")
    async def inputs(
        self, info: Info, first: First = 10
    ) -> list[Annotated["ChannelLink", strawberry.lazy("arete_graphql.types.uses")]]:
        """Reads the channel's strongest inputs; together with its outputs where both are asked for."""
        from arete_graphql.types.uses import ChannelLink

        found = await info.context.over_classes.load(ChannelKey(self.id, links=check_first(first)))
        return [ChannelLink.of(one) for one in found.inputs[:first]]

    @strawberry.field(description="The channels that it influences most over all classes, strongest first.")
    async def outputs(
        self, info: Info, first: First = 10
    ) -> list[Annotated["ChannelLink", strawberry.lazy("arete_graphql.types.uses")]]:
        """Reads the channel's strongest outputs; together with its inputs where both are asked for."""
        from arete_graphql.types.uses import ChannelLink

        found = await info.context.over_classes.load(ChannelKey(self.id, links=check_first(first)))
        return [ChannelLink.of(one) for one in found.outputs[:first]]
