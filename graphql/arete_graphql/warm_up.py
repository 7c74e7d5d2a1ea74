"""Asks what the viewer asks before anybody does, so that the first people find the service as quick as later ones.

Java compiles what it runs often, Neo4j plans a statement when it first sees it (and again once the data have changed
much), GraphQL documents are parsed once: the first answers after a start take several times as long as later ones. So
the viewer's own operations are asked a bounded number of times, about classes of every run, one at a time and only
while nobody else is being answered, nor was a moment ago; again, more briefly, after runs were loaded or replaced.
Answers are thrown away. The service answers from the first moment on; `/readyz` says how far this is.
"""

import asyncio
import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

import strawberry
from graphql import (
    FieldNode,
    GraphQLEnumType,
    NonNullTypeNode,
    OperationDefinitionNode,
    OperationType,
    get_named_type,
    parse,
    type_from_ast,
)

from arete_core.errors import AreteError
from arete_graphql.context import Database
from arete_graphql.endpoint import GraphQLEndpoint
from arete_graphql.limits import Gate
from arete_graphql.metrics import Metrics
from arete_queries import reads
from arete_queries.results import RunInfo

TURNS: Final = 30
"""How often those of `_OFTEN` are asked after the start: Java compiles what has run some thousand times."""
TURNS_OTHERS: Final = 8
"""How often the other operations are."""
TURNS_AGAIN: Final = 3
"""How often after the runs have changed."""
OPERATION_S: Final = 3.0
"""An operation that has taken so long in all after its first turns is asked no more: it is slow by nature, and warm."""
_COLD_TURNS: Final = 3
WHOLE_S: Final = 120.0
"""After so long it ends, whatever was reached."""
LOOK_S: Final = 5.0
"""Seconds between two looks at whether the runs have changed."""
_PAUSE_S: Final = 0.05
_QUIET_S: Final = 1.5
"""So long after anybody asked for anything it waits: who opens the viewer asks for its files first, then for data."""
_CLASSES: Final = 40
_MASS_EVERY: Final = 4
"""Each so many turns a mass is asked for: other statements answer then."""
_FIRST: Final = ("Runs", "Classes", "Embedding", "Similarity", "ClassGraph", "ChannelInClass", "Compare")
"""What a person who opens the viewer asks first, in this order."""
_OFTEN: Final = frozenset({"ClassGraph", "ChannelInClass", "Compare"})
"""What people who look around ask most."""

log = logging.getLogger("arete.api")


class WarmUpState(StrEnum):
    """How far it is: not wanted (or the viewer's operations are not known), waiting for a database, asking, done."""

    OFF = "off"
    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"


@dataclass(frozen=True)
class _Sample:
    """What of a run is asked about."""

    run: str
    layer: str
    channels: tuple[str, ...]
    classes: tuple[str, ...]
    name: str

    def value(self, variable: str, turn: int) -> Any:
        """Returns what a variable may stand for, or None where that is not known."""
        one, other = (self.classes[place % len(self.classes)] for place in (turn, turn + 1))
        several = list(dict.fromkeys(self.classes[(turn + step) % len(self.classes)] for step in range(3)))
        return {
            "a": one,
            "atLeast": 1,
            "b": other,
            "channel": self.channels[turn % len(self.channels)],
            "class": one,
            "classes": several,
            "closed": True,
            "first": 20,
            "layer": self.layer,
            "mass": 0.2 if turn % _MASS_EVERY == _MASS_EVERY - 1 else None,
            "minShare": 0.0,
            "rows": several,
            "run": self.run,
            "support": 0.5,
            "text": self.name[:1000],
        }.get(variable)


@dataclass(frozen=True)
class _Operation:
    """One of the viewer's: its text and, for each variable, its name, what it is, and whether there has to be one.

    `of` is what `id` is the id of: the field that the document asks for.
    """

    text: str
    of: str
    variables: tuple[tuple[str, bool, str | None], ...]

    def values(self, sample: _Sample, turn: int) -> dict[str, Any] | None:
        """Returns its variables, or None where one has to be given that is not known."""
        values: dict[str, Any] = {}
        for name, needed, default in self.variables:
            value = sample.value(self.of if name == "id" else name, turn)
            value = default if value is None else value
            if value is not None:
                values[name] = value
            elif needed:
                return None
        return values


class WarmUp:
    """Warms the service up, in the background.

    Args:
        endpoint: Asked.
        database: Tells which runs there are.
        gate: Says whether anybody is being answered.
        schema: What the operations ask.
        texts: The viewer's operations by name; none switches it off.
        metrics: Told how long each took.

    Attributes:
        state: How far it is.
    """

    def __init__(
        self,
        endpoint: GraphQLEndpoint,
        database: Database,
        gate: Gate,
        schema: strawberry.Schema,
        texts: Mapping[str, str],
        metrics: Metrics,
    ) -> None:
        self._endpoint = endpoint
        self._database = database
        self._gate = gate
        self._metrics = metrics
        order = sorted(texts, key=lambda name: (_FIRST.index(name) if name in _FIRST else len(_FIRST), name))
        found = {name: _read(schema, texts[name]) for name in order}
        self._operations = {name: operation for name, operation in found.items() if operation is not None}
        self.state = WarmUpState.WAITING if self._operations else WarmUpState.OFF

    def start(self) -> None:
        """Begins, unless it is off; ends when the database is closed."""
        if self.state is not WarmUpState.OFF:
            self._database.in_background(self._keep_warm())

    async def _keep_warm(self) -> None:
        known: tuple[RunInfo, ...] = ()
        version: str | None = None
        turns = TURNS
        while True:
            before, version = version, await self._endpoint.version.current()
            # While a run is being loaded every look finds another version; it is waited for.
            settled = version is not None and (turns == TURNS or version == before)
            if settled:
                try:
                    runs = await self._database.read(reads.list_runs)
                    if runs != known:
                        await self._warm(runs, turns)
                        known, turns = runs, TURNS_AGAIN
                    self.state = WarmUpState.DONE
                except (AreteError, TimeoutError) as error:
                    log.info("warming up is tried again later: %s", error)
            await asyncio.sleep(LOOK_S)

    async def _warm(self, runs: tuple[RunInfo, ...], turns: int) -> None:
        self.state = WarmUpState.RUNNING
        self._metrics.warming_up.set(1)
        started = time.perf_counter()
        spent = dict.fromkeys(self._operations, 0.0)
        try:
            # Connections are opened when they are first needed, which takes as long as an answer.
            await asyncio.gather(*(self._database.read(reads.list_runs) for _ in range(8)))
            samples = [sample for run in runs if (sample := await self._sample(run)) is not None]
            for turn in range(turns if samples else 0):
                for name, operation in self._operations.items():
                    if time.perf_counter() - started > WHOLE_S:
                        return
                    if spent[name] < OPERATION_S and (turn < TURNS_OTHERS or name in _OFTEN):
                        sample = samples[turn % len(samples)]
                        took = await self._ask(operation, operation.values(sample, turn // len(samples)))
                        if took is None:
                            spent[name] = OPERATION_S
                        elif turn >= _COLD_TURNS:
                            spent[name] += took
        finally:
            self._metrics.warming_up.set(0)
            log.debug("warmed up in %.1f s: %s", time.perf_counter() - started, spent)

    async def _ask(self, operation: _Operation, values: dict[str, Any] | None) -> float | None:
        """Asks one operation when nobody is, or was just now, answered; returns its seconds, None without an answer."""
        if values is None:
            return None
        while not self._gate.idle or self._gate.quiet_s < _QUIET_S:
            await asyncio.sleep(_PAUSE_S)
        started = time.perf_counter()
        answered = await self._endpoint.rehearse(operation.text, values)
        elapsed = time.perf_counter() - started
        self._metrics.warm_up_seconds.observe(elapsed)
        return elapsed if answered else None

    async def _sample(self, run: RunInfo) -> _Sample | None:
        page = await self._database.read(reads.list_classes, run.id, first=_CLASSES)
        classes = [one for one in page.items if one.mass is not None] or list(page.items)
        if not classes:
            return None
        graph = await self._database.read(reads.class_graph, classes[0].id, mass=classes[0].mass or 0.2)
        if not graph.vertices:
            return None
        middle = graph.vertices[len(graph.vertices) // 2].channel
        return _Sample(
            run=run.id,
            layer=f"{run.id}/{middle.layer}",
            channels=tuple(vertex.channel.id for vertex in graph.vertices),
            classes=tuple(one.id for one in classes),
            name=classes[0].name,
        )


def _read(schema: strawberry.Schema, text: str) -> _Operation | None:
    """Reads what an operation has to be given; None for one that changes something."""
    for node in parse(text).definitions:
        if isinstance(node, OperationDefinitionNode) and node.operation is OperationType.QUERY:
            fields = [one.name.value for one in node.selection_set.selections if isinstance(one, FieldNode)]
            variables = []
            for variable in node.variable_definitions or ():
                type_ = type_from_ast(schema._schema, variable.type)  # Strawberry gives it no other name
                named = None if type_ is None else get_named_type(type_)
                # Of an enum any value will do.
                default = next(iter(named.values)) if isinstance(named, GraphQLEnumType) else None
                variables.append((variable.variable.name.value, isinstance(variable.type, NonNullTypeNode), default))
            return _Operation(text, fields[0] if fields else "", tuple(variables))
    return None
