"""The data that Summit [hohman2020summit] published, as a run folder: 1,000 classes of ImageNet on InceptionV1.

The files hold the graphs and not the counts that they were made of, so the run carries given graphs: `arete load` takes
their ranks and edges as they are. Feature visualizations are taken over where they are there.

What the files do not say is left open or stands in: a class's number of images is the largest count of the class, which
for most classes is the whole of it (1,300 for 778 of them); accuracy and histogram are null; `activations` and
`influences` have rows for what was published and no others.

This module does not import torch unless it asks torchvision for the names of the classes.
"""

import hashlib
import os
import re
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
from PIL import Image

from arete_core.errors import DatasetError, RunConflictError
from arete_core.files import sha256_of, sync_folder
from arete_core.ids import check_run_id
from arete_core.manifest import DatasetInfo, FileInfo, Manifest, ModelInfo, write_manifest
from arete_core.progress import Progress, SilentProgress
from arete_core.run_folder import RunFolder, write_table
from arete_core.run_schema import FORMAT_VERSION, TABLES
from arete_ingest.atlases import atlases_table, draw_atlases
from arete_ingest.embeddings import begin_embeddings
from arete_ingest.summit_files import LAYERS, SummitGraph, read_graph

RUN_ID: Final = "summit"
NON_SEMANTIC: Final = {"mixed3a": (67, 190), "mixed3b": (390, 399, 412)}
"""Channels that Summit left out of its graphs."""
_SIZES: Final = (28, 28, 14, 14, 14, 14, 14, 7, 7)  # sides of the blocks' maps, of an image of 224 × 224
_IMAGE_SIZE: Final = 224
_GRAPH = re.compile(r"ag-(0|[1-9][0-9]{0,5})\.json")


@dataclass(frozen=True)
class SummitReport:
    """What an import made.

    Attributes:
        run: The run's id.
        classes: Number of classes.
        channels: Vertices of all graphs together.
        edges: Edges of all graphs together.
        pictures: Channels that have a feature visualization.
        named: Whether the classes have ImageNet's names.
    """

    run: str
    classes: int
    channels: int
    edges: int
    pictures: int
    named: bool


def import_summit(source: Path, out: Path, *, run_id: str = RUN_ID, progress: Progress | None = None) -> SummitReport:
    """Turns published Summit data into a run folder, whole or not at all.

    Args:
        source: Folder that holds `ag/ag-N.json` and perhaps `feature-vis/channel/LAYER-CHANNEL-channel.jpg`, itself or
            in a folder `data`.
        out: The run folder to make; must not exist or be empty.
        run_id: The run's id.
        progress: Told file by file.

    Returns:
        What was made.

    Raises:
        SettingError: If `run_id` can be none.
        DatasetError: If `source` holds no such data, or a file of it is damaged.
        RunConflictError: If `out` holds something already.
    """
    check_run_id(run_id)
    progress = progress or SilentProgress()
    source, out = source.absolute(), out.absolute()
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise RunConflictError(f"{out} exists already; a new run folder is made", hint="choose another --out")
    files = _graph_files(source)
    with progress.task("Read the published graphs", total=len(files), unit="files") as task:
        graphs = []
        for class_, path in files.items():
            graphs.append(read_graph(path, class_))
            task.advance()
    names = _class_names([graph.class_ for graph in graphs], progress)
    out.parent.mkdir(parents=True, exist_ok=True)
    part = Path(tempfile.mkdtemp(prefix=f".{out.name}.", suffix=".part", dir=out.parent))
    try:
        tables = _tables(graphs, names or [f"class {graph.class_}" for graph in graphs])
        tables["features"] = _features(source, part, progress)
        tables["atlases"] = atlases_table(draw_atlases(part, "features", tables["features"]))
        written = {f"{name}.parquet": write_table(part, name, table) for name, table in tables.items()}
        pictures = begin_embeddings(
            part,
            written,
            classes=[graph.class_ for graph in graphs],
            sizes=list(LAYERS.values()),
            method="share",
            progress=progress,
        )
        write_manifest(part, _manifest(run_id, list(files.values()), graphs, written, pictures))
        part.chmod(0o755)  # mkdtemp's 700 would keep other users from a folder that is theirs to read
        RunFolder.open(part, verify=False)
        if out.exists():
            out.rmdir()  # empty, as was seen
        part.rename(out)
        sync_folder(out.parent)
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return SummitReport(
        run=run_id,
        classes=len(graphs),
        channels=sum(len(graph.channels) for graph in graphs),
        edges=sum(len(graph.kept) for graph in graphs),
        pictures=len(tables["features"]),
        named=names is not None,
    )


def _graph_files(source: Path) -> dict[int, Path]:
    """Returns the files by class, in ascending order."""
    base = _base(source, "ag")
    if base is None:
        raise DatasetError(
            f"{source} holds no published attribution graphs, ag/ag-0.json and so on were expected",
            hint="unpack summit-attribution-graphs.tar.xz and give the folder that it makes",
        )
    matches = ((_GRAPH.fullmatch(path.name), path) for path in base.iterdir())
    found = {int(match[1]): path for match, path in matches if match}
    if not found:
        raise DatasetError(f"{base} is empty, ag-0.json and so on were expected", hint="unpack the archive again")
    missing = sorted(set(range(max(found) + 1)) - found.keys())
    if missing:
        raise DatasetError(f"{base}: ag-{missing[0]}.json is missing", hint="unpack the archive again")
    return dict(sorted(found.items()))


def _base(source: Path, name: str) -> Path | None:
    return next((path for path in (source / name, source / "data" / name) if path.is_dir()), None)


def _class_names(classes: Sequence[int], progress: Progress) -> list[str] | None:
    """Returns ImageNet's names of the classes; None where torchvision, which knows them, is not there."""
    if find_spec("torchvision") is None:
        progress.say("The classes have no names but their numbers: torchvision, which knows them, is not installed")
        return None
    from torchvision.models import GoogLeNet_Weights

    names = GoogLeNet_Weights.IMAGENET1K_V1.meta["categories"]
    if classes[-1] >= len(names):
        raise DatasetError(f"ag-{classes[-1]}.json: ImageNet has {len(names):,} classes, numbered from 0")
    return [names[class_] for class_ in classes]


def _tables(graphs: Sequence[SummitGraph], names: Sequence[str]) -> dict[str, pa.Table]:
    rows: dict[str, list[tuple[Any, ...]]] = {
        "layers": [
            (layer, name, "concat", size, [layer - 1] if layer else [], _SIZES[layer], _SIZES[layer])
            for layer, (name, size) in enumerate(LAYERS.items())
        ],
        "channels": [
            (layer, channel, out, "not semantic, says Summit" if out else None)
            for layer, (name, size) in enumerate(LAYERS.items())
            for channel in range(size)
            for out in [channel in NON_SEMANTIC.get(name, ())]
        ],
        "classes": [
            (graph.class_, name, "label", graph.images, 0, None, None)
            for graph, name in zip(graphs, names, strict=True)
        ],
        "activations": [
            (graph.class_, one.layer, one.channel, one.count, 0) for graph in graphs for one in graph.channels
        ],
        "graphs": [(graph.class_, graph.mass) for graph in graphs],
        "ranks": [
            (graph.class_, one.layer, one.channel, one.rank, one.entry) for graph in graphs for one in graph.channels
        ],
        "influences": [],
        "attributes": [],
    }
    for graph in graphs:
        for layer, below, above in sorted(graph.edges, key=lambda edge: (edge[0], edge[2], edge[1])):
            edge = (graph.class_, layer - 1, below, layer, above)
            rows["influences"].append((*edge, graph.edges[layer, below, above]))
            if (layer, below, above) in graph.kept:
                rows["attributes"].append(edge)
    return {name: _table(name, found) for name, found in rows.items()}


def _features(source: Path, out: Path, progress: Progress) -> pa.Table:
    """Takes over the feature visualizations, linked where the disk is the same, else copied."""
    base = _base(source, "feature-vis")
    if base is None:
        progress.say("There are no feature visualizations (feature-vis/channel): the channels have no pictures")
        return _table("features", [])
    (out / "features").mkdir()
    rows: list[tuple[Any, ...]] = []
    with progress.task("Take over feature visualizations", total=sum(LAYERS.values()), unit="files") as task:
        for layer, (name, size) in enumerate(LAYERS.items()):
            for channel in range(size):
                path = base / "channel" / f"{name}-{channel}-channel.jpg"
                if path.is_file():
                    rows.append(_feature(path, out, layer, channel))
                task.advance()
    return _table("features", rows)


def _feature(path: Path, out: Path, layer: int, channel: int) -> tuple[Any, ...]:
    try:
        with Image.open(path, formats=("JPEG",)) as image:
            side = image.width
    except (OSError, Image.DecompressionBombError) as error:
        raise DatasetError(f"{path}: a JPEG image was expected: {error}") from error
    file = f"features/{layer}-{channel}.jpg"
    try:
        os.link(path.resolve(), out / file)
    except OSError:  # another disk, or one without links
        shutil.copyfile(path, out / file)
    return (layer, channel, file, 1, side, sha256_of(out / file), None, None)


def _table(name: str, rows: Sequence[tuple[Any, ...]]) -> pa.Table:
    schema = TABLES[name]
    columns = list(zip(*rows, strict=True)) if rows else [() for _ in schema]
    return pa.table(
        [pa.array(values, type_) for values, type_ in zip(columns, schema.types, strict=True)], schema=schema
    )


def _manifest(
    run_id: str,
    files: Sequence[Path],
    graphs: Sequence[SummitGraph],
    written: dict[str, FileInfo],
    pictures: dict[str, dict[str, Any]],
) -> Manifest:
    digest = hashlib.sha256()
    for path in files:
        digest.update(f"{path.name} {sha256_of(path)}\n".encode())
    return Manifest(
        format_version=FORMAT_VERSION,
        id=run_id,
        name="Summit, as published",
        created_at=datetime.now(UTC).isoformat(timespec="seconds"),
        model=ModelInfo(
            name="InceptionV1",
            weights="",
            weights_sha256="",
            graph_sha256="",
            image_size=_IMAGE_SIZE,
            outputs=len(graphs),
        ),
        dataset=DatasetInfo(
            name="ImageNet",
            split="train",
            files_sha256=digest.hexdigest(),
            images=sum(graph.images for graph in graphs),
            failed=0,
        ),
        settings={"method": "share", "share": 0.03, "influence_k": 5, "source": "summit-data"},
        versions={"arete": _version()},
        device="",
        state="complete",
        files=written,
        pictures=pictures,
    )


def _version() -> str:
    try:
        return version("arete")
    except PackageNotFoundError:  # a source tree that is on the path without being installed
        return "unknown"
