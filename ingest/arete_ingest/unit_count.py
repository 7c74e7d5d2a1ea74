"""One unit of work while it is counted, and how pixels become a model's input."""

import numpy as np
import torch
from torch import Tensor

from arete_core.errors import ModelError, SettingError
from arete_ingest.counter import BatchResult, Counter
from arete_ingest.execution import NotFiniteError
from arete_ingest.gradients import GradientScores
from arete_ingest.parts import UnitResult
from arete_ingest.planning import Job
from arete_ingest.reading import DecodedBatch
from arete_ingest.strongest import Strongest, merge, no_images, strongest_of
from arete_ingest.transform import ImageTransform


def model_input(pixels: np.ndarray, transform: ImageTransform, device: torch.device) -> Tensor:
    """Turns pixels into a model's input.

    Args:
        pixels: uint8 `(image, height, width, 3)`.
        transform: Holds mean and deviation.
        device: Where the input is wanted.

    Returns:
        float32 `(image, 3, height, width)`, scaled as torchvision scales it: to 0 to 1, minus mean, by deviation.
    """
    images = torch.from_numpy(pixels).to(device).permute(0, 3, 1, 2).contiguous().float().div_(255)
    mean = torch.tensor(transform.mean, device=device).view(1, 3, 1, 1)
    std = torch.tensor(transform.std, device=device).view(1, 3, 1, 1)
    return images.sub_(mean).div_(std)


class UnitCount:
    """One unit of work while it is counted.

    Args:
        job: The job.
        counter: Whose slot 0 is the unit's, empty at its beginning.
        true_outputs: By image id, the model output of its label; -1 where it is not known.
        gradients: Computes further scores, where some were asked for.
    """

    def __init__(
        self, job: Job, counter: Counter, true_outputs: np.ndarray, gradients: GradientScores | None = None
    ) -> None:
        self._gradients = gradients
        self._job = job
        self._counter = counter
        self._true_outputs = true_outputs
        self._begun = False
        self._images: list[int] = []
        self._counted: list[np.ndarray] = []
        self._outputs: list[np.ndarray] = []
        self._probabilities: list[np.ndarray] = []
        self._errors: dict[int, str] = {}
        self._scores = np.zeros(job.graph.channels if gradients else 0)
        self._strongest: list[Strongest] = [
            no_images(layer.channels, job.settings.examples) for layer in job.graph.layers
        ]

    @property
    def untouched(self) -> bool:
        """Whether no batch was counted yet."""
        return not self._begun

    def count(self, batch: DecodedBatch) -> None:
        """Counts a batch.

        Args:
            batch: Of this unit.

        Raises:
            ModelError: If the model's values are not finite.
            SettingError: If the device's memory is too small.
        """
        self._begun = True
        self._errors |= batch.errors
        if not batch.kept:
            return
        ids = np.asarray(batch.kept, np.int64)
        true = self._true_outputs[ids]
        result, counted = self._computed(batch, true)
        self._images += batch.kept
        self._counted.append(counted)
        self._outputs.append(_largest_outputs(result.logits))
        self._probabilities.append(_probabilities(result.logits, true))
        shown = np.flatnonzero(counted)
        if len(shown):
            self._keep_strongest(result, ids, shown)

    def _computed(self, batch: DecodedBatch, true: np.ndarray) -> tuple[BatchResult, np.ndarray]:
        """Computes a batch and counts those of its images that are asked for; says which these are."""
        where = self._job.settings.where
        counted = np.ones(len(batch.kept), np.bool_)

        def slots(logits: Tensor) -> list[int]:
            right = logits.argmax(dim=1).cpu().numpy() == true
            counted[:] = right if where == "correct" else ~right
            return np.where(counted, 0, -1).tolist()

        images = model_input(batch.pixels, self._job.model.transform, self._job.device)
        try:
            result = self._counter.count(images, [0] * len(batch.kept) if where == "all" else slots)
        except NotFiniteError as error:
            file = self._job.plan.files[batch.kept[error.image]]
            raise ModelError(f"{error.message}: {file}", hint=error.hint) from error
        except torch.OutOfMemoryError as error:
            raise SettingError(
                f"a batch of {self._job.batch_size} does not fit into the memory of {self._job.device}",
                hint="choose a smaller --batch-size; the run folder has to be started anew for it",
            ) from error
        if self._gradients is not None and counted.any():
            chosen = torch.from_numpy(np.flatnonzero(counted)).to(images.device)
            scores = self._gradients.of(images[chosen], torch.from_numpy(true[counted]))
            self._scores += scores.sum(axis=0)
        return result, counted

    def _keep_strongest(self, result: BatchResult, ids: np.ndarray, shown: np.ndarray) -> None:
        k = self._job.settings.examples
        rows = torch.from_numpy(shown).to(result.logits.device)
        everything = len(shown) == len(ids)
        self._strongest = [
            merge(
                before,
                strongest_of(
                    maxima if everything else maxima[rows],
                    positions if everything else positions[rows],
                    ids[shown].tolist(),
                    k,
                ),
            )
            for before, maxima, positions in zip(self._strongest, result.maxima, result.positions, strict=True)
        ]

    def finish(self) -> UnitResult:
        """Takes the counts out of the counter."""
        return UnitResult(
            counts=self._counter.take(0),
            images=np.asarray(self._images, np.int64),
            counted=np.concatenate([np.empty(0, np.bool_), *self._counted]),
            outputs=np.concatenate([np.empty(0, np.int32), *self._outputs]),
            probabilities=np.concatenate([np.empty(0, np.float32), *self._probabilities]),
            errors=self._errors,
            strongest=self._strongest,
            scores=self._scores,
        )


def _largest_outputs(logits: Tensor) -> np.ndarray:
    """Returns each image's largest output, int32 (image,); -1 where the model is no classifier."""
    if not logits.shape[1]:
        return np.full(len(logits), -1, np.int32)
    return logits.argmax(dim=1).int().cpu().numpy()


def _probabilities(logits: Tensor, outputs: np.ndarray) -> np.ndarray:
    """Returns the softmax of each image's own output, float32 (image,); NaN where it is not known (-1)."""
    if not logits.shape[1]:
        return np.full(len(logits), np.nan, np.float32)
    known = torch.from_numpy(np.maximum(outputs, 0)).to(logits.device)
    values = torch.softmax(logits.double(), dim=1).gather(1, known[:, None])[:, 0].float().cpu().numpy()
    return np.where(outputs >= 0, values, np.float32(np.nan))
