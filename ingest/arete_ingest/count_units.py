"""Counts the units of work that are not done yet: decode ahead, count, write each unit when its last batch is in.

On a CPU several *lanes* count whole units beside each other, each with one computing thread. That is faster than one
lane with all threads, whose waiting for each other after every small piece of work costs more than the work, and no
number depends on how many threads there are. A GPU has one lane. Several processes share the units, see `processes`.
"""

import math
import threading
import time
from collections import deque
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from contextlib import closing
from typing import NoReturn

import numpy as np
import torch
from torch import Tensor

from arete_core.errors import DatasetError, ModelError, RunIncompleteError, SettingError
from arete_core.progress import Progress, Task
from arete_ingest.counter import BatchResult, Counter
from arete_ingest.execution import NotFiniteError
from arete_ingest.parts import Parts, UnitResult
from arete_ingest.planning import Job, units_of
from arete_ingest.processes import Claims
from arete_ingest.reading import Batch, DecodedBatch, decode_ahead
from arete_ingest.stopping import Stop
from arete_ingest.strongest import Strongest, merge, no_images, strongest_of
from arete_ingest.transform import ImageTransform

_NAMED_FAILURES = 5
_LOOK_S = 1.0
"""Seconds between two looks at what other processes have done, while this one counts itself."""
_WAIT_S = 0.1
"""The same, while it only waits for them."""


def count_units(job: Job, parts: Parts, progress: Progress, stop: Stop, claims: Claims | None = None) -> int:
    """Counts the units that are not done yet.

    Args:
        job: The job.
        parts: Where finished units are and go to.
        progress: Where to report to, one step an image.
        stop: Says when no further unit is to be begun.
        claims: Deals the units where several processes do the job. The first process returns when all units are done,
            whoever did them, the others when none is left to begin.

    Returns:
        Number of images in the units that an earlier job had finished, each as often as it is computed. Memory: the
        counts of one unit and some five batches in each lane.

    Raises:
        DatasetError: If more images than allowed cannot be read, or none can.
        ModelError: If the model's values are not finite.
        SettingError: If the device's memory is too small for a batch.
        RunIncompleteError: If another process of the job has ended.
        SystemExit: With code 143, if it was asked to stop; what was begun is finished then.
    """
    batches_of = dict(units_of(job))
    done = parts.done() & set(batches_of)
    counted = sum(len(job.plan.units[unit]) for unit in done)
    failures = _Failures(job)
    for unit in sorted(done):
        failures.add(parts.errors(unit))
    if len(done) < len(batches_of):
        todo = deque(batches for unit, batches in batches_of.items() if unit not in done)
        with progress.task("Count images", total=job.plan.steps, unit="images", done=counted) as task:
            common = _Common(job, parts, todo, failures, task, stop, claims)
            try:
                with stop.finishing():
                    _run_lanes(job, common, done)
            except (KeyboardInterrupt, SystemExit):
                progress.say("stopped: the same command continues where the last finished unit ends")
                raise
    if failures.count == len(job.plan.files) and not job.process.rank:
        failures.stop(f"none of the {len(job.plan.files):,} images could be read")
    return counted


class _Common:
    """What the lanes share."""

    def __init__(
        self,
        job: Job,
        parts: Parts,
        todo: deque[list[Batch]],
        failures: "_Failures",
        task: Task,
        stop: Stop,
        claims: Claims | None,
    ) -> None:
        self._job = job
        self._parts = parts
        self._todo = todo
        self._failures = failures
        self._task = task
        self._lock = threading.Lock()
        self._own: set[int] = set()
        self.claims = claims
        self.stop = stop
        self.stopping = threading.Event()
        self.units = len(todo)

    def batches(self) -> Iterator[tuple[Batch, bool]]:
        """Yields batches of one unit after another, each with whether it is its unit's last."""
        while (unit := self._next()) is not None:
            for batch in unit:
                yield batch, batch is unit[-1]

    def _next(self) -> list[Batch] | None:
        with self._lock:
            while self._todo and not self.stopping.is_set() and not self.stop.asked:
                batches = self._todo.popleft()
                unit = batches[0].unit
                if self.claims is None or self.claims.take(unit, self._parts.path(unit)):
                    self._own.add(unit)
                    return batches
        return None

    def report(self, batch: DecodedBatch) -> None:
        """Reports a counted batch.

        Args:
            batch: With what could not be read of it.

        Raises:
            DatasetError: If by now more images than allowed could not be read.
        """
        with self._lock:
            self._task.advance(len(batch.batch.images))
            self._failures.add(batch.errors, self._task)

    def finished(self, unit: int, result: UnitResult) -> None:
        """Writes a unit that this process has counted."""
        self._parts.write(unit, result)
        if self.claims is not None:
            self.claims.drop(unit)

    def look(self, known: set[int], *, idle: bool) -> bool:
        """Looks at what the other processes have done meanwhile and reports it.

        Args:
            known: Units that were reported already; grows.
            idle: Whether this process has no unit left.

        Returns:
            Whether all units are done.

        Raises:
            DatasetError: If by now more images than allowed could not be read.
            RunIncompleteError: If this process is idle and waits for one that has ended.
        """
        units = range(len(self._job.plan.units))
        done = self._parts.done().intersection(units)
        with self._lock:
            for unit in sorted(done - known - self._own):
                self._failures.add(self._parts.errors(unit), self._task)
                self._task.advance(len(self._job.plan.units[unit]))
        known |= done
        missing = [unit for unit in units if unit not in done]
        if not idle or self.claims is None:
            return not missing
        for unit in missing:
            owner = self.claims.dead_owner(unit, self._parts.path(unit))
            if owner is not None:
                raise RunIncompleteError(
                    f"{owner} ended before its unit of work was done",
                    hint="see what it said, then start all processes with the same command again: they continue",
                )
        return not missing


def _run_lanes(job: Job, common: _Common, done: set[int]) -> None:
    lanes = max(1, min(job.lanes, common.units))
    if lanes == 1 and common.claims is None:
        _run_lane(job, common)
        return
    leading = common.claims is not None and job.process.rank == 0
    known = set(done)
    pool = ThreadPoolExecutor(lanes, thread_name_prefix="count")
    try:
        running = {pool.submit(_run_lane, job, common) for _ in range(lanes)}
        while running:
            ended, running = wait(running, _LOOK_S if leading else None, return_when=FIRST_COMPLETED)
            for lane in ended:
                lane.result()
            if leading:
                common.look(known, idle=False)
        while leading and not common.stop.asked and not common.look(known, idle=True):
            time.sleep(_WAIT_S)
    finally:
        common.stopping.set()
        pool.shutdown(wait=True, cancel_futures=True)


def _run_lane(job: Job, common: _Common) -> None:
    """Counts units until there are none left. What is unfinished when it stops is dropped and done anew next time."""
    counter = Counter(
        job.graph,
        share=job.settings.share,
        top_k=job.settings.top_k,
        influence_k=job.settings.influence_k,
        dtype=getattr(torch, job.settings.dtype),
        device=job.device,
        # On a CPU the limit is the whole job's: it has chosen lanes and batch size already.
        memory_mb=job.settings.memory_mb if job.device.type == "cuda" else None,
    )
    threads = job.settings.decode_threads(job.device.type, job.process.local_world)
    decoded = decode_ahead(job.dataset.root, common.batches(), job.model.transform, threads=threads)
    true_outputs = job.true_outputs()
    unit = _Unit(job, counter, true_outputs)
    with closing(decoded):
        for batch in decoded:
            # Decoding may be ahead in a unit that is not begun yet: that one is left.
            if common.stopping.is_set() or (common.stop.asked and unit.untouched):
                return
            unit.count(batch)
            common.report(batch)
            if batch.ends_unit:
                common.finished(batch.batch.unit, unit.finish())
                unit = _Unit(job, counter, true_outputs)


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


class _Failures:
    """Images that could not be read, against how many may."""

    def __init__(self, job: Job) -> None:
        self._files = job.plan.files
        self._allowed = math.ceil(job.settings.max_failed * len(job.plan.files))
        self._share = job.settings.max_failed
        self._reasons: dict[int, str] = {}

    @property
    def count(self) -> int:
        """Number of files; one that is in several class sets fails once."""
        return len(self._reasons)

    def add(self, errors: dict[int, str], task: Task | None = None) -> None:
        """Adds a batch's failures.

        Args:
            errors: Reasons by image id.
            task: Where to show how many there are.

        Raises:
            DatasetError: If there are more than allowed.
        """
        self._reasons |= errors
        if errors and task is not None:
            task.note(f"{self.count:,} failed")
        if self.count > self._allowed:
            self.stop(f"{self.count:,} of {len(self._files):,} images could not be read, {self._allowed:,} may")

    def stop(self, what: str) -> NoReturn:
        """Raises with the first few names."""
        first = [f"{self._files[image]} ({reason})" for image, reason in self._reasons.items()][:_NAMED_FAILURES]
        more = f" and {self.count - len(first)} more" if self.count > len(first) else ""
        raise DatasetError(
            f"{what}: {'; '.join(first)}{more}",
            hint=f"mend or remove them, or allow a larger share than {self._share:g} with --max-failed",
        )


class _Unit:
    """One unit of work while it is counted."""

    def __init__(self, job: Job, counter: Counter, true_outputs: np.ndarray) -> None:
        self._job = job
        self._counter = counter
        self._true_outputs = true_outputs
        self._begun = False
        self._images: list[int] = []
        self._counted: list[np.ndarray] = []
        self._outputs: list[np.ndarray] = []
        self._probabilities: list[np.ndarray] = []
        self._errors: dict[int, str] = {}
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
        self._outputs.append(result.logits.argmax(dim=1).int().cpu().numpy())
        self._probabilities.append(_probabilities(result.logits, true))
        # An image that several class sets hold is an example once: where its first unit counts it.
        shown = np.flatnonzero(counted & (self._job.plan.owners[ids] == batch.batch.unit))
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
        )


def _probabilities(logits: Tensor, outputs: np.ndarray) -> np.ndarray:
    """Returns the softmax of each image's own output, float32 (image,); NaN where it is not known (-1)."""
    known = torch.from_numpy(np.maximum(outputs, 0)).to(logits.device)
    values = torch.softmax(logits.double(), dim=1).gather(1, known[:, None])[:, 0].float().cpu().numpy()
    return np.where(outputs >= 0, values, np.float32(np.nan))
