"""Dates, times and decimals, which the display formats of SPSS, Stata and SAS mark among plain numbers.

All three store a moment as a number: SPSS as seconds since 14 October 1582, SAS as days or seconds since 1960, Stata
as days, milliseconds, weeks, months, quarters or half-years since 1960. Only the format says which it is.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any

import numpy as np
import numpy.typing as npt

from replicant.table.arrays import Floats

__all__ = ["Measure", "Unit", "decimals_of_format", "moments", "unit_of"]

_SPSS_START = -12_219_379_200
"""1582-10-14 in seconds since 1970."""

_START_1960 = -315_619_200
"""1960-01-01 in seconds since 1970."""

_DAY = 86_400
_EARLIEST = -62_135_596_800
"""0001-01-01 in seconds since 1970; what is earlier is no date that Parquet and Python share."""
_LATEST = 253_402_300_799
"""9999-12-31 23:59:59 likewise."""

_NAMED = re.compile(r"([A-Z][A-Z0-9_]*?[A-Z]|[A-Z])(\d+)?(?:\.(\d*))?")
_STATA_NUMBER = re.compile(r"%[-~]?0?\d+[.,](\d+)[fe]c?")

_SPSS_DATES = frozenset({"DATE", "ADATE", "EDATE", "JDATE", "SDATE", "QYR", "MOYR", "WKYR"})
_SPSS_MOMENTS = frozenset({"DATETIME", "YMDHMS"})
_SPSS_TIMES = frozenset({"TIME", "DTIME", "MTIME"})
_SPSS_NUMBERS = frozenset({"F", "COMMA", "DOT", "DOLLAR", "PCT", "N", "CCA", "CCB", "CCC", "CCD", "CCE"})

_SAS_DATES = re.compile(
    r"DATE|(DDMMYY|MMDDYY|YYMMDD|MMYY|YYMM|YYQ)[BCDNPS]?|MONYY|YYMON|WEEKDAT[EX]|WORDDAT[EX]|JULIAN|NLDATEW?|EURDFD[DE]|"
    r"(IS|E|B)8601DA"
)
_SAS_MOMENTS = re.compile(
    r"DATETIME|DATEAMPM|MDYAMPM|DTDATE|DTMONYY|DTWKDATX|DTYEAR|DTYYQC|NLDATM(AP)?|(IS|E|B)8601D[TN]"
)
_SAS_TIMES = re.compile(r"TIME|HHMM|MMSS|HOUR|TOD|TIMEAMPM|NLTIME|NLTIMAP|(IS|E|B)8601TM")
_SAS_NUMBERS = frozenset({"F", "BEST", "COMMA", "COMMAX", "DOLLAR", "DOLLARX", "EURO", "EUROX", "NUMX", "PERCENT", "Z"})

_STATA_CLOCK = re.compile(r"HH|Hh|hH|hh|MM|mm|SS|ss|\.s+|[AaPp]\.?[Mm]\.?|!.|[^A-Za-z]")
"""The parts of a Stata format that show a time of day, and what stands between them."""


class Measure(Enum):
    """What a number with a format is."""

    MOMENT = auto()
    DURATION = auto()


@dataclass(frozen=True, slots=True)
class Unit:
    """How a format counts.

    Attributes
    ----------
    measure
        Moments or durations.
    seconds
        In one step; 0 for steps of unequal length, which `months` says.
    start
        Zero, in seconds since 1970.
    months
        In one step.
    weeks
        Whether the steps are Stata's weeks, of which each year has 52.
    leap
        Whether leap seconds are counted.
    """

    measure: Measure
    seconds: float = 0
    start: int = 0
    months: int = 0
    weeks: bool = False
    leap: bool = False


def unit_of(package: str, form: str | None) -> Unit | None:
    """How a column of this format counts moments or durations; None if it holds plain numbers.

    Parameters
    ----------
    package
        `SPSS`, `Stata` or `SAS`.
    form
        The format as the file has it, such as `DATE11`, `%td` or `DDMMYY10`.
    """
    if not form:
        return None
    if package == "Stata":
        return _stata_unit(form)
    named = _NAMED.fullmatch(form.upper())
    name = named[1] if named else ""
    if package == "SPSS":
        if name in _SPSS_TIMES:
            return Unit(Measure.DURATION, 1)
        return Unit(Measure.MOMENT, 1, _SPSS_START) if name in _SPSS_DATES | _SPSS_MOMENTS else None
    if _SAS_TIMES.fullmatch(name):
        return Unit(Measure.DURATION, 1)
    if _SAS_MOMENTS.fullmatch(name):
        return Unit(Measure.MOMENT, 1, _START_1960)
    return Unit(Measure.MOMENT, _DAY, _START_1960) if _SAS_DATES.fullmatch(name) else None


def _stata_unit(form: str) -> Unit | None:
    bare = form.replace("-", "", 1) if form.startswith("%-") else form
    if bare.startswith("%d"):
        bare = "%td" + bare[2:]
    if not bare.startswith("%t") or len(bare) < 3:
        return None
    kind, shown = bare[2], bare[3:]
    if kind in "cC":
        # A format that shows no part of a date is a time of day.
        if shown and not _STATA_CLOCK.sub("", shown):
            return Unit(Measure.DURATION, 0.001)
        return Unit(Measure.MOMENT, 0.001, _START_1960, leap=kind == "C")
    if kind == "d":
        return Unit(Measure.MOMENT, _DAY, _START_1960)
    if kind == "w":
        return Unit(Measure.MOMENT, 0, _START_1960, weeks=True)
    months = {"m": 1, "q": 3, "h": 6}.get(kind)
    return Unit(Measure.MOMENT, 0, _START_1960, months) if months else None


def decimals_of_format(package: str, form: str | None) -> int | None:
    """Digits after the point that a format of plain numbers shows; None if it does not say."""
    if not form:
        return None
    if package == "Stata":
        found = _STATA_NUMBER.fullmatch(form)
        return int(found[1]) if found and form[-1] != "e" else None
    named = _NAMED.fullmatch(form.upper())
    if package == "SAS" and (bare := re.fullmatch(r"(\d+)\.(\d+)", form)):
        return int(bare[2])
    names = _SPSS_NUMBERS if package == "SPSS" else _SAS_NUMBERS
    if named is None or named[1] not in names or not named[3]:
        return None
    return None if named[1] == "BEST" else int(named[3])


def moments(numbers: Floats, unit: Unit) -> npt.NDArray[Any] | None:
    """Numbers as datetime64 or timedelta64, in seconds where these are enough; NaN is NaT.

    Returns
    -------
    array or None
        None if some are no moments of the years 1 to 9999, and stay numbers.
    """
    known = numbers[~np.isnan(numbers)]
    limit = _LATEST - _EARLIEST
    if not np.isfinite(known).all() or (known.size and np.abs(known).max() * max(unit.seconds, 1) > limit * 1000):
        return None
    whole, rest = _seconds(numbers, unit)
    moment = unit.measure is Measure.MOMENT
    inside = (whole >= _EARLIEST) & (whole <= _LATEST) if moment else np.abs(whole) <= limit
    holes = np.isnan(numbers)
    if not (inside | holes).all():
        return None
    kind = "M8" if moment else "m8"
    seconds = np.where(holes, 0, whole).astype(np.int64)
    fine = rest.any()
    out = (seconds * 1_000_000 + rest).view(f"{kind}[us]") if fine else seconds.view(f"{kind}[s]")
    out[holes] = np.array("NaT", dtype=out.dtype)[()]
    return out


def _seconds(numbers: Floats, unit: Unit) -> tuple[Floats, npt.NDArray[np.int64]]:
    """Whole seconds since 1970 (or of a duration), and the microseconds beyond them."""
    if unit.months or unit.weeks:
        filled = np.where(np.isnan(numbers), 0.0, np.floor(numbers)).astype(np.int64)
        if unit.weeks:
            years, weeks = np.divmod(filled, 52)
            days = _days(years * 12) + 7 * weeks
        else:
            days = _days(filled * unit.months)
        return (days * _DAY).astype(np.float64), np.zeros(len(numbers), dtype=np.int64)
    if unit.seconds >= 1:
        steps = np.floor(numbers)
        micro = np.rint((numbers - steps) * (unit.seconds * 1e6))
        whole = steps * unit.seconds + unit.start
    else:
        # Milliseconds: the whole part is exact in a double, a product with 0.001 is not.
        steps = np.floor(numbers / 1000)
        micro = np.rint((numbers - steps * 1000) * 1000)
        whole = steps + unit.start
    more = np.floor(micro / 1e6)
    micro = np.where(np.isnan(micro), 0.0, micro - more * 1e6).astype(np.int64)
    return whole + np.where(np.isnan(more), 0.0, more), micro


def _days(months: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Days since 1970 of the first day of months that are counted since 1960."""
    with np.errstate(over="ignore"):
        first = (np.clip(months, -30_000, 100_000) - 120).astype("M8[M]").astype("M8[D]").view(np.int64)
    return np.where(np.abs(months) > 100_000, np.int64(1) << 40, first)
