"""Draws between bounds against SciPy's truncated normal distribution."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from replicant.methods.truncated import draw_between, draw_truncated
from replicant.ranges import Ranges


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


def test_of_some_ranges_each_has_its_probability() -> None:
    n, mean, sd = 20_000, 1.0, 0.5
    low, high = np.array([-np.inf, 0.9, 2.2]), np.array([0.0, 1.0, 9.0])
    ranges = Ranges(np.arange(n + 1, dtype=np.int32) * 3, np.tile(low, n), np.tile(high, n))
    drawn, found = draw_between(np.full(n, mean), sd, ranges, np.random.default_rng(3))
    assert found.all()
    normal = stats.norm(mean, sd)
    shares = normal.cdf(high) - normal.cdf(low)
    inside = (drawn[:, None] >= low) & (drawn[:, None] < high)
    assert stats.chisquare(inside.sum(axis=0), n * shares / shares.sum()).pvalue > 1e-3
    for j in range(3):
        peer = stats.truncnorm((low[j] - mean) / sd, (high[j] - mean) / sd, mean, sd)
        assert stats.kstest(drawn[inside[:, j]], peer.cdf).pvalue > 1e-3


def test_a_range_is_never_too_far_out_and_no_range_is_said() -> None:
    low, high = np.array([-1e6, 60.0, 60.0]), np.array([-9e5, 60.5, 70.0])
    ranges = Ranges(np.array([0, 1, 2, 2, 3], dtype=np.int32), low, high)
    drawn, found = draw_between(np.zeros(4), 1.0, ranges, np.random.default_rng(4))
    assert found.tolist() == [True, True, False, True]
    assert -1e6 <= drawn[0] < -9e5 + 1
    assert 60.0 <= drawn[1] < 60.5
    assert drawn[2] == 0.0
    assert 60.0 <= drawn[3] < 61.0
    drawn, found = draw_between(np.array([60.2, 0.0]), 0.0, ranges.take(np.array([1, 3])), np.random.default_rng(5))
    assert found.tolist() == [True, False]
