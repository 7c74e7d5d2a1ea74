"""Writes the drawings as class folders, and sees at once when they are already there.

```
FOLDER/red-striped-star/0000.jpg   one folder a class
FOLDER/classes.tsv                 folder<TAB>name
FOLDER/composition.json            shape, texture and colour of each class
FOLDER/drawings.json               what the set depends on, number and size of its files
```

The set is drawn in a hidden folder beside its place and renamed when it is whole; a killed job leaves nothing that
could be taken for it, and the next one clears the rest away. Two jobs at once do the work once: one waits.
"""

import fcntl
import json
import multiprocessing
import os
import shutil
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from PIL import Image

from arete_core.errors import DatasetError, SettingError
from arete_core.progress import Progress, SilentProgress
from arete_ingest.demo.drawings import CLASSES, DRAWINGS_VERSION, IMAGE_SIZE, SPLITS, draw

PER_CLASS = 120
SEED = 2019
MANIFEST = "drawings.json"
COMPOSITION = "composition.json"
NAMES = "classes.tsv"
_QUALITY = 95  # JPEG, colour at full resolution: 5 kB a drawing, and no visible loss
_CHUNK = 20  # drawings a worker makes between two reports


class DemoImages(NamedTuple):
    """A set of drawings on disk.

    Attributes:
        folder: Where it is, absolute.
        classes: Number of class folders.
        images: Number of image files.
        written: Whether this call drew them; False where they were there already.
    """

    folder: Path
    classes: int
    images: int
    written: bool


def write_dataset(
    folder: Path | str,
    *,
    per_class: int = PER_CLASS,
    seed: int = SEED,
    split: str = "demo",
    size: int = IMAGE_SIZE,
    workers: int | None = None,
    progress: Progress | None = None,
) -> DemoImages:
    """Makes sure that a folder holds the drawings of every class; draws them if it does not.

    Args:
        folder: Where to; made if it does not exist. An older set of drawings is replaced, anything else is refused.
        per_class: Drawings per class, 1 or more.
        seed: Seed of the set, 0 or more.
        split: `demo`, `train` or `held-out`; they share no drawing.
        size: Height and width in pixels, 16 or more.
        workers: Processes that draw; at most four of the machine's cores when None, and 1 draws in this process. The
            files do not depend on it. Like all of Python's process pools, more than 1 needs a main module that can be
            imported without doing its work again.
        progress: Where to report to.

    Returns:
        What is there now.

    Raises:
        SettingError: A number or the split is out of range.
        DatasetError: The folder holds something else, or cannot be written.
    """
    _check(split, per_class=(per_class, 1), seed=(seed, 0), size=(size, 16), workers=(workers, 1))
    progress = progress or SilentProgress()
    place = Path(folder).resolve()
    parameters = _parameters(per_class, seed, split, size)
    found = DemoImages(place, len(CLASSES), len(CLASSES) * per_class, written=False)
    if is_whole(place, parameters):
        return found
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        with _only_one(place, progress):
            if is_whole(place, parameters):  # drawn by the job that we waited for
                return found
            _refuse_strangers(place)
            _draw_and_move(place, parameters, workers, progress)
    except OSError as error:
        raise DatasetError(
            f"the drawings cannot be written to {place}: {error.strerror or error}",
            hint="free some space (about 25 MB), or choose a folder that you may write to",
        ) from error
    return found._replace(written=True)


def is_whole(folder: Path, parameters: dict[str, Any]) -> bool:
    """Tells whether a folder holds exactly the set with these parameters, by the number and size of its files."""
    manifest = _manifest(folder)
    if manifest is None or manifest.get("parameters") != parameters:
        return False
    try:
        return manifest.get("files") == _measure(folder)
    except OSError:
        return False


def _check(split: str, **numbers: tuple[int | None, int]) -> None:
    """Raises a SettingError for an unknown split, or a number that is below its least value."""
    for name, (value, least) in numbers.items():
        if value is not None and value < least:
            raise SettingError(f"{name} is {value}; {least} or more was expected")
    if split not in SPLITS:
        raise SettingError(f"there is no split {split!r}", hint=f"one of {', '.join(SPLITS)}")


def _parameters(per_class: int, seed: int, split: str, size: int) -> dict[str, Any]:
    """Returns everything that the files depend on."""
    return {
        "version": DRAWINGS_VERSION,
        "classes": [composition.folder for composition in CLASSES],
        "per_class": per_class,
        "seed": seed,
        "split": split,
        "size": size,
        "quality": _QUALITY,
    }


def _manifest(folder: Path) -> dict[str, Any] | None:
    """Reads the manifest; None where there is none, or none that can be read."""
    try:
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return manifest if isinstance(manifest, dict) else None


def _measure(folder: Path) -> dict[str, int]:
    """Counts files and bytes in the class folders; 5 ms for 4,000 files."""
    sizes = [entry.stat().st_size for composition in CLASSES for entry in os.scandir(folder / composition.folder)]
    return {"count": len(sizes), "bytes": sum(sizes)}


def _refuse_strangers(place: Path) -> None:
    """Raises unless a folder is absent, empty or an older set of drawings."""
    if not place.exists() or (place.is_dir() and ((place / MANIFEST).is_file() or not any(place.iterdir()))):
        return
    raise DatasetError(
        f"{place} holds something else than the demo's drawings and is left as it is",
        hint="move it away, or choose another folder for the demo",
    )


@contextmanager
def _only_one(place: Path, progress: Progress) -> Iterator[None]:
    """Holds a lock on a folder's place; waits for the job that has it. A killed job's lock is free."""
    with place.with_name(f".{place.name}.lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            progress.say(f"Another job is drawing {place}; waiting for it.")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _draw_and_move(place: Path, parameters: dict[str, Any], workers: int | None, progress: Progress) -> None:
    """Draws beside the place, then moves the whole set there. Needs the lock."""
    unfinished, old = place.with_name(f".{place.name}.unfinished"), place.with_name(f".{place.name}.old")
    for leftover in (unfinished, old):  # of a killed job: whoever has the lock is the only one at work
        shutil.rmtree(leftover, ignore_errors=True)
    try:
        _draw_all(unfinished, parameters, workers, progress)
        if place.exists():
            place.rename(old)
        unfinished.rename(place)
    finally:
        for leftover in (unfinished, old):
            shutil.rmtree(leftover, ignore_errors=True)


def _draw_all(folder: Path, parameters: dict[str, Any], workers: int | None, progress: Progress) -> None:
    """Writes every file of the set, its manifest last."""
    for composition in CLASSES:
        (folder / composition.folder).mkdir(parents=True)
    per_class = parameters["per_class"]
    chunks = [
        (folder, class_, range(start, min(start + _CHUNK, per_class)), parameters)
        for class_ in range(len(CLASSES))
        for start in range(0, per_class, _CHUNK)
    ]
    processes = workers or min(os.cpu_count() or 1, 4)
    with progress.task("Draw the demo images", total=per_class * len(CLASSES), unit="images") as task:
        if processes == 1:
            for chunk in chunks:
                task.advance(_draw_chunk(*chunk))
        else:
            _draw_in_processes(chunks, processes, task.advance)
    names = "".join(f"{composition.folder}\t{composition.name}\n" for composition in CLASSES)
    (folder / NAMES).write_text(names, encoding="utf-8")
    parts = {composition.folder: {"name": composition.name, **composition._asdict()} for composition in CLASSES}
    (folder / COMPOSITION).write_text(json.dumps(parts, indent=1) + "\n", encoding="utf-8")
    manifest = {"parameters": parameters, "files": _measure(folder)}
    (folder / MANIFEST).write_text(json.dumps(manifest, indent=1) + "\n", encoding="utf-8")


def _draw_in_processes(chunks: list[tuple[Any, ...]], processes: int, advance: Callable[[int], None]) -> None:
    """Draws chunks side by side. Spawned, since a fork of a process with threads (torch's, say) can lock up."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(processes, mp_context=context, initializer=end_with_parent) as pool:
        try:
            for job in as_completed([pool.submit(_draw_chunk, *chunk) for chunk in chunks]):
                advance(job.result())
        except BaseException:
            pool.shutdown(wait=True, cancel_futures=True)
            raise


def _draw_chunk(folder: Path, class_: int, indices: range, parameters: dict[str, Any]) -> int:
    """Writes some drawings of one class and returns how many."""
    composition = CLASSES[class_]
    for index in indices:
        drawing = draw(
            composition, seed=parameters["seed"], split=parameters["split"], index=index, size=parameters["size"]
        )
        path = folder / composition.folder / f"{index:04d}.jpg"
        Image.fromarray(drawing.image).save(path, quality=parameters["quality"], subsampling=0)
    return len(indices)


def end_with_parent() -> None:
    """Makes a worker process end with the process that started it, even if that one is killed.

    An interrupt from the keyboard is left to that process too: it ends its workers itself.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    if parent is None:
        return

    def wait() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=wait, daemon=True).start()
