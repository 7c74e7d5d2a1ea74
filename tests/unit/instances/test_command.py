"""`arete instances` as a user runs it: what it prints, and its exit codes."""

import json
from pathlib import Path

import pytest
from image_folders import make_folder
from ingest_jobs import tiny_job
from typer.testing import CliRunner, Result

from arete.cli import app
from arete_core.errors import CapabilityError, NotFoundError
from arete_core.run_folder import RunFolder
from arete_ingest.job import ingest
from run_builder import random_run


def arete(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["instances", *arguments])


def test_images_are_measured_left_out_and_told(tmp_path: Path) -> None:
    data, run = make_folder(tmp_path / "data", images=4), tmp_path / "run"
    ingest(tiny_job(data, run))
    options = (str(run), "--data", str(data), "--images", "2", "--workers", "1", "-q")
    done = arete(*options, "--classes", "a, 2")
    assert (done.exit_code, done.exception) == (0, None)
    assert "4 images of 2 classes measured in 2 layers" in done.stdout
    (data / "b" / "00.png").unlink()
    partly = arete(*options, "--images", "0", "--classes", "b", "--json")
    assert partly.exit_code == 3
    found = json.loads(partly.stdout)
    assert (found["measured"], found["total"]) == (3, 7)
    assert {Path(path).name: reason[:14] for path, reason in found["left_out"].items()} == {"00.png": "cannot be read"}
    told = arete(*options, "--images", "0", "--classes", "b")
    assert told.exit_code == 3  # asked for, and still not there
    assert RunFolder.open(run).table("instances").num_rows == 7


def test_what_cannot_be_measured(tmp_path: Path) -> None:
    imported = random_run(tmp_path / "imported").path
    found = arete(str(imported), "--data", str(tmp_path), "-q")
    assert isinstance(found.exception, CapabilityError)
    assert "imported without its images" in found.exception.message
    run = tmp_path / "run"
    ingest(tiny_job(make_folder(tmp_path / "data", images=2), run))
    found = arete(str(run), "--data", str(tmp_path / "data"), "--classes", "a,dog", "-q")
    assert isinstance(found.exception, NotFoundError)
    assert "'dog'" in found.exception.message
    assert "0 (a)" in found.exception.hint


@pytest.mark.parametrize("option", ["--images=-1", "--tile-px=3", "--workers=0"])
def test_settings_out_of_range(tmp_path: Path, option: str) -> None:
    found = arete(str(tmp_path), "--data", str(tmp_path), option, "-q")
    assert found.exit_code != 0
    assert "was expected" in str(found.exception)
