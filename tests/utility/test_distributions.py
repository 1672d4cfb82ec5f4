"""Distances of columns against SciPy's and closed forms."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from replicant.utility.distributions import Distances, level_distance, number_distances


@pytest.mark.parametrize("digits", [0, 1, 8])
@pytest.mark.parametrize("seed", range(3))
def test_distances_are_those_of_scipy(seed: int, digits: int) -> None:
    rng = np.random.default_rng(seed)
    x, y = rng.normal(size=200).round(digits), rng.normal(0.3, 1.2, 150).round(digits)
    found = number_distances(x, y)
    assert found.ks == pytest.approx(stats.ks_2samp(x, y).statistic)
    assert found.wasserstein == pytest.approx(stats.wasserstein_distance(x, y) / x.std())


def test_weights_are_repetitions() -> None:
    rng = np.random.default_rng(4)
    x, y = rng.normal(size=60), rng.normal(size=50).round(1)
    w, v = rng.integers(1, 4, 60), rng.integers(1, 4, 50)
    whole = number_distances(np.repeat(x, w), np.repeat(y, v))
    weighted = number_distances(x, y, w.astype(float), v.astype(float))
    assert weighted.ks == pytest.approx(whole.ks)
    assert weighted.wasserstein == pytest.approx(whole.wasserstein)
    assert weighted.tails == pytest.approx(whole.tails)


def test_tails_and_extremes() -> None:
    x = np.arange(1000.0)
    assert number_distances(x, x) == Distances(0, 0, 0, 0)
    cut = np.clip(x, 50, 899)  # top coding: a tenth of the rows lies at the ends, nothing beyond the 95th percentile
    found = number_distances(x, cut)
    # The 95th percentile of both together is 899, beyond which a tenth of the real rows lies and none of the others.
    assert found.tails == pytest.approx(0.1, abs=0.002)
    assert found.extremes == 0
    assert number_distances(x, np.where(x < 20, -5.0, x)).extremes == pytest.approx(0.02)


@pytest.mark.parametrize("x", [np.array([]), np.full(3, np.nan)])
def test_columns_without_a_number_have_no_distance(x: np.ndarray) -> None:
    assert math.isnan(number_distances(x, np.ones(2)).ks)
    assert math.isnan(number_distances(np.ones(2), x).wasserstein)


def test_a_constant_real_column_has_no_deviation() -> None:
    found = number_distances(np.ones(5), np.array([1.0, 2.0]))
    assert found.ks == 0.5
    assert math.isnan(found.wasserstein)


def test_total_variation() -> None:
    assert level_distance(np.array([3.0, 1, 0]), np.array([0.0, 1, 1])) == 0.75
    assert math.isnan(level_distance(np.zeros(2), np.ones(2)))


def test_tails_of_exchanged_rows_are_as_far_apart_as_of_the_tables() -> None:
    """Also of few values: where the tails begin is said by both tables."""
    rng = np.random.default_rng(8)
    farther = []
    for _ in range(200):
        both = (rng.random(400) < 0.01) * 2.0 + (rng.random(400) < 0.3)
        moved = rng.permutation(both)
        apart = [number_distances(one[:200], one[200:]).tails for one in (both, moved)]
        farther.append(np.sign(apart[0] - apart[1]))
    assert abs(np.mean(farther)) < 4 * np.std(farther) / np.sqrt(len(farther))
