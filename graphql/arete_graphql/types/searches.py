"""Search over everything in a run."""

from typing import Annotated, TypeAlias

import strawberry
from strawberry import ID

from arete_graphql.context import Info
from arete_graphql.types.channels import Channel
from arete_graphql.types.classes import Class
from arete_graphql.types.common import First, describe_enum
from arete_graphql.types.groups import Group
from arete_graphql.types.layers import Layer
from arete_queries import reads, search
from arete_queries.group_results import GroupInfo
from arete_queries.results import ChannelInfo, ClassInfo, LayerInfo
from arete_queries.search import MAX_TEXT, SearchKind

describe_enum(
    SearchKind,
    "What a search can find.",
    {
        "CLASS": "Classes, by name.",
        "CHANNEL": "Channels, by label, or by layer and index.",
        "LAYER": "Layers, by name.",
        "GROUP": "Groups, by name.",
    },
)

SearchItem: TypeAlias = Annotated[
    Class | Channel | Layer | Group,
    strawberry.union(name="SearchItem", description="Something that a search can find."),
]


@strawberry.type(description="One thing that a search found.")
class SearchHit:
    """A hit of a search."""

    kind: SearchKind = strawberry.field(description="What it is.")
    id: ID = strawberry.field(description="Its id.")
    name: str = strawberry.field(
        description="What to show: the name of a class, layer or group; a channel's label, or `layer/channel`."
    )
    score: float = strawberry.field(description="How well it fits, above 0 up to 1: 1 is the whole name.")
    item: SearchItem = strawberry.field(description="The thing itself.")


@strawberry.type(description="What a search found.")
class SearchResults:
    """Hits of a search."""

    hits: list[SearchHit] = strawberry.field(description="Best first.")
    complete: bool = strawberry.field(
        description="False while the database has no full-text index yet: typing errors are not forgiven then."
    )


@strawberry.type
class SearchQueries:
    """Search."""

    @strawberry.field(
        description="Finds classes, channels, layers and groups of a run by name, label or id, also while typing and "
        "with typing errors."
    )
    async def search(
        self,
        info: Info,
        run: Annotated[ID, strawberry.argument(description="The run's id.")],
        text: Annotated[
            str, strawberry.argument(description=f"What to look for, up to {MAX_TEXT} characters; empty finds nothing.")
        ],
        kinds: Annotated[
            list[SearchKind] | None, strawberry.argument(description="Only these kinds; absent: all.")
        ] = None,
        first: First = 20,
    ) -> SearchResults | None:
        """Searches a run."""
        found = await info.context.read(reads.search_run, run, text, kinds=kinds, first=first)
        hits = [
            SearchHit(kind=hit.kind, id=ID(hit.id), name=hit.name, score=hit.score, item=_item(hit.item))
            for hit in found.hits
        ]
        return SearchResults(hits=hits, complete=found.complete)


def _item(item: search.SearchItem) -> Class | Channel | Layer | Group:
    match item:
        case ClassInfo():
            return Class.of(item)
        case ChannelInfo():
            return Channel.of(item)
        case LayerInfo():
            return Layer.of(item)
        case GroupInfo():
            return Group.of(item)
