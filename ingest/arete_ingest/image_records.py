"""What is known of each image: the model's answer, or why the image was left out; and what follows for class sets.

An image that several class sets hold is computed several times, in other batches, which may round otherwise. The record
that is kept is that of the unit that owns it, so that every table says the same of an image.
"""

import numpy as np
import pyarrow as pa

from arete_core.run_schema import IMAGES, MEMBERS
from arete_ingest.parts import UnitResult
from arete_ingest.plan import CountedSet, Plan

HISTOGRAM_BINS = 10


class ImageRecords:
    """The images' records, filled unit by unit.

    Args:
        plan: The images and class sets.
        output_of: Model output of a class index, where they could be matched.

    Attributes:
        errors: Reasons of the images that could not be read, by id.
    """

    def __init__(self, plan: Plan, output_of: dict[int, int]) -> None:
        count = len(plan.files)
        self._plan = plan
        self._output_of = output_of
        self._read = np.zeros(count, np.bool_)
        self._counted = np.zeros(count, np.bool_)
        self._outputs = np.full(count, -1, np.int64)
        self._probabilities = np.full(count, np.nan, np.float32)
        self.errors: dict[int, str] = {}

    def add(self, unit: int, result: UnitResult) -> None:
        """Keeps a unit's records of the images that it owns.

        Args:
            unit: Its number.
            result: What it gave.
        """
        owned = self._plan.owners[result.images] == unit
        images = result.images[owned]
        self._read[images] = True
        self._outputs[images] = result.outputs[owned]
        self._probabilities[images] = result.probabilities[owned]
        self._counted[result.images[result.counted]] = True
        self.errors |= result.errors

    @property
    def counted(self) -> int:
        """Number of images that some class set counts."""
        return int(self._counted.sum())

    def class_row(self, one: CountedSet, images: int) -> dict[str, object]:
        """Returns a class set's row of `classes.parquet`.

        Args:
            one: The class set; all its units were added.
            images: How many of its images were counted.

        Returns:
            The row. Accuracy and histogram are those of all its images that could be read.
        """
        read = one.images[self._read[one.images]]
        true = self._true_outputs(read)
        known = len(read) > 0 and bool((true >= 0).all())
        bins = (
            np.minimum((self._probabilities[read] * HISTOGRAM_BINS).astype(np.int64), HISTOGRAM_BINS - 1)
            if known
            else None
        )
        return {
            "class": one.index,
            "name": one.name,
            "kind": one.kind,
            "images": images,
            "failed": len(one.images) - len(read),
            "accuracy": float(np.mean(self._outputs[read] == true)) if known else None,
            "histogram": None if bins is None else np.bincount(bins, minlength=HISTOGRAM_BINS).tolist(),
        }

    def images_table(self) -> pa.Table:
        """Returns `images.parquet`: every image once."""
        ids = np.arange(len(self._plan.files))
        class_of = np.full(max([-1, *self._output_of.values(), int(self._outputs.max(initial=-1))]) + 2, -1, np.int64)
        for index, output in self._output_of.items():
            class_of[output] = index
        predicted = class_of[self._outputs]  # an output of -1 finds the last place, which no output has
        known = self._read & (self._true_outputs(ids) >= 0)
        return pa.table(
            {
                "image": pa.array(ids, pa.int64()),
                "class": pa.array(self._plan.labels, pa.int32()),
                # A name that is no UTF-8 keeps what can be shown of it.
                "path": [
                    file.encode("utf-8", "surrogateescape").decode("utf-8", "replace") for file in self._plan.files
                ],
                "predicted": pa.array(predicted, pa.int32(), mask=predicted < 0),
                "probability": pa.array(self._probabilities, pa.float32(), mask=~known),
                "error": pa.array([self.errors.get(image) for image in ids.tolist()], pa.string()),
            },
            schema=IMAGES,
        )

    def _true_outputs(self, images: np.ndarray) -> np.ndarray:
        labels = self._plan.labels[images]
        return np.array([self._output_of.get(label, -1) for label in labels.tolist()], np.int64)


def members_table(plan: Plan) -> pa.Table:
    """Returns `members.parquet`: the images of the class sets that are no labels."""
    sets = [one for one in plan.sets if one.kind != "label"]
    classes = np.repeat([one.index for one in sets], [len(one.images) for one in sets]).astype(np.int32)
    images = np.concatenate([np.empty(0, np.int64), *(one.images for one in sets)])
    return pa.table({"class": classes, "image": images}, schema=MEMBERS)
