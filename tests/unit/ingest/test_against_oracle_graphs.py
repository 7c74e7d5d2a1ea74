"""Residual, grouped, depthwise and dense networks: in float64 the product equals the slow oracle edge by edge."""

from collections.abc import Callable
from typing import Any, cast

import numpy as np
import pytest
import torch
import torchvision
from tiny_models import randomise_batch_norms
from torch import Tensor, nn
from torchvision.models.resnet import BasicBlock, Bottleneck

import oracle
import oracle_graphs
from arete_ingest.collapse import collapse
from arete_ingest.counter import Counter
from arete_ingest.tracing import trace_model

IMAGES = 6


def randomised(model: nn.Module, seed: int) -> nn.Module:
    """Random BatchNorms, a quarter of the scales negative where that is supported, some zero."""
    torch.manual_seed(seed)
    randomise_batch_norms(model)
    return model.eval()


class NarrowResNet(nn.Module):
    """torchvision's ResNet with its own blocks and few channels, so that every path can be walked."""

    def __init__(self, block: Any, widths: tuple[int, int, int, int], **settings: Any) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 8, 7, stride=2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(8)
        self.relu = nn.ReLU(inplace=True)
        self.maxpool = nn.MaxPool2d(3, 2, 1)
        channels = 8
        made: list[nn.Module] = []
        for stage, width in enumerate(widths, start=1):
            blocks = []
            for place in range(2 if stage == 2 else 1):
                stride, out = 2 if stage > 2 and place == 0 else 1, width * block.expansion
                down = None
                if stride > 1 or channels != out:
                    down = nn.Sequential(nn.Conv2d(channels, out, 1, stride, bias=False), nn.BatchNorm2d(out))
                blocks.append(block(channels, width, stride, down, **settings))
                channels = out
            made.append(nn.Sequential(*blocks))
        self.layer1, self.layer2, self.layer3, self.layer4 = made
        self.stages = made
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(channels, 7)

    def forward(self, x: Tensor) -> Tensor:
        x = self.maxpool(self.relu(self.bn1(self.conv1(x))))
        for stage in self.stages:
            x = stage(x)
        return self.fc(torch.flatten(self.avgpool(x), 1))


def resnet(block: Any, widths: tuple[int, int, int, int], **settings: Any) -> nn.Module:
    torch.manual_seed(2)
    return randomised(NarrowResNet(block, widths, **settings), 3)


def densenet() -> nn.Module:
    torch.manual_seed(2)
    return randomised(torchvision.models.DenseNet(8, cast(Any, (3, 2)), 16, bn_size=2, num_classes=7), 5)


def mobilenet() -> nn.Module:
    torch.manual_seed(2)
    settings = [[1, 16, 1, 1], [3, 24, 2, 2], [2, 32, 2, 2]]
    return randomised(torchvision.models.MobileNetV2(num_classes=7, inverted_residual_setting=settings), 4)


CASES: list[tuple[str, Callable[[], nn.Module], Callable[[Any, Tensor], oracle_graphs.Net], int]] = [
    ("basic blocks", lambda: resnet(BasicBlock, (8, 12, 12, 16)), oracle_graphs.run_resnet, 32),
    ("bottlenecks", lambda: resnet(Bottleneck, (6, 8, 8, 10)), oracle_graphs.run_resnet, 32),
    ("grouped", lambda: resnet(Bottleneck, (8, 12, 16, 16), groups=2, base_width=64), oracle_graphs.run_resnet, 33),
    ("dense", densenet, oracle_graphs.run_densenet, 32),
    ("depthwise", mobilenet, oracle_graphs.run_mobilenet_v2, 40),
]


@pytest.mark.parametrize(("make", "run", "size"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_product_equals_the_oracle(
    make: Callable[[], nn.Module], run: Callable[[Any, Tensor], oracle_graphs.Net], size: int
) -> None:
    model = make()
    images = torch.randn(IMAGES, 3, size, size, generator=torch.Generator().manual_seed(1))
    graph = trace_model(model, size)
    counter = Counter(graph, dtype=torch.float64)
    result = counter.count(images, [0] * IMAGES)
    counts = counter.take(0)
    net = run(model.double(), images)

    np.testing.assert_allclose(result.logits.numpy(), net.logits, rtol=1e-9, atol=1e-12)
    assert [layer.name for layer in graph.layers] == list(net.layers)
    for layer, expected in zip(graph.layers, net.layers.values(), strict=True):
        np.testing.assert_array_equal(
            counts.activation_counts[layer.index], oracle.activation_counts(expected.maps, 0.03)
        )
        np.testing.assert_array_equal(counts.top_k_counts[layer.index], oracle.top_k_counts(expected.maps, 5))
    influences = {name: oracle_graphs.influence_counts(total, 5) for name, total in net.sums.items()}
    assert {total.name for total in graph.sums} == set(influences)
    for total in graph.sums:
        np.testing.assert_array_equal(counts.influence_counts[total.index], influences[total.name], total.name)
    edges = collapse(graph, counts)
    names = list(net.layers)
    columns = (edges.source_layer, edges.source_channel, edges.target_layer, edges.target_channel, edges.count)
    found = {
        (names[s], i, names[t], o): count for s, i, t, o, count in zip(*(c.tolist() for c in columns), strict=True)
    }
    assert found == oracle_graphs.edges_of(net, influences, IMAGES)
