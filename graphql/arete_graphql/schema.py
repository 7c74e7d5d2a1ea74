"""The GraphQL schema. `python -m arete_graphql.schema` writes it to `graphql/schema.graphql`, or to the file named.

A resolver checks its arguments, makes one read of `arete_queries.reads` and maps the answer.
"""

import sys
from pathlib import Path
from typing import Annotated, Any

import strawberry
from strawberry import ID
from strawberry.extensions import DisableIntrospection, ParserCache, ValidationCache
from strawberry.schema.config import StrawberryConfig

from arete_graphql.context import Info
from arete_graphql.graph_types import ChannelInClass, Comparison
from arete_graphql.limits import check_edges, document_limits
from arete_graphql.plain_lists import PlainListContext
from arete_graphql.settings import Limits
from arete_graphql.types import Channel, Class, First, MinShare, Run
from arete_queries import reads
from arete_queries.results import SetOperation

SCHEMA_FILE = Path(__file__).resolve().parents[1] / "schema.graphql"

SharedMass = Annotated[
    float | None,
    strawberry.argument(
        description="Share of each layer's rank mass that both graphs keep, above 0 up to 1; absent: each class's own."
    ),
]
RunArgument = Annotated[ID, strawberry.argument(name="id", description="A run's id.")]
ClassArgument = Annotated[ID, strawberry.argument(name="id", description="A class's id, `run/index`.")]
ChannelArgument = Annotated[ID, strawberry.argument(name="id", description="A channel's id, `run/layer/channel`.")]


@strawberry.type(description="What can be asked. An id that names nothing gives null and an error NOT_FOUND.")
class Query:
    """The root of every query."""

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
        """Reads a class."""
        return Class.of(await info.context.read(reads.get_class, id_))

    @strawberry.field(description="One channel.")
    async def channel(self, info: Info, id_: ChannelArgument) -> Channel | None:
        """Reads a channel."""
        return Channel.of(await info.context.read(reads.get_channel, id_))

    @strawberry.field(description="One channel seen from one class of the same run.")
    async def channel_in_class(
        self,
        info: Info,
        channel: Annotated[ID, strawberry.argument(description="The channel's id, `run/layer/channel`.")],
        class_: Annotated[ID, strawberry.argument(name="class", description="The class's id, `run/index`.")],
        first: First = 5,
    ) -> ChannelInClass | None:
        """Reads a channel's strongest inputs, outputs and other classes."""
        return ChannelInClass.of(await info.context.read(reads.channel_in_class, channel, class_, first=first))

    @strawberry.field(description="Two classes' attribution graphs laid over each other.")
    async def compare(
        self,
        info: Info,
        a: Annotated[ID, strawberry.argument(description="The first class's id.")],
        b: Annotated[ID, strawberry.argument(description="The second class's id, of the same run.")],
        operation: Annotated[
            SetOperation, strawberry.argument(description="Which vertices and edges are asked for.")
        ] = SetOperation.UNION,
        mass: SharedMass = None,
        min_share: MinShare = 0.0,
    ) -> Comparison | None:
        """Compares two classes."""
        found = await info.context.read(
            reads.compare_classes, a, b, operation=operation, mass=mass, min_share=min_share
        )
        check_edges(len(found.edges), info.context.limits)
        return Comparison.of(found)


class _Schema(strawberry.Schema):
    def process_errors(self, *_: Any, **__: Any) -> None:
        """Leaves logging to `arete_graphql.errors`, which knows the request's id and what was raised on purpose."""


def make_schema(limits: Limits, *, mutation: type | None = None, introspection: bool = True) -> strawberry.Schema:
    """Builds the schema.

    Args:
        limits: How large a document may be.
        mutation: The root of every mutation; None for a service that only reads.
        introspection: Answer questions about the schema itself.

    Returns:
        The schema; execute with a `RequestContext` as context.
    """
    return _Schema(
        Query,
        mutation,
        config=StrawberryConfig(sort_schema=False),
        extensions=[
            document_limits(limits),
            ParserCache,
            ValidationCache,
            *([] if introspection else [DisableIntrospection]),
        ],
        execution_context_class=PlainListContext,
    )


def schema_text() -> str:
    """Returns the schema in GraphQL's schema language, as committed in `graphql/schema.graphql`."""
    return make_schema(Limits()).as_str() + "\n"


if __name__ == "__main__":
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else SCHEMA_FILE
    target.write_text(schema_text(), encoding="utf-8")
