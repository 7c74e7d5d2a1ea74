"""Optimised pictures of networks whose best input is known."""

import numpy as np
import pytest
import torch
from tiny_models import tiny
from torch import nn

from arete_ingest.features.objective import LayerModel
from arete_ingest.features.optimize import Found, Method, visualize
from arete_ingest.tracing import trace_model

CPU = torch.device("cpu")
MEAN, STD = (0.5, 0.5, 0.5), (0.25, 0.25, 0.25)
RED, UPRIGHT, LEVEL, DEAD, BELOW, HUGE = range(6)


class Known(nn.Module):
    """One convolution: a colour, two directions, and channels that no picture can be made of."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 6, 3, padding=1)
        self.relu = nn.ReLU()
        self.head = nn.Linear(6, 2)
        with torch.no_grad():
            self.conv.weight.zero_()
            self.conv.bias.zero_()  # type: ignore[union-attr]
            self.conv.weight[RED, :, 1, 1] = torch.tensor([1.0, -1.0, -1.0])
            self.conv.weight[UPRIGHT] = torch.tensor([-1.0, 2.0, -1.0])[None, None, :]
            self.conv.weight[LEVEL] = torch.tensor([-1.0, 2.0, -1.0])[None, :, None]
            self.conv.bias[DEAD] = -1.0  # type: ignore[index]
            self.conv.weight[BELOW] = 0.001
            self.conv.bias[BELOW] = -10.0  # type: ignore[index]
            self.conv.weight[HUGE] = 3e38

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.head(self.relu(self.conv(images)).mean(dim=(2, 3)))


def known(channels: list[int], **more: int) -> list[Found]:
    graph = trace_model(Known(), 32)
    method = Method(**({"size": 32, "steps": 60, "diversity": 0} | more))
    found = visualize(LayerModel(graph, 0, MEAN, STD, CPU), "conv", channels, method, CPU)
    assert found is not None
    return found


def test_a_colour_filter_gets_its_colour_and_lines_their_direction() -> None:
    red, upright, level = (one.tiles[0].astype(float) / 255 for one in known([RED, UPRIGHT, LEVEL]))
    excess = red @ [1, -1, -1]
    strongest = red[excess > np.median(excess)].mean(axis=0)
    assert strongest[0] > 2 * strongest[1:].max()
    for picture, along in ((upright, 0), (level, 1)):
        changes = [float(np.abs(np.diff(picture, axis=axis)).mean()) for axis in (0, 1)]
        assert changes[1 - along] > 2 * changes[along]


def test_the_activation_is_that_of_the_picture() -> None:
    [found] = known([RED])
    values = (found.tiles[0].astype(float) / 255 - 0.5) / 0.25
    # Pixels are rounded to 1/255, which is 4/255 after the deviation, in three colours.
    assert found.activation == pytest.approx((values @ [1, -1, -1]).max(), abs=3 * 2 / 255)


@pytest.mark.parametrize(
    ("channel", "reason"), [(DEAD, "does not depend"), (BELOW, "never fires"), (HUGE, "not finite")]
)
def test_a_channel_without_a_picture_says_why_and_spoils_no_other(channel: int, reason: str) -> None:
    beside, found = known([RED, channel])
    assert found.error is not None
    assert reason in found.error
    assert found.tiles.shape == (0, 32, 32, 3)
    assert beside.error is None
    np.testing.assert_array_equal(beside.tiles, known([RED, RED])[0].tiles)


def second(channels: list[int], **more: int) -> list[Found]:
    method = Method(**({"size": 24, "steps": 30} | more))
    model = LayerModel(trace_model(tiny(), 24), 1, MEAN, STD, CPU)
    found = visualize(model, "second", channels, method, CPU)
    assert found is not None
    return found


def test_a_picture_depends_on_its_channel_and_seed_and_not_on_its_company() -> None:
    alone = second([3, 3, 3])
    among = second([5, 3, 1])
    np.testing.assert_array_equal(alone[0].tiles, alone[2].tiles)
    np.testing.assert_array_equal(alone[0].tiles, among[1].tiles)
    assert not np.array_equal(alone[0].tiles, second([3, 3, 3], seed=1)[0].tiles)
    # Another batch's size may choose other kernels, which round otherwise.
    assert np.abs(second([3])[0].tiles[0].astype(int) - alone[0].tiles[0]).mean() < 2


def test_diverse_pictures_differ_more_than_mere_seeds_do() -> None:
    def spread(found: Found) -> float:
        tiles = found.tiles[1:].astype(float)
        return float(np.mean([np.abs(a - b).mean() for a in tiles for b in tiles]))

    [found] = second([3], steps=60)
    assert len(found.tiles) == 5
    assert found.error is None
    assert spread(found) > 0


def test_it_stops_when_it_is_asked_to() -> None:
    graph = trace_model(tiny(), 24)
    model = LayerModel(graph, 1, MEAN, STD, CPU)
    asked = iter([False, False, True])
    assert visualize(model, "second", [0], Method(size=24), CPU, stop=lambda: next(asked)) is None
