"""What the service itself is."""

from importlib.metadata import version

import strawberry

from arete_graphql.context import Info
from arete_graphql.token import WriteAccess


@strawberry.type(description="What this service is and may do.")
class Service:
    """The service."""

    version: str = strawberry.field(description="Arête's version.")
    read_only: bool = strawberry.field(description="Whether it has no mutations at all.")
    browser_url: str | None = strawberry.field(
        description="Address of Neo4j Browser on the machine of the service; null where the database is another's."
    )


@strawberry.type
class ServiceQueries:
    """Questions about the service."""

    @strawberry.field(description="What this service is and may do.")
    def service(self, info: Info) -> Service:
        """Says what the service is; asks no database."""
        return Service(
            version=version("arete"),
            read_only=info.context.write_access is WriteAccess.READ_ONLY,
            browser_url=info.context.browser_url() or None,
        )
