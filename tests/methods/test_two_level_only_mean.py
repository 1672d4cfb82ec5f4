"""`2lonly.mean` against pandas' groups."""

from __future__ import annotations

import numpy as np
import pandas as pd

from replicant.methods import Clustered
from replicant.methods.two_level_only_mean import TwoLevelOnlyMean

from .coded import classes, numbers

RNG = np.random.default_rng(0)  # the fit draws nothing


def test_numbers_get_the_mean_of_their_cluster() -> None:
    rng = np.random.default_rng(1)
    cluster, y = rng.integers(0, 7, 60).astype(np.int32), rng.normal(size=60)
    weights = rng.integers(1, 4, 60).astype(np.int32)
    x = Clustered(np.ones((60, 1)), cluster, 7)
    drawn = TwoLevelOnlyMean().fit(numbers(y), x, None, RNG).draw(x, rng)
    np.testing.assert_allclose(drawn, pd.Series(y).groupby(cluster).transform("mean"))
    long = pd.Series(np.repeat(y, weights)).groupby(np.repeat(cluster, weights)).mean()
    drawn = TwoLevelOnlyMean().fit(numbers(y), x, weights, RNG).draw(x, rng)
    np.testing.assert_allclose(drawn, long[cluster])


def test_equal_numbers_come_back_exactly() -> None:
    cluster = np.repeat(np.arange(3), 3).astype(np.int32)
    y = np.array([0.1, 1e15 + 0.3, -7.7])[cluster]
    x = Clustered(np.ones((9, 1)), cluster, 3)
    np.testing.assert_array_equal(TwoLevelOnlyMean().fit(numbers(y), x, None, RNG).draw(x, RNG), y)


def test_levels_get_the_most_frequent_one_and_the_first_of_equals() -> None:
    cluster = np.array([0, 0, 0, 1, 1, 2], dtype=np.int32)
    x = Clustered(np.ones((6, 1)), cluster, 3)
    model = TwoLevelOnlyMean().fit(classes([2, 1, 2, 3, 1, 0]), x, None, RNG)
    assert model.draw(x, RNG).tolist() == [2, 2, 2, 1, 1, 0]
    assert model.draw(x, RNG).dtype == np.int32
    weights = np.array([1, 5, 1, 2, 1, 1], dtype=np.int32)
    assert TwoLevelOnlyMean().fit(classes([2, 1, 2, 3, 1, 0]), x, weights, RNG).draw(x, RNG).tolist() == [
        1,
        1,
        1,
        3,
        3,
        0,
    ]


def test_a_cluster_without_rows_gets_the_value_of_another_one() -> None:
    x = Clustered(np.ones((3, 1)), np.array([0, 1, 3], dtype=np.int32), 5)
    model = TwoLevelOnlyMean().fit(numbers([1.0, 2.0, 4.0]), x, None, RNG)
    assert model.notes == ("unseen_cluster",)
    new = Clustered(np.ones((4, 1)), np.array([2, 2, 4, 4], dtype=np.int32), 5)
    drawn = np.array([model.draw(new, np.random.default_rng(seed)) for seed in range(200)])
    np.testing.assert_array_equal(drawn[:, 0], drawn[:, 1])
    assert set(drawn[:, 0]) == set(drawn[:, 2]) == {1.0, 2.0, 4.0}
    assert (drawn[:, 0] != drawn[:, 2]).any()
