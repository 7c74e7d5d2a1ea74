"""Any ranking that a person asks for: other damping, other restarts, channels left out, another stop rule."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from arete_core.errors import BadInput
from arete_core.rank import DAMPING, Floats, RankMode, pagerank
from arete_queries.arguments import check_first, check_min_share, check_text
from arete_queries.gds_rank import (
    MAX_DAMPING,
    Seeds,
    check_restarts,
    gds_rank,
    pagerank_values,
    project_values,
)
from arete_queries.lists import get_class
from arete_queries.results import ClassInfo
from arete_queries.runner import QueryRunner
from arete_queries.statements import statements
from arete_queries.transaction import Row


@dataclass(frozen=True)
class RankedChannel:
    """A channel's id and its rank, 0 to 1."""

    channel: str
    rank: float


@dataclass(frozen=True)
class Ranking:
    """The channels of a class with the largest ranks, largest first, equal ones by layer and index.

    `reached` is the number of channels with a rank above 0; all ranks, listed or not, sum to 1, or are 0 where the walk
    has nowhere to start. `cypher` is the statements that give the `exact` ranking, up to a factor.
    """

    class_: ClassInfo
    mode: RankMode
    damping: float
    reached: int
    channels: tuple[RankedChannel, ...]
    cypher: str


async def rank_channels(
    runner: QueryRunner,
    class_id: str,
    *,
    damping: float = DAMPING,
    seeds: Seeds | None = None,
    exclude: Sequence[str] = (),
    min_share: float = 0.0,
    scores: str | None = None,
    mode: RankMode = RankMode.EXACT,
    first: int = 50,
) -> Ranking:
    """Ranks the channels of a class.

    Args:
        runner: The database; may be read-only. `exact` needs its Graph Data Science library.
        class_id: The class's id.
        damping: Probability of following an edge, above 0 and up to 0.99.
        seeds: Channels to restart at, as in `gds_rank`.
        exclude: Channels to leave out.
        min_share: Edges seen in less than this share of the class's images are left out, 0 to 1.
        scores: Name of a score to restart in proportion to.
        mode: `exact`, walked by the database to the fixed point; or `summit`, stopped where networkx stops, which the
            database cannot do: its edges are read and walked here.
        first: How many channels at most, 1 to 500.

    Returns:
        The ranking.

    Raises:
        NotFoundError: If there is no such class, channel or score.
        BadInput: If an argument cannot be, or two contradict each other.
        CapabilityError: If the database lacks GDS.
        ConvergenceError: In mode `summit`, if the walk does not settle in 100 steps.
    """
    first, mode = check_first(first), RankMode(mode)
    min_share = check_min_share(min_share)
    class_ = await get_class(runner, check_text("class", class_id))
    if not 0 < damping <= MAX_DAMPING:
        raise BadInput(f"damping: above 0 and up to {MAX_DAMPING} was expected, found {damping}")
    weights = await check_restarts(runner, class_, seeds, exclude, scores)
    if mode is RankMode.EXACT:
        ranks = await gds_rank(
            runner, class_.id, damping=damping, seeds=weights, exclude=exclude, min_share=min_share, scores=scores
        )
    else:
        (row,) = await runner.run("class_counts", {"class": class_.id, "minShare": min_share, "scores": scores})
        ranks = _walk(row, weights, set(exclude), scores is not None, damping, mode)
    order = sorted(ranks, key=lambda id_: (-ranks[id_], *_natural(id_)))
    texts = (
        statements()["gds_project"].with_values(
            project_values(class_.id, "ranking", weights, exclude, min_share, scores)
        ),
        statements()["gds_pagerank"].with_values(pagerank_values(class_.id, "ranking", damping)),
        statements()["gds_drop"].with_values({"graph": "ranking"}),
    )
    return Ranking(
        class_=class_,
        mode=mode,
        damping=damping,
        reached=len(ranks),
        channels=tuple(RankedChannel(id_, ranks[id_]) for id_ in order[:first]),
        cypher=";\n".join(texts) + ";",
    )


def _natural(id_: str) -> tuple[str, int]:
    layer, _, channel = id_.rpartition("/")
    return layer, int(channel)


def _walk(
    row: Row, seeds: dict[str, float] | None, exclude: set[str], scored: bool, damping: float, mode: RankMode
) -> dict[str, float]:
    """Ranks what `class_counts` returned; the same graph and restarts as `gds_project`."""
    ids: list[str] = row["channels"]
    place = {id_: number for number, id_ in enumerate(ids)}
    present = ~np.array(row["excluded"], dtype=np.bool_)
    present &= np.array([id_ not in exclude for id_ in ids], dtype=np.bool_)
    sources = np.array([place[id_] for id_ in row["sources"]], dtype=np.int64)
    targets = np.array([place[id_] for id_ in row["targets"]], dtype=np.int64)
    counts = np.array(row["counts"], dtype=np.float64)
    if seeds is not None:
        restart = np.array([seeds.get(id_, 0.0) for id_ in ids])
    elif scored:
        restart = np.maximum(np.array(row["scored"], dtype=np.float64), 0.0)
    else:
        restart = _activations(row, present)
    inside = present[sources] & present[targets]
    number = np.cumsum(present) - 1
    ranks = np.zeros(len(ids))
    ranks[present] = pagerank(
        int(present.sum()),
        number[sources[inside]],
        number[targets[inside]],
        counts[inside],
        restart[present],
        damping=damping,
        mode=mode,
    )
    return {id_: float(rank) for id_, rank in zip(ids, ranks, strict=True) if rank > 0}


def _activations(row: Row, present: np.ndarray) -> Floats:
    layers = np.array(row["layers"], dtype=np.int64)
    counts = np.where(present, np.array(row["activations"], dtype=np.float64), 0.0)
    largest = np.zeros(int(layers.max(initial=-1)) + 1)
    np.maximum.at(largest, layers, counts)
    return counts / np.maximum(largest, 1)[layers]
