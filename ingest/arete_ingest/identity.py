"""Which job a run folder belongs to: what a begun one wrote down, and the manifest of a finished one."""

import platform
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from arete_core.errors import RunConflictError
from arete_core.manifest import MANIFEST, DatasetInfo, Manifest, ModelInfo
from arete_core.run_folder import RunFolder
from arete_core.run_schema import FORMAT_VERSION
from arete_ingest.parts import differences, read_job, write_job
from arete_ingest.planning import Job
from arete_ingest.tables import Joined

_LIBRARIES = ("arete", "torch", "torchvision", "numpy", "pillow", "pyarrow")
_IN_MODEL_OR_DATASET = ("run", "model", "weights_sha256", "graph_sha256", "images_sha256", "split")


def finished_run(job: Job, folder: Path) -> Manifest | None:
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
    refuse_if_different(folder, before, job.fingerprint(), "holds another finished run")
    return manifest


def continue_or_begin(job: Job, folder: Path) -> None:
    """Checks that a begun job is the same one, or writes down what this one is.

    Args:
        job: The job that is asked for.
        folder: The run folder.

    Raises:
        RunConflictError: If it is another one.
    """
    now = identity_of(job)
    before = read_job(folder)
    if before is None:
        write_job(folder, now)
    else:
        refuse_if_different(folder, before, now, "holds another job, not finished")


def identity_of(job: Job) -> dict[str, Any]:
    """Returns what a begun job must agree in to be continued."""
    # Rounding differs between devices and releases: half a run from each would be neither.
    versions = {f"version_of_{name}": number for name, number in _versions().items()}
    return {**job.fingerprint(), "device": job.device_name(), **versions}


def refuse_if_different(folder: Path, before: dict[str, Any], now: dict[str, Any], what: str) -> None:
    """Compares two jobs.

    Args:
        folder: The run folder.
        before: What it holds.
        now: What is asked for.
        what: How the error goes on after the folder's name.

    Raises:
        RunConflictError: If they differ.
    """
    changed = differences(before, now)
    if changed:
        raise RunConflictError(
            f"{folder} {what}: {'; '.join(changed)}",
            hint="choose another --out, or delete the folder to start anew",
        )


def manifest_of(job: Job, joined: Joined, pictures: dict[str, dict[str, Any]]) -> Manifest:
    """Makes the manifest of a job that is through.

    Args:
        job: The job.
        joined: What it counted.
        pictures: The manifest's entry of that name.

    Returns:
        The manifest, complete.
    """
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
