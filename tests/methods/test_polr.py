"""`polr`: the engine's own estimator, statsmodels, and the form of the model say what the estimates are."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
from statsmodels.miscmodels.ordinal_model import OrderedModel as Ordinal

from replicant.estimate import fit
from replicant.methods import Response, polr
from replicant.methods.climbing import End
from replicant.methods.logistic import LevelModel, OneLevel
from replicant.methods.polr import OrderedModel, Polr

RNG = np.random.default_rng(0)
Floats = npt.NDArray[np.float64]


def table(n: int, levels: int, seed: int = 1, scale: float = 1.0, offset: float = 0.0) -> tuple[Response, Floats]:
    rng = np.random.default_rng(seed)
    z = np.column_stack([rng.normal(size=(n, 2)), rng.integers(0, 2, n)])
    latent = z @ [1.0, -0.5, 0.8] + rng.logistic(size=n)
    classes = np.searchsorted(np.linspace(-1, 2, levels - 1), latent).astype(np.int32)
    x = np.column_stack([np.ones(n), offset + scale * z[:, :2], z[:, 2]])
    return Response(classes, classes=classes, n_classes=levels), x


def fitted(y: Response, x: Floats, weights: Any = None) -> OrderedModel:
    model = Polr(proper=True).fit(y, x, weights, RNG)
    assert isinstance(model, OrderedModel)
    return model


def covariance(model: OrderedModel) -> Floats:
    """Of coefficients but the constant's, and thresholds."""
    return np.asarray(model.spread[:, 1:].T @ model.spread[:, 1:])


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize(("n", "levels"), [(60, 3), (400, 4), (20_000, 6)])
def test_estimates_are_those_of_the_analyses(n: int, levels: int, weighted: bool) -> None:
    y, x = table(n, levels)
    weights = np.random.default_rng(2).integers(1, 4, n).astype(np.int32) if weighted else None
    rows = np.repeat(np.arange(n), 1 if weights is None else weights)
    ours = fitted(y, x, weights)
    frame = pd.DataFrame(x[rows, 1:], columns=["a", "b", "c"])
    frame["y"] = pd.Categorical(y.codes[rows], range(levels), ordered=True)
    theirs = fit("polr", "y ~ a + b + c", frame)
    assert ours.notes == ()
    assert ours.beta[0] == 0
    errors = np.sqrt(np.diag(theirs.covariance))
    # The last step is of 1e-2 standard errors at most, so that the next would be of its square, 1e-4.
    assert np.abs(([*ours.beta[1:], *ours.zeta] - theirs.estimates) / errors).max() < 1e-3
    scale = np.outer(errors, errors)
    np.testing.assert_allclose(covariance(ours) / scale, theirs.covariance / scale, atol=0.02)


def test_estimates_are_those_of_statsmodels() -> None:
    y, x = table(500, 4)
    ours = fitted(y, x)
    theirs = Ordinal(y.codes, x[:, 1:], distr="logit").fit(disp=0, method="bfgs", gtol=1e-8)
    np.testing.assert_allclose(ours.beta[1:], theirs.params[:3], atol=1e-4)
    first, *steps = theirs.params[3:]
    np.testing.assert_allclose(ours.zeta, np.cumsum([first, *np.exp(steps)]), atol=1e-4)


@pytest.mark.parametrize(("scale", "offset"), [(1e-6, 0.0), (1e120, 0.0), (10.0, 2000.0), (1e13, 1.6e18)])
def test_the_scale_of_a_predictor_does_not_matter(scale: float, offset: float) -> None:
    y, x = table(200, 3)
    _, moved = table(200, 3, scale=scale, offset=offset)
    plain, other = fitted(y, x), fitted(y, moved)
    np.testing.assert_allclose(other.beta[1:3] * scale, plain.beta[1:3], rtol=1e-5)
    np.testing.assert_allclose(
        other.zeta - (moved @ other.beta)[:, None], plain.zeta - (x @ plain.beta)[:, None], atol=1e-5
    )


def test_draws_have_the_probabilities_of_the_model() -> None:
    y, x = table(400, 4)
    ours = Polr().fit(y, x, None, RNG)
    theirs = Ordinal(y.codes, x[:, 1:], distr="logit").fit(disp=0, method="bfgs", gtol=1e-8).predict(x[:1, 1:])[0]
    drawn = ours.draw(np.repeat(x[:1], 40_000, axis=0), np.random.default_rng(3))
    assert drawn.dtype == np.int32
    shares = np.bincount(drawn, minlength=4) / 40_000
    assert (np.abs(shares - theirs) < 4 * np.sqrt(theirs * (1 - theirs) / 40_000) + 1e-4).all()


def test_drawn_parameters_have_the_covariance_of_the_estimates_and_are_in_order() -> None:
    y, x = table(300, 4)
    model = fitted(y, x)
    rng, size = np.random.default_rng(4), 10_000
    drawn = np.array([np.concatenate(model.parameters(rng))[1:] for _ in range(size)])
    expected = covariance(model)
    error = np.sqrt(np.diag(expected) / size)
    assert (np.abs(drawn.mean(axis=0) - [*model.beta[1:], *model.zeta]) < 4.5 * error).all()
    np.testing.assert_allclose(np.cov(drawn.T), expected, atol=6 * np.diag(expected).max() * np.sqrt(2 / size))
    small = fitted(*table(12, 4, seed=5))
    assert all((np.diff(small.parameters(rng)[1]) >= 0).all() for _ in range(200))


def test_levels_that_do_not_occur_are_not_drawn() -> None:
    y, x = table(200, 3)
    wider = Response(y.codes * 2 + 1, classes=y.codes * 2 + 1, n_classes=8)
    one, two = (Polr().fit(each, x, None, RNG).draw(x, np.random.default_rng(6)) for each in (y, wider))
    np.testing.assert_array_equal(two, 2 * one + 1)
    for occurring, kind in ((2, LevelModel), (1, OneLevel)):
        few = Response(y.codes % occurring, classes=y.codes % occurring, n_classes=5)
        model = Polr(proper=True).fit(few, x, None, RNG)
        assert isinstance(model, kind)
        assert set(model.draw(x, np.random.default_rng(7)).tolist()) == set(range(occurring))


def test_separated_levels_are_augmented() -> None:
    rng = np.random.default_rng(8)
    x = np.column_stack([np.ones(90), rng.normal(size=(90, 2))])
    classes = np.digitize(x[:, 1], [-0.5, 0.5]).astype(np.int32)
    model = fitted(Response(classes, classes=classes, n_classes=3), x)
    assert model.notes == ("augmented",)
    assert np.abs(model.beta).max() < 50
    assert (model.draw(x, rng) == classes).mean() > 0.85


def test_what_does_not_converge_is_multinomial(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(polr, "climb", lambda likelihood, start, reach: End(start, np.eye(len(start)), "not_converged"))
    y, x = table(200, 4)
    model = Polr(proper=True).fit(y, x, None, RNG)
    assert isinstance(model, LevelModel)
    assert model.notes == ("not_ordered",)
    assert set(model.draw(x, RNG).tolist()) == {0, 1, 2, 3}
