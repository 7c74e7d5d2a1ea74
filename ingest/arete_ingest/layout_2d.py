"""Places vectors in the plane, layer by layer, so that alike ones lie together and a change of layer moves little.

1. Two vectors are as far apart as their cosine says: 1 - u·v / (|u| |v|); a vector of zeros is 1 away from every other.
2. The first layer starts from its two principal components (of the vectors scaled to length 1), each next one from its
   predecessor's result.
3. UMAP [mcinnes2018umap] moves the points until near neighbours lie near, from a seeded state: the same vectors and
   settings give the same places on one machine. From the second layer on it moves them by small steps only: neighbours
   come together as well, and what need not move stays.
4. The result is turned and mirrored onto its predecessor (Procrustes), and scaled: centred at 0, root mean square
   distance 1, the same in every layer.

Fewer than `FEWEST` vectors have no neighbourhoods: they are placed by principal components, which for two or three show
their distances as they are. Where all vectors are alike, or there is nothing but zeros, no place is better than
another one: they stand on a circle, and the next layer starts from the last one that told something.

Nearest neighbours are found exactly, by products of matrices. Where the vectors are counts, these are sums of integers
and come out the same with any number of threads.
"""

import contextlib
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from arete_core.errors import CapabilityError
from arete_ingest.ranges import check_ranges

Floats = NDArray[np.float64]

FEWEST: Final = 5
"""Vectors that UMAP is asked to place at least."""
_BLOCK: Final = 1024  # rows whose distances to all others are in memory at once: 8 MB with 1,000 vectors
_MOST_DISTANCES: Final = 2**22  # of fewer rows, where there are many others: 32 MB, and some of it twice
_GENTLE: Final[dict[str, Any]] = {"learning_rate": 0.1, "n_epochs": 200}
"""For layers that start from another one's result. On GoogLeNet's 100 classes as many of the ten nearest stay nearest
as with UMAP's own 1.0 and 500, and the points move a fifth less."""
_ALIKE: Final = 1e-6
"""Vectors whose principal components spread less than this, on vectors of length 1, are alike."""
_LARGEST_SEED: Final = 2**32 - 1  # numpy's


@dataclass(frozen=True, kw_only=True)
class LayoutSettings:
    """What a layout depends on beside the vectors.

    Attributes:
        seed: Of UMAP's random state.
        neighbors: How many nearest vectors matter, each vector itself among them, at least 2; fewer where there are
            fewer.
        min_dist: How near two points may lie, 0 to 1, in UMAP's own scale, in which neighbours are about 1 apart.
    """

    seed: int = 0
    neighbors: int = 15
    min_dist: float = 0.1

    def __post_init__(self) -> None:
        """Checks the values.

        Raises:
            SettingError: If one cannot work.
        """
        check_ranges(self, (("seed", 0, _LARGEST_SEED), ("neighbors", 2, 1000), ("min_dist", 0, 1)))


def place_layers(layers: Iterable[NDArray[np.number[Any]]], settings: LayoutSettings | None = None) -> Iterator[Floats]:
    """Places the same things in each layer in turn.

    Args:
        layers: Of each layer, input first, a matrix (thing, channel), not negative; the things are the same ones.
        settings: Seed and scale; the defaults when None.

    Yields:
        Of each layer the places, (thing, 2). Time on 2 cores: 1,000 classes about 2 s a layer, after some 6 s for
        loading UMAP; the first time in an installation up to 25 s more for compiling it.

    Raises:
        CapabilityError: If umap-learn cannot be loaded and there are enough vectors to need it.
        ValueError: If a value is not finite.
    """
    settings = settings or LayoutSettings()
    before: Floats | None = None
    for vectors in layers:
        dense = np.asarray(vectors, np.float64)
        if not np.isfinite(dense).all():
            raise ValueError("finite vectors were expected")
        start = _components(dense)
        if start is None:
            yield _circle(len(dense))
            continue
        if len(dense) >= FEWEST:
            start = _umap(dense, start, settings, {}) if before is None else _umap(dense, before, settings, _GENTLE)
        before = _scaled(start) if before is None else _turned(_scaled(start), before)
        yield before


def nearest_by_cosine(vectors: Floats, k: int) -> tuple[NDArray[np.int64], Floats]:
    """Finds each vector's k nearest ones by cosine distance, itself first.

    Args:
        vectors: (vector, channel).
        k: 1 to the number of vectors.

    Returns:
        Their numbers and distances (0 to 2), each (vector, k), nearest first, ties by lower number.
    """
    count = len(vectors)
    lengths = np.sqrt((vectors * vectors).sum(axis=1))
    inverse = np.divide(1.0, lengths, out=np.zeros(count), where=lengths > 0)
    indices = np.empty((count, k), np.int64)
    distances = np.empty((count, k))
    rows = max(1, min(_BLOCK, _MOST_DISTANCES // max(count, 1)))
    for first in range(0, count, rows):
        own = np.arange(first, min(first + rows, count))
        apart = vectors[own] @ vectors.T
        apart *= inverse[own, None]
        apart *= inverse
        np.subtract(1.0, apart, out=apart)
        np.clip(apart, 0.0, 2.0, out=apart)
        apart[np.arange(len(own)), own] = -1.0  # itself comes first, also among equal ones
        order = _least(apart, k)
        indices[own] = order
        distances[own] = np.maximum(np.take_along_axis(apart, order, axis=1), 0.0)
    return indices, distances


def _least(values: Floats, k: int) -> NDArray[np.int64]:
    """Returns where in each row its k least values are, ascending, ties by lower number.

    Choosing them before they are sorted is eight times as fast for ten thousand values as sorting all. Which of several
    equal ones it chooses as the last is chance: rows where that matters are sorted after all.
    """
    if k >= values.shape[1]:
        return np.argsort(values, axis=1, kind="stable")
    chosen = np.sort(np.argpartition(values, k - 1, axis=1)[:, :k], axis=1)
    found = np.take_along_axis(values, chosen, axis=1)
    order = np.take_along_axis(chosen, np.argsort(found, axis=1, kind="stable"), axis=1)
    tied = np.flatnonzero((values <= found.max(axis=1, keepdims=True)).sum(axis=1) > k)
    order[tied] = np.argsort(values[tied], axis=1, kind="stable")[:, :k]
    return order


def _components(vectors: Floats) -> Floats | None:
    """Returns the first two principal components of the vectors scaled to length 1; None where all are alike."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    unit = np.divide(vectors, lengths, out=np.zeros_like(vectors), where=lengths > 0)
    centred = unit - unit.mean(axis=0, keepdims=True)
    found = np.zeros((len(vectors), 2))
    if centred.shape[1] and len(vectors) > 1:
        wide = centred.shape[0] <= centred.shape[1]
        values, axes = np.linalg.eigh(centred @ centred.T if wide else centred.T @ centred)
        leading = axes[:, ::-1][:, :2]
        if wide:
            leading = leading * np.sqrt(np.maximum(values[::-1][:2], 0.0))
        scores = leading if wide else centred @ leading
        found[:, : scores.shape[1]] = scores
    if np.abs(found).max(initial=0.0) < _ALIKE:
        return None
    # Which way an axis points is the solver's whim, and so are the last bits.
    largest = np.abs(found).argmax(axis=0)
    signs = np.where(found[largest, np.arange(2)] < 0, -1.0, 1.0)
    return np.round(found * signs, 6)


def _umap(vectors: Floats, start: Floats, settings: LayoutSettings, further: dict[str, Any]) -> Floats:
    umap = _load_umap()
    neighbors = min(settings.neighbors, len(vectors) - 1)
    indices, distances = nearest_by_cosine(vectors, neighbors)
    model = umap.UMAP(
        n_neighbors=neighbors,
        min_dist=settings.min_dist,
        metric="cosine",
        init=start.astype(np.float32),
        random_state=settings.seed,
        n_jobs=1,
        precomputed_knn=(indices.astype(np.int32), distances.astype(np.float32)),
        force_approximation_algorithm=True,  # without it, fewer than 4,096 vectors' neighbours are computed again
        **further,
    )
    with warnings.catch_warnings():
        # "precomputed_knn[2] … not NNDescent": only needed to place further vectors.
        warnings.filterwarnings("ignore", message="precomputed_knn", category=UserWarning)
        return np.asarray(model.fit_transform(vectors.astype(np.float32)), np.float64)


def _load_umap() -> Any:
    """Loads UMAP, which takes seconds."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ImportWarning)  # of TensorFlow, which another of its classes needs
            import umap
            from umap import layouts, umap_
    except ImportError as error:
        raise CapabilityError(
            f"embeddings need umap-learn, which cannot be loaded: {error}", hint='pip install "arete[ingest]"'
        ) from error
    _keep_compiled(umap_, layouts)
    return umap


def _keep_compiled(*modules: Any) -> None:
    """Lets numba keep what it compiles of UMAP on disk, as pynndescent does with its own functions.

    UMAP leaves that out, so that every process compiles the same functions again: 6 s for a layout of milliseconds.
    They lie where numba keeps such things: beside the package, else in the user's cache; `NUMBA_CACHE_DIR` names a
    place.
    """
    from numba.core.registry import CPUDispatcher

    for module in modules:
        for function in vars(module).values():
            if isinstance(function, CPUDispatcher) and not function.signatures:
                # Nowhere to write: then they are compiled each time, as without this.
                with contextlib.suppress(RuntimeError):
                    function.enable_caching()


def _circle(count: int) -> Floats:
    angles = 2 * np.pi * np.arange(count) / max(count, 1)
    return np.stack([np.cos(angles), np.sin(angles)], axis=1) if count > 1 else np.zeros((count, 2))


def _scaled(places: Floats) -> Floats:
    centred = places - places.mean(axis=0)
    size = np.sqrt((centred**2).sum(axis=1).mean())
    return centred / size if size > 0 else centred


def _turned(places: Floats, onto: Floats) -> Floats:
    """Turns and mirrors places about 0 so that they lie as near as they can to others."""
    left, _, right = np.linalg.svd(places.T @ onto)
    return places @ (left @ right)
