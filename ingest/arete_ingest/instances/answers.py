"""Measured images label by label, and whether the model answers each as it did when the run was made."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from arete_ingest.instances.measure import Measured

OTHER_ANSWER: Final = 0.02
"""Probabilities of the label that differ by more are those of another image: rounding makes 1e-5."""


def by_label(batches: Iterable[Measured], labels: NDArray[np.int32]) -> Iterator[Measured]:
    """Joins the images of each label.

    Args:
        batches: Of images in ascending order, which is also that of their labels.
        labels: By image number.

    Yields:
        All images of a label at a time; what was left out is in the batches alone.
    """
    group: list[Measured] = []
    last = -1
    for batch in batches:
        own_labels = labels[batch.images]
        for label in np.unique(own_labels).tolist():
            if label != last and group:
                yield _joined(group)
                group = []
            last = label
            group.append(_part(batch, own_labels == label))
    if group:
        yield _joined(group)


def same_answer(found: NDArray[np.float32], recorded: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Returns which images of one label give it the probability that they gave it when the run was made.

    The run folder does not say which of the model's outputs stands for a label: it is the one that fits best.

    Args:
        found: Softmax of the model's output (image, output).
        recorded: Probability of the label (image,), NaN where it is not known: nothing can be said then.

    Returns:
        (image,); false for another answer.
    """
    known = ~np.isnan(recorded)
    if not known.any() or not found.shape[1]:
        return np.ones(len(found), np.bool_)
    apart = np.abs(found - recorded[:, None])
    output = int(np.argmin(np.median(apart[known], axis=0)))
    return ~known | (apart[:, output] <= OTHER_ANSWER)


def _part(batch: Measured, own: NDArray[np.bool_]) -> Measured:
    maxima = [one[own] for one in batch.maxima]
    return Measured(batch.images[own], batch.tiles[own], maxima, batch.probabilities[own], {})


def _joined(group: Sequence[Measured]) -> Measured:
    return Measured(
        np.concatenate([one.images for one in group]),
        np.concatenate([one.tiles for one in group]),
        [np.concatenate(parts) for parts in zip(*(one.maxima for one in group), strict=True)],
        np.concatenate([one.probabilities for one in group]),
        {},
    )
