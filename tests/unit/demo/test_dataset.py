import hashlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest
from PIL import Image

from arete_core.errors import DatasetError, SettingError
from arete_ingest.dataset import scan_folder
from arete_ingest.demo.dataset import MANIFEST, DemoImages, write_dataset
from arete_ingest.demo.drawings import CLASSES


class Recorder:
    """A Progress that keeps what it was told."""

    def __init__(self) -> None:
        self.totals: list[int | None] = []
        self.done = 0
        self.said: list[str] = []

    @contextmanager
    def task(self, name: str, *, total: int | None, unit: str, done: int = 0) -> Iterator["Recorder"]:
        self.totals.append(total)
        yield self

    def advance(self, steps: int = 1) -> None:
        self.done += steps

    def note(self, text: str) -> None:
        raise AssertionError(text)

    def say(self, text: str) -> None:
        self.said.append(text)


def _digests(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_every_class_is_written_with_its_name_and_composition(tmp_path: Path) -> None:
    progress = Recorder()
    place = tmp_path / "new" / "images"
    assert write_dataset(place, per_class=3, seed=4, workers=1, progress=progress) == DemoImages(place, 36, 108, True)
    assert (progress.totals, progress.done) == ([108], 108)
    folders = sorted(path.name for path in place.iterdir() if path.is_dir())
    assert folders == [composition.folder for composition in CLASSES]
    for composition in CLASSES:
        files = sorted((place / composition.folder).iterdir())
        assert [file.name for file in files] == ["0000.jpg", "0001.jpg", "0002.jpg"]
        with Image.open(files[0]) as image:
            assert (image.size, image.mode) == ((96, 96), "RGB")
    names = dict(line.split("\t") for line in (place / "classes.tsv").read_text().splitlines())
    assert names["red-striped-star"] == "red striped star"
    parts = json.loads((place / "composition.json").read_text())
    assert parts["blue-dotted-ring"] == {
        "name": "blue dotted ring",
        "shape": "ring",
        "texture": "dotted",
        "colour": "blue",
    }
    assert set(parts) == set(names) == set(folders)


def test_ingest_finds_the_classes_by_name(tmp_path: Path) -> None:
    write_dataset(tmp_path / "images", per_class=1, workers=1)
    found = scan_folder(tmp_path / "images")
    assert found.names == tuple(composition.name for composition in CLASSES)
    assert found.images == 36


def test_files_do_not_depend_on_the_number_of_workers(tmp_path: Path) -> None:
    write_dataset(tmp_path / "one", per_class=2, seed=1, size=32, workers=1)
    write_dataset(tmp_path / "two", per_class=2, seed=1, size=32, workers=2)
    write_dataset(tmp_path / "other", per_class=2, seed=2, size=32, workers=1)
    one, two, other = (_digests(tmp_path / name) for name in ("one", "two", "other"))
    assert one == two
    pictures = {name for name in one if name.endswith(".jpg")}
    assert len(pictures) == 72
    assert all(one[name] != other[name] for name in pictures)


def test_a_whole_set_is_seen_at_once_and_left_alone(tmp_path: Path) -> None:
    place = tmp_path / "images"
    write_dataset(place, per_class=1, size=32, workers=1)
    before = {path: path.stat().st_mtime_ns for path in place.rglob("*")}
    progress = Recorder()
    assert write_dataset(place, per_class=1, size=32, workers=1, progress=progress).written is False
    assert progress.totals == []
    assert {path: path.stat().st_mtime_ns for path in place.rglob("*")} == before


@pytest.mark.parametrize("damage", ["missing file", "shortened file", "other parameters", "broken manifest"])
def test_a_set_that_is_not_whole_is_drawn_again(tmp_path: Path, damage: str) -> None:
    place = tmp_path / "images"
    write_dataset(place, per_class=2, size=32, workers=1)
    whole = _digests(place)
    picture = place / "red-striped-star" / "0001.jpg"
    if damage == "missing file":
        picture.unlink()
    elif damage == "shortened file":
        picture.write_bytes(picture.read_bytes()[:100])
    elif damage == "other parameters":
        assert write_dataset(place, per_class=1, size=32, workers=1) == DemoImages(place, 36, 36, True)
        assert not picture.exists()
    else:
        (place / MANIFEST).write_text('{"parameters"')
    assert write_dataset(place, per_class=2, size=32, workers=1).written is True
    assert _digests(place) == whole
    assert sorted(path.name for path in tmp_path.iterdir()) == [".images.lock", "images"]


def test_other_peoples_files_are_left_as_they_are(tmp_path: Path) -> None:
    place = tmp_path / "images"
    (place / "holiday").mkdir(parents=True)
    (place / "holiday" / "beach.jpg").write_bytes(b"mine")
    with pytest.raises(DatasetError, match="something else") as caught:
        write_dataset(place, per_class=1, workers=1)
    assert "move it away" in caught.value.hint
    assert (place / "holiday" / "beach.jpg").read_bytes() == b"mine"


def test_an_empty_folder_is_filled(tmp_path: Path) -> None:
    assert write_dataset(tmp_path, per_class=1, size=32, workers=1).written is True
    assert len(list(tmp_path.glob("*/*.jpg"))) == 36


def test_a_place_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(DatasetError, match="cannot be written") as caught:
        write_dataset(tmp_path / "file" / "images", per_class=1, workers=1)
    assert caught.value.hint


@pytest.mark.parametrize(
    "wrong", [{"per_class": 0}, {"seed": -1}, {"size": 8}, {"split": "validation"}, {"workers": 0}]
)
def test_settings_out_of_range_are_refused(tmp_path: Path, wrong: dict[str, int | str]) -> None:
    with pytest.raises(SettingError, match=next(iter(wrong))):
        write_dataset(tmp_path / "images", **wrong)  # pyright: ignore[reportArgumentType]
    assert not (tmp_path / "images").exists()


def _wait_until(condition: object, seconds: float = 60) -> None:
    assert callable(condition)
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.01)


@pytest.mark.parametrize("workers", [1, 2])
def test_a_killed_job_leaves_nothing_that_is_taken_for_whole(tmp_path: Path, workers: int) -> None:
    place = tmp_path / "images"
    script = tmp_path / "job.py"
    script.write_text(
        "import sys\n"
        "from arete_ingest.demo.dataset import write_dataset\n"
        "if __name__ == '__main__':\n"
        f"    write_dataset(sys.argv[1], per_class=500, size=32, workers={workers})\n"
    )
    with subprocess.Popen([sys.executable, str(script), str(place)]) as job:
        unfinished = tmp_path / ".images.unfinished"
        _wait_until(lambda: len(list(unfinished.glob("*/*.jpg"))) > 20)
        helpers = psutil.Process(job.pid).children(recursive=True)
        os.kill(job.pid, signal.SIGKILL)
        job.wait()
    assert not place.exists()
    _wait_until(lambda: not any(helper.is_running() and helper.status() != "zombie" for helper in helpers), 10)
    assert write_dataset(place, per_class=2, size=32, workers=1) == DemoImages(place, 36, 72, True)
    assert len(list(place.glob("*/*.jpg"))) == 72
    assert sorted(path.name for path in tmp_path.iterdir()) == [".images.lock", "images", "job.py"]


def test_an_error_while_drawing_leaves_the_old_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = tmp_path / "images"
    write_dataset(place, per_class=1, size=32, workers=1)
    before = _digests(place)

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Image.Image, "save", full)
    with pytest.raises(DatasetError, match="No space left"):
        write_dataset(place, per_class=2, size=32, workers=1)
    assert _digests(place) == before
    assert sorted(path.name for path in tmp_path.iterdir()) == [".images.lock", "images"]


def test_two_jobs_at_once_draw_once(tmp_path: Path) -> None:
    place = tmp_path / "images"
    results: list[DemoImages] = []
    recorders = [Recorder(), Recorder()]

    def job(progress: Recorder) -> None:
        results.append(write_dataset(place, per_class=4, size=32, workers=1, progress=progress))

    threads = [threading.Thread(target=job, args=(progress,)) for progress in recorders]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(result.written for result in results) == [False, True]
    assert sum(recorder.done for recorder in recorders) == 144
