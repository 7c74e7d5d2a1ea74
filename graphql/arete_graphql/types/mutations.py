"""Everything that can be changed. Each mutation asks for the service's token first, and can be sent twice."""

from typing import Annotated

import strawberry
from strawberry import ID

from arete_core.errors import BadInput, NotFoundError
from arete_core.exclusions import BY_HAND
from arete_core.ids import split_channel_id
from arete_graphql.context import Info
from arete_graphql.exclusion_work import exclude_in_background
from arete_graphql.types.channels import Channel
from arete_graphql.types.groups import Group
from arete_graphql.types.runs import Run
from arete_queries import reads
from arete_queries.arguments import MAX_FIRST
from arete_queries.channel_page import MAX_LABEL

GroupId = Annotated[ID, strawberry.argument(description="The group's id, `run/name`.")]
Channels = Annotated[
    list[ID], strawberry.argument(description=f"Ids of channels of one run, 1 to {MAX_FIRST}, `run/layer/channel`.")
]


@strawberry.type(description="A group that there is no more.")
class DeletedGroup:
    """A deleted group."""

    id: ID = strawberry.field(description="Its id.")
    deleted: bool = strawberry.field(description="False where there was none of this id.")


@strawberry.type(description="What an exclusion of channels changed.")
class Exclusion:
    """A change of what is excluded."""

    run: Run = strawberry.field(description="The run.")
    changed: list[Channel] = strawberry.field(description="Channels that were not so before, as they are now.")
    excluded: list[ID] = strawberry.field(description="Ids of all channels of the run that are excluded now.")
    classes_to_rank: int = strawberry.field(
        description="Classes that are still to be ranked anew. The service goes on with them by itself; "
        "`Run.classesToRank` tells how far it is."
    )


@strawberry.type(
    description="What can be changed. Each needs the service's token, in the header `Authorization: Bearer TOKEN`; one "
    "that is sent twice leaves what it leaves once."
)
class Mutation:
    """The root of every mutation."""

    @strawberry.mutation(description="Makes a group. One of this name with the same classes is simply returned.")
    async def create_group(
        self,
        info: Info,
        run: Annotated[ID, strawberry.argument(description="The run's id.")],
        name: Annotated[
            str,
            strawberry.argument(
                description="1 to 100 characters, not digits only, without slashes; unique in the run."
            ),
        ],
        classes: Annotated[
            list[ID],
            strawberry.argument(
                description="Ids of classes of the run, and of groups, which stand for their classes; 1 to 5,000."
            ),
        ],
        replace: Annotated[
            bool, strawberry.argument(description="Give a group of this name these classes instead of its own.")
        ] = False,
    ) -> Group | None:
        """Makes a group."""
        info.context.require_token()
        ids = await info.context.read(reads.expand_groups, "classes", classes)
        return Group.of(await info.context.read(reads.create_group, run, name, ids, replace=replace))

    @strawberry.mutation(
        description="Adds classes to a group and takes classes out of it; those that are in or out already stay so."
    )
    async def update_group(
        self,
        info: Info,
        group: GroupId,
        add: Annotated[list[ID] | None, strawberry.argument(description="Ids of classes to add.")] = None,
        remove: Annotated[list[ID] | None, strawberry.argument(description="Ids of classes to take out.")] = None,
    ) -> Group | None:
        """Changes a group's classes."""
        info.context.require_token()
        return Group.of(await info.context.read(reads.update_group, group, add=add or (), remove=remove or ()))

    @strawberry.mutation(description="Deletes a group; its classes stay.")
    async def delete_group(self, info: Info, group: GroupId) -> DeletedGroup | None:
        """Deletes a group."""
        info.context.require_token()
        try:
            await info.context.read(reads.delete_group, group)
        except NotFoundError:
            return DeletedGroup(id=group, deleted=False)
        return DeletedGroup(id=group, deleted=True)

    @strawberry.mutation(description="Gives a channel a label, or takes it away. Searches find it by its label.")
    async def label_channel(
        self,
        info: Info,
        channel: Annotated[ID, strawberry.argument(description="The channel's id, `run/layer/channel`.")],
        label: Annotated[
            str | None,
            strawberry.argument(description=f"Up to {MAX_LABEL} characters; null or empty takes the label away."),
        ] = None,
    ) -> Channel | None:
        """Labels a channel."""
        info.context.require_token()
        return Channel.of(await info.context.read(reads.label_channel, channel, label))

    @strawberry.mutation(
        description="Leaves channels out of every graph, for instance as non-semantic. Counts stay as they are; the "
        "classes that touch the channels are ranked anew, and the run folder is marked too."
    )
    async def exclude_channels(
        self,
        info: Info,
        channels: Channels,
        reason: Annotated[
            str | None, strawberry.argument(description=f"Why, up to {MAX_LABEL} characters; absent: {BY_HAND}.")
        ] = None,
    ) -> Exclusion | None:
        """Excludes channels."""
        return await _exclude(info, channels, reason or BY_HAND, include=False)

    @strawberry.mutation(description="Takes excluded channels in again; otherwise like `excludeChannels`.")
    async def include_channels(self, info: Info, channels: Channels) -> Exclusion | None:
        """Takes channels in again."""
        return await _exclude(info, channels, BY_HAND, include=True)


async def _exclude(info: Info, ids: list[ID], reason: str, *, include: bool) -> Exclusion:
    info.context.require_token()
    if len(reason) > MAX_LABEL:
        raise BadInput(f"reason: up to {MAX_LABEL} characters were expected, found {len(reason)}")
    run, names = _one_run(ids)
    before = await info.context.read(reads.get_channels, ids)
    await exclude_in_background(info.context.database, run, names, reason=reason, include=include)
    state = await info.context.read(reads.exclusion_state, run)
    after = await info.context.read(reads.get_channels, ids)
    return Exclusion(
        run=Run.of(await info.context.read(reads.get_run, run)),
        changed=[Channel.of(one) for id_, one in after.items() if before[id_].excluded is not one.excluded],
        excluded=[ID(id_) for id_ in state.excluded],
        classes_to_rank=state.classes_to_rank,
    )


def _one_run(ids: list[ID]) -> tuple[str, list[str]]:
    """Returns the run that all channels are of, and the channels as `layer/channel`."""
    parts = [split_channel_id(id_) for id_ in ids]
    odd = [id_ for id_, part in zip(ids, parts, strict=True) if part is None]
    if odd:
        raise NotFoundError(
            "channel", odd[0], hint="a channel's id is run/layer/channel, for instance demo/features.3/7"
        )
    runs = sorted({part.run for part in parts if part is not None})
    if len(runs) != 1:
        raise BadInput(
            f"channels: 1 to {MAX_FIRST} of one run were expected, found {len(ids)} of {len(runs)} runs",
            hint="name at least one, and exclude channels of one run at a time",
        )
    return runs[0], [f"{part.layer}/{part.channel}" for part in parts if part is not None]
