from pathlib import Path

import pytest
import torch

from arete_core.errors import SettingError
from arete_ingest.demo.drawings import CLASSES
from arete_ingest.demo.network import build, demo_metadata, demo_model
from arete_ingest.demo.train import Settings, batch_numbers, evaluate, main, train, write_weights


def test_every_class_comes_equally_often_and_no_drawing_twice() -> None:
    numbers = [number for batch in batch_numbers(Settings(batches=30, batch_size=24)) for number in batch]
    assert len(numbers) == len(set(numbers)) == 720
    assert [sum(class_ == c for class_, _ in numbers) for c in range(len(CLASSES))] == [20] * 36
    assert [class_ for class_, _ in numbers[:36]] != list(range(36))


def test_training_comes_out_the_same_again(capsys: pytest.CaptureFixture[str]) -> None:
    settings = Settings(seed=3, batches=4, batch_size=12)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        first, second = train(settings), train(settings)
    finally:
        torch.set_num_threads(threads)
    assert "batch     4/4" in capsys.readouterr().out
    other = build()
    for name, tensor in first.state_dict().items():
        assert torch.equal(tensor, second.state_dict()[name]), name
    assert not torch.equal(first.fc.weight, other.fc.weight)
    assert not first.training


@pytest.mark.parametrize("settings", [Settings(batches=2), Settings(batches=0), Settings(batch_size=0)])
def test_too_little_to_train_is_refused(settings: Settings) -> None:
    with pytest.raises(SettingError, match="cannot train"):
        train(settings)


@pytest.mark.parametrize("batches", [3, 10])
def test_short_trainings_end(batches: int) -> None:
    assert not train(Settings(batches=batches, batch_size=2)).training


def test_weights_are_written_whole(tmp_path: Path) -> None:
    torch.manual_seed(1)
    network = build().to(memory_format=torch.channels_last)
    write_weights(network, tmp_path / "weights.safetensors", accuracy=0.5)
    assert [path.name for path in tmp_path.iterdir()] == ["weights.safetensors"]
    loaded = demo_model(tmp_path / "weights.safetensors")
    assert demo_metadata(tmp_path / "weights.safetensors").accuracy == 0.5
    for name, tensor in network.state_dict().items():
        assert torch.equal(tensor, loaded.state_dict()[name]), name


def test_the_command_reports_and_fails_below_the_wanted_accuracy(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "weights.safetensors"
    assert main(["--batches", "5", "--held-out", "1", "--out", str(out)]) == 1
    text = capsys.readouterr().out
    assert "held-out accuracy" in text
    assert " taken for " in text
    assert f"wrote {out}" in text
    measured = evaluate(demo_model(out), seed=Settings().seed, per_class=1)
    assert demo_metadata(out).accuracy == pytest.approx(measured.accuracy, abs=1e-4)
