"""Matrices of associations against pandas, SciPy and their definitions."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.stats import contingency

from replicant.utility.associations import Associated, Sums, ranked


def table(n: int = 300) -> tuple[Any, Any]:
    rng = np.random.default_rng(1)
    a = rng.normal(1e6, 1, n)
    b = a + rng.normal(size=n)
    c = rng.integers(0, 3, n)
    d = (c + rng.integers(0, 2, n)) % 4
    b[:40] = np.nan
    b += np.where(c == 1, 1.0, 0.0)
    numbers = np.column_stack([a, b, np.full(n, np.nan), np.full(n, np.nan), np.ones(n)])
    return numbers, np.column_stack([np.zeros(n), np.zeros(n), c, d, np.zeros(n)]).astype(np.int32)


NUMERIC = np.array([True, True, False, False, True])
SIZES = (6, 6, 4, 5, 2)


def summed(numbers: Any, groups: Any, weights: Any = None) -> Sums:
    return Associated.of(numbers, NUMERIC, SIZES).sums(numbers, groups, weights)


def test_matrix_is_what_pandas_and_scipy_compute() -> None:
    numbers, groups = table()
    found = summed(numbers, groups).matrix
    frame = pd.DataFrame(numbers[:, :2])
    assert found[0, 1] == pytest.approx(frame.corr().iloc[0, 1], rel=1e-9)
    ranks = summed(ranked(numbers), groups).matrix
    both = frame.dropna()
    assert ranks[0, 1] == pytest.approx(frame.corr("spearman").iloc[0, 1], abs=0.005)  # ranked before a pair is known
    assert summed(ranked(numbers[40:]), groups[40:]).matrix[0, 1] == pytest.approx(both.corr("spearman").iloc[0, 1])
    counts = pd.crosstab(groups[:, 2], groups[:, 3])
    assert found[2, 3] == pytest.approx(contingency.association(counts.to_numpy(), "cramer"))
    known = pd.DataFrame({"b": numbers[:, 1], "c": groups[:, 2]}).dropna()
    fitted = known.groupby("c")["b"].transform("mean")
    assert found[1, 2] == pytest.approx(np.sqrt(fitted.var() / known["b"].var()), rel=1e-9)
    np.testing.assert_array_equal(found, found.T)


def test_a_constant_column_has_no_association() -> None:
    found = summed(*table()).matrix
    assert np.isnan(found[4, :4]).all()
    assert found[4, 4] == 1


def test_sums_of_partitions_add_up_and_weights_are_repetitions() -> None:
    numbers, groups = table()
    plan = Associated.of(numbers, NUMERIC, SIZES)
    whole = plan.sums(numbers, groups)
    apart = plan.sums(numbers[:100], groups[:100]).combine(plan.sums(numbers[100:], groups[100:]))
    np.testing.assert_allclose(apart.matrix, whole.matrix, rtol=1e-9)
    w = np.random.default_rng(2).integers(1, 4, 300)
    repeated = plan.sums(np.repeat(numbers, w, axis=0), np.repeat(groups, w, axis=0))
    np.testing.assert_allclose(plan.sums(numbers, groups, w.astype(float)).matrix, repeated.matrix, rtol=1e-9)


def test_tables_without_rows_numbers_or_levels() -> None:
    numbers, groups = table()
    assert np.isnan(summed(numbers[:0], groups[:0]).matrix[0, 1])
    for which in (NUMERIC, ~NUMERIC):
        part = Associated.of(numbers[:, which], NUMERIC[which], tuple(np.array(SIZES)[which].tolist()))
        assert part.sums(numbers[:, which], groups[:, which]).matrix.shape == (which.sum(),) * 2
