"""Mixed models against statsmodels' REML, and known parameters."""

from __future__ import annotations

import numpy as np
import pytest
import statsmodels.api as sm

from replicant.methods import Clustered
from replicant.methods.mixed_linear import sample_linear_mixed

from .clustered import BETA, SIGMA, clusters, covariance_of_unseen


def test_the_posterior_is_around_reml_with_its_standard_errors() -> None:
    x, y, _ = clusters(1, unseen=1)
    reml = sm.MixedLM(y, x.design, x.cluster, exog_re=x.design[:, :2]).fit()
    drawn = [
        sample_linear_mixed(y, x, None, np.random.default_rng(seed), by_cluster=False, iterations=60).drawn
        for seed in range(60)
    ]
    betas = np.array([one.beta for one in drawn])
    # Monte-Carlo errors of 60 draws; Psi's prior and skewness move coefficients by less than a tenth of their error.
    errors = reml.bse_fe
    np.testing.assert_allclose(betas.mean(axis=0), reml.fe_params, atol=(4 / np.sqrt(60) + 0.1) * errors.max())
    np.testing.assert_allclose(betas.std(axis=0) / errors, 1.0, atol=4 / np.sqrt(2 * 60) + 0.05)
    variance = np.mean([one.sigma[0] ** 2 for one in drawn])
    assert variance == pytest.approx(reml.scale, abs=5 * reml.scale * np.sqrt(2 / 720) / np.sqrt(60) + 0.02)
    psi = np.mean([np.linalg.inv(covariance_of_unseen(one.roots)) for one in drawn], axis=0)
    np.testing.assert_allclose(np.linalg.inv(psi), reml.cov_re, atol=0.15)
    # Random effects shrink as statsmodels' do.
    ours = np.mean([one.means[:40] for one in drawn], axis=0)
    theirs = np.array([reml.random_effects[group] for group in range(40)])
    assert np.corrcoef(ours[:, 0], theirs[:, 0])[0, 1] > 0.99
    np.testing.assert_allclose(ours, theirs, atol=0.25)


def test_estimates_are_means_of_the_posterior() -> None:
    x, y, effects = clusters(2, groups=100, n=3000, unseen=1)
    made = sample_linear_mixed(y, x, None, np.random.default_rng(3), by_cluster=False, iterations=60).estimated
    # Standard errors: of a cluster's mean for the first two and of the residuals' variance for sigma.
    np.testing.assert_allclose(made.beta, BETA, atol=4 * 0.11)
    assert made.sigma[0] == pytest.approx(SIGMA, abs=4 * SIGMA / np.sqrt(2 * 2800))
    np.testing.assert_allclose(covariance_of_unseen(made.roots), np.cov(effects.T), atol=0.2)
    assert np.corrcoef(made.means[:100, 1], effects[:, 1])[0, 1] > 0.8


def test_variances_of_clusters_are_their_own_and_vary_as_they_do() -> None:
    rng = np.random.default_rng(4)
    groups, each = 60, 40
    cluster = np.repeat(np.arange(groups), each).astype(np.int32)
    sigma = np.sqrt(1.0 / rng.gamma(4.0, 1 / 3.0, groups))  # inverse chi-squared with 8 degrees of freedom
    y = rng.normal(size=groups)[cluster] + sigma[cluster] * rng.normal(size=len(cluster))
    x = Clustered(np.ones((len(cluster), 1)), cluster, groups + 2000)
    made = sample_linear_mixed(y, x, None, rng, by_cluster=True, iterations=100).estimated
    own = made.sigma[:groups]
    # A cluster's variance of 40 rows has a relative error of sqrt(2 / 39).
    assert np.mean((own**2 / sigma**2 - 1.0) ** 2) < 1.5 * 2 / 39
    assert np.corrcoef(own, sigma)[0, 1] > 0.85
    unseen = made.sigma[groups:]
    assert np.std(np.log(unseen)) == pytest.approx(np.std(np.log(sigma)), rel=0.5)
    assert np.median(unseen) == pytest.approx(np.median(sigma), rel=4 * 1.25 * 0.3 / np.sqrt(groups))


def test_weights_are_repetitions() -> None:
    x, y, _ = clusters(5, groups=10, n=60)
    weights = np.random.default_rng(6).integers(1, 4, 60).astype(np.int32)
    long = Clustered(np.repeat(x.design, weights, axis=0), np.repeat(x.cluster, weights), x.n_clusters, x.random)
    for by_cluster in (False, True):
        one = sample_linear_mixed(y, x, weights, np.random.default_rng(7), by_cluster=by_cluster, iterations=20)
        two = sample_linear_mixed(
            np.repeat(y, weights), long, None, np.random.default_rng(7), by_cluster=by_cluster, iterations=20
        )
        np.testing.assert_allclose(one.drawn.beta, two.drawn.beta, rtol=1e-6)
        np.testing.assert_allclose(one.drawn.sigma, two.drawn.sigma, rtol=1e-6)


def test_units_of_measurement_do_not_matter() -> None:
    x, y, _ = clusters(8, groups=12, n=100)
    plain = sample_linear_mixed(y, x, None, np.random.default_rng(9), by_cluster=False, iterations=20).drawn
    unit = np.array([1.0, 1e9, 1e-9])
    scaled = Clustered(x.design * unit, x.cluster, x.n_clusters, x.random)
    other = sample_linear_mixed(1e90 * y, scaled, None, np.random.default_rng(9), by_cluster=False, iterations=20).drawn
    np.testing.assert_allclose(other.predict(scaled) / 1e90, plain.predict(x), rtol=1e-6)
    np.testing.assert_allclose(other.sigma / 1e90, plain.sigma, rtol=1e-6)


def test_one_cluster_is_a_regression_and_noted() -> None:
    rng = np.random.default_rng(10)
    design = np.column_stack([np.ones(200), rng.normal(size=200)])
    y = design @ [1.0, 2.0] + rng.normal(size=200)
    x = Clustered(design, np.zeros(200, dtype=np.int32), 3, (1,))
    made = sample_linear_mixed(y, x, None, rng, by_cluster=False, iterations=50).estimated
    assert made.notes == ("one_cluster",)
    np.testing.assert_allclose(made.beta, np.linalg.lstsq(design, y)[0], atol=4 / np.sqrt(200 * 25))
    assert np.abs(made.roots).max() < 1e-3


@pytest.mark.parametrize("shape", ["two rows", "constant", "collinear", "wide", "exact", "singletons"])
@pytest.mark.parametrize("by_cluster", [False, True])
def test_unusual_tables_have_a_model(shape: str, by_cluster: bool) -> None:
    rng = np.random.default_rng(11)
    n = 2 if shape == "two rows" else 30
    design = np.column_stack([np.ones(n), rng.normal(size=(n, 60 if shape == "wide" else 2))])
    y = rng.normal(size=n)
    cluster = (np.arange(n) % (n if shape == "singletons" else 2)).astype(np.int32)
    notes: set[str] = set()
    if shape == "constant":
        design[:, 1], y[:] = 4.0, 7.0
        notes = {"constant"}
    if shape == "collinear":
        design[:, 2] = 2 * design[:, 1] - 1
        notes = {"collinear"}
    if shape == "wide":
        notes = {"collinear", "ridge"}
    if shape == "exact":
        y = design[:, 1] + cluster
    x = Clustered(design, cluster, n + 1, (1, 2))
    made = sample_linear_mixed(y, x, None, rng, by_cluster=by_cluster, iterations=30)
    for model in (made.drawn, made.estimated):
        drawn = model.draw(x, np.random.default_rng(12))
        assert np.isfinite(drawn).all()
        assert notes <= set(model.notes)
        if shape in {"constant", "exact"}:
            np.testing.assert_allclose(drawn, y, atol=0.03)
