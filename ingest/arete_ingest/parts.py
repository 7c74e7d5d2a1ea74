"""What makes a killed job continue: `job.json`, and one file for each finished unit of work.

A unit of work is a run of images of one class. Its file is written beside, flushed and renamed, so that it is whole or
absent; a unit done twice replaces its file and never adds twice. Counts are stored as the places and values of what is
not zero.
"""

import io
import json
import math
import shutil
import zipfile
import zlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from arete_core.errors import RunAlteredError
from arete_core.files import write_bytes_atomically
from arete_ingest.counter import ClassCounts
from arete_ingest.layer_graph import LayerGraph
from arete_ingest.strongest import Strongest

JOB_FILE = "job.json"
PARTS = "parts"


_DAMAGE = (OSError, EOFError, ValueError, KeyError, IndexError, zipfile.BadZipFile, zlib.error)
"""What reading a damaged unit may raise."""


@dataclass
class UnitResult:
    """What one finished unit gave.

    Attributes:
        counts: Of the images that were counted.
        images: int64 ids of the images that could be read, ascending.
        counted: bool, whether each of these was counted.
        outputs: int32, the model's largest output of each.
        probabilities: float32, of the true class; NaN where outputs are not matched to classes.
        errors: Reasons of the images that could not be read, by id.
        strongest: Per layer the strongest images of each channel.
        scores: float64, sum over the counted images of each channel's further score, layer by layer; empty where none
            were asked for.
    """

    counts: ClassCounts
    images: np.ndarray
    counted: np.ndarray
    outputs: np.ndarray
    probabilities: np.ndarray
    errors: dict[int, str]
    strongest: list[Strongest]
    scores: np.ndarray = field(default_factory=lambda: np.empty(0))


def read_job(folder: Path) -> dict[str, Any] | None:
    """Reads what a run folder's job is.

    Args:
        folder: The run folder.

    Returns:
        What `write_job` wrote, or None where there is no job.

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
    """Says in words what differs between two jobs, one item a changed value; of class sets, one a changed set."""
    found: list[str] = []
    for key in dict.fromkeys([*before, *now]):
        was, is_ = before.get(key), now.get(key)
        if key == "sets":
            found += differences(was or {}, is_ or {})
        elif was != is_:
            found.append(f"{key.replace('_', ' ')} was {_shown(was)}, is {_shown(is_)}")
    return found


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
        for path in self._folder.glob("claims-*"):
            shutil.rmtree(path)

    def done(self) -> set[int]:
        """Returns the numbers of the units that are finished."""
        return {int(path.stem) for path in self._folder.glob("*.npz") if path.stem.isdigit()}

    def write(self, unit: int, result: UnitResult) -> None:
        """Writes a finished unit, whole or not at all."""
        arrays: dict[str, np.ndarray] = {
            "images": result.images,
            "counted": result.counted,
            "outputs": result.outputs,
            "probabilities": result.probabilities,
            "scores": result.scores,
            "errors": np.frombuffer(json.dumps(list(result.errors.items())).encode(), np.uint8),
        }
        counts = np.concatenate([array.reshape(-1).astype(np.uint32) for array in _arrays_of(result.counts)])
        places = np.flatnonzero(counts)
        # Gaps instead of places: small numbers, a third of the size once compressed.
        arrays["gaps"] = np.diff(places, prepend=0).astype(np.uint32)
        arrays["counts"] = counts[places]
        for name in Strongest._fields:
            arrays[name] = np.concatenate([getattr(layer, name) for layer in result.strongest])
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
            for name, array in arrays.items():
                with archive.open(f"{name}.npy", "w") as file:
                    np.lib.format.write_array(file, np.ascontiguousarray(array), allow_pickle=False)
        write_bytes_atomically(self.path(unit), buffer.getvalue())

    def read(self, unit: int) -> UnitResult:
        """Reads a finished unit.

        Args:
            unit: Its number.

        Returns:
            What was written.

        Raises:
            RunAlteredError: If its file is damaged.
        """
        path = self.path(unit)
        try:
            with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
                arrays = {name: stored[name] for name in stored.files}
            counts = self._counts(arrays["gaps"], arrays["counts"], images=int(arrays["counted"].sum()))
            ends = np.cumsum([layer.channels for layer in self._graph.layers])[:-1]
            return UnitResult(
                counts=counts,
                images=arrays["images"],
                counted=arrays["counted"],
                outputs=arrays["outputs"],
                probabilities=arrays["probabilities"],
                errors=dict(json.loads(arrays["errors"].tobytes())),
                scores=arrays["scores"],
                strongest=[
                    Strongest(*layer)
                    for layer in zip(*(np.split(arrays[n], ends) for n in Strongest._fields), strict=True)
                ],
            )
        except _DAMAGE as error:
            raise _damaged(path, error) from error

    def _counts(self, gaps: np.ndarray, values: np.ndarray, *, images: int) -> ClassCounts:
        layers, sums = self._graph.layers, self._graph.sums
        shapes = [(layer.channels,) for layer in layers] * 2 + [
            (total.out_channels, total.candidates) for total in sums
        ]
        sizes = [math.prod(shape) for shape in shapes]
        flat = np.zeros(sum(sizes), np.int64)
        flat[np.cumsum(gaps, dtype=np.int64)] = values
        pieces = np.split(flat, np.cumsum(sizes)[:-1])
        arrays = [piece.reshape(shape) for piece, shape in zip(pieces, shapes, strict=True)]
        count = len(layers)
        return ClassCounts(
            images=images,
            activation_counts=arrays[:count],
            top_k_counts=arrays[count : 2 * count],
            influence_counts=[array.astype(np.int32) for array in arrays[2 * count :]],
        )

    def errors(self, unit: int) -> dict[int, str]:
        """Reads only a finished unit's unreadable images.

        Args:
            unit: Its number.

        Returns:
            Their reasons by image id.

        Raises:
            RunAlteredError: If its file is damaged.
        """
        path = self.path(unit)
        try:
            with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
                return dict(json.loads(stored["errors"].tobytes()))
        except _DAMAGE as error:
            raise _damaged(path, error) from error

    def remove(self) -> None:
        """Removes all units; the run folder is whole without them."""
        shutil.rmtree(self._folder, ignore_errors=True)

    def path(self, unit: int) -> Path:
        """Returns where a unit's file is, or will be."""
        return self._folder / f"{unit:07d}.npz"


def _damaged(path: Path, error: Exception) -> RunAlteredError:
    return RunAlteredError(
        f"{path} is damaged: {error}", hint=f"delete {path} and run the same command again: only this unit is done anew"
    )


def _arrays_of(counts: ClassCounts) -> list[np.ndarray]:
    return [*counts.activation_counts, *counts.top_k_counts, *counts.influence_counts]
