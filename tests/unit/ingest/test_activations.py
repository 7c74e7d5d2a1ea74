"""Activation counts of one layer, against a definition in plain Python."""

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from arete_ingest.activations import spatial_peaks, taken_channels

MAXIMA = st.lists(st.sampled_from([-2.0, -0.0, 0.0, 0.5, 1.0, 1.0, 3.0, 40.0, 1e30]), min_size=6, max_size=6)


def by_definition(maxima: list[float], share: float) -> set[int]:
    clipped = [max(value, 0.0) for value in maxima]
    total = sum(clipped)
    taken: set[int] = set()
    reached = 0.0
    if total > 0:
        for channel in sorted(range(len(clipped)), key=lambda c: (-clipped[c], c)):
            taken.add(channel)
            reached += clipped[channel] / total
            if reached >= share:
                break
    return taken


@given(images=st.lists(MAXIMA, min_size=1, max_size=4), share=st.sampled_from([0.03, 0.3, 0.6, 0.95]))
@settings(max_examples=200)
def test_share_takes_what_the_definition_takes(images: list[list[float]], share: float) -> None:
    taken = taken_channels(torch.tensor(images, dtype=torch.float64), share=share, top_k=5).by_share
    for row, maxima in zip(taken, images, strict=True):
        assert set(torch.nonzero(row).flatten().tolist()) == by_definition(maxima, share)


@given(images=st.lists(MAXIMA, min_size=1, max_size=4), k=st.integers(1, 8))
def test_top_k_takes_the_largest_and_of_equal_ones_the_lower(images: list[list[float]], k: int) -> None:
    taken = taken_channels(torch.tensor(images, dtype=torch.float64), share=0.03, top_k=k).top_k
    for row, maxima in zip(taken, images, strict=True):
        clipped = [max(value, 0.0) for value in maxima]
        expected = sorted(range(6), key=lambda c: (-clipped[c], c))[:k] if sum(clipped) > 0 else []
        assert set(torch.nonzero(row).flatten().tolist()) == set(expected)


def test_the_channel_that_reaches_the_share_is_taken_and_none_behind_it() -> None:
    """40 channels of 1/40 each: 2.5% is below 3%, 5% reaches it."""
    taken = taken_channels(torch.ones(1, 40), share=0.03, top_k=5)
    assert torch.nonzero(taken.by_share[0]).flatten().tolist() == [0, 1]
    assert torch.nonzero(taken.top_k[0]).flatten().tolist() == [0, 1, 2, 3, 4]


def test_dead_layers_count_nothing() -> None:
    taken = taken_channels(torch.tensor([[-1.0, 0.0, -0.0], [0.0, 2.0, -1.0]]), share=0.03, top_k=2)
    assert taken.by_share.tolist() == [[False, False, False], [False, True, False]]
    assert taken.top_k.tolist() == [[False, False, False], [True, True, False]]


def test_peaks_are_the_first_of_the_largest_positions() -> None:
    maps = torch.tensor([[[[1.0, 5.0], [5.0, 0.0]], [[-3.0, -1.0], [-2.0, -1.0]]]])
    peaks = spatial_peaks(maps)
    assert peaks.values.tolist() == [[5.0, -1.0]]
    assert peaks.positions.tolist() == [[1, 1]]
