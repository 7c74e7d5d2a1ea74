"""How surprising it is that a group of classes has something in common. Plain arrays, no database."""

import math

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]


def p_values(inside: Ints, outside: Ints, group_size: int, run_size: int) -> NDArray[np.float64]:
    """Returns how likely at least this support is in a group of the same size drawn at random.

    Args:
        inside: Support in the group, shape (motif,).
        outside: Support among the run's other classes, shape (motif,).
        group_size: Classes of the group.
        run_size: Classes of the run, those of the group included.

    Returns:
        The upper tail of the hypergeometric distribution, shape (motif,), 0 to 1.
    """
    # Written out, as scipy.stats takes a second to import, which every command would wait for.
    factorials = np.array([math.lgamma(number + 1) for number in range(run_size + 1)])

    def choose(total: Ints | int, part: Ints) -> NDArray[np.float64]:
        return factorials[total] - factorials[part] - factorials[total - part]

    found = np.empty(len(inside))
    pairs, place = np.unique(np.column_stack([inside, outside]), axis=0, return_inverse=True)
    for number, (within, beyond) in enumerate(pairs.tolist()):
        holding = within + beyond
        better = np.arange(within, min(holding, group_size) + 1)
        logs = choose(holding, better) + choose(run_size - holding, group_size - better)
        logs -= choose(run_size, np.array([group_size]))
        found[place.ravel() == number] = min(float(np.exp(logs).sum()), 1.0)
    return found


def q_values(p: NDArray[np.float64], tested: int) -> NDArray[np.float64]:
    """Corrects for many tests as Benjamini and Hochberg do [benjamini1995controlling].

    Args:
        p: p-values of some of the tests, shape (motif,); those of all the others count as 1.
        tested: How many tests there were, at least as many as p-values.

    Returns:
        Least false discovery rate at which each test is rejected, shape (motif,), at least p and at most 1.
    """
    order = np.argsort(p)
    scaled = p[order] * tested / np.arange(1, len(p) + 1)
    least = np.minimum(np.minimum.accumulate(scaled[::-1])[::-1], 1.0)
    found = np.empty_like(p)
    found[order] = least
    return found
