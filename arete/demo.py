"""The demo: generated drawings and a small network, from nothing to the viewer."""

import asyncio
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from pathlib import Path

from arete.connect import engine_settings, lasting_database, make_runner
from arete.jobs import needing_ingest
from arete.serving import Service
from arete.settings import Settings
from arete_core.errors import RunAlteredError, RunFolderError, RunVersionError
from arete_core.files import sha256_of
from arete_core.progress import Progress, SilentProgress
from arete_core.run_folder import RunFolder
from arete_queries.engine import RunningEngine, prepare_engine, start_engine
from arete_queries.load import load_run

RUN_ID = "demo"
_FIRST_VIEW = "?v=3&run=demo&class=22&mass=0.2"
"""A class with a graph worth looking at; the demo's layers are small, so that the usual 7.5% keep little of them."""


_MASS = 0.2
"""As in `_FIRST_VIEW`: what it shows gets a feature visualization."""
_FEATURE_OPTIONS = ("--size", "64", "--steps", "40", "--rate", "0.12", "--mass", str(_MASS))
"""A little smaller than the drawings, and fewer, longer steps than usual: done sooner, and as clear for this net."""
_IMAGES = 20
"""Single images of each class that are measured: 720 points on a map, and rows enough for the matrix."""
_STOP_S = 20.0
"""Seconds in which a stopped job keeps what it has finished."""
_LOOK_S = 0.2
"""Seconds between looks at whether a job has ended."""


def run_demo(settings: Settings, progress: Progress, *, open_browser: bool, features: bool = True) -> None:
    """Draws the images, counts, loads and serves; each step is skipped where its result is there already.

    Neo4j starts while the images are drawn and counted, as it spends its first seconds mostly waiting for itself.
    Single images are measured and feature visualizations made while the viewer is served; it shows them as they come.

    Args:
        settings: Data folder, address and database.
        progress: Told about each step.
        open_browser: Open the viewer once it answers.
        features: Measure single images and make feature visualizations.

    Raises:
        AreteError: Whatever the steps raise.
    """
    with (
        Service(settings, open_browser=open_browser, path=_FIRST_VIEW) as service,
        ThreadPoolExecutor(1) as pool,
    ):
        engine = _start_ahead(pool, settings, progress)
        try:
            folder = make_demo_run(settings.home, progress)
            if engine is not None:
                engine.result()
            with lasting_database(settings, progress) as address:

                async def load() -> None:
                    async with await make_runner(settings, address()) as runner:
                        await load_run(runner, folder, replace=True, progress=progress)

                asyncio.run(load())
                with pictures_beside(settings.home, folder.path, progress) if features else nullcontext():
                    service.run(address)
        finally:
            if engine is not None and engine.exception() is None:
                engine.result().stop()


@contextmanager
def pictures_beside(home: Path, run: Path, progress: Progress) -> Iterator[None]:
    """Makes pictures in processes of their own while the block runs; the next start goes on with them.

    Single images first, which take half a minute, then feature visualizations, which take minutes.

    Args:
        home: Data folder; what the jobs say goes to `demo/instances.log` and `demo/features.log`.
        run: The demo's run folder.
        progress: Told when a job begins, and when it has ended by itself.
    """
    from arete_ingest.demo import WEIGHTS

    of_run = (str(run), "--weights", str(WEIGHTS), "--low-priority")
    images = ("instances", *of_run, "--data", str(home / "demo" / "drawings"), "--images", str(_IMAGES))
    commands = (images, ("features", *of_run, *_FEATURE_OPTIONS, "--replace"))
    stopped = threading.Event()
    with ThreadPoolExecutor(1) as pool:
        work = pool.submit(_run_in_turn, commands, home / "demo", stopped, progress)
        try:
            yield
        finally:
            stopped.set()
            work.result()


def _run_in_turn(commands: Sequence[tuple[str, ...]], logs: Path, stopped: threading.Event, progress: Progress) -> None:
    """Runs commands of `arete` one after the other, each with a log of its own, until it is told to stop."""
    for command in commands:
        if stopped.is_set():
            return
        path = logs / f"{command[0]}.log"
        with path.open("wb") as log:
            job = subprocess.Popen(
                [sys.executable, "-m", "arete", *command], stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
            progress.say(f"arete {command[0]} is at work beside the viewer, which shows what it makes: {path}")
            while job.poll() is None:
                if stopped.wait(_LOOK_S):
                    job.terminate()
                    try:
                        job.wait(_STOP_S)
                    except subprocess.TimeoutExpired:
                        job.kill()
                        job.wait()
        if not stopped.is_set():
            progress.say(f"arete {command[0]} {'is done' if job.returncode == 0 else 'failed'}: {path}")


def make_demo_run(home: Path, progress: Progress) -> RunFolder:
    """Makes the demo's run folder, or finds it there.

    Args:
        home: Data folder; images go to `demo/drawings`, the run to `runs/demo`.
        progress: Told about drawing and counting.

    Returns:
        The run folder, whole.

    Raises:
        CapabilityError: If the packages that ingest needs are not installed.
    """
    from arete_ingest.demo import WEIGHTS
    from arete_ingest.demo.dataset import write_dataset
    from arete_ingest.demo.drawings import IMAGE_SIZE

    images = write_dataset(home / "demo" / "drawings", progress=progress)
    out = home / "runs" / RUN_ID
    if images.written:
        shutil.rmtree(out, ignore_errors=True)  # of older drawings
    try:
        folder = RunFolder.open(out)
        if folder.manifest.model.weights_sha256 == sha256_of(WEIGHTS):
            return folder
        shutil.rmtree(out)  # of an older network
    except (RunAlteredError, RunVersionError):
        shutil.rmtree(out)
    except RunFolderError:
        pass  # not there yet, or not finished: the job begins or continues it
    with needing_ingest("the demo needs"):
        from arete_ingest.job import ingest
        from arete_ingest.settings import IngestSettings
    job = IngestSettings(
        model="arete_ingest.demo.network:build",
        weights=str(WEIGHTS),
        data=images.folder,
        out=out,
        name=RUN_ID,
        image_size=IMAGE_SIZE,
        batch_size=60,
    )
    ingest(job, progress)
    return RunFolder.open(out, verify=False)


def _start_ahead(pool: ThreadPoolExecutor, settings: Settings, progress: Progress) -> "Future[RunningEngine] | None":
    if settings.neo4j_url:
        return None
    wanted = engine_settings(settings)
    # What the first start has to prepare shows bars of its own, so it does not run beside other work.
    prepare_engine(wanted, progress=progress)
    return pool.submit(start_engine, wanted, progress=SilentProgress())
