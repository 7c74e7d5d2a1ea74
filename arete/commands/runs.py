"""`arete runs`: what the database holds."""

from typing import TYPE_CHECKING, Annotated

import typer

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
    from arete.connect import ask
    from arete.output import print_json
    from arete.progress import make_progress
    from arete.settings import load_settings
    from arete_queries.reads import list_runs

    settings = load_settings(home=home)
    progress = make_progress(quiet=quiet)
    if run is None:
        found = ask(settings, progress, list_runs)
        print_json(found) if as_json else _print_runs(found)
        return

    async def question(runner: "QueryRunner") -> "list[ClassInfo]":
        return await _all_classes(runner, run, search)

    classes = ask(settings, progress, question)
    print_json(classes) if as_json else _print_classes(run, classes)


async def _all_classes(runner: "QueryRunner", run: str, search: str | None) -> "list[ClassInfo]":
    from arete_queries.reads import get_run, list_classes

    await get_run(runner, run)
    classes: list[ClassInfo] = []
    after: str | None = None
    while True:
        page = await list_classes(runner, run, search=search, first=500, after=after)
        classes.extend(page.classes)
        if not page.has_next:
            return classes
        after = page.cursor


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
