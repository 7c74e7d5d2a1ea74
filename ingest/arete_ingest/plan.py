"""Which images there are, which class sets they make up, and in which units of work they are counted.

Labels, subsets and single images have units of their own; a superclass has those of its classes, so that nothing is
computed twice for it. This module does not import torch.
"""

import hashlib
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from arete_core.errors import DatasetError
from arete_ingest.class_sets import ClassSet
from arete_ingest.dataset import Dataset


@dataclass(frozen=True)
class CountedSet:
    """A class set of the job: a row of `classes.parquet`.

    Attributes:
        index: The class index: of a label its folder's place, of the others the numbers after all folders.
        name: For people; unique.
        kind: `label`, `superclass`, `subset` or `image`.
        images: int64 ids of its images, ascending.
        units: Numbers of the units that count it.
    """

    index: int
    name: str
    kind: str
    images: np.ndarray
    units: tuple[int, ...]


@dataclass(frozen=True)
class Plan:
    """The images of a job, its class sets and its units of work.

    Attributes:
        sets: In order of index.
        units: By unit number, int64 ids of its images, ascending.
        owners: By image id, int64: the unit whose record of the image is kept, the first that holds it. An image that
            is in several sets is computed in several units.
        files: By image id, paths relative to the data folder.
        labels: By image id, int32: index of the class whose folder it lies in.
        files_sha256: Of the images' relative paths and sizes.
    """

    sets: tuple[CountedSet, ...]
    units: tuple[np.ndarray, ...]
    owners: np.ndarray
    files: tuple[str, ...]
    labels: np.ndarray
    files_sha256: str

    @property
    def steps(self) -> int:
        """Images that are computed, counting one as often as it is computed."""
        return sum(len(unit) for unit in self.units)


def make_plan(dataset: Dataset, sets: Sequence[ClassSet], *, with_labels: bool, unit_images: int) -> Plan:
    """Lays out the units of work.

    Args:
        dataset: The classes and their images.
        sets: The class sets that are no labels, in the order in which they are numbered.
        with_labels: Whether the labels are class sets of the run too, and not only counted for superclasses.
        unit_images: Images a unit; a unit never crosses a label, subset or image.

    Returns:
        The plan. Images are numbered by label and then by path.

    Raises:
        DatasetError: If a superclass holds a class whose images are not there.
    """
    by_label = {class_.index: class_ for class_ in dataset.classes}
    listed = {(class_.index, file) for class_ in dataset.classes for file in class_.files}
    extra = {file for one in sets for file in one.files} - listed
    rows = sorted(listed | extra)
    ids = {row: number for number, row in enumerate(rows)}
    units: list[np.ndarray] = []

    def units_of(images: np.ndarray) -> tuple[int, ...]:
        first = len(units)
        units.extend(images[start : start + unit_images] for start in range(0, len(images), unit_images))
        return tuple(range(first, first + math.ceil(len(images) / unit_images)))

    labels: dict[int, CountedSet] = {}
    for index, class_ in by_label.items():
        images = np.array([ids[index, file] for file in class_.files], np.int64)
        labels[index] = CountedSet(index, class_.name, "label", images, units_of(images))
    counted = list(labels.values()) if with_labels else []
    for index, one in enumerate(sets, start=len(dataset.folders)):
        if one.kind == "superclass":
            members = [labels[label] for label in _members(one, by_label, dataset)]
            images = np.concatenate([member.images for member in members])
            own = tuple(unit for member in members for unit in member.units)
        else:
            images = np.array([ids[file] for file in one.files], np.int64)
            own = units_of(images)
        counted.append(CountedSet(index, one.name, one.kind, images, own))
    owners = np.full(len(rows), -1, np.int64)
    for number in range(len(units) - 1, -1, -1):
        owners[units[number]] = number
    return Plan(
        sets=tuple(counted),
        units=tuple(units),
        owners=owners,
        files=tuple(file for _, file in rows),
        labels=np.array([label for label, _ in rows], np.int32),
        files_sha256=_files_sha256(dataset, extra),
    )


def _members(one: ClassSet, by_label: Mapping[int, object], dataset: Dataset) -> tuple[int, ...]:
    for label in one.classes:
        if label not in by_label:
            folder = dataset.folders[label]
            raise DatasetError(
                f"superclass {one.name} holds class {dataset.names[label]}, whose images are not among the job's",
                hint=f"add it with --classes {folder}, take it out of the superclass, or put images into its folder",
            )
    return one.classes


def _files_sha256(dataset: Dataset, extra: Iterable[tuple[int, str]]) -> str:
    listed = sorted(file for _, file in extra)
    if not listed:
        return dataset.files_sha256
    digest = hashlib.sha256(dataset.files_sha256.encode())
    for file in listed:
        digest.update(f"{file}\t{(dataset.root / file).stat().st_size}\n".encode("utf-8", "surrogateescape"))
    return digest.hexdigest()
