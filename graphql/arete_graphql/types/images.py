"""Images of a run, and those that excite a channel most."""

from typing import TYPE_CHECKING, Annotated, Self

import strawberry
from strawberry import ID

from arete_graphql.context import Info
from arete_graphql.picture_urls import class_picture_url, picture_url, thumbnail_url
from arete_graphql.types.common import describe_enum
from arete_queries.image_results import ExampleInfo, ImageFilter, ImageInfo, ThumbnailInfo

if TYPE_CHECKING:
    from arete_graphql.types.classes import Class

describe_enum(
    ImageFilter,
    "Which images of a class are asked for.",
    {
        "ALL": "All that could be read.",
        "CORRECT": "Those whose largest output is that of their own label.",
        "MISCLASSIFIED": "Those whose largest output is another one.",
    },
)


@strawberry.type(description="One tile of a strip: square tiles side by side.")
class Tile:
    """A tile of a strip."""

    url: str = strawberry.field(description="Path of the strip on this service; its content never changes.")
    index: int = strawberry.field(description="Which tile, 0 the leftmost.")
    tiles: int = strawberry.field(description="How many tiles the strip has.")
    tile_px: int = strawberry.field(description="Side of a tile, in pixels.")

    @classmethod
    def thumbnail(cls, run: str, info: ThumbnailInfo) -> Self:
        """Maps a thumbnail of an image of a run."""
        strip = info.strip
        url = thumbnail_url(run, info.number, strip.sha256)
        return cls(url=url, index=info.tile, tiles=strip.tiles, tile_px=strip.tile_px)


@strawberry.type(description="An image of a run.")
class Image:
    """An image."""

    id: ID = strawberry.field(description="`run/image:number`.")
    number: int = strawberry.field(description="Its number in the run.")
    probability: float | None = strawberry.field(
        description="Predicted probability of its label; null where it is not known which output that is."
    )
    class_id: ID = strawberry.field(description="Of the class of its label, which may be no class of the run.")
    predicted_id: ID | None = strawberry.field(
        description="Of the class with the largest output, which may be no class of the run; null where that is none."
    )
    thumbnail: Tile | None = strawberry.field(
        description="What the model saw of it, small; null where none was made: `arete instances` makes them."
    )

    @classmethod
    def of(cls, info: ImageInfo) -> Self:
        """Maps a result of the query layer."""
        return cls(
            id=ID(info.id),
            number=info.number,
            probability=info.probability,
            class_id=ID(info.class_id),
            predicted_id=None if info.predicted_id is None else ID(info.predicted_id),
            thumbnail=None if info.thumbnail is None else Tile.thumbnail(info.run, info.thumbnail),
        )

    @strawberry.field(name="class", description="The class of its label; null where that is no class of the run.")
    async def class_(self, info: Info) -> Annotated["Class", strawberry.lazy("arete_graphql.types.classes")] | None:
        """Reads the class, all that a request asks for at once."""
        return await _class(info, self.class_id)

    @strawberry.field(description="The class with the largest output; null where that is no class of the run.")
    async def predicted(self, info: Info) -> Annotated["Class", strawberry.lazy("arete_graphql.types.classes")] | None:
        """Reads the class, all that a request asks for at once."""
        return None if self.predicted_id is None else await _class(info, self.predicted_id)


@strawberry.type(description="An image that excites a channel.")
class Example:
    """A dataset example."""

    rank: int = strawberry.field(description="0 is the image that excites the channel most.")
    image: Image = strawberry.field(description="The image.")
    activation: float = strawberry.field(description="The channel's largest activation in it.")
    box: list[int] = strawberry.field(
        description="What of the image the channel saw, in pixels of the model's input: left, top, right, bottom, the "
        "last two exclusive."
    )
    picture: Tile | None = strawberry.field(description="The smallest square of the image that holds the box.")

    @classmethod
    def of(cls, info: ExampleInfo) -> Self:
        """Maps a result of the query layer."""
        tile = None
        if info.strip is not None:
            run, strip, place = info.image.run, info.strip, (info.layer_index, info.channel_index)
            url = (
                picture_url(run, *place, strip.sha256)
                if info.class_index is None
                else class_picture_url(run, info.class_index, *place, strip.sha256)
            )
            tile = Tile(url=url, index=info.rank, tiles=strip.tiles, tile_px=strip.tile_px)
        return cls(
            rank=info.rank,
            image=Image.of(info.image),
            activation=info.activation,
            box=list(info.box),
            picture=tile,
        )


async def _class(info: Info, id_: str) -> Annotated["Class", strawberry.lazy("arete_graphql.types.classes")] | None:
    from arete_graphql.types.classes import Class

    found = await info.context.classes.load(id_)
    return None if found is None else Class.of(found)
