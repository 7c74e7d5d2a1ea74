import math
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn
from torch.fx import symbolic_trace

from arete_core.errors import WeightsError
from arete_ingest.demo import WEIGHTS
from arete_ingest.demo.drawings import CLASSES, IMAGE_SIZE, draw_batch
from arete_ingest.demo.network import build, demo_metadata, demo_model, to_input
from arete_ingest.demo.train import evaluate
from arete_ingest.models import load_model

# Channels of the eight shown layers and how many pixels of the image lie between two of their positions.
LAYERS = {
    "stem1": (24, 2),
    "stem2": (32, 4),
    "mixed3a": (64, 4),
    "mixed4a": (96, 8),
    "mixed4b": (112, 8),
    "mixed4c": (128, 8),
    "mixed5a": (160, 16),
    "mixed5b": (192, 16),
}


def _outputs(network: nn.Module, images: torch.Tensor) -> dict[str, torch.Tensor]:
    """Returns what each shown layer and the network answer to some images."""
    outputs: dict[str, torch.Tensor] = {}

    def recorder(name: str) -> Callable[[nn.Module, tuple[torch.Tensor, ...], torch.Tensor], None]:
        def record(_module: nn.Module, _inputs: tuple[torch.Tensor, ...], output: torch.Tensor) -> None:
            outputs[name] = output

        return record

    for name in LAYERS:
        network.get_submodule(name).register_forward_hook(recorder(name))
    with torch.inference_mode():
        outputs["logits"] = network(images)
    return outputs


def test_layers_have_their_channels_and_sizes() -> None:
    seen = {
        name: tuple(output.shape)
        for name, output in _outputs(build().eval(), torch.zeros(2, 3, IMAGE_SIZE, IMAGE_SIZE)).items()
    }
    assert seen.pop("logits") == (2, 36)
    assert seen == {
        name: (2, channels, IMAGE_SIZE // stride, IMAGE_SIZE // stride) for name, (channels, stride) in LAYERS.items()
    }


def test_a_traced_network_computes_the_same() -> None:
    network = demo_model()
    images = to_input(draw_batch([(0, 0), (20, 1)], seed=1, split="demo"), demo_metadata())
    with torch.inference_mode():
        assert torch.equal(symbolic_trace(network)(images), network(images))


def test_committed_weights_fit_and_are_small() -> None:
    assert WEIGHTS.stat().st_size <= 2_000_000
    tensors = load_file(WEIGHTS)
    network = build()
    network.load_state_dict(tensors, strict=True)
    assert all(bool(torch.isfinite(tensor).all()) for tensor in tensors.values())
    assert not demo_model().training
    # The scale of batch normalization is held at 1, so no channel is turned round or made louder by it.
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            assert torch.equal(module.weight, torch.ones_like(module.weight))
            assert not module.weight.requires_grad


def test_metadata_says_how_to_use_the_weights() -> None:
    metadata = demo_metadata()
    assert metadata.image_size == IMAGE_SIZE
    assert metadata.categories == tuple(composition.name for composition in CLASSES)
    assert 0.95 <= metadata.accuracy <= 1
    loaded = load_model("arete_ingest.demo.network:build", str(WEIGHTS))
    assert loaded.categories == metadata.categories
    assert loaded.outputs == len(CLASSES)
    assert loaded.transform.image_size == IMAGE_SIZE
    assert (loaded.transform.mean, loaded.transform.std) == (metadata.mean, metadata.std)


def test_input_is_scaled_and_normalized() -> None:
    images = draw_batch([(3, 0)], seed=0, split="demo")
    metadata = demo_metadata()
    planes = to_input(images, metadata)
    assert planes.shape == (1, 3, IMAGE_SIZE, IMAGE_SIZE)
    for channel in range(3):
        expected = (images[0, 7, 9, channel] / 255 - metadata.mean[channel]) / metadata.std[channel]
        assert float(planes[0, channel, 7, 9]) == pytest.approx(expected, abs=1e-6)


def test_accuracy_on_fresh_drawings() -> None:
    """360 drawings that neither training nor the accuracy in the file used: 95% of 0.99 ± 0.005."""
    result = evaluate(demo_model(), seed=90_210, per_class=10)
    assert result.images == 360
    assert result.accuracy >= 0.95
    assert sum(result.confusions.values()) == round((1 - result.accuracy) * 360)
    # Smoothed labels keep the answers from saturating.
    assert 0.7 < result.probability < 0.97


def test_an_untrained_network_is_at_chance() -> None:
    torch.manual_seed(0)
    result = evaluate(build().eval(), seed=90_210, per_class=2)
    assert result.accuracy < 0.15
    assert result.probability == pytest.approx(1 / 36, abs=0.02)


def test_weight_files_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="no weight file of the demo"):
        demo_model(tmp_path / "missing.safetensors")
    (tmp_path / "text.safetensors").write_text("these are no weights")
    with pytest.raises(WeightsError, match="no weight file of the demo"):
        demo_model(tmp_path / "text.safetensors")
    tensors = load_file(WEIGHTS)
    save_file(tensors, tmp_path / "bare.safetensors")
    with pytest.raises(WeightsError, match="mean"):
        demo_model(tmp_path / "bare.safetensors")
    del tensors["fc.bias"]
    save_file(tensors, tmp_path / "other.safetensors", metadata=demo_metadata().to_strings())
    with pytest.raises(WeightsError, match=r"fc\.bias") as caught:
        demo_model(tmp_path / "other.safetensors")
    assert "arete_ingest.demo.train" in caught.value.hint


def test_every_layer_knows_the_classes_apart_by_many_channels() -> None:
    """No channel is the loudest one everywhere: else every class would have the same graph."""
    images = to_input(draw_batch([(c, i) for c in range(36) for i in range(4)], seed=6, split="demo"), demo_metadata())
    outputs = _outputs(demo_model(), images)
    peaks = {name: outputs[name].amax((2, 3)) for name in LAYERS}
    for name, values in peaks.items():
        loudest = torch.bincount(values.argmax(1), minlength=values.shape[1])
        assert int((loudest > 0).sum()) >= 8, name
        assert int(loudest.max()) < 0.6 * len(images), name
        alive = int((values.amax(0) > 0).sum())
        assert alive >= math.ceil(0.95 * values.shape[1]), name
