"""Gradient times activation, against gradients taken by hand, and in a run folder."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torchvision
from image_folders import make_folder
from ingest_jobs import SIZE, tiny_job
from tiny_models import tiny
from torch import Tensor, nn

from arete_core.errors import SettingError
from arete_core.run_folder import RunFolder
from arete_ingest.gradients import NAME, GradientScores
from arete_ingest.images import read_image
from arete_ingest.job import ingest
from arete_ingest.settings import IngestSettings
from arete_ingest.tracing import trace_model
from arete_ingest.transform import ImageTransform
from arete_ingest.unit_count import model_input

STEP = 1e-6
IMAGES = torch.randn(4, 3, SIZE, SIZE, generator=torch.Generator().manual_seed(2))


def by_hand(images: Tensor, outputs: list[int]) -> np.ndarray:
    """TinyNet layer by layer, one image at a time, in float64."""
    net: Any = tiny().double()
    found = []
    for image, output in zip(images.double(), outputs, strict=True):
        first = torch.relu(net.first(image[None])).detach().requires_grad_()
        second = torch.relu(net.second(nn.functional.max_pool2d(first, 2)))
        second.retain_grad()
        net.head(second.mean((2, 3)))[0, output].backward()
        maps: list[Any] = [first, second]
        scores = [(map_ * map_.grad).sum((0, 2, 3)).detach().numpy() for map_ in maps]
        found.append(np.concatenate(scores))
    return np.stack(found)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_scores_are_gradient_times_activation(dtype: torch.dtype) -> None:
    scores = GradientScores(trace_model(tiny(), SIZE), dtype=dtype, device=torch.device("cpu"))
    outputs = [2, 0, 1, 0]
    found = scores.of(IMAGES, torch.tensor(outputs))
    tolerance = 1e-5 if dtype == torch.float32 else 1e-12
    np.testing.assert_allclose(found, by_hand(IMAGES, outputs), rtol=tolerance, atol=tolerance)
    assert (found < 0).any()


def test_without_a_class_the_largest_output_counts() -> None:
    scores = GradientScores(trace_model(tiny(), SIZE), dtype=torch.float64, device=torch.device("cpu"))
    with torch.no_grad():
        largest = tiny().double()(IMAGES.double()).argmax(1)
    found = scores.of(IMAGES, torch.full((4,), -1))
    np.testing.assert_array_equal(found, scores.of(IMAGES, largest))


def test_operations_in_place_and_other_layouts_change_nothing() -> None:
    """The channels of one layer are silenced by a small step: the output moves as the scores foretell."""
    torch.manual_seed(1)
    model = torchvision.models.convnext_tiny(weights=None, num_classes=3).eval().double()
    resnet = torchvision.models.resnet18(weights=None, num_classes=3).eval().double()
    for net, place in ((model, "features.3.1"), (resnet, "layer2.1")):
        graph = trace_model(net, 32)
        layer = next(layer for layer in graph.layers if layer.name == place)
        images = torch.randn(2, 3, 32, 32, generator=torch.Generator().manual_seed(4)).double()
        scores = GradientScores(graph, dtype=torch.float64, device=torch.device("cpu")).of(images, torch.tensor([0, 2]))
        first = sum(other.channels for other in graph.layers[: layer.index])
        for channel in (0, layer.channels - 1):

            def silenced(_module: nn.Module, _inputs: Any, maps: Tensor, channel: int = channel) -> Tensor:
                maps = maps.clone()
                maps[:, channel] *= 1 - STEP
                return maps

            with torch.no_grad():
                before = net(images)
                hook = net.get_submodule(place).register_forward_hook(silenced)
                after = net(images)
                hook.remove()
            moved = ((before - after) / STEP)[[0, 1], [0, 2]].numpy()
            np.testing.assert_allclose(scores[:, first + channel], moved, rtol=1e-3, atol=1e-6)


@pytest.fixture
def asked(tmp_path: Path) -> IngestSettings:
    data = make_folder(tmp_path / "data")
    (tmp_path / "super.tsv").write_text("two\tb\ntwo\tc\n")
    job = tiny_job(data, tmp_path / "tiny")
    return replace(job, superclasses=tmp_path / "super.tsv", scores=("gradient",), dtype="float64")


def test_a_run_holds_each_class_sets_mean(asked: IngestSettings) -> None:
    run = RunFolder.open(ingest(asked).folder)
    assert run.manifest.settings["scores"] == ["gradient"]
    transform, wanted = ImageTransform(SIZE, SIZE), {}
    for index, name in enumerate("abc"):
        pixels = [transform.pixels(read_image(file)) for file in sorted((asked.data / name).iterdir())]
        images = model_input(np.stack(pixels), transform, torch.device("cpu"))
        wanted[index] = by_hand(images, [index] * len(images)).mean(0)
    wanted[3] = (wanted[1] + wanted[2]) / 2
    found = {index: np.zeros(14) for index in wanted}
    rows = run.table("scores").to_pylist()
    for row in rows:
        assert row["name"] == NAME
        found[row["class"]][6 * row["layer"] + row["channel"]] = row["score"]
    assert [(row["class"], row["layer"], row["channel"]) for row in rows] == sorted(
        (row["class"], row["layer"], row["channel"]) for row in rows
    )
    for index, values in wanted.items():
        np.testing.assert_allclose(found[index], values, rtol=1e-9, atol=1e-12)


def test_only_counted_images_are_scored(asked: IngestSettings) -> None:
    base = replace(asked, superclasses=None)
    every = RunFolder.open(ingest(base).folder)
    runs = {
        where: RunFolder.open(ingest(replace(base, where=where, out=asked.out.with_name(where))).folder)
        for where in ("correct", "misclassified")
    }

    def sums(run: RunFolder) -> dict[tuple[int, int, int], float]:
        images = {row["class"]: row["images"] for row in run.table("classes").to_pylist()}
        return {
            (row["class"], row["layer"], row["channel"]): row["score"] * images[row["class"]]
            for row in run.table("scores").to_pylist()
        }

    parts = [sums(run) for run in runs.values()]
    for key, total in sums(every).items():
        assert sum(part.get(key, 0.0) for part in parts) == pytest.approx(total, rel=1e-9, abs=1e-12)


def test_what_cannot_be_scored_is_refused(asked: IngestSettings) -> None:
    with pytest.raises(SettingError, match="'gradients' is unknown, gradient was expected"):
        replace(asked, scores=("gradients",))
    with pytest.raises(SettingError, match="tiny_models:autoencoder gives none"):
        ingest(replace(asked, model="tiny_models:autoencoder"))
