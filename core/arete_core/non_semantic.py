"""Finds channels that tell nothing of a class because nearly every image of nearly every class takes them.

Summit found five such channels of InceptionV1 by eye and left them out of its graphs. What is found here is a proposal:
whether a channel means something is for a person to say who has looked at it.
"""

from typing import NamedTuple

import numpy as np

from arete_core.errors import SettingError
from arete_core.run_folder import RunFolder

LEAST_CLASSES = 10
"""With fewer class sets "nearly all classes" says nothing."""


class Proposal(NamedTuple):
    """A channel that may be worth excluding.

    Attributes:
        layer: Index of its layer.
        channel: Its index in the layer.
        id: `layer name/channel`.
        classes: Share of the classes in which nearly every image takes it, 0 to 1.
        images: Share of all images that take it, 0 to 1.
    """

    layer: int
    channel: int
    id: str
    classes: float
    images: float


def propose_exclusions(folder: RunFolder, *, of_images: float = 0.9, of_classes: float = 0.9) -> list[Proposal]:
    """Lists channels that at least a share of the images takes in at least a share of the classes.

    Args:
        folder: The run folder. Labels are looked at; other class sets only where there are no labels.
        of_images: Share of a class's images, above 0 and at most 1.
        of_classes: Share of the classes, above 0 and at most 1.

    Returns:
        The channels that are not excluded yet, those that most classes take first. None where there are fewer than
        `LEAST_CLASSES` classes with images. Memory: the table of activation counts.

    Raises:
        SettingError: If a share is out of its range.
        RunAlteredError: If a table does not have its columns.
    """
    for name, share in (("of_images", of_images), ("of_classes", of_classes)):
        if not 0 < share <= 1:
            raise SettingError(f"{name} is {share}, above 0 and at most 1 was expected")
    classes = folder.table("classes")
    counted = classes.column("images").to_numpy() > 0
    labels = np.array([kind == "label" for kind in classes.column("kind").to_pylist()], np.bool_)
    looked_at = counted & labels if (counted & labels).any() else counted
    numbers = classes.column("class").to_numpy()[looked_at]
    images = classes.column("images").to_numpy()[looked_at]
    if len(numbers) < LEAST_CLASSES:
        return []
    layers = folder.table("layers")
    sizes = layers.column("channels").to_numpy()
    starts = np.concatenate([[0], np.cumsum(sizes)])
    rows = folder.table("activations")
    of_rows = rows.column("class").to_numpy()
    kept = np.isin(of_rows, numbers)
    row_class = np.searchsorted(numbers, of_rows[kept])
    place = starts[rows.column("layer").to_numpy()[kept]] + rows.column("channel").to_numpy()[kept]
    column = "top_k_count" if folder.manifest.settings.get("method") == "top-k" else "count"
    counts = rows.column(column).to_numpy()[kept]
    nearly_all = counts >= of_images * images[row_class]
    in_classes = np.bincount(place[nearly_all], minlength=starts[-1]) / len(numbers)
    in_images = np.bincount(place, counts, minlength=starts[-1]) / images.sum()
    excluded = folder.table("channels").filter(folder.table("channels").column("excluded"))
    gone = starts[excluded.column("layer").to_numpy()] + excluded.column("channel").to_numpy()
    found = np.setdiff1d(np.flatnonzero(in_classes >= of_classes), gone)
    order = np.lexsort((found, -in_images[found], -in_classes[found]))
    names = layers.column("name").to_pylist()
    proposals = []
    for position in found[order].tolist():
        layer = int(np.searchsorted(starts, position, side="right")) - 1
        channel = int(position - starts[layer])
        id_ = f"{names[layer]}/{channel}"
        proposals.append(Proposal(layer, channel, id_, float(in_classes[position]), float(in_images[position])))
    return proposals
