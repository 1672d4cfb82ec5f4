"""Where numbers lie and how fine they are: the same from a whole column and from a scan of its chunks."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from replicant.table import encode_table, merge_scans, scan
from replicant.table.extent import Extent, digits_of_seconds


@pytest.mark.parametrize(("digits", "found"), [(0, 0), (1, 3), (3, 3), (4, 5), (5, 5), (6, 6), (8, 9)])
@given(st.integers(1, 9), st.integers(0, 86_399))
def test_digits_of_seconds(digits: int, found: int, last: int, second: int) -> None:
    seconds = Fraction(second) + Fraction(last, 10**digits) * (digits > 0)
    assert digits_of_seconds(np.array([0.0, float(seconds / 86_400)])) == found


def test_numbers_between_the_ends_are_covered() -> None:
    extent = Extent.of(np.array([-3.0, 2.5]))
    assert (extent.low, extent.high, extent.whole) == (-3.0, 2.5, False)
    assert [extent.covers(number) for number in (-4, -3, 0, 2.5, 3)] == [False, True, True, True, False]
    assert not Extent.of(np.empty(0)).covers(0)


MOMENTS = pd.Series(
    pd.to_datetime(["1850-01-01", "2001-02-03", "2001-02-03 04:05:06.5", None] * 3, format="ISO8601")
).astype("M8[us]")


@pytest.mark.parametrize(
    ("cells", "book"),
    [
        (MOMENTS, {}),
        (MOMENTS.dt.normalize(), {}),
        (MOMENTS.astype(object), {}),
        (MOMENTS.dt.strftime("%Y-%m-%d %H:%M:%S.%f"), {"x": {"kind": "date"}}),
        (MOMENTS.dt.strftime("%Y-%m-%d"), {"x": {"kind": "date"}}),
        (MOMENTS.dt.strftime("%Y-%m-%d"), {}),
        (MOMENTS, {"x": {"missing_codes": ["1850-01-01"]}}),
        (pd.Series([None if pd.isna(one) else one.time() for one in MOMENTS], dtype=object), {}),
        (MOMENTS - MOMENTS[1], {}),
        (pd.Series(range(12)), {"x": {"missing_codes": [0, 11]}}),
    ],
)
def test_a_scan_finds_what_the_column_shows(cells: pd.Series, book: dict[str, Any]) -> None:
    frame = pd.DataFrame({"x": cells, "y": range(12)})
    known = merge_scans(*(scan(frame[at : at + 3], book, chunk=at) for at in range(0, 12, 3)))["x"].extent
    column = encode_table(frame, book)["x"]
    expected = column.extent
    assert (known.low, known.high, known.digits) == (expected.low, expected.high, expected.digits)
    assert known.whole == expected.whole or column.decimals is not None
