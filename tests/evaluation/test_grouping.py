"""Cuts between groups of numbers."""

from __future__ import annotations

import numpy as np
import pytest

from replicant.evaluation.grouping import quantile_edges


@pytest.mark.parametrize("groups", [2, 5, 10])
@pytest.mark.parametrize("seed", range(5))
def test_cuts_are_the_quantiles_of_the_rows(seed: int, groups: int) -> None:
    x = np.random.default_rng(seed).normal(size=97 + seed).round(1)
    values, counts = np.unique(x, return_counts=True)
    expected = np.unique(np.quantile(x, np.arange(1, groups) / groups))
    np.testing.assert_allclose(quantile_edges(values, counts, groups), expected, rtol=1e-12)


@pytest.mark.parametrize(
    ("x", "expected"),
    [
        ([], []),
        ([3.0], []),
        ([3.0] * 9, []),
        ([1.0] * 9 + [2.0], []),  # the largest value ends the last group and begins none
        ([1.0] + [2.0] * 9, []),
        ([0.0] * 6 + [1.0] * 2 + [2.0] * 3, [1.0]),
        (list(range(11)), [2.0, 4.0, 6.0, 8.0]),
    ],
)
def test_heavy_values_make_fewer_groups(x: list[float], expected: list[float]) -> None:
    values, counts = np.unique(np.array(x, dtype=float), return_counts=True)
    assert quantile_edges(values, counts).tolist() == expected
