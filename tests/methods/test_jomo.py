"""`jomo`: closed forms where all is normal, known truth where it is not, and what is known is conditioned on."""

from __future__ import annotations

import pickle
from dataclasses import replace

import numpy as np
import pytest
import statsmodels.api as sm
from scipy import stats

from replicant.methods import Response
from replicant.methods.jomo import Jomo

from .coded import classes, numbers

COVARIANCE = np.array(
    [
        [1.0, 0.5, 0.3, 0.2, 0.4],
        [0.5, 1.0, 0.4, 0.1, 0.2],
        [0.3, 0.4, 1.0, 0.3, 0.1],
        [0.2, 0.1, 0.3, 1.0, 0.5],
        [0.4, 0.2, 0.1, 0.5, 1.0],
    ]
)


def table(n: int, seed: int) -> tuple[np.ndarray, tuple[Response, ...]]:
    """A design matrix, and a block of a number, two levels, four ordered levels and three others."""
    rng = np.random.default_rng(seed)
    w = rng.normal(size=n)
    latent = rng.multivariate_normal(np.zeros(5), COVARIANCE, n) + np.outer(w, [0.5, 0.0, 0.5, 0.3, 0.0])
    nominal = np.where(latent[:, 3:].max(axis=1) < 0, 0, np.where(latent[:, 3] > latent[:, 4], 1, 2))
    block = (
        numbers(10.0 + 3.0 * latent[:, 0]),
        classes(latent[:, 1] > 0.3, 2),
        replace(classes(np.digitize(latent[:, 2], [-1.0, 0.0, 1.2]), 4), ordered=True),
        classes(nominal, 3),
    )
    return np.column_stack([np.ones(n), w]), block


def hidden(y: Response, missing: np.ndarray) -> Response:
    """A column of which some cells are missing."""
    return replace(
        y,
        codes=np.where(missing, -1, y.codes).astype(np.int32),
        numbers=None if y.numbers is None else np.where(missing, np.nan, y.numbers),
        classes=None if y.classes is None else np.where(missing, -1, y.classes).astype(np.int32),
    )


def moments(x: np.ndarray, cells: tuple[np.ndarray, ...]) -> np.ndarray:
    """Means, standard deviation and correlations of what the columns are."""
    number, two, ordered, nominal = cells
    matrix = np.column_stack([number, two, ordered, nominal == 1, nominal == 2, x[:, 1]]).astype(float)
    correlations = np.corrcoef(matrix.T)[np.triu_indices(6, 1)]
    return np.concatenate([matrix.mean(axis=0), [matrix[:, 0].std()], correlations])


def cells_of(block: tuple[Response, ...]) -> tuple[np.ndarray, ...]:
    return tuple(one.codes if one.numbers is None else one.numbers for one in block)


@pytest.mark.parametrize("proper", [False, True])
def test_a_synthetic_block_has_the_moments_of_the_real_one(proper: bool) -> None:
    differences = []
    for seed in range(6):
        x, block = table(700, seed)
        model = Jomo(60, 30, proper).fit(block, x, None, np.random.default_rng(seed))
        drawn = model.draw(x, np.random.default_rng(seed + 50), None)
        differences.append(moments(x, drawn) - moments(x, cells_of(block)))
    mean = np.mean(differences, axis=0)
    # Of six sets of 700 rows: a standard error is that of one set, by the root of its rows and of six, and of the real
    # set's too; 28 moments are compared, and a spread of 3 makes the number's mean and deviation three times as wide.
    error = np.sqrt((3.0 if proper else 2.0) / 700 / 6) * np.where(np.arange(len(mean)) % 6 == 0, 3.0, 1.1)
    assert (np.abs(mean) < 4 * error + 0.01).all()


@pytest.mark.parametrize("mechanism", ["completely at random", "at random"])
def test_missing_cells_are_drawn_given_what_is_known(mechanism: str) -> None:
    differences, naive = [], []
    for seed in range(6):
        x, block = table(700, seed)
        rng = np.random.default_rng(seed + 7)
        chance = 0.3 if mechanism == "completely at random" else 1 / (1 + np.exp(1.0 - 1.2 * x[:, 1]))
        missing = [rng.random(700) < chance for _ in block]
        seen = tuple(hidden(one, at) for one, at in zip(block, missing, strict=True))
        model = Jomo(60, proper=True).fit(seen, x, None, rng)
        drawn = model.draw(x, rng, tuple(one.codes for one in seen))
        completed = tuple(np.where(at, new, old) for at, new, old in zip(missing, drawn, cells_of(block), strict=True))
        differences.append(moments(x, completed) - moments(x, cells_of(block)))
        naive.append(np.nanmean(seen[0].numbers) - np.mean(block[0].numbers))
    mean = np.mean(differences, axis=0)
    error = np.sqrt(1.5 / 700 / 6) * np.where(np.arange(len(mean)) % 6 == 0, 3.0, 1.1)
    assert (np.abs(mean) < 4 * error + 0.01).all()
    if mechanism == "at random":
        assert abs(np.mean(naive)) > 0.3  # what is observed alone is far away


def test_numbers_alone_have_the_posterior_of_a_multivariate_regression() -> None:
    rng = np.random.default_rng(1)
    x = np.column_stack([np.ones(120), rng.normal(5.0, 2.0, 120)])
    errors = rng.multivariate_normal([0, 0], [[4.0, 1.0], [1.0, 1.0]], 120)
    y = x @ [[1.0, -2.0], [0.5, 1.0]] + errors
    block = (numbers(y[:, 0]), numbers(y[:, 1]))
    fits = [Jomo(3, proper=True).fit(block, x, None, np.random.default_rng(seed)) for seed in range(300)]
    units = np.array([variable.unit for variable in fits[0].variables])
    centres = np.array([variable.centre for variable in fits[0].variables])
    slopes = np.array([fit.beta[1] * units for fit in fits])
    constants = np.array([fit.beta[0] * units + centres for fit in fits])
    for j in range(2):
        ols = sm.OLS(y[:, j], x).fit()
        for drawn, at in ((constants, 0), (slopes, 1)):
            assert drawn[:, j].mean() == pytest.approx(ols.params[at], abs=4 * ols.bse[at] / np.sqrt(300))
            assert drawn[:, j].std() == pytest.approx(ols.bse[at], rel=4 / np.sqrt(600) + 0.02)
    residuals = np.column_stack([sm.OLS(y[:, j], x).fit().resid for j in range(2)])
    omegas = np.array([fit.omega * np.outer(units, units) for fit in fits])
    expected = residuals.T @ residuals / 118
    np.testing.assert_allclose(omegas.mean(axis=0), expected, atol=4 * 4.0 * np.sqrt(2 / 118) / np.sqrt(300) + 0.02)


def test_a_number_given_another_is_normal_with_the_conditional_mean() -> None:
    rng = np.random.default_rng(2)
    y = rng.multivariate_normal([5.0, 1.0], [[4.0, 1.5], [1.5, 1.0]], 4000)
    block = (numbers(y[:, 0]), numbers(y[:, 1]))
    x = np.ones((4000, 1))
    model = Jomo(5, 20).fit(block, x, None, rng)
    known = (np.full(4000, -1, dtype=np.int32), np.full(4000, block[1].codes[0], dtype=np.int32))
    drawn = model.draw(x, np.random.default_rng(3), known)[0]
    sample = np.cov(y.T)
    mean = y[:, 0].mean() + sample[0, 1] / sample[1, 1] * (y[0, 1] - y[:, 1].mean())
    sd = np.sqrt(sample[0, 0] - sample[0, 1] ** 2 / sample[1, 1])
    assert drawn.mean() == pytest.approx(mean, abs=4 * sd * np.sqrt(2 / 4000) + 0.02)
    assert drawn.std() == pytest.approx(sd, rel=4 / np.sqrt(8000) + 0.01)
    assert stats.kstest((drawn - drawn.mean()) / drawn.std(), "norm").pvalue > 1e-3


def test_weights_are_repetitions_and_models_pickle() -> None:
    x, block = table(60, 4)
    weights = np.random.default_rng(5).integers(1, 3, 60).astype(np.int32)
    rows = np.repeat(np.arange(60), weights)
    long = tuple(
        replace(
            one,
            codes=one.codes[rows],
            numbers=None if one.numbers is None else one.numbers[rows],
            classes=None if one.classes is None else one.classes[rows],
        )
        for one in block
    )
    one = Jomo(10, 5).fit(block, x, weights, np.random.default_rng(6))
    two = Jomo(10, 5).fit(long, x[rows], None, np.random.default_rng(6))
    drawn = [
        pickle.loads(pickle.dumps(model)).draw(x, np.random.default_rng(7), tuple(c.codes for c in block))
        for model in (one, two)
    ]
    for first, second in zip(*drawn, strict=True):
        np.testing.assert_allclose(first, second, rtol=1e-6)


@pytest.mark.parametrize("shape", ["two rows", "one level", "constant", "collinear", "wide", "scales", "holes"])
def test_unusual_blocks_have_a_model(shape: str) -> None:
    rng = np.random.default_rng(8)
    n = 2 if shape == "two rows" else 25
    x = np.column_stack([np.ones(n), rng.normal(size=(n, 40 if shape == "wide" else 2))])
    value, level = rng.normal(size=n), rng.integers(0, 3, n)
    if shape == "one level":
        level[:] = 1
    if shape == "constant":
        value[:], x[:, 1] = 7.0, 3.0
    if shape == "collinear":
        x[:, 2] = 1 - x[:, 1]
    other = 2 * value
    if shape == "scales":
        value, other = value * 1e150, 1e9 + 1e-3 * other
    block: tuple[Response, ...] = (
        numbers(value),
        classes(level, 5),
        numbers(other),
        replace(classes(level, 5), ordered=True),
    )
    if shape == "holes":
        block = tuple(hidden(one, rng.random(n) < 0.7) for one in block)
        block = (*block[:3], hidden(block[3], np.ones(n, dtype=bool)))
    model = Jomo(20, 10).fit(block, x, None, rng)
    expected = {"constant": {"constant"}, "collinear": {"collinear"}, "wide": {"collinear", "ridge"}}
    assert expected.get(shape, set()) <= set(model.notes)
    for known in (None, tuple(one.codes for one in block)):
        drawn = model.draw(x, np.random.default_rng(9), known)
        assert np.isfinite(drawn[0]).all()
        assert np.isfinite(drawn[2]).all()
        seen = set(block[1].codes[block[1].codes >= 0].tolist()) or {0}
        assert set(drawn[1].tolist()) <= seen
        if shape == "constant":
            np.testing.assert_array_equal(drawn[0], 7.0)


def test_known_levels_stay_known() -> None:
    x, block = table(300, 10)
    model = Jomo(20, 10).fit(block, x, None, np.random.default_rng(11))
    known = (block[0].codes, block[1].codes, block[2].codes, np.full(300, -1, dtype=np.int32))
    drawn = model.draw(x, np.random.default_rng(12), known)
    np.testing.assert_allclose(drawn[0], cells_of(block)[0])
    np.testing.assert_array_equal(drawn[1], block[1].codes)
    np.testing.assert_array_equal(drawn[2], block[2].codes)
    assert set(drawn[3]) == {0, 1, 2}
