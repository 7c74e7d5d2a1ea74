"""Places in the plane: alike things together, layers that hang together, and inputs that tell nothing."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from scipy.spatial.distance import cosine

from arete_core.errors import SettingError
from arete_ingest import layout_2d
from arete_ingest.layout_2d import FEWEST, LayoutSettings, nearest_by_cosine, place_layers

RNG = np.random.default_rng(5)
FAMILY = 10
"""Classes of each of three families, which excite the same third of the channels."""


def families(seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    means = np.repeat(np.kron(np.eye(3), np.ones(8)) * 40 + 1, FAMILY, axis=0)
    return rng.poisson(means)


@pytest.fixture(scope="module")
def placed() -> list[np.ndarray]:
    return list(place_layers([families(layer) for layer in range(3)]))


def test_alike_things_lie_together_in_every_layer(placed: list[np.ndarray]) -> None:
    for places in placed:
        centres = places.reshape(3, FAMILY, 2).mean(axis=1)
        own = np.repeat(np.arange(3), FAMILY)
        nearest = ((places[:, None] - centres) ** 2).sum(axis=2).argmin(axis=1)
        assert (nearest == own).all()


def test_what_was_compiled_of_umap_is_kept_for_the_next_process(placed: list[np.ndarray]) -> None:
    assert placed
    from umap import layouts, umap_

    for function in (layouts._nb_optimize_layout_euclidean_single_epoch, umap_.smooth_knn_dist):
        assert function.signatures, "it was used"
        # Read from the disk, or written to it: then an index of what is there lies beside it.
        found = function.stats
        assert sum(found.cache_hits.values()) + sum(found.cache_misses.values()) > 0
        assert found.cache_path
        assert list(Path(found.cache_path).glob(f"*{function.py_func.__name__}*.nbi"))


def test_every_layer_has_the_same_scale(placed: list[np.ndarray]) -> None:
    for places in placed:
        assert places.shape == (3 * FAMILY, 2)
        np.testing.assert_allclose(places.mean(axis=0), 0, atol=1e-9)
        np.testing.assert_allclose((places**2).sum(axis=1).mean(), 1)


def test_a_change_of_layer_moves_a_family_less_than_it_lies_from_the_others(placed: list[np.ndarray]) -> None:
    centres = [places.reshape(3, FAMILY, 2).mean(axis=1) for places in placed]
    for before, after in pairwise(centres):
        moved = np.linalg.norm(after - before, axis=1).max()
        apart = min(np.linalg.norm(after[one] - after[other]) for one, other in ((0, 1), (0, 2), (1, 2)))
        assert moved < apart / 2


def test_the_same_vectors_give_the_same_places_and_another_seed_others(placed: list[np.ndarray]) -> None:
    layers = [families(layer) for layer in range(3)]
    for one, other in zip(placed, place_layers(layers), strict=True):
        np.testing.assert_array_equal(one, other)
    assert not np.array_equal(placed[0], next(place_layers(layers, LayoutSettings(seed=1))))


def test_a_turned_layer_lies_on_its_predecessor_exactly() -> None:
    # Three things, so that no UMAP moves them: the second layer's channels are the first one's, mirrored.
    first = np.array([[9, 1, 0], [1, 9, 0], [4, 4, 5]])
    before, after = place_layers([first, first[:, ::-1]])
    np.testing.assert_allclose(after, before, atol=1e-5)


@pytest.mark.parametrize("count", range(1, FEWEST + 2))
def test_few_things_are_placed_apart(count: int) -> None:
    layers = [RNG.poisson(3, (count, 12)) + np.eye(count, 12, dtype=int) * 9 for _ in range(2)]
    for places in place_layers(layers):
        assert np.isfinite(places).all()
        assert len(np.unique(places.round(6), axis=0)) == count


def test_three_things_keep_their_distances() -> None:
    vectors = RNG.random((3, 7))
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    (places,) = place_layers([vectors])
    pairs = ((0, 1), (0, 2), (1, 2))
    ratios = [np.linalg.norm(places[a] - places[b]) / np.linalg.norm(unit[a] - unit[b]) for a, b in pairs]
    np.testing.assert_allclose(ratios, ratios[0], rtol=1e-4)


@pytest.mark.parametrize("count", [1, 2, 3, 12])
@pytest.mark.parametrize("value", [0, 7])
def test_layers_that_tell_nothing_stand_on_a_circle_and_are_passed_over(count: int, value: int) -> None:
    telling = RNG.poisson(5, (count, 9)) + np.eye(count, 9, dtype=int) * 20
    nothing = np.full((count, 9), value)
    before, circle, after = place_layers([telling, nothing, telling])
    assert np.isfinite(circle).all()
    if count > 1:
        np.testing.assert_allclose(np.linalg.norm(circle, axis=1), 1)
        assert len(np.unique(circle.round(6), axis=0)) == count
        # The third layer started from the first one and not from the circle.
        assert ((after - before) ** 2).sum(axis=1).mean() < ((after - circle) ** 2).sum(axis=1).mean()


def test_some_equal_and_some_empty_vectors_do_no_harm() -> None:
    vectors = RNG.poisson(4, (20, 15))
    vectors[3:9] = vectors[3]
    vectors[12:15] = 0
    for places in place_layers([vectors, vectors]):
        assert np.isfinite(places).all()


def test_neighbours_are_those_of_the_definition() -> None:
    vectors = RNG.poisson(1, (30, 6)).astype(float)
    vectors[4] = vectors[5]
    vectors[7] = 0
    indices, distances = nearest_by_cosine(vectors, 7)
    for row in range(len(vectors)):
        # scipy's cosine of a vector of zeros is not a number: such a one is 1 away from all others.
        apart = [1.0 if not vectors[[row, other]].any(axis=1).all() else cosine(vectors[row], vectors[other])
                 for other in range(len(vectors))]  # fmt: skip
        apart[row] = -1
        order = sorted(range(len(vectors)), key=lambda other: (round(apart[other], 12), other))[:7]
        np.testing.assert_allclose(distances[row], np.maximum(np.array(apart)[order], 0), atol=1e-12)
        assert indices[row, 0] == row
        np.testing.assert_allclose(np.array(apart)[indices[row]], np.array(apart)[order], atol=1e-12)


def test_more_vectors_than_a_block() -> None:
    vectors = RNG.poisson(1, (1500, 20)).astype(float)
    indices, _ = nearest_by_cosine(vectors, 4)
    alone, _ = nearest_by_cosine(vectors[1000:1100], 100)
    # Of the last hundred, the nearest one among themselves is found in their order.
    assert (indices[:, 0] == np.arange(1500)).all()
    assert (alone[:, 0] == np.arange(100)).all()
    assert len({tuple(row) for row in indices[:, 1:].tolist()}) > 1000


@pytest.mark.parametrize(("channels", "most"), [(2, 1), (8, 2)])
def test_the_nearest_are_those_of_sorting_all(channels: int, most: int) -> None:
    vectors = RNG.integers(0, most + 1, (400, channels)).astype(float)  # few different ones: many are equally near
    vectors = np.concatenate([vectors, RNG.poisson(3, (400, channels)).astype(float)])
    squares = (vectors**2).sum(axis=1)
    inverse = np.divide(1.0, np.sqrt(squares), out=np.zeros(len(vectors)), where=squares > 0)
    apart = np.clip(1.0 - vectors @ vectors.T * inverse[:, None] * inverse, 0, 2)
    np.fill_diagonal(apart, -1)
    for k in (1, 2, 15, 799, 800):
        indices, distances = nearest_by_cosine(vectors, k)
        np.testing.assert_array_equal(indices, np.argsort(apart, axis=1, kind="stable")[:, :k])
        np.testing.assert_array_equal(distances, np.maximum(np.sort(apart, axis=1)[:, :k], 0))


def test_distances_of_a_part_of_a_block_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    vectors = RNG.poisson(1, (90, 20)).astype(float)
    whole = nearest_by_cosine(vectors, 5)
    monkeypatch.setattr(layout_2d, "_MOST_DISTANCES", 90 * 7)
    for part, expected in zip(nearest_by_cosine(vectors, 5), whole, strict=True):
        np.testing.assert_array_equal(part, expected)


@pytest.mark.parametrize(
    "wrong", [{"seed": -1}, {"seed": 2**32}, {"neighbors": 1}, {"min_dist": -0.1}, {"min_dist": 2.0}]
)
def test_settings_that_cannot_work(wrong: dict[str, float]) -> None:
    (name,) = wrong
    with pytest.raises(SettingError, match=name):
        LayoutSettings(**wrong)  # type: ignore[arg-type]


def test_numbers_that_are_none() -> None:
    with pytest.raises(ValueError, match="finite"):
        next(place_layers([np.array([[np.nan, 1.0], [1.0, 0.0]])]))
