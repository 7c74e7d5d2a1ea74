"""Which classes a layer sees alike: cosine of activation counts, and how the nearest ones change upwards."""

from collections.abc import Sequence

from arete_core.errors import BadInput, NotFoundError
from arete_queries.arguments import AGAIN, check_first, check_text
from arete_queries.group_results import ClassNeighbor, LayerNeighbors, Neighborhood, Similarity
from arete_queries.lists import check_same_run, get_class, list_layers
from arete_queries.records import class_info
from arete_queries.runner import QueryRunner
from arete_queries.statements import statements


async def class_neighbors(
    runner: QueryRunner, class_id: str, *, layers: Sequence[str] | None = None, first: int = 10
) -> Neighborhood:
    """Finds a class's nearest classes in each layer.

    Args:
        runner: The database.
        class_id: The class's id.
        layers: Names of layers; all when None. Always taken from the input on, each compared with the one before it in
            this list.
        first: How many neighbours a layer, 1 to 500.

    Returns:
        The neighbours. Classes that share no active channel with it, or all of the other classes where it activates
        none in a layer, are no neighbours.

    Raises:
        NotFoundError: If there is no such class or layer.
        BadInput: If `first` cannot be, or no layer is asked for.
    """
    asked = {"class": check_text("class", class_id), "first": check_first(first)}
    if layers is not None and not layers:
        raise BadInput("layers: at least one was expected")
    names = None if layers is None else list(dict.fromkeys(check_text("layer", name) for name in layers))
    rows = await runner.run("layer_neighbors", asked | {"layers": names})
    if len(rows) < len(names or (1,)):
        await _find_missing(runner, class_id, names or [])
    found: list[LayerNeighbors] = []
    for row in rows:
        neighbors = tuple(
            ClassNeighbor(class_info(class_), min(cosine, 1.0))
            for class_, cosine in zip(row["neighbors"], row["cosines"], strict=True)
        )
        before = [one.class_.id for one in found[-1].neighbors] if found else []
        now = [one.class_.id for one in neighbors]
        found.append(
            LayerNeighbors(
                layer=row["layer"],
                layer_index=row["layerIndex"],
                neighbors=neighbors,
                entered=tuple(id_ for id_ in now if id_ not in before) if before else (),
                left=tuple(id_ for id_ in before if id_ not in now),
                stayed=len(set(now) & set(before)) / len(now) if before and now else None,
            )
        )
    last = asked | {"layers": [rows[-1]["layer"]]}
    cypher = statements()["layer_neighbors"].with_values(last)
    return Neighborhood(class_info(rows[0]["class"]), tuple(found), cypher)


async def class_similarity(runner: QueryRunner, class_id: str, layer_id: str) -> Similarity:
    """Compares a class with every class of its run, as one layer sees them.

    Args:
        runner: The database.
        class_id: The class's id.
        layer_id: The id of a layer of its run.

    Returns:
        The cosines.

    Raises:
        NotFoundError: If there is no such class or layer.
        BadInput: If they are of different runs.
    """
    asked = {"class": check_text("class", class_id), "layer": check_text("layer", layer_id)}
    rows = await runner.run("layer_similarity", asked)
    if not rows:
        await check_same_run(runner, class_id=class_id, layer_id=layer_id)
        raise NotFoundError("class", class_id, hint=AGAIN)
    (row,) = rows
    return Similarity(
        class_=class_info(row["class"]),
        layer=layer_id,
        classes=tuple(row["classes"]),
        cosines=tuple(min(cosine, 1.0) for cosine in row["cosines"]),
        cypher=statements()["layer_similarity"].with_values(asked),
    )


async def _find_missing(runner: QueryRunner, class_id: str, names: list[str]) -> None:
    """Raises what explains an answer without one of the layers."""
    layers = await list_layers(runner, (await get_class(runner, class_id)).run)
    known = [layer.name for layer in layers]
    for name in names:
        if name not in known:
            raise NotFoundError("layer", name, hint="the run has the layers " + ", ".join(known))
    raise NotFoundError("class", class_id, hint=AGAIN)
