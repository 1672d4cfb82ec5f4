"""Durations in every type that holds them, held against Python's own."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from replicant.table import encode_table
from replicant.table.durations import are_durations, elapsed

SPANS = [dt.timedelta(days=-2, microseconds=7), dt.timedelta(hours=1), None, dt.timedelta(days=30_000, seconds=1)]
TYPES: list[Any] = [object, "m8[us]", "m8[ns]", pd.ArrowDtype(pa.duration("us"))]


@pytest.mark.parametrize("dtype", TYPES)
def test_seconds(dtype: Any) -> None:
    cells = pd.Series(SPANS, dtype=dtype)
    assert are_durations(cells)
    expected = [np.nan if span is None else span / dt.timedelta(seconds=1) for span in SPANS]
    np.testing.assert_array_equal(elapsed(cells), expected)


@pytest.mark.parametrize("cells", [[1.5, 2.5], ["a", "b"], pd.to_datetime(["2000-01-01"]), [dt.time(1), None], []])
def test_others_are_none(cells: Any) -> None:
    assert not are_durations(pd.Series(cells))
    assert not are_durations(pd.Series(cells, dtype=object))


@pytest.mark.parametrize("dtype", TYPES)
def test_declared_decimals_are_those_of_days(dtype: Any) -> None:
    hours = pd.Series([dt.timedelta(hours=5), dt.timedelta(hours=47), None, dt.timedelta(hours=47)], dtype=dtype)
    table = encode_table(pd.DataFrame({"x": hours}), {"x": {"decimals": 0}})
    column = table["x"]
    assert column.dtype.is_duration
    assert column.dtype.dtype == hours.dtype
    assert [event.code for event in table.events if event.column == "x"] == ["rounded"]
    np.testing.assert_array_equal(column.numbers(), [0, 2, np.nan, 2])
    np.testing.assert_array_equal(elapsed(column.decode(column.codes)), [0, 172_800, np.nan, 172_800])
