"""`lda`: scikit-learn says what the probabilities are, the formulas what a posterior is."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

from replicant.methods import Response
from replicant.methods.lda import Lda, LdaModel

RNG = np.random.default_rng(0)


def table(n: int, levels: int, seed: int = 1) -> tuple[Response, npt.NDArray[np.float64]]:
    """A sample from a population that depends on the number of levels only."""
    centres = np.random.default_rng(levels).normal(size=(levels, 3))
    rng = np.random.default_rng(seed)
    classes = rng.choice(levels, n, p=np.arange(1, levels + 1) / sum(range(levels + 1))).astype(np.int32)
    z = centres[classes] + rng.normal(size=(n, 3)) @ np.array([[1, 0.5, 0], [0, 1, 0.3], [0, 0, 1]])
    return Response(classes, classes=classes, n_classes=levels), np.column_stack([np.ones(n), 50 + 10 * z])


def fitted(y: Response, x: npt.NDArray[np.float64], proper: bool = False) -> LdaModel:
    model = Lda(proper=proper).fit(y, x, None, RNG)
    assert isinstance(model, LdaModel)
    return model


@pytest.mark.parametrize("levels", [2, 4])
def test_probabilities_are_those_of_scikit_learn(levels: int) -> None:
    """Whose covariance divides by the rows, ours by the degrees of freedom."""
    y, x = table(300, levels)
    found = LinearDiscriminantAnalysis().fit(x[:, 1:], y.classes)
    theirs, prior = found.predict_log_proba(x[:, 1:]), np.log(found.priors_)
    ours = x @ fitted(y, x).coefficients(RNG).T - (prior[1:] - prior[0])
    expected = theirs[:, 1:] - theirs[:, :1] - (prior[1:] - prior[0])
    np.testing.assert_allclose(ours * 300 / (300 - levels), expected, atol=1e-8)


def test_repetitions_are_weights() -> None:
    y, x = table(60, 3)
    weights = np.random.default_rng(2).integers(1, 4, 60).astype(np.int32)
    rows = np.repeat(np.arange(60), weights)
    one = Lda().fit(y, x, weights, RNG)
    two = Lda().fit(Response(y.codes[rows], classes=y.codes[rows], n_classes=3), x[rows], None, RNG)
    assert isinstance(one, LdaModel)
    assert isinstance(two, LdaModel)
    np.testing.assert_allclose(one.coefficients(RNG), two.coefficients(RNG), rtol=1e-9)


def test_drawn_parameters_vary_as_those_of_other_samples_do() -> None:
    """Standard deviations of coefficients: of the posterior of one sample, and of estimates from 1500 samples."""
    y, x = table(400, 3)
    model, rng = fitted(y, x, proper=True), np.random.default_rng(3)
    drawn = np.array([model.coefficients(rng) for _ in range(1500)])
    estimates = np.array([fitted(*table(400, 3, seed)).coefficients(rng) for seed in range(10, 1510)])
    ratio = drawn.std(axis=0) / estimates.std(axis=0)
    # Each has a Monte-Carlo error of 2 %; the sample differs from its population by 1 / sqrt(400), a few times.
    assert ((ratio > 0.75) & (ratio < 1.33)).all()
    near = np.abs(drawn.mean(axis=0) - fitted(y, x).coefficients(rng)) / drawn.std(axis=0)
    assert near.max() < 0.35  # the mean of a posterior is not quite its mode


def test_predictors_that_tell_levels_apart_get_a_ridge() -> None:
    classes = np.repeat([0, 1], 10).astype(np.int32)
    x = np.column_stack([np.ones(20), classes, np.random.default_rng(4).normal(size=20)])
    model = fitted(Response(classes, classes=classes, n_classes=2), x, proper=True)
    assert model.notes == ("ridge",)
    assert (model.draw(x, np.random.default_rng(5)) == classes).mean() > 0.8
