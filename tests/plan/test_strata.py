"""Partitions against pandas' groupby, and shares against the definition of the largest remainder."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from replicant.plan.strata import cut, largest_remainder, pool_small
from replicant.table import encode_table


@given(st.lists(st.integers(1, 10**6), min_size=1, max_size=40), st.integers(1, 10**7))
def test_shares_by_largest_remainder(sizes: list[int], k: int) -> None:
    shares = largest_remainder(np.array(sizes), k)
    assert shares.sum() == k
    quotas = [Fraction(size * k, sum(sizes)) for size in sizes]
    assert all(share - quota < 1 and quota - share < 1 for share, quota in zip(shares.tolist(), quotas, strict=True))
    # Nobody who got a rest had a smaller one than somebody who got none.
    rests = [quota - quota.__floor__() for quota in quotas]
    got = [rest for rest, share, quota in zip(rests, shares.tolist(), quotas, strict=True) if share > quota.__floor__()]
    not_got = [
        rest for rest, share, quota in zip(rests, shares.tolist(), quotas, strict=True) if share == quota.__floor__()
    ]
    assert not got or not not_got or min(got) >= max(not_got)


def test_shares_of_all_rows_are_the_sizes() -> None:
    assert largest_remainder(np.array([3, 5, 7]), 15).tolist() == [3, 5, 7]


def test_hamiltons_textbook_example() -> None:
    # Balinski & Young (1982): 26 seats among five states with quotas 9.061, 7.179, 5.259, 3.319 and 1.182.
    assert largest_remainder(np.array([9061, 7179, 5259, 3319, 1182]), 26).tolist() == [9, 7, 5, 4, 1]


@given(st.lists(st.integers(1, 300), min_size=1, max_size=60), st.integers(1, 400))
def test_pooled_strata_are_large_enough(sizes: list[int], least: int) -> None:
    bins = pool_small(np.array(sizes), least)
    assert bins[0] == 0
    assert set(np.diff(bins).tolist()) <= {0, 1}  # neighbours only, in order
    totals = np.bincount(bins, weights=sizes)
    assert len(totals) == 1 or totals.min() >= least
    if min(sizes) >= least:
        assert bins.tolist() == list(range(len(sizes)))


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    rng = np.random.default_rng(2)
    n = 1000
    region = pd.Series(rng.choice(["north", "east", "south"], n, p=[0.6, 0.3, 0.1])).astype("str")
    region[rng.random(n) < 0.12] = np.nan
    levels = ["low", "mid", "high"]
    educ = pd.Categorical(rng.choice(levels, n), categories=levels, ordered=True)
    return pd.DataFrame({"region": region, "educ": educ, "x": rng.normal(size=n)})


def test_partitions_are_pandas_groups(frame: pd.DataFrame) -> None:
    table = encode_table(frame)
    partitions, events = cut(table, ("educ", "region"), 1, len(frame))
    codes = pd.DataFrame({"educ": frame.educ.cat.codes, "region": table["region"].codes})
    codes["region"] = codes["region"].where(codes["region"] >= 0, 99)
    groups = [rows.to_numpy() for _, rows in codes.groupby(["educ", "region"]).groups.items()]
    assert not events
    assert len(partitions) == len(groups) == 12
    for i, (partition, rows) in enumerate(zip(partitions, groups, strict=True)):
        assert partition.index == i
        assert partition.rows is not None
        assert partition.rows.dtype == np.int64
        assert np.array_equal(partition.rows, rows)
        assert partition.k == len(rows)


def test_every_row_is_in_one_partition(frame: pd.DataFrame) -> None:
    partitions, events = cut(encode_table(frame), ("region", "educ"), 100, 350)
    rows = np.concatenate([partition.rows for partition in partitions if partition.rows is not None])
    assert np.array_equal(np.sort(rows), np.arange(len(frame)))
    assert min(len(partition.rows) for partition in partitions if partition.rows is not None) >= 100
    assert sum(partition.k for partition in partitions) == 350
    assert [event.code for event in events] == ["pooled_strata"]
    assert "north" not in events[0].message


def test_all_small_is_one_partition(frame: pd.DataFrame) -> None:
    partitions, events = cut(encode_table(frame), ("region",), 900, 1000)
    assert [(p.rows, p.k) for p in partitions] == [(None, 1000)]
    assert events[0].code == "pooled_strata"


def test_few_synthetic_rows_leave_partitions_empty(frame: pd.DataFrame) -> None:
    partitions, events = cut(encode_table(frame), ("educ",), 1, 2)
    assert sorted(partition.k for partition in partitions) == [0, 1, 1]
    assert [event.code for event in events] == ["empty_partition"]
