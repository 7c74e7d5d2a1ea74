"""The GraphQL schema. `python -m arete_graphql.schema` writes it to `graphql/schema.graphql`, or to the file named.

The types and their resolvers are in `arete_graphql.types`. A resolver checks its arguments, makes one read of
`arete_queries.reads` and maps the answer.
"""

import sys
from pathlib import Path
from typing import Any

import strawberry
from strawberry.extensions import DisableIntrospection, ParserCache, ValidationCache
from strawberry.schema.config import StrawberryConfig

from arete_graphql.limits import document_limits
from arete_graphql.plain_lists import PlainListContext
from arete_graphql.settings import Limits
from arete_graphql.types.graphs import GraphQueries
from arete_graphql.types.groups import GroupQueries
from arete_graphql.types.motifs import MotifQueries
from arete_graphql.types.mutations import Mutation
from arete_graphql.types.overlaps import OverlapQueries
from arete_graphql.types.rankings import RankingQueries
from arete_graphql.types.runs import RunQueries
from arete_graphql.types.searches import SearchQueries
from arete_graphql.types.service import ServiceQueries

SCHEMA_FILE = Path(__file__).resolve().parents[1] / "schema.graphql"


@strawberry.type(description="What can be asked. An id that names nothing gives null and an error NOT_FOUND.")
class Query(
    RunQueries,
    GraphQueries,
    OverlapQueries,
    MotifQueries,
    GroupQueries,
    SearchQueries,
    RankingQueries,
    ServiceQueries,
):
    """The root of every query; each subject brings its own fields."""


class _Schema(strawberry.Schema):
    def process_errors(self, *_: Any, **__: Any) -> None:
        """Leaves logging to `arete_graphql.errors`, which knows the request's id and what was raised on purpose."""


def make_schema(limits: Limits, *, mutation: type | None = Mutation, introspection: bool = True) -> strawberry.Schema:
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
