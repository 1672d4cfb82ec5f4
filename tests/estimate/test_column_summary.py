"""Column summaries against NumPy, pandas, SciPy and statsmodels: of the whole, and merged from any split and order."""

from __future__ import annotations

import math
from functools import reduce
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.weightstats import DescrStatsW

from replicant.estimate.column_summary import (
    ColumnSummary,
    CoMoments,
    Moments,
    Powers,
    bin_counts,
    comoments,
    level_text,
    moments,
    powers,
)
from replicant.table.counts import level_counts

Floats = np.ndarray

DAYS_IN_NS = 1.6e18
"""The size of a date in nanoseconds since 1970: a plain sum of squares would lose everything below minutes."""


def split(draw: st.DataObject, values: Any) -> list[Any]:
    """The same cells in parts, some of them empty, in another order."""
    cuts = sorted(draw.draw(st.lists(st.integers(0, len(values)), max_size=5)))
    parts = [values[a:b] for a, b in zip([0, *cuts], [*cuts, len(values)], strict=True)]
    return list(draw.draw(st.permutations(parts)))


def merged(draw: st.DataObject, parts: list[Any]) -> Any:
    """All parts together, neighbours first, grouped in any way."""
    while len(parts) > 1:
        i = draw.draw(st.integers(0, len(parts) - 2))
        parts[i : i + 2] = [parts[i].combine(parts[i + 1])]
    return parts[0]


@given(st.lists(st.floats(-1e3, 1e3), max_size=50), st.sampled_from([0.0, 1e9, -1e9, DAYS_IN_NS]), st.data())
def test_merged_moments_are_those_of_exact_arithmetic(values: list[float], offset: float, draw: st.DataObject) -> None:
    """In any split and order, and far from zero: to a rounding of the values, not of their squares."""
    x = np.array(values, dtype=float) + offset
    parts = split(draw, x)
    for found in (merged(draw, [moments(part) for part in parts]), merged(draw, [powers(part) for part in parts])):
        assert found.n == len(x)
        if not len(x):
            assert (found.mean, found.m2) == (0.0, 0.0)
            continue
        mean = math.fsum(x) / len(x)
        step = 4 * len(x) * np.spacing(np.abs(x).max())
        assert abs(found.mean - mean) <= step
        exact = math.fsum((one - mean) ** 2 for one in x)
        assert abs(found.m2 - exact) <= 1e-9 * exact + len(x) * step**2


@given(st.lists(st.floats(-1e3, 1e3), min_size=1, max_size=60), st.data())
def test_merged_powers_are_those_of_numpy(values: list[float], draw: st.DataObject) -> None:
    x = np.array(values)
    found = merged(draw, [powers(part) for part in split(draw, x)])
    scale = 1 + np.abs(x).max()
    assert (found.rows, found.low, found.high) == (len(x), x.min(), x.max())
    for k, name in [(2, "m2"), (3, "m3"), (4, "m4")]:
        exact = ((x - x.mean()) ** k).sum()
        assert getattr(found, name) == pytest.approx(exact, abs=1e-8 * len(x) * scale**k)


@given(st.lists(st.tuples(st.floats(-1e6, 1e6), st.floats(0, 50)), min_size=2, max_size=40), st.data())
def test_weights_are_those_of_statsmodels(rows: list[tuple[float, float]], draw: st.DataObject) -> None:
    found = merged(draw, [moments(part[:, 0], part[:, 1]) for part in split(draw, np.array(rows))])
    x, w = np.array(rows).T
    assert found.n == pytest.approx(w.sum(), rel=1e-12)
    if w.sum() > 1.001:
        known = DescrStatsW(x, w, ddof=1)
        scale = np.abs(x).max()
        assert found.mean == pytest.approx(known.mean, abs=1e-12 * scale)
        assert found.sd == pytest.approx(
            np.sqrt(np.maximum(known.sumsquares, 0) / (w.sum() - 1)), rel=1e-6, abs=1e-9 * scale
        )


@pytest.mark.parametrize("offset", [0.0, 1e9, DAYS_IN_NS])
def test_figures_are_those_of_scipy_and_numpy(offset: float) -> None:
    rng = np.random.default_rng(1)
    x = np.where(rng.random(999) < 0.1, np.nan, offset + (rng.exponential(1000, 999) * 1024).round())
    parts = [powers(one) for one in np.split(x, [1, 2, 500])]
    there = x[~np.isnan(x)]
    exact = there - offset  # a difference of neighbours in floating point is exact
    off = 4 * np.spacing(offset) / exact.std()  # the mean is a double: so far may it be away, in standard deviations
    for found in (powers(x), reduce(Powers.combine, parts)):
        assert found.mean == pytest.approx(offset + exact.mean(), rel=1e-15)
        assert found.sd == pytest.approx(exact.std(ddof=1), rel=1e-12)
        assert found.error == pytest.approx(stats.sem(exact), rel=1e-12)
        n = len(exact)
        assert found.skew == pytest.approx(stats.skew(exact) * ((n - 1) / n) ** 1.5, rel=1e-9 + 4 * off)
        assert found.kurtosis == pytest.approx((stats.kurtosis(exact) + 3) * ((n - 1) / n) ** 2 - 3, rel=1e-9 + 8 * off)


@given(st.integers(0, 2**32), st.data())
def test_merged_co_moments_are_those_of_numpy(seed: int, draw: st.DataObject) -> None:
    rng = np.random.default_rng(seed)
    x, w = rng.normal([0, 1e6, -5], [1, 3, 1e-3], (30, 3)), rng.integers(0, 4, 30)
    rows = np.column_stack([x, w])
    found = reduce(CoMoments.combine, [comoments(one[:, :3], one[:, 3]) for one in split(draw, rows)])
    np.testing.assert_allclose(found.m2 / (w.sum() - 1), np.cov(x.T, fweights=w), rtol=1e-7, atol=1e-9)
    np.testing.assert_allclose(found.mean, np.average(x, axis=0, weights=w), rtol=1e-12)
    assert (found.n, found.squares) == (w.sum(), (w**2).sum())


@given(st.integers(0, 2**32), st.data())
def test_moments_of_many_figures_are_merged_at_once(seed: int, draw: st.DataObject) -> None:
    """Arrays merge as their elements do, also where one of the parts has none."""
    rng = np.random.default_rng(seed)
    x = rng.normal(1e3, 1, (20, 4)) * [1, 1e3, 1e-3, 1]
    x[rng.random(x.shape) < 0.5] = np.nan
    parts = split(draw, x)
    each = [reduce(Moments.combine, [moments(part[:, j]) for part in parts]) for j in range(4)]
    figures = [[moments(part[:, j]) for j in range(4)] for part in parts]
    arrays = [
        Moments(*(np.array([getattr(one, name) for one in part]) for name in ("n", "mean", "m2", "rest")))
        for part in figures
    ]
    found = reduce(Moments.combine, arrays)
    for name in ("n", "mean", "m2", "sd", "error"):
        np.testing.assert_allclose(getattr(found, name), [getattr(one, name) for one in each], rtol=1e-13)


@given(st.lists(st.sampled_from(["a", "b", "c", None]), max_size=30), st.booleans(), st.data())
def test_levels_are_counted_as_pandas_counts(cells: list[str | None], categorical: bool, draw: st.DataObject) -> None:
    series = pd.Series(cells, dtype=pd.CategoricalDtype(["c", "b", "a", "never"]) if categorical else object)
    parts: list[ColumnSummary[Moments]] = [ColumnSummary(len(one), level_counts(one)) for one in split(draw, series)]
    found = merged(draw, parts)
    assert {level: count for level, count in found.counts.items() if count} == series.dropna().value_counts().loc[
        lambda counts: counts > 0
    ].to_dict()
    assert (found.rows, found.present, found.missing) == (len(cells), series.notna().sum(), series.isna().sum())
    if categorical:
        assert list(found.counts) == ["c", "b", "a", "never"]


@given(st.lists(st.floats(-50, 50) | st.just(math.nan), max_size=40), st.data())
def test_bins_are_numpy_histograms_with_the_tails_in_the_outermost(values: list[float], draw: st.DataObject) -> None:
    edges, x = np.linspace(-10.0, 10.0, 7), np.array(values, dtype=float)
    found = merged(draw, [ColumnSummary(len(one), bin_counts(one, edges), moments(one)) for one in split(draw, x)])
    inside = np.clip(x[~np.isnan(x)], -10, 10)
    assert list(found.counts.values()) == np.histogram(inside, edges)[0].tolist()
    assert (found.rows, found.missing) == (len(x), np.isnan(x).sum())
    assert bin_counts(x, np.empty(0)) == {}
    weights = np.arange(len(x)) % 3
    assert bin_counts(x, edges, weights) == bin_counts(np.repeat(x, weights), edges)


def test_what_there_is_nothing_of() -> None:
    nothing = powers(np.array([np.nan, np.nan]))
    assert (nothing.n, nothing.mean, nothing.low, nothing.high) == (0.0, 0.0, np.inf, -np.inf)
    assert np.isnan([nothing.sd, nothing.error, nothing.skew, nothing.kurtosis]).all()
    one = powers(np.array([7.0, 1e308]), np.array([1.0, 0.0]))
    assert one.combine(nothing) is one
    assert nothing.combine(one) is one
    assert (one.mean, one.high, one.rows) == (7.0, 7.0, 1)
    large = powers(np.array([1e308, -1e308]))
    assert large.combine(large).n == 4  # of such numbers there are no squares, and no error either


def test_levels_are_one_however_a_file_stored_them() -> None:
    assert {level_text(level) for level in (1, 1.0, np.float64(1), "1")} == {"1"}
    assert [level_text(level) for level in (0.5, True, "a")] == ["0.5", "True", "a"]
