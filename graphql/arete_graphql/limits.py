"""How much one GraphQL document may ask for, checked before it runs, and a gate before the database.

Strawberry's own depth and alias limiters walk a fragment again at each place that spreads it: forty fragments that each
spread the next one twice would keep them busy for days. Here every fragment is measured once, so that the check takes
time proportional to the document, whatever it says.
"""

import asyncio
import math
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from typing import NamedTuple

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
)
from starlette.exceptions import HTTPException
from strawberry.extensions import SchemaExtension

from arete_core.errors import BadInput
from arete_graphql.cost import check_cost, measure_cost
from arete_graphql.settings import Limits


class DocumentSize(NamedTuple):
    """Size of a document after its fragments are put in place: deepest nesting, renamed fields, selected fields."""

    depth: int
    aliases: int
    fields: int


_NOTHING = DocumentSize(0, 0, 0)


def measure_document(document: DocumentNode) -> DocumentSize:
    """Measures a parsed document.

    Introspection fields count towards `fields` and `aliases` but not towards `depth`: how deep they may nest is
    graphql-core's own rule. A fragment that spreads itself counts once; that it is wrong is for validation to say.

    Args:
        document: As parsed.

    Returns:
        The largest depth of its operations, and the sums of their aliases and fields.
    """
    fragments = {node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)}
    measured: dict[str, DocumentSize] = {}
    operations = [
        _measure(node.selection_set, fragments, measured)
        for node in document.definitions
        if isinstance(node, OperationDefinitionNode)
    ]
    return DocumentSize(
        max((size.depth for size in operations), default=0),
        sum(size.aliases for size in operations),
        sum(size.fields for size in operations),
    )


def _measure(
    selection_set: SelectionSetNode | None,
    fragments: dict[str, FragmentDefinitionNode],
    measured: dict[str, DocumentSize],
) -> DocumentSize:
    depth = aliases = fields = 0
    for node in selection_set.selections if selection_set else ():
        inner = _NOTHING
        if isinstance(node, FieldNode):
            inside = _measure(node.selection_set, fragments, measured)
            levels = 0 if node.name.value.startswith("__") else inside.depth + 1
            inner = DocumentSize(levels, inside.aliases + (node.alias is not None), inside.fields + 1)
        elif isinstance(node, InlineFragmentNode):
            inner = _measure(node.selection_set, fragments, measured)
        elif isinstance(node, FragmentSpreadNode):
            name = node.name.value
            if name not in measured and name in fragments:
                measured[name] = _NOTHING  # ends the walk where a fragment spreads itself
                measured[name] = _measure(fragments[name].selection_set, fragments, measured)
            inner = measured.get(name, _NOTHING)
        depth = max(depth, inner.depth)
        aliases += inner.aliases
        fields += inner.fields
    return DocumentSize(depth, aliases, fields)


def document_limits(limits: Limits) -> Callable[[], SchemaExtension]:
    """Returns a Strawberry extension that refuses a document larger than `limits` before it is validated or run.

    Args:
        limits: `tokens`, `depth`, `aliases`, `fields` and `cost` are looked at.

    Returns:
        What `strawberry.Schema(extensions=...)` takes.
    """

    class DocumentLimits(SchemaExtension):
        def on_operation(self) -> Iterator[None]:
            self.execution_context.parse_options["max_tokens"] = limits.tokens
            yield

        def on_parse(self) -> Iterator[None]:
            yield
            # Before validation, some of whose rules take time by the square of the number of fields.
            document = self.execution_context.graphql_document
            if document is not None:
                check_size(measure_document(document), limits)
                schema = self.execution_context.schema._schema  # Strawberry gives its graphql-core schema no other name
                check_cost(measure_cost(schema, document, self.execution_context.variables or {}), limits)

        def on_execute(self) -> Iterator[None]:
            self.execution_context.context.operation_type = self.execution_context.operation_type
            yield

    return DocumentLimits


def check_size(size: DocumentSize, limits: Limits) -> None:
    """Checks the measures of a document.

    Args:
        size: Its measures.
        limits: `depth`, `aliases` and `fields` are looked at.

    Raises:
        BadInput: If one exceeds its limit.
    """
    for found, allowed, what in (
        (size.depth, limits.depth, "levels of nested fields"),
        (size.aliases, limits.aliases, "aliases"),
        (size.fields, limits.fields, "selected fields"),
    ):
        if found > allowed:
            raise BadInput(
                f"the query has {found} {what}, {allowed} are allowed", hint="split it into several requests"
            )


def check_edges(found: int, limits: Limits) -> None:
    """Checks how many edges an answer has.

    Args:
        found: How many.
        limits: `edges` is looked at.

    Raises:
        BadInput: If there are more.
    """
    if found > limits.edges:
        raise BadInput(
            f"the graph has {found:,} edges, {limits.edges:,} are sent at most",
            hint="ask for a smaller mass or a larger minShare; `arete graph` writes the whole of it",
        )


class Gate:
    """Lets a fixed number of requests through to the database; a few more may wait a little, the rest hear 503 at once.

    Args:
        limits: `concurrent`, `waiting` and `wait_s` are looked at.
    """

    def __init__(self, limits: Limits) -> None:
        self._places = asyncio.Semaphore(limits.concurrent)
        self._limits = limits
        self._waiting = 0
        self._at_work = 0
        self._noted = -math.inf

    @property
    def idle(self) -> bool:
        """Whether nobody holds a place or waits for one."""
        return self._at_work == self._waiting == 0

    @property
    def quiet_s(self) -> float:
        """Seconds since somebody asked for anything, be it a file of the viewer; infinite where nobody has."""
        return time.monotonic() - self._noted

    def note(self) -> None:
        """Takes note that somebody asks for something."""
        self._noted = time.monotonic()

    @asynccontextmanager
    async def place(self) -> AsyncIterator[None]:
        """Holds one place.

        Raises:
            HTTPException: 503 if no place became free in time, or too many wait already.
        """
        await self._enter()
        self._at_work += 1
        try:
            yield
        finally:
            self._at_work -= 1
            self._places.release()

    async def _enter(self) -> None:
        if not self._places.locked():
            await self._places.acquire()
            return
        if self._waiting >= self._limits.waiting:
            raise busy()
        self._waiting += 1
        try:
            async with asyncio.timeout(self._limits.wait_s):
                await self._places.acquire()
        except TimeoutError:
            raise busy() from None
        finally:
            self._waiting -= 1


def busy() -> HTTPException:
    """Returns what is said to a request for which there is no place."""
    return HTTPException(503, "too many requests are under way, try again in a second", headers={"Retry-After": "1"})
