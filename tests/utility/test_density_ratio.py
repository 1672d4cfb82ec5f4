"""The density ratio against refitted models, and against ratios that are known."""

from __future__ import annotations

import numpy as np
import pytest

from replicant.evaluation.rows import CodedColumn, Coding, Rows
from replicant.utility import density_ratio as module
from replicant.utility.density_ratio import density_ratio, pearson_divergence, points


@pytest.mark.parametrize(("n", "k"), [(12, 12), (9, 14), (15, 8)])
def test_error_of_rows_left_out_is_that_of_models_fitted_without_them(n: int, k: int) -> None:
    rng = np.random.default_rng(1)
    a, b = rng.random((n, 5)), rng.random((k, 5))
    penalty = 0.3
    roots, vectors = np.linalg.eigh(b.T @ b / k)
    found = module._left_out(a, b, a.mean(axis=0), roots, vectors, penalty)
    least = min(n, k)
    error = 0.0
    for i in range(least):
        own, other = np.delete(a, i, axis=0), np.delete(b, i, axis=0)
        weights = np.linalg.solve(other.T @ other / (k - 1) + penalty * np.eye(5), own.mean(axis=0))
        weights = np.maximum(weights, 0)
        error += (b[i] @ weights) ** 2 / 2 - a[i] @ weights
    assert found == pytest.approx(error / least, rel=1e-9)


@pytest.mark.parametrize("shift", [0.0, 0.5, 0.8])
def test_divergence_of_normals_is_known(shift: float) -> None:
    rng = np.random.default_rng(2)
    a, b = rng.normal(shift, 1, (1500, 1)), rng.normal(0, 1, (1500, 1))
    ratio = density_ratio(a, b, rng)
    # The sample's own divergence scatters by a quarter, and a ridge penalty flattens the ratio where rows are few.
    assert pearson_divergence(ratio, a, b) == pytest.approx((np.exp(shift**2) - 1) / 2, abs=0.04, rel=0.45)
    x = np.array([[-0.5], [0.0], [1.0]])
    np.testing.assert_allclose(ratio(x), np.exp(shift * x[:, 0] - shift**2 / 2), atol=0.2)


def test_points_have_the_scale_of_the_real_rows_and_indicators() -> None:
    columns = (CodedColumn("a", "continuous", missing_codes=(-8.0,)), CodedColumn("b", "nominal", levels=("x", "y")))
    coding = Coding(columns)
    numbers = np.array([[1.0, np.nan], [3.0, np.nan], [np.nan, np.nan]])
    real = Rows(coding, np.zeros((3, 2), np.int64), np.array([[0, 0], [0, 1], [2, 2]], np.int32), numbers)
    made = Rows(coding, np.zeros((3, 2), np.int64), np.array([[0, 0], [0, 0], [1, 1]], np.int32), numbers + 1)
    a, b = points(real, made)
    np.testing.assert_allclose(a, [[-1, 0, 0, 1, 0, 0], [1, 0, 0, 0, 1, 0], [0, 0, 1, 0, 0, 1]])
    np.testing.assert_allclose(b, [[0, 0, 0, 1, 0, 0], [2, 0, 0, 1, 0, 0], [0, 1, 0, 0, 1, 0]])


def test_rows_that_are_all_equal_have_a_ratio_of_about_one() -> None:
    rng = np.random.default_rng(3)
    same = np.ones((20, 2))
    assert pearson_divergence(density_ratio(same, same, rng), same, same) == pytest.approx(0, abs=1e-3)
