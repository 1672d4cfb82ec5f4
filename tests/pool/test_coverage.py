"""Do 95 % intervals cover 95 %? Every rule where it holds, and some where they do not.

The populations, designs and rules are those of `tests/benchmarks/rules_coverage.py`, which prints the table of
`engine/docs/coverage.md`.
"""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest


def _benchmark() -> ModuleType:
    path = Path(__file__).resolve().parents[1] / "benchmarks" / "rules_coverage.py"
    spec = importlib.util.spec_from_file_location("benchmark_coverage", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


coverage = _benchmark()


@pytest.mark.slow
@pytest.mark.parametrize("label", coverage.DESIGNS)
def test_intervals_cover_where_the_rule_holds(label: str) -> None:
    # 1000 replicates: the Monte-Carlo error of one coverage is 0.007.
    for one in coverage.covered(coverage.DESIGNS[label], replicates=1000, seed=1):
        if one.verdict != "wrong":
            said = f"{one.rule}, {one.population}: {one.coverage}"
            assert (one.coverage >= 0.93).all(), said
            assert one.verdict == "safe" or (one.coverage <= 0.97).all(), said


@pytest.mark.slow
@pytest.mark.parametrize(
    ("label", "rule", "below"),
    [
        ("complete, fitted parameters, m = 1", "naive", 0.90),
        ("complete, drawn parameters, m = 1", "naive", 0.80),
        ("complete, fitted parameters, m = 5, k = 2n", "reiter2003", 0.90),
        ("40 % of y imputed, nothing synthesized, m = 5", "reiter2003", 0.90),
        ("60 % imputed and complete synthesis in one chain, m = 5", "reiter2003", 0.85),
        ("half of a population, complete synthesis, m = 5", "census", 0.85),
    ],
)
def test_wrong_rules_are_wrong(label: str, rule: str, below: float) -> None:
    found = [one for one in coverage.covered(coverage.DESIGNS[label], replicates=400, seed=5) if one.rule == rule]
    assert found
    assert np.mean([one.coverage for one in found]) < below


def test_the_simulation_knows_its_truth() -> None:
    """Real samples, pooled by nothing, cover 95 %; the logistic fit is that of statsmodels."""
    import statsmodels.api as sm

    rng = np.random.default_rng(1)
    for population in (coverage.Normal(), coverage.Logistic()):
        data = population.sample(rng, 1000, 200)
        estimates, variances = population.fit(data)
        inside = np.abs(estimates - population.truth) < 1.96 * np.sqrt(variances)
        assert (np.abs(inside.mean(axis=0) - 0.95) < 4 * np.sqrt(0.95 * 0.05 / 1000)).all()
        x, y = data[0][0], data[1][0]
        family = sm.families.Binomial() if population.name == "logistic" else sm.families.Gaussian()
        fitted = sm.GLM(y, sm.add_constant(x), family=family).fit()
        np.testing.assert_allclose(estimates[0][1], fitted.params[1], rtol=1e-6)
        np.testing.assert_allclose(variances[0][1], fitted.bse[1] ** 2, rtol=1e-6)
