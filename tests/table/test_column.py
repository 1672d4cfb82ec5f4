"""One column: numbers, nearest values, computed values, rows."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pandas.testing import assert_series_equal

from replicant.table import Column, encode_table

NUMBERS = st.floats(-1e6, 1e6, allow_nan=False)


def column(cells: Any, **spec: Any) -> Column:
    series = pd.Series(cells, name="x")
    return encode_table(pd.DataFrame({"x": series, "y": np.arange(len(series))}), {"x": spec} if spec else None)["x"]


@given(st.lists(NUMBERS, min_size=2, max_size=30), st.lists(NUMBERS, max_size=30))
def test_nearest_codes_are_nearest(observed: list[float], wanted: list[float]) -> None:
    x = column(observed, kind="continuous")
    codes = x.nearest_codes(np.array([*wanted, np.nan]))
    assert codes.dtype == np.int32
    assert codes[-1] == -1
    for code, number in zip(codes, wanted, strict=False):
        # The brute force of it, up to the rounding of the midpoint.
        assert abs(x.values[code] - number) <= np.abs(x.values - number).min() * (1 + 1e-12) + 1e-9


def test_the_midpoint_belongs_to_the_lower_value() -> None:
    x = column([1.0, 2.0, 4.0], kind="continuous")
    assert x.nearest_codes(np.array([-9, 1.5, 1.51, 3.0, 3.01, np.inf, -np.inf])).tolist() == [0, 0, 1, 1, 2, 2, 0]


def test_numbers_of_codes() -> None:
    x = column([3.5, np.nan, -8, 1.0], missing_codes=[-8])
    np.testing.assert_array_equal(x.numbers(), [3.5, np.nan, np.nan, 1.0])
    np.testing.assert_array_equal(x.numbers(np.array([1, 0, -1, -2], dtype=np.int32)), [3.5, 1.0, np.nan, np.nan])
    assert np.isnan(column([np.nan, np.nan]).numbers()).all()


@pytest.mark.parametrize(
    ("dtype", "exact", "expected"),
    [
        ("float64", [1.25, np.nan], pd.Series([1.25, np.nan])),
        ("float32", [1.25, np.nan], pd.Series([1.25, np.nan], dtype="float32")),
        ("int64", [7.0, 8.0], pd.Series([7, 8])),
        ("int64", [7.0, np.nan], pd.Series([7.0, np.nan])),
        ("int64", [7.5, 8.0], pd.Series([7.5, 8.0])),
        ("int8", [300.0, 8.0], pd.Series([300.0, 8.0])),
        ("uint8", [-1.0, 8.0], pd.Series([-1.0, 8.0])),
        ("Int64", [7.0, np.nan], pd.Series([7, pd.NA], dtype="Int64")),
        ("Int64", [7.5, np.nan], pd.Series([7.5, np.nan])),
        ("Float64", [7.5, np.nan], pd.Series([7.5, pd.NA], dtype="Float64")),
        ("object", [7.5, np.nan], pd.Series([7.5, np.nan])),
    ],
)
def test_computed_values_keep_the_type_where_it_holds_them(dtype: str, exact: Any, expected: pd.Series[Any]) -> None:
    x = column(pd.Series([1, 2, 3], dtype=dtype))
    found = x.decode(np.zeros(2, dtype=np.int32), np.array(exact))
    assert_series_equal(found, expected.rename("x"))


def test_computed_values_leave_coded_missing_values_standing() -> None:
    x = column([3, -8, 1, 2], missing_codes=[-8])
    found = x.decode(np.array([0, -2, -1], dtype=np.int32), np.array([5.0, np.nan, np.nan]))
    np.testing.assert_array_equal(found, [5.0, -8.0, np.nan])


def test_a_missing_draw_widens_the_type_as_pandas_does() -> None:
    codes = np.array([0, -1], dtype=np.int32)
    assert_series_equal(column([4, 5]).decode(codes), pd.Series([4, None], name="x"))
    assert column([True, False]).decode(codes).isna().tolist() == [False, True]


def test_rows_are_taken_with_codes_unchanged() -> None:
    x = column(["a", "b", "c", "b"])
    some = x.take(np.array([3, 3, 0]))
    assert some.codes.tolist() == [1, 1, 0]
    assert (some.size, some.n, x.n) == (3, 3, 4)
    assert x.take(np.array([True, False, True, False])).codes.tolist() == [0, 2]


def test_the_representation_holds_no_values() -> None:
    text = repr(column(["Xyzzy", "Plugh", "Plugh"]))
    assert "Xyzzy" not in text
    assert "'x'" in text
