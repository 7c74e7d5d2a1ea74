"""Runs, layers, classes and channels: lists, pages and single ones, with hints for ids that name nothing."""

import difflib
from collections.abc import Sequence

from arete_core.errors import BadInput, NotFoundError
from arete_core.ids import split_channel_id
from arete_queries.arguments import AGAIN, check_first, check_text, read_cursor
from arete_queries.records import channel_info, class_info, layer_info, run_info
from arete_queries.results import ChannelInfo, ClassInfo, ClassKind, ClassOrder, LayerInfo, Page, RunInfo
from arete_queries.runner import QueryRunner

_SUGGESTED = 3


async def list_runs(runner: QueryRunner) -> tuple[RunInfo, ...]:
    """Lists the complete runs, newest first.

    Args:
        runner: The database.

    Returns:
        The runs.

    Raises:
        DatabaseError: If the database fails or cannot be reached; so does every other read.
    """
    return tuple(run_info(row) for row in await runner.run("runs", {"run": None}))


async def get_run(runner: QueryRunner, id_: str) -> RunInfo:
    """Returns one complete run.

    Args:
        runner: The database.
        id_: Its id.

    Returns:
        The run.

    Raises:
        NotFoundError: If there is none of this id; the hint names those with nearly the same.
    """
    rows = await runner.run("runs", {"run": check_text("run", id_)})
    if not rows:
        ids = [run.id for run in await list_runs(runner)]
        raise NotFoundError("run", id_, hint=nearest(id_, ids) or "load one with `arete load RUN`")
    return run_info(rows[0])


async def list_layers(runner: QueryRunner, run: str) -> tuple[LayerInfo, ...]:
    """Lists a run's layers, the one nearest the input first.

    Args:
        runner: The database.
        run: The run's id.

    Returns:
        The layers.

    Raises:
        NotFoundError: If there is no such run.
    """
    rows = await runner.run("layers", {"run": check_text("run", run)})
    if not rows:
        await get_run(runner, run)
    return tuple(layer_info(row["layer"]) for row in rows)


async def layers_of_runs(runner: QueryRunner, runs: Sequence[str]) -> dict[str, tuple[LayerInfo, ...]]:
    """Lists the layers of several runs in one statement.

    Args:
        runner: The database.
        runs: Their ids.

    Returns:
        The layers by run, the one nearest the input first; nothing for a run that is not there.
    """
    found: dict[str, list[LayerInfo]] = {}
    for row in await runner.run("layers_of_runs", {"runs": [check_text("run", run) for run in runs]}):
        found.setdefault(row["run"], []).append(layer_info(row["layer"]))
    return {run: tuple(layers) for run, layers in found.items()}


async def list_classes(
    runner: QueryRunner,
    run: str,
    *,
    search: str | None = None,
    kinds: Sequence[ClassKind] | None = None,
    order: ClassOrder = ClassOrder.INDEX,
    similar_to: str | None = None,
    layer: str | None = None,
    first: int = 50,
    after: str | None = None,
) -> Page[ClassInfo]:
    """Lists a run's classes, page by page.

    Args:
        runner: The database.
        run: The run's id.
        search: Only classes whose name holds this text; upper and lower case are the same, spaces around it are
            ignored.
        kinds: Only classes of these kinds; all when None.
        order: In which order; classes without the number come last, ties by index.
        similar_to: Id of the class that `SIMILARITY` compares with; goes with no other order.
        layer: Id of the layer in which it compares.
        first: Length of the page, 1 to 500.
        after: Cursor of the page before.

    Returns:
        The page.

    Raises:
        NotFoundError: If there is no such run, class or layer.
        BadInput: If `first` or `after` cannot be, no kind is wanted, or class and layer do not go with the order.
    """
    search = check_text("search", search).strip() or None if search else None
    order = ClassOrder(order)
    if (order is ClassOrder.SIMILARITY) != (similar_to is not None) or (similar_to is None) != (layer is None):
        raise BadInput(
            "order: similarity needs a class and a layer, and no other order takes them",
            hint="give both, or choose another order",
        )
    if kinds is not None and not kinds:
        raise BadInput("kinds: at least one was expected", hint="leave it out for all of them")
    wanted = None if kinds is None else sorted({ClassKind(kind).value for kind in kinds})
    question = ("classes", run, search, order.value, similar_to, layer, None if wanted is None else ",".join(wanted))
    start = read_cursor(after, *question)
    params = {
        "run": check_text("run", run),
        "search": search,
        "kinds": wanted,
        "order": order.value,
        "skip": start,
        "first": check_first(first),
    }
    if similar_to is None or layer is None:
        rows = await runner.run("classes", params)
    else:
        del params["order"]
        similar = {"class": check_text("similar_to", similar_to), "layer": check_text("layer", layer)}
        rows = await runner.run("classes_by_similarity", params | similar)
        if not rows:
            await get_run(runner, run)
            await check_same_run(runner, class_id=similar_to, layer_id=layer)
    if not rows:
        await get_run(runner, run)
        raise NotFoundError("run", run, hint=AGAIN)
    return Page(tuple(class_info(class_) for class_ in rows[0]["classes"]), rows[0]["total"], start, question)


async def get_class(runner: QueryRunner, id_: str) -> ClassInfo:
    """Returns one complete class.

    Args:
        runner: The database.
        id_: Its id, `run/index`.

    Returns:
        The class.

    Raises:
        NotFoundError: If there is none of this id; the hint names classes of the run with nearly the same name.
    """
    rows = await runner.run("class", {"class": check_text("class", id_)})
    if not rows:
        raise await _no_class(runner, id_)
    return class_info(rows[0]["class"])


async def get_channel(runner: QueryRunner, id_: str) -> ChannelInfo:
    """Returns one channel.

    Args:
        runner: The database.
        id_: Its id, `run/layer/channel`.

    Returns:
        The channel.

    Raises:
        NotFoundError: If there is none of this id; the hint says what is near it.
    """
    rows = await runner.run("channel", {"channel": check_text("channel", id_)})
    if not rows:
        raise await _no_channel(runner, id_)
    return channel_info(rows[0]["channel"])


async def list_channels(
    runner: QueryRunner, layer_id: str, first: int = 50, after: str | None = None
) -> Page[ChannelInfo]:
    """Lists a layer's channels by index, page by page.

    Args:
        runner: The database.
        layer_id: The layer's id, `run/layer`.
        first: Length of the page, 1 to 500.
        after: Cursor of the page before.

    Returns:
        The page.

    Raises:
        NotFoundError: If there is no such layer.
        BadInput: If `first` or `after` cannot be.
    """
    question = ("channels", layer_id)
    start = read_cursor(after, *question)
    params = {"layer": check_text("layer", layer_id), "from": start, "first": check_first(first)}
    rows = await runner.run("channels", params)
    if not rows:
        raise await no_layer(runner, layer_id)
    return Page(tuple(channel_info(channel) for channel in rows[0]["channels"]), rows[0]["total"], start, question)


async def get_layer(runner: QueryRunner, id_: str) -> LayerInfo:
    """Returns one layer.

    Args:
        runner: The database.
        id_: Its id, `run/layer`.

    Returns:
        The layer.

    Raises:
        NotFoundError: If there is none of this id; the hint says what is near it.
    """
    rows = await runner.run("layers", {"run": check_text("layer", id_).partition("/")[0]})
    for row in rows:
        if row["layer"]["id"] == id_:
            return layer_info(row["layer"])
    raise await no_layer(runner, id_)


async def check_same_run(runner: QueryRunner, *, class_id: str, layer_id: str) -> None:
    """Makes sure that there are a class and a layer, and in one run.

    Args:
        runner: The database.
        class_id: The class's id.
        layer_id: The layer's id.

    Raises:
        NotFoundError: If there is no such class or layer.
        BadInput: If they are of different runs.
    """
    class_, layer = await get_class(runner, class_id), await get_layer(runner, layer_id)
    if class_.run != layer.run:
        raise BadInput(f"class {class_id!r} and layer {layer_id!r} are of different runs", hint="take both of one run")


async def _no_class(runner: QueryRunner, id_: str) -> NotFoundError:
    run, _, name = id_.partition("/")
    rows = await runner.run("class_names", {"run": run})
    if not rows:
        return NotFoundError("class", id_, hint=await _run_hint(runner, run))
    by_name = {row["name"].lower(): f"{row['id']} ({row['name']})" for row in rows}
    near = difflib.get_close_matches(name.lower(), list(by_name), n=_SUGGESTED, cutoff=0.5)
    if near:
        return NotFoundError("class", id_, hint="near it: " + ", ".join(by_name[one] for one in near))
    return NotFoundError("class", id_, hint=f"run {run!r} has the classes {rows[0]['id']} to {rows[-1]['id']}")


async def _no_channel(runner: QueryRunner, id_: str) -> NotFoundError:
    parts = split_channel_id(id_)
    if parts is None:
        return NotFoundError("channel", id_, hint="a channel's id is run/layer/channel, for instance demo/features.3/7")
    rows = await runner.run("layers", {"run": parts.run})
    if not rows:
        return NotFoundError("channel", id_, hint=await _run_hint(runner, parts.run))
    sizes = {row["layer"]["name"]: row["layer"]["channels"] for row in rows}
    if parts.layer in sizes:
        return NotFoundError(
            "channel", id_, hint=f"layer {parts.layer!r} has the channels 0 to {sizes[parts.layer] - 1}"
        )
    return NotFoundError("channel", id_, hint=nearest(parts.layer, list(sizes)) or _layers_hint(parts.run, sizes))


async def no_layer(runner: QueryRunner, id_: str) -> NotFoundError:
    """Returns the error for a layer id that names nothing; its hint says what is near it."""
    run, _, layer = id_.partition("/")
    rows = await runner.run("layers", {"run": run})
    if not rows:
        return NotFoundError("layer", id_, hint=await _run_hint(runner, run))
    names = {row["layer"]["name"]: row["layer"]["channels"] for row in rows}
    return NotFoundError("layer", id_, hint=nearest(layer, list(names)) or _layers_hint(run, names))


def _layers_hint(run: str, layers: dict[str, int]) -> str:
    return f"run {run!r} has the layers " + ", ".join(layers)


async def _run_hint(runner: QueryRunner, run: str) -> str:
    ids = [info.id for info in await list_runs(runner)]
    if run in ids:
        return f"run {run!r} has no classes"
    return f"there is no run {run!r}; " + (nearest(run, ids) or f"the runs are: {', '.join(ids[:8]) or 'none yet'}")


def nearest(text: str, names: list[str]) -> str:
    """Returns a hint with the names that are nearly the text; empty where there are none."""
    near = difflib.get_close_matches(text, names, n=_SUGGESTED, cutoff=0.5)
    return f"near it: {', '.join(near)}" if near else ""
