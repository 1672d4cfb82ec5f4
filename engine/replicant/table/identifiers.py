"""Whether a column identifies records instead of measuring something, judged by its distinct values.

Texts and categories of which nearly all are distinct do. Whole numbers may also measure something fine (an income, a
population): what tells a number that was handed out from one that was measured is

- *no repeats where some are due*: measured numbers of a smooth density repeat as birthdays do; numbers handed out one
  by one, such as 1 to n with gaps, never do (ranks and points in time do not either: a column of such a name, or of
  one letter as in formulas, is taken for these);
- *a format*: all have eight digits or more, and the same number of them, and are not rounded;
- *an even spread* over all the numbers that so many digits can write;
- where all this is silent and all are distinct, the column's name.

Dates and moments written as numbers, and whatever else is nearly all distinct, are no identifiers, but near: they are
kept, with a warning.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np

from replicant.errors import DataError
from replicant.events import Event
from replicant.table.arrays import Floats
from replicant.table.distinct import MOST, Distinct
from replicant.table.factor import Factor, Nature
from replicant.table.kinds import Kind

__all__ = ["LEAST_CELLS", "NEAR", "SHARE", "Verdict", "distinct_of", "refused", "suspect", "verdict", "warning"]

SHARE = 0.95
"""Of the cells: as many distinct values make an identifier."""

NEAR = 0.8
"""As many are warned about."""

LEAST_CELLS = 20
"""Of fewer cells nothing can be said."""

_NAMED = re.compile(
    r"(?:^|[_.\s-])(?:id|ids|pid|uid|guid|uuid|pin|ssn|nin|nr|no|num|number|key|serial|seq|identifier|caseid|recordid)\d*"
    r"(?:$|[_.\s-])|(?<=[a-z])(?:ID|Id|Nr|No|Key|Pin|PIN)$|^(?:case|person|pers|hh|house|household|resp|rec|subj|pat|cust)"
    r"[a-z]*(?:id|nr|no|key)$",
)
_AXIS = re.compile(
    r"[a-z]\d*|.*(?:time|period|step|rank|order|trend|day|week|month|year|hour|minute|second|round|tick|lag|dose|size)s?",
    re.IGNORECASE,
)
_FORMAT = 8
"""Digits that all numbers have: shorter ones may be incomes."""

_ROUNDED = 0.3
"""Share of numbers that end in 0, of numbers that are rounded; a tenth do by chance."""

_EVEN = 1.63
"""Kolmogorov's bound at 1 %: the largest distance from an even spread, times the root of the number of values."""

_SPAN = 90_000
"""Numbers in an even spread that counts: of five digits or more."""

_ABOUT = 0.03
"""The share of repeated cells below which an estimate of many distinct values cannot exclude zero."""

_DUE = 5.0
"""Repeats that are due before their absence says anything."""

_NONE = (Nature.TRUTH, Nature.DURATION, Nature.TIME)
"""What no identifier is made of."""

Level: TypeAlias = Literal["identifier", "near"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the distinct values of a column say of it.

    Attributes
    ----------
    level
        `identifier`, or `near`: nearly all distinct, but perhaps a measurement.
    why
        How that was decided, in a few words.
    distinct, cells
        How many distinct values there are (about), in how many cells.
    """

    level: Level
    why: str
    distinct: int
    cells: int


def distinct_of(factor: Factor, numbers: Floats | None, apart: Sequence[int]) -> Distinct | None:
    """The distinct values that may be an identifier's; None for numbers that are not all whole.

    Parameters
    ----------
    factor
        The column.
    numbers
        (K,) its distinct values as numbers (or days), None if they are none.
    apart
        Positions of those that are coded missing values; below 0 for those that do not occur.
    """
    counts = factor.counts
    rest = counts > 0
    rest[[position for position in apart if position >= 0]] = False
    if factor.nature in _NONE:
        rest[:] = False
    kept = np.flatnonzero(rest)
    some = None if numbers is None else numbers[kept]
    if some is not None and factor.nature is Nature.NUMBER and not (np.isfinite(some) & (np.rint(some) == some)).all():
        return None
    return Distinct.of(factor.uniques.take(kept), some, counts[kept])


def suspect(
    name: str, factor: Factor, numbers: Floats | None, apart: Sequence[int], dated: Callable[[], bool]
) -> Verdict | None:
    """Judge a column that is held as a whole; parameters as those of `distinct_of` and `verdict`."""
    cells = np.count_nonzero(factor.codes >= 0)
    if cells < LEAST_CELLS or len(factor.uniques) < NEAR * (cells - _held_by(factor, apart)):
        return None
    found = distinct_of(factor, numbers, apart)
    return None if found is None else verdict(name, factor.nature, found, dated=dated())


def _held_by(factor: Factor, apart: Sequence[int]) -> int:
    """Cells that hold a coded missing value."""
    return int(np.isin(factor.codes, [position for position in apart if position >= 0]).sum()) if apart else 0


def verdict(name: str, nature: Nature, found: Distinct, *, dated: bool = False) -> Verdict | None:
    """Judge a column.

    Parameters
    ----------
    name
        Of the column: it decides where nothing else does.
    nature
        What its cells are.
    found
        Its distinct values, coded missing values left out. Of numbers only if all are whole.
    dated
        Whether they are texts that spell dates.

    Returns
    -------
    Verdict
        None if there are too few cells, or if values repeat as those of any variable do.
    """
    if found.cells < LEAST_CELLS or found.share < NEAR or nature in _NONE:
        return None
    what = {Nature.TEXT: "texts", Nature.CATEGORY: "categories", Nature.DATE: "dates"}.get(nature, "whole numbers")
    what = "dates" if dated else what
    near = Verdict("near", f"{found.share:.0%} of the {what} are distinct", found.size, found.cells)
    if nature is Nature.DATE or dated or found.share < SHARE:
        return near
    why = f"{'all' if found.size == found.cells else 'nearly all'} {what} are distinct"
    if nature is Nature.NUMBER:
        how = _handed_out(name, found)
        if how is None:
            return near
        why = f"{why}: {how}"
    return Verdict("identifier", why, found.size, found.cells)


def warning(name: str, judged: Verdict, kind: Kind, *, declared: bool) -> Event:
    """What is said of a column that is released although it may be an identifier."""
    share = f"{judged.distinct} distinct values in {judged.cells} cells"
    if declared and judged.level == "identifier":
        return Event(
            "declared_identifier",
            name,
            f"declared {kind}, but by its content it is an identifier ({judged.why}); real values of it are released",
            "warning",
        )
    return Event(
        "near_identifier",
        name,
        f"{share}, near those of an identifier; taken for a {kind} column, of which real values are released: if it "
        f"tells people apart, put it under synthesis.drop, or declare kind: identifier and method: surrogate",
        "warning",
    )


def refused(columns: dict[str, str]) -> DataError:
    """The error of identifiers of which nobody said what is to become of them.

    Parameters
    ----------
    columns
        Why each of them is one.
    """
    names = list(columns)
    many = len(names) > 1
    listed = "; ".join(f"{name!r} ({why})" for name, why in list(columns.items())[:8])
    more = f"; and {len(names) - 8} more" if len(names) > 8 else ""
    them, first = ("them" if many else "it"), names[0]
    methods = ", ".join(f"{name}: surrogate" for name in names[:8])
    return DataError(
        f"{'columns look like identifiers' if many else 'a column looks like an identifier'}: {listed}{more}",
        need="columns whose values recur or measure something: drawn identifiers would be real ones",
        fix=f"leave {them} out (drop: [{', '.join(names[:8])}]), or have new ones made up (method: {{{methods}}}); "
        f"if it is a variable, declare its kind (columns.{first}.kind)",
    )


def _handed_out(name: str, found: Distinct) -> str | None:
    """What shows that whole numbers were handed out and not measured; None if nothing does."""
    values = np.sort(found.values)
    low, high = float(values[0]), float(values[-1])
    if high - low >= 2.0**53:
        return "beyond any measure"
    if low < 0:
        return None
    repeats = found.cells - found.size
    never = repeats == 0 or (found.size > MOST and found.share > 1 - _ABOUT)
    if not _AXIS.fullmatch(name):
        step = np.diff(values)
        if len(step) and len(values) == found.size and (step == step[0]).all():
            return "running numbers"
        due = _due(values, found.cells)
        if due >= _DUE and repeats <= due / 2 - 2:
            return "running numbers with gaps, none of which repeats where measured ones would"
    if _are_moments(values, low, high) or float(np.mean(values % 10 == 0)) > _ROUNDED:
        return None
    digits = np.floor(np.log10(np.maximum(values, 1))) + 1
    if digits[0] == digits[-1] >= _FORMAT:
        return f"numbers of {int(digits[0])} digits"
    if never and _is_even(values, low, high):
        return f"spread evenly over the numbers of up to {int(digits[-1])} digits"
    if never and _NAMED.search(name):
        return "named as an identifier"
    return None


def _due(values: Floats, cells: int) -> float:
    """Pairs of equal numbers that are due among so many measured with the density of these: birthdays."""
    bins = int(np.clip(np.sqrt(len(values)), 4, 64))
    edges = values[np.linspace(0, len(values) - 1, bins + 1).astype(int)]
    widths = np.maximum(np.diff(edges), 1.0)
    return float(np.sum((cells / bins) ** 2 / (2 * widths)))


def _is_even(values: Floats, low: float, high: float) -> bool:
    """Whether they spread evenly over whole blocks of the decimal system, as numbers drawn at random do."""
    span = high - low + 1
    if span < _SPAN:
        return False
    unit = 10.0 ** np.floor(np.log10(span))
    unit = unit / 10 if span / unit < 2 else unit
    start, stop = np.floor(low / unit) * unit, np.ceil((high + 1) / unit) * unit
    m = len(values)
    if span < (1 - 8 / m) * (stop - start):
        return False
    position = (values - low + 0.5) / span
    steps = np.arange(1, m + 1) / m
    distance = max(float(np.max(steps - position)), float(np.max(position - steps + 1 / m)))
    return bool(distance * np.sqrt(m) < _EVEN)


def _are_moments(values: Floats, low: float, high: float) -> bool:
    """Whether they may be dates such as 20211116, or seconds since 1970 in any unit."""
    scale = next((s for s in (1.0, 1e3, 1e6, 1e9) if 631_152_000 * s <= low and high < 2_208_988_800 * s), None)
    if scale is not None:
        return True
    day = values
    if low >= 1e13 and high < 1e14:
        day = np.floor(values / 1e6)
    if not (day[0] >= 18_000_101 and day[-1] <= 21_001_231):
        return False
    month, of_month = np.floor(day / 100) % 100, day % 100
    return bool(((month >= 1) & (month <= 12) & (of_month >= 1) & (of_month <= 31)).all())
