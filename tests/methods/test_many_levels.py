"""Many coefficients: scipy maximizes the same penalized likelihood, statsmodels gives its information."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import statsmodels.api as sm
from scipy.optimize import minimize
from scipy.special import logsumexp

from replicant.methods import Response
from replicant.methods.linear import standardize
from replicant.methods.logistic import LevelModel, fit_levels, levels_of
from replicant.methods.many_levels import ManyLevels
from replicant.methods.polyreg import Polyreg

Floats = npt.NDArray[np.float64]


def table(n: int, q: int, levels: int, seed: int = 1, rare: float = 0.0) -> tuple[Response, Floats]:
    rng = np.random.default_rng(seed)
    z = np.column_stack([rng.normal(size=(n, q // 2)), rng.integers(0, 2, (n, q - 1 - q // 2))])
    eta = z @ rng.normal(0, 0.5, (q - 1, levels)) - rare * np.log(np.arange(1, levels + 1))
    classes = (eta + rng.gumbel(size=eta.shape)).argmax(axis=1).astype(np.int32)
    return Response(classes, classes=classes, n_classes=levels), np.column_stack([np.ones(n), z])


def likelihood(y: Response, x: Floats, weights: Any = None) -> ManyLevels:
    levels = levels_of(y, weights)
    return ManyLevels(standardize(x, levels.weights).matrix, levels.classes, levels.weights, levels.counts)


def penalty(levels: int, p: int) -> Floats:
    """(E p, E p) of the coefficients, equation by equation: no level is special."""
    between = np.eye(levels - 1) - 1 / levels
    return np.kron(between * (p - 1) / 2.5**2, np.diag([0.0, *np.ones(p - 1)]))


@pytest.mark.parametrize("weighted", [False, True])
def test_the_maximum_is_that_of_a_general_search(weighted: bool) -> None:
    y, x = table(300, 5, 4)
    weights = np.random.default_rng(2).integers(1, 4, 300).astype(np.int32) if weighted else None
    ours = likelihood(y, x, weights)
    w = np.ones(300) if weights is None else weights
    pull = penalty(4, 5)

    def negative(theta: Floats) -> float:
        eta = np.vstack([np.zeros(300), theta.reshape(3, 5) @ ours.z])
        return float(theta @ pull @ theta / 2 - w @ (eta[y.codes, np.arange(300)] - logsumexp(eta, axis=0)))

    theta, converged = ours.maximum()
    assert converged
    theirs = minimize(negative, np.zeros(15), method="BFGS", options={"gtol": 1e-6})
    errors = np.sqrt(np.diag(theirs.hess_inv))
    # A last step that adds 2e-6 for each coefficient is one of 2e-3 standard errors; some such are left.
    assert np.abs((theta.ravel() - theirs.x) / errors).max() < 0.05
    assert negative(theta.ravel()) < theirs.fun + 1e-3


def test_deviations_have_the_inverse_of_the_information_as_covariance() -> None:
    y, x = table(400, 4, 3)
    ours = likelihood(y, x)
    theta, _ = ours.maximum()
    hessian = sm.MNLogit(y.codes, ours.z.T).hessian(theta.T)
    expected = np.linalg.inv(penalty(3, 4) - hessian)
    rng, size = np.random.default_rng(3), 4000
    drawn = np.array([ours.deviation(theta, rng).ravel() for _ in range(size)])
    spread = np.sqrt(np.diag(expected))
    assert (np.abs(drawn.mean(axis=0)) < 4 * spread / np.sqrt(size)).all()
    np.testing.assert_allclose(
        np.cov((drawn / spread).T), expected / np.outer(spread, spread), atol=6 * np.sqrt(2 / size)
    )


def test_weights_count_as_repetitions() -> None:
    y, x = table(200, 4, 3)
    weights = np.random.default_rng(4).integers(1, 4, 200).astype(np.int32)
    rows = np.repeat(np.arange(200), weights)
    one, two = (
        likelihood(y, x, weights),
        likelihood(Response(y.codes[rows], classes=y.codes[rows], n_classes=3), x[rows]),
    )
    theta, _ = one.maximum()
    np.testing.assert_allclose(theta, two.maximum()[0], atol=1e-2)
    spread = [
        np.array([each.deviation(theta, rng).ravel() for _ in range(1500)]).std(axis=0)
        for each, rng in ((one, np.random.default_rng(5)), (two, np.random.default_rng(6)))
    ]
    np.testing.assert_allclose(spread[0], spread[1], rtol=0.12)


@pytest.mark.parametrize(("n", "q", "levels", "rare"), [(600, 60, 12, 0.0), (600, 60, 12, 2.0), (60, 90, 10, 0.0)])
def test_levels_that_are_rare_or_separated_have_a_fit(n: int, q: int, levels: int, rare: float) -> None:
    y, x = table(n, q, levels, rare=rare)
    model = Polyreg(proper=True).fit(y, x, None, np.random.default_rng(7))
    assert isinstance(model, LevelModel)
    assert "shrunk" in model.notes
    assert "not_converged" not in model.notes
    rng = np.random.default_rng(8)
    drawn = np.concatenate([model.draw(x, rng) for _ in range(40)])
    shares = np.bincount(drawn, minlength=levels) / len(drawn)
    observed = np.bincount(y.codes, minlength=levels) / n
    assert np.abs(shares - observed).max() < 4 * np.sqrt(0.25 / n)
    assert (model.draw(x, rng) == y.codes).mean() > (observed**2).sum() + 0.1


def test_coefficients_are_drawn_once_for_each_fit() -> None:
    y, x = table(300, 60, 9)
    levels = levels_of(y, None)
    one, two, plain = (
        fit_levels(levels, x, proper, np.random.default_rng(seed))
        for proper, seed in ((True, 1), (True, 2), (False, 1))
    )
    assert isinstance(one, LevelModel)
    assert isinstance(two, LevelModel)
    assert isinstance(plain, LevelModel)
    rng = np.random.default_rng(9)
    assert (one.coefficients(rng) == one.coefficients(rng)).all()
    assert np.abs(one.beta - two.beta).max() > 0.1
    assert np.abs(one.beta - plain.beta).max() > 0.1
