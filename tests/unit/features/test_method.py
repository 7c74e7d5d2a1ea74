"""How pictures are made: parametrization, changes and objective against hand-worked values and slow oracles."""

import math

import numpy as np
import pytest
import torch
from torch import nn

from arete_ingest.demo.network import demo_model
from arete_ingest.execution import Watcher
from arete_ingest.features.objective import LayerModel, channel_means, largest, likeness, redirected_relu
from arete_ingest.features.parametrization import COLOUR_ROOT, Pictures, frequencies, initial_coefficients
from arete_ingest.features.settings import picture_size
from arete_ingest.features.transforms import change, draw_changes
from arete_ingest.tracing import trace_model


def generators(*seeds: int) -> list[torch.Generator]:
    return [torch.Generator().manual_seed(seed) for seed in seeds]


def slow_picture(coefficients: np.ndarray, size: int) -> np.ndarray:
    """The sum of all waves, one after the other; (3, row, column, 2) to (3, height, width)."""
    y, x = np.mgrid[:size, :size]
    planes = np.zeros((3, size, size))
    for row in range(size):
        for column in range(size // 2 + 1):
            down = row if row < (size + 1) // 2 else row - size
            frequency = max(math.hypot(down, column) / size, 1 / size)
            wave = np.exp(2j * np.pi * (row * y + column * x) / size) / frequency / size
            # Waves that are not their own mirror image stand for two.
            twice = 1 if column == 0 or 2 * column == size else 2
            for plane in range(3):
                planes[plane] += twice * (complex(*coefficients[plane, row, column]) * wave).real
    root = np.array(COLOUR_ROOT)
    root = root / max(math.sqrt(sum(root[colour, plane] ** 2 for colour in range(3))) for plane in range(3))
    mixed = np.einsum("cp,phw->chw", root, planes / 4)
    return 1 / (1 + np.exp(-mixed))


@pytest.mark.parametrize("size", [6, 7])
def test_a_picture_is_a_sum_of_waves(size: int) -> None:
    coefficients = initial_coefficients(size, generators(1, 2)) * 100
    found = Pictures(size)(coefficients).numpy()
    for picture, own in zip(found, coefficients.numpy().astype(np.float64), strict=True):
        # Of columns 0 and size / 2 only the part that belongs to a real picture counts.
        for column in {0} | ({size // 2} if size % 2 == 0 else set()):
            mirrored = own[:, -np.arange(size) % size, column]
            own[:, :, column] = (own[:, :, column] + mirrored * [1, -1]) / 2
        np.testing.assert_allclose(picture, slow_picture(own, size), atol=2e-5)


def test_frequencies_are_cycles_a_pixel() -> None:
    found = frequencies(4)
    assert found.shape == (4, 3)
    np.testing.assert_allclose(found[:, 0], [0, 0.25, 0.5, 0.25])
    np.testing.assert_allclose(found[0], [0, 0.25, 0.5])
    assert found[2, 2] == pytest.approx(math.sqrt(0.5))


def test_the_planes_are_brightness_and_two_opposites() -> None:
    """Moving one plane's mean moves all colours, or one against the other."""
    changes = []
    for plane in range(3):
        coefficients = torch.zeros(1, 3, 8, 5, 2)
        coefficients[0, plane, 0, 0, 0] = 0.1
        changes.append((Pictures(8)(coefficients)[0].mean(dim=(1, 2)) - 0.5).numpy())
    light, blue_yellow, magenta_green = changes
    assert (light > 0).all()
    assert light.max() < 1.1 * light.min()
    assert blue_yellow[0] > 0 > blue_yellow[2]
    assert abs(blue_yellow[1]) < 0.05 * blue_yellow[0]
    assert magenta_green[0] > 0 > magenta_green[1]
    assert magenta_green[2] > 0


def test_changes_stay_within_their_limits_and_belong_to_their_picture() -> None:
    maps = draw_changes(400, generators(3, 4, 5))
    alone = draw_changes(400, generators(4))
    torch.testing.assert_close(maps[:, 1], alone[:, 0], rtol=0, atol=0)
    turn = maps[..., :2]
    scale = 1 / torch.linalg.det(turn).sqrt()
    angle = torch.rad2deg(torch.atan2(turn[..., 1, 0], turn[..., 0, 0]))
    assert 0.9 <= scale.min() < 0.92
    assert 1.08 < scale.max() <= 1.1 + 1e-6
    assert angle.abs().max() <= 10 + 1e-4
    assert (angle == 0).float().mean() == pytest.approx(0.2, abs=0.05)
    # A shift by all of 8 and 4 of 128 pixels, where the side is 2 long; the second seen through turning and scaling.
    assert maps[..., 2].abs().max() <= 2 * (8 / 128 + 4 / 128 * (math.cos(0.1745) + math.sin(0.1745)) / 0.9)


def test_a_change_moves_pixels_where_it_says() -> None:
    picture = torch.rand(1, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    same = torch.tensor([[[1.0, 0, 0], [0, 1, 0]]])
    torch.testing.assert_close(change(picture, same), picture, atol=1e-6, rtol=0)
    quarter = torch.tensor([[[0.0, -1, 0], [1, 0, 0]]])  # what the model sees at (x, y) lies at (-y, x)
    turned = torch.rot90(picture, 1, dims=(2, 3))
    assert min(float((change(picture, quarter) - other).abs().max()) for other in (turned, turned.flip(2, 3))) < 1e-5
    right = torch.tensor([[[1.0, 0, 2 / 8], [0, 1, 0]]])
    torch.testing.assert_close(change(picture, right)[..., :-1], picture[..., 1:], atol=1e-5, rtol=0)


def test_a_silent_relu_passes_on_what_would_wake_it() -> None:
    inputs = torch.tensor([[-1.0, 2.0], [-1.0, -2.0], [-3.0, -4.0]], requires_grad=True)
    # Rows: one that passes something; one that passes nothing; one whose inputs should fall.
    (redirected_relu(inputs) * torch.tensor([[-5.0, -7.0], [-5.0, 7.0], [5.0, 7.0]])).sum().backward()
    assert inputs.grad is not None
    assert inputs.grad.tolist() == [[0, -7], [-5, 0], [0, 0]]
    assert redirected_relu(inputs).tolist() == [[0, 2], [0, 0], [0, 0]]


def test_the_layers_own_relus_always_pass_on_a_part_of_what_would_wake_them() -> None:
    inputs = torch.tensor([[-1.0, 2.0], [-1.0, -2.0]], requires_grad=True)
    (redirected_relu(inputs, 0.25) * torch.tensor([[-4.0, -8.0], [4.0, -8.0]])).sum().backward()
    assert inputs.grad is not None
    assert inputs.grad.tolist() == [[-1, -8], [0, -2]]


def test_the_largest_magnitude_shows_what_is_not_finite() -> None:
    values = torch.tensor([[[1.0, -3.0]], [[0.0, 0.0]], [[float("nan"), 9.0]], [[float("-inf"), 0.0]]])
    assert largest(values).tolist() == pytest.approx([3, 0, math.nan, math.inf], nan_ok=True)


@pytest.mark.parametrize(("channels", "height", "width"), [(4, 3, 5), (20, 3, 5), (15, 3, 5), (6, 1, 1)])
def test_likeness_is_the_mean_cosine_of_gram_matrices(channels: int, height: int, width: int) -> None:
    """With fewer channels than places, and with more: the products are formed in two ways."""
    maps = torch.randn(6, channels, height, width, generator=torch.Generator().manual_seed(1), requires_grad=True)
    scaled = maps * torch.tensor([1, 1, 1, 1, 1, 1e25])[:, None, None, None]  # squares overflow float32
    found = likeness(scaled, 3)
    for group, value in enumerate(found.tolist()):
        grams = [
            np.sum([np.outer(own[:, y, x], own[:, y, x]) for y in range(height) for x in range(width)], axis=0)
            for own in maps[3 * group : 3 * group + 3].detach().numpy().astype(np.float64)
        ]
        cosines = [
            float((grams[a] * grams[b]).sum() / np.linalg.norm(grams[a]) / np.linalg.norm(grams[b]))
            for a, b in ((0, 1), (0, 2), (1, 2))
        ]
        assert value == pytest.approx(np.mean(cosines), abs=1e-5)
    found.sum().backward()
    assert maps.grad is not None
    assert torch.isfinite(maps.grad).all()
    assert likeness(maps[:1].repeat(2, 1, 1, 1), 2).item() == pytest.approx(1)


@pytest.mark.parametrize("channels", [2, 40])
def test_likeness_has_the_gradient_that_its_definition_has(channels: int) -> None:
    maps = torch.rand(4, channels, 3, 4, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    one, other = (maps.clone().requires_grad_() for _ in range(2))
    likeness(one, 2).sum().backward()
    places = other.flatten(2)
    grams = torch.nn.functional.normalize((places @ places.mT).flatten(1), dim=1)
    ((grams[0] * grams[1]).sum() + (grams[2] * grams[3]).sum()).backward()
    assert one.grad is not None
    torch.testing.assert_close(one.grad, other.grad)


def test_pictures_that_excite_nothing_are_not_alike() -> None:
    maps = torch.zeros(2, 8, 2, 2, requires_grad=True)
    found = likeness(maps, 2)
    found.sum().backward()
    assert found.tolist() == [0]
    assert maps.grad is not None
    assert not maps.grad.any()


@pytest.mark.parametrize("layer", [0, 3, 7])
def test_the_model_up_to_a_layer_makes_that_layer(layer: int) -> None:
    graph = trace_model(demo_model(), 48)
    pictures = torch.rand(2, 3, 48, 48, generator=torch.Generator().manual_seed(2))
    mean, std = (0.4, 0.5, 0.6), (0.2, 0.25, 0.3)
    values = {}
    inputs = (pictures - torch.tensor(mean)[:, None, None]) / torch.tensor(std)[:, None, None]
    with torch.no_grad():
        Watcher(graph.module, (), lambda *_: None, lambda node, value: values.update({node.name: value})).run(inputs)
        model = LayerModel(graph, layer, mean, std, torch.device("cpu"))
        found = model(pictures)
    expected = values[graph.layers[layer].tap]
    assert model.channels == expected.shape[1]
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4)
    means = channel_means(found, torch.tensor([1, 3]))
    torch.testing.assert_close(means, torch.stack([found[0, 1].mean(), found[1, 3].mean()]))
    assert not any(isinstance(module, nn.BatchNorm2d) and module.training for module in graph.module.modules())


@pytest.mark.parametrize(
    ("receptive", "image", "size"),
    [(3, 224, 48), (40, 224, 80), (300, 224, 128), (300, 96, 96), (7, 32, 32), (5, 10, 16)],
)
def test_pictures_are_as_large_as_what_the_layer_sees(receptive: int, image: int, size: int) -> None:
    assert picture_size(receptive, image) == size
