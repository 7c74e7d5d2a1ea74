"""Models that call functions where others have modules: they are read, and counted, as the same model of modules."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from arete_core.errors import ModelError
from arete_ingest.counter import ClassCounts, Counter
from arete_ingest.tracing import trace_model

SIZE = 16
IMAGES = torch.randn(5, 3, SIZE, SIZE, generator=torch.Generator().manual_seed(1))


class NormAct(nn.BatchNorm2d):
    """As timm's BatchNormAct2d: normalizes by the function, then activates."""

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002
        training = self.training or self.running_mean is None
        maps = F.batch_norm(
            input, self.running_mean, self.running_var, self.weight, self.bias, training, self.momentum or 0.0, self.eps
        )
        return F.relu(maps)


class SameConv(nn.Conv2d):
    """Pads as much as the size asks for, which only a known size tells."""

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002
        height, width = input.size()[-2:]
        total = [max((-(size // -2) - 1) * 2 + 3 - size, 0) for size in (height, width)]
        if total[0] > 0 or total[1] > 0:
            input = F.pad(input, [total[1] // 2, total[1] - total[1] // 2, total[0] // 2, total[0] - total[0] // 2])  # noqa: A001
        return F.conv2d(input, self.weight, self.bias, self.stride, 0, self.dilation, self.groups)


class StandardConv(nn.Conv2d):
    """Standardises its weights on every call."""

    def standardised(self) -> Tensor:
        flat = self.weight.reshape(1, self.out_channels, -1)
        return F.batch_norm(flat, None, None, training=True, momentum=0.0, eps=1e-6).reshape_as(self.weight)

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002
        return F.conv2d(input, self.standardised(), self.bias, self.stride, self.padding, self.dilation, self.groups)


class ChannelAttention(nn.Module):
    """As ECA: a one-dimensional convolution along the channels makes the gate."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv1d(1, 1, 3, padding=1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        gate = self.conv(x.mean((2, 3)).view(x.shape[0], 1, -1)).view(x.shape[0], -1, 1, 1).sigmoid()
        return x * gate.expand_as(x)


def functional() -> nn.Module:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.stem = SameConv(3, 8, 3, stride=2, bias=False)
            self.norm = NormAct(8)
            self.conv = StandardConv(8, 10, 3, padding=1)
            self.attention = ChannelAttention()
            self.gamma = nn.Parameter(torch.randn(10))
            self.up = nn.Parameter(torch.randn(10, 7, 2, 2))
            self.head = nn.Linear(7, 4)

        def forward(self, x: Tensor) -> Tensor:
            x = self.norm(self.stem(x))
            x = self.conv(x) * self.gamma.reshape(1, -1, 1, 1)
            x = self.attention(F.relu(x))
            x = F.relu(F.conv_transpose2d(x, self.up, stride=2))
            return F.linear(x.mean((2, 3)), self.head.weight, self.head.bias)

    torch.manual_seed(3)
    net = Net()
    with torch.no_grad():
        net.norm.weight.copy_(torch.randn(8))
        assert net.norm.running_mean is not None
        net.norm.running_mean.copy_(torch.randn(8))
    return net.eval()


def of_modules(net: Any) -> nn.Module:
    """The same network, written with modules."""

    class Plain(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.pad = nn.ZeroPad2d((0, 1, 0, 1))
            self.stem = nn.Conv2d(3, 8, 3, stride=2, bias=False)
            self.norm = nn.BatchNorm2d(8)
            self.conv = nn.Conv2d(8, 10, 3, padding=1)
            self.attention = ChannelAttention()
            self.register_buffer("gamma", net.gamma.detach()[:, None, None].clone())
            self.up = nn.ConvTranspose2d(10, 7, 2, stride=2, bias=False)
            self.head = nn.Linear(7, 4)

        def forward(self, x: Tensor) -> Tensor:
            x = torch.relu(self.norm(self.stem(self.pad(x))))
            x = self.attention(torch.relu(self.conv(x) * self.gamma))
            return self.head(torch.relu(self.up(x)).mean((2, 3)))

    plain = Plain()
    plain.stem.load_state_dict(net.stem.state_dict())
    plain.norm.load_state_dict(net.norm.state_dict())
    plain.attention.load_state_dict(net.attention.state_dict())
    plain.head.load_state_dict(net.head.state_dict())
    with torch.no_grad():
        plain.conv.weight.copy_(net.conv.standardised())
        assert plain.conv.bias is not None
        plain.conv.bias.copy_(net.conv.bias)
        plain.up.weight.copy_(net.up)
    return plain.eval()


def counts_of(model: nn.Module) -> tuple[ClassCounts, Tensor]:
    counter = Counter(trace_model(model, SIZE), influence_k=3, dtype=torch.float64)
    logits = counter.count(IMAGES, [0] * len(IMAGES)).logits
    return counter.take(0), logits


def test_functions_are_counted_as_the_modules_they_stand_for() -> None:
    net = functional()
    plain = of_modules(net)
    with torch.no_grad():
        torch.testing.assert_close(net(IMAGES), plain(IMAGES))
    graph = trace_model(net, SIZE)
    assert [layer.name for layer in graph.layers] == ["stem", "conv", "conv_transpose2d"]
    assert [layer.channels for layer in graph.layers] == [8, 10, 7]
    assert (graph.sums[0].sign < 0).any(), "the BatchNorm is folded"
    (found, logits), (expected, other) = counts_of(net), counts_of(plain)
    torch.testing.assert_close(logits, other)
    for one, two in (
        (found.influence_counts, expected.influence_counts),
        (found.activation_counts, expected.activation_counts),
        (found.top_k_counts, expected.top_k_counts),
    ):
        assert len(one) == len(two) == 3
        for mine, theirs in zip(one, two, strict=True):
            np.testing.assert_array_equal(mine, theirs)


def with_forward(forward: Callable[[Any, Tensor], Tensor]) -> nn.Module:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first = nn.Conv2d(3, 6, 3, padding=1)
            self.second = nn.Conv2d(6, 6, 3, padding=1)

        def forward(self, x: Tensor) -> Tensor:
            return forward(self, x)

    return Net().eval()


@pytest.mark.parametrize(
    ("forward", "message"),
    [
        # A batch's own statistics are no part of the model.
        (lambda net, x: net.second(F.batch_norm(net.first(x), None, None, training=True)), "batch_norm"),
        # A kernel that depends on the image.
        (lambda net, x: F.conv2d(net.first(x), x.mean() * net.second.weight), "conv2d of feature maps"),
        # Something unreadable that is added and not multiplied.
        (lambda net, x: net.second((y := net.first(x)) + y.cumsum(1)), "cumsum of feature maps"),
        # A factor that was not made from what it multiplies.
        (lambda net, x: net.second(net.first(x) * net.first(x + 1).cumsum(1)), "cumsum of feature maps"),
        # The number of images decides.
        (lambda net, x: net.second(net.first(x)) if x.shape[0] > 1 else net.first(x), "cannot be traced"),
        # Values decide.
        (lambda net, x: net.second(net.first(x)) if x.sum() > 1 else net.first(x), "cannot be traced"),
        # One image is taken for granted, which only the second look with two images shows.
        (
            lambda net, x: F.conv2d(net.first(x), net.second.weight).view(1, 6, 14, 14 if x.shape[2] > 3 else 1),
            "fails with two",
        ),
    ],
)
def test_what_cannot_be_read_is_refused(forward: Callable[[Any, Tensor], Tensor], message: str) -> None:
    with pytest.raises(ModelError, match=message):
        trace_model(with_forward(forward), SIZE)


def test_sizes_may_decide_but_the_number_of_images_stays_open() -> None:
    def forward(net: Any, x: Tensor) -> Tensor:
        images, channels, height, width = x.shape
        assert x.ndim == 4
        assert x.dim() == len(x.shape)
        assert x.dtype == torch.float32
        x = net.first(x) if height == width else net.second(x)
        return x.reshape(images, channels * 2, height * width).mean(2)

    graph = trace_model(with_forward(forward), SIZE)
    with torch.no_grad():
        assert graph.module(IMAGES).shape == (5, 6)
    assert [layer.name for layer in graph.layers] == ["first"]


def test_a_gate_that_cannot_be_read_lets_its_channels_pass() -> None:
    def forward(net: Any, x: Tensor) -> Tensor:
        x = net.first(x)
        return net.second(x * x.cumsum(1).sigmoid()).mean((2, 3))

    graph = trace_model(with_forward(forward), SIZE)
    assert [layer.name for layer in graph.layers] == ["first", "second"]
    assert graph.layers[1].parents == (0,)
