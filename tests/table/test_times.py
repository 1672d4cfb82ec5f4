"""Hours since midnight, held against pyarrow and Python's own clock."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from replicant.errors import DataError, SpecError
from replicant.table import encode_table
from replicant.table.kinds import Kind
from replicant.table.scan import scan
from replicant.table.scans import merge_scans
from replicant.table.times import (
    as_times,
    clock_text,
    finest,
    hours_in,
    hours_of,
    is_time,
    is_times,
    time_in_text,
    time_of_hours,
    times_as_arrow,
)

TYPES = {"s": pa.time32("s"), "ms": pa.time32("ms"), "us": pa.time64("us"), "ns": pa.time64("ns")}
TIMES = [dt.time(8, 30), None, dt.time(0), dt.time(23, 59, 59), dt.time(8, 30)]


def arrow(kind: pa.DataType, cells: list[dt.time | None]) -> pd.Series:
    return pd.Series(pd.arrays.ArrowExtensionArray(pa.chunked_array([pa.array(cells, kind)])))


@given(st.sampled_from(list(TYPES)), st.integers(0, 86_400 * 10**9 - 1))
def test_every_tick_comes_back(unit: str, nano: int) -> None:
    kind = TYPES[unit]
    tick = nano // {"s": 10**9, "ms": 10**6, "us": 10**3, "ns": 1}[unit]
    array = pa.array([tick, None], pa.int32() if pa.types.is_time32(kind) else pa.int64()).cast(kind)
    hours = hours_of(pd.Series(pd.arrays.ArrowExtensionArray(pa.chunked_array([array]))))
    assert np.isnan(hours[1])
    assert times_as_arrow(hours, kind).equals(array)


@given(st.times())
def test_python_times_come_back_and_equal_those_of_arrow(time: dt.time) -> None:
    hours = hours_of(np.array([time, None], dtype=object))
    assert time_of_hours(float(hours[0])) == time
    assert hours[0] == hours_of(arrow(pa.time64("ns"), [time]))[0]
    assert time_in_text(time.isoformat()) == time


@given(st.times())
def test_texts(time: dt.time) -> None:
    made, wrong = as_times(pa.chunked_array([[time.isoformat(), None]]))
    assert wrong == 0
    assert made.cast(pa.time64("us")).to_pylist() == [time, None]
    (text,) = clock_text(pa.array([time])).to_pylist()
    assert dt.time.fromisoformat(text) == time
    assert not text.endswith("0") or "." not in text


@pytest.mark.parametrize("text", ["24:00", "08", "8:3", "08:60", " 8:30", "08:30Z", "08:30:60", "x"])
def test_what_is_no_time(text: str) -> None:
    assert as_times(pa.chunked_array([[text]]))[1] == 1
    assert time_in_text(text) is None
    assert hours_in([text, "08:00"]) is None


def test_one_digit_of_hours_and_nanoseconds() -> None:
    made, wrong = as_times(pa.chunked_array([["8:30", "23:59:59.999999999"]]))
    assert (made.type, wrong) == (pa.time64("ns"), 0)
    assert made.cast(pa.int64()).to_pylist() == [30_600 * 10**9, 86_400 * 10**9 - 1]
    assert hours_in(["8:30"]).tolist() == [8.5]


def test_the_end_of_the_day_is_no_other_day() -> None:
    assert time_of_hours(24 - 1e-15) == dt.time.max
    assert times_as_arrow(np.array([24 - 1e-15]), TYPES["s"]).to_pylist() == [dt.time(23, 59, 59)]


def test_what_is_of_times() -> None:
    assert is_time(pd.ArrowDtype(TYPES["s"]))
    assert not is_time(pd.ArrowDtype(pa.timestamp("s")))
    assert is_times(pd.Series(TIMES, dtype=object))
    assert not is_times(pd.Series(["08:30"], dtype=object))
    assert finest([pd.ArrowDtype(TYPES[unit]) for unit in ("s", "ns", "ms")]) == pd.ArrowDtype(TYPES["ns"])


@pytest.mark.parametrize("kind", [*TYPES.values(), None])
def test_encoded(kind: pa.DataType | None) -> None:
    cells = pd.Series(TIMES, dtype=object) if kind is None else arrow(kind, TIMES)
    column = encode_table(pd.DataFrame({"t": cells}))["t"]
    assert (column.kind, column.why) == (Kind.CONTINUOUS, "times of day, in hours")
    assert column.values.tolist() == [0.0, 8.5, 24 - 1 / 3600]
    again = column.decode(column.codes)
    assert again.dtype == cells.dtype
    assert [None if pd.isna(cell) else cell for cell in again] == TIMES
    computed = column.decode(column.codes, column.numbers())
    assert [None if pd.isna(cell) else cell for cell in computed] == TIMES


@pytest.mark.parametrize("kind", [*TYPES.values(), None])
def test_missing_codes(kind: pa.DataType | None) -> None:
    cells = pd.Series(TIMES, dtype=object) if kind is None else arrow(kind, TIMES)
    column = encode_table(pd.DataFrame({"t": cells}), {"t": {"missing_codes": ["00:00"]}})["t"]
    assert column.codes.tolist() == [0, -1, -2, 1, 0]
    assert [None if pd.isna(cell) else cell for cell in column.decode(column.codes)] == TIMES


@pytest.mark.parametrize(
    "said", [{"kind": "date"}, {"kind": "count"}, {"decimals": 1}, {"missing_codes": [-9]}, {"missing_codes": ["noon"]}]
)
def test_what_cannot_be_said_of_times(said: dict[str, object]) -> None:
    with pytest.raises(SpecError, match="time"):
        encode_table(pd.DataFrame({"t": arrow(TYPES["s"], TIMES)}), {"t": said})


def test_zones_are_refused() -> None:
    zoned = pd.Series([dt.time(8, tzinfo=dt.UTC)] * 3, dtype=object)
    with pytest.raises(DataError, match="time zone"):
        encode_table(pd.DataFrame({"t": zoned}))


def test_parts_in_other_units() -> None:
    frame = pd.DataFrame({"t": arrow(TYPES["s"], TIMES)})
    fine = pd.DataFrame({"t": arrow(TYPES["us"], [dt.time(1, 2, 3, 4), None])})
    whole = merge_scans(scan(frame), scan(fine, chunk=1))
    assert whole["t"].dtype() == pd.ArrowDtype(TYPES["us"])
    assert whole.conform(frame)["t"].tolist()[0] == dt.time(8, 30)
    assert whole.codebook()["t"].kind is Kind.CONTINUOUS
