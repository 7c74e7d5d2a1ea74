"""Activation counts of the compiled kernels against torch's, number for number."""

import pytest
import torch

from arete_ingest import native
from arete_ingest.activations import spatial_peaks, taken_channels
from arete_ingest.native import NotFinite, activation_counts
from arete_ingest.native.library import instruction_sets

pytestmark = pytest.mark.skipif(not native.available(), reason=native.why_not())

WIDTHS = instruction_sets()


def maps(seed: int) -> torch.Tensor:
    """Random maps: coarse ones with many ties, dead channels and layers, negative zeros, few and many channels."""
    generator = torch.Generator().manual_seed(seed)
    channels = (1, 7, 33, 64, 200, 501)[seed % 6]
    size = ((1, 1), (7, 7), (5, 37), (16, 16))[seed % 4]
    values = torch.randn(3, channels, *size, generator=generator)
    if seed % 3 == 0:
        values = (values * 2).round()
    if seed % 5 == 0:
        values = values.relu() * 10.0 ** torch.randint(-5, 5, values.shape, generator=generator)
    if seed % 2 == 0:
        values[:, torch.rand(channels, generator=generator) < 0.5] = 0
    values[1] = -values[1].abs() if seed % 7 == 0 else values[1]
    return torch.where(values == 0, -0.0, values) if seed % 4 == 1 else values


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_counts_are_those_of_torch(width: str, layout: torch.memory_format) -> None:
    for seed in range(60):
        images = maps(seed)
        share, top_k = (0.03, 0.3, 0.95, 1.0)[seed % 4], (5, 1, 40)[seed % 3]
        found = activation_counts(
            images.contiguous(memory_format=layout), share=share, top_k=top_k, instruction_set=width
        )
        peaks = spatial_peaks(images)
        taken = taken_channels(peaks.values, share=share, top_k=top_k)
        assert torch.equal(found.values, peaks.values)
        assert torch.equal(found.positions, peaks.positions)
        assert torch.equal(found.by_share, taken.by_share), seed
        assert torch.equal(found.top_k, taken.top_k), seed


def test_a_cut_out_of_a_map_gives_what_its_copy_gives() -> None:
    images = torch.randn(2, 50, 12, 40)[:, 3:40, 1:9, ::3]
    found = activation_counts(images, share=0.1, top_k=3)
    copied = activation_counts(images.contiguous(), share=0.1, top_k=3)
    assert all(torch.equal(one, other) for one, other in zip(found, copied, strict=True))


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize("channel", [0, 38])
def test_the_first_image_that_is_not_finite_is_named(value: float, layout: torch.memory_format, channel: int) -> None:
    images = torch.rand(3, 39, 6, 6).contiguous(memory_format=layout)
    images[1, channel, 5, 5] = value
    for width in WIDTHS:
        with pytest.raises(NotFinite) as raised:
            activation_counts(images, share=0.03, top_k=5, instruction_set=width)
        assert raised.value.image == 1
