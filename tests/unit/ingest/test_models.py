"""Models and weights: what fits is loaded, anything else is refused with the reason and without running it."""

import os
import pickle
import sys
import urllib.request
import warnings
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from tiny_models import tiny
from torch import nn

from arete_core.errors import ModelError, SettingError, WeightsError
from arete_core.files import sha256_of
from arete_ingest.models import load_model
from arete_ingest.transform import IMAGENET_MEAN, ImageTransform


class Payload:
    """Unpickling it makes a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple:
        return os.mkdir, (str(self.path),)


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    """A state dict of TinyNet with 3 outputs, as safetensors."""
    path = tmp_path / "tiny.safetensors"
    save_file(tiny().state_dict(), path)
    return path


def test_a_factory_brings_its_own_weights() -> None:
    model = load_model("tiny_models:tiny")
    assert (model.outputs, model.weights) == (3, "factory")
    assert model.transform == ImageTransform(224, 224)
    assert not model.module.training
    assert not any(parameter.requires_grad for parameter in model.module.parameters())
    assert model.weights_sha256 == load_model("tiny_models:tiny").weights_sha256
    assert len(model.weights_sha256) == 64


def test_weights_are_read_from_both_kinds_of_files(weights: Path, tmp_path: Path) -> None:
    state = {key: value * 2 for key, value in tiny().state_dict().items()}
    save_file(state, weights)
    torch.save(state, tmp_path / "tiny.pt")
    torch.save({"epoch": 3, "state_dict": {f"module.{k}": v for k, v in state.items()}}, tmp_path / "checkpoint.pth")
    for path in (weights, tmp_path / "tiny.pt", tmp_path / "checkpoint.pth"):
        model = load_model("tiny_models:tiny", str(path))
        assert torch.equal(model.module.state_dict()["first.weight"], state["first.weight"])
        assert model.weights == path.name
        assert model.weights_sha256 == sha256_of(path)


def test_number_of_classes_comes_from_the_file(tmp_path: Path) -> None:
    save_file(tiny(11).state_dict(), tmp_path / "eleven.safetensors")
    assert load_model("tiny_models:tiny", str(tmp_path / "eleven.safetensors")).outputs == 11


@pytest.mark.parametrize("name", ["squeezenet1_1", "resnet18"])
def test_number_of_classes_of_torchvision_models(name: str, tmp_path: Path) -> None:
    import torchvision

    module = torchvision.models.get_model(name, weights=None, num_classes=7)
    save_file(module.state_dict(), tmp_path / "seven.safetensors")
    assert load_model(name, str(tmp_path / "seven.safetensors"), image_size=64).outputs == 7


def test_aux_heads_in_the_file_are_taken_and_dropped(tmp_path: Path) -> None:
    import torchvision

    with_heads = torchvision.models.GoogLeNet(num_classes=5, aux_logits=True, init_weights=False)
    save_file(with_heads.state_dict(), tmp_path / "heads.safetensors")
    model = load_model("googlenet", str(tmp_path / "heads.safetensors"), image_size=64)
    assert model.outputs == 5
    assert model.module.aux1 is None
    assert torch.equal(model.module.state_dict()["fc.weight"], with_heads.state_dict()["fc.weight"])


@pytest.mark.shared_data
def test_the_given_googlenet_loads_without_further_options(shared_data: Path) -> None:
    path = shared_data / "googlenet-tiny-imagenet-100.safetensors"
    model = load_model("googlenet", str(path), image_size=96)
    assert model.outputs == 100
    assert model.module.transform_input is False
    assert model.transform == ImageTransform(96, 96, mean=IMAGENET_MEAN)


def test_metadata_brings_transform_and_categories(tmp_path: Path) -> None:
    path = tmp_path / "tiny.safetensors"
    metadata = {"mean": "[0.1, 0.2, 0.3]", "std": "0.4,0.5,0.6", "image_size": "48", "categories": '["x", "y", "z"]'}
    save_file(tiny().state_dict(), path, metadata=metadata)
    model = load_model("tiny_models:with_transform", str(path))
    assert model.transform == ImageTransform(48, 48, mean=(0.1, 0.2, 0.3), std=(0.4, 0.5, 0.6))
    assert model.categories == ("x", "y", "z")
    assert load_model("tiny_models:with_transform", str(path), image_size=20).transform.image_size == 20


@pytest.mark.parametrize(
    ("metadata", "what"),
    [
        ({"mean": "grey"}, "neither JSON nor numbers"),
        ({"mean": "[1, 2]"}, "three numbers"),
        ({"std": "[1, 0, 1]"}, "not above 0"),
        ({"image_size": "-3"}, "image size -3"),
        ({"categories": '"x"'}, "list of names"),
    ],
)
def test_metadata_that_cannot_work(tmp_path: Path, metadata: dict[str, str], what: str) -> None:
    save_file(tiny().state_dict(), tmp_path / "tiny.safetensors", metadata=metadata)
    with pytest.raises(WeightsError, match=what):
        load_model("tiny_models:tiny", str(tmp_path / "tiny.safetensors"))


def test_attributes_of_the_factory_bring_the_transform() -> None:
    model = load_model("tiny_models:with_transform")
    assert model.transform == ImageTransform(24, 24, mean=(0.5, 0.5, 0.5), std=(0.25, 0.25, 0.25))
    assert model.categories == ("c", "a", "b")


def test_a_factory_in_the_current_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "my_own_net.py").write_text("from tiny_models import tiny\n\n\ndef make():\n    return tiny(4)\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [entry for entry in sys.path if entry])
    assert load_model("my_own_net:make").outputs == 4


def test_random_weights_are_seeded_and_warned_of() -> None:
    first, again, other = (load_model("squeezenet1_1", "random", image_size=32, seed=seed) for seed in (1, 1, 2))
    assert first.weights_sha256 == again.weights_sha256 != other.weights_sha256
    assert "mean nothing" in first.notes[0]


def test_torchvision_without_weights_is_refused() -> None:
    with pytest.raises(SettingError, match="--weights is needed") as caught:
        load_model("vgg11")
    assert "DEFAULT" in caught.value.hint


@pytest.mark.parametrize(
    ("name", "what", "hint"),
    [
        ("gogglenet", "no classifier called 'gogglenet'", "googlenet"),
        ("tiny_models:tyni", "no function 'tyni'", "tiny"),
        ("no_such_package.models:make", "no module 'no_such_package.models'", "package.module:factory"),
        ("tiny_models:broken", "RuntimeError: no such checkpoint", ""),
        ("tiny_models:no_module", "returned str", ""),
        ("timm:resnet18", "not installed", "pip install timm"),
    ],
)
def test_models_that_cannot_be_made(name: str, what: str, hint: str) -> None:
    with pytest.raises(ModelError, match=what) as caught:
        load_model(name)
    assert hint in caught.value.hint


def test_a_size_the_model_cannot_take() -> None:
    with pytest.raises(ModelError, match="cannot be run on a picture of 1 x 1"):
        load_model("tiny_models:tiny", image_size=1)


def test_published_weights_that_cannot_be_fetched(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    # urllib keeps the proxies of its first use for good; without this every later test would ask them too.
    monkeypatch.setattr(urllib.request, "_opener", None)
    for variable in ("http_proxy", "https_proxy", "HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(variable, "http://127.0.0.1:9")  # the discard port: refused at once
    with pytest.raises(WeightsError, match=r"could not be fetched from https://download\.pytorch\.org") as caught:
        load_model("squeezenet1_1", "DEFAULT")
    assert "--weights FILE" in caught.value.hint
    with pytest.raises(SettingError, match="no published weights"):
        load_model("tiny_models:tiny", "DEFAULT")


def test_a_copy_of_the_published_file_is_recognised(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    import torchvision

    module = torchvision.models.squeezenet1_1(weights=None)
    save_file(module.state_dict(), tmp_path / "renamed.safetensors")
    entry = torchvision.models.SqueezeNet1_1_Weights.DEFAULT
    # Published files are named after their sha256; here the URL is made to fit the file.
    digest = sha256_of(tmp_path / "renamed.safetensors")[:8]
    monkeypatch.setattr(entry.value, "url", f"https://example.org/x-{digest}.pth")
    model = load_model("squeezenet1_1", str(tmp_path / "renamed.safetensors"))
    assert model.transform == ImageTransform(224, 256)
    assert model.categories is not None
    assert model.categories[1] == "goldfish"


def test_weights_of_another_architecture_say_what_differs(weights: Path, tmp_path: Path) -> None:
    with pytest.raises(WeightsError) as caught:
        load_model("squeezenet1_1", str(weights))
    message = caught.value.message
    assert "6 keys in the file, 52 in the model" in message
    assert "52 missing in the file: features.0.weight, features.0.bias" in message
    assert "and 48 more" in message
    assert "6 not in the model: first.bias, first.weight" in message or "6 not in the model: first.weight" in message
    state = tiny().state_dict()
    state["second.weight"] = state["second.weight"][:, :, :2]
    save_file({key: value.contiguous() for key, value in state.items()}, tmp_path / "reshaped.safetensors")
    with pytest.raises(WeightsError, match=r"1 of another shape: second\.weight \(model 8x6x3x3, file 8x6x2x3\)"):
        load_model("tiny_models:tiny", str(tmp_path / "reshaped.safetensors"))


def test_integers_are_no_weights(tmp_path: Path) -> None:
    save_file({key: value.mul(100).to(torch.int8) for key, value in tiny().state_dict().items()}, tmp_path / "q.st")
    with pytest.raises(WeightsError, match="6 integers where the model has fractions"):
        load_model("tiny_models:tiny", str(tmp_path / "q.st"))


@pytest.mark.parametrize("kind", ["torch.save", "pickle", "whole model", "TorchScript"])
def test_a_file_that_wants_to_run_code_is_refused_and_not_run(tmp_path: Path, kind: str) -> None:
    made = tmp_path / "made-by-payload"
    path = tmp_path / "weights.pt"
    if kind == "torch.save":
        torch.save({"first.weight": Payload(made)}, path)
    elif kind == "pickle":
        path.write_bytes(pickle.dumps({"first.weight": Payload(made)}))
    elif kind == "whole model":
        torch.save(tiny(), path)
    else:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            torch.jit.save(torch.jit.script(nn.Linear(2, 2)), path)
    with pytest.raises(WeightsError, match="refused and nothing of it was run") as caught:
        load_model("tiny_models:tiny", str(path))
    assert "safetensors" in caught.value.hint
    assert "weights_only" not in caught.value.message, "the way round is not advertised"
    assert not made.exists()
    if kind == "pickle":  # the test's own teeth: opened the unsafe way, the payload does run
        pickle.loads(path.read_bytes())
        assert made.exists()


@pytest.mark.parametrize("keep", [4, 60, 1500])
def test_truncated_safetensors(weights: Path, keep: int) -> None:
    weights.write_bytes(weights.read_bytes()[:keep])
    with pytest.raises(WeightsError, match="no whole safetensors file"):
        load_model("tiny_models:tiny", str(weights))


@pytest.mark.parametrize("keep", [0, 3, 700, 2000])
def test_truncated_state_dict(tmp_path: Path, keep: int) -> None:
    path = tmp_path / "tiny.pt"
    torch.save(tiny().state_dict(), path)
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(WeightsError, match=r"cannot|can be opened|refused"):
        load_model("tiny_models:tiny", str(path))


def test_files_that_are_no_weights(tmp_path: Path) -> None:
    (tmp_path / "page.pt").write_text("<html>404 not found</html>" * 10)
    torch.save([torch.zeros(3)], tmp_path / "list.pt")
    torch.save({"first.weight": "zeros"}, tmp_path / "text.pt")
    for name, what in (
        ("page.pt", "no weight file|refused"),
        ("list.pt", "holds list"),
        ("text.pt", "are no tensors"),
        ("missing.pt", "does not exist"),
        ("", "is a folder"),
    ):
        with pytest.raises(WeightsError, match=what):
            load_model("tiny_models:tiny", str(tmp_path / name))


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_values_that_are_not_finite_are_refused(tmp_path: Path, value: float) -> None:
    state = tiny().state_dict()
    state["second.weight"][0, 0, 0, 0] = value
    save_file(state, tmp_path / "nan.safetensors")
    with pytest.raises(WeightsError, match=r"NaN or infinity in second\.weight"):
        load_model("tiny_models:tiny", str(tmp_path / "nan.safetensors"))
