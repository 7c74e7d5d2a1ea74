"""Channels over all classes of a run: used by everything or specialists, and which ones go together."""

import asyncio
import uuid
from dataclasses import dataclass
from enum import StrEnum

from arete_core.errors import BadInput, NotFoundError
from arete_queries.arguments import AGAIN, check_first, check_text
from arete_queries.lists import get_run, list_layers
from arete_queries.records import channel_info
from arete_queries.results import ChannelInfo
from arete_queries.runner import QueryRunner
from arete_queries.statements import statements

COMMUNITIES_TIMEOUT_S = 120.0
"""Every pair of channels of every class is looked at."""


class UseOrder(StrEnum):
    """Which channels come first: kept by most classes, of largest mean rank, or with the fewest effective classes."""

    GENERAL = "general"
    CENTRAL = "central"
    SPECIAL = "special"


@dataclass(frozen=True)
class ChannelUse:
    """How the classes of a run use a channel.

    `kept_by` of their attribution graphs have it. `mean_rank` is the mean of its rank over all classes, in which every
    class counts alike. `effective_classes`, from 1 to the number of classes, is the exponential of
    the entropy of the classes' parts of its rank: 1 where one class has all of it, n where n have the same part.
    """

    channel: ChannelInfo
    kept_by: int
    mean_rank: float
    effective_classes: float


@dataclass(frozen=True)
class ChannelUses:
    """Channels by their use. `classes` is the number of classes. Channels without rank in any class are left out."""

    classes: int
    channels: tuple[ChannelUse, ...]
    cypher: str


@dataclass(frozen=True)
class Community:
    """Channels that the same classes keep, by layer and index."""

    channels: tuple[ChannelInfo, ...]


@dataclass(frozen=True)
class Communities:
    """Communities of a run's channels, largest first; channels that nothing joins to another are in none.

    `cypher` is the statements that give them.
    """

    run: str
    at_least: int
    gamma: float
    communities: tuple[Community, ...]
    cypher: str


async def channel_uses(
    runner: QueryRunner,
    run: str,
    *,
    layer: str | None = None,
    order: UseOrder = UseOrder.CENTRAL,
    first: int = 50,
) -> ChannelUses:
    """Lists a run's channels by how its classes use them.

    Args:
        runner: The database.
        run: The run's id.
        layer: Name of one layer; all when None.
        order: Which come first.
        first: How many, 1 to 500.

    Returns:
        The channels.

    Raises:
        NotFoundError: If there is no such run or layer.
        BadInput: If `first` cannot be.
    """
    check_text("run", run)
    if layer is not None:
        names = [one.name for one in await list_layers(runner, run)]
        if layer not in names:
            raise NotFoundError("layer", layer, hint="the run has the layers " + ", ".join(names))
    params = {
        "run": run,
        "layer": None if layer is None else f"{run}/{layer}",
        "order": UseOrder(order).value,
        "first": check_first(first),
    }
    rows = await runner.run("channel_use", params)
    if not rows:
        await get_run(runner, run)
        raise NotFoundError("run", run, hint=AGAIN)
    channels = tuple(
        ChannelUse(channel_info(one), one["keptBy"], one["meanRank"], max(one["effectiveClasses"], 1.0))
        for one in rows[0]["channels"]
    )
    return ChannelUses(rows[0]["total"], channels, statements()["channel_use"].with_values(params))


async def channel_communities(
    runner: QueryRunner, run: str, *, at_least: int = 2, gamma: float = 1.0, first: int = 50
) -> Communities:
    """Groups a run's channels by the classes that keep them, with the Leiden algorithm [traag2019louvain].

    Args:
        runner: The database; may be read-only.
        run: The run's id.
        at_least: Two channels are joined where at least so many classes keep both, 1 or more.
        gamma: Resolution, above 0: larger values give smaller communities.
        first: How many communities at most, 1 to 500.

    Returns:
        The communities; the same ones whenever the same data is asked.

    Raises:
        NotFoundError: If there is no such run.
        BadInput: If an argument cannot be.
        CapabilityError: If the database lacks GDS.
    """
    if at_least < 1:
        raise BadInput(f"at_least: 1 or more classes were expected, found {at_least}")
    if not 0 < gamma <= 100:
        raise BadInput(f"gamma: above 0 and up to 100 was expected, found {gamma}")
    first = check_first(first)
    info = await get_run(runner, check_text("run", run))
    graph = f"arete-{uuid.uuid4()}"
    asked = {"run": info.id, "atLeast": at_least}
    try:
        projected = await runner.run("communities_project", asked | {"graph": graph}, timeout_s=COMMUNITIES_TIMEOUT_S)
        rows = []
        if projected and projected[0]["nodes"]:
            rows = await runner.run("communities", {"graph": graph, "gamma": float(gamma)})
    finally:
        # A projection stays in the server's memory until it is dropped, also when the caller has gone.
        await asyncio.shield(runner.run("gds_drop", {"graph": graph}))
    name = {"graph": "communities"}
    texts = (
        statements()["communities_project"].with_values(asked | name),
        statements()["communities"].with_values(name | {"gamma": float(gamma)}),
        statements()["gds_drop"].with_values(name),
    )
    return Communities(
        run=info.id,
        at_least=at_least,
        gamma=float(gamma),
        communities=tuple(
            Community(tuple(channel_info(channel) for channel in row["channels"])) for row in rows[:first]
        ),
        cypher=";\n".join(texts) + ";",
    )
