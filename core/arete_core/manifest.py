"""`manifest.json`, which makes a run folder whole: what was counted, how, and the hash of every table."""

import json
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from arete_core.errors import RunAlteredError, RunVersionError, SettingError
from arete_core.files import write_bytes_atomically
from arete_core.ids import check_run_id
from arete_core.run_schema import FORMAT_VERSION, GIVEN_TABLES, OPTIONAL_TABLES, TABLES, UNLOADED_TABLES

MANIFEST = "manifest.json"


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ModelInfo(_Frozen):
    """The model of a run.

    Attributes:
        name: As given to `--model`.
        weights: File name or `DEFAULT`; never a path.
        weights_sha256: Of the weight file, or of the state dict's bytes where there is no file.
        graph_sha256: Of the traced layer graph, so that a changed architecture is noticed.
        image_size: Side of the square input, in pixels.
        outputs: Number of classes that the model tells apart.
    """

    name: str
    weights: str
    weights_sha256: str
    graph_sha256: str
    image_size: int
    outputs: int


class DatasetInfo(_Frozen):
    """The images of a run.

    Attributes:
        name: The data folder's own name.
        split: `train`, `val` or empty where the folder has no splits.
        files_sha256: Of the sorted list of relative paths and file sizes; does not depend on where the folder lies.
        images: Counted images.
        failed: Images left out because they could not be read.
    """

    name: str
    split: str
    files_sha256: str
    images: int
    failed: int


class FileInfo(_Frozen):
    """One table file: its sha256 and number of rows."""

    sha256: str
    rows: int


class Manifest(_Frozen):
    """`manifest.json`, written last.

    Attributes:
        format_version: Of the run folder; see `run_schema.FORMAT_VERSION`.
        id: The run's id, see `ids.check_run_id`.
        name: For people; the id unless another one was given.
        created_at: ISO 8601 time in UTC.
        model: The model.
        dataset: The images.
        settings: All settings that change the numbers.
        versions: Of arete, python, torch and the like.
        device: Where it was computed, for instance `cpu` or `cuda: NVIDIA H200`.
        state: `complete`; a folder without a manifest is not finished.
        files: Per table file, relative to the run folder.
        pictures: With which settings pictures and embeddings were made that may be made anew, by kind; `features`,
            `embeddings`, `instances`.
    """

    format_version: int
    id: str
    name: str
    created_at: str
    model: ModelInfo
    dataset: DatasetInfo
    settings: dict[str, Any]
    versions: dict[str, str]
    device: str
    state: Literal["complete"]
    files: dict[str, FileInfo]
    pictures: dict[str, dict[str, Any]] = {}


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Writes `manifest.json`: the moment at which the run folder becomes whole."""
    write_bytes_atomically(folder / MANIFEST, manifest_bytes(manifest))


def manifest_bytes(manifest: Manifest) -> bytes:
    """Returns a manifest as its file holds it."""
    return manifest.model_dump_json(indent=2).encode() + b"\n"


def bytes_as_loaded(manifest: Manifest) -> bytes | None:
    """Returns a manifest's bytes without the tables of which nothing is loaded; None where it has none of these."""
    unloaded = {f"{name}.parquet" for name in UNLOADED_TABLES} & manifest.files.keys()
    if not unloaded:
        return None
    files = {name: info for name, info in manifest.files.items() if name not in unloaded}
    pictures = {kind: settings for kind, settings in manifest.pictures.items() if kind not in UNLOADED_TABLES}
    return manifest_bytes(manifest.model_copy(update={"files": files, "pictures": pictures}))


def parse_manifest(path: Path, raw: bytes) -> Manifest:
    """Reads a manifest.

    Args:
        path: Of its file, for messages.
        raw: What the file holds.

    Returns:
        The manifest; the tables that it lists are not looked at.

    Raises:
        RunVersionError: If a newer Arête wrote it.
        RunAlteredError: If it is none, or lacks a table that every run has.
    """
    try:
        document = json.loads(raw)
        version = document["format_version"]
    except (ValueError, KeyError, TypeError) as error:
        raise RunAlteredError(f"{path} is no manifest: {error!r}") from error
    if type(version) is not int or version < 1:  # `true` is an int to isinstance
        raise RunAlteredError(f"{path}: format_version: a number of 1 or more was expected, found {version!r}")
    if version > FORMAT_VERSION:
        raise RunVersionError(
            f"{path} has format version {version}, this Arête reads up to {FORMAT_VERSION}",
            hint="use the Arête that made it, or a newer one: pip install --upgrade arete",
        )
    try:
        manifest = Manifest.model_validate(document)
        check_run_id(manifest.id)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise RunAlteredError(f"{path}: {place}: {first['msg']}") from error
    except SettingError as error:
        raise RunAlteredError(f"{path}: id: {error.message}") from error
    for name in manifest.files:
        if Path(name).name != name:
            raise RunAlteredError(f"{path}: files: {name!r} is not the name of a file in the run folder")
    missing = [f"{name}.parquet" for name in TABLES.keys() - OPTIONAL_TABLES if f"{name}.parquet" not in manifest.files]
    if missing:
        raise RunAlteredError(f"{path}: files: {', '.join(sorted(missing))} is not listed, which every run has")
    given = {name: f"{name}.parquet" in manifest.files for name in GIVEN_TABLES}
    if any(given.values()) and not all(given.values()):
        absent = ", ".join(f"{name}.parquet" for name, there in given.items() if not there)
        raise RunAlteredError(f"{path}: files: {absent} is not listed, without which given graphs are not whole")
    return manifest
