"""What makes a killed job continue: `job.json`, a lock, and one file for each finished unit of work.

A unit of work is a run of images of one class. Its file is written beside, flushed and renamed, so that it is whole or
absent; a unit done twice replaces its file and never adds twice. Counts are stored as the places and values of what is
not zero.
"""

import fcntl
import io
import json
import os
import shutil
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from arete_core.errors import RunAlteredError, RunConflictError
from arete_core.files import write_bytes_atomically
from arete_ingest.counter import ClassCounts
from arete_ingest.layer_graph import LayerGraph
from arete_ingest.strongest import Strongest

JOB_FILE = "job.json"
LOCK_FILE = ".lock"
PARTS = "parts"


_DAMAGE = (OSError, EOFError, ValueError, KeyError, IndexError, zipfile.BadZipFile, zlib.error)
"""What reading a damaged unit may raise."""


@dataclass
class UnitResult:
    """What one finished unit gave.

    Attributes:
        counts: Of the images that could be read.
        images: int64 ids of these images, ascending.
        outputs: int32, the model's largest output of each.
        probabilities: float32, of the true class; NaN where outputs are not matched to classes.
        errors: Reasons of the images that could not be read, by id.
        strongest: Per layer the strongest images of each channel.
    """

    counts: ClassCounts
    images: np.ndarray
    outputs: np.ndarray
    probabilities: np.ndarray
    errors: dict[int, str]
    strongest: list[Strongest]


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Holds a run folder for this process.

    The lock is the kernel's, on `.lock`: it goes with the process, however that ends. The process id inside is for
    people. The file is removed afterwards.

    Args:
        folder: The run folder; exists.

    Raises:
        RunConflictError: If another process holds it.
    """
    path = folder / LOCK_FILE
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            owner = os.read(descriptor, 32).decode(errors="replace").strip() or "unknown"
            os.close(descriptor)
            raise RunConflictError(
                f"another job (process {owner}) is writing {folder}",
                hint="wait until it is done, or choose another --out",
            ) from error
        # The one before may have removed the file between our open and our lock; then the lock guards nothing.
        if path.exists() and os.fstat(descriptor).st_ino == path.stat().st_ino:
            break
        os.close(descriptor)
    try:
        os.ftruncate(descriptor, 0)
        os.write(descriptor, f"{os.getpid()}\n".encode())
        yield
    finally:
        path.unlink(missing_ok=True)
        os.close(descriptor)


def read_job(folder: Path) -> dict[str, Any] | None:
    """Returns what `job.json` says the folder's job is, or None where there is no job.

    Raises:
        RunAlteredError: If the file is damaged.
    """
    path = folder / JOB_FILE
    if not path.is_file():
        return None
    try:
        job = json.loads(path.read_bytes())
    except ValueError as error:
        raise RunAlteredError(f"{path} is damaged: {error}", hint="delete the folder and start the job anew") from error
    if not isinstance(job, dict):
        raise RunAlteredError(f"{path} is damaged: no JSON object", hint="delete the folder and start the job anew")
    return job


def write_job(folder: Path, job: dict[str, Any]) -> None:
    """Writes `job.json`, which fixes what the folder's parts belong to."""
    write_bytes_atomically(folder / JOB_FILE, json.dumps(job, indent=2).encode() + b"\n")


def differences(before: dict[str, Any], now: dict[str, Any]) -> list[str]:
    """Says in words what differs between two jobs, one item a changed value."""
    return [
        f"{key.replace('_', ' ')} was {_shown(before.get(key))}, is {_shown(now.get(key))}"
        for key in dict.fromkeys([*before, *now])
        if before.get(key) != now.get(key)
    ]


def _shown(value: Any) -> str:
    if value is None:
        return "not given"
    text = value if isinstance(value, str) else json.dumps(value)
    return f"{text[:12]}…" if len(text) == 64 else text  # a sha256


class Parts:
    """The finished units of a job.

    Args:
        folder: The run folder.
        graph: The traced model, for the shapes of the counts.
    """

    def __init__(self, folder: Path, graph: LayerGraph) -> None:
        self._folder = folder / PARTS
        self._graph = graph

    def prepare(self) -> None:
        """Makes the folder and removes what a killed job left half-written."""
        self._folder.mkdir(exist_ok=True)
        for path in self._folder.glob(".*.tmp"):
            path.unlink()

    def done(self) -> set[int]:
        """Returns the numbers of the units that are finished."""
        return {int(path.stem) for path in self._folder.glob("*.npz") if path.stem.isdigit()}

    def write(self, unit: int, result: UnitResult) -> None:
        """Writes a finished unit, whole or not at all."""
        arrays: dict[str, np.ndarray] = {
            "images": result.images,
            "outputs": result.outputs,
            "probabilities": result.probabilities,
            "errors": np.frombuffer(json.dumps(list(result.errors.items())).encode(), np.uint8),
        }
        for name, counts in _named_counts(result.counts):
            places = np.flatnonzero(counts)
            # Gaps instead of places: small numbers, a third of the size once compressed.
            arrays[f"{name}_gap"] = np.diff(places, prepend=0).astype(np.uint32)
            arrays[f"{name}_n"] = counts.reshape(-1)[places].astype(np.uint32)
        for layer, strongest in enumerate(result.strongest):
            arrays[f"top{layer}_activation"] = strongest.activation
            arrays[f"top{layer}_image"] = strongest.image
            arrays[f"top{layer}_position"] = strongest.position
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
            for name, array in arrays.items():
                with archive.open(f"{name}.npy", "w") as file:
                    np.lib.format.write_array(file, np.ascontiguousarray(array), allow_pickle=False)
        write_bytes_atomically(self._path(unit), buffer.getvalue())

    def read(self, unit: int) -> UnitResult:
        """Reads a finished unit.

        Raises:
            RunAlteredError: If its file is damaged.
        """
        path = self._path(unit)
        try:
            with np.load(path, allow_pickle=False) as stored:
                arrays = {name: stored[name] for name in stored.files}
            counts = _empty_counts(self._graph)
            for name, into in _named_counts(counts):
                into.reshape(-1)[np.cumsum(arrays[f"{name}_gap"], dtype=np.int64)] = arrays[f"{name}_n"]
            counts.images = len(arrays["images"])
            return UnitResult(
                counts=counts,
                images=arrays["images"],
                outputs=arrays["outputs"],
                probabilities=arrays["probabilities"],
                errors=dict(json.loads(arrays["errors"].tobytes())),
                strongest=[
                    Strongest(
                        arrays[f"top{layer}_activation"], arrays[f"top{layer}_image"], arrays[f"top{layer}_position"]
                    )
                    for layer in range(len(self._graph.layers))
                ],
            )
        except _DAMAGE as error:
            raise _damaged(path, error) from error

    def errors(self, unit: int) -> dict[int, str]:
        """Reads only a finished unit's unreadable images: their reasons by id.

        Raises:
            RunAlteredError: If its file is damaged.
        """
        path = self._path(unit)
        try:
            with np.load(path, allow_pickle=False) as stored:
                return dict(json.loads(stored["errors"].tobytes()))
        except _DAMAGE as error:
            raise _damaged(path, error) from error

    def remove(self) -> None:
        """Removes all units; the run folder is whole without them."""
        shutil.rmtree(self._folder, ignore_errors=True)

    def _path(self, unit: int) -> Path:
        return self._folder / f"{unit:07d}.npz"


def _damaged(path: Path, error: Exception) -> RunAlteredError:
    return RunAlteredError(
        f"{path} is damaged: {error}", hint=f"delete {path} and run the same command again: only this unit is done anew"
    )


def _named_counts(counts: ClassCounts) -> Iterator[tuple[str, np.ndarray]]:
    for name, arrays in (
        ("share", counts.activation_counts),
        ("top_k", counts.top_k_counts),
        ("conv", counts.conv_counts),
    ):
        for index, array in enumerate(arrays):
            yield f"{name}{index}", array


def _empty_counts(graph: LayerGraph) -> ClassCounts:
    return ClassCounts(
        images=0,
        activation_counts=[np.zeros(layer.channels, np.int64) for layer in graph.layers],
        top_k_counts=[np.zeros(layer.channels, np.int64) for layer in graph.layers],
        conv_counts=[np.zeros((conv.out_channels, conv.candidates), np.int32) for conv in graph.convs],
    )
