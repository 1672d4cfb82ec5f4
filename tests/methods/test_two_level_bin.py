"""`2l.bin`: the posterior of known parameters, and shares by cluster as the real ones."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
import statsmodels.api as sm

from replicant.errors import ReplicantError
from replicant.methods import Clustered
from replicant.methods.two_level_bin import OneLevelModel, ProbitMixedModel, TwoLevelBin

from .clustered import covariance_of_unseen
from .coded import classes

SPREAD = 0.7


def sample(seed: int, constant: float = 0.3, groups: int = 60, n: int = 1500) -> tuple[Clustered, np.ndarray]:
    rng = np.random.default_rng(seed)
    cluster = rng.integers(0, groups, n).astype(np.int32)
    design = np.column_stack([np.ones(n), rng.normal(2.0, 3.0, n)])
    latent = design @ [constant - 0.6, 0.3] + rng.normal(0, SPREAD, groups)[cluster] + rng.normal(size=n)
    return Clustered(design, cluster, groups + 1), (latent > 0).astype(np.int32)


def moments(y: np.ndarray, x: Clustered) -> list[float]:
    shares = np.bincount(x.cluster, y) / np.bincount(x.cluster)
    return [float(y.mean()), float(shares.var()), float(np.corrcoef(y, x.design[:, 1])[0, 1])]


def test_known_parameters_are_recovered() -> None:
    estimates, spreads = [], []
    for seed in range(12):
        x, y = sample(seed)
        model = TwoLevelBin(iterations=60).fit(classes(y), x, None, np.random.default_rng(seed))
        assert isinstance(model, ProbitMixedModel)
        estimates.append(model.latent.beta)
        spreads.append(np.sqrt(covariance_of_unseen(model.latent.roots)[0, 0]))
    error = np.std(estimates, axis=0) / np.sqrt(12)
    assert (np.abs(np.mean(estimates, axis=0) - [-0.3, 0.3]) < 4 * error + 0.01).all()
    assert np.mean(spreads) == pytest.approx(SPREAD, abs=4 * np.std(spreads) / np.sqrt(12) + 0.03)


def test_without_clusters_it_is_statsmodels_probit() -> None:
    rng = np.random.default_rng(1)
    design = np.column_stack([np.ones(400), rng.normal(size=400)])
    y = (design @ [0.5, 1.0] + rng.normal(size=400) > 0).astype(np.int32)
    probit = sm.Probit(y, design).fit(disp=0)
    x = Clustered(design, np.zeros(400, dtype=np.int32), 1)
    drawn = [TwoLevelBin(proper=True).fit(classes(y), x, None, np.random.default_rng(seed)) for seed in range(60)]
    betas = np.array([one.latent.beta for one in drawn if isinstance(one, ProbitMixedModel)])
    np.testing.assert_allclose(betas.mean(axis=0), probit.params, atol=(4 / np.sqrt(60) + 0.1) * probit.bse.max())
    np.testing.assert_allclose(betas.std(axis=0) / probit.bse, 1.0, atol=4 / np.sqrt(120) + 0.05)


@pytest.mark.parametrize("proper", [False, True])
def test_shares_of_clusters_vary_as_the_real_ones(proper: bool) -> None:
    drawn, real = [], []
    for seed in range(12):
        x, y = sample(seed, groups=40, n=1600)
        model = TwoLevelBin(60, proper).fit(classes(y), x, None, np.random.default_rng(seed))
        values = model.draw(x, np.random.default_rng(seed + 50))
        drawn.append(moments(values, x))
        real.append(moments(y, x))
    difference = np.array(drawn) - np.array(real)
    assert (np.abs(difference.mean(axis=0)) < 4 * difference.std(axis=0) / np.sqrt(12)).all()


def test_rare_levels_and_separated_ones_have_finite_models() -> None:
    x, y = sample(2, constant=-2.0)
    assert y.mean() < 0.1
    model = TwoLevelBin().fit(classes(y), x, None, np.random.default_rng(3))
    assert model.draw(x, np.random.default_rng(4)).mean() == pytest.approx(y.mean(), abs=0.03)
    separated = classes((x.design[:, 1] > 2).astype(int))
    model = TwoLevelBin().fit(separated, x, None, np.random.default_rng(5))
    assert isinstance(model, ProbitMixedModel)
    assert np.isfinite(model.latent.beta).all()
    assert np.mean(model.draw(x, np.random.default_rng(6)) == separated.codes) > 0.9


def test_weights_are_repetitions_and_models_pickle() -> None:
    x, y = sample(7, groups=8, n=60)
    weights = np.random.default_rng(8).integers(1, 3, 60).astype(np.int32)
    long = Clustered(np.repeat(x.design, weights, axis=0), np.repeat(x.cluster, weights), x.n_clusters)
    one = TwoLevelBin(20).fit(classes(y), x, weights, np.random.default_rng(9))
    two = TwoLevelBin(20).fit(classes(np.repeat(y, weights)), long, None, np.random.default_rng(9))
    drawn = [pickle.loads(pickle.dumps(model)).draw(x, np.random.default_rng(10)) for model in (one, two)]
    np.testing.assert_array_equal(drawn[0], drawn[1])


def test_one_level_is_drawn_everywhere_and_three_are_refused() -> None:
    x, y = sample(11, groups=3, n=20)
    model = TwoLevelBin().fit(classes(np.ones(20), 2), x, None, np.random.default_rng(12))
    assert isinstance(model, OneLevelModel)
    assert (model.draw(x, np.random.default_rng(13)) == 1).all()
    with pytest.raises(ReplicantError, match="3 levels"):
        TwoLevelBin().fit(classes(y + (np.arange(20) == 3) * 2), x, None, np.random.default_rng(14))


def test_two_rows_are_enough() -> None:
    x = Clustered(np.array([[1.0, 0.0], [1.0, 5.0]]), np.array([0, 1], dtype=np.int32), 3, (1,))
    model = TwoLevelBin().fit(classes([0, 1]), x, None, np.random.default_rng(15))
    assert set(model.draw(x, np.random.default_rng(16))) <= {0, 1}
