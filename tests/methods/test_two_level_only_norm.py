"""`2lonly.norm`: a regression of clusters' means, as statsmodels fits it."""

from __future__ import annotations

import numpy as np
import pytest
import statsmodels.api as sm

from replicant.methods import Clustered
from replicant.methods.two_level_only_norm import TwoLevelOnlyNorm

from .coded import numbers

RNG = np.random.default_rng(0)  # the fit draws nothing


def table(seed: int, groups: int = 80) -> tuple[Clustered, np.ndarray, np.ndarray]:
    """Rows, the clusters' values by row, and their predictor."""
    rng = np.random.default_rng(seed)
    cluster = np.concatenate([np.arange(groups), rng.integers(0, groups, 400)]).astype(np.int32)
    group = rng.normal(size=groups)
    value = 3.0 + 2.0 * group + rng.normal(0, 0.5, groups)
    rows = group[cluster] + rng.normal(0, 1e-3, len(cluster))
    return Clustered(np.column_stack([np.ones(len(cluster)), rows]), cluster, groups), value[cluster], group


def test_coefficients_are_those_of_the_clusters() -> None:
    x, y, _ = table(1)
    fit = TwoLevelOnlyNorm().fit(numbers(y), x, None, RNG).regression
    size = np.bincount(x.cluster)
    means = np.bincount(x.cluster, x.design[:, 1]) / size
    ols = sm.OLS(np.bincount(x.cluster, y) / size, sm.add_constant(means)).fit()
    np.testing.assert_allclose(fit.beta, ols.params)
    assert fit.sigma == pytest.approx(np.sqrt(ols.scale))
    twice = TwoLevelOnlyNorm().fit(numbers(y), x, np.full(len(y), 2, dtype=np.int32), RNG).regression
    np.testing.assert_allclose(twice.beta, ols.params)


@pytest.mark.parametrize("proper", [False, True])
def test_clusters_are_drawn_with_one_value_each_of_the_right_distribution(proper: bool) -> None:
    moments = []
    for seed in range(60):
        x, y, group = table(seed)
        drawn = TwoLevelOnlyNorm(proper).fit(numbers(y), x, None, RNG).draw(x, np.random.default_rng(seed))
        first = np.unique(x.cluster, return_index=True)[1]
        np.testing.assert_array_equal(drawn, drawn[first][x.cluster])
        slope = np.cov(drawn[first], group)[0, 1] / group.var(ddof=1)
        excess = drawn[first].var() - 4 * group.var()
        moments.append([drawn[first].mean() - 3.0 - 2.0 * group.mean(), slope, excess])
    mean, error = np.mean(moments, axis=0), np.std(moments, axis=0) / np.sqrt(60)
    # A drawn sigma^2 is larger than the estimate by df / (df - 2) on average.
    assert (np.abs(mean - [0.0, 2.0, 0.25]) < 4 * error + [0, 0, 0.02 * proper]).all()


def test_new_clusters_are_predicted() -> None:
    x, y, _ = table(2)
    model = TwoLevelOnlyNorm(proper=True).fit(numbers(y), x, None, RNG)
    new = Clustered(np.array([[1.0, 5.0], [1.0, 7.0], [1.0, -5.0]]), np.array([90, 90, 91], dtype=np.int32), 92)
    drawn = np.array([model.draw(new, np.random.default_rng(seed)) for seed in range(50)])
    np.testing.assert_array_equal(drawn[:, 0], drawn[:, 1])
    np.testing.assert_allclose(drawn[:, [0, 2]].mean(axis=0), [15.0, -7.0], atol=1.5)


def test_two_rows_of_one_cluster() -> None:
    x = Clustered(np.ones((2, 3)), np.zeros(2, dtype=np.int32), 1)
    drawn = TwoLevelOnlyNorm(proper=True).fit(numbers([1.0, 3.0]), x, None, RNG).draw(x, np.random.default_rng(1))
    assert np.isfinite(drawn).all()
