"""Least squares for the methods of numbers: statsmodels and scikit-learn say what the estimates are."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import statsmodels.api as sm
from hypothesis import given
from hypothesis import strategies as st
from sklearn.linear_model import Ridge

from replicant.methods.linear import regress, standardize

from .designs import COLUMNS, unusual

Floats = npt.NDArray[np.float64]


def design(n: int, k: int, seed: int = 1, scale: float = 1.0, offset: float = 0.0) -> Floats:
    rng = np.random.default_rng(seed)
    return np.column_stack([np.ones(n), offset + scale * rng.normal(size=(n, k))])


def response(x: Floats, seed: int = 2) -> Floats:
    rng = np.random.default_rng(seed)
    standard = (x[:, 1:] - x[:, 1:].mean(axis=0)) / np.maximum(x[:, 1:].std(axis=0), 1e-300)
    return np.asarray(3.0 + standard @ np.linspace(-1, 1, x.shape[1] - 1) + rng.normal(size=len(x)))


def covariance(fit: Any) -> Floats:
    """(k, k) of the slopes, for residuals of variance 1."""
    return np.asarray(fit.root @ fit.root.T)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize(("scale", "offset"), [(1.0, 0.0), (1e-3, 1.0), (10.0, 2000.0), (1e13, 1.6e18), (1e150, 0.0)])
@pytest.mark.parametrize(("n", "k"), [(12, 3), (300, 9), (20_000, 4)])
def test_estimates_are_those_of_statsmodels(n: int, k: int, scale: float, offset: float, weighted: bool) -> None:
    x = design(n, k, scale=scale, offset=offset)
    y = response(x)
    weights = np.random.default_rng(3).integers(1, 4, n).astype(np.int32) if weighted else None
    rows = np.repeat(np.arange(n), 1 if weights is None else weights)
    moved = np.column_stack([x[:, 0], (x[:, 1:] - offset) / scale])  # statsmodels loses the digits that x has
    theirs = sm.OLS(y[rows], moved[rows]).fit()
    ours, fitted = regress(x, y, weights)
    assert ours.notes == ()
    tolerance = 1e-8 if offset < 1e4 * scale else 1e-7
    np.testing.assert_allclose(ours.beta[1:] * scale, theirs.params[1:], rtol=tolerance, atol=tolerance)
    np.testing.assert_allclose(fitted[rows], theirs.fittedvalues, rtol=1e-6, atol=1e-7)
    assert ours.df == theirs.df_resid
    assert ours.sigma == pytest.approx(np.sqrt(theirs.scale), rel=1e-8)
    np.testing.assert_allclose(
        covariance(ours) * scale**2, theirs.normalized_cov_params[1:, 1:], rtol=1e-5, atol=1e-8 / n
    )
    assert ours.explained == pytest.approx(np.sqrt(theirs.ess), rel=1e-7)


def test_drawn_parameters_have_the_posterior_of_the_textbook() -> None:
    """A multivariate t for the coefficients, whose covariance is that of least squares times df / (df - 2)."""
    x = design(30, 3, offset=5.0)
    y = response(x)
    ours, _ = regress(x, y, None)
    theirs = sm.OLS(y, x).fit()
    rng, size = np.random.default_rng(4), 20_000
    drawn = [ours.posterior(rng) for _ in range(size)]
    betas, variances = np.array([beta for beta, _ in drawn]), np.array([sigma**2 for _, sigma in drawn])
    df = theirs.df_resid
    spread = theirs.cov_params() * df / (df - 2)
    error = np.sqrt(np.diag(spread) / size)
    assert (np.abs(betas.mean(axis=0) - theirs.params) < 4 * error).all()
    np.testing.assert_allclose(np.cov(betas.T), spread, atol=6 * np.diag(spread).max() / np.sqrt(size))
    inverse = theirs.ssr / variances  # chi-squared
    assert inverse.mean() == pytest.approx(df, abs=4 * np.sqrt(2 * df / size))
    assert inverse.var() == pytest.approx(2 * df, rel=0.06)


def test_predictors_that_follow_from_others_or_are_constant_are_left_out() -> None:
    x = design(200, 3)
    y = response(x)
    wide = np.column_stack([x, x[:, 1] + 2 * x[:, 2], np.full(200, 0.1), np.zeros(200), x[:, 3]])
    ours, fitted = regress(wide, y, None)
    plain, expected = regress(x, y, None)
    assert ours.notes == ("constant", "collinear")
    np.testing.assert_array_equal(ours.kept, [1, 2, 3])
    np.testing.assert_allclose(ours.beta[:4], plain.beta, atol=1e-9)
    np.testing.assert_allclose(fitted, expected, atol=1e-9)
    assert (ours.beta[4:] == 0).all()
    assert ours.df == plain.df
    standard = standardize(wide, None)
    np.testing.assert_array_equal(standard.kept, [1, 2, 3])


@pytest.mark.parametrize("k", [24, 60])
def test_a_ridge_is_that_of_scikit_learn_and_leaves_residuals(k: int) -> None:
    """With more predictors than rows: the same penalty gives the same coefficients."""
    x = design(25, k, offset=3.0)
    y = x[:, 1] + np.random.default_rng(5).normal(size=25)
    ours, fitted = regress(x, y, None)
    assert ours.notes == ("ridge",)
    assert ours.df >= 12
    assert 0.2 < ours.sigma < 3
    standard = (x[:, 1:] - x[:, 1:].mean(axis=0)) / x[:, 1:].std(axis=0) / 5.0
    penalties = np.logspace(-4, 4, 33) * np.linalg.norm(standard, 2) ** 2
    fits = [Ridge(alpha=penalty).fit(standard, y).predict(standard) for penalty in penalties]
    assert min(np.abs(fit - fitted).max() for fit in fits) < 1e-8


def test_one_row_and_two_rows_have_a_fit() -> None:
    one, fitted = regress(np.array([[1.0, 2.0]]), np.array([7.0]), None)
    assert (one.beta.tolist(), one.sigma, fitted.tolist()) == ([7.0, 0.0], 0.0, [7.0])
    two, _ = regress(np.array([[1.0, 2.0], [1.0, 3.0]]), np.array([7.0, 9.0]), None)
    assert two.notes == ("ridge",)
    assert 7.0 < two.beta @ [1.0, 2.0] < two.beta @ [1.0, 3.0] < 9.0
    assert two.sigma > 0
    alone, _ = regress(np.ones((2, 1)), np.array([7.0, 9.0]), None)
    assert (alone.beta.tolist(), alone.df, alone.sigma) == ([8.0], 1.0, pytest.approx(np.sqrt(2)))


@given(
    n=st.integers(1, 12),
    columns=COLUMNS,
    level=st.sampled_from([0.0, 1.0, 1e-90, 1e90]),
    weighted=st.booleans(),
    seed=st.integers(0, 99),
)
@pytest.mark.filterwarnings("error")
def test_whatever_the_predictors_are_there_are_finite_parameters(
    n: int, columns: list[str], level: float, weighted: bool, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    x, y = unusual(n, columns, rng), level * rng.normal(size=n)
    weights = rng.integers(1, 5, n).astype(np.int32) if weighted else None
    fit, fitted = regress(x, y, weights)
    beta, sigma = fit.posterior(rng)
    assert np.isfinite(fit.sigma)
    assert np.isfinite(sigma)
    assert np.isfinite(fitted).all()
    assert np.isfinite(x @ beta).all()
    spread = np.ptp(y)
    assert np.abs(fitted - y).max() <= spread * 1.01 + 1e-12 * np.abs(y).max()
    standard = standardize(x, weights)
    w = np.ones(n) if weights is None else weights
    np.testing.assert_allclose(standard.matrix[1:] @ w / w.sum(), 0.0, atol=1e-5)
    np.testing.assert_allclose(standard.matrix[1:] ** 2 @ w / w.sum(), 1.0, atol=1e-5)
