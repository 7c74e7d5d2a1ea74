"""The job: images and a model to a run folder, in steps that a killed job continues from.

1. List the images, make and trace the model, compare with what the folder's earlier job was.
2. Count: units of work of one class, each written when it is done. Images are decoded ahead.
3. Join: add the units up, class by class, and write the tables.
4. Place the classes in each layer, and cut the examples.
5. Write the manifest, which makes the folder whole; then remove the units.

Steps 3 and 4 start anew when they were killed; step 2 loses at most one unit a kill. A batch never crosses a unit, so
that what is computed together, and with it every bit of the result, depends neither on interruptions nor on the number
of decoding threads. Another device, PyTorch release or batch size may round otherwise: a job is not continued with it.
"""

import shutil
import time
from contextlib import closing, nullcontext
from dataclasses import dataclass
from pathlib import Path

from arete_core.errors import RunFolderError, RunIncompleteError
from arete_core.exclusions import mark_channels
from arete_core.manifest import MANIFEST, DatasetInfo, write_manifest
from arete_core.non_semantic import propose_exclusions
from arete_core.progress import Progress, SilentProgress
from arete_core.run_folder import RunFolder, writing_failed
from arete_core.run_lock import LOCK_FILE, Lock, locked
from arete_ingest.count_units import count_units
from arete_ingest.execution import torch_settings
from arete_ingest.forecast import folder_size, unit_size
from arete_ingest.identity import continue_or_begin, finished_run, identity_of, manifest_of, refuse_if_different
from arete_ingest.job_pictures import draw_examples, place_classes
from arete_ingest.parts import JOB_FILE, Parts, read_job
from arete_ingest.planning import Job, prepare
from arete_ingest.processes import Claims, Process
from arete_ingest.settings import IngestSettings
from arete_ingest.stopping import Stop
from arete_ingest.tables import join_classes

_PATIENCE_S = 10.0
"""Seconds to try for the lock where the job's other processes may be looking at it."""


@dataclass(frozen=True)
class IngestResult:
    """What a job did.

    Attributes:
        folder: The run folder; whole, unless this is not the job's first process.
        run_id: The run's id.
        images: Images counted.
        failed: Images left out because they could not be read.
        classes: Number of class sets.
        already_done: True where the folder was whole before and nothing was done.
        continued_images: Images that an earlier, interrupted job had counted.
        seconds: Wall-clock time of the whole call.
        seconds_by_step: Of its steps: `prepare`, `count`, `join`, `embed`, `examples`.
        process: Which of the job's processes this was. Only the first one, 0, knows `images` and `failed`.
        processes: How many did the job together.
    """

    folder: Path
    run_id: str
    images: int
    failed: int
    classes: int
    already_done: bool
    continued_images: int
    seconds: float
    seconds_by_step: dict[str, float]
    process: int = 0
    processes: int = 1


def ingest(settings: IngestSettings, progress: Progress | None = None) -> IngestResult:
    """Makes a run folder, or continues one, or finds it done.

    Where the environment says so (RANK, WORLD_SIZE, …, as `torchrun` sets them), several processes do the job together:
    all of them count, and the first one does the rest.

    Args:
        settings: What to do.
        progress: Where to report to; nowhere when None.

    Returns:
        What was done. Memory: the model, a few batches, one class's counts and at most 800 MiB of example tiles.

    Raises:
        BadInput: If model, weights, data or settings cannot work; nothing was written then.
        DatasetError: Also if more images than allowed cannot be read; the folder can be continued.
        RunConflictError: If the folder belongs to another job, or another job is writing it.
        RunIncompleteError: If another process of this job has ended; the folder can be continued.
        RunFolderError: If the disk is too small, or the folder holds something else.
        KeyboardInterrupt: On Ctrl-C; the folder can be continued.
        SystemExit: On SIGTERM, with code 143, once the units under way are finished; on a second one at once, which
            is after the batch under way. The folder can be continued.
    """
    clock = _Clock()
    stop = Stop()
    with stop.on_sigterm(), torch_settings():
        process = Process.from_environment()
        # One voice for all: the first process also reports what the others have done.
        progress = SilentProgress() if progress is None or process.rank else progress
        job = prepare(settings, progress, process)
        folder = settings.out.absolute()
        if process.rank:
            clock.lap("prepare")
            return _help(job, folder, progress, clock, stop)
        _make_folder(folder)
        with locked(folder, patience_s=_PATIENCE_S if process.world > 1 else 0.0) as lock:
            clock.lap("prepare")
            try:
                return _run(job, folder, progress, clock, stop, lock)
            except OSError as error:
                raise writing_failed(folder, error) from error


def _help(job: Job, folder: Path, progress: Progress, clock: "_Clock", stop: Stop) -> IngestResult:
    """Counts units beside the first process, which does all the rest."""
    claims = Claims.join(folder, job.process, finished=lambda: finished_run(job, folder) is not None)
    nothing = DatasetInfo(name="", split="", files_sha256="", images=0, failed=0)
    if claims is None:
        return _result(job, folder, clock, nothing, already_done=True)
    with closing(claims):
        begun = read_job(folder)
        if begun is not None:
            refuse_if_different(folder, begun, identity_of(job), "was begun by the first process with another job")
        try:
            count_units(job, Parts(folder, job.graph), progress, stop, claims)
        except (RunIncompleteError, OSError) as error:
            # The first process may be through with everything: then the claims are gone.
            if (folder / MANIFEST).is_file():
                pass
            elif isinstance(error, OSError):
                raise writing_failed(folder, error) from error
            else:
                raise
    clock.lap("count")
    return _result(job, folder, clock, nothing, already_done=False)


def _run(job: Job, folder: Path, progress: Progress, clock: "_Clock", stop: Stop, lock: Lock) -> IngestResult:
    parts = Parts(folder, job.graph)
    finished = finished_run(job, folder)
    if finished is not None:
        _clean(folder, parts)  # where the earlier job was killed between its manifest and this
        _exclude(job, folder, progress)
        progress.say(f"{folder} is done already ({finished.dataset.images:,} images): nothing was to do")
        return _result(job, folder, clock, finished.dataset, already_done=True)
    continue_or_begin(job, folder)
    parts.prepare()
    _check_disk(job, folder, parts)
    with closing(Claims.begin(folder, lock, job.process)) if job.process.world > 1 else nullcontext() as claims:
        continued = count_units(job, parts, progress, stop, claims)
    clock.lap("count")
    joined = join_classes(
        folder,
        graph=job.graph,
        plan=job.plan,
        output_of=job.output_of,
        exclude=job.exclude,
        parts=parts,
        examples=job.settings.examples,
        class_examples=job.settings.class_examples and job.settings.examples > 0,
        method=job.settings.method,
        scores=bool(job.settings.scores),
        progress=progress,
    )
    clock.lap("join")
    embedded = place_classes(job, folder, joined, progress)
    clock.lap("embed")
    if job.settings.examples:
        draw_examples(job, folder, joined, progress)
        clock.lap("examples")
    manifest = manifest_of(job, joined, embedded)
    write_manifest(folder, manifest)
    _clean(folder, parts)
    _propose(folder, progress)
    return _result(job, folder, clock, manifest.dataset, already_done=False, continued=continued)


def _propose(folder: Path, progress: Progress) -> None:
    found = propose_exclusions(RunFolder.open(folder, verify=False))
    if found:
        names = ", ".join(one.id for one in found[:5]) + (", …" if len(found) > 5 else "")
        progress.say(
            f"{len(found)} channels are taken by nearly all images of nearly all classes ({names}): look at them with "
            f"`arete exclude {folder} --propose`"
        )


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        foreign = [path.name for path in folder.iterdir() if path.name != LOCK_FILE]
    except OSError as error:
        raise writing_failed(folder, error) from error
    if foreign and not (folder / JOB_FILE).exists() and not (folder / MANIFEST).exists():
        raise RunFolderError(
            f"{folder} is not empty and holds no run (found {', '.join(sorted(foreign)[:4])})",
            hint="choose another --out, a new or empty folder",
        )


def _exclude(job: Job, folder: Path, progress: Progress) -> None:
    """Marks channels in a finished run that are to be excluded and are not yet: no count depends on it."""
    _, new = mark_channels(RunFolder.open(folder, verify=False), job.exclude)
    if new:
        progress.say(f"{len(new)} more channels are excluded now: `arete load {folder}` takes that over")


def _check_disk(job: Job, folder: Path, parts: Parts) -> None:
    # Generous, so that a job that starts also ends.
    needed = folder_size(job) + (len(job.plan.units) - len(parts.done())) * unit_size(job) + 32_000_000
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise RunFolderError(
            f"{folder} needs about {needed / 1e6:,.0f} MB, its disk has {free / 1e6:,.0f} MB free",
            hint="choose another --out, or make room",
        )


def _clean(folder: Path, parts: Parts) -> None:
    parts.remove()
    (folder / JOB_FILE).unlink(missing_ok=True)


def _result(
    job: Job, folder: Path, clock: "_Clock", dataset: DatasetInfo, *, already_done: bool, continued: int = 0
) -> IngestResult:
    return IngestResult(
        folder=folder,
        run_id=job.settings.run_id,
        images=dataset.images,
        failed=dataset.failed,
        classes=len(job.plan.sets),
        already_done=already_done,
        continued_images=continued,
        seconds=clock.total(),
        seconds_by_step=clock.laps,
        process=job.process.rank,
        processes=job.process.world,
    )


class _Clock:
    def __init__(self) -> None:
        self._start = self._last = time.perf_counter()
        self.laps: dict[str, float] = {}

    def lap(self, step: str) -> None:
        now = time.perf_counter()
        self.laps[step] = now - self._last
        self._last = now

    def total(self) -> float:
        return time.perf_counter() - self._start
