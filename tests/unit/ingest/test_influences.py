"""Influence counts of single convolutions, against a definition in plain Python, over random small convolutions."""

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from arete_ingest.influences import ConvKernel, largest, merged, passed

MEMORY = 4 * 2**20


def naive_inputs(conv: nn.Conv2d, images: Tensor, k: int) -> list[list[set[int]]]:
    """The k strongest inputs per image and output channel, in the words of the definition, one number at a time."""
    weight = conv.weight.detach().double().numpy()
    _, candidates, high, wide = weight.shape
    per_group = conv.out_channels // conv.groups
    left, right, top, bottom = conv._reversed_padding_repeated_twice
    mode = "constant" if conv.padding_mode == "zeros" else conv.padding_mode
    padded = F.pad(images.double(), (left, right, top, bottom), mode=mode).numpy()
    reach_y, reach_x = (high - 1) * conv.dilation[0] + 1, (wide - 1) * conv.dilation[1] + 1
    found = []
    for image in padded:
        rows = []
        for output in range(conv.out_channels):
            strength = []
            for candidate in range(candidates):
                plane = image[output // per_group * candidates + candidate]
                values = [
                    sum(
                        weight[output, candidate, i, j] * plane[y + i * conv.dilation[0], x + j * conv.dilation[1]]
                        for i in range(high)
                        for j in range(wide)
                    )
                    for y in range(0, plane.shape[0] - reach_y + 1, conv.stride[0])
                    for x in range(0, plane.shape[1] - reach_x + 1, conv.stride[1])
                ]
                strength.append(max(values))
            rows.append(set(sorted(range(candidates), key=lambda c: (-strength[c], c))[:k]))
        found.append(rows)
    return found


def counted_inputs(conv: nn.Conv2d, images: Tensor, k: int, memory_bytes: int = MEMORY) -> list[list[set[int]]]:
    inputs = kernel_of(conv, memory_bytes=memory_bytes).strongest(images, k).inputs
    return [[set(row) for row in image] for image in inputs.tolist()]


def kernel_of(conv: nn.Module, scale: Tensor | None = None, memory_bytes: int = MEMORY) -> ConvKernel:
    weight: Any = conv.weight
    outputs = conv.out_features if isinstance(conv, nn.Linear) else conv.out_channels
    factors = torch.ones(outputs, dtype=torch.float64) if scale is None else scale.double()  # type: ignore[arg-type]
    return ConvKernel(conv, factors, dtype=weight.dtype, device=weight.device, memory_bytes=memory_bytes)


@st.composite
def cases(draw: st.DrawFn) -> tuple[nn.Conv2d, Tensor, int]:
    """A small convolution and two images, in small integers: every sum is exact and ties are many."""
    groups = draw(st.sampled_from([1, 1, 2, 3]))
    candidates = draw(st.integers(2, 7))
    kernel = draw(st.tuples(st.integers(1, 5), st.integers(1, 5)) | st.just((1, 1)))
    dilation = draw(st.tuples(st.integers(1, 2), st.integers(1, 2)))
    padding = draw(st.tuples(st.integers(0, 3), st.integers(0, 3)))
    mode: Any = draw(st.sampled_from(["zeros", "zeros", "zeros", "replicate", "circular", "reflect"]))
    # reflect and circular padding need a map larger than the padding
    least = max(4, (kernel[0] - 1) * dilation[0] + 1, (kernel[1] - 1) * dilation[1] + 1)
    height, width = draw(st.integers(least, least + 4)), draw(st.integers(least, least + 4))
    conv = nn.Conv2d(
        groups * candidates,
        groups * draw(st.integers(1, 3)),
        kernel,
        stride=draw(st.tuples(st.integers(1, 3), st.integers(1, 3))),
        padding=padding,
        dilation=dilation,
        groups=groups,
        padding_mode=mode,
        bias=draw(st.booleans()),
        dtype=torch.float64,
    )
    generator = torch.Generator().manual_seed(draw(st.integers(0, 2**31)))
    low, high = draw(st.sampled_from([(-2, 3), (-1, 2), (-3, 0), (0, 1)]))  # signed, coarse, all negative, all zero
    weight = torch.randint(low, high, conv.weight.shape, generator=generator).double()
    conv.weight.data = torch.where(weight == 0, -0.0, weight)
    images = torch.randint(-3, 4, (2, conv.in_channels, height, width), generator=generator).double()
    if draw(st.booleans()):
        images = images.relu()
    dead = draw(st.sets(st.integers(0, conv.in_channels - 1), max_size=conv.in_channels))
    images[:, sorted(dead)] = draw(st.sampled_from([0.0, -0.0]))
    return conv, images, draw(st.integers(1, candidates - 1))


@given(case=cases())
@settings(max_examples=150, deadline=None)
def test_strongest_inputs_are_those_of_the_definition(case: tuple[nn.Conv2d, Tensor, int]) -> None:
    conv, images, k = case
    assert counted_inputs(conv, images, k) == naive_inputs(conv, images, k)


@given(case=cases(), memory=st.sampled_from([1, 500, 5_000, 50_000]))
@settings(max_examples=60, deadline=None)
def test_pieces_of_any_size_find_the_same(case: tuple[nn.Conv2d, Tensor, int], memory: int) -> None:
    conv, images, k = case
    assert counted_inputs(conv, images, k, memory) == counted_inputs(conv, images, k)


@given(case=cases(), factors=st.lists(st.sampled_from([0.25, 0.5, 2.0, 8.0]), min_size=9, max_size=9))
@settings(max_examples=60, deadline=None)
def test_scaling_an_output_channel_changes_nothing(case: tuple[nn.Conv2d, Tensor, int], factors: list[float]) -> None:
    conv, images, k = case
    before = counted_inputs(conv, images, k)
    conv.weight.data = conv.weight * torch.tensor(factors[: conv.out_channels]).view(-1, 1, 1, 1)
    assert counted_inputs(conv, images, k) == before


@pytest.mark.parametrize("kernel", [1, 3])
def test_zero_kernels_never_beat_a_positive_contribution(kernel: int) -> None:
    conv = nn.Conv2d(9, 4, kernel, padding=kernel // 2, bias=False)
    conv.weight.data = torch.rand(conv.weight.shape)
    silent = torch.tensor([0, 1, 4])  # low indices, which ties would favour
    conv.weight.data[:, silent] = 0
    found = counted_inputs(conv, torch.rand(3, 9, 6, 6) + 0.1, 5)
    for image in found:
        for row in image:
            assert not row & set(silent.tolist())


def test_negative_batch_norm_scales_turn_the_order_round() -> None:
    """With sign -1 the strongest inputs are those of the negated weights; with 0 all are equal, the lowest count."""
    conv = nn.Conv2d(8, 3, 3, bias=False)
    images = torch.rand(2, 8, 5, 5)
    inputs = kernel_of(conv, torch.tensor([1, -1, 0])).strongest(images, 5).inputs
    found = [[set(row) for row in image] for image in inputs.tolist()]
    plain = counted_inputs(conv, images, 5)
    conv.weight.data = -conv.weight.data
    negated = counted_inputs(conv, images, 5)
    for image in range(2):
        assert found[image] == [plain[image][0], negated[image][1], {0, 1, 2, 3, 4}]


@given(
    values=st.lists(
        st.lists(st.sampled_from([-1.0, -0.0, 0.0, 1.0, 2.0]), min_size=8, max_size=8), min_size=1, max_size=6
    ),
    k=st.integers(1, 7),
)
def test_ties_go_to_the_lower_channel(values: list[list[float]], k: int) -> None:
    found = largest(torch.tensor([values]), k).inputs[0].tolist()
    for row, chosen in zip(values, found, strict=True):
        assert chosen == sorted(range(8), key=lambda c: (-row[c], c))[:k]


@given(seed=st.integers(0, 2**31), k=st.integers(1, 9))
def test_the_strongest_of_a_sum_are_those_of_all_its_candidates(seed: int, k: int) -> None:
    """Three terms of 6, 1 and 4 candidates with ties: each keeps its own k strongest, the sum is none the worse."""
    generator = torch.Generator().manual_seed(seed)
    terms = [torch.randint(-2, 3, (2, 5, size), generator=generator).float() for size in (6, 1, 4)]
    found = merged([largest(term, k) for term in terms], [0, 6, 7], k)
    assert torch.equal(found, largest(torch.cat(terms, 2), k).inputs)


def test_added_maps_contribute_their_largest_value_after_scaling() -> None:
    maps = torch.tensor([[[[1.0, -4.0]], [[2.0, 3.0]], [[-1.0, -2.0]]]])
    found = passed(maps, torch.tensor([-2.0, 0.5, 0.0]))
    assert found.values.tolist() == [[[8.0], [1.5], [-0.0]]]
    assert found.inputs.tolist() == [[[0], [0], [0]]]


@pytest.mark.parametrize("settings", [
    {}, {"stride": 2}, {"stride": 2, "padding": 1, "output_padding": 1}, {"stride": (3, 1), "padding": (2, 0)},
    {"groups": 2}, {"dilation": 2, "padding": 3},
])  # fmt: skip
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_transposed_convolutions_contribute_what_they_write(settings: dict[str, Any], dtype: torch.dtype) -> None:
    torch.manual_seed(6)
    conv = nn.ConvTranspose2d(12, 4, 3, bias=False, dtype=dtype, **settings)
    images = torch.randn(2, 12, 5, 4, dtype=dtype)
    found = kernel_of(conv).strongest(images, 4)
    per_group = 12 // conv.groups
    for output in range(4):
        group = output // (4 // conv.groups)
        strength = []
        for i in range(per_group):
            alone = torch.zeros_like(images)
            alone[:, group * per_group + i] = images[:, group * per_group + i]
            strength.append(conv(alone).detach()[:, output].amax((1, 2)))
        values, inputs = torch.sort(torch.stack(strength, 1), dim=1, descending=True, stable=True)
        torch.testing.assert_close(found.values[:, output], values[:, :4])
        assert torch.equal(found.inputs[:, output], inputs[:, :4])


def test_linear_layers_over_channels_are_pointwise_convolutions() -> None:
    torch.manual_seed(5)
    linear, conv = nn.Linear(9, 4), nn.Conv2d(9, 4, 1)
    conv.weight.data = linear.weight.data[:, :, None, None]
    images = torch.randn(2, 9, 3, 5)
    one, other = kernel_of(linear).strongest(images.permute(0, 2, 3, 1), 5), kernel_of(conv).strongest(images, 5)
    assert torch.equal(one.inputs, other.inputs)


def test_all_candidates_are_given_where_there_are_fewer_than_asked_for() -> None:
    found = kernel_of(nn.Conv2d(3, 2, 3)).strongest(torch.rand(2, 3, 5, 5), 5)
    assert found.inputs.shape == (2, 2, 3)
    assert (found.values[:, :, :-1] >= found.values[:, :, 1:]).all()


def test_uneven_same_padding_is_that_of_the_convolution() -> None:
    """An even kernel with padding "same" pads one more row below and one more column on the right."""
    conv = nn.Conv2d(7, 2, (2, 4), padding="same", bias=False, dtype=torch.float64)
    conv.weight.data = torch.randint(-2, 3, conv.weight.shape).double()
    images = torch.randint(-3, 4, (2, 7, 5, 5)).double()
    assert counted_inputs(conv, images, 3) == naive_inputs(conv, images, 3)


@pytest.mark.parametrize("kernel", [1, 3])
@pytest.mark.parametrize("mode", ["zeros", "replicate", "reflect", "circular"])
def test_padding_contributes_what_it_holds(mode: Any, kernel: int) -> None:
    """On a map of 4 by 4 positions with 3 more around it, most of what is seen is padding."""
    generator = torch.Generator().manual_seed(4)
    conv = nn.Conv2d(9, 6, kernel, stride=2, padding=3, padding_mode=mode, bias=False, dtype=torch.float64)
    conv.weight.data = torch.randn(conv.weight.shape, generator=generator, dtype=torch.float64)
    images = torch.randn(3, 9, 4, 4, generator=generator, dtype=torch.float64)
    expected = naive_inputs(conv, images, 3)
    assert counted_inputs(conv, images, 3) == expected
    other = nn.Conv2d(9, 6, kernel, stride=2, padding=3, padding_mode="zeros" if mode != "zeros" else "circular")
    other.weight.data = conv.weight.data
    if kernel > 1:
        assert naive_inputs(other, images, 3) != expected  # the mode makes a difference here
