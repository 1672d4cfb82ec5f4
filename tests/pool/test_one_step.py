"""The one-step rule, exactly: coverage by quadrature where estimates are normal, and by simulation with trees.

The designs with trees are those of `tests/benchmarks/one_step_coverage.py`, which prints the second table of coverage
in `engine/docs/coverage.md`; those with true models are in `test_coverage.py`.
"""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import statsmodels.api as sm
from scipy import stats

from replicant.pool import Combined
from replicant.pool.rules import one_step, reiter2003

MISSING = (0.0, 0.1, 0.3, 0.6, 0.75, 0.88)
"""V_mis / (V_mis + ubar): shares of missing information."""


def exact_coverage(rule: Callable[..., Combined], m: int, share: float, **options: bool) -> float:
    """Coverage of a rule for complete synthesis in normal theory with ubar = V_syn = 1, over all that b can be."""
    v_mis = share / (1 - share)
    chance = (np.arange(20_000) + 0.5) / 20_000
    b = (1 + v_mis) * stats.chi2.ppf(chance, m - 1) / (m - 1)
    base = np.linspace(-1, 1, m)[:, None]
    made = rule(base / base.std(axis=0, ddof=1) * np.sqrt(b), np.ones((m, len(b))), **options)
    np.testing.assert_allclose(made.b, b)
    true = 1 + v_mis + (1 + v_mis) / m
    return float((1 - 2 * stats.norm.sf(stats.t.ppf(0.975, made.df) * np.sqrt(made.total / true))).mean())


@pytest.mark.parametrize("m", [2, 3, 5, 20])
@pytest.mark.parametrize("share", MISSING)
def test_complete_synthesis_is_covered(m: int, share: float) -> None:
    assert exact_coverage(one_step, m, share) >= 0.93
    if share < 0.8:  # beyond, the bound has the shortfall of Rubin's own df: 92.8 % with three sets
        assert exact_coverage(one_step, m, share, complete=False) >= 0.93


def test_the_quadrature_finds_what_is_known() -> None:
    # Without missing information Reiter's rule is exact but for its df; with it, ubar + b/m stands for (1 + 1/m) S.
    assert exact_coverage(reiter2003, 20, 0.0) == pytest.approx(0.95, abs=0.002)
    short = 1.96 * np.sqrt((1 + 2.5 / 20) / (2.5 * 1.05))
    assert exact_coverage(reiter2003, 20, 0.6) == pytest.approx(2 * stats.norm.cdf(short) - 1, abs=0.005)
    # Much missing information: b is all there is, and it has m - 1 degrees of freedom.
    assert exact_coverage(one_step, 5, 0.9999) == pytest.approx(0.95, abs=0.001)


def _benchmark() -> ModuleType:
    path = Path(__file__).resolve().parents[1] / "benchmarks" / "one_step_coverage.py"
    spec = importlib.util.spec_from_file_location("benchmark_one_step", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


trees = _benchmark()


@pytest.mark.slow
@pytest.mark.parametrize("missing", trees.LEVEL)
def test_intervals_cover_with_trees(missing: float) -> None:
    # 300 replicates of 10 chains: the Monte-Carlo error of one coverage is 0.006 to 0.013.
    sets = trees.simulate(missing, 300, seed=11, chains=10)
    for m in (2, 5):
        found = {one.rule: one for one in trees.covered(sets, m)}
        imputed = found["imputed, `rubin1987`"]
        for rule, one in found.items():
            if one.verdict == "safe":
                assert (one.coverage >= 0.93 - 3 * one.error).all(), f"{rule}, m = {m}: {one.coverage}"
            if "synthesized, `one_step`" in rule:  # the rule takes nothing from what the imputation leaves
                assert (one.coverage >= imputed.coverage - 3 * one.error).all(), f"{rule}, m = {m}: {one.coverage}"
            if one.verdict == "wrong" and missing == 0.6:
                assert (one.coverage < 0.88).all(), f"{rule}, m = {m}: {one.coverage}"


@pytest.mark.parametrize("bend", [0.0, 0.4])
def test_the_population_is_as_stated(bend: float) -> None:
    rng = np.random.default_rng(3)
    x, _, y = trees.sample(rng, 400_000, bend)
    estimates, variances = trees.analyse(x, y)
    assert (np.abs(estimates - trees.TRUTH) < 4 * np.sqrt(variances)).all()
    fitted = sm.OLS(y, sm.add_constant(x)).fit(cov_type="HC1")
    np.testing.assert_allclose(estimates[1], fitted.params[1], rtol=1e-9)
    np.testing.assert_allclose(variances[1], fitted.bse[1] ** 2, rtol=1e-9)
    np.testing.assert_allclose(variances[0], stats.sem(y) ** 2, rtol=1e-9)
    for missing, level in trees.LEVEL.items():
        assert (1 / (1 + np.exp(-level - x))).mean() == pytest.approx(missing, abs=0.004)


def test_imputation_leaves_observed_cells_and_draws_donors_of_the_leaf() -> None:
    rng = np.random.default_rng(4)
    x, group, y = trees.sample(rng, 300)
    observed = rng.random(300) < 0.6
    values, codes = np.unique(x, return_inverse=True)
    features = trees.encode_features([codes, group], nominal=[False, True], values=[values, None])
    full = trees.impute(rng, features, y, observed, minbucket=5, bootstrap=True)
    np.testing.assert_array_equal(full[observed], y[observed])
    assert np.isin(full[~observed], y[observed]).all()
    assert stats.pearsonr(x[~observed], full[~observed]).statistic > 0.3
