"""Which images are measured: some of each class, drawn so that those the model gets wrong are among them.

A class's images are drawn by a generator seeded with the class's index: what is drawn does not depend on which other
classes are asked for, and more images of a class hold the fewer ones. Half of the places are for images that the model
gets wrong, as far as there are some, since those are what one looks at single images for; the rest go to the others.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from arete_core.errors import CapabilityError, NotFoundError
from arete_core.run_folder import RunFolder

Numbers = NDArray[np.int64]


@dataclass(frozen=True)
class ClassImages:
    """A class set and its images that could be read when the run was made.

    Attributes:
        index: The class's index.
        name: Its name.
        kind: `label`, `superclass`, `subset` or `image`.
        images: Their numbers, ascending.
    """

    index: int
    name: str
    kind: str
    images: Numbers


@dataclass(frozen=True)
class RunImages:
    """The images of a run, as its tables say.

    Attributes:
        paths: By number, relative to the data folder.
        labels: By number, index of its label.
        probabilities: By number, of its label; NaN where it is not known.
        right: By number, whether the model's largest output is that of its label.
        classes: All class sets, by index.
    """

    paths: Sequence[str]
    labels: NDArray[np.int32]
    probabilities: NDArray[np.float32]
    right: NDArray[np.bool_]
    classes: dict[int, ClassImages]

    @classmethod
    def read(cls, folder: RunFolder) -> "RunImages":
        """Reads them.

        Raises:
            CapabilityError: If the run has no images, as an imported one.
        """
        images = folder.table("images").sort_by("image")
        if not len(images):
            raise CapabilityError(
                f"run {folder.manifest.id!r} was imported without its images, which are what is to be measured",
                hint="ingest images with the model: arete ingest --model NAME --weights FILE --data FOLDER --out RUN",
            )
        labels = images.column("class").to_numpy()
        read = images.column("error").is_null().to_numpy()
        members = folder.table("members")
        member_class, member_image = (members.column(name).to_numpy() for name in ("class", "image"))

        def images_of(row: dict[str, Any]) -> Numbers:
            own = np.flatnonzero(labels == row["class"])
            if row["kind"] != "label":
                own = np.sort(member_image[member_class == row["class"]])
            return own[read[own]].astype(np.int64)

        rows = sorted(folder.table("classes").to_pylist(), key=lambda row: row["class"])
        return cls(
            paths=images.column("path").to_pylist(),
            labels=labels,
            probabilities=images.column("probability").fill_null(float("nan")).to_numpy(),
            right=images.column("predicted").fill_null(-1).to_numpy() == labels,
            classes={row["class"]: ClassImages(row["class"], row["name"], row["kind"], images_of(row)) for row in rows},
        )

    def find(self, wanted: Sequence[str]) -> list[ClassImages]:
        """Finds classes.

        Args:
            wanted: Names in any case, the part of one before its first comma, or indices, also several with commas
                between; all labels (all class sets, where there are no labels) when empty.

        Returns:
            The classes, each once, in the order asked for.

        Raises:
            NotFoundError: If one names no class, or several.
        """
        if not wanted:
            labels = [one for one in self.classes.values() if one.kind == "label"]
            return labels or list(self.classes.values())
        found: list[ClassImages] = []
        for text in wanted:
            # A name may hold commas itself.
            for part in [text] if self._named(text) else text.split(","):
                one = self._named(part)
                if one is None:
                    raise self._unknown(part)
                found.append(one)
        return list({one.index: one for one in found}.values())

    def _named(self, text: str) -> ClassImages | None:
        key = text.strip().casefold()
        if key.isascii() and key.isdigit() and int(key) in self.classes:
            return self.classes[int(key)]
        for name_of in (str.casefold, _short):
            found = [one for one in self.classes.values() if name_of(one.name) == key]
            if len(found) == 1:
                return found[0]
        return None

    def _unknown(self, text: str) -> NotFoundError:
        key = text.strip().casefold()
        near = [one for one in self.classes.values() if key and key in one.name.casefold()]
        some = ", ".join(f"{one.index} ({one.name})" for one in (near or list(self.classes.values()))[:8])
        return NotFoundError("class", text.strip(), hint=f"{'near it' if near else 'there are'}: {some}")


def _short(name: str) -> str:
    return name.split(",")[0].strip().casefold()


def choose_images(run: RunImages, classes: Iterable[ClassImages], count: int | None, seed: int) -> Numbers:
    """Draws images of classes.

    Args:
        run: The run's images.
        classes: The classes.
        count: How many of each, as far as there are so many; all when None.
        seed: Another one draws others.

    Returns:
        Their numbers, ascending, each once.
    """
    drawn = [np.empty(0, np.int64)]
    for one in classes:
        shuffled = np.random.default_rng((seed, one.index)).permutation(one.images)
        right = run.right[shuffled]
        groups = (shuffled[~right], shuffled[right])
        if count is None:
            drawn += groups
            continue
        wrong = min(len(groups[0]), max(count // 2, count - len(groups[1])))
        drawn += [groups[0][:wrong], groups[1][: count - wrong]]
    return np.unique(np.concatenate(drawn))
