"""What a person types for a run or a class, turned into an id."""

from typing import TYPE_CHECKING

from arete_core.errors import NotFoundError, SettingError

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
    exact = [info for info in page.classes if info.name.lower() == text.lower()]
    found = exact or list(page.classes)
    if len(found) == 1:
        return found[0]
    if not found:
        raise NotFoundError("class", text, hint=f"list the classes of {home.id} with `arete runs {home.id}`")
    names = ", ".join(repr(info.name) for info in found[:_LISTED])
    raise NotFoundError("class", text, hint=f"it fits {page.total} classes, give one in full: {names}")
