"""The whole job on small networks: right numbers, the same after every interruption, and clear refusals."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from image_folders import make_folder
from PIL import Image
from tiny_models import tiny

from arete_core.errors import (
    DatasetError,
    ModelError,
    RunAlteredError,
    RunConflictError,
    RunFolderError,
    RunIncompleteError,
    SettingError,
)
from arete_core.files import sha256_of
from arete_core.progress import SilentProgress, Task
from arete_core.run_folder import RunFolder
from arete_ingest.collapse import collapse
from arete_ingest.counter import Counter
from arete_ingest.images import read_image
from arete_ingest.job import ingest
from arete_ingest.settings import IngestSettings
from arete_ingest.tracing import trace_model
from arete_ingest.transform import ImageTransform
from arete_ingest.unit_count import model_input

SIZE = 16
BATCH = 2  # 16 images a unit: two units for each class of 20 images


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_folder(tmp_path_factory.mktemp("images") / "data")


@pytest.fixture(scope="module")
def asked(data: Path, tmp_path_factory: pytest.TempPathFactory) -> IngestSettings:
    return IngestSettings(
        model="tiny_models:tiny",
        data=data,
        out=tmp_path_factory.mktemp("runs") / "tiny",
        image_size=SIZE,
        batch_size=BATCH,
        tile_px=16,
        influence_k=2,
        threads=1,
    )


@pytest.fixture(scope="module")
def run(asked: IngestSettings) -> RunFolder:
    """An uninterrupted run."""
    result = ingest(asked)
    assert (result.images, result.failed, result.classes, result.already_done) == (60, 0, 3, False)
    return RunFolder.open(result.folder)


class Recorder(SilentProgress):
    """Remembers what was reported, and may call something at a step."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self.tasks: dict[str, tuple[int | None, int, int]] = {}

    @contextmanager
    def task(self, name: str, *, total: int | None, unit: str, done: int = 0) -> Iterator[Task]:
        advanced = [0]

        class Counting:
            def advance(self, steps: int = 1) -> None:
                advanced[0] += steps

            def note(self, text: str) -> None:
                pass

        yield Counting()
        self.tasks[name] = (total, done, advanced[0])

    def say(self, text: str) -> None:
        self.said.append(text)


def hashes(folder: Path) -> dict[str, str]:
    """The sha256 of every table and picture."""
    files = [*folder.glob("*.parquet"), *folder.glob("examples/*.webp"), *folder.glob("class-examples/*")]
    return {str(path.relative_to(folder)): sha256_of(path) for path in files}


def test_the_run_folder_is_whole_and_clean(run: RunFolder, asked: IngestSettings) -> None:
    manifest = run.manifest
    assert (manifest.id, manifest.name, manifest.device, manifest.state) == ("tiny", "tiny", "cpu", "complete")
    assert (manifest.model.name, manifest.model.weights, manifest.model.outputs) == ("tiny_models:tiny", "factory", 3)
    assert manifest.model.image_size == SIZE
    assert (manifest.dataset.name, manifest.dataset.images, manifest.dataset.failed) == ("data", 60, 0)
    assert (manifest.settings["method"], manifest.settings["influence_k"]) == ("share", 2)
    assert manifest.versions["torch"] == torch.__version__.split("+")[0]
    assert set(manifest.files) == {
        f"{name}.parquet"
        for name in (
            "layers",
            "channels",
            "classes",
            "activations",
            "influences",
            "images",
            "class_examples",
            "class_sprites",
            "examples",
            "sprites",
            "atlases",
            "embeddings",
        )
    }
    for name, info in manifest.files.items():
        assert info.rows == run.table(name.removesuffix(".parquet")).num_rows
    assert sorted(path.name for path in run.path.iterdir()) == sorted(
        [*manifest.files, "atlases", "class-examples", "examples", "manifest.json"]
    )
    text = (run.path / "manifest.json").read_text()
    assert str(asked.data) not in text, "where files lie stays on the machine"


def reference(data: Path, class_: str) -> tuple[Counter, torch.Tensor, list[torch.Tensor]]:
    """Counts one class in one batch, without any of the job's machinery but the decoder."""
    counter = Counter(trace_model(tiny(), SIZE), influence_k=2)
    transform = ImageTransform(SIZE, SIZE)
    pixels = np.stack([transform.pixels(read_image(path)) for path in sorted((data / class_).iterdir())])
    result = counter.count(model_input(pixels, transform, torch.device("cpu")), [0] * len(pixels))
    return counter, result.logits, result.maxima


def test_counts_are_those_of_counting_directly(run: RunFolder, data: Path) -> None:
    edges = dict(run.influences_by_class())
    activations = run.table("activations").to_pylist()
    for index, class_ in enumerate("abc"):
        counter, _, _ = reference(data, class_)
        counts = counter.take(0)
        expected = [
            (layer, channel, int(share[channel]), int(top[channel]))
            for layer, (share, top) in enumerate(zip(counts.activation_counts, counts.top_k_counts, strict=True))
            for channel in range(len(share))
            if share[channel] or top[channel]
        ]
        found = [
            (row["layer"], row["channel"], row["count"], row["top_k_count"])
            for row in activations
            if row["class"] == index
        ]
        assert found == expected
        assert edges[index].equals(collapse(counter.graph, counts).to_table(index))


def test_accuracy_and_histogram_are_those_of_the_outputs(run: RunFolder, data: Path) -> None:
    images = run.table("images").to_pylist()
    assert [row["image"] for row in images] == list(range(60))
    assert images[20]["path"] == "b/00.png"
    for index, row in enumerate(run.table("classes").to_pylist()):
        _, logits, _ = reference(data, "abc"[index])
        probability = torch.softmax(logits, dim=1)[:, index]
        assert row["accuracy"] == pytest.approx(float((logits.argmax(dim=1) == index).float().mean()))
        assert row["histogram"] == torch.histc(probability, bins=10, min=0, max=1).int().tolist()
        mine = [image for image in images if image["class"] == index]
        np.testing.assert_allclose([image["probability"] for image in mine], probability, rtol=1e-5)
        assert [image["predicted"] for image in mine] == logits.argmax(dim=1).tolist()
        assert {image["error"] for image in mine} == {None}


def test_examples_are_the_strongest_images_of_the_whole_run(run: RunFolder, data: Path) -> None:
    rows = run.table("examples").to_pylist()
    maxima = [torch.cat(layers) for layers in zip(*(reference(data, name)[2] for name in "abc"), strict=True)]
    for layer, values in enumerate(maxima):
        for channel in range(values.shape[1]):
            mine = [row for row in rows if (row["layer"], row["channel"]) == (layer, channel)]
            order = sorted(range(60), key=lambda image, v=values[:, channel]: (-float(v[image]), image))
            expected = [image for image in order if values[image, channel] > 0][:10]
            assert [row["image"] for row in mine] == expected
            assert [row["rank"] for row in mine] == list(range(len(expected)))
            for row in mine:
                assert row["activation"] == pytest.approx(float(values[row["image"], channel]))
                assert 0 <= row["left"] < row["right"] <= SIZE
                assert 0 <= row["top"] < row["bottom"] <= SIZE


def test_every_channel_that_fires_has_a_strip(run: RunFolder) -> None:
    sprites = run.table("sprites").to_pylist()
    fired = {(row["layer"], row["channel"]) for row in run.table("examples").to_pylist()}
    assert {(row["layer"], row["channel"]) for row in sprites} == fired
    for row in sprites:
        path = run.path / row["file"]
        assert row["file"] == f"examples/{row['layer']}-{row['channel']}.webp"
        assert sha256_of(path) == row["sha256"]
        with Image.open(path) as picture:
            assert picture.size == (row["tiles"] * 16, 16)


def test_a_finished_job_is_a_no_op(run: RunFolder, asked: IngestSettings) -> None:
    def times() -> dict[Path, int]:
        return {path: path.stat().st_mtime_ns for path in run.path.rglob("*")}

    before = times()
    progress = Recorder()
    result = ingest(asked, progress)
    assert result.already_done
    assert result.images == 60
    assert progress.tasks == {}
    assert "is done already" in progress.said[-1]
    assert times() == before


@pytest.mark.parametrize(("threads", "workers"), [(1, 3), (2, 1), (3, 2)])
def test_threads_and_workers_change_nothing(
    run: RunFolder, asked: IngestSettings, tmp_path: Path, threads: int, workers: int
) -> None:
    result = ingest(replace(asked, out=tmp_path / "tiny", threads=threads, workers=workers))
    assert hashes(result.folder) == hashes(run.path)


CHILD = """
import os, signal, sys
from contextlib import contextmanager
from pathlib import Path
sys.path[:0] = {path!r}
from arete_core.progress import SilentProgress
from arete_ingest.job import ingest
from arete_ingest.settings import IngestSettings

class Stop(SilentProgress):
    def __init__(self, task, step, number, times=1):
        self.at = task, step, number
        self.left = times

    @contextmanager
    def task(self, name, *, total, unit, done=0):
        task, step, number = self.at
        steps, stop = [0], self
        class Steps:
            def advance(self, count=1):
                steps[0] += count
                if name == task and steps[0] >= step and stop.left:
                    stop.left -= 1
                    os.kill(os.getpid(), number)
            def note(self, text):
                pass
        yield Steps()

settings = IngestSettings(**{settings!r} | dict(data=Path({data!r}), out=Path({out!r})))
for stop in {stops!r}:
    child = os.fork()  # a fresh process for each kill, without importing torch each time
    if child == 0:
        ingest(settings, Stop(*stop))
        os._exit(0)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), len(list(Path({out!r}).glob("parts/*.npz"))), flush=True)
"""


def test_killed_again_and_again_it_gives_the_same_bytes(run: RunFolder, asked: IngestSettings, tmp_path: Path) -> None:
    out = tmp_path / "tiny"
    stops = [
        ("Count images", 6, 9),  # in the first unit: nothing is kept
        ("Count images", 22, 9),  # in the third unit
        ("Count images", 8, 15),  # SIGTERM in the third: it is finished
        ("Count images", 8, 15, 2),  # two of them in the fifth: it is dropped
        ("Count images", 6, 2),  # Ctrl-C
        ("Join classes", 2, 9),
        ("Cut examples", 5, 9),
        ("Cut examples of classes", 2, 9),
    ]
    kept = {
        key: getattr(asked, key) for key in ("model", "image_size", "batch_size", "tile_px", "influence_k", "threads")
    }
    script = CHILD.format(
        path=[str(Path(__file__).parents[2])], settings=kept, data=str(asked.data), out=str(out), stops=stops
    )
    child = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=240, check=False)
    codes = [tuple(map(int, line.split())) for line in child.stdout.splitlines()]
    # Exit code and finished units after each.
    assert codes == [(-9, 0), (-9, 2), (143, 3), (143, 4), (-2, 4), (-9, 6), (-9, 6), (-9, 6)], child.stderr
    with pytest.raises(RunIncompleteError):
        RunFolder.open(out)
    assert ingest(replace(asked, out=out)).continued_images == 60
    assert hashes(out) == hashes(run.path)
    ours, theirs = (json.loads((folder / "manifest.json").read_text()) for folder in (out, run.path))
    assert {**ours, "created_at": ""} == {**theirs, "created_at": ""}
    assert not (out / "parts").exists()
    assert not (out / ".lock").exists()


class Interrupting(Recorder):
    """Presses Ctrl-C once some steps of the first task are done."""

    def __init__(self, after: int) -> None:
        super().__init__()
        self.after = after

    @contextmanager
    def task(self, name: str, *, total: int | None, unit: str, done: int = 0) -> Iterator[Task]:
        after, advanced = self.after, [0]

        class Steps:
            def advance(self, steps: int = 1) -> None:
                advanced[0] += steps
                if advanced[0] >= after:
                    raise KeyboardInterrupt

            def note(self, text: str) -> None:
                pass

        yield Steps()


def interrupted(settings: IngestSettings, after: int = 22) -> Interrupting:
    progress = Interrupting(after)
    with pytest.raises(KeyboardInterrupt):
        ingest(settings, progress)
    return progress


def test_an_interrupted_job_says_so_and_continues_where_it_was(asked: IngestSettings, tmp_path: Path) -> None:
    settings = replace(asked, out=tmp_path / "tiny")
    assert "the same command continues" in interrupted(settings).said[-1]
    assert not (tmp_path / "tiny" / ".lock").exists()
    progress = Recorder()
    assert ingest(settings, progress).continued_images == 20
    assert progress.tasks["Count images"] == (60, 20, 40)
    assert progress.tasks["Join classes"] == (3, 0, 3)


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"share": 0.5}, "share was 0.03, is 0.5"),
        ({"batch_size": 4}, "batch size was 2, is 4"),
        ({"limit": 7}, "limit was not given, is 7"),
        ({"image_size": 20}, "transform was"),
        ({"model": "tiny_models:with_transform"}, "model was tiny_models:tiny, is tiny_models:with_transform"),
        ({"classes": ("a",)}, "images sha256 was"),
        ({"name": "other"}, "run was tiny, is other"),
    ],
)
@pytest.mark.parametrize("finished", [True, False])
def test_another_job_in_the_same_folder_is_refused(
    run: RunFolder, asked: IngestSettings, tmp_path: Path, change: dict, what: str, finished: bool
) -> None:
    settings = asked if finished else replace(asked, out=tmp_path / "tiny")
    if not finished:
        interrupted(settings)
    before = hashes(settings.out)
    with pytest.raises(RunConflictError, match=what) as caught:
        ingest(replace(settings, **change))
    assert "finished" in caught.value.message
    assert "another --out" in caught.value.hint
    assert hashes(settings.out) == before


def test_other_weights_and_other_images_are_refused(asked: IngestSettings, tmp_path: Path) -> None:
    from safetensors.torch import save_file

    data = make_folder(tmp_path / "data", images=2)
    weights = tmp_path / "w.safetensors"
    save_file(tiny().state_dict(), weights)
    settings = replace(asked, data=data, weights=str(weights), out=tmp_path / "tiny", name="tiny")
    ingest(settings)
    save_file({key: value * 2 for key, value in tiny().state_dict().items()}, weights)
    with pytest.raises(RunConflictError, match="weights sha256 was"):
        ingest(settings)
    save_file(tiny().state_dict(), weights)
    make_folder(data / "more", classes=("a",), images=1)
    (data / "more" / "a" / "00.png").rename(data / "a" / "99.png")
    (data / "more" / "a").rmdir()
    (data / "more").rmdir()
    with pytest.raises(RunConflictError, match="images sha256 was"):
        ingest(settings)


def test_another_release_does_not_continue_a_job(
    asked: IngestSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = replace(asked, out=tmp_path / "tiny")
    interrupted(settings)
    monkeypatch.setattr("arete_ingest.identity.version", lambda name: "99.0")
    with pytest.raises(RunConflictError, match=r"version of torch was .*, is 99\.0"):
        ingest(settings)


def test_bad_images_are_recorded_and_left_out(asked: IngestSettings, tmp_path: Path) -> None:
    data = make_folder(tmp_path / "data", images=4)
    (data / "b" / "01.png").write_text("no image")
    whole = (data / "b" / "03.png").read_bytes()
    (data / "b" / "03.png").write_bytes(whole[: len(whole) // 2])
    result = ingest(replace(asked, data=data, out=tmp_path / "tiny", max_failed=0.2))
    assert (result.images, result.failed) == (10, 2)
    run = RunFolder.open(result.folder)
    assert (run.manifest.dataset.images, run.manifest.dataset.failed) == (10, 2)
    row = run.table("classes").to_pylist()[1]
    assert (row["images"], row["failed"], sum(row["histogram"])) == (2, 2, 2)
    bad = [image for image in run.table("images").to_pylist() if image["error"]]
    assert [(image["path"], image["predicted"], image["probability"]) for image in bad] == [
        ("b/01.png", None, None),
        ("b/03.png", None, None),
    ]
    assert bad[0]["error"] == "no JPEG, PNG or WebP image"
    assert "truncated" in bad[1]["error"]
    # What is counted is what a folder without the two gives.
    (data / "b" / "01.png").unlink()
    (data / "b" / "03.png").unlink()
    clean = RunFolder.open(ingest(replace(asked, data=data, out=tmp_path / "clean", name="tiny")).folder)
    for table in ("activations", "influences"):
        assert run.table(table).equals(clean.table(table))


def test_too_many_bad_images_stop_the_job_and_mending_them_continues_it(asked: IngestSettings, tmp_path: Path) -> None:
    data = make_folder(tmp_path / "data", images=3)
    for name in ("a/00.png", "c/01.png"):
        (data / name).write_text("no image")
    settings = replace(asked, data=data, out=tmp_path / "tiny")
    with pytest.raises(DatasetError, match=r"2 of 9 images could not be read, 1 may: a/00\.png \(no JPEG") as caught:
        ingest(settings)
    assert "--max-failed" in caught.value.hint
    assert ingest(replace(settings, max_failed=0.3)).failed == 2


def test_one_bad_image_stops_only_the_strict(asked: IngestSettings, tmp_path: Path) -> None:
    data = make_folder(tmp_path / "data", images=2)
    (data / "a" / "00.png").write_text("no image")
    with pytest.raises(DatasetError, match="1 of 6"):
        ingest(replace(asked, data=data, out=tmp_path / "strict", max_failed=0.0))
    assert ingest(replace(asked, data=data, out=tmp_path / "default")).failed == 1


def test_no_readable_image_at_all(asked: IngestSettings, tmp_path: Path) -> None:
    data = make_folder(tmp_path / "data", images=1)
    for path in data.rglob("*.png"):
        path.write_text("no image")
    with pytest.raises(DatasetError, match="none of the 3 images"):
        ingest(replace(asked, data=data, out=tmp_path / "tiny", max_failed=1.0))


def test_a_class_without_a_readable_image(asked: IngestSettings, tmp_path: Path) -> None:
    data = make_folder(tmp_path / "data", images=2)
    for path in (data / "b").iterdir():
        path.write_text("no image")
    run = RunFolder.open(ingest(replace(asked, data=data, out=tmp_path / "tiny", max_failed=0.5)).folder)
    row = run.table("classes").to_pylist()[1]
    assert (row["images"], row["failed"], row["accuracy"], row["histogram"]) == (0, 2, None, None)
    assert {key for key, _ in run.influences_by_class()} == {0, 2}


def test_one_class_gives_a_run(asked: IngestSettings, tmp_path: Path) -> None:
    data = make_folder(tmp_path / "data", classes=("only",), images=2)
    progress = Recorder()
    assert ingest(replace(asked, data=data, out=tmp_path / "tiny"), progress).classes == 1
    assert any("comparing needs a second" in text for text in progress.said)


def test_unmatched_outputs_leave_accuracy_unknown_and_say_so_once(asked: IngestSettings, tmp_path: Path) -> None:
    data = make_folder(tmp_path / "data", classes=("x", "y"), images=2)
    progress = Recorder()
    run = RunFolder.open(ingest(replace(asked, data=data, out=tmp_path / "tiny"), progress).folder)
    assert [text for text in progress.said if "accuracy is unknown for 2 of 2 classes" in text] == [progress.said[-1]]
    assert {(row["accuracy"], row["histogram"]) for row in run.table("classes").to_pylist()} == {(None, None)}
    assert {(row["predicted"], row["probability"]) for row in run.table("images").to_pylist()} == {(None, None)}


def test_a_selection_keeps_the_indices_of_all_classes(run: RunFolder, asked: IngestSettings, tmp_path: Path) -> None:
    some = RunFolder.open(ingest(replace(asked, out=tmp_path / "tiny", classes=("c", "b"))).folder)
    whole = run.table("activations")
    kept = whole.filter([key > 0 for key in whole.column("class").to_pylist()])
    assert some.table("activations").equals(kept)
    assert some.table("classes").equals(run.table("classes").slice(1))


def test_without_examples(asked: IngestSettings, tmp_path: Path) -> None:
    result = ingest(replace(asked, out=tmp_path / "tiny", examples=0, limit=2))
    run = RunFolder.open(result.folder)
    assert not run.has("examples")
    assert not run.has("sprites")
    assert not (result.folder / "examples").exists()


def test_names_come_from_the_tsv(asked: IngestSettings, tmp_path: Path) -> None:
    data = make_folder(tmp_path / "data", images=1)
    (data / "classes.tsv").write_text("a\tRed things\n")
    result = ingest(replace(asked, data=data, out=tmp_path / "My Run 1"))
    run = RunFolder.open(result.folder)
    assert (run.manifest.id, run.manifest.name) == ("my-run-1", "My Run 1")
    assert run.table("classes").column("name").to_pylist() == ["Red things", "b", "c"]


def test_a_folder_with_something_else_is_left_alone(asked: IngestSettings, tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("precious")
    with pytest.raises(RunFolderError, match=r"not empty and holds no run \(found thesis\.tex\)"):
        ingest(replace(asked, out=tmp_path))
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


def test_a_run_folder_inside_the_data_is_refused(asked: IngestSettings) -> None:
    with pytest.raises(SettingError, match="lies inside the data folder"):
        ingest(replace(asked, out=asked.data / "run"))
    assert not (asked.data / "run").exists()


def test_bad_input_writes_nothing(asked: IngestSettings, tmp_path: Path) -> None:
    for change, error in (
        ({"data": tmp_path / "nowhere"}, DatasetError),
        ({"model": "gogglenet", "weights": "random"}, ModelError),
        ({"model": "tiny_models:branching"}, ModelError),
        ({"device": "tpu"}, SettingError),
        ({"device": "cuda:99"}, SettingError),
    ):
        with pytest.raises(error):
            ingest(replace(asked, out=tmp_path / "tiny", **change))
        assert not (tmp_path / "tiny").exists()


def test_a_model_that_cannot_be_traced_says_why(asked: IngestSettings, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="Branching"):
        ingest(replace(asked, model="tiny_models:branching", out=tmp_path / "tiny"))


def test_values_that_overflow_name_the_image(asked: IngestSettings, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"NaN or infinity.*: a/00\.png"):
        ingest(replace(asked, model="tiny_models:infinite", out=tmp_path / "tiny"))


def test_a_full_disk_is_noticed_before_the_start(
    asked: IngestSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda path: SimpleNamespace(free=1_000_000))
    with pytest.raises(RunFolderError, match="its disk has 1 MB free"):
        ingest(replace(asked, out=tmp_path / "tiny"))


def test_an_image_that_vanishes_before_its_example_is_cut(asked: IngestSettings, tmp_path: Path) -> None:
    data = make_folder(tmp_path / "data", images=2)

    class Removing(Recorder):
        @contextmanager
        def task(self, name: str, *, total: int | None, unit: str, done: int = 0) -> Iterator[Task]:
            if name == "Cut examples":
                for path in data.rglob("*.png"):
                    path.write_text("no image")
            with super().task(name, total=total, unit=unit, done=done) as task:
                yield task

    with pytest.raises(DatasetError, match="was counted but cannot be read any more"):
        ingest(replace(asked, data=data, out=tmp_path / "tiny"), Removing())


def test_an_altered_run_is_not_taken_for_done(asked: IngestSettings, tmp_path: Path) -> None:
    settings = replace(asked, out=tmp_path / "tiny", limit=1)
    folder = ingest(settings).folder
    (folder / "influences.parquet").unlink()
    with pytest.raises(RunAlteredError, match=r"influences\.parquet is missing"):
        ingest(settings)


@pytest.mark.parametrize(
    "change",
    [
        {"share": 0.0},
        {"share": 1.5},
        {"limit": 0},
        {"batch_size": 0},
        {"examples": -1},
        {"tile_px": 4},
        {"workers": 0},
        {"threads": 0},
        {"max_failed": 1.5},
        {"method": "top"},
        {"dtype": "float16"},
        {"name": "…"},
        {"image_size": 0},
    ],
)
def test_settings_that_cannot_work(asked: IngestSettings, change: dict) -> None:
    with pytest.raises(SettingError):
        replace(asked, **change)
