"""`arete runs`: what the database holds."""

from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from arete.commands.answering import answer
from arete.commands.options import AsJson, Home, Quiet

if TYPE_CHECKING:
    from arete_queries.results import ClassInfo, RunInfo
    from arete_queries.runner import QueryRunner


def runs(
    run: Annotated[str | None, typer.Argument(metavar="[RUN]", help="List this run's classes instead.")] = None,
    search: Annotated[str | None, typer.Option("--search", help="Only classes whose name holds this.")] = None,
    as_json: AsJson = False,
    home: Home = None,
    quiet: Quiet = False,
) -> None:
    """List the loaded runs, or one run's classes."""
    from arete_queries.reads import list_runs

    if run is None:
        answer(list_runs, _print_runs, home=home, quiet=quiet, as_json=as_json)
        return

    async def question(runner: "QueryRunner") -> "list[ClassInfo]":
        return await _all_classes(runner, run, search)

    answer(question, partial(_print_classes, run), home=home, quiet=quiet, as_json=as_json)


async def _all_classes(runner: "QueryRunner", run: str, search: str | None) -> "list[ClassInfo]":
    from arete_queries.reads import get_run, list_classes

    await get_run(runner, run)
    classes: list[ClassInfo] = []
    after: str | None = None
    while True:
        page = await list_classes(runner, run, search=search, first=500, after=after)
        classes.extend(page.items)
        if not page.has_next:
            return classes
        after = page.end_cursor


def _print_runs(found: "list[RunInfo] | tuple[RunInfo, ...]") -> None:
    from arete.output import print_table

    if not found:
        typer.echo("no runs yet: try `arete demo`, or `arete ingest` and `arete load`")
        return
    print_table(
        "",
        ("run", "model", "data", "classes", "images", "channels", "made"),
        [
            (
                r.id,
                r.model,
                r.dataset,
                r.complete_classes,
                r.images,
                r.channel_count,
                r.created_at[:16].replace("T", " "),
            )
            for r in found
        ],
    )


def _print_classes(run: str, classes: "list[ClassInfo]") -> None:
    from arete.output import print_table

    print_table(
        f"{len(classes)} classes of {run}",
        ("id", "name", "kind", "images", "failed", "accuracy", "edges", "kept mass"),
        [(c.id, c.name, c.kind, c.images, c.failed, c.accuracy, c.edge_count, c.mass) for c in classes],
    )
