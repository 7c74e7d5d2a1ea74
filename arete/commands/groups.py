"""`arete groups`: named sets of classes."""

from typing import TYPE_CHECKING, Annotated

import typer

from arete.commands.answering import answer
from arete.commands.options import AsJson, Home, Quiet, Run

if TYPE_CHECKING:
    from arete_queries.group_results import Group, GroupInfo
    from arete_queries.runner import QueryRunner

app = typer.Typer(help="Make, list and delete groups: named sets of classes.", no_args_is_help=True)
Name = Annotated[str, typer.Argument(metavar="NAME", help="The group's name.")]


@app.command("create")
def create(
    name: Name,
    classes: Annotated[list[str], typer.Argument(metavar="CLASS...", help="Names, parts of them, ids, or groups.")],
    run: Run = None,
    replace: Annotated[
        bool, typer.Option("--replace", help="Give a group of this name these classes instead.")
    ] = False,
    as_json: AsJson = False,
    home: Home = None,
    quiet: Quiet = False,
) -> None:
    """Make a group of classes."""
    from arete.resolve import resolve_classes
    from arete_queries.reads import create_group

    async def work(runner: "QueryRunner") -> "GroupInfo":
        ids = await resolve_classes(runner, classes, run)
        return await create_group(runner, ids[0].partition("/")[0], name, ids, replace=replace)

    def show(made: "GroupInfo") -> None:
        typer.echo(f"{made.id}: {made.class_count} classes")

    answer(work, show, home=home, quiet=quiet, as_json=as_json)


@app.command("list")
def list_(run: Run = None, as_json: AsJson = False, home: Home = None, quiet: Quiet = False) -> None:
    """List a run's groups."""
    from arete.output import print_table
    from arete.resolve import resolve_run
    from arete_queries.reads import list_groups

    async def question(runner: "QueryRunner") -> "tuple[GroupInfo, ...]":
        return await list_groups(runner, (await resolve_run(runner, run)).id)

    def table(found: "tuple[GroupInfo, ...]") -> None:
        print_table("", ("group", "name", "classes"), [(info.id, info.name, info.class_count) for info in found])

    answer(question, table, home=home, quiet=quiet, as_json=as_json)


@app.command("show")
def show(name: Name, run: Run = None, as_json: AsJson = False, home: Home = None, quiet: Quiet = False) -> None:
    """List a group's classes."""
    from arete.output import print_table
    from arete_queries.reads import get_group

    async def question(runner: "QueryRunner") -> "Group":
        return await get_group(runner, await _group_id(runner, name, run))

    def table(found: "Group") -> None:
        rows = [(one.id, one.name, one.images) for one in found.classes]
        print_table(f"{found.info.name} ({found.info.id}): {len(rows)} classes", ("id", "name", "images"), rows)

    answer(question, table, home=home, quiet=quiet, as_json=as_json)


@app.command("delete")
def delete(name: Name, run: Run = None, home: Home = None, quiet: Quiet = False) -> None:
    """Delete a group; its classes stay."""
    from arete.connect import ask
    from arete.progress import make_progress
    from arete.settings import load_settings
    from arete_queries.reads import delete_group

    async def work(runner: "QueryRunner") -> str:
        id_ = await _group_id(runner, name, run)
        await delete_group(runner, id_)
        return id_

    typer.echo(f"{ask(load_settings(home=home), make_progress(quiet=quiet), work)}: deleted")


async def _group_id(runner: "QueryRunner", name: str, run: str | None) -> str:
    from arete.resolve import resolve_run

    if run is None and "/" in name:
        return name
    return f"{(await resolve_run(runner, run)).id}/{name}"
