"""GraphQL types of places in a layer: parallel lists, since a thousand objects would take ten times as long."""

from typing import Self

import strawberry
from strawberry import ID

from arete_graphql.types.images import Image
from arete_queries import image_results


@strawberry.type(description="Where a run's classes lie in a layer, alike ones near each other: three parallel lists.")
class Embedding:
    """Places of classes."""

    layer_id: ID = strawberry.field(description="`run/layer`.")
    classes: list[ID] = strawberry.field(description="Ids of the classes, by index.")
    x: list[float] = strawberry.field(
        description="Their places; in each layer centred at 0 with a root mean square distance of 1 from it."
    )
    y: list[float] = strawberry.field(description="The other coordinate.")

    @classmethod
    def of(cls, found: image_results.Embedding) -> Self:
        """Maps a result of the query layer."""
        return cls(
            layer_id=ID(found.layer), classes=[ID(id_) for id_ in found.classes], x=list(found.x), y=list(found.y)
        )


@strawberry.type(
    description="Where the images that were measured lie in a layer, alike ones near each other: three parallel lists."
)
class Instances:
    """Places of images."""

    layer_id: ID = strawberry.field(description="`run/layer`.")
    images: list[Image] = strawberry.field(description="The images, by number.")
    x: list[float] = strawberry.field(
        description="Their places; in each layer all of them are centred at 0 with a root mean square distance of 1."
    )
    y: list[float] = strawberry.field(description="The other coordinate.")

    @classmethod
    def of(cls, found: image_results.Instances) -> Self:
        """Maps a result of the query layer."""
        images = [Image.of(one) for one in found.images]
        return cls(layer_id=ID(found.layer), images=images, x=list(found.x), y=list(found.y))
