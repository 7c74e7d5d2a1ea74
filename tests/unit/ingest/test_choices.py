"""What a user may choose: shown layers, excluded channels, models that are no classifiers; and what a dry run says."""

import json
from collections import Counter as Tally
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from image_folders import make_folder
from ingest_jobs import SIZE, hashes, tiny_job
from tiny_models import autoencoder
from typer.testing import CliRunner

from arete.cli import app
from arete_core.errors import ModelError, NotFoundError, RunConflictError, SettingError
from arete_core.exclusions import excluded_channels
from arete_core.manifest import MANIFEST
from arete_core.progress import SilentProgress
from arete_core.run_folder import RunFolder
from arete_ingest.forecast import forecast
from arete_ingest.images import read_image
from arete_ingest.job import ingest
from arete_ingest.settings import IngestSettings
from arete_ingest.transform import ImageTransform
from arete_ingest.unit_count import model_input


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_folder(tmp_path_factory.mktemp("images") / "data")


@pytest.fixture
def asked(data: Path, tmp_path: Path) -> IngestSettings:
    return tiny_job(data, tmp_path / "tiny")


@pytest.fixture
def of_autoencoder(asked: IngestSettings) -> IngestSettings:
    return replace(asked, model="tiny_models:autoencoder", name="autoencoder")


def test_a_model_that_is_no_classifier_is_counted(of_autoencoder: IngestSettings) -> None:
    run = RunFolder.open(ingest(of_autoencoder).folder)
    assert run.manifest.model.outputs == 0
    assert [(row["name"], row["channels"], row["height"]) for row in run.table("layers").to_pylist()] == [
        ("encode", 6, 8), ("inner", 5, 8), ("decode", 7, 16), ("picture", 3, 16),
    ]  # fmt: skip
    for row in run.table("classes").to_pylist():
        assert (row["images"], row["accuracy"], row["histogram"]) == (20, None, None)
    for row in run.table("images").to_pylist():
        assert (row["predicted"], row["probability"], row["error"]) == (None, None, None)


def test_inputs_of_a_transposed_convolution_are_those_of_the_definition(of_autoencoder: IngestSettings) -> None:
    run = RunFolder.open(ingest(of_autoencoder).folder)
    model, transform = autoencoder().double(), ImageTransform(SIZE, SIZE)
    expected: Tally[tuple[int, int]] = Tally()
    for file in sorted((of_autoencoder.data / "b").iterdir()):
        image = model_input(transform.pixels(read_image(file))[None], transform, torch.device("cpu")).double()
        with torch.no_grad():
            maps = torch.relu(model.inner(torch.relu(model.encode(image))))
            for target in range(7):
                strength = [
                    torch.nn.functional.conv_transpose2d(
                        maps[:, source, None], model.decode.weight[source, target, None, None], stride=2, padding=1
                    ).max()
                    for source in range(5)
                ]
                strongest = sorted(range(5), key=lambda source: (-strength[source], source))
                expected.update((source, target) for source in strongest[: of_autoencoder.influence_k])
    rows = [row for row in dict(run.influences_by_class())[1].to_pylist() if row["target_layer"] == 2]
    assert {(row["source_channel"], row["target_channel"]): row["count"] for row in rows} == expected


def test_where_needs_a_classifier(of_autoencoder: IngestSettings) -> None:
    with pytest.raises(SettingError, match="the model gives no scores of classes"):
        ingest(replace(of_autoencoder, where="correct"))


def test_layers_are_chosen_and_part_of_the_run(of_autoencoder: IngestSettings) -> None:
    chosen = replace(of_autoencoder, layers=("en*", "decode"))
    run = RunFolder.open(ingest(chosen).folder)
    assert run.table("layers").column("name").to_pylist() == ["encode", "decode"]
    assert run.table("layers").column("parents").to_pylist() == [[], [0]]
    assert run.manifest.settings["layers"] == ["en*", "decode"]
    assert run.table("influences").num_rows
    assert ingest(chosen).already_done
    with pytest.raises(RunConflictError, match="layers"):
        ingest(of_autoencoder)
    with pytest.raises(ModelError, match="no layer of the model is called 'encoder'") as caught:
        ingest(replace(of_autoencoder, layers=("encoder",)))
    assert "encode" in caught.value.hint


def test_excluding_changes_no_count(asked: IngestSettings) -> None:
    plain = ingest(asked).folder
    marked = ingest(replace(asked, out=asked.out.with_name("marked"), exclude=("second/3", "first/0"))).folder
    before, after = hashes(plain), hashes(marked)
    other = {name for name in before if before[name] != after.get(name)}
    # A class has examples of the channels that its graph keeps, which what is excluded decides.
    assert {name for name in other if not name.startswith(("class-examples/", "class_"))} == {"channels.parquet"}
    assert excluded_channels(RunFolder.open(marked)).keys() == {(0, 0), (1, 3)}
    assert RunFolder.open(marked).manifest.settings == RunFolder.open(plain).manifest.settings


def test_a_finished_run_is_only_marked(asked: IngestSettings) -> None:
    folder = ingest(replace(asked, exclude=("second/3",))).folder
    times = {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}
    assert ingest(asked).already_done
    assert excluded_channels(RunFolder.open(folder)).keys() == {(1, 3)}, "what was excluded stays"
    assert ingest(replace(asked, exclude=("first/1", "second/3"))).already_done
    assert excluded_channels(RunFolder.open(folder)).keys() == {(0, 1), (1, 3)}
    written = {path.name for path, time in times.items() if path.stat().st_mtime_ns != time}
    assert written == {"channels.parquet", MANIFEST}


def test_a_channel_that_is_not_there_is_refused_before_anything_is_written(asked: IngestSettings) -> None:
    with pytest.raises(NotFoundError, match="second/8") as caught:
        ingest(replace(asked, exclude=("second/8",)))
    assert "channels 0 to 7" in caught.value.hint
    assert not asked.out.exists()


def test_a_dry_run_foretells_the_job_and_writes_nothing(asked: IngestSettings) -> None:
    found = forecast(asked, SilentProgress())
    assert not asked.out.exists()
    assert [(layer.name, layer.channels, layer.height, layer.parents) for layer in found.layers] == [
        ("first", 6, 16, ()), ("second", 8, 8, ("first",)),
    ]  # fmt: skip
    assert (found.channels, found.pairs, found.outputs) == (14, 3 * 6 + 6 * 8, 3)
    assert (found.images, found.units, found.class_sets, found.batch_size, found.threads) == (60, 6, 3, 2, 1)
    assert found.ms_per_image
    assert found.seconds == pytest.approx(60 * found.ms_per_image / 1e3)
    assert found.memory_mb
    assert found.memory_mb > 100, "Python and torch alone take more"
    result = ingest(asked)
    size = sum(path.stat().st_size for path in result.folder.rglob("*") if path.is_file())
    assert size / 1e6 <= found.folder_mb < 10 * size / 1e6 + 2


def test_a_dry_run_says_where_nothing_can_be_read(tmp_path: Path) -> None:
    (tmp_path / "data" / "a").mkdir(parents=True)
    (tmp_path / "data" / "a" / "0.png").write_bytes(b"no picture")
    found = forecast(tiny_job(tmp_path / "data", tmp_path / "out"), SilentProgress())
    assert (found.ms_per_image, found.seconds, found.images) == (None, None, 1)


@pytest.mark.parametrize("as_json", [False, True])
def test_the_command_prints_a_dry_run(data: Path, tmp_path: Path, as_json: bool) -> None:
    words = f"ingest --model tiny_models:autoencoder --data {data} --out {tmp_path / 'run'} --image-size 16 --dry-run"
    result = CliRunner().invoke(app, [*words.split(), "--layers", "encode, decode", *(["--json"] if as_json else [])])
    assert result.exit_code == 0, result.output
    assert not (tmp_path / "run").exists()
    if as_json:
        found = json.loads(result.stdout)
        assert [layer["name"] for layer in found["layers"]] == ["encode", "decode"]
        assert found["unshown"] == ["inner", "picture"]
    else:
        assert "2 layers, 13 channels" in result.stdout
        assert "--layers could also show: inner, picture" in result.stdout
        assert "3, 60 images to compute in 3 units of work" in result.stdout
        assert "nothing was written" in result.stdout
