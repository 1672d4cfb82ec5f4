"""Cells that seem not applicable: a column is missing in the rows that a condition on another selects, and rarely else.

What is missing there is not to be imputed. Elsewhere some cells may be missing because nobody answered.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from keyword import iskeyword

import numpy as np
import numpy.typing as npt

from replicant.table.arrays import Codes
from replicant.table.column import Column
from replicant.table.kinds import Kind

__all__ = ["Design", "by_design"]

_INSIDE = 0.99
"""Share of cells that are missing in the rows of the condition, at least."""

_OUTSIDE = 0.2
"""Share of cells that are missing in the other rows, at most."""

_LEAST = 10
"""Rows that either of the two has at least."""

_KNOWN = 0.5
"""Share of rows in which the other column is there, at least: the others say nothing for or against."""

_FEW = 30
_TERMS = 6
_DIGITS = 1000
_SOME = 5000
_TRIED = 3
_PERCENTILE = re.compile(r"p\d+")

Counts = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Design:
    """A condition under which a column is missing.

    Attributes
    ----------
    when
        The condition, as a rule of a job.
    words
        The same in words.
    inside, outside
        Share of cells that are missing in the rows of the condition, and in the others.
    right
        Share of rows that the condition has right.
    terms
        Comparisons that the condition consists of.
    exact
        Whether it has all rows right.
    levels
        Whether it names levels, and not a threshold.
    """

    when: str
    words: str
    inside: float
    outside: float
    right: float
    terms: int
    exact: bool
    levels: bool

    @property
    def rank(self) -> tuple[bool, float, bool, float, int]:
        """Better is larger; of conditions that are right about as often, one on levels, and one of few."""
        return self.exact, round(self.right, 2), self.levels, self.right, -self.terms

    @property
    def shares(self) -> str:
        """How often the column is missing where, in words."""
        inside = "all" if self.inside == 1 else f"{min(99.9, 100 * self.inside):.1f} %"
        outside = "none" if self.outside == 0 else f"{max(0.1, 100 * self.outside):.1f} %"
        return f"missing in {inside} of the rows in which {self.words}, and in {outside} of the others"


def by_design(name: str, mask: Mask, columns: Sequence[Column], missing: Mapping[str, Mask]) -> Design | None:
    """The condition on one other column that says best where a column is missing; None if no condition does.

    Parameters
    ----------
    name
        The column.
    mask
        (n,) where it is missing.
    columns
        All columns.
    missing
        By column, where it is missing.
    """
    step = max(1, len(mask) // _SOME)
    some, least = slice(None, None, step), max(2, _LEAST // step)
    found = []
    for other in columns:
        if other.name == name or other.size < 2 or "`" in other.name or other.kind in (Kind.IDENTIFIER, Kind.DATE):
            continue
        seen = _best(mask[some], ~missing[other.name][some], other, other.codes[some], least)
        if seen is not None:
            found.append((seen.rank, other))
    found.sort(key=lambda one: one[0], reverse=True)
    whole = [_best(mask, ~missing[other.name], other, other.codes, _LEAST) for _, other in found[:_TRIED]]
    return max((one for one in whole if one is not None), key=lambda one: one.rank, default=None)


def _best(mask: Mask, known: Mask, other: Column, codes: Codes, least: int) -> Design | None:
    """The best condition on one column, if any is good enough."""
    if known.mean() < _KNOWN:
        return None
    total: Counts = np.asarray(np.bincount(codes[known], minlength=other.size), dtype=np.int64)
    gone: Counts = np.asarray(np.bincount(codes[known & mask], minlength=other.size), dtype=np.int64)
    found = list(_by_levels(total, gone, other, least)) if other.size <= _FEW else []
    if other.is_numeric and other.dtype.number is not None:
        found += _by_threshold(total, gone, other, least)
    return max(found, key=lambda one: one.rank, default=None)


def _by_levels(total: Counts, gone: Counts, other: Column, least: int) -> Iterator[Design]:
    """Missing with some levels."""
    there = total > 0
    chosen = there & (gone >= _INSIDE * total)
    rest = there & ~chosen
    positive = np.count_nonzero(chosen) <= np.count_nonzero(rest)
    levels = np.flatnonzero(chosen if positive else rest)
    written = [_written(other, int(level)) for level in levels]
    if not 0 < len(levels) <= _TERMS or not all(written):
        return
    column, sign = _quoted(other.name), "==" if positive else "!="
    when = (" or " if positive else " and ").join(f"{column} {sign} {one}" for one in written)
    names = " or ".join(str(other.originals[level]) for level in levels)
    words = f"{other.name} is {'' if positive else 'not '}{names}"
    yield from _judged(when, words, total, gone, chosen, least, len(levels), levels=True)


def _by_threshold(total: Counts, gone: Counts, other: Column, least: int) -> Iterator[Design]:
    """Missing below a number, or from it on."""
    with np.errstate(divide="ignore", invalid="ignore"):
        below, missing = np.cumsum(total)[:-1], np.cumsum(gone)[:-1]
        above, missing_above = total.sum() - below, gone.sum() - missing
        for low in (True, False):
            inside, cells = (below, missing) if low else (above, missing_above)
            outside, others = (above, missing_above) if low else (below, missing)
            good = (inside >= least) & (outside >= least)
            good &= (cells >= _INSIDE * inside) & (others <= _OUTSIDE * outside)
            if not good.any():
                continue
            at = int(np.argmax(np.where(good, cells + outside - others, -1)))
            number = _round_between(float(other.values[at]), float(other.values[at + 1]))
            if number is not None:
                when = f"{_quoted(other.name)} {'<' if low else '>='} {number}"
                words = f"{other.name} is {f'below {number}' if low else f'{number} or more'}"
                chosen = (np.arange(other.size) <= at) == low
                yield from _judged(when, words, total, gone, chosen, least, 1, levels=False)


def _judged(
    when: str, words: str, total: Counts, gone: Counts, chosen: Mask, least: int, terms: int, *, levels: bool
) -> Iterator[Design]:
    """The condition that chooses these values, if it is good enough."""
    inside, outside = int(total[chosen].sum()), int(total[~chosen].sum())
    cells, others = int(gone[chosen].sum()), int(gone[~chosen].sum())
    if min(inside, outside) < least or cells < _INSIDE * inside or others > _OUTSIDE * outside:
        return
    right = cells + outside - others
    rows = inside + outside
    yield Design(when, words, cells / inside, others / outside, right / rows, terms, right == rows, levels)


def _round_between(low: float, high: float) -> str | None:
    """The roundest number above one and up to another, of three digits at most; None if it has more."""
    for power in range(9, -7, -1):
        unit = 10.0**power
        number = round((np.floor(low / unit + 1e-9) + 1) * unit, max(0, -power))
        if low < number <= high:
            return f"{number:.10g}" if abs(number) < _DIGITS * unit else None
    return None


def _written(other: Column, level: int) -> str:
    """A level as a rule has it; empty if a rule cannot."""
    value = other.values[level] if other.is_numeric else other.originals[level]
    if isinstance(value, int | float | np.number) and not isinstance(value, bool | np.bool_):
        plain = float(value) >= 0 or other.is_numeric
        return f"{float(value):.10g}" if plain else f"'{value}'"
    text = str(value)
    if "\n" in text or ("'" in text and '"' in text):
        return ""
    return f'"{text}"' if "'" in text else f"'{text}'"


def _quoted(name: str) -> str:
    """A name as a rule has it: in backticks if it is no plain word, or a word of rules such as `and` or `p99`."""
    plain = name.isascii() and name.isidentifier() and not iskeyword(name) and not _PERCENTILE.fullmatch(name)
    return name if plain else f"`{name}`"
