"""Baselines of propensity scores without refitting: theory and first steps against fits to exchanged rows."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from replicant.evaluation import Figure
from replicant.evaluation.rows import Rows
from replicant.evaluation.schema import compare_schemas
from replicant.evaluation.tasks import Tasks
from replicant.utility.propensity import exchanged, logistic, permuted
from replicant.utility.propensity_figures import propensity_figures, theory_holds


def population(rng: np.random.Generator, n: int) -> pd.DataFrame:
    """Heavy tails, missing cells, rare levels."""
    z = rng.normal(size=n)
    income = np.exp(2 * z + rng.normal(0, 0.5, n)).round(2)
    income[rng.random(n) < 0.15] = np.nan
    town = np.minimum(rng.zipf(1.6, n), 25).astype(str)
    return pd.DataFrame({"size": 10 * z + rng.normal(0, 4, n), "income": income, "town": town})


def rows_of(*frames: pd.DataFrame) -> list[Rows]:
    coding = compare_schemas(frames[0], list(frames[1:])).coding
    return [coding.rows(one) for one in frames]


def figures(real: Rows, sets: list[Rows], **options: Any) -> dict[str, Figure]:
    options = {"draws": 20, "full": False, **options}
    found = propensity_figures(real, sets, np.random.default_rng(1), Tasks(), **options)
    return {one.measure: one for one in found}


@pytest.mark.parametrize(("n", "k"), [(600, 600), (300, 1200)])
def test_baselines_are_those_of_fits_to_exchanged_rows(n: int, k: int) -> None:
    """60 fits: a mean's error is a deviation over the root of 60; a deviation's, 9 %."""
    rng = np.random.default_rng(5)
    real, made = rows_of(population(rng, n), population(rng, k))
    found = logistic(real, made)
    assert theory_holds(real, made, found.parameters)
    fitted = permuted(logistic, real, made, rng, 60)
    shown = figures(real, [made])
    each = np.array([one.s_pmse for one in fitted])
    df = found.parameters - 1
    deviation = shown["s_pmse_logit"].baseline * np.sqrt(2 / df)  # type: ignore[operator]
    assert shown["s_pmse_logit"].baseline == pytest.approx(1 + k / n)
    assert each.mean() == pytest.approx(1 + k / n, abs=4 * deviation / np.sqrt(60) + 0.03 * (1 + k / n))
    assert each.std(ddof=1) == pytest.approx(deviation, rel=4 * 0.09)
    first = exchanged(real, made, rng, 200)
    for name in ("specks", "po50", "auc"):
        whole, step = (np.array([getattr(one, name) for one in drawn]) for drawn in (fitted, first))
        error = np.sqrt(whole.var() / 60 + step.var() / 200)
        assert abs(whole.mean() - step.mean()) < 4 * error, name
        assert step.std() == pytest.approx(whole.std(), rel=4 * 0.1), name


def test_p_values_of_fresh_samples_are_uniform() -> None:
    """80 pairs of samples: Kolmogorov's distance is below 1.95 / sqrt(80) in 999 of 1000 tests."""
    rng = np.random.default_rng(6)
    p: dict[str, list[float]] = {}
    for _ in range(80):
        real, made = rows_of(population(rng, 500), population(rng, 500))
        shown = figures(real, [made])
        for name, one in shown.items():
            assert one.p_value is not None
            p.setdefault(name, []).append(one.p_value)
    assert set(p) == {"pmse_logit", "s_pmse_logit", "specks_logit", "po50_logit", "auc_logit"}
    for name, values in p.items():
        assert stats.kstest(values, "uniform").statistic < 1.95 / np.sqrt(80), name


def test_a_difference_is_flagged_by_theory_and_kinds_say_where_baselines_come_from() -> None:
    rng = np.random.default_rng(7)
    other = population(rng, 600).assign(size=lambda table: table["size"] + 5)
    real, made = rows_of(population(rng, 600), other)
    shown = figures(real, [made, made], full=True)
    assert all(one.p_value is not None and one.p_value < 1e-6 for one in shown.values())
    kinds = {name: one.baseline_kind for name, one in shown.items()}
    assert kinds["pmse_logit"] == kinds["s_pmse_logit"] == "theory"
    assert kinds["auc_logit"] == "permutation"
    assert shown["pmse_logit"].spread == 0


def test_rows_are_exchanged_and_fitted_where_theory_does_not_hold() -> None:
    rng = np.random.default_rng(8)
    few = rows_of(population(rng, 120), population(rng, 120))
    assert not theory_holds(*few, logistic(*few).parameters)
    weighted = [
        Rows(one.coding, one.cells, one.groups, one.numbers, rng.uniform(0.5, 1.5, len(one)))
        for one in rows_of(population(rng, 600), population(rng, 600))
    ]
    for real, made in (few, weighted):
        shown = figures(real, [made], draws=10)
        assert {one.baseline_kind for one in shown.values()} == {"permutation"}
        assert all((one.p_value or 0) > 1e-4 for one in shown.values())


def test_of_large_tables_some_rows_are_exchanged(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(9)
    real, made = rows_of(population(rng, 4000), population(rng, 4000))
    whole = figures(real, [made])
    monkeypatch.setattr("replicant.utility.propensity_figures.MOST_ROWS", 1000)
    part = figures(real, [made])
    for name, one in part.items():
        assert one.value == whole[name].value
        assert one.baseline == pytest.approx(whole[name].baseline, rel=0.1)
