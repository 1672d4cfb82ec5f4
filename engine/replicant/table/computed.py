"""Computed numbers in the type of a column: what a passive column's results are written as.

Numbers come as float64, dates and durations in days, times of day in hours, missing as NaN. The type holds all of them:
a plan sees to that before anything is drawn (`plan.output`).
"""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from replicant.table.arrays import Floats, Typed
from replicant.table.times import time_of_hours

__all__ = ["days_as_moments", "decimals_as_text", "numbers_as_objects"]

_STEPS = {"s": 86_400, "ms": 86_400_000, "us": 86_400_000_000, "ns": 86_400_000_000_000}
_EPOCH = dt.date(1970, 1, 1)


def days_as_moments(days: Floats, unit: str, kind: str) -> npt.NDArray[Any]:
    """Days as moments since 1970-01-01 (`kind` M) or durations (m), to the nearest unit.

    Whole days are exact; parts of days are as exact as float64 holds them.
    """
    holes = np.isnan(days)
    known = np.where(holes, 0.0, days)
    whole = np.floor(known)
    step = _STEPS[unit]
    ticks = whole.astype(np.int64) * step + np.rint((known - whole) * step).astype(np.int64)
    out: npt.NDArray[Any] = ticks.view(f"{kind}8[{unit}]")
    out[holes] = "NaT"
    return out


def numbers_as_objects(numbers: Floats, python: str, missing: Any, digits: tuple[int, int] | None) -> Typed:
    """Numbers, or days, as Python objects of one sort: `integer`, `floating`, `decimal`, `date`, `string` ..."""
    found, positions = np.unique(numbers, return_inverse=True)
    out = np.empty(len(found), dtype=object)
    out[:] = [missing if np.isnan(number) else _object(float(number), python, digits) for number in found]
    return pd.Series(out[positions], dtype=object)


def decimals_as_text(numbers: Floats, decimals: int) -> list[str | None]:
    """Numbers as decimal texts with so many digits after the point."""
    return [None if np.isnan(number) else f"{number:.{decimals}f}" for number in numbers.tolist()]


def _object(number: float, python: str, digits: tuple[int, int] | None) -> Any:
    if python == "decimal":
        return Decimal(f"{number:.{(digits or (0, 0))[1]}f}")
    if python == "integer":
        return int(number)
    if python == "date":
        return _EPOCH + dt.timedelta(days=int(number))
    if python in {"datetime", "datetime64"}:
        return dt.datetime(1970, 1, 1) + dt.timedelta(days=number)
    if python == "time":
        return time_of_hours(number)
    return dt.timedelta(days=number) if python.startswith("timedelta") else number
