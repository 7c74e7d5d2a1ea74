"""Personalized PageRank as a graph query, for rankings that are not stored: other damping, seeds or floor.

GDS 2.13 can start a walk at nodes but not with a weight for each. The exact way round: in the projection the class's
own node, which is no channel, has an edge to every channel, weighted with the wanted restart; the walk starts there.
Nothing leads back to it, so its edges carry the restarts and nothing else. Without it, and divided by their sum, the
scores are those of `rank.pagerank` on the same edges. Nothing is written, so a read-only database will do.

GDS stops a channel's messages once they are below the tolerance; the number of iterations is chosen so that what is
still on its way then is below the tolerance too, whatever the damping.
"""

import asyncio
import math
import uuid
from collections.abc import Mapping, Sequence
from typing import Any, Final, TypeAlias

from arete_core.errors import BadInput, NotFoundError
from arete_core.rank import DAMPING
from arete_queries.arguments import check_min_share, check_text
from arete_queries.channel_page import get_channels
from arete_queries.lists import get_channel, get_class
from arete_queries.results import ClassInfo
from arete_queries.runner import QueryRunner

_TOLERANCE: Final = 1e-13
MAX_DAMPING: Final = 0.99  # 3,000 iterations
_MAX_SEEDS: Final = 100
MAX_EXCLUDED: Final = 400
"""Channels that one ranking may leave out, besides those that the run excludes."""

Seeds: TypeAlias = Sequence[str] | Mapping[str, float]
"""Channel ids, or weights by channel id."""


async def gds_rank(
    runner: QueryRunner,
    class_id: str,
    *,
    damping: float = DAMPING,
    seeds: Seeds | None = None,
    exclude: Sequence[str] = (),
    min_share: float = 0.0,
    scores: str | None = None,
) -> dict[str, float]:
    """Ranks the channels of a class with the Graph Data Science library.

    Args:
        runner: The database; may be read-only.
        class_id: The class's id.
        damping: Probability of following an edge, above 0 and up to 0.99.
        seeds: Ids of channels of the class's run to restart at, with a weight of at least 0 for each, or all with the
            same probability; None for the activation counts, each divided by its layer's largest, as the stored ranks
            have it.
        exclude: Ids of channels that take no part, besides those that the run excludes.
        min_share: Edges seen in less than this share of the class's images are left out, 0 to 1.
        scores: Name of a score that the run has for the class's channels, to restart in proportion to it (negative
            scores count as 0); excludes `seeds`.

    Returns:
        Rank by channel id, summing to 1; channels that are never reached are left out, all of them where the walk has
        nowhere to start.

    Raises:
        NotFoundError: If there is no such class, seed or score.
        BadInput: If damping, a weight or `min_share` cannot be, the seeds are none, of another run or excluded, or
            seeds and scores are both given.
        CapabilityError: If the database lacks GDS.
        DatabaseError: If the database fails or cannot be reached.
    """
    if not 0 < damping <= MAX_DAMPING:
        raise BadInput(f"damping: above 0 and up to {MAX_DAMPING} was expected, found {damping}")
    min_share = check_min_share(min_share)
    class_ = await get_class(runner, check_text("class", class_id))
    weights = await check_restarts(runner, class_, seeds, exclude, scores)
    graph = f"arete-{uuid.uuid4()}"
    values = project_values(class_.id, graph, weights, exclude, min_share, scores)
    try:
        projected = await runner.run("gds_project", values)
        if not projected or not projected[0]["restarts"]:
            return {}
        rows = await runner.run("gds_pagerank", pagerank_values(class_.id, graph, damping))
    finally:
        # A projection stays in the server's memory until it is dropped, also when the caller has gone.
        await asyncio.shield(runner.run("gds_drop", {"graph": graph}))
    scored = dict(zip(rows[0]["channels"], rows[0]["scores"], strict=True))
    total = math.fsum(scored.values())
    return {channel: score / total for channel, score in scored.items()}


async def class_scores(runner: QueryRunner, class_id: str) -> tuple[str, ...]:
    """Returns the names of the further scores that a class's channels have.

    Args:
        runner: The database.
        class_id: The class's id.

    Returns:
        The names; none for a class without scores, or that is not there.
    """
    return tuple(row["name"] for row in await runner.run("score_names", {"class": check_text("class", class_id)}))


async def check_restarts(
    runner: QueryRunner, class_: ClassInfo, seeds: Seeds | None, exclude: Sequence[str], scores: str | None
) -> dict[str, float] | None:
    """Checks where a walk is to restart and what it is to leave out.

    Args:
        runner: The database.
        class_: The class.
        seeds: As in `gds_rank`.
        exclude: As in `gds_rank`.
        scores: As in `gds_rank`.

    Returns:
        Weight by seed, or None without seeds.

    Raises:
        NotFoundError: If there is no such seed, excluded channel or score.
        BadInput: If they cannot be, or contradict each other.
    """
    weights = None if seeds is None else dict(seeds) if isinstance(seeds, Mapping) else dict.fromkeys(seeds, 1.0)
    if weights is not None and not 0 < len(weights) <= _MAX_SEEDS:
        raise BadInput(f"seeds: 1 to {_MAX_SEEDS} channels were expected, found {len(weights)}")
    if len(exclude) > MAX_EXCLUDED:
        raise BadInput(f"exclude: {MAX_EXCLUDED} channels at most were expected, found {len(exclude):,}")
    known = await get_channels(runner, [*exclude, *(weights or ())])
    for id_ in exclude:
        channel = known.get(id_) or await get_channel(runner, id_)
        if channel.run != class_.run:
            raise BadInput(f"exclude: channel {id_!r} is not of the class's run {class_.run!r}")
    if scores is not None:
        if seeds is not None:
            raise BadInput("seeds and scores contradict each other: both say where to restart", hint="give one of them")
        names = await class_scores(runner, class_.id)
        if check_text("scores", scores) not in names:
            hint = f"the class has the scores {', '.join(names)}" if names else "its run has no scores.parquet"
            raise NotFoundError("score", scores, hint=hint)
    if weights is None:
        return None
    for id_, weight in weights.items():
        if not (weight >= 0 and math.isfinite(weight)):
            raise BadInput(f"seeds: a weight of at least 0 was expected for {id_!r}, found {weight}")
        channel = known.get(id_) or await get_channel(runner, id_)
        if channel.run != class_.run:
            raise BadInput(f"seeds: channel {id_!r} is not of the class's run {class_.run!r}")
        if id_ in exclude or channel.excluded:
            raise BadInput(f"seeds: channel {id_!r} is excluded, so that no walk can restart there")
    if not any(weights.values()):
        raise BadInput("seeds: a weight above 0 was expected for one of them")
    return {id_: float(weight) for id_, weight in weights.items()}


def project_values(
    class_id: str,
    graph: str,
    weights: Mapping[str, float] | None,
    exclude: Sequence[str],
    min_share: float,
    scores: str | None,
) -> dict[str, Any]:
    """Returns the values of `gds_project`."""
    return {
        "class": class_id,
        "graph": graph,
        "minShare": min_share,
        "seeds": None if weights is None else list(weights),
        "weights": None if weights is None else list(weights.values()),
        "scores": scores,
        "excluded": sorted(set(exclude)),
    }


def pagerank_values(class_id: str, graph: str, damping: float) -> dict[str, Any]:
    """Returns the values of `gds_pagerank`."""
    return {
        "class": class_id,
        "graph": graph,
        "damping": float(damping),
        "iterations": math.ceil(math.log(_TOLERANCE) / math.log(damping)) + 10,
        "tolerance": _TOLERANCE,
    }
