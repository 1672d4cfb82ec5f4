"""Normal scores: SciPy has the quantiles."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import ndtri

from replicant.normal import normal_scores


@given(st.lists(st.integers(0, 10_000), min_size=1, max_size=50).filter(any))
def test_scores_are_quantiles_of_the_middle_of_each_value(counts: list[int]) -> None:
    shares = (np.cumsum(counts) - np.array(counts) / 2) / sum(counts)
    expected = ndtri(np.clip(shares, 1e-6, 1 - 1e-6))
    np.testing.assert_allclose(normal_scores(np.array(counts)), expected, atol=1e-3)


def test_no_rows_have_the_least_score() -> None:
    assert (normal_scores(np.zeros(3)) < -4).all()
