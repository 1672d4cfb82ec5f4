"""Cells of donors against a search through all rows."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from replicant.methods.donor_cells import DonorCells

from .coded import new_rows, predictors, rows_of


@given(st.integers(0, 2**32 - 1), st.integers(1, 30), st.integers(0, 3), st.integers(1, 4))
def test_each_row_finds_the_donors_that_a_search_finds(seed: int, n: int, p: int, fewest: int) -> None:
    rng = np.random.default_rng(seed)
    codes = rng.integers(0, 3, (3, n))
    x = predictors(*codes, nominal=(0, 1, 2))
    weights = rng.integers(0, 3, n).astype(np.int32)
    weights[rng.integers(n)] = 1
    features = rng.permutation(3)[:p].tolist()
    cells = DonorCells.of(x, features, weights, fewest)
    for row in range(n):
        same = np.ones(n, dtype=bool)
        depth = 0
        for feature in features:
            narrower = same & (codes[feature] == codes[feature][row])
            if weights[narrower].sum() < fewest:
                break
            same, depth = narrower, depth + 1
        drawn = cells.draw(new_rows(x, np.full(60, row)), rng)
        assert cells.depths(rows_of(x, [row]))[0] == depth
        assert set(drawn) <= set(np.flatnonzero(same & (weights > 0)))


def test_donors_come_by_their_weights() -> None:
    x = predictors([0, 0, 0, 1], nominal=(0,))
    cells = DonorCells.of(x, [0], np.array([1, 3, 0, 2], dtype=np.int32))
    drawn = np.bincount(cells.draw(rows_of(x, np.zeros(40_000)), np.random.default_rng(1)), minlength=4)
    assert drawn[2] == drawn[3] == 0
    assert drawn[1] / 40_000 == pytest.approx(0.75, abs=4 * np.sqrt(0.75 * 0.25 / 40_000))


def test_a_row_is_not_its_own_donor_and_looks_further_for_another() -> None:
    x = predictors([0, 0, 1, 2, 2], nominal=(0,))
    cells = DonorCells.of(x, [0], np.array([2, 1, 1, 2, 0], dtype=np.int32))
    rng = np.random.default_rng(2)
    found = [set(cells.draw(rows_of(x, np.full(200, row), True), rng)) for row in range(5)]
    assert found == [{1}, {0}, {0, 1, 3}, {0, 1, 2}, {3}]
    single = predictors([0], nominal=(0,))
    assert DonorCells.of(single, [0], None).draw(rows_of(single, [0], True), rng).tolist() == [0]
