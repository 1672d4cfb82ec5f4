"""Times of day, whatever holds them: hours since midnight, and back.

Arrow's types have units of seconds to nanoseconds; Python's `datetime.time`, and so objects of pandas, microseconds.
All of them become hours by one division of whole nanoseconds, so that equal times are equal numbers.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from replicant.table.arrays import Floats, Typed

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = [
    "FORM",
    "as_times",
    "clock_text",
    "finest",
    "hours_in",
    "hours_of",
    "is_time",
    "is_times",
    "time_in_text",
    "time_of_hours",
    "times_as_arrow",
]

FORM = "HH:MM or HH:MM:SS (fractions of a second may follow)"
"""How times are written in texts, for messages."""

_HOUR = 3_600_000_000_000
_MICRO = 1_000
_PER_HOUR = {"s": 3_600, "ms": 3_600_000, "us": 3_600_000_000, "ns": _HOUR}
_UNITS = ("s", "us", "ns")
_OF_A_DAY = r"^([01]?[0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9](\.[0-9]{1,9})?)?$"
_CLOCK = re.compile(r"\d{1,2}:\d{2}(:\d{2}(\.\d{1,6})?)?")


def is_time(dtype: Any) -> bool:
    """Whether a dtype is one of Arrow's types of times of day."""
    return isinstance(dtype, pd.ArrowDtype) and issubclass(dtype.type, dt.time)


def is_times(cells: pd.Series[Any]) -> bool:
    """Whether cells are times of day, in one of Arrow's types or as objects."""
    if is_time(cells.dtype):
        return True
    return cells.dtype == object and pd.api.types.infer_dtype(cells, skipna=True) == "time"


def hours_of(values: Typed | pd.Series[Any]) -> Floats:
    """Hours since midnight of times of day, NaN where one is missing."""
    import pyarrow as pa

    if not is_time(values.dtype):
        return np.array([_hours(value) for value in values], dtype=np.float64)
    nanoseconds = pa.array(values).cast(pa.time64("ns")).cast(pa.int64())
    if isinstance(nanoseconds, pa.ChunkedArray):
        nanoseconds = nanoseconds.combine_chunks()
    holes = np.asarray(nanoseconds.is_null())
    hours: Floats = nanoseconds.fill_null(0).to_numpy(zero_copy_only=False) / _HOUR
    hours[holes] = np.nan
    return hours


def hours_in(values: Sequence[Any]) -> Floats | None:
    """Hours since midnight of values that are all times of day, or texts of such; None if any is none."""
    times = [time_in_text(value) if isinstance(value, str) else value for value in values]
    if not times or not all(isinstance(time, dt.time) for time in times):
        return None
    return np.array([_hours(time) for time in times])


def time_in_text(text: object) -> dt.time | None:
    """The time of day that a text such as 08:30 spells; None if it spells none."""
    if not isinstance(text, str) or not _CLOCK.fullmatch(text):
        return None
    try:
        return dt.time.fromisoformat(text if text[2] == ":" else f"0{text}")
    except ValueError:
        return None


def time_of_hours(hours: float) -> dt.time:
    """Hours since midnight as the nearest microsecond of the day."""
    seconds, micro = divmod(_ticks(np.array([hours]), "us").item(), 1_000_000)
    minutes, second = divmod(seconds, 60)
    return dt.time(*divmod(minutes, 60), second, micro)


def times_as_arrow(hours: Floats, stored: Any) -> pa.Array:
    """Hours since midnight (NaN: missing) in a type of Arrow, to the nearest of its units."""
    import pyarrow as pa

    holes = np.isnan(hours)
    ticks = _ticks(np.where(holes, 0.0, hours), stored.unit)
    narrow = pa.types.is_time32(stored)
    return pa.array(ticks.astype(np.int32 if narrow else np.int64), mask=holes).cast(stored)


def as_times(texts: pa.ChunkedArray) -> tuple[pa.ChunkedArray, int]:
    """Texts as times of day in the coarsest unit that holds them, and how many are none; these are missing."""
    import pyarrow as pa
    import pyarrow.compute as pc

    good = pc.match_substring_regex(texts, _OF_A_DAY)
    zero = pc.if_else(pc.match_substring_regex(texts, "^[0-9]:"), "0", "")
    days = pc.binary_join_element_wise("1970-01-01 ", zero, texts, "")
    days = pc.if_else(good, days, pa.scalar(None, days.type))
    wrong = int(pc.sum(pc.and_(days.is_null(), texts.is_valid())).as_py() or 0)
    for unit in _UNITS:
        try:
            moments = days.cast(pa.timestamp(unit))
        except pa.ArrowInvalid:
            continue
        return moments.cast(pa.time32(unit) if unit == "s" else pa.time64(unit)), wrong
    raise AssertionError("every text is a moment of 1970-01-01")


def clock_text(times: Any) -> Any:
    """An Arrow array of times as texts such as 08:30:00, with a fraction of a second only where there is one."""
    import pyarrow as pa
    import pyarrow.compute as pc

    cut = pc.replace_substring_regex(times.cast(pa.string()), r"(\.\d*[1-9])0+$", r"\1")
    return pc.replace_substring_regex(cut, r"\.0+$", "")


def finest(dtypes: Iterable[Any]) -> Any:
    """That of Arrow's types of times which holds the cells of all."""
    return max(dtypes, key=lambda dtype: list(_PER_HOUR).index(dtype.pyarrow_dtype.unit))


def _hours(value: Any) -> float:
    if not isinstance(value, dt.time):
        return float("nan")
    seconds = (value.hour * 60 + value.minute) * 60 + value.second
    return (seconds * 1_000_000 + value.microsecond) * _MICRO / _HOUR


def _ticks(hours: Floats, unit: str) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Units since midnight; what would be the next day's midnight is the last of this day."""
    return np.clip(np.rint(hours * _PER_HOUR[unit]), 0, 24 * _PER_HOUR[unit] - 1).astype(np.int64)
