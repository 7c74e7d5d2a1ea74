"""Counts the units of work that are not done yet: decode ahead, count, write each unit when its last batch is in.

On a CPU several *lanes* count whole units beside each other, each with one computing thread. That is faster than one
lane with all threads, whose waiting for each other after every small piece of work costs more than the work, and no
number depends on how many threads there are. A GPU has one lane. Several processes share the units, see `processes`.
"""

import threading
import time
from collections import deque
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from contextlib import closing

import torch

from arete_core.errors import RunIncompleteError
from arete_core.progress import Progress, Task
from arete_ingest.counter import Counter
from arete_ingest.failures import Failures
from arete_ingest.gradients import GradientScores
from arete_ingest.parts import Parts, UnitResult
from arete_ingest.planning import Job, units_of
from arete_ingest.processes import Claims
from arete_ingest.reading import Batch, DecodedBatch, decode_ahead
from arete_ingest.stopping import Stop
from arete_ingest.unit_count import UnitCount

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
    failures = Failures(job)
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
        failures: Failures,
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
    gradients = None
    if job.settings.scores:
        gradients = GradientScores(job.graph, dtype=counter.dtype, device=job.device)
    unit = UnitCount(job, counter, true_outputs, gradients)
    with closing(decoded):
        for batch in decoded:
            # Decoding may be ahead in a unit that is not begun yet: that one is left.
            if common.stopping.is_set() or (common.stop.asked and unit.untouched):
                return
            unit.count(batch)
            common.report(batch)
            if batch.ends_unit:
                common.finished(batch.batch.unit, unit.finish())
                unit = UnitCount(job, counter, true_outputs, gradients)
