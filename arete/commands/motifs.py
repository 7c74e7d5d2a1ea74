"""`arete motifs`: what the attribution graphs of several classes have in common, piece by piece."""

from typing import TYPE_CHECKING, Annotated

import typer

from arete.commands.answering import answer, choice
from arete.commands.options import AsJson, Cypher, First, Home, Mass, Quiet, Run

if TYPE_CHECKING:
    from arete_queries.motif_results import Motif, MotifList
    from arete_queries.runner import QueryRunner

_PATTERNS = "path-2, path-3, path-4, wedge-in, wedge-out, diamond, triangle or subgraph"


def motifs(
    classes: Annotated[list[str], typer.Argument(metavar="GROUP|CLASS...", help="A group's name, or classes.")],
    pattern: Annotated[str, typer.Option("--pattern", help=f"Shape: {_PATTERNS}.")] = "path-2",
    min_support: Annotated[
        float, typer.Option("--min-support", help="Least share of the classes that hold a motif, above 0 and up to 1.")
    ] = 0.5,
    first: First = 50,
    every: Annotated[
        bool, typer.Option("--every", help="List also motifs that are part of a larger one of the same classes.")
    ] = False,
    shared_path: Annotated[
        bool, typer.Option("--shared-path", help="Print only the longest path that all of the classes share.")
    ] = False,
    run: Run = None,
    mass: Mass = None,
    cypher: Cypher = False,
    as_json: AsJson = False,
    home: Home = None,
    quiet: Quiet = False,
) -> None:
    """Find motifs: paths, wedges, diamonds and subgraphs that many of the classes share, and how surprising that is."""
    from arete.resolve import resolve_classes
    from arete_queries import reads

    wanted = choice(reads.MotifPattern, "--pattern", pattern, _PATTERNS)

    async def question(runner: "QueryRunner") -> "MotifList":
        ids = await resolve_classes(runner, classes, run)
        return await reads.find_common_motifs(
            runner, ids, wanted, min_support=min_support, first=first, closed=not every, mass=mass
        )

    async def path_question(runner: "QueryRunner") -> "Motif | None":
        return await reads.shared_path(runner, await resolve_classes(runner, classes, run), mass=mass)

    if shared_path:
        answer(path_question, _print_path, home=home, quiet=quiet, as_json=as_json, cypher=cypher)
    else:
        answer(question, _print, home=home, quiet=quiet, as_json=as_json, cypher=cypher)


def _print_path(path: "Motif | None") -> None:
    typer.echo("the classes share no edge" if path is None else _edges(path))


def _edges(motif: "Motif") -> str:
    return ", ".join(f"{source.partition('/')[2]} → {target.partition('/')[2]}" for source, target in motif.edges)


def _print(found: "MotifList") -> None:
    from arete.output import print_table

    size = len(found.classes)
    print_table(
        f"{found.found:,} motifs ({found.pattern.value.replace('_', ' ')}) in at least {found.at_least} of {size} "
        f"classes; q is corrected for {found.tested:,} tests",
        ("motif", f"of {size}", f"of {found.outside} others", "lift", "q"),
        [(_edges(one), one.support, one.support_outside, one.lift, one.q_value) for one in found.motifs],
    )
