"""Groups: named sets of classes."""

from typing import Annotated, Self

import strawberry
from strawberry import ID

from arete_graphql.context import Info
from arete_graphql.types.classes import Class
from arete_graphql.types.common import After, Connection, First
from arete_queries import reads
from arete_queries.group_results import GroupInfo


@strawberry.type(description="A named set of classes of one run.")
class Group:
    """A group."""

    id: ID = strawberry.field(description="`run/name`.")
    run_id: ID = strawberry.field(description="Of its run.")
    name: str = strawberry.field(description="Unique in the run.")
    class_count: int = strawberry.field(description="How many classes it has.")
    class_ids: list[ID] = strawberry.field(description="Ids of its classes, by index.")

    @classmethod
    def of(cls, info: GroupInfo) -> Self:
        """Maps a result of the query layer."""
        return cls(
            id=ID(info.id),
            run_id=ID(info.run),
            name=info.name,
            class_count=info.class_count,
            class_ids=[ID(id_) for id_ in info.classes],
        )

    @strawberry.field(description="Its classes, by index.")
    async def classes(self, info: Info, first: First = 50, after: After = None) -> Connection[Class]:
        """Reads a page of the group's classes."""
        page = await info.context.read(reads.list_group_classes, self.id, first=first, after=after)
        return Connection[Class].of(page, Class.of)


@strawberry.type
class GroupQueries:
    """Questions about groups."""

    @strawberry.field(description="One group.")
    async def group(
        self, info: Info, id_: Annotated[ID, strawberry.argument(name="id", description="A group's id, `run/name`.")]
    ) -> Group | None:
        """Reads a group."""
        return Group.of((await info.context.read(reads.get_group, id_)).info)
