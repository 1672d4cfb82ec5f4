"""How single figures are written, the same in every view."""

from __future__ import annotations

import datetime as dt
import math
import unicodedata
from collections.abc import Callable
from typing import Any

__all__ = [
    "axis",
    "brief",
    "day",
    "degrees",
    "duration",
    "measured",
    "number",
    "plain",
    "probability",
    "ratio",
    "share",
    "shift",
    "signed",
    "sized",
]

MOST = 8  # decimals written at most
LONGEST = 14  # the same with a power of ten: what a double holds

EPOCH = dt.date(1970, 1, 1)


def plain(text: str) -> str:
    """A name or label without the line breaks and control codes that it may hold: no view can take them."""
    return "".join(" " if unicodedata.category(sign)[0] in "CZ" else sign for sign in text)


def share(part: float) -> str:
    """A share as a percentage; what is there but small does not read as nothing."""
    return "<0.1 %" if 0 < part < 0.0005 else f"{100 * part:.1f} %"


def shift(real: float, synthetic: float) -> str:
    """The change of a share in percentage points."""
    return signed(100 * (synthetic - real), 1)


def signed(change: float, decimals: int) -> str:
    """A change with its sign; none if it rounds to nothing."""
    text = f"{change:+.{decimals}f}"
    return text if float(text) else text[1:]


def ratio(real: float | None, synthetic: float | None, unicode: bool = True) -> str:
    """How many times as large."""
    if not real or synthetic is None:
        return ""
    return f"{'×' if unicode else 'x'} {synthetic / real:.2f}"


def number(value: float, decimals: int) -> str:
    """A number, from ten thousand on with thousands marked; very large and small ones by their leading digits."""
    if value and not 1e-4 <= abs(value) < 1e8:
        return f"{value:.3g}"
    return _fixed(value, decimals)


def brief(value: float) -> str:
    """A number to four significant digits; from a thousand on to a tenth."""
    return f"{value:.1f}" if math.isfinite(value) and abs(value) >= 1000 else f"{value:.4g}"


def degrees(df: float) -> str:
    """Degrees of freedom."""
    return "inf" if math.isinf(df) else f"{df:.1f}"


def probability(p: float) -> str:
    """A p-value."""
    return "<0.001" if p < 0.001 else f"{p:.3f}"


def measured(value: float, error: float | None) -> tuple[str, str]:
    """A number and its standard error, to the digits that the error makes meaningful.

    The error keeps one significant digit, two where it begins with 1 or 2, so that rounding moves neither by more than
    a sixth of it. Very large and very small numbers are written with a power of ten.

    Parameters
    ----------
    value
        Finite.
    error
        Its standard error; None, zero or what rounding leaves of zero where there is none: then the number has three
        significant digits.

    Returns
    -------
    tuple[str, str]
        The number, and the error, empty where there is none.
    """
    if not error or not math.isfinite(error) or (error < 10.0**-MOST / 2 and abs(value) >= 1e-4):
        return number(value, _decimals(value)), ""
    power = math.floor(math.log10(error))
    unit = power - 1 if error < 3 * 10.0**power else power
    largest = max(abs(value), error)
    if not 1e-4 <= largest < 1e8:
        power = math.floor(math.log10(largest))
        written = (f"{part / 10.0**power:.{min(LONGEST, max(0, power - unit))}f}e{power}" for part in (value, error))
        return next(written), next(written)
    decimals = min(MOST, max(0, -unit))
    return _fixed(value, decimals), f"{error:.{decimals}f}"


def duration(seconds: float) -> str:
    """A time in the units that people would say it in."""
    if seconds < 120:
        return f"{seconds:.1f} s" if seconds < 9.95 else f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 120 else f"{minutes // 60} h {minutes % 60} min"


def sized(column: dict[str, Any], key: str) -> Callable[[dict[str, Any]], str]:
    """A writer of a numeric column's mean or sd, to the digits that its spread makes meaningful."""
    figures = column["real"] or column["synthetic"]
    decimals = _decimals(figures["sd"] or figures["mean"])

    def write(figures: dict[str, Any]) -> str:
        value = figures[key]
        if value is None:
            return ""
        if column["kind"] != "date":
            return number(value, decimals)
        return day(value) if key == "mean" else f"{number(value, 0)} days"

    return write


def axis(column: dict[str, Any]) -> tuple[str, str]:
    """What stands at the two ends of a histogram."""
    ends = column["labels"]
    decimals = max(0, -math.floor(math.log10(column["edges"][1] - column["edges"][0]) + 1e-9))
    low, high = (day(end) if column["kind"] == "date" else number(end, decimals) for end in ends)
    below, above = column["tails"]
    return f"{low} or less" if below else low, f"{high} or more" if above else high if ends[0] != ends[1] else ""


def _fixed(value: float, decimals: int) -> str:
    text = f"{value:,.{decimals}f}" if abs(value) >= 1e4 else f"{value:.{decimals}f}"
    return text.lstrip("-") if float(text.replace(",", "")) == 0 else text


def _decimals(spread: float | None) -> int:
    if not spread:
        return 2
    return min(6, max(0, 2 - math.floor(math.log10(abs(spread)))))


def day(days: float) -> str:
    """A date, from days since 1970."""
    try:
        return (EPOCH + dt.timedelta(days=round(days))).isoformat()
    except OverflowError:
        return f"day {days:.0f}"
