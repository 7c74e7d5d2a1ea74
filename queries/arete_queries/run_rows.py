"""From the run folder's tables to the properties of nodes."""

from typing import Any, Final

from arete_core.class_data import RunData
from arete_core.ids import channel_id, class_id, layer_id
from arete_core.run_folder import RunFolder

GIVEN: Final = "given"
COMPUTED: Final = "computed"
"""Where a run's ranks and attribution graphs come from."""


def run_properties(folder: RunFolder, min_share: float) -> dict[str, Any]:
    """Returns the properties of a run's node.

    Args:
        folder: The run folder.
        min_share: Floor that its edges are loaded with.

    Returns:
        Properties by name, without id and state.
    """
    manifest = folder.manifest
    return {
        "name": manifest.name,
        "model": manifest.model.name,
        "dataset": manifest.dataset.name,
        "images": manifest.dataset.images,
        "imageSize": manifest.model.image_size,
        "device": manifest.device,
        "createdAt": manifest.created_at,
        "folder": str(folder.path),
        "manifestSha256": folder.manifest_sha256,
        "numbersSha256": folder.numbers_sha256,
        "minShare": min_share,
        "method": str(manifest.settings.get("method", "share")),
        "ranking": GIVEN if folder.has_given_graphs else COMPUTED,
    }


def layer_rows(run: str, data: RunData) -> list[dict[str, Any]]:
    """Returns the layers' properties, by layer index.

    Args:
        run: The run's id.
        data: Its tables.

    Returns:
        One map a layer.
    """
    rows = data.layers.to_pylist()
    ids = [layer_id(run, row["name"]) for row in rows]
    return [
        {
            "id": ids[row["layer"]],
            "name": row["name"],
            "index": row["layer"],
            "kind": row["kind"],
            "channels": row["channels"],
            "height": row["height"],
            "width": row["width"],
            "parents": [ids[parent] for parent in row["parents"]],
        }
        for row in rows
    ]


def channel_rows(run: str, data: RunData, folder: RunFolder) -> list[tuple[str, list[dict[str, Any]]]]:
    """Returns the channels' properties, layer by layer.

    Args:
        run: The run's id.
        data: Its tables.
        folder: The run folder, for the pictures.

    Returns:
        For each layer its id and one map a channel.
    """
    pictures = {(row["layer"], row["channel"]): row for row in folder.table("sprites").to_pylist()}
    names = data.layers.column("name").to_pylist()
    rows: list[list[dict[str, Any]]] = [[] for _ in names]
    for channel in data.channels.to_pylist():
        layer, index = channel["layer"], channel["channel"]
        row: dict[str, Any] = {
            "id": channel_id(run, names[layer], index),
            "name": f"{names[layer]}/{index}",  # what Neo4j Browser writes on a node by itself
            "layer": names[layer],
            "layerIndex": layer,
            "index": index,
            "excluded": channel["excluded"],
        }
        if channel["reason"]:
            row["reason"] = channel["reason"]
        if picture := pictures.get((layer, index)):
            row |= {
                "pictureHash": picture["sha256"],
                "pictureTiles": picture["tiles"],
                "pictureTilePx": picture["tile_px"],
            }
        rows[layer].append(row)
    return [(layer_id(run, name), own) for name, own in zip(names, rows, strict=True)]


def class_rows(run: str, data: RunData, first_key: int) -> list[dict[str, Any]]:
    """Returns the classes' properties, in order of class index.

    Args:
        run: The run's id.
        data: Its tables.
        first_key: Key of the first class; the others follow, without gaps.

    Returns:
        One map a class.
    """
    return [
        {
            "id": class_id(run, row["class"]),
            "key": first_key + place,
            "index": row["class"],
            "name": row["name"],
            "kind": row["kind"],
            "images": row["images"],
            "failed": row["failed"],
            "accuracy": row["accuracy"],
            "histogram": row["histogram"],
        }
        for place, row in enumerate(data.classes.to_pylist())
    ]
