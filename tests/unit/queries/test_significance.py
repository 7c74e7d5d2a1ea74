"""Significance against other ways to reckon it."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from arete_queries.significance import p_values, q_values


@given(st.integers(1, 12), st.integers(0, 20), st.data())
@settings(deadline=None, max_examples=60)
def test_p_is_the_share_of_groups_that_do_as_well(group: int, rest: int, data: st.DataObject) -> None:
    inside, outside = data.draw(st.integers(1, group)), data.draw(st.integers(0, rest))
    holding, size = inside + outside, group + rest
    ways = sum(
        math.comb(holding, k) * math.comb(size - holding, group - k) for k in range(inside, min(holding, group) + 1)
    )
    (p,) = p_values(np.array([inside]), np.array([outside]), group, size)
    assert p == pytest.approx(ways / math.comb(size, group), rel=1e-9)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=30), st.integers(0, 50))
@settings(deadline=None, max_examples=60)
def test_q_is_benjamini_and_hochbergs(p: list[float], untested: int) -> None:
    every = np.array(p + [1.0] * untested)
    expected = stats.false_discovery_control(every, method="bh")[: len(p)]
    np.testing.assert_allclose(q_values(np.array(p), len(every)), expected, rtol=1e-12)
