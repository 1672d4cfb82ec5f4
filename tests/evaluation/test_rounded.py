"""Aggregates are rounded so that no row can be counted out of them."""

from __future__ import annotations

import numpy as np
import pytest

from replicant.evaluation.rounded import cells, share_unit, shares


@pytest.mark.parametrize("rows", [1, 7, 60, 100, 748, 5000, 10**7])
def test_a_unit_is_two_rows_at_least_and_round(rows: int) -> None:
    unit = share_unit(rows)
    assert unit * max(rows, 2) >= 2 * (1 - 1e-9)
    assert unit >= 0.001
    assert float(f"{unit:.1e}".partition("e")[0]) in (1.0, 2.0, 5.0)


def test_shares_are_multiples_of_the_unit() -> None:
    assert shares(np.array([0.0, 0.0123, 0.98765]), 0.005) == [0.0, 0.01, 0.99]


def test_what_is_not_finite_is_nothing() -> None:
    assert cells(np.array([[1.0, np.nan], [-0.001, 0.126]])) == [[1.0, None], [0.0, 0.13]]
