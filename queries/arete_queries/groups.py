"""Groups: named sets of classes of one run, kept in the database. `(:Group)-[:CONTAINS]->(:Class)`.

A group's id is `run/name`. Deleting a run deletes its groups; deleting a group leaves its classes alone.
"""

import unicodedata
from collections.abc import Sequence
from typing import Final

from arete_core.errors import BadInput, NotFoundError
from arete_core.ids import split_image_id
from arete_queries.arguments import AGAIN, check_first, check_text, read_cursor
from arete_queries.group_results import Group, GroupInfo
from arete_queries.lists import get_class, get_run, nearest
from arete_queries.records import Map, class_info
from arete_queries.results import ClassInfo, Page
from arete_queries.runner import QueryRunner

MAX_CLASSES: Final = 5_000
"""How many classes a group, or a question about several, may have."""
_MAX_NAME: Final = 100


async def list_groups(runner: QueryRunner, run: str) -> tuple[GroupInfo, ...]:
    """Lists a run's groups by name.

    Args:
        runner: The database.
        run: The run's id.

    Returns:
        The groups.

    Raises:
        NotFoundError: If there is no such run.
    """
    rows = await runner.run("groups", {"run": check_text("run", run)})
    if not rows:
        await get_run(runner, run)
    return tuple(_info(row) for row in rows)


async def get_group(runner: QueryRunner, group_id: str) -> Group:
    """Returns one group.

    Args:
        runner: The database.
        group_id: Its id, `run/name`.

    Returns:
        The group with its classes; none, where they were all deleted.

    Raises:
        NotFoundError: If there is none of this id; the hint names those with nearly the same.
    """
    rows = await runner.run("group", {"group": check_text("group", group_id)})
    if not rows:
        run, _, _ = group_id.partition("/")
        ids = [info.id for info in await list_groups(runner, run)]
        hint = nearest(group_id, ids) or (
            f"run {run!r} has the groups " + ", ".join(ids[:8])
            if ids
            else f"run {run!r} has no groups, make one with `arete groups create`"
        )
        raise NotFoundError("group", group_id, hint=hint)
    row = rows[0]
    classes = tuple(class_info(class_) for class_ in row["classes"])
    return Group(GroupInfo(row["id"], row["run"], row["name"], tuple(one.id for one in classes)), classes)


async def list_group_classes(
    runner: QueryRunner, group_id: str, *, first: int = 50, after: str | None = None
) -> Page[ClassInfo]:
    """Lists a group's classes by index, page by page.

    Args:
        runner: The database.
        group_id: Its id, `run/name`.
        first: Length of the page, 1 to 500.
        after: Cursor of the page before.

    Returns:
        The page.

    Raises:
        NotFoundError: If there is no such group.
        BadInput: If `first` or `after` cannot be.
    """
    question = ("group", group_id)
    start, first = read_cursor(after, *question), check_first(first)
    classes = (await get_group(runner, group_id)).classes
    return Page(classes[start : start + first], len(classes), start, question)


async def expand_groups(runner: QueryRunner, name: str, ids: Sequence[str]) -> list[str]:
    """Puts classes in the place of groups.

    Args:
        runner: The database.
        name: What the ids are, for errors.
        ids: Ids of classes, `run/index`, and of groups, `run/name`; a group's name is never digits only.

    Returns:
        Ids of classes, each once, in the given order.

    Raises:
        NotFoundError: If there is no such group.
        BadInput: If a group is empty, or there are no classes or too many.
    """
    members = await groups_in(runner, name, ids)
    return check_classes(name, [one for id_ in ids for one in members.get(id_, (id_,))])


async def groups_in(runner: QueryRunner, name: str, ids: Sequence[str]) -> dict[str, list[str]]:
    """Returns the classes of those ids that are groups', see `expand_groups`."""
    groups = [id_ for id_ in dict.fromkeys(ids) if not id_.rpartition("/")[2].isdecimal()]
    members: dict[str, list[str]] = {}
    if groups:
        rows = await runner.run("group_members", {"groups": [check_text("group", id_) for id_ in groups]})
        members = {row["id"]: row["classes"] for row in rows}
    for id_ in groups:
        if id_ not in members:
            await get_group(runner, id_)
        if not members.get(id_):
            raise BadInput(f"{name}: group {id_!r} has no classes", hint="add some to it")
    return members


async def create_group(
    runner: QueryRunner, run: str, name: str, classes: Sequence[str], *, replace: bool = False
) -> GroupInfo:
    """Makes a group.

    Args:
        runner: The database.
        run: The run's id.
        name: 1 to 100 characters, not digits only (a class's id looks so), without slashes or control characters;
            spaces around it are dropped.
        classes: Ids of complete classes of the run, 1 to 5,000; the same one twice counts once.
        replace: Give a group of this name these classes instead of its own; one that has them already is left as it is.

    Returns:
        The group.

    Raises:
        NotFoundError: If there is no such run or class.
        BadInput: If name or classes cannot be, a class is of another run, or the name is taken.
    """
    name = _check_name(name)
    ids = check_classes("classes", classes)
    params = {"id": f"{run}/{name}", "run": check_text("run", run), "name": name, "classes": ids, "replace": replace}
    await runner.run("schema_group_id")
    rows = await runner.run("create_group", params)
    if not rows:
        await get_run(runner, run)
        await _check_members(runner, "classes", ids, run)
        raise NotFoundError("run", run, hint=AGAIN)
    if not rows[0]["free"]:
        raise BadInput(f"run {run!r} has a group {name!r} already", hint="replace or delete it, or take another name")
    return GroupInfo(params["id"], run, name, tuple(sorted(ids, key=_index)))


async def update_group(
    runner: QueryRunner, group_id: str, *, add: Sequence[str] = (), remove: Sequence[str] = ()
) -> GroupInfo:
    """Adds classes to a group and takes classes out of it, both at once.

    Args:
        runner: The database.
        group_id: Its id, `run/name`.
        add: Ids of complete classes of its run; those that are in it already stay.
        remove: Ids of classes; those that are not in it are ignored.

    Returns:
        The group as it is then; it may be empty.

    Raises:
        NotFoundError: If there is no such group, or no class that is to be added.
        BadInput: If a class is of another run, is both added and taken out, or there are too many.
    """
    wanted = check_classes("add", add) if add else []
    unwanted = check_classes("remove", remove) if remove else []
    both = sorted(set(wanted) & set(unwanted))
    if both:
        raise BadInput(f"class {both[0]!r} is both to be added and to be taken out", hint="decide for one of them")
    asked = {"group": check_text("group", group_id), "add": wanted, "remove": unwanted}
    rows = await runner.run("update_group", asked)
    if not rows:
        run = (await get_group(runner, group_id)).info.run
        await _check_members(runner, "add", wanted, run)
        raise NotFoundError("run", run, hint=AGAIN)
    return _info(rows[0])


async def delete_group(runner: QueryRunner, group_id: str) -> None:
    """Deletes a group; its classes stay.

    Args:
        runner: The database.
        group_id: Its id, `run/name`.

    Raises:
        NotFoundError: If there is none of this id.
    """
    await get_group(runner, group_id)
    await runner.run("delete_group", {"group": group_id})


def check_classes(name: str, classes: Sequence[str]) -> list[str]:
    """Returns class ids, each once and in the given order.

    Args:
        name: What they are, for the error.
        classes: 1 to 5,000 ids.

    Returns:
        The ids.

    Raises:
        BadInput: If there is none, or too many.
    """
    ids = list(dict.fromkeys(check_text("class", id_) for id_ in classes))
    if not 1 <= len(ids) <= MAX_CLASSES:
        raise BadInput(f"{name}: 1 to {MAX_CLASSES:,} classes were expected, found {len(ids):,}")
    return ids


async def _check_members(runner: QueryRunner, name: str, ids: Sequence[str], run: str) -> None:
    for id_ in ids:
        if (await get_class(runner, id_)).run != run:
            raise BadInput(f"{name}: {id_!r} is not of run {run!r}", hint="a group holds classes of one run")


def _info(row: Map) -> GroupInfo:
    return GroupInfo(row["id"], row["run"], row["name"], tuple(row["classes"]))


def _index(class_id: str) -> int:
    return int(class_id.rpartition("/")[2])


def _check_name(name: str) -> str:
    name = check_text("name", name).strip()
    odd = "/" in name or any(unicodedata.category(character).startswith("C") for character in name)
    if not 1 <= len(name) <= _MAX_NAME or odd or name.isdigit() or split_image_id(f"run/{name}"):
        raise BadInput(
            f"name: {name[:_MAX_NAME]!r} cannot be a group's: 1 to {_MAX_NAME} characters were expected, not digits "
            "only, no image's id, without slashes and control characters"
        )
    return name
