"""Presorted predictors: NumPy's sort is the judge."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from replicant.trees import encode_features
from replicant.trees.features import MOST_KEPT


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


def test_ranks_count_the_codes_that_occur() -> None:
    features = encode_features([[0, 4, 4, 2], [1, 0, -1, 2]], nominal=[False, False], sizes=[6, 3])
    ranks, bases = features.ranks(None)
    assert ranks.tolist() == [1, 1, 2, 2, 3, 3, 4, 1, 2, 3, 4]
    assert bases.tolist() == [0, 7]
    dense = encode_features([[0, 1, 1, 2]], nominal=[False])
    assert dense.ranks(None)[0].size == 0
    assert dense.ranks(np.array([1, 0, 0, 2], dtype=np.int32))[0].tolist() == [1, 1, 2, 3]


def test_what_is_kept_is_the_latest_and_stays_where_it_is() -> None:
    kept = encode_features([[0, 1]], nominal=[False]).kept
    for number in range(2 * MOST_KEPT):
        assert kept.of("number", number, lambda number=number: [number]) == [number]
    assert kept.of("number", 2 * MOST_KEPT - 1, list) == [2 * MOST_KEPT - 1]
    assert kept.of("number", 0, list) == []
    weights = np.arange(3)
    assert kept.of("rows", weights, lambda: [1]) is kept.of("rows", weights.copy(), list)
    assert pickle.loads(pickle.dumps(kept)).of("rows", weights, list) == []
