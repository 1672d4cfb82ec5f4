"""Draws between bounds against SciPy's truncated normal distribution."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from replicant.methods.truncated import draw_truncated


@pytest.mark.parametrize(
    ("low", "high"), [(-np.inf, np.inf), (0.0, np.inf), (-np.inf, -3.0), (6.0, 6.5), (-9.0, -8.0), (12.0, np.inf)]
)
def test_draws_have_the_distribution(low: float, high: float) -> None:
    mean, sd = 1.0, 0.5
    n = 3000
    bounds = np.full(n, low), np.full(n, high)
    drawn = draw_truncated(np.full(n, mean), sd, *bounds, np.random.default_rng(1))
    peer = stats.truncnorm((low - mean) / sd, (high - mean) / sd, mean, sd)
    assert stats.kstest(drawn, peer.cdf).pvalue > 1e-3


def test_what_is_far_out_is_finite_and_near_the_bound() -> None:
    mean = np.array([0.0, 0.0, 1e4, -1e4])
    low = np.array([50.0, -np.inf, -np.inf, 0.0])
    high = np.array([np.inf, -50.0, 0.0, np.inf])
    drawn = draw_truncated(mean, 1.0, low, high, np.random.default_rng(2))
    assert np.isfinite(drawn).all()
