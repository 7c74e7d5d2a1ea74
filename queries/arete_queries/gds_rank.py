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
from collections.abc import Sequence
from typing import Final

from arete_core.errors import BadInput
from arete_queries.arguments import check_min_share, check_text
from arete_queries.lists import get_channel, get_class
from arete_queries.rank import DAMPING
from arete_queries.runner import QueryRunner

_TOLERANCE: Final = 1e-13
_MAX_DAMPING: Final = 0.99  # 3,000 iterations


async def gds_rank(
    runner: QueryRunner,
    class_id: str,
    *,
    damping: float = DAMPING,
    seeds: Sequence[str] | None = None,
    min_share: float = 0.0,
) -> dict[str, float]:
    """Ranks the channels of a class with the Graph Data Science library.

    Args:
        runner: The database; may be read-only.
        class_id: The class's id.
        damping: Probability of following an edge, above 0 and up to 0.99.
        seeds: Ids of channels of the class's run to restart at, all with the same probability; None for the
            activation counts, each divided by its layer's largest, as the stored ranks have it.
        min_share: Edges seen in less than this share of the class's images are left out, 0 to 1.

    Returns:
        Rank by channel id, summing to 1; channels that are never reached are left out, all of them where the walk has
        nowhere to start.

    Raises:
        NotFoundError: If there is no such class or seed.
        BadInput: If damping or `min_share` cannot be, or the seeds are none, or of another run.
        CapabilityError: If the database lacks GDS.
        DatabaseError: If the database fails or cannot be reached.
    """
    if not 0 < damping <= _MAX_DAMPING:
        raise BadInput(f"damping: above 0 and up to {_MAX_DAMPING} was expected, found {damping}")
    min_share = check_min_share(min_share)
    class_ = await get_class(runner, check_text("class", class_id))
    if seeds is not None:
        if not seeds:
            raise BadInput("seeds: at least one channel was expected")
        for seed in seeds:
            if (await get_channel(runner, seed)).run != class_.run:
                raise BadInput(f"seeds: channel {seed!r} is not of the class's run {class_.run!r}")
    graph = f"arete-{uuid.uuid4()}"
    try:
        projected = await runner.run(
            "gds_project",
            {
                "class": class_id,
                "graph": graph,
                "minShare": min_share,
                "seeds": None if seeds is None else sorted(set(seeds)),
            },
        )
        if not projected or not projected[0]["nodes"]:
            return {}
        rows = await runner.run(
            "gds_pagerank",
            {
                "class": class_id,
                "graph": graph,
                "damping": float(damping),
                "iterations": math.ceil(math.log(_TOLERANCE) / math.log(damping)) + 10,
                "tolerance": _TOLERANCE,
            },
        )
    finally:
        # A projection stays in the server's memory until it is dropped, also when the caller has gone.
        await asyncio.shield(runner.run("gds_drop", {"graph": graph}))
    scores = dict(zip(rows[0]["channels"], rows[0]["scores"], strict=True))
    total = math.fsum(scores.values())
    return {channel: score / total for channel, score in scores.items()}
