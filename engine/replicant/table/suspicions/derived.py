"""Columns that follow from others: arithmetic, time between dates, other labels, groups of numbers and of levels."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from hashlib import blake2b
from itertools import permutations, product

import numpy as np

from replicant.table.arrays import Codes, Floats
from replicant.table.column import Column
from replicant.table.kinds import Kind
from replicant.table.suspicions.arithmetic import candidates, derivations
from replicant.table.suspicions.forms import agreement, quoted
from replicant.table.suspicions.model import Suspicion
from replicant.table.table import Table

__all__ = ["derived_suspicions", "nested", "stretches"]

_FEW_ROWS = 2000
_DISTINCT = 10
_SAME_MISSING = 0.99
"""Share of rows in which a column is missing exactly if what it follows from is."""

_CLASSES = (Kind.NOMINAL, Kind.ORDERED, Kind.BINARY)

_LOG_CHANCE = -25.0
"""Less likely than this, no column seems to follow from another by chance."""

_DATES = 8
"""Columns of dates of which pairs are tried."""

_SPANS = (1, 7, 365.25, 365, 30.4375, 30)
"""Days of each unit of a difference of dates."""


def derived_suspicions(table: Table, codes: Sequence[Suspicion] = ()) -> list[Suspicion]:
    """Columns that can be computed, and groups of numbers.

    Parameters
    ----------
    table
        The table.
    codes
        What is suspected of codes of missing among numbers: nothing is computed of these.
    """
    found = [
        Suspicion(later, "equal", f"equal to {earlier} in every row: it is kept so", sure=False)
        for later, earlier in table.equal.items()
    ]
    for one in derivations(table, codes):
        text = one.words + ("" if one.same else ", if none is missing")
        text += " (a missing cell gives a blank cell, not a code)" if one.same and not one.blank else ""
        text += "" if one.exact else f"; passive: {{{one.column}: {one.text}}} would make it so in all"
        settings = {f"synthesis.passive.{one.column}": one.text}
        found.append(Suspicion(one.column, "derived", text, {}, settings, sure=one.sure))
    done = {one.column for one in found}
    found += _durations(table, [column for column in candidates(table) if column.name not in done])
    for more in (_relabelled, _groups, _nested):
        done = {one.column for one in found}
        found += [one for one in more(table) if one.column not in done]
    return found


def _durations(table: Table, columns: Sequence[Column]) -> list[Suspicion]:
    """Numbers that are the time from one date to another, in days, weeks, months or years."""
    dates = {c.name: c.numbers() for c in table.columns if c.kind is Kind.DATE and c.size >= 2}
    pairs = list(permutations(list(dates)[:_DATES], 2))
    found = []
    for column in columns:
        given, unit = column.numbers(), 0.0 if column.decimals is None else 10.0**-column.decimals
        for (late, early), days in product(pairs, _SPANS):
            made = (dates[late] - dates[early]) / days
            if not all(_agree(made[rows], given[rows], unit) for rows in (slice(_FEW_ROWS), slice(None))):
                continue
            span = f"{quoted(late)} - {quoted(early)}"
            text = span if days == 1 else f"({span}) / {days:g}"
            same = float(np.mean(np.isnan(made) == np.isnan(given))) >= _SAME_MISSING
            message = f"follows from others in every row: {text}" + ("" if same else ", if none is missing")
            passive = {f"synthesis.passive.{column.name}": text}
            found.append(Suspicion(column.name, "derived", message, {}, passive, sure=same))
            break
    return found


def _agree(made: Floats, given: Floats, unit: float) -> bool:
    """Whether what is computed is what is there in every row."""
    return agreement(made, given, unit, made[None]) == (1.0, True)


def _relabelled(table: Table) -> list[Suspicion]:
    """Columns with the same information in other values, such as a code and its name."""
    found, first = [], dict[bytes, str]()
    for column in table.columns:
        if not 3 <= column.size <= column.n / 5 or column.kind is Kind.IDENTIFIER:
            continue
        _, at, inverse = np.unique(column.codes, return_index=True, return_inverse=True)
        order = np.argsort(np.argsort(at))[inverse]  # values numbered as they come
        key = blake2b(order.astype(np.int64).tobytes() + (column.codes < 0).tobytes()).digest()
        if (other := first.setdefault(key, column.name)) != column.name:
            text = f"is a one-to-one recoding of {other}: one of the two may be dropped"
            found.append(Suspicion(column.name, "relabelled", text, sure=False))
    return found


def _groups(table: Table) -> list[Suspicion]:
    found = []
    for column, number in stretches(table):
        text = f"its levels are stretches of {number.name}: a group may contradict the number in synthetic rows"
        found.append(_kept_by_rule(column, number, "groups", text))
    return found


def stretches(table: Table) -> Iterator[tuple[Column, Column]]:
    """Columns whose levels are stretches of a number, such as groups of age, each with the number."""
    numbers = [c for c in table.columns if c.kind in (Kind.CONTINUOUS, Kind.COUNT) and c.size >= 2 * _DISTINCT]
    for column in table.columns:
        if not (3 <= column.size <= 30) or column.kind in (Kind.IDENTIFIER, Kind.DATE, Kind.BINARY):
            continue
        for number in numbers:
            some = slice(None, None, max(1, column.n // _FEW_ROWS))
            if number.name == column.name or not _in_stretches(column.codes[some], number.codes[some]):
                continue
            if np.count_nonzero((column.codes >= 0) & (number.codes >= 0)) < 100:
                continue
            if _in_stretches(column.codes, number.codes):
                yield column, number
                break


def _kept_by_rule(column: Column, other: Column, code: str, text: str) -> Suspicion:
    """How a column is kept in line with what it follows from."""
    rule = f"{quoted(column.name)} within {quoted(other.name)}"
    text = f'{text}, unless a rule keeps it: rules: ["{rule}"]'
    return Suspicion(column.name, code, text, {}, {"synthesis.rules": [rule]}, sure=False)


def _nested(table: Table) -> list[Suspicion]:
    found = []
    for column, other in nested(table):
        text = f"follows from {other.name}: a synthetic row may contradict it"
        found.append(_kept_by_rule(column, other, "nested", text))
    return found


def nested(table: Table) -> Iterator[tuple[Column, Column]]:
    """Columns whose levels follow from those of another one, such as the region of a town, each with the other."""
    columns = [c for c in table.columns if c.kind in _CLASSES and 2 <= c.size <= c.n / 5]
    for column in columns:
        for other in columns:
            some = slice(None, None, max(1, column.n // _FEW_ROWS))
            if other.size <= column.size or not _follows(column.codes[some], other.codes[some]):
                continue
            if _follows(column.codes, other.codes) and _chance(column, other) < _LOG_CHANCE:
                yield column, other
                break


def _follows(levels: Codes, others: Codes) -> bool:
    """Whether each level of another column goes with one level, where neither is missing."""
    there = (levels >= 0) & (others >= 0)
    levels, others = levels[there], others[there]
    if 2 * len(levels) < len(there):
        return False
    last = np.zeros(int(others.max(initial=0)) + 1, levels.dtype)
    last[others] = levels
    return bool((last[others] == levels).all())


def _chance(column: Column, other: Column) -> float:
    """Logarithm of the probability that a column which does not depend on another seems to follow from it."""
    there = (column.codes >= 0) & (other.codes >= 0)
    levels, others = column.codes[there], other.codes[there]
    shares = np.log(np.maximum(np.bincount(levels), 1) / len(levels))
    _, first = np.unique(others, return_index=True)
    # The first row of each level of the other column may have any level.
    return float(shares[levels].sum() - shares[levels[first]].sum())


def _in_stretches(levels: Codes, numbers: Codes) -> bool:
    """Whether each level holds the numbers between two bounds, and no number is in two levels."""
    there = (levels >= 0) & (numbers >= 0)
    levels, numbers = levels[there], numbers[there]
    order = np.lexsort((levels, numbers))
    levels, numbers = levels[order], numbers[order]
    change = np.diff(levels) != 0
    if (np.diff(numbers)[change] == 0).any():
        return False
    changes = int(np.count_nonzero(change))
    return changes > 1 and changes == len(np.unique(levels)) - 1
