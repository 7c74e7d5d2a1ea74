"""Small whole run folders for tests, written through the same functions as ingest's."""

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

import hand_worked
from arete_core.manifest import DatasetInfo, Manifest, ModelInfo, write_manifest
from arete_core.run_change import change_tables
from arete_core.run_folder import RunFolder, write_table
from arete_core.run_lock import locked
from arete_core.run_schema import FORMAT_VERSION, TABLES

Edge = tuple[int, int, int, int, int]
"""Source layer, source channel, target layer, target channel, count."""


@dataclass(frozen=True)
class LayerSpec:
    name: str
    channels: int
    parents: Sequence[int] = ()


@dataclass(frozen=True)
class ClassSpec:
    """One class: A as (layer, channel) -> count, and its edges."""

    name: str
    images: int
    activations: dict[tuple[int, int], int]
    edges: Sequence[Edge]
    accuracy: float | None = 0.5
    top_k: dict[tuple[int, int], int] = field(default_factory=dict)
    scores: dict[str, dict[tuple[int, int], float]] = field(default_factory=dict)
    kind: str = "label"


def build_run(
    path: Path,
    layers: Sequence[LayerSpec],
    classes: Sequence[ClassSpec],
    *,
    run_id: str = "tiny",
    excluded: Sequence[tuple[int, int]] = (),
    pictures: bool = False,
    embeddings: bool = False,
    settings: dict[str, Any] | None = None,
    model: str = "tiny",
) -> RunFolder:
    """Writes a run folder and opens it."""
    path.mkdir(parents=True, exist_ok=True)
    channels = [(layer, channel) for layer, spec in enumerate(layers) for channel in range(spec.channels)]
    rows: dict[str, list[dict[str, Any]]] = {
        "layers": [
            {
                "layer": index,
                "name": spec.name,
                "kind": "conv",
                "channels": spec.channels,
                "parents": list(spec.parents),
                "height": 8,
                "width": 8,
            }
            for index, spec in enumerate(layers)
        ],
        "channels": [
            {
                "layer": layer,
                "channel": channel,
                "excluded": (layer, channel) in excluded,
                "reason": "not semantic" if (layer, channel) in excluded else None,
            }
            for layer, channel in channels
        ],
        "classes": [
            {
                "class": index,
                "name": spec.name,
                "kind": spec.kind,
                "images": spec.images,
                "failed": 0,
                "accuracy": spec.accuracy,
                "histogram": None if spec.accuracy is None else [spec.images, *[0] * 9],
            }
            for index, spec in enumerate(classes)
        ],
        "activations": [
            {
                "class": index,
                "layer": layer,
                "channel": channel,
                "count": spec.activations.get((layer, channel), 0),
                "top_k_count": spec.top_k.get((layer, channel), 0),
            }
            for index, spec in enumerate(classes)
            for layer, channel in sorted(spec.activations.keys() | spec.top_k.keys())
        ],
        "influences": [
            {
                "class": index,
                "source_layer": source_layer,
                "source_channel": source,
                "target_layer": target_layer,
                "target_channel": target,
                "count": count,
            }
            for index, spec in enumerate(classes)
            for source_layer, source, target_layer, target, count in sorted(
                spec.edges, key=lambda edge: (edge[2], edge[3], edge[0], edge[1])
            )
        ],
    }
    if any(spec.scores for spec in classes):
        rows["scores"] = [
            {"class": index, "name": name, "layer": layer, "channel": channel, "score": score}
            for index, spec in enumerate(classes)
            for name, scores in sorted(spec.scores.items())
            for (layer, channel), score in sorted(scores.items())
        ]
    if pictures:
        rows["sprites"] = [
            {
                "layer": layer,
                "channel": channel,
                "file": f"examples/{layer}-{channel}.webp",
                "tiles": 3,
                "tile_px": 32,
                "sha256": f"{layer:032x}{channel:032x}",
            }
            for layer, channel in channels
        ]
    if embeddings:
        rows["embeddings"] = [
            {"layer": layer, "class": index, "x": round(math.cos(layer + index), 3), "y": index / 8 - layer / 4}
            for layer in range(len(layers))
            for index in range(len(classes))
        ]
    tables = {name: pa.Table.from_pylist(found, schema=TABLES[name]) for name, found in rows.items()}
    return write_run(path, tables, run_id=run_id, settings=settings, model=model)


def write_run(
    path: Path,
    tables: dict[str, pa.Table],
    *,
    run_id: str = "tiny",
    settings: dict[str, Any] | None = None,
    model: str = "tiny",
) -> RunFolder:
    """Writes tables and a manifest, and opens the folder."""
    files = {f"{name}.parquet": write_table(path, name, table) for name, table in tables.items()}
    manifest = Manifest(
        format_version=FORMAT_VERSION,
        id=run_id,
        name=f"The {run_id} run",
        created_at="2026-11-21T10:00:00+00:00",
        model=ModelInfo(
            name=model,
            weights="tiny.safetensors",
            weights_sha256="0" * 64,
            graph_sha256="1" * 64,
            image_size=32,
            outputs=8,
        ),
        dataset=DatasetInfo(
            name="drawings",
            split="",
            files_sha256="2" * 64,
            images=sum(tables["classes"].column("images").to_pylist()),
            failed=0,
        ),
        settings={"method": "share", **(settings or {})},
        versions={"arete": "0"},
        device="cpu",
        state="complete",
        files=files,
    )
    write_manifest(path, manifest)
    return RunFolder.open(path)


def class_sets_run(path: Path, *, run_id: str = "sets") -> RunFolder:
    """A run of two of five labels, a superclass of them, a subset and an image, numbered after all labels."""
    whole = random_run(path / "whole", run_id=run_id, class_count=5)
    numbers, kinds = [1, 3, 5, 6, 7], ["label", "label", "superclass", "subset", "image"]
    tables = {name: whole.table(name) for name in ("layers", "channels", "classes", "activations", "influences")}
    for name in ("classes", "activations", "influences"):
        rows = [row | {"class": numbers[row["class"]]} for row in tables[name].to_pylist()]
        if name == "classes":
            rows = [row | {"kind": kind} for row, kind in zip(rows, kinds, strict=True)]
        tables[name] = pa.Table.from_pylist(rows, schema=TABLES[name])
    tables["members"] = pa.table(
        {"class": pa.array([5, 5, 6, 7], pa.int32()), "image": pa.array([0, 1, 1, 0])}, schema=TABLES["members"]
    )
    (path / run_id).mkdir()
    return write_run(path / run_id, tables, run_id=run_id)


def hand_worked_run(path: Path, *, run_id: str = "hand-worked", method: str = "share") -> RunFolder:
    """The network that is worked out on paper."""
    layers = [
        LayerSpec(name, channels, [index - 1] if index else [])
        for index, (name, channels) in enumerate(zip(hand_worked.LAYERS, hand_worked.CHANNELS, strict=True))
    ]

    def by_channel(counts: Sequence[Sequence[int]]) -> dict[tuple[int, int], int]:
        return {
            (layer, channel): count for layer, row in enumerate(counts) for channel, count in enumerate(row) if count
        }

    spec = ClassSpec(
        "striped disc",
        hand_worked.IMAGES,
        by_channel(hand_worked.ACTIVATION_COUNTS),
        hand_worked.EDGES,
        top_k=by_channel(hand_worked.TOP_K_COUNTS),
    )
    return build_run(path, layers, [spec], run_id=run_id, settings={"method": method})


def random_run(
    path: Path,
    *,
    run_id: str = "tiny",
    sizes: Sequence[int] = (6, 8, 10, 7),
    class_count: int = 3,
    edges_per_target: int = 4,
    images: int = 100,
    skip: bool = True,
    excluded: Sequence[tuple[int, int]] = (),
    pictures: bool = False,
    scores: bool = False,
    embeddings: bool = False,
    seed: int = 0,
) -> RunFolder:
    """A run of a made-up network: a chain of layers, with a skip edge to the last but one where asked for.

    Counts fall off as real ones do: few channels and edges are used by nearly all images, most by few.
    """
    rng = np.random.default_rng(seed)
    layers = [
        LayerSpec(f"block{index}", size, ([index - 1] if index else []) + ([index - 2] if skip and index > 1 else []))
        for index, size in enumerate(sizes)
    ]
    names = ["black bear", "Brown Bear", "polar bear", "red fox", "Zebra", "übersee", "O'Hara's cat", "tab\tby"]
    classes = []
    for index in range(class_count):
        activations = {
            (layer, channel): int(count)
            for layer, size in enumerate(sizes)
            for channel, count in enumerate(np.minimum(rng.geometric(4 / images, size) - 1, images))
            if count
        }
        edges = [
            (parent, int(source), layer, target, int(min(rng.geometric(5 / images), images)))
            for layer, spec in enumerate(layers)
            for target in range(spec.channels)
            for parent in spec.parents
            for source in rng.choice(sizes[parent], min(edges_per_target, sizes[parent]), replace=False)
        ]
        name = names[index] if index < len(names) else f"class {index:03}"
        accuracy = None if index == 1 else float(np.round(rng.random(), 3))
        made = {(layer, channel): (7 * channel + 3 * layer + index) % 11 - 2.0 for layer, channel in activations}
        named = {"margin": made} if scores else {}
        classes.append(ClassSpec(name, images + 10 * (index % 3), activations, edges, accuracy, scores=named))
    return build_run(path, layers, classes, run_id=run_id, excluded=excluded, pictures=pictures, embeddings=embeddings)


def with_images(folder: RunFolder, per_class: int = 6) -> RunFolder:
    """Gives a run images, dataset examples of every channel but each layer's first, and class 0's own of its second.

    Of a class's images the first is taken for the next class, the second for none of the run's, the last could not be
    read; the others are right. Class 1's label matches no output. Strips are bytes that tell what they are.
    """
    tables = {
        name.removesuffix(".parquet"): folder.table(name.removesuffix(".parquet")) for name in folder.manifest.files
    }
    classes = tables["classes"].column("class").to_pylist()
    images: list[dict[str, Any]] = []
    for class_ in classes:
        for place in range(per_class):
            failed, known = place == per_class - 1, class_ != 1
            predicted = [classes[(classes.index(class_) + 1) % len(classes)], None][place] if place < 2 else class_
            images.append(
                {
                    "image": len(images),
                    "class": class_,
                    "path": f"c{class_}/{place}.png",
                    "predicted": None if failed else predicted,
                    "probability": None if failed or not known else place / 8,
                    "error": "truncated" if failed else None,
                }
            )
    rows: dict[str, list[dict[str, Any]]] = {"class_examples": [], "class_sprites": [], "examples": []}
    box = {"left": 1, "top": 2, "right": 9, "bottom": 8}
    packs = folder.path / "class-examples"
    packs.mkdir()
    pack = b""
    for layer, size in enumerate(tables["layers"].column("channels").to_pylist()):
        for channel in range(1, size):
            for rank in range(3):
                number = (channel * 5 + rank * 7) % (len(classes) * per_class)
                shown = {"layer": layer, "channel": channel, "rank": rank, **box}
                rows["examples"].append({**shown, "image": number, "activation": 3.5 - rank})
        own = {"class": 0, "layer": layer, "channel": 1}
        rows["class_examples"] += [
            {**own, "rank": rank, **box, "image": 3 - rank, "activation": 2.5 - rank} for rank in range(2)
        ]
        strip = f"RIFF strip of layer {layer}".encode() * (layer + 1)
        rows["class_sprites"].append(
            {
                **own,
                "file": "class-examples/0.pack",
                "offset": len(pack),
                "bytes": len(strip),
                "tiles": 2,
                "tile_px": 64,
                "sha256": hashlib.sha256(strip).hexdigest(),
            }
        )
        pack += strip
    (packs / "0.pack").write_bytes(pack)
    rows["images"] = images
    tables |= {name: pa.Table.from_pylist(found, schema=TABLES[name]) for name, found in rows.items()}
    return write_run(folder.path, tables, run_id=folder.manifest.id, settings=folder.manifest.settings)


def with_instances(folder: RunFolder, numbers: Sequence[int]) -> RunFolder:
    """Gives a run with images seeded channel maxima of some of them in its layers 1 and 2, places, and thumbnails.

    The second image excites nothing; a channel's maximum is at most 9. Strips are bytes that tell what they are.
    """
    rng = np.random.default_rng(11)
    sizes = folder.table("layers").column("channels").to_pylist()
    images = folder.table("images").to_pylist()
    (folder.path / "thumbnails").mkdir()
    strips = []
    for strip in range(2):
        content = f"RIFF thumbnails {strip}".encode() * 50
        digest = hashlib.sha256(content).hexdigest()
        file = f"thumbnails/{strip}-{digest[:12]}.webp"
        (folder.path / file).write_bytes(content)
        row = {"strip": strip, "file": file, "sha256": digest, "tiles": len(numbers), "tile_px": 32}
        strips.append(row)
    maxima, places = [], []
    for layer in (1, 2):
        for place, number in enumerate(numbers):
            shares = rng.random(sizes[layer]).astype(np.float16)
            shares[rng.integers(sizes[layer])] = 1
            alive = place != 1
            row = {"layer": layer, "image": number, "largest": 9.0 - place / 2 if alive else 0.0}
            maxima.append({**row, "shares": shares * np.float16(alive)})
            places.append({"layer": layer, "image": number, "x": place / 2, "y": layer - place / 4})
    first = {images[number]["class"]: (place, number) for place, number in reversed(list(enumerate(numbers)))}
    rows = {
        "instances": [{"image": number, "strip": 0, "tile": place} for place, number in enumerate(numbers)],
        "instance_activations": maxima,
        "instance_places": places,
        "thumbnails": strips,
        "class_thumbnails": [
            {"class": class_, "image": number, "strip": 1, "tile": place}
            for class_, (place, number) in sorted(first.items())
        ],
    }
    tables = {name: pa.Table.from_pylist(found, schema=TABLES[name]) for name, found in rows.items()}
    with locked(folder.path):
        return change_tables(folder, tables)
