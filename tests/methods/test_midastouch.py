"""`midastouch`: probabilities of donors by fits that leave each out in turn."""

from __future__ import annotations

import numpy as np
import pytest
import statsmodels.api as sm

from replicant.methods import Response, midastouch
from replicant.methods.midastouch import Midastouch

RNG = np.random.default_rng(0)


def data(n: int = 30) -> tuple[Response, np.ndarray]:
    rng = np.random.default_rng(1)
    x = np.column_stack([np.ones(n), rng.normal(size=n), rng.integers(0, 2, n)])
    return Response(np.arange(n, dtype=np.int32), numbers=x @ [1.0, 1.0, 0.5] + rng.normal(size=n)), x


@pytest.mark.parametrize("weighted", [False, True])
def test_donors_have_the_probabilities_of_the_paper(weighted: bool) -> None:
    y, x = data()
    assert y.numbers is not None
    w = np.random.default_rng(2).integers(1, 4, 30).astype(np.int32) if weighted else np.ones(30, dtype=np.int32)
    point = np.array([1.0, 0.3, 1.0])
    # Of a row of weight 2, one of two is left.
    without = [sm.WLS(y.numbers, x, w - (np.arange(30) == i)).fit().params for i in range(30)]
    rows = np.repeat(np.arange(30), w)
    predicted = np.array([x[i] @ without[i] for i in range(30)])
    explained = np.corrcoef(predicted[rows], y.numbers[rows])[0, 1] ** 2
    kappa = (50 * explained / (1 - explained)) ** (3 / 8)
    shares = w * np.abs([(x[i] - point) @ without[i] for i in range(30)]) ** -kappa
    shares /= shares.sum()
    model = Midastouch().fit(y, x, w if weighted else None, RNG)
    assert model.kappa == pytest.approx(kappa, rel=1e-8)
    drawn = model.draw(np.tile(point, (50_000, 1)), np.random.default_rng(3))
    counts = np.bincount(drawn, minlength=30) / 50_000
    assert (np.abs(counts - shares) < 4.5 * np.sqrt(shares * (1 - shares) / 50_000) + 1e-4).all()


def test_without_predictors_every_row_donates_alike() -> None:
    y, _ = data()
    model = Midastouch().fit(y, np.ones((30, 1)), None, RNG)
    assert model.kappa == 0
    counts = np.bincount(model.draw(np.ones((30_000, 1)), np.random.default_rng(4)), minlength=30)
    assert (np.abs(counts - 1000) < 4.5 * np.sqrt(1000)).all()


def test_a_bootstrap_sample_leaves_rows_out() -> None:
    y, x = data()
    models = [Midastouch(proper=True).fit(y, x, None, np.random.default_rng(seed)) for seed in range(3)]
    assert all(model.repeated.sum() == 30 > len(model.codes) for model in models)
    assert len({model.kappa for model in models}) == 3
    assert Midastouch(kappa=2.5).fit(y, x, None, RNG).kappa == 2.5


@pytest.mark.parametrize("proper", [False, True])
def test_a_weight_is_rows_written_out(proper: bool) -> None:
    y, x = data()
    w = np.random.default_rng(2).integers(1, 4, 30).astype(np.int32)
    rows, point = np.repeat(np.arange(30), w), x[[3, 7]]
    weighted = Midastouch(proper=proper).fit(y, x, w, np.random.default_rng(8))
    written = Midastouch(proper=proper).fit(y.take(rows), x[rows], None, np.random.default_rng(8))
    assert weighted.kappa == pytest.approx(written.kappa)
    for one in range(2):
        shares = [
            np.bincount(
                model.codes, model._shares(point @ model.regression.beta, _located(model, point), slice(None))[one]
            )
            for model in (weighted, written)
        ]
        np.testing.assert_allclose(shares[0] / shares[0].sum(), shares[1] / shares[1].sum(), rtol=1e-6, atol=1e-12)


def _located(model: midastouch.MidastouchModel, x: np.ndarray) -> np.ndarray:
    return (x[:, model.regression.kept] - model.regression.means) @ model.regression.root


def test_residuals_of_donors_are_like_those_of_all_rows() -> None:
    """A donor is chosen for its prediction, and not because its residual is small or large."""
    rng = np.random.default_rng(5)
    n = 3000
    x = np.column_stack([np.ones(n), rng.normal(50, 10, n).round(1)])
    y = x @ [20, 0.5] + rng.normal(0, 3, n)
    for proper in (False, True):
        model = Midastouch(proper=proper).fit(Response(np.arange(n, dtype=np.int32), numbers=y), x, None, rng)
        residuals = y[model.draw(x, rng)] - x @ [20, 0.5]
        assert residuals.std() == pytest.approx(3.0, rel=0.06)
        assert np.corrcoef(residuals, x[:, 1])[0, 1] == pytest.approx(0.0, abs=4 / np.sqrt(n))


def test_of_many_donors_the_near_ones_are_weighed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(midastouch, "WINDOW", 16)
    y, x = data()
    model = Midastouch(kappa=8.0).fit(y, x, None, RNG)
    rows = np.repeat(np.arange(30), 2000)
    drawn = model.draw(x[rows], np.random.default_rng(5))
    monkeypatch.setattr(midastouch, "WINDOW", 30)
    every = model.draw(x[rows], np.random.default_rng(5))
    assert (drawn == every).mean() > 0.97
    for row in range(30):
        assert len(set(drawn[rows == row].tolist())) <= 16
