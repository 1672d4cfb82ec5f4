"""Logistic and multinomial regression: statsmodels and the engine's own estimators say what the estimates are."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st

from replicant.estimate import fit
from replicant.methods import Response
from replicant.methods.climbing import added_rows, climb, separated
from replicant.methods.factors import root_of_inverse
from replicant.methods.logistic import LevelModel, OneLevel, fit_levels, levels_of, picked
from replicant.methods.logreg import Logreg
from replicant.methods.polyreg import Polyreg
from replicant.methods.two_levels import two_levels

RNG = np.random.default_rng(0)
Floats = npt.NDArray[np.float64]


def table(n: int, levels: int, seed: int = 1, scale: float = 1.0, offset: float = 0.0) -> tuple[Response, Floats]:
    rng = np.random.default_rng(seed)
    z = np.column_stack([rng.normal(size=(n, 2)), rng.integers(0, 2, n)])
    eta = np.column_stack([np.zeros(n), *(0.3 * level + z @ rng.normal(0, 0.7, 3) for level in range(1, levels))])
    classes = (eta + rng.gumbel(size=eta.shape)).argmax(axis=1).astype(np.int32)
    x = np.column_stack([np.ones(n), offset + scale * z[:, :2], z[:, 2]])
    return Response(classes, classes=classes, n_classes=levels), x


def fitted(y: Response, x: Floats, weights: Any = None) -> LevelModel:
    model = fit_levels(levels_of(y, weights), x, True)
    assert isinstance(model, LevelModel)
    return model


def covariance(model: LevelModel) -> Floats:
    flat = model.spread.reshape(len(model.spread), -1)
    return np.asarray(flat.T @ flat)


def close(model: LevelModel, beta: Floats, covariance_matrix: Floats) -> None:
    """The last step is of 1e-2 standard errors at most, so that the next would be of its square, 1e-4."""
    errors = np.sqrt(np.diag(covariance_matrix))
    assert np.abs((model.beta - beta).reshape(-1) / errors).max() < 1e-3
    np.testing.assert_allclose(
        covariance(model) / np.outer(errors, errors), covariance_matrix / np.outer(errors, errors), atol=0.02
    )


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize(("n", "levels"), [(60, 2), (400, 2), (20_000, 2), (300, 3), (9000, 5)])
def test_estimates_are_those_of_statsmodels(n: int, levels: int, weighted: bool) -> None:
    y, x = table(n, levels)
    weights = np.random.default_rng(3).integers(1, 4, n).astype(np.int32) if weighted else None
    rows = np.repeat(np.arange(n), 1 if weights is None else weights)
    ours = fitted(y, x, weights)
    theirs = (sm.Logit if levels == 2 else sm.MNLogit)(y.codes[rows], x[rows]).fit(disp=0, method="newton")
    assert ours.notes == ()
    params = np.asarray(theirs.params).reshape(4, -1).T
    close(ours, params, theirs.cov_params())


@pytest.mark.parametrize("levels", [2, 4])
def test_estimates_are_those_of_the_analyses(levels: int) -> None:
    y, x = table(500, levels)
    ours = fitted(y, x)
    frame = pd.DataFrame(x[:, 1:], columns=["a", "b", "c"]).assign(y=pd.Categorical(y.codes, range(levels)))
    theirs = fit("multinomial", "y ~ a + b + c", frame)
    close(ours, theirs.estimates.reshape(ours.beta.shape), theirs.covariance)


@pytest.mark.parametrize(("scale", "offset"), [(1e-6, 0.0), (1e120, 0.0), (10.0, 2000.0), (1e13, 1.6e18)])
@pytest.mark.parametrize("levels", [2, 3])
def test_the_scale_of_a_predictor_does_not_matter(levels: int, scale: float, offset: float) -> None:
    y, x = table(200, levels)
    _, moved = table(200, levels, scale=scale, offset=offset)
    plain, other = fitted(y, x), fitted(y, moved)
    np.testing.assert_allclose(other.beta[:, 1:3] * scale, plain.beta[:, 1:3], rtol=1e-5)
    np.testing.assert_allclose(moved @ other.beta.T, x @ plain.beta.T, atol=1e-5)


def test_drawn_coefficients_have_the_covariance_of_the_estimates() -> None:
    y, x = table(300, 3)
    model = fitted(y, x)
    rng, size = np.random.default_rng(4), 20_000
    drawn = np.array([model.coefficients(rng).reshape(-1) for _ in range(size)])
    expected = covariance(model)
    error = np.sqrt(np.diag(expected) / size)
    assert (np.abs(drawn.mean(axis=0) - model.beta.reshape(-1)) < 4 * error).all()
    np.testing.assert_allclose(np.cov(drawn.T), expected, atol=5 * np.diag(expected).max() * np.sqrt(2 / size))


@pytest.mark.parametrize("method", [Logreg(), Polyreg()])
@pytest.mark.parametrize("levels", [2, 3])
def test_draws_have_the_probabilities_of_the_model(method: Logreg | Polyreg, levels: int) -> None:
    y, x = table(400, levels)
    if levels == 2:
        theirs = sm.Logit(y.codes, x).fit(disp=0)
        p = theirs.predict(x[:1])[0]
        shares = np.array([1 - p, p])
    else:
        shares = sm.MNLogit(y.codes, x).fit(disp=0).predict(x[:1])[0]
    drawn = method.fit(y, x, None, RNG).draw(np.repeat(x[:1], 40_000, axis=0), np.random.default_rng(5))
    assert drawn.dtype == np.int32
    counts = np.bincount(drawn, minlength=levels) / 40_000
    assert (np.abs(counts - shares) < 4 * np.sqrt(shares * (1 - shares) / 40_000)).all()


def test_levels_that_do_not_occur_are_not_drawn() -> None:
    y, x = table(200, 3)
    wider = Response(y.codes * 2 + 1, classes=y.codes * 2 + 1, n_classes=8)
    model = Polyreg().fit(wider, x, None, RNG)
    np.testing.assert_array_equal(
        model.draw(x, np.random.default_rng(6)),
        2 * Polyreg().fit(y, x, None, RNG).draw(x, np.random.default_rng(6)) + 1,
    )
    only = Response(np.full(9, 4, dtype=np.int32), classes=np.full(9, 4, dtype=np.int32), n_classes=8)
    single = Polyreg(proper=True).fit(only, x[:9], None, RNG)
    assert isinstance(single, OneLevel)
    assert single.notes == ("one_class",)
    assert single.draw(x, RNG).tolist() == [4] * 200


@pytest.mark.parametrize("levels", [2, 3])
def test_separated_levels_are_augmented_as_the_paper_says(levels: int) -> None:
    """The estimates maximize the likelihood of the rows and those added, for statsmodels too."""
    rng = np.random.default_rng(7)
    x = np.column_stack([np.ones(90), rng.normal(size=90), np.arange(90) % 3 == 0])
    classes = ((x[:, 1] > 0) * (levels - 1)).astype(np.int32)
    classes[(levels == 3) & (np.abs(x[:, 1]) < 0.3)] = 1
    model = fitted(Response(classes, classes=classes, n_classes=levels), x)
    assert model.notes == ("augmented",)
    standard = (x - x.mean(axis=0)) / np.maximum(x.std(axis=0), 1e-9)
    standard[:, 0] = 1.0
    matrix, all_classes, w = added_rows(standard.T, classes.astype(np.intp), None, levels)
    matrix = matrix.T
    assert len(matrix) == 90 + 2 * 2 * levels
    assert w[90:].sum() == pytest.approx(3)
    eta = np.column_stack([np.zeros(len(matrix)), matrix @ in_standard(model, x).T])
    shares = np.exp(eta) / np.exp(eta).sum(axis=1, keepdims=True)
    outcome = np.arange(levels) == all_classes[:, None]
    score = (w[:, None] * (outcome - shares)).T @ matrix
    assert np.abs(score).max() < 1e-2  # the likelihood's own gradient is 0
    assert np.sqrt(np.diag(covariance(model))).max() < 20
    if levels == 2:
        theirs = sm.GLM(all_classes, matrix, family=sm.families.Binomial(), freq_weights=w).fit()
        np.testing.assert_allclose(in_standard(model, x)[0], theirs.params, rtol=1e-3)


def in_standard(model: LevelModel, x: Floats) -> Floats:
    """(L - 1, q) coefficients of the standardized predictors."""
    mean, deviation = x[:, 1:].mean(axis=0), x[:, 1:].std(axis=0)
    return np.column_stack([model.beta[:, 0] + model.beta[:, 1:] @ mean, model.beta[:, 1:] * deviation])


def test_a_rare_level_is_no_separation() -> None:
    rng = np.random.default_rng(8)
    x = np.column_stack([np.ones(50_000), rng.normal(size=50_000)])
    classes = (rng.random(50_000) < 1 / (1 + np.exp(8 - x[:, 1]))).astype(np.int32)
    assert 10 < classes.sum() < 100
    model = fitted(Response(classes, classes=classes, n_classes=2), x)
    theirs = sm.Logit(classes, x).fit(disp=0, method="newton")
    assert model.notes == ()
    np.testing.assert_allclose(model.beta[0], theirs.params, rtol=1e-4)


def test_a_search_that_gets_nowhere_says_so() -> None:
    end = climb(lambda theta, nearby: (-np.inf, np.ones(1), np.eye(1)), np.zeros(1), lambda step: 0.0)
    assert end.state == "not_converged"
    steep = climb(lambda theta, nearby: (np.nan, np.full(1, np.nan), np.eye(1)), np.zeros(1), lambda step: 0.0)
    assert steep.state == "not_converged"
    slow = climb(
        lambda theta, nearby: (float(theta[0]), np.ones(1), np.eye(1)), np.zeros(1), lambda step: 1.0, maxiter=5
    )
    assert slow.state == "not_converged"
    root = root_of_inverse(np.zeros((2, 2)))
    assert np.isfinite(root).all()


def test_a_search_ends_where_all_rows_are_more_likely_than_not_as_observed() -> None:
    """Of separated levels there is no maximum; of others no coefficients are found that give each row such a chance."""
    x = np.linspace(-1, 1, 20)
    z = np.stack([np.ones(20), x / x.std()])[None]
    start = np.zeros((1, 2))
    assert two_levels(z, (x > 0).astype(np.intp), None, start, separable=True)[0].state == "separated"
    mixed = ((x > 0) ^ (np.arange(20) == 3)).astype(np.intp)
    assert two_levels(z, mixed, None, start, separable=True)[0].state == "converged"
    # Two that touch: a row on either side has the same predictor.
    touching = np.stack([np.ones(20), np.repeat(np.arange(10.0), 2) - 4.5])[None]
    last = (np.arange(20) > 8).astype(np.intp)
    assert two_levels(touching, last, None, start, separable=True)[0].state == "separated"


def programmed(x: Floats, classes: npt.NDArray[np.intp], levels: int) -> bool:
    """Whether a linear program finds coefficients that make no row less likely, and some more (Konis 2007)."""
    from scipy.optimize import linprog

    rows = []
    for row, observed in zip(x, classes, strict=True):
        for other in set(range(levels)) - {int(observed)}:
            margin = np.zeros((levels, x.shape[1]))
            margin[observed], margin[other] = row, -row
            rows.append(margin.ravel())
    margins = np.array(rows)
    end = linprog(-margins.sum(axis=0), A_ub=-margins, b_ub=np.zeros(len(margins)), bounds=(-1, 1))
    return bool(-end.fun > 1e-7)


@settings(max_examples=60, deadline=None)
@given(st.integers(2, 4), st.integers(1, 3), st.integers(8, 30), st.integers(0, 10_000))
def test_levels_that_one_predictor_separates_are_found_so(levels: int, k: int, n: int, seed: int) -> None:
    """By a linear program too; and a predictor that overlaps everywhere separates nothing."""
    rng = np.random.default_rng(seed)
    classes = np.concatenate([np.arange(levels), rng.integers(0, levels, n - levels)])
    z = rng.integers(0, 3, (k, n)) + rng.integers(0, 2, (k, 1)) * classes
    z = z[np.ptp(z, axis=1) > 0].astype(float)
    if not len(z):
        return
    x = np.column_stack([np.ones(n), *z])
    found = bool(separated(z, classes))
    if found:
        assert programmed(x, classes, levels)
    for column in z:
        alone = any(
            column[classes == level].max() <= column[classes != level].min()
            or column[classes == level].min() >= column[classes != level].max()
            for level in range(levels)
        )
        assert bool(separated(column[None], classes)) == alone
    stacked = separated(np.stack([z, rng.normal(size=z.shape)]), classes)
    assert stacked.shape == (2,)
    assert stacked[0] == found


@pytest.mark.parametrize("levels", [2, 3])
@pytest.mark.parametrize("others", [0, 2])
def test_a_level_without_an_indicator_separates_where_one_outcome_does_not_occur_with_it(
    levels: int, others: int
) -> None:
    """The sum of the indicators tells it; where it meets all outcomes, or is always the same, nothing is told."""
    rng = np.random.default_rng(levels + others)
    factor, classes = np.arange(60) % 3, np.arange(60) // 3 % levels
    numbers = rng.normal(size=(others, 60))
    indicators = (factor == [[1], [2]]).astype(float)
    assert not separated(np.vstack([indicators, numbers]), classes)
    assert not separated(np.vstack([indicators[:1], 1 - indicators[:1], numbers]), classes)
    rare = np.where(factor == 0, 0, classes)
    z = np.vstack([indicators, numbers])
    assert separated(z, rare)
    assert not any(separated(row[None], rare) for row in z)
    assert programmed(np.column_stack([np.ones(60), *z]), rare, levels)


def test_a_large_table_is_not_searched_for_what_separates() -> None:
    z = np.repeat([0.0, 1.0], 200_000)[None]
    classes = z[0].astype(np.intp)
    assert not separated(z, classes)
    ends = two_levels(np.stack([np.ones(400_000), z[0]])[None], classes, None, np.zeros((1, 2)), separable=True)
    assert ends[0].state == "separated"


def test_many_rows_are_summed_a_few_at_a_time() -> None:
    rng = np.random.default_rng(12)
    z = np.stack([np.ones(20_000), rng.normal(size=20_000)])
    classes = (rng.random(20_000) < 1 / (1 + np.exp(-z[1]))).astype(np.intp)
    weights = rng.integers(1, 4, 20_000).astype(float)
    ends = two_levels(np.stack([z, -z]), classes, weights, np.zeros((2, 2)), separable=True)
    theirs = sm.GLM(classes, z.T, family=sm.families.Binomial(), freq_weights=weights).fit(tol=1e-12)
    np.testing.assert_allclose(ends[0].theta, theirs.params, rtol=1e-5)
    np.testing.assert_allclose(ends[1].theta, -ends[0].theta)
    np.testing.assert_allclose(np.linalg.inv(ends[0].information), theirs.cov_params(), rtol=0.02)


def test_picking_goes_by_shares() -> None:
    shares = np.array([[1.0, 0.0, 3.0]])
    picks = picked(np.repeat(shares, 8000, axis=0), (np.arange(8000) + 0.5) / 8000)
    assert np.bincount(picks, minlength=3).tolist() == [2000, 0, 6000]


@pytest.mark.slow
@pytest.mark.parametrize("method", [Logreg(proper=True), Polyreg(proper=True)])
def test_the_share_of_a_level_is_covered(method: Any) -> None:
    """Ten imputations of 500 samples whose level is missing at random: 95 % intervals cover 93 to 97 %."""
    from replicant.pool import pool

    rng = np.random.default_rng(9)
    levels = 2 if isinstance(method, Logreg) else 3
    slopes = np.array([[0.0, 0.0], [0.0, 1.0], [0.5, -1.0]])[:levels]
    grid = np.column_stack([np.ones(200_001), np.random.default_rng(10).normal(size=200_001)])
    shares = np.exp(grid @ slopes.T)
    truth = (shares[:, 1] / shares.sum(axis=1)).mean()
    covered = 0
    for _ in range(500):
        x = np.column_stack([np.ones(300), rng.normal(size=300)])
        classes = (x @ slopes.T + rng.gumbel(size=(300, levels))).argmax(axis=1).astype(np.int32)
        missing = rng.random(300) < 1 / (1 + np.exp(-x[:, 1]))
        seen = Response(classes[~missing], classes=classes[~missing], n_classes=levels)
        estimates, variances = [], []
        for _ in range(10):
            full = classes.copy()
            full[missing] = method.fit(seen, x[~missing], None, rng).draw(x[missing], rng)
            share = (full == 1).mean()
            estimates.append([share])
            variances.append([[share * (1 - share) / 300]])
        frame = pool(np.array(estimates), np.array(variances), rule="rubin1987").frame
        covered += bool(frame["conf_low"].iloc[0] < truth < frame["conf_high"].iloc[0])
    assert 0.93 - 0.01 <= covered / 500 <= 0.97 + 0.01
