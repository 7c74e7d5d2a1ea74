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

import os
import platform
import shutil
import time
from contextlib import closing, nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from arete_core.errors import RunConflictError, RunFolderError, RunIncompleteError
from arete_core.exclusions import mark_channels
from arete_core.non_semantic import propose_exclusions
from arete_core.progress import Progress, SilentProgress
from arete_core.run_folder import (
    MANIFEST,
    DatasetInfo,
    Manifest,
    ModelInfo,
    RunFolder,
    write_manifest,
    write_table,
    writing_failed,
)
from arete_core.run_lock import LOCK_FILE, Lock, locked
from arete_core.run_schema import FORMAT_VERSION
from arete_ingest.atlases import atlases_table, draw_atlases
from arete_ingest.class_examples import CLASS_TILE_PX, cut_class_examples
from arete_ingest.count_units import count_units
from arete_ingest.embeddings import begin_embeddings
from arete_ingest.examples import TILE_MEMORY_BYTES, cut_examples
from arete_ingest.execution import torch_settings
from arete_ingest.forecast import folder_size, unit_size
from arete_ingest.memory import resident_bytes
from arete_ingest.parts import JOB_FILE, Parts, differences, read_job, write_job
from arete_ingest.planning import Job, cores, prepare
from arete_ingest.processes import Claims, Process
from arete_ingest.settings import IngestSettings
from arete_ingest.stopping import Stop
from arete_ingest.tables import Joined, join_classes

_LIBRARIES = ("arete", "torch", "torchvision", "numpy", "pillow", "pyarrow")
_IN_MODEL_OR_DATASET = ("run", "model", "weights_sha256", "graph_sha256", "images_sha256", "split")


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
    claims = Claims.join(folder, job.process, finished=lambda: _finished(job, folder) is not None)
    nothing = DatasetInfo(name="", split="", files_sha256="", images=0, failed=0)
    if claims is None:
        return _result(job, folder, clock, nothing, already_done=True)
    with closing(claims):
        begun = read_job(folder)
        if begun is not None:
            _refuse_if_different(folder, begun, _job_of(job), "was begun by the first process with another job")
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
    finished = _finished(job, folder)
    if finished is not None:
        _clean(folder, parts)  # where the earlier job was killed between its manifest and this
        _exclude(job, folder, progress)
        progress.say(f"{folder} is done already ({finished.dataset.images:,} images): nothing was to do")
        return _result(job, folder, clock, finished.dataset, already_done=True)
    _continue_or_begin(job, folder)
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
    pictures = begin_embeddings(
        folder,
        joined.files,
        classes=[one.index for one in job.plan.sets],
        sizes=[layer.channels for layer in job.graph.layers],
        method=job.settings.method,
        progress=progress,
    )
    clock.lap("embed")
    if job.settings.examples:
        cut: dict[str, Any] = {
            "root": job.dataset.root,
            "files": job.plan.files,
            "graph": job.graph,
            "transform": job.model.transform,
            "threads": job.settings.workers or cores(),
            "progress": progress,
            "memory_bytes": _tile_memory(job),
        }
        tables = cut_examples(folder, strongest=joined.strongest, tile_px=job.settings.tile_px, **cut)
        joined.files["examples.parquet"] = write_table(folder, "examples", tables.examples)
        joined.files["sprites.parquet"] = write_table(folder, "sprites", tables.sprites)
        atlases = atlases_table(draw_atlases(folder, "examples", tables.sprites))
        joined.files["atlases.parquet"] = write_table(folder, "atlases", atlases)
        if job.settings.class_examples:
            side = min(job.settings.tile_px, CLASS_TILE_PX)
            own = cut_class_examples(folder, kept=joined.kept, tile_px=side, **cut)
            joined.files["class_examples.parquet"] = write_table(folder, "class_examples", own.examples)
            joined.files["class_sprites.parquet"] = write_table(folder, "class_sprites", own.sprites)
        os.sync()  # thousands of small pictures, flushed once instead of one by one
        clock.lap("examples")
    manifest = _manifest(job, joined, pictures)
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


def _tile_memory(job: Job) -> int:
    if job.settings.memory_mb is None or job.device.type == "cuda":
        return TILE_MEMORY_BYTES
    left = int(job.settings.memory_mb * 2**20) - resident_bytes()
    return max(left // 2, 2**20)


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


def _finished(job: Job, folder: Path) -> Manifest | None:
    """Looks whether the folder is whole already.

    Args:
        job: The job that is asked for.
        folder: The run folder.

    Returns:
        The manifest of the same job, or None where the folder has none yet.

    Raises:
        RunConflictError: If the folder is whole and of another job.
    """
    if not (folder / MANIFEST).is_file():
        return None
    manifest = RunFolder.open(folder, verify=False).manifest
    before = {
        "run": manifest.id,
        "model": manifest.model.name,
        "weights_sha256": manifest.model.weights_sha256,
        "graph_sha256": manifest.model.graph_sha256,
        "images_sha256": manifest.dataset.files_sha256,
        "split": manifest.dataset.split,
        **manifest.settings,
    }
    _refuse_if_different(folder, before, job.fingerprint(), "holds another finished run")
    return manifest


def _exclude(job: Job, folder: Path, progress: Progress) -> None:
    """Marks channels in a finished run that are to be excluded and are not yet: no count depends on it."""
    _, new = mark_channels(RunFolder.open(folder, verify=False), job.exclude)
    if new:
        progress.say(f"{len(new)} more channels are excluded now: `arete load {folder}` takes that over")


def _continue_or_begin(job: Job, folder: Path) -> None:
    """Checks that a begun job is the same one, or writes down what this one is.

    Args:
        job: The job that is asked for.
        folder: The run folder.

    Raises:
        RunConflictError: If it is another one.
    """
    now = _job_of(job)
    before = read_job(folder)
    if before is None:
        write_job(folder, now)
    else:
        _refuse_if_different(folder, before, now, "holds another job, not finished")


def _job_of(job: Job) -> dict[str, Any]:
    # Rounding differs between devices and releases: half a run from each would be neither.
    versions = {f"version_of_{name}": number for name, number in _versions().items()}
    return {**job.fingerprint(), "device": job.device_name(), **versions}


def _refuse_if_different(folder: Path, before: dict[str, Any], now: dict[str, Any], what: str) -> None:
    changed = differences(before, now)
    if changed:
        raise RunConflictError(
            f"{folder} {what}: {'; '.join(changed)}",
            hint="choose another --out, or delete the folder to start anew",
        )


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


def _manifest(job: Job, joined: Joined, pictures: dict[str, dict[str, Any]]) -> Manifest:
    fingerprint = job.fingerprint()
    return Manifest(
        format_version=FORMAT_VERSION,
        id=job.settings.run_id,
        name=job.settings.run_name,
        created_at=datetime.now(UTC).isoformat(timespec="seconds"),
        model=ModelInfo(
            name=job.model.name,
            weights=job.model.weights,
            weights_sha256=job.model.weights_sha256,
            graph_sha256=job.graph.graph_sha256,
            image_size=job.model.transform.image_size,
            outputs=job.model.outputs,
        ),
        dataset=DatasetInfo(
            name=job.dataset.root.name,
            split=job.dataset.split,
            files_sha256=job.plan.files_sha256,
            images=joined.images,
            failed=joined.failed,
        ),
        settings={key: value for key, value in fingerprint.items() if key not in _IN_MODEL_OR_DATASET},
        versions=_versions(),
        device=job.device_name(),
        state="complete",
        files=dict(sorted(joined.files.items())),
        pictures=pictures,
    )


def _versions() -> dict[str, str]:
    found = {"python": platform.python_version()}
    for name in _LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:  # a source tree that is on the path without being installed
            found[name] = "unknown"
    return found


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
