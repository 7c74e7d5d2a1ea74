"""The job that makes feature visualizations of a run folder: what it writes, and what stops it."""

import json
import os
import resource
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tiny_models
from image_folders import make_folder
from ingest_jobs import tiny_job
from PIL import Image

from arete_core.errors import CapabilityError, NotFoundError, RunConflictError, SettingError
from arete_core.files import sha256_of
from arete_core.manifest import MANIFEST, write_manifest
from arete_core.progress import SilentProgress, Task
from arete_core.run_folder import RunFolder
from arete_core.run_lock import locked
from arete_ingest.features.choice import batches_of, choose_channels
from arete_ingest.features.job import make_features
from arete_ingest.features.settings import FeatureSettings
from arete_ingest.features.sheet import draw_sheet
from arete_ingest.job import ingest

ALL = 14


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_folder(tmp_path_factory.mktemp("images") / "data", images=4)


@pytest.fixture(scope="module")
def whole(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return ingest(tiny_job(data, tmp_path_factory.mktemp("run") / "tiny")).folder


@pytest.fixture
def run(whole: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(whole, tmp_path / "tiny"))


def settings(run: Path, **more: Any) -> FeatureSettings:
    quick: dict[str, Any] = {"channels": ("all",), "size": 16, "steps": 2, "tile_px": 16, "threads": 1, "diversity": 2}
    quick |= {"batch": 12}
    return FeatureSettings(run=run, **(quick | more))


def content(run: Path) -> dict[str, str]:
    files = [run / "features.parquet", run / "atlases.parquet", *run.glob("features/*"), *run.glob("atlases/*")]
    return {str(path.relative_to(run)): sha256_of(path) for path in files}


def test_each_channel_gets_a_strip_and_each_layer_an_atlas(run: Path) -> None:
    before = RunFolder.open(run)
    result = make_features(settings(run))
    after = RunFolder.open(run)
    rows = after.table("features").to_pylist()
    assert (result.channels, result.made + len(result.without), len(rows)) == (ALL, ALL, ALL)
    assert after.manifest_sha256 == before.manifest_sha256
    assert after.manifest.pictures["features"]["steps"] == 2
    for row in rows:
        if row["error"]:
            assert (row["file"], row["tiles"]) == (None, 0)
            continue
        assert row["activation"] > 0
        assert sha256_of(run / row["file"]) == row["sha256"]
        with Image.open(run / row["file"]) as strip:
            assert strip.size == (16 * row["tiles"], 16)
            assert np.asarray(strip).std() > 1
    atlases = {(row["kind"], row["layer"]): row for row in after.table("atlases").to_pylist()}
    assert atlases.keys() == {("examples", 0), ("examples", 1), ("features", 0), ("features", 1)}
    for (kind, layer), row in atlases.items():
        table = after.table("features" if kind == "features" else "sprites").to_pylist()
        with Image.open(run / row["file"]) as picture:
            drawn = np.asarray(picture.convert("RGB"), dtype=float)
        side, columns = row["tile_px"], row["columns"]
        assert drawn.shape == (side * -(-len(row["channels"]) // columns), side * columns, 3)
        for one in table:
            if one["layer"] == layer and one["file"]:
                top, left = (side * place for place in divmod(row["channels"].index(one["channel"]), columns))
                with Image.open(run / one["file"]) as strip:
                    tile = np.asarray(strip.convert("RGB").crop((0, 0, 16, 16)), dtype=float)
                own = drawn[top : top + side, left : left + side]
                # Compressed twice and enlarged: alike, not equal.
                assert np.abs(own.mean(axis=(0, 1)) - tile.mean(axis=(0, 1))).max() < 12
    assert make_features(settings(run)).already_there == ALL
    assert not list(run.glob("**/.*"))


class Interrupting(SilentProgress):
    """Stops the job once some channels are done."""

    def __init__(self, after: int) -> None:
        self._left = after

    @contextmanager
    def task(self, name: str, *, total: int | None, unit: str, done: int = 0) -> Iterator[Task]:
        yield self

    def advance(self, steps: int = 1) -> None:
        self._left -= steps
        if self._left <= 0:
            raise KeyboardInterrupt

    def note(self, text: str) -> None: ...


def test_a_stopped_job_keeps_what_is_finished_and_goes_on(whole: Path, run: Path, tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        make_features(settings(run), Interrupting(8))
    part = RunFolder.open(run).table("features").num_rows
    assert 8 <= part < ALL
    result = make_features(settings(run))
    assert result.already_there == part
    straight = Path(shutil.copytree(whole, tmp_path / "straight"))
    make_features(settings(straight))
    assert content(straight) == content(run)


def test_a_full_disk_is_told_and_the_run_stays_whole(run: Path) -> None:
    """A process whose files may grow to 1.5 kB: strips of tiny tiles are written, the tables of all are not."""
    make_features(settings(run, limit=2))
    before = RunFolder.open(run).table("features").num_rows
    command = [sys.executable, "-m", "arete", "features", str(run), "--channels", "all", "--size", "16", "--steps", "2"]
    command += ["--tile-px", "16", "--threads", "1", "--diversity", "2", "--batch", "12", "--quiet"]
    done = subprocess.run(
        command,
        env=os.environ | {"PYTHONPATH": str(Path(tiny_models.__file__).parent)},
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (1500, 1500)),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1, done.stdout + done.stderr
    assert "File too large" in done.stderr
    assert "make room" in done.stderr
    rows = RunFolder.open(run).table("features").to_pylist()
    assert len(rows) == before
    assert all(sha256_of(run / row["file"]) == row["sha256"] for row in rows if row["file"])
    assert len(list(run.glob("features/*.webp"))) > before
    assert make_features(settings(run)).channels == ALL
    assert RunFolder.open(run).table("features").num_rows == ALL
    assert not list(run.glob("**/.*"))


def test_pictures_of_an_older_method_are_not_continued(run: Path) -> None:
    make_features(settings(run, limit=2))
    manifest = RunFolder.open(run).manifest
    older = {name: value for name, value in manifest.pictures["features"].items() if name != "method"}
    write_manifest(run, manifest.model_copy(update={"pictures": manifest.pictures | {"features": older}}))
    with pytest.raises(RunConflictError, match="an older method") as caught:
        make_features(settings(run))
    assert "--replace" in caught.value.hint
    assert make_features(settings(run, replace=True)).already_there == 0


def test_images_that_moved_since_are_not_missed(data: Path, tmp_path: Path) -> None:
    """Examples were cut while the images were there; feature visualizations are made of the model alone."""
    own = Path(shutil.copytree(data, tmp_path / "data"))
    run = ingest(tiny_job(own, tmp_path / "moved")).folder
    shutil.rmtree(own)
    make_features(settings(run, channels=("first/1",)))
    after = RunFolder.open(run, verify=True)
    sprites = after.table("sprites").to_pylist()
    assert len(sprites) > 1
    for row in sprites:
        assert sha256_of(run / row["file"]) == row["sha256"]


def test_other_settings_are_refused_unless_all_is_made_anew(run: Path) -> None:
    make_features(settings(run, channels=("second",)))
    with pytest.raises(RunConflictError, match="steps 2, not 3"):
        make_features(settings(run, steps=3))
    make_features(settings(run, steps=3, channels=("first/1",), replace=True))
    after = RunFolder.open(run)
    assert [(row["layer"], row["channel"]) for row in after.table("features").to_pylist()] == [(0, 1)]
    assert [row["layer"] for row in after.table("atlases").to_pylist() if row["kind"] == "features"] == [0]


def changed_manifest(run: Path, **model: str) -> None:
    manifest = RunFolder.open(run).manifest
    write_manifest(run, manifest.model_copy(update={"model": manifest.model.model_copy(update=model)}))


@pytest.mark.parametrize(
    ("more", "error", "message"),
    [
        ({"model": "tiny_models:infinite"}, RunConflictError, "made with other weights"),
        ({"weights": "/nowhere.safetensors"}, Exception, "does not exist"),
        ({"channels": ("third",)}, SettingError, "third"),
        ({"channels": ("first/99",)}, NotFoundError, "first/99"),
        ({"device": "tpu"}, SettingError, "tpu"),
    ],
)
def test_what_cannot_work_is_refused(run: Path, more: dict[str, Any], error: type[Exception], message: str) -> None:
    before = content_of_folder(run)
    with pytest.raises(error, match=message):
        make_features(settings(run, **more))
    assert content_of_folder(run) == before


def content_of_folder(run: Path) -> list[str]:
    return sorted(str(path) for path in run.rglob("*"))


@pytest.mark.parametrize(
    ("model", "error", "message"),
    [
        ({"weights_sha256": ""}, CapabilityError, "imported without its model"),
        ({"weights": "net.safetensors"}, SettingError, "--weights is needed"),
        ({"graph_sha256": "0" * 64}, RunConflictError, "another structure"),
    ],
)
def test_a_run_whose_model_is_not_there_is_refused(
    run: Path, model: dict[str, str], error: type[Exception], message: str
) -> None:
    changed_manifest(run, **model)
    with pytest.raises(error, match=message):
        make_features(settings(run))


@pytest.mark.parametrize(
    "wrong", [{"steps": 0}, {"diversity": 1}, {"diversity": 9}, {"size": 8}, {"rate": 0.0}, {"batch": 0}, {"mass": 1.5}]
)
def test_settings_are_checked(wrong: dict[str, Any]) -> None:
    with pytest.raises(SettingError, match=next(iter(wrong))):
        FeatureSettings(run=Path(), **wrong)


def test_two_jobs_do_not_work_on_one_run(run: Path) -> None:
    (run / "features").mkdir()
    with locked(run / "features"), pytest.raises(RunConflictError, match="another job"):
        make_features(settings(run))


def test_channels_come_by_use(whole: Path) -> None:
    folder = RunFolder.open(whole)
    kept, every = choose_channels(folder, ("kept",)), choose_channels(folder, ("all",))
    assert every[: len(kept)] == kept
    assert sorted(every) == [(0, channel) for channel in range(6)] + [(1, channel) for channel in range(8)]
    assert set(kept) <= set(choose_channels(folder, ("kept",), 1.0))
    assert sorted(choose_channels(folder, ("first", "second/2"))) == [*[(0, c) for c in range(6)], (1, 2)]


def test_batches_hold_one_layer_and_come_in_order() -> None:
    channels = [(1, 5), (0, 2), (1, 3), (1, 9), (0, 1)]
    assert batches_of(channels, 2) == [(1, [5, 3]), (0, [2, 1]), (1, [9])]


def test_a_contact_sheet_shows_what_is_there(run: Path, tmp_path: Path) -> None:
    folder = RunFolder.open(run)
    with pytest.raises(NotFoundError):
        draw_sheet(folder, [(0, 1)], tmp_path / "sheet.png")
    make_features(settings(run))
    shown = draw_sheet(RunFolder.open(run), choose_channels(folder, ("all",)), tmp_path / "sheet.png", per_layer=3)
    assert shown == 6
    with Image.open(tmp_path / "sheet.png") as sheet:
        assert np.asarray(sheet).std() > 10


def test_the_manifest_says_how(run: Path) -> None:
    make_features(settings(run, channels=("first/1",), seed=5))
    made: Callable[..., Any] = json.loads((run / MANIFEST).read_text())["pictures"]["features"].get
    assert (made("seed"), made("size"), made("diversity"), made("device")) == (5, 16, 2, "cpu")
