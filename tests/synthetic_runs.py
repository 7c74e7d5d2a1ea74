"""Run folders of any size with made-up counts that are spread as real ones are, for tests and benchmarks.

`python tests/synthetic_runs.py FOLDER --classes 1000 --edges 100000` writes one, to be loaded by hand.

What is like the real thing: few channels are strong inputs everywhere and most are hardly any, so that out-degrees are
skewed more than in-degrees; a class shares its strong channels with the others in part; edges seen in at least a tenth
of the images are a third of all and hold nine tenths of the counts, those in at least a hundredth hold 99%, as measured
on a GoogLeNet. What is not: layers form a plain chain, and no attribution graph means anything.

The same arguments give the same rows. A class takes about 0.1 s and no memory beyond its own.
"""

import argparse
import itertools
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from arete_core.manifest import DatasetInfo, FileInfo, Manifest, ModelInfo, write_manifest
from arete_core.run_folder import RunFolder, commit_table, write_table
from arete_core.run_schema import FORMAT_VERSION, TABLES

INCEPTION_SIZES = (256, 480, 508, 512, 512, 528, 832, 832, 1024)
"""Channels of InceptionV1's nine blocks, as Summit shows them."""
_LARGEST_SHARE = 0.9  # of a class's images, that its strongest edge is seen in
_DECAY = 6.6  # of the share along the edges from strong to weak: e^-6.6/3 = 0.11, so a third is above 0.1


def synthetic_run(
    path: Path,
    *,
    class_count: int,
    edge_count: int,
    run_id: str = "synthetic",
    sizes: Sequence[int] = INCEPTION_SIZES,
    images: int = 500,
    seed: int = 0,
) -> RunFolder:
    """Writes a made-up run.

    Args:
        path: The run folder; made if missing.
        class_count: Number of classes.
        edge_count: Edges a class, at most as many as there are pairs of channels in neighbouring layers.
        run_id: Its id.
        sizes: Channels per layer, at least two layers.
        images: Images a class.
        seed: Another one gives other numbers.

    Returns:
        The folder, opened.

    Raises:
        ValueError: If so many edges cannot be.
    """
    pairs = sum(below * above for below, above in itertools.pairwise(sizes))
    if not 0 < edge_count <= pairs:
        raise ValueError(f"1 to {pairs:,} edges a class were expected, found {edge_count:,}")
    path.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    files = {f"{name}.parquet": write_table(path, name, table) for name, table in _nodes(sizes, class_count, images)}
    popularity = [rng.lognormal(0.0, 1.0, size).astype(np.float32) for size in sizes]
    temporary = {name: path / f".{name}.parquet.tmp" for name in ("activations", "influences")}
    rows = dict.fromkeys(temporary, 0)
    writers = {name: pq.ParquetWriter(file, TABLES[name], compression="zstd") for name, file in temporary.items()}
    for class_ in range(class_count):
        own = [popular * rng.lognormal(0.0, 0.7, len(popular)).astype(np.float32) for popular in popularity]
        made = {
            "activations": _activations(class_, own, images, rng),
            "influences": _influences(class_, own, edge_count, images, rng),
        }
        for name, table in made.items():
            writers[name].write_table(table)
            rows[name] += table.num_rows
    for name, writer in writers.items():
        writer.close()
        files[f"{name}.parquet"] = commit_table(temporary[name], path / f"{name}.parquet", rows[name])
    write_manifest(path, _manifest(run_id, class_count, images, files))
    return RunFolder.open(path)


def _activations(
    class_: int, strength: Sequence[NDArray[np.float32]], images: int, rng: np.random.Generator
) -> pa.Table:
    columns: dict[str, list[NDArray[np.int64]]] = {name: [] for name in TABLES["activations"].names}
    for layer, own in enumerate(strength):
        counts = np.minimum(rng.poisson(own * images / 25), images)
        active = np.flatnonzero(counts)
        for name, values in zip(
            columns,
            (np.full(len(active), class_), np.full(len(active), layer), active, counts[active], counts[active]),
            strict=True,
        ):
            columns[name].append(values)
    return _table("activations", columns)


def _influences(
    class_: int,
    strength: Sequence[NDArray[np.float32]],
    edge_count: int,
    images: int,
    rng: np.random.Generator,
) -> pa.Table:
    # One score a pair of channels: how strong the source is, how much the target is used, and chance.
    scores = [
        (np.sqrt(above)[:, None] * below[None, :] * rng.standard_exponential((len(above), len(below)), np.float32))
        for below, above in itertools.pairwise(strength)
    ]
    flat = np.concatenate([score.ravel() for score in scores])
    chosen = np.argpartition(-flat, edge_count - 1)[:edge_count]
    place = np.empty(edge_count)
    place[np.argsort(-flat[chosen], kind="stable")] = np.arange(edge_count) / edge_count
    counts = np.maximum(np.rint(images * _LARGEST_SHARE * np.exp(-_DECAY * place)), 1).astype(np.int64)
    order = np.argsort(chosen)  # by target layer, target, source, as the run folder asks for
    chosen, counts = chosen[order], counts[order]
    ends = np.cumsum([score.size for score in scores])
    below = np.searchsorted(ends, chosen, side="right")
    inside = chosen - np.concatenate([[0], ends])[below]
    width = np.array([len(own) for own in strength[:-1]])[below]
    return _table(
        "influences",
        {
            "class": [np.full(edge_count, class_)],
            "source_layer": [below],
            "source_channel": [inside % width],
            "target_layer": [below + 1],
            "target_channel": [inside // width],
            "count": [counts],
        },
    )


def _table(name: str, columns: dict[str, list[NDArray[np.int64]]]) -> pa.Table:
    arrays = {column: np.concatenate(parts) for column, parts in columns.items()}
    return pa.table(arrays).select(TABLES[name].names).cast(TABLES[name])


def _nodes(sizes: Sequence[int], class_count: int, images: int) -> list[tuple[str, pa.Table]]:
    layers = [
        {
            "layer": layer, "name": f"mixed{layer}", "kind": "concat", "channels": size,
            "parents": [layer - 1] if layer else [], "height": 14, "width": 14,
        }
        for layer, size in enumerate(sizes)
    ]  # fmt: skip
    channels = [
        {"layer": layer, "channel": channel, "excluded": False, "reason": None}
        for layer, size in enumerate(sizes)
        for channel in range(size)
    ]
    classes = [
        {
            "class": class_, "name": f"class {class_:04}", "kind": "label", "images": images, "failed": 0,
            "accuracy": (class_ % 100) / 100, "histogram": [images, *[0] * 9],
        }
        for class_ in range(class_count)
    ]  # fmt: skip
    rows = {"layers": layers, "channels": channels, "classes": classes}
    return [(name, pa.Table.from_pylist(found, schema=TABLES[name])) for name, found in rows.items()]


def _manifest(run_id: str, class_count: int, images: int, files: dict[str, FileInfo]) -> Manifest:
    return Manifest(
        format_version=FORMAT_VERSION,
        id=run_id,
        name=run_id,
        created_at="2026-01-01T00:00:00+00:00",
        model=ModelInfo(
            name="synthetic", weights="", weights_sha256="", graph_sha256="", image_size=224, outputs=class_count
        ),
        dataset=DatasetInfo(name="synthetic", split="", files_sha256="", images=images * class_count, failed=0),
        settings={"method": "share"},
        versions={},
        device="cpu",
        state="complete",
        files=files,
    )


def main() -> None:
    """Writes a run folder, as the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--classes", type=int, default=100)
    parser.add_argument("--edges", type=int, default=100_000, help="edges a class")
    parser.add_argument("--id", default="synthetic")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    folder = synthetic_run(
        options.folder, class_count=options.classes, edge_count=options.edges, run_id=options.id, seed=options.seed
    )
    print(f"{folder.path}: {options.classes:,} classes, {options.classes * options.edges:,} edges")


if __name__ == "__main__":
    main()
