"""Channels and their pictures."""

from typing import Annotated, Self

import strawberry
from strawberry import ID

from arete_graphql.context import Info
from arete_graphql.picture_urls import picture_url
from arete_graphql.types.common import First
from arete_graphql.types.images import Example
from arete_queries import reads
from arete_queries.results import ChannelInfo


@strawberry.type(description="A channel's dataset examples: square tiles side by side, strongest first.")
class Picture:
    """A strip of dataset examples."""

    url: str = strawberry.field(description="Path on this service; its content never changes.")
    tiles: int = strawberry.field(description="How many tiles the strip has.")
    tile_px: int = strawberry.field(description="Side of a tile, in pixels.")


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
        picture = None
        if info.picture_hash is not None:
            url = picture_url(info.run, info.layer_index, info.index, info.picture_hash)
            picture = Picture(url=url, tiles=info.picture_tiles, tile_px=info.picture_tile_px)
        return cls(
            id=ID(info.id),
            layer_id=ID(f"{info.run}/{info.layer}"),
            layer=info.layer,
            layer_index=info.layer_index,
            index=info.index,
            label=info.label,
            excluded=info.excluded,
            picture=picture,
        )
