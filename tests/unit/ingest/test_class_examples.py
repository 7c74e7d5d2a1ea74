"""Each class's own examples of the channels that its graph keeps, against the loader and a slow count of all images."""

import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from image_folders import make_folder
from ingest_jobs import SIZE, tiny_job
from PIL import Image
from tiny_models import tiny

from arete_core.class_data import RunData
from arete_core.files import sha256_of
from arete_core.run_folder import RunFolder
from arete_ingest.counter import Counter
from arete_ingest.images import read_image
from arete_ingest.job import ingest
from arete_ingest.strongest import Strongest, only_of
from arete_ingest.tracing import trace_model
from arete_ingest.transform import ImageTransform
from arete_ingest.unit_count import model_input

LABELS = ("a", "b", "c")
SUBSET = ("a/03.png", "a/11.png", "b/00.png", "c/07.png", "c/19.png")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_folder(tmp_path_factory.mktemp("images") / "data", LABELS)


@pytest.fixture(scope="module")
def run(data: Path, tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    """Three labels, a superclass of two of them and a subset; the subset's images are those of labels, too."""
    base = tmp_path_factory.mktemp("run")
    (base / "both.tsv").write_text("both\ta\nboth\tc\n")
    (base / "few.txt").write_text("\n".join(SUBSET))
    job = replace(
        tiny_job(data, base / "tiny"), superclasses=base / "both.tsv", subsets=(("few", base / "few.txt"),), examples=6
    )
    return RunFolder.open(ingest(job).folder)


@pytest.fixture(scope="module")
def maxima(run: RunFolder, data: Path) -> list[np.ndarray]:
    """Of each layer every image's channel maxima, (image, channel), one image at a time."""
    counter = Counter(trace_model(tiny(), SIZE), influence_k=2)
    transform = ImageTransform(SIZE, SIZE)
    rows: list[list[np.ndarray]] = []
    for path in run.table("images").column("path").to_pylist():
        pixels = transform.pixels(read_image(data / path))[None]
        result = counter.count(model_input(pixels, transform, torch.device("cpu")), [0])
        rows.append([layer[0].numpy() for layer in result.maxima])
    return [np.stack(layer) for layer in zip(*rows, strict=True)]


def members(run: RunFolder) -> dict[int, list[int]]:
    """The images of each class set."""
    images = run.table("images").to_pylist()
    paths = {row["path"]: row["image"] for row in images}
    labels = {index: [row["image"] for row in images if row["class"] == index] for index in range(3)}
    return {**labels, 3: labels[0] + labels[2], 4: sorted(paths[path] for path in SUBSET)}


def test_examples_are_the_class_s_strongest_images_of_its_kept_channels(
    run: RunFolder, maxima: list[np.ndarray]
) -> None:
    rows = run.table("class_examples").to_pylist()
    found: dict[tuple[int, int, int], list[tuple[int, float]]] = {}
    for row in rows:
        found.setdefault((row["class"], row["layer"], row["channel"]), []).append((row["image"], row["activation"]))
    expected: dict[tuple[int, int, int], list[tuple[int, float]]] = {}
    data = RunData(run, min_share=0.0)
    of_set = members(run)
    for one in data.each(np.ones(data.class_count, np.bool_)):
        assert one.extraction.kept.any()
        for position in np.flatnonzero(one.extraction.kept).tolist():
            layer = int(data.layout.layer[position])
            channel = int(position - data.layout.offsets[layer])
            values = maxima[layer][:, channel]
            order = sorted(of_set[one.index], key=lambda image, v=values: (-float(v[image]), image))
            strongest = [(image, float(values[image])) for image in order if values[image] > 0][:6]
            if strongest:
                expected[one.index, layer, channel] = strongest
    assert found.keys() == expected.keys()
    for key, strongest in expected.items():
        assert [image for image, _ in found[key]] == [image for image, _ in strongest]
        np.testing.assert_allclose([a for _, a in found[key]], [a for _, a in strongest], rtol=1e-5)
    keys = [(row["class"], row["layer"], row["channel"], row["rank"]) for row in rows]
    assert keys == sorted(keys)
    assert all(0 <= row["left"] < row["right"] <= SIZE and 0 <= row["top"] < row["bottom"] <= SIZE for row in rows)


def test_strips_lie_one_behind_another(run: RunFolder) -> None:
    sprites = run.table("class_sprites").to_pylist()
    counts: dict[tuple[int, int, int], int] = {}
    for row in run.table("class_examples").to_pylist():
        key = (row["class"], row["layer"], row["channel"])
        counts[key] = counts.get(key, 0) + 1
    assert {(row["class"], row["layer"], row["channel"]): row["tiles"] for row in sprites} == counts
    ends: dict[str, int] = {}
    for row in sprites:
        assert row["file"] == f"class-examples/{row['class']}.pack"
        assert row["offset"] == ends.get(row["file"], 0)
        ends[row["file"]] = row["offset"] + row["bytes"]
        data = (run.path / row["file"]).read_bytes()[row["offset"] : ends[row["file"]]]
        (run.path / "one").write_bytes(data)
        assert sha256_of(run.path / "one") == row["sha256"]
        with Image.open(io.BytesIO(data)) as picture:
            assert (picture.format, picture.size) == ("WEBP", (row["tiles"] * row["tile_px"], row["tile_px"]))
    (run.path / "one").unlink()
    assert {name: (run.path / name).stat().st_size for name in ends} == ends


def test_examples_of_the_whole_run_hold_no_image_twice(run: RunFolder, maxima: list[np.ndarray]) -> None:
    rows = run.table("examples").to_pylist()
    for layer, values in enumerate(maxima):
        for channel in range(values.shape[1]):
            mine = [row["image"] for row in rows if (row["layer"], row["channel"]) == (layer, channel)]
            order = sorted(range(len(values)), key=lambda image, v=values[:, channel]: (-float(v[image]), image))
            assert mine == [image for image in order if values[image, channel] > 0][:6]


def test_without_them(data: Path, tmp_path: Path) -> None:
    result = ingest(replace(tiny_job(data, tmp_path / "tiny"), class_examples=False, limit=2))
    folder = RunFolder.open(result.folder)
    assert folder.has("examples")
    assert not folder.has("class_examples")
    assert not (folder.path / "class-examples").exists()
    assert folder.manifest.settings["class_examples"] is False


def test_blocks_of_channels_give_the_same(
    run: RunFolder, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    few = 3 * 6 * 16 * 16 * 3  # tiles of three channels
    monkeypatch.setattr("arete_ingest.job_pictures.TILE_MEMORY_BYTES", few)
    (tmp_path / "both.tsv").write_text("both\ta\nboth\tc\n")
    (tmp_path / "few.txt").write_text("\n".join(SUBSET))
    job = replace(
        tiny_job(data, tmp_path / "tiny"),
        superclasses=tmp_path / "both.tsv",
        subsets=(("few", tmp_path / "few.txt"),),
        examples=6,
    )
    again = RunFolder.open(ingest(job).folder)
    for name in ("examples", "class_examples", "class_sprites"):
        assert again.manifest.files[f"{name}.parquet"] == run.manifest.files[f"{name}.parquet"]


def test_leaving_images_out() -> None:
    state = Strongest(
        np.array([[9, 5, 2, 0], [4, 3, 0, 0]], np.float32),
        np.array([[7, 1, 4, -1], [1, 7, -1, -1]]),
        np.array([[3, 2, 1, 0], [8, 9, 0, 0]], np.int32),
    )
    wanted = np.array([image != 7 for image in range(8)])
    found = only_of(state, wanted)
    assert found.image.tolist() == [[1, 4, -1, -1], [1, -1, -1, -1]]
    assert found.activation.tolist() == [[5, 2, 0, 0], [4, 0, 0, 0]]
    assert found.position.tolist() == [[2, 1, 0, 0], [8, 0, 0, 0]]
    assert [array.dtype for array in found] == [array.dtype for array in state]
