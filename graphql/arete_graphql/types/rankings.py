"""Rankings on demand, and matrices of classes and images by channels."""

from typing import Annotated

import strawberry
from strawberry import ID

from arete_core.rank import DAMPING
from arete_graphql.context import Info
from arete_graphql.types.channels import Channel
from arete_graphql.types.classes import Class
from arete_graphql.types.common import First, MinShare, describe_enum
from arete_graphql.types.images import Image
from arete_graphql.types.layers import Layer
from arete_queries import reads
from arete_queries.matrix import MAX_COLUMNS, MAX_ROWS, MatrixOrder, MatrixUnit

describe_enum(
    MatrixOrder,
    "In which order a matrix's columns come; equal ones by channel index.",
    {
        "MEAN": "The largest mean over all rows first.",
        "ROW": "The largest value in the row `sortBy` first.",
        "SPREAD": "The largest difference between two rows first.",
        "INDEX": "By channel index.",
    },
)


describe_enum(
    MatrixUnit,
    "What the values of a matrix's row are, 0 to 1.",
    {
        "SHARE_OF_IMAGES": "Of a class: activation count / images of the class.",
        "OF_LARGEST": "Of an image: each channel's largest activation over space / the largest one of the layer.",
    },
)


@strawberry.input(description="A channel to restart at.")
class SeedInput:
    """A seed of a ranking."""

    channel: ID = strawberry.field(description="The channel's id.")
    weight: float = strawberry.field(default=1.0, description="Its weight, 0 or more.")


@strawberry.type(description="A channel and its rank.")
class RankedChannel:
    """A ranked channel."""

    channel: Channel = strawberry.field(description="The channel.")
    rank: float = strawberry.field(description="Its rank; all of them, listed or not, sum to 1.")


@strawberry.type(description="A ranking of a class's channels on demand.")
class Ranking:
    """A ranking."""

    class_: Class = strawberry.field(name="class", description="Whose it is.")
    damping: float = strawberry.field(description="Probability of following an edge.")
    reached: int = strawberry.field(description="How many channels have a rank above 0; the first ones are listed.")
    channels: list[RankedChannel] = strawberry.field(description="The largest ranks first.")
    cypher: str = strawberry.field(
        description="The statements that answer it, up to a factor, ready for Neo4j Browser."
    )


@strawberry.type(description="A row of a matrix.")
class MatrixRow:
    """A row of a matrix."""

    id: ID = strawberry.field(description="Of the class or the image.")
    class_: Class | None = strawberry.field(
        name="class", description="The class; of an image that of its label, null where that is no class of the run."
    )
    image: Image | None = strawberry.field(description="The image; null in a class's row.")
    unit: MatrixUnit = strawberry.field(description="What its values are.")
    largest: float | None = strawberry.field(
        description="The activation that 1 stands for in an image's row, 0 where all are; null in a class's row."
    )


@strawberry.type(description="How strongly classes and images excite the channels of one layer.")
class Matrix:
    """A matrix."""

    layer: Layer = strawberry.field(description="The layer.")
    rows: list[MatrixRow] = strawberry.field(description="In the order asked for.")
    channels: list[Channel] = strawberry.field(description="The columns.")
    values: list[float] = strawberry.field(
        description="Row by row, one value for each column, 0 to 1, in the row's unit."
    )
    column_count: int = strawberry.field(description="How many channels the layer has.")
    cypher: str = strawberry.field(
        description="The statement that gives the counts of the classes, those of the images' labels among them, ready "
        "for Neo4j Browser."
    )


@strawberry.type
class RankingQueries:
    """Rankings and matrices."""

    @strawberry.field(
        description="Ranks the channels of a class with settings of your own. Needs the Graph Data Science library in "
        "the database; without it the error CAPABILITY says what to install."
    )
    async def rank(
        self,
        info: Info,
        class_: Annotated[ID, strawberry.argument(name="class", description="The class's id.")],
        damping: Annotated[
            float, strawberry.argument(description="Probability of following an edge, above 0 up to 0.99.")
        ] = DAMPING,
        seeds: Annotated[
            list[SeedInput] | None,
            strawberry.argument(description="Channels to restart at, at most 100; absent: all, by activation count."),
        ] = None,
        scores: Annotated[
            str | None,
            strawberry.argument(
                description="Name of a score to restart in proportion to, see `Class.scores`; excludes `seeds`."
            ),
        ] = None,
        exclude: Annotated[
            list[ID] | None, strawberry.argument(description="Ids of channels to leave out, at most 400.")
        ] = None,
        min_share: MinShare = 0.0,
        first: First = 50,
    ) -> Ranking | None:
        """Ranks a class's channels."""
        found = await info.context.read(
            reads.rank_channels,
            class_,
            damping=damping,
            seeds=None if seeds is None else {seed.channel: seed.weight for seed in seeds},
            exclude=exclude or (),
            min_share=min_share,
            scores=scores,
            first=first,
        )
        channels = await info.context.channels.load_many([one.channel for one in found.channels])
        return Ranking(
            class_=Class.of(found.class_),
            damping=found.damping,
            reached=found.reached,
            channels=[
                RankedChannel(channel=Channel.of(channel), rank=one.rank)
                for one, channel in zip(found.channels, channels, strict=True)
                if channel is not None
            ],
            cypher=found.cypher,
        )

    @strawberry.field(
        description="How strongly classes and images excite the channels of one layer. An image that nobody has "
        "measured gives the error NOT_FOUND, whose hint is the command to run."
    )
    async def matrix(
        self,
        info: Info,
        layer: Annotated[ID, strawberry.argument(description="The layer's id.")],
        rows: Annotated[
            list[ID],
            strawberry.argument(
                description="Ids of classes, of groups, which stand for their classes, and of images, "
                f"`run/image:number`; 1 to {MAX_ROWS} classes and images of the layer's run."
            ),
        ],
        order: Annotated[
            MatrixOrder, strawberry.argument(description="In which order the columns come.")
        ] = MatrixOrder.MEAN,
        sort_by: Annotated[ID | None, strawberry.argument(description="Id of the row that ROW sorts by.")] = None,
        first: Annotated[
            int, strawberry.argument(description=f"How many columns at most, 1 to {MAX_COLUMNS:,}.")
        ] = 100,
    ) -> Matrix | None:
        """Lays classes and images side by side."""
        found = await info.context.read(reads.channel_matrix, layer, rows, order=order, sort_by=sort_by, first=first)
        return Matrix(
            layer=Layer.of(found.layer),
            rows=[
                MatrixRow(
                    id=ID(one.id),
                    class_=None if one.class_ is None else Class.of(one.class_),
                    image=None if one.image is None else Image.of(one.image),
                    unit=one.unit,
                    largest=one.largest,
                )
                for one in found.rows
            ],
            channels=[Channel.of(one) for one in found.channels],
            values=list(found.values),
            column_count=found.column_count,
            cypher=found.cypher,
        )
