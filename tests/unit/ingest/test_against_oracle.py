"""In float64 the product equals the slow oracle edge by edge; in float32 almost equal contributions may swap places."""

import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torchvision
from PIL import Image
from safetensors.torch import load_file
from tiny_models import randomise_batch_norms
from torch import Tensor, nn
from torchvision import transforms

import oracle
from arete_ingest.collapse import collapse
from arete_ingest.counter import ClassCounts, Counter
from arete_ingest.layer_graph import LayerGraph
from arete_ingest.tracing import trace_model

IMAGES = 8


def random_googlenet() -> nn.Module:
    """Random weights, a quarter of the BatchNorm scales negative, some zero."""
    torch.manual_seed(1)
    model = torchvision.models.googlenet(num_classes=10, aux_logits=False, init_weights=False, weights=None)
    randomise_batch_norms(model)
    return model.eval()


def random_vgg(make: Callable[..., Any]) -> nn.Module:
    """VGG with a small head: the usual one takes half a gigabyte and has nothing to do with counting."""
    torch.manual_seed(2)
    with torch.device("meta"):
        model = make(num_classes=10, init_weights=False, weights=None)
    model.classifier = nn.Linear(512 * 7 * 7, 10)
    model.features.to_empty(device="cpu")
    for module in model.features:
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight)
            nn.init.normal_(module.bias, std=0.1)  # type: ignore[arg-type]
        if isinstance(module, nn.BatchNorm2d):
            module.reset_parameters()
            nn.init.normal_(module.weight)
    return model.eval()


def check(model: nn.Module, run: Callable[[Any, Tensor], oracle.Record], images: Tensor) -> LayerGraph:
    """Compares everything that is counted."""
    graph = trace_model(model, images.shape[-1])
    counter = Counter(graph, dtype=torch.float64)
    half = len(images) // 2
    first, second = counter.count(images[:half], [0] * half), counter.count(images[half:], [0] * (len(images) - half))
    counts = counter.take(0)
    record = run(model.double(), images)

    assert [layer.name for layer in graph.layers] == [layer.name for layer in record.layers]
    logits = torch.cat([first.logits, second.logits]).numpy()
    np.testing.assert_allclose(logits, record.logits, rtol=1e-9)
    for layer, expected in zip(graph.layers, record.layers, strict=True):
        maxima = torch.cat([first.maxima[layer.index], second.maxima[layer.index]]).numpy()
        np.testing.assert_allclose(maxima, expected.maps.max(axis=(2, 3)), rtol=1e-9, atol=1e-12)
        np.testing.assert_array_equal(
            counts.activation_counts[layer.index], oracle.activation_counts(expected.maps, 0.03), layer.name
        )
        np.testing.assert_array_equal(
            counts.top_k_counts[layer.index], oracle.top_k_counts(expected.maps, 5), layer.name
        )
    assert [conv.name for conv in graph.sums] == list(record.convs)
    influences = {name: oracle.influence_counts(conv, 5) for name, conv in record.convs.items()}
    for conv in graph.sums:
        np.testing.assert_array_equal(counts.influence_counts[conv.index], influences[conv.name], conv.name)
    edges = collapse(graph, counts)
    found = np.stack([edges.target_layer, edges.target_channel, edges.source_layer, edges.source_channel, edges.count])
    expected_edges = [(*place, count) for place, count in oracle.collapsed_edges(record, influences)]
    np.testing.assert_array_equal(found.T, np.array(expected_edges))
    return graph


@pytest.mark.parametrize("size", [64, 96])
def test_googlenet_with_random_weights_equals_the_oracle(size: int) -> None:
    images = torch.randn(IMAGES, 3, size, size, generator=torch.Generator().manual_seed(size))
    graph = check(random_googlenet(), oracle.run_googlenet, images)
    assert any((conv.sign < 0).any() for conv in graph.sums)
    assert any((conv.sign == 0).any() for conv in graph.sums)


@pytest.mark.parametrize(
    ("make", "size"),
    [(torchvision.models.vgg11, 32), (torchvision.models.vgg11, 48), (torchvision.models.vgg11_bn, 32)],
    ids=["vgg11-32", "vgg11-48", "vgg11_bn-32"],
)
def test_vgg_with_random_weights_equals_the_oracle(make: Callable[..., Any], size: int) -> None:
    images = torch.randn(IMAGES, 3, size, size, generator=torch.Generator().manual_seed(size))
    check(random_vgg(make), oracle.run_vgg, images)


@pytest.mark.shared_data
@pytest.mark.parametrize("size", [64, 96])
def test_googlenet_with_trained_weights_equals_the_oracle(size: int, shared_data: Path) -> None:
    check(trained_googlenet(shared_data), oracle.run_googlenet, tiny_imagenet(shared_data, IMAGES, size))


@pytest.mark.shared_data
def test_float32_counts_trained_googlenet_as_float64_does(shared_data: Path) -> None:
    graph = trace_model(trained_googlenet(shared_data), 96)
    assert differing_share(graph, tiny_imagenet(shared_data, 16, 96)) <= 1e-4


def test_float32_counts_as_float64_does_but_for_almost_equal_contributions() -> None:
    graph = trace_model(random_googlenet(), 64)
    images = torch.randn(IMAGES, 3, 64, 64, generator=torch.Generator().manual_seed(3))
    assert differing_share(graph, images) <= 1e-3


@pytest.mark.shared_data
def test_batches_of_other_sizes_count_trained_googlenet_alike(shared_data: Path) -> None:
    graph = trace_model(trained_googlenet(shared_data), 96)
    images = tiny_imagenet(shared_data, 16, 96)
    assert differing_share(graph, images, batches=(1, 16)) <= 1e-4


@pytest.mark.parametrize("make", [torchvision.models.resnet18, torchvision.models.mobilenet_v2])
def test_batches_of_other_sizes_differ_by_no_more_than_rounding(make: Callable[..., Any]) -> None:
    torch.manual_seed(5)
    graph = trace_model(make(weights=None).eval(), 64)
    images = torch.randn(IMAGES, 3, 64, 64, generator=torch.Generator().manual_seed(5))
    assert differing_share(graph, images, batches=(1, IMAGES)) <= 1e-3


def differing_share(graph: LayerGraph, images: Tensor, batches: tuple[int, int] | None = None) -> float:
    """Share of the rows (image, output channel) that count other inputs in batches of two sizes, or of two types."""
    counts: list[ClassCounts] = []
    sizes = batches or (len(images), len(images))
    types = (torch.float32, torch.float32 if batches else torch.float64)
    for dtype, size in zip(types, sizes, strict=True):
        counter = Counter(graph, dtype=dtype)
        for part in images.split(size):
            counter.count(part, [0] * len(part))
        counts.append(counter.take(0))
    # One other input is one count less here and one more there; rows that differ in several count several times.
    pairs = zip(counts[0].influence_counts, counts[1].influence_counts, strict=True)
    differing = sum(int(np.abs(a.astype(int) - b).sum()) // 2 for a, b in pairs)
    rows = len(images) * sum(conv.out_channels for conv in graph.sums)
    return differing / rows


def trained_googlenet(shared_data: Path) -> nn.Module:
    model = torchvision.models.googlenet(num_classes=100, aux_logits=False, init_weights=False, weights=None)
    model.load_state_dict(load_file(shared_data / "googlenet-tiny-imagenet-100.safetensors"))
    return model.eval()


def tiny_imagenet(shared_data: Path, count: int, size: int) -> Tensor:
    """Training images of several classes, read from the archive and prepared as the weights expect."""
    prepare = transforms.Compose([transforms.Resize(size), transforms.ToTensor()])
    normalize = transforms.Normalize((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
    images: list[Tensor] = []
    with tarfile.open(shared_data / "tiny-imagenet-100.tar.xz") as archive:
        for place, member in enumerate(archive):
            if member.name.endswith(".JPEG") and place % 230 == 7:  # classes have 500 each
                file = archive.extractfile(member)
                assert file is not None
                with Image.open(file) as image:
                    pixels: Any = prepare(image.convert("RGB"))
                    images.append(normalize(pixels))
            if len(images) == count:
                break
    return torch.stack(images)
