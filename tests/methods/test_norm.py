"""`norm`, `norm.nob` and `norm.boot`: what they draw has the distribution that the formulas give."""

from __future__ import annotations

import numpy as np
import pytest
import statsmodels.api as sm

from replicant.methods import Response
from replicant.methods.norm import Norm
from replicant.methods.norm_boot import NormBoot
from replicant.methods.norm_nob import NormNob

RNG = np.random.default_rng(0)


def data(n: int = 40, seed: int = 1) -> tuple[Response, np.ndarray]:
    rng = np.random.default_rng(seed)
    x = np.column_stack([np.ones(n), rng.normal(10, 2, n), rng.integers(0, 2, n)])
    y = x @ [1.0, 2.0, -3.0] + rng.normal(0, 2, n)
    return Response(np.arange(n, dtype=np.int32), numbers=y), x


POINT = np.array([[1.0, 14.0, 1.0]])


@pytest.mark.parametrize("method", [Norm(), NormNob(), NormBoot()])
def test_without_drawn_parameters_a_draw_is_the_estimate_and_a_residual(method: Norm | NormNob | NormBoot) -> None:
    y, x = data()
    theirs = sm.OLS(y.numbers, x).fit()
    drawn = method.fit(y, x, None, RNG).draw(np.repeat(POINT, 40_000, axis=0), np.random.default_rng(2))
    sigma = np.sqrt(theirs.scale)
    assert drawn.mean() == pytest.approx(theirs.predict(POINT)[0], abs=4 * sigma / 200)
    assert drawn.std() == pytest.approx(sigma, rel=4 / np.sqrt(2 * 40_000))


def test_with_drawn_parameters_draws_have_the_predictive_distribution() -> None:
    """Student's t about the prediction, with the variance of a new observation (statsmodels)."""
    y, x = data()
    theirs = sm.OLS(y.numbers, x).fit().get_prediction(POINT)
    model, rng, size = Norm(proper=True).fit(y, x, None, RNG), np.random.default_rng(3), 20_000
    drawn = np.array([model.draw(POINT, rng)[0] for _ in range(size)])
    df = theirs.df
    spread = theirs.se_obs[0] * np.sqrt(df / (df - 2))
    assert drawn.mean() == pytest.approx(theirs.predicted[0], abs=4 * spread / np.sqrt(size))
    assert drawn.std() == pytest.approx(spread, rel=0.03)
    low, high = theirs.conf_int(obs=True)[0]
    assert ((drawn > low) & (drawn < high)).mean() == pytest.approx(0.95, abs=4 * np.sqrt(0.05 * 0.95 / size))


def test_a_bootstrap_varies_as_the_posterior_does() -> None:
    """In a table that is large enough; each fit has its own sample."""
    y, x = data(400)
    theirs = sm.OLS(y.numbers, x).fit().get_prediction(POINT)
    rng = np.random.default_rng(4)
    means = []
    for _ in range(1500):
        model = NormBoot(proper=True).fit(y, x, None, rng)
        means.append(float(POINT[0] @ model.regression.beta))
    assert np.mean(means) == pytest.approx(theirs.predicted[0], abs=4 * theirs.se_mean[0] / np.sqrt(1500))
    assert np.std(means) == pytest.approx(theirs.se_mean[0], rel=4 * 0.0183 + 0.05)  # Monte-Carlo, and order 1 / n
    weighted = NormBoot(proper=True).fit(y, x, np.full(400, 4, dtype=np.int32), rng)
    assert weighted.regression.total == 1600


def test_repetitions_are_weights() -> None:
    y, x = data()
    weights = np.random.default_rng(5).integers(1, 4, 40).astype(np.int32)
    rows = np.repeat(np.arange(40), weights)
    again = Response(y.codes[rows], numbers=y.numbers[rows] if y.numbers is not None else None)
    for proper in (False, True):
        one = Norm(proper=proper).fit(y, x, weights, RNG).draw(x, np.random.default_rng(6))
        two = Norm(proper=proper).fit(again, x[rows], None, RNG).draw(x, np.random.default_rng(6))
        np.testing.assert_allclose(one, two, rtol=1e-9)
