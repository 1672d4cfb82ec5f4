"""Groups of about equal size."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from replicant.evaluation.grouping import quantile_edges


@given(st.lists(st.integers(-5, 5), max_size=60), st.integers(1, 12))
def test_groups_are_filled_and_no_more_than_wanted(cells: list[int], groups: int) -> None:
    values, counts = np.unique(np.array(cells, dtype=float), return_counts=True)
    edges = quantile_edges(values, counts.astype(float), groups)
    assert (np.diff(edges) > 0).all()
    assert len(edges) < groups
    if cells:
        filled = np.bincount(np.searchsorted(edges, cells, side="right"), minlength=len(edges) + 1)
        assert filled.all()
