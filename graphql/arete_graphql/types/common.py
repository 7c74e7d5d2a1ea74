"""What several types share: descriptions of enums, arguments, pages, and the mapping of answers."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from enum import Enum
from functools import cache
from typing import Annotated, Any, Generic, Self, TypeVar, cast

import strawberry
from strawberry.types.enum import StrawberryEnumDefinition

from arete_queries.arguments import MAX_FIRST
from arete_queries.results import Page

E = TypeVar("E", bound=type[Enum])
T = TypeVar("T")
R = TypeVar("R")

First = Annotated[int, strawberry.argument(description=f"How many at most, 1 to {MAX_FIRST}.")]
After = Annotated[str | None, strawberry.argument(description="The `endCursor` of the page before; absent: start.")]
Mass = Annotated[
    float | None,
    strawberry.argument(
        description="Share of each layer's rank mass that its kept channels hold, above 0 up to 1; "
        "absent: the class's own, at which its graph first hangs together."
    ),
]
SharedMass = Annotated[
    float | None,
    strawberry.argument(
        description="Share of each layer's rank mass that both graphs keep, above 0 up to 1; absent: each class's own."
    ),
]
GroupMass = Annotated[
    float | None,
    strawberry.argument(
        description="Share of each layer's rank mass that the graphs keep, above 0 up to 1; absent: each class's own."
    ),
]
MinShare = Annotated[
    float, strawberry.argument(description="Leave out edges below this share of the class's images, 0 to 1.")
]
CYPHER = "The statement that answers it, ready for Neo4j Browser."


def describe_enum(enum: E, description: str, values: Mapping[str, str], *, name: str | None = None) -> E:
    """Registers an enum of the query layer with Strawberry, with a description for each value.

    Args:
        enum: The enum; its member names become the GraphQL values.
        description: Of the enum.
        values: A description for each member's name.
        name: In GraphQL; the enum's own when None.

    Returns:
        The same enum.
    """
    strawberry.enum(enum, name=name, description=description)
    definition = cast("StrawberryEnumDefinition", vars(enum)["__strawberry_definition__"])
    for value in definition.values:
        value.description = values[value.name]
    return enum


def share(count: float, images: int) -> float:
    """Returns a count as a share of a class's images; 0 where it has none."""
    return count / images if images else 0.0


def layer_name(run: str, layer_id: str) -> str:
    """Returns the name in a layer's id; the id itself where it is of another run, which then has no such layer."""
    return layer_id.removeprefix(f"{run}/")


def mirror(type_: type[T], found: object, **others: Any) -> T:
    """Maps an answer of the query layer whose fields have the names of the type's.

    Args:
        type_: A GraphQL type.
        found: The answer.
        **others: Values of the fields that are not simply copied.

    Returns:
        The object.
    """
    return type_(**{name: getattr(found, name) for name in _names(type_) if name not in others}, **others)


@cache
def _names(type_: type) -> tuple[str, ...]:
    return tuple(field.name for field in fields(type_) if field.init)  # a resolver is no value


@strawberry.type(description="Where a page of a list ends.")
class PageInfo:
    """Where a page ends."""

    has_next_page: bool = strawberry.field(description="Whether more come after this page.")
    has_previous_page: bool = strawberry.field(description="Whether some come before this page.")
    start_cursor: str | None = strawberry.field(description="Cursor of the first one here; null on an empty page.")
    end_cursor: str | None = strawberry.field(description="Pass it as `after` to go on; null on an empty page.")


@strawberry.type(description="One of a page, with its place in the list.")
class Edge(Generic[T]):
    """An item of a page."""

    cursor: str = strawberry.field(description="Pass it as `after` to go on behind this one.")
    node: T = strawberry.field(description="The thing itself.")


@strawberry.type(description="A page of a list.")
class Connection(Generic[T]):
    """A page, as Relay has it, with the items beside the edges for those who need no cursors."""

    total_count: int = strawberry.field(description="How many there are on all pages.")
    nodes: list[T] = strawberry.field(description="What is on this page.")
    page_info: PageInfo = strawberry.field(description="Where this page ends.")
    cursors: strawberry.Private[Callable[[], Sequence[str]]]

    @strawberry.field(description="What is on this page, each with its cursor.")
    def edges(self) -> list[Edge[T]]:
        """Makes the edges, which few ask for."""
        return [Edge(cursor=cursor, node=node) for cursor, node in zip(self.cursors(), self.nodes, strict=True)]

    @classmethod
    def of(cls, page: Page[R], node: Callable[[R], T]) -> Self:
        """Maps a page of the query layer.

        Args:
            page: The page.
            node: Maps one of its items.

        Returns:
            The connection.
        """
        return cls(
            total_count=page.total,
            nodes=[node(item) for item in page.items],
            page_info=PageInfo(
                has_next_page=page.has_next,
                has_previous_page=page.start > 0,
                start_cursor=page.cursor(1) if page.items else None,
                end_cursor=page.end_cursor,
            ),
            cursors=page.cursors,
        )
