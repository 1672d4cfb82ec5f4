"""How single figures are written, the same in every view."""

from __future__ import annotations

import datetime as dt
import math
import unicodedata
from collections.abc import Callable
from typing import Any

__all__ = ["axis", "number", "plain", "ratio", "share", "shift", "signed", "sized"]

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
    text = f"{value:,.{decimals}f}" if abs(value) >= 1e4 else f"{value:.{decimals}f}"
    return text.lstrip("-") if float(text.replace(",", "")) == 0 else text


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
        return _day(value) if key == "mean" else f"{number(value, 0)} days"

    return write


def axis(column: dict[str, Any]) -> tuple[str, str]:
    """What stands at the two ends of a histogram."""
    ends = column["labels"]
    decimals = max(0, -math.floor(math.log10(column["edges"][1] - column["edges"][0]) + 1e-9))
    low, high = (_day(end) if column["kind"] == "date" else number(end, decimals) for end in ends)
    below, above = column["tails"]
    return f"{low} or less" if below else low, f"{high} or more" if above else high if ends[0] != ends[1] else ""


def _decimals(spread: float | None) -> int:
    if not spread:
        return 2
    return min(6, max(0, 2 - math.floor(math.log10(abs(spread)))))


def _day(days: float) -> str:
    try:
        return (EPOCH + dt.timedelta(days=round(days))).isoformat()
    except OverflowError:
        return f"day {days:.0f}"
