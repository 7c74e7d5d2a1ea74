"""GraphQL types of pictures."""

from typing import Self

import strawberry

from arete_graphql.picture_tables import AtlasPlace, pictures_of
from arete_graphql.picture_urls import atlas_url, picture_url
from arete_queries.results import ChannelInfo


@strawberry.type(description="Where a picture's first tile is in one picture of the whole layer.")
class AtlasTile:
    """A tile of an atlas."""

    url: str = strawberry.field(description="Path on this service; its content never changes.")
    column: int = strawberry.field(description="The tile's column, from 0.")
    row: int = strawberry.field(description="The tile's row, from 0.")
    columns: int = strawberry.field(description="Columns of the atlas.")
    rows: int = strawberry.field(description="Rows of the atlas.")
    tile_px: int = strawberry.field(description="Side of a tile, in pixels.")


@strawberry.type(description="Square tiles of a channel side by side, the best first.")
class Picture:
    """A strip of tiles."""

    url: str = strawberry.field(description="Path on this service; its content never changes.")
    tiles: int = strawberry.field(description="How many tiles the strip has.")
    tile_px: int = strawberry.field(description="Side of a tile, in pixels.")
    atlas: AtlasTile | None = strawberry.field(
        description="The first tile in a picture of the whole layer, so that a page of many channels asks once a "
        "layer; null where the run has none."
    )

    @classmethod
    def examples_of(cls, channel: ChannelInfo) -> Self | None:
        """Returns a channel's dataset examples; None where there are none."""
        if channel.picture_hash is None:
            return None
        url = picture_url(channel.run, channel.layer_index, channel.index, channel.picture_hash)
        atlas = _tile(channel, "examples")
        return cls(url=url, tiles=channel.picture_tiles, tile_px=channel.picture_tile_px, atlas=atlas)

    @classmethod
    def feature_of(cls, channel: ChannelInfo) -> Self | None:
        """Returns a channel's feature visualization; None where there is none."""
        pictures = pictures_of(channel.run)
        strip = None if pictures is None else pictures.features.get((channel.layer_index, channel.index))
        if strip is None:
            return None
        url = picture_url(channel.run, channel.layer_index, channel.index, strip.sha256, "features")
        return cls(url=url, tiles=strip.tiles, tile_px=strip.tile_px, atlas=_tile(channel, "features"))


def _tile(channel: ChannelInfo, kind: str) -> AtlasTile | None:
    pictures = pictures_of(channel.run)
    place: AtlasPlace | None = None
    if pictures is not None:
        place = pictures.places[kind].get((channel.layer_index, channel.index))
    if place is None:
        return None
    return AtlasTile(
        url=atlas_url(channel.run, kind, channel.layer_index, place.sha256),
        column=place.column,
        row=place.row,
        columns=place.columns,
        rows=place.rows,
        tile_px=place.tile_px,
    )
