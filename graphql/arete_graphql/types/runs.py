"""Runs, and the questions that find one thing by its id."""

import contextlib
from typing import Annotated, Self

import strawberry
from strawberry import ID

from arete_core.errors import AreteError, NotFoundError
from arete_graphql.context import Info
from arete_graphql.types.channels import Channel
from arete_graphql.types.classes import Class, graph_key
from arete_graphql.types.common import After, Connection, First, layer_name, mirror
from arete_graphql.types.embeddings import Embedding, Instances
from arete_graphql.types.groups import Group
from arete_graphql.types.layers import Layer
from arete_graphql.types.uses import ChannelUses, Communities
from arete_queries import reads
from arete_queries.arguments import check_first
from arete_queries.channel_use import UseOrder
from arete_queries.results import ClassKind, ClassOrder, RunInfo

RunArgument = Annotated[ID, strawberry.argument(name="id", description="A run's id.")]
ClassArgument = Annotated[ID, strawberry.argument(name="id", description="A class's id, `run/index`.")]
ChannelArgument = Annotated[ID, strawberry.argument(name="id", description="A channel's id, `run/layer/channel`.")]


@strawberry.type(description="The channels of a run that are left out of every graph.")
class ExcludedChannels:
    """Excluded channels."""

    total_count: int = strawberry.field(description="How many there are.")
    channels: list[Channel] = strawberry.field(description="By layer, then index.")


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
        return mirror(cls, info, id=ID(info.id))

    @strawberry.field(description="Its shown layers, input first.")
    async def layers(self, info: Info) -> list[Layer]:
        """Reads the run's layers, once a request."""
        return [Layer.of(layer) for layer in await info.context.layers.load(self.id)]

    @strawberry.field(description="Where its classes lie in a layer; null where nobody has placed them.")
    async def embedding(
        self, info: Info, layer: Annotated[ID, strawberry.argument(description="`run/layer`.")]
    ) -> Embedding | None:
        """Reads the places of the run's classes."""
        self._check_own(layer)
        found = await info.context.read(reads.layer_embedding, layer)
        return None if found is None else Embedding.of(found)

    @strawberry.field(
        description="Where single images lie in a layer; null where none were measured: `arete instances` does it."
    )
    async def instances(
        self,
        info: Info,
        layer: Annotated[ID, strawberry.argument(description="`run/layer`.")],
        classes: Annotated[
            list[ID] | None,
            strawberry.argument(
                description="Ids of classes, and of groups, which stand for their classes: only their images; absent: "
                "all that were measured."
            ),
        ] = None,
    ) -> Instances | None:
        """Reads the places of the run's images."""
        self._check_own(layer)
        found = await info.context.read(reads.layer_instances, layer, classes=classes)
        return None if found is None else Instances.of(found)

    def _check_own(self, layer: str) -> None:
        if layer.partition("/")[0] != self.id:
            raise NotFoundError("layer", layer, hint=f"a layer of run {self.id!r} was expected: {self.id}/LAYER")

    @strawberry.field(description="Its classes.")
    async def classes(
        self,
        info: Info,
        search: Annotated[
            str | None, strawberry.argument(description="Only classes whose name holds this text, in any case.")
        ] = None,
        kinds: Annotated[
            list[ClassKind] | None, strawberry.argument(description="Only classes of these kinds; absent: all.")
        ] = None,
        sort: Annotated[ClassOrder, strawberry.argument(description="In which order.")] = ClassOrder.INDEX,
        similar_to: Annotated[
            ID | None, strawberry.argument(description="Id of the class that SIMILARITY compares with.")
        ] = None,
        layer: Annotated[
            ID | None, strawberry.argument(description="Id of the layer in which SIMILARITY compares.")
        ] = None,
        first: First = 50,
        after: After = None,
    ) -> Connection[Class]:
        """Reads a page of the run's classes."""
        page = await info.context.read(
            reads.list_classes,
            self.id,
            search=search,
            kinds=kinds,
            order=sort,
            similar_to=similar_to,
            layer=layer,
            first=first,
            after=after,
        )
        return Connection[Class].of(page, Class.of)

    @strawberry.field(description="Channels that are left out of every graph, by layer, then index.")
    async def excluded_channels(self, info: Info, first: First = 50) -> ExcludedChannels:
        """Reads the run's excluded channels."""
        ids = (await info.context.read(reads.exclusion_state, self.id)).excluded
        found = await info.context.channels.load_many(list(ids[: check_first(first)]))
        return ExcludedChannels(total_count=len(ids), channels=[Channel.of(one) for one in found if one is not None])

    @strawberry.field(
        description="Classes that an exclusion of channels has touched and that are still to be ranked anew; 0 when "
        "all is done."
    )
    async def classes_to_rank(self, info: Info) -> int:
        """Counts the run's classes that are ranked as before an exclusion."""
        return (await info.context.read(reads.exclusion_state, self.id)).classes_to_rank

    @strawberry.field(description="Its groups, by name.")
    async def groups(self, info: Info) -> list[Group]:
        """Reads the run's groups."""
        return [Group.of(one) for one in await info.context.read(reads.list_groups, self.id)]

    @strawberry.field(
        description="Its channels by how its classes use them: used by everything, central, or specialists."
    )
    async def channel_uses(
        self,
        info: Info,
        layer: Annotated[ID | None, strawberry.argument(description="Id of one layer; absent: all.")] = None,
        order: Annotated[UseOrder, strawberry.argument(description="Which come first.")] = UseOrder.CENTRAL,
        first: First = 50,
    ) -> ChannelUses | None:
        """Reads the run's channels by use."""
        name = None if layer is None else layer_name(self.id, layer)
        found = await info.context.read(reads.channel_uses, self.id, layer=name, order=order, first=first)
        return ChannelUses.of(found)

    @strawberry.field(
        description="Communities of channels that the same classes keep (Leiden). Needs the Graph Data Science "
        "library in the database; without it the error CAPABILITY says what to install."
    )
    async def communities(
        self,
        info: Info,
        at_least: Annotated[
            int, strawberry.argument(description="Two channels are joined where so many classes keep both, 1 or more.")
        ] = 2,
        gamma: Annotated[
            float,
            strawberry.argument(description="Resolution, above 0 up to 100: larger values give smaller communities."),
        ] = 1.0,
        first: First = 50,
    ) -> Communities | None:
        """Finds the run's communities of channels."""
        found = await info.context.read(reads.channel_communities, self.id, at_least=at_least, gamma=gamma, first=first)
        return Communities.of(found)


@strawberry.type
class RunQueries:
    """Questions that find runs and their parts by id."""

    @strawberry.field(description="Every run that is completely loaded, newest first.")
    async def runs(self, info: Info) -> list[Run]:
        """Reads all runs."""
        return [Run.of(run) for run in await info.context.read(reads.list_runs)]

    @strawberry.field(description="One run.")
    async def run(self, info: Info, id_: RunArgument) -> Run | None:
        """Reads a run."""
        return Run.of(await info.context.read(reads.get_run, id_))

    @strawberry.field(name="class", description="One class.")
    async def class_(self, info: Info, id_: ClassArgument) -> Class | None:
        """Reads a class, from its graph where that is asked for too."""
        key = graph_key(info, id_)
        if key is not None:
            # What is wrong with the graph is the graph's error.
            with contextlib.suppress(AreteError):
                return Class.of((await info.context.graphs.load(key)).class_)
        return Class.of(await info.context.read(reads.get_class, id_))

    @strawberry.field(description="One channel.")
    async def channel(self, info: Info, id_: ChannelArgument) -> Channel | None:
        """Reads a channel."""
        return Channel.of(await info.context.read(reads.get_channel, id_))

    @strawberry.field(description="Several channels, in the order asked for; null for one that there is not.")
    async def channels(
        self, info: Info, ids: Annotated[list[ID], strawberry.argument(description="Ids of channels, at most 500.")]
    ) -> list[Channel | None]:
        """Reads channels, together with others that the request asks for."""
        found = await info.context.channels.load_many(ids)
        return [None if one is None else Channel.of(one) for one in found]

    @strawberry.field(description="One layer.")
    async def layer(
        self, info: Info, id_: Annotated[ID, strawberry.argument(name="id", description="A layer's id, `run/layer`.")]
    ) -> Layer | None:
        """Reads a layer."""
        return Layer.of(await info.context.read(reads.get_layer, id_))
