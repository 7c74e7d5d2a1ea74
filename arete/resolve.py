"""What a person types for a run or a class, turned into an id."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from arete_core.errors import BadInput, NotFoundError, SettingError

if TYPE_CHECKING:
    from arete_queries.results import ClassInfo, RunInfo
    from arete_queries.runner import QueryRunner

_LISTED = 8
"""How many candidates a hint names at most."""


async def resolve_run(runner: "QueryRunner", run: str | None) -> "RunInfo":
    """Finds the run that is meant.

    Args:
        runner: The database.
        run: Its id, or None for "the only one there is".

    Returns:
        The run.

    Raises:
        NotFoundError: If there is no such run, or none at all.
        SettingError: If none was named and there are several.
    """
    from arete_queries.reads import get_run, list_runs

    if run is not None:
        return await get_run(runner, run)
    found = await list_runs(runner)
    if not found:
        raise NotFoundError("run", "", hint="load one with `arete load RUN`, or try `arete demo`")
    only, *others = found
    if others:
        names = ", ".join(info.id for info in found[:_LISTED])
        raise SettingError(f"there are {len(found)} runs: {names}", hint=f"say which with --run {only.id}")
    return only


async def resolve_class(runner: "QueryRunner", text: str, run: str | None) -> "ClassInfo":
    """Finds the class that is meant: an id (`run/index`), a whole name, or a part that only one name has.

    Args:
        runner: The database.
        text: What was typed; upper and lower case are the same.
        run: The run to look in, or None for the only one.

    Returns:
        The class.

    Raises:
        NotFoundError: If nothing, or more than one class, fits.
    """
    from arete_queries.reads import get_class, list_classes

    run_part, _, index = text.rpartition("/")
    if run_part and index.isascii() and index.isdigit():
        return await get_class(runner, text)
    home = await resolve_run(runner, run)
    page = await list_classes(runner, home.id, search=text, first=500)
    exact = [info for info in page.items if info.name.lower() == text.lower()]
    found = exact or list(page.items)
    if len(found) == 1:
        return found[0]
    if not found:
        raise NotFoundError("class", text, hint=f"list the classes of {home.id} with `arete runs {home.id}`")
    names = ", ".join(repr(info.name) for info in found[:_LISTED])
    raise NotFoundError("class", text, hint=f"it fits {page.total} classes, give one in full: {names}")


async def resolve_classes(runner: "QueryRunner", texts: Sequence[str], run: str | None) -> list[str]:
    """Finds the classes that are meant: each text names a group, whose classes all count, or a class.

    Args:
        runner: The database.
        texts: What was typed. A group is meant by its whole name or id, upper and lower case being the same; anything
            else is a class, as in `resolve_class`.
        run: The run to look in, or None for the only one.

    Returns:
        Ids of the classes, each once, in the order in which they were named.

    Raises:
        NotFoundError: If nothing, or more than one class, fits.
        BadInput: If a group is empty.
    """
    from arete_queries.reads import get_group, list_groups, list_runs

    found: list[str] = []
    runs = [run] if run is not None else [info.id for info in await list_runs(runner)]
    groups = [group for one in runs for group in await list_groups(runner, one)]
    for text in texts:
        named = [group for group in groups if text.lower() in (group.id.lower(), group.name.lower())]
        if len(named) > 1:
            names = ", ".join(group.id for group in named)
            raise BadInput(f"group {text!r}: {len(named)} runs have one: {names}", hint="say which with --run")
        if not named:
            found.append((await resolve_class(runner, text, run)).id)
            continue
        group = await get_group(runner, named[0].id)
        if not group.classes:
            raise BadInput(f"group {group.info.name!r} is empty: its classes were deleted", hint="create it anew")
        found.extend(info.id for info in group.classes)
    return list(dict.fromkeys(found))
