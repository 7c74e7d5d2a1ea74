"""Single images of a run folder: what is measured, what is kept, and what stops the job."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from image_folders import make_folder, make_picture
from ingest_jobs import SIZE, tiny_job
from PIL import Image
from tiny_models import tiny

import arete_core.run_change
from arete_core.errors import DatasetError, NotFoundError, RunConflictError, RunFolderError, SettingError
from arete_core.files import sha256_of
from arete_core.progress import SilentProgress, Task
from arete_core.run_folder import RunFolder
from arete_core.run_lock import locked
from arete_core.run_schema import INSTANCE_TABLES
from arete_ingest.images import read_image
from arete_ingest.instances.job import InstancesResult, make_instances
from arete_ingest.instances.settings import InstanceSettings
from arete_ingest.job import ingest
from arete_ingest.transform import ImageTransform
from arete_ingest.unit_count import model_input
from arete_queries.instance_tables import InstanceTables


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    base = tmp_path_factory.mktemp("run")
    make_folder(base / "data", images=8)
    ingest(tiny_job(base / "data", base / "tiny"))
    return base


@pytest.fixture
def run(whole: Path, tmp_path: Path) -> Path:
    shutil.copytree(whole / "data", tmp_path / "data")
    return Path(shutil.copytree(whole / "tiny", tmp_path / "tiny"))


def make(run: Path, progress: Any = None, **more: Any) -> InstancesResult:
    quick: dict[str, Any] = {"images": 3, "workers": 1, "batch_size": 4, "tile_px": 16}
    return make_instances(InstanceSettings(run=run, data=run.parent / "data", **(quick | more)), progress)


def content(run: Path) -> dict[str, str]:
    files = [*run.glob("*.parquet"), *run.glob("thumbnails/*"), run / "manifest.json"]
    return {str(path.relative_to(run)): sha256_of(path) for path in files}


def read_all(run: Path) -> tuple[list[int], list[np.ndarray]]:
    """The measured images, and per layer their channel maxima."""
    folder = RunFolder.open(run)
    tables = InstanceTables(folder)
    found = []
    for layer in tables.layers.tolist():
        channels = folder.table("layers").to_pylist()[layer]["channels"]
        maxima = tables.maxima(layer, tables.numbers.tolist(), channels)
        found.append(maxima.largest[:, None] * maxima.shares)
    return tables.numbers.tolist(), found


def by_hooks(run: Path, numbers: list[int]) -> list[np.ndarray]:
    """The same from the model itself in float64: nothing traced, one image at a time."""
    paths = RunFolder.open(run).table("images").column("path").to_pylist()
    model = tiny().double().eval()
    maps: dict[str, torch.Tensor] = {}
    graph = [row["name"] for row in RunFolder.open(run).table("layers").to_pylist()]
    found: list[list[np.ndarray]] = [[] for _ in graph]
    for name in graph:

        def keep(_module: Any, _inputs: Any, output: torch.Tensor, name: str = name) -> None:
            maps[name] = output

        model.get_submodule(name).register_forward_hook(keep)
    for number in numbers:
        pixels = ImageTransform(SIZE, SIZE).pixels(read_image(run.parent / "data" / paths[number]))[None]
        with torch.no_grad():
            model(model_input(pixels, ImageTransform(SIZE, SIZE), torch.device("cpu")).double())
        for layer, name in enumerate(graph):
            found[layer].append(maps[name].relu().amax(dim=(2, 3))[0].numpy())
    return [np.stack(rows) for rows in found]


def test_values_are_those_of_the_model(run: Path) -> None:
    before = RunFolder.open(run)
    result = make(run, images=None)
    numbers, found = read_all(run)
    assert (result.measured, result.already_there, result.total, result.left_out) == (24, 0, 24, {})
    assert numbers == list(range(24))
    for own, expected in zip(found, by_hooks(run, numbers), strict=True):
        assert expected.max() > 0
        # Half precision keeps 11 bits of each value, float32 sums do the rest.
        np.testing.assert_allclose(own, expected, rtol=2**-10, atol=1e-5 * expected.max())
    after = RunFolder.open(run)
    assert after.manifest_sha256 == before.manifest_sha256  # nothing to load again
    assert after.numbers_sha256 == before.numbers_sha256


def test_places_and_thumbnails(run: Path) -> None:
    make(run)
    folder = RunFolder.open(run)
    tables = {name: folder.table(name).to_pylist() for name in INSTANCE_TABLES}
    numbers = [row["image"] for row in tables["instances"]]
    assert len(numbers) == 9
    for layer in (0, 1):
        own = [row for row in tables["instance_places"] if row["layer"] == layer]
        assert [row["image"] for row in own] == numbers
        places = np.array([(row["x"], row["y"]) for row in own])
        np.testing.assert_allclose(places.mean(axis=0), 0, atol=1e-5)
        np.testing.assert_allclose((places**2).sum(axis=1).mean(), 1, rtol=1e-5)
    strips = {row["strip"]: row for row in tables["thumbnails"]}
    paths = folder.table("images").column("path").to_pylist()
    shown = [*tables["instances"], *tables["class_thumbnails"]]
    for row in shown:
        strip = strips[row["strip"]]
        assert sha256_of(run / strip["file"]) == strip["sha256"]
        with Image.open(run / strip["file"]) as picture:
            assert picture.size == (16 * strip["tiles"], 16)
            tile = np.asarray(picture.convert("RGB").crop((16 * row["tile"], 0, 16 * row["tile"] + 16, 16)), float)
        seen = ImageTransform(SIZE, SIZE).pixels(read_image(run.parent / "data" / paths[row["image"]]))
        assert np.abs(tile.mean(axis=(0, 1)) - seen.mean(axis=(0, 1))).max() < 12  # compressed, once or twice
    images = folder.table("images").to_pylist()
    for row in tables["class_thumbnails"]:
        own = [images[number] for number in numbers if images[number]["class"] == row["class"]]
        best = max(own, key=lambda one: (one["predicted"] == one["class"], one["probability"], -one["image"]))
        assert row["image"] == best["image"]
    assert {Path(row["file"]).name for row in tables["thumbnails"]} == {path.name for path in run.glob("thumbnails/*")}


def test_batches_and_threads_change_nothing(run: Path) -> None:
    make(run)
    numbers, found = read_all(run)
    for options in ({"workers": 3}, {"batch_size": 1}, {"batch_size": 7, "workers": 2}):
        make(run, replace=True, **options)
        others, values = read_all(run)
        assert others == numbers
        for own, other in zip(found, values, strict=True):
            # Another shape of the batch may choose another kernel: the last bit of half precision at most.
            np.testing.assert_allclose(own, other, rtol=2**-10, atol=1e-6)
    make(run, replace=True)
    again = content(run)
    make(run, replace=True, workers=2)
    assert {name: hash_ for name, hash_ in content(run).items() if "activations" in name} == {
        name: hash_ for name, hash_ in again.items() if "activations" in name
    }


def test_further_classes_keep_the_earlier_ones(run: Path) -> None:
    make(run, classes=("a",))
    strips = {path.name for path in run.glob("thumbnails/*")}
    assert len(strips) == 2
    first, values = read_all(run)
    result = make(run, classes=("c", "a"))
    assert (result.measured, result.already_there, result.total) == (3, 3, 6)
    both, more = read_all(run)
    assert both[:3] == first
    assert all(np.array_equal(own[:3], before) for own, before in zip(more, values, strict=True))
    assert strips & {path.name for path in run.glob("thumbnails/*")}  # the images', not that of the classes
    assert [row["class"] for row in RunFolder.open(run).table("class_thumbnails").to_pylist()] == [0, 2]
    before = content(run)
    assert make(run, classes=("a", "c")).already_there == 6
    assert content(run) == before
    # All at once is the same.
    one_by_one = read_all(run)
    make(run, classes=("a", "c"), replace=True)
    assert read_all(run)[0] == one_by_one[0]
    assert all(map(np.array_equal, read_all(run)[1], one_by_one[1]))


@pytest.mark.parametrize("count", [1, 2, 3])
def test_few_images(run: Path, count: int) -> None:
    make(run, classes=("b",), images=count)
    numbers, _ = read_all(run)
    places = RunFolder.open(run).table("instance_places")
    assert (len(numbers), len(places)) == (count, 2 * count)
    assert np.isfinite(places.column("x").to_numpy()).all()


def test_images_that_were_moved_or_changed_are_left_out_and_told(run: Path) -> None:
    data = run.parent / "data"
    (data / "a" / "00.png").unlink()
    (data / "a" / "01.png").write_bytes(b"no image")
    make_picture((40, 200, 80), seed=901).save(data / "a" / "02.png")
    result = make(run, images=None, classes=("a", "b"))
    assert {Path(path).name: reason.split(":")[0] for path, reason in result.left_out.items()} == {
        "00.png": "cannot be read",
        "01.png": "no JPEG, PNG or WebP image",
        "02.png": "changed",
    }
    assert (result.measured, read_all(run)[0]) == (13, list(range(3, 16)))


def test_where_no_image_is_there_nothing_changes(run: Path) -> None:
    before = content(run)
    shutil.move(run.parent / "data" / "a", run.parent / "moved")
    with pytest.raises(DatasetError, match="none of the 3 images") as caught:
        make(run, classes=("a",))
    assert "--data" in caught.value.hint
    shutil.rmtree(run.parent / "data")
    with pytest.raises(DatasetError, match="does not exist"):
        make(run)
    assert content(run) == before


def test_wrong_questions(run: Path) -> None:
    for options, error, message in (
        ({"classes": ("dog",)}, NotFoundError, "no class 'dog'"),
        ({"layers": ("third",)}, NotFoundError, "no layer 'third'"),
        ({"images": 0}, SettingError, "images is 0"),
        ({"device": "tpu"}, SettingError, "tpu"),
        ({"model": "tiny_models:infinite"}, RunConflictError, "other weights"),
    ):
        with pytest.raises(error, match=message):
            make(run, **options)
    assert not RunFolder.open(run).has("instances")


def test_chosen_layers(run: Path) -> None:
    make(run, layers=("second",), classes=("a",))
    assert make(run, classes=("b",)).layers == 1  # the same ones
    folder = RunFolder.open(run)
    assert set(folder.table("instance_activations").column("layer").to_pylist()) == {1}
    with pytest.raises(RunConflictError, match="measured in second") as caught:
        make(run, layers=("first",))
    assert "--replace" in caught.value.hint
    assert make(run, layers=("first", "second"), replace=True).layers == 2


class _Stopping(SilentProgress):
    """Calls a function when a step of some task is done."""

    def __init__(self, name: str, act: Callable[[], None]) -> None:
        self._name, self._act = name, act

    @contextmanager
    def task(self, name: str, *, total: int | None, unit: str, done: int = 0) -> Iterator[Task]:
        with super().task(name, total=total, unit=unit, done=done) as silent:
            yield _StoppingTask(silent, self._act if name == self._name else lambda: None)


class _StoppingTask:
    def __init__(self, inner: Task, act: Callable[[], None]) -> None:
        self._inner, self._act = inner, act

    def advance(self, steps: int = 1) -> None:
        self._inner.advance(steps)
        self._act()

    def note(self, text: str) -> None:
        self._inner.note(text)


@pytest.mark.parametrize("step", ["Measure images", "Place the images"])
def test_a_job_that_is_stopped_changes_nothing(run: Path, step: str) -> None:
    make(run, classes=("a",))
    before = content(run)

    def stop() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        make(run, _Stopping(step, stop), classes=("a", "b", "c"))
    assert content(run) == before
    assert make(run, classes=("a", "b", "c")).measured == 6


def test_a_full_disk_changes_nothing(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make(run, classes=("a",))
    before = content(run)
    written = arete_core.run_change.write_table_beside

    def full(folder: Path, name: str, table: Any) -> Path:
        if name == "thumbnails":
            raise OSError(28, "No space left on device")
        return written(folder, name, table)

    with monkeypatch.context() as patch:
        patch.setattr(arete_core.run_change, "write_table_beside", full)
        with pytest.raises(RunFolderError, match="No space left"):
            make(run)
    assert content(run) == before
    assert make(run).measured == 6


def test_two_jobs_at_once_are_refused(run: Path) -> None:
    (run / "thumbnails").mkdir()
    with locked(run / "thumbnails"), pytest.raises(RunConflictError, match="another job"):
        make(run)
