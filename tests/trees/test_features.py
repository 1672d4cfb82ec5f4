"""Presorted predictors: NumPy's sort is the judge."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from replicant.trees import encode_features


@given(st.lists(st.integers(-1, 7), min_size=1, max_size=60))
def test_rows_are_sorted_by_code_stably_with_missing_last(codes: list[int]) -> None:
    features = encode_features([codes], nominal=[False], sizes=[8])
    keys = np.where(np.array(codes) < 0, 8, codes)
    np.testing.assert_array_equal(features.order[0], np.argsort(keys, kind="stable"))


def test_values_of_all_predictors_lie_behind_each_other() -> None:
    features = encode_features(
        [[0, 1, 1], [2, 0, 1], [-1, -1, -1]],
        nominal=[False, True, False],
        values=[np.array([0.5, 2.5]), None, np.empty(0)],
        sizes=[2, 4, 0],
    )
    assert (len(features), features.n) == (3, 3)
    np.testing.assert_array_equal(features.bases, [0, 2, 6])
    np.testing.assert_array_equal(features.values, [0.5, 2.5, 0, 1, 2, 3])
    np.testing.assert_array_equal(features.nominal, [0, 1, 0])
    np.testing.assert_array_equal(features.sizes, [2, 4, 0])


def test_sizes_are_counted_where_they_are_not_given() -> None:
    features = encode_features(np.array([[0, 4, 2], [-1, -1, -1]]), nominal=[False, False])
    np.testing.assert_array_equal(features.sizes, [5, 0])


@pytest.mark.parametrize("values", [[None], [None, None, None]])
def test_values_must_be_as_many_as_predictors(values: list[None]) -> None:
    with pytest.raises(ValueError, match="argument"):
        encode_features([[0, 1], [1, 0]], nominal=[False, False], values=values)
