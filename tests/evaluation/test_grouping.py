"""Cuts between groups of numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from replicant.errors import SpecError
from replicant.evaluation.grouping import quantile_edges
from replicant.evaluation.schema import compare_schemas


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


@pytest.mark.parametrize(
    ("grouped", "said"),
    [
        ({"agee": 4}, "did you mean 'age'"),
        ({"sex": 2}, "column of levels"),
        ({"age": 1}, "2 to"),
        ({"age": [30, 18]}, "ascending"),
        ({"age": ["old"]}, "ascending"),
    ],
)
def test_groups_that_make_no_sense_are_refused(grouped: dict[str, Any], said: str) -> None:
    frame = pd.DataFrame({"age": [1.0, 20.0, 40.0], "sex": ["m", "f", "f"]})
    with pytest.raises(SpecError, match=said):
        compare_schemas(frame, [frame], groups=grouped)


def test_groups_begin_where_their_owner_says() -> None:
    frame = pd.DataFrame({"age": [17.0, 18.0, 64.0, 65.0, None], "born": pd.to_datetime(["2000-12-31"] * 5)})
    coding = compare_schemas(frame, [frame], groups={"age": [18, 65], "born": ["2000-12-31"]}).coding
    assert coding.rows(frame).groups[:, 0].tolist() == [0, 1, 1, 2, 3]
    assert coding.rows(frame).groups[0, 1] == 1
