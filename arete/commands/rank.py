"""`arete rank`: the channels that matter most to a class, ranked as one likes."""

from typing import TYPE_CHECKING, Annotated

import typer

from arete.commands.answering import answer, choice
from arete.commands.options import AsJson, Class, Cypher, First, Home, MinShare, Quiet, Run

if TYPE_CHECKING:
    from arete_queries.ranking import Ranking
    from arete_queries.runner import QueryRunner


def rank(
    class_: Class,
    run: Run = None,
    damping: Annotated[float, typer.Option("--damping", help="Probability of following an edge.")] = 0.85,
    floor: MinShare = 0.0,
    seeds: Annotated[
        list[str] | None,
        typer.Option(
            "--seeds",
            help="Restart at this channel: LAYER/CHANNEL, or LAYER/CHANNEL=WEIGHT. May be given again.",
            show_default=False,
        ),
    ] = None,
    exclude: Annotated[
        list[str] | None,
        typer.Option("--exclude", help="Leave out this channel. May be given again.", show_default=False),
    ] = None,
    scores: Annotated[
        str | None,
        typer.Option("--scores", help="Restart in proportion to this score of the run.", show_default=False),
    ] = None,
    mode: Annotated[
        str, typer.Option("--mode", help="exact (the fixed point) or summit (where networkx stops).")
    ] = "exact",
    first: First = 50,
    cypher: Cypher = False,
    as_json: AsJson = False,
    home: Home = None,
    quiet: Quiet = False,
) -> None:
    """Rank a class's channels by personalized PageRank, with any damping, restarts, floor and exclusions."""
    from arete.resolve import resolve_class
    from arete_queries.reads import RankMode, rank_channels

    wanted = choice(RankMode, "--mode", mode, "exact or summit")
    weights = None if not seeds else dict(_seed(text) for text in seeds)

    async def question(runner: "QueryRunner") -> "Ranking":
        found = await resolve_class(runner, class_, run)
        return await rank_channels(
            runner,
            found.id,
            damping=damping,
            seeds=None if weights is None else {_global(found.run, id_): value for id_, value in weights.items()},
            exclude=[_global(found.run, id_) for id_ in exclude or ()],
            min_share=floor,
            scores=scores,
            mode=wanted,
            first=first,
        )

    answer(question, _print, home=home, quiet=quiet, as_json=as_json, cypher=cypher)


def _print(found: "Ranking") -> None:
    from arete.output import print_table

    info = found.class_
    title = f"{info.name} ({info.id}): {found.reached:,} channels with a rank, damping {found.damping:g}"
    print_table(title, ("channel", "rank"), [(one.channel.partition("/")[2], one.rank) for one in found.channels])


def _seed(text: str) -> tuple[str, float]:
    from arete_core.errors import SettingError

    id_, found, weight = text.rpartition("=")
    if not found:
        return text, 1.0
    try:
        return id_, float(weight)
    except ValueError:
        raise SettingError(f"--seeds {text!r}: LAYER/CHANNEL=WEIGHT was expected") from None


def _global(run: str, id_: str) -> str:
    """Puts the run before a channel's id where it is not there yet; a layer's name may hold slashes itself."""
    return id_ if id_.startswith(f"{run}/") else f"{run}/{id_}"
