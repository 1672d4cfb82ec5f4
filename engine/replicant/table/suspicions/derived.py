"""Columns that follow from others in every row: sums, differences, products, ratios, lines, and groups of numbers.

A form is tried on a few rows for all columns at once; what fits there is then held against all rows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from hashlib import blake2b
from itertools import combinations, permutations, product
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from replicant.table.arrays import Codes, Floats
from replicant.table.column import Column
from replicant.table.kinds import Kind
from replicant.table.suspicions.model import Suspicion, coded
from replicant.table.table import Table

__all__ = ["derived_suspicions"]

Values: TypeAlias = npt.NDArray[np.float64]

_PROBE = 48
_SOME = 20_000
_FEW_ROWS = 2000
_ALMOST = 0.02
"""How far from a whole number a weight may be for the rounding of the terms."""

_MOST = 40
"""Columns of numbers of which pairs are tried."""

_DISTINCT = 10
_SAME_MISSING = 0.99
"""Share of rows in which a column is missing exactly if what it follows from is."""

_DATES = 8
"""Columns of dates of which pairs are tried."""

_SPANS = (1, 7, 365.25, 365, 30.4375, 30)
"""Days of each unit of a difference of dates."""

_POWERS = ((1, 1), (1, -1), (-1, 1), (1, -2), (-2, 1), (1, 2), (2, 1))


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
    known = {one.column for one in found}
    columns = [c for c in table.columns if c.kind in (Kind.CONTINUOUS, Kind.COUNT) and c.size >= _DISTINCT]
    columns = [c for c in columns if c.name not in known and c.dtype.number is not None][:_MOST]
    if len(columns) > 1:
        found += _computed(columns, codes)
    found += _durations(table, [column for column in columns if column.name not in {one.column for one in found}])
    for more in (_relabelled, _groups):
        done = {one.column for one in found}
        found += [one for one in more(table) if one.column not in done]
    return found


def _computed(columns: list[Column], codes: Sequence[Suspicion]) -> list[Suspicion]:
    n = columns[0].n
    rows = np.arange(n) if n <= _SOME else np.random.default_rng(n).choice(n, _SOME, replace=False)
    values = np.stack([_numbers(column, column.codes[rows], codes) for column in columns])
    # A value computed from a coded cell is missing: a blank cell only, and only for a code that is certain.
    blank = {c.name for c in columns if not (c.codes < -1).any()} - {one.column for one in codes}
    settled = {c.name for c in columns} - {one.column for one in codes if not one.sure}
    found: dict[str, Suspicion] = {}
    parts: dict[str, set[str]] = {}
    for chosen, whole in _rounds(np.isnan(values)):
        if len(chosen) < 2:
            continue
        probe = values[np.ix_(chosen, whole[np.linspace(0, len(whole) - 1, _PROBE).astype(int)])]
        search = _Search([columns[at] for at in chosen], values[chosen], probe, found, parts, blank, settled)
        with np.errstate(all="ignore"):
            for i, j in combinations(range(len(chosen)), 2):
                search.pair(i, j)
            for i, y in combinations(range(len(chosen)), 2):
                search.line(i, y)
            for y in range(len(chosen)):
                search.total(y)
    return list(found.values())


def _numbers(column: Column, codes: Codes, found: Sequence[Suspicion]) -> Floats:
    """Cells as numbers, without those that may be codes of missing."""
    values = column.numbers(codes)
    values[(codes >= 0) & coded(column, found)[np.maximum(codes, 0)]] = np.nan
    return values


def _rounds(missing: npt.NDArray[np.bool_]) -> Iterator[tuple[list[int], npt.NDArray[np.intp]]]:
    """Columns that have enough rows in common in which none is missing, and these rows, until each had its turn.

    A table with skip patterns may have no row without a missing cell.
    """
    order = np.argsort(missing.sum(axis=1), kind="stable").tolist()
    left = list(order)
    while left:
        there = ~missing[left[0]]
        need = max(_PROBE, int(there.sum()) // 2)
        chosen = []
        for at in (left[0], *(at for at in order if at != left[0])):
            both = there & ~missing[at]
            if both.sum() >= need:
                chosen.append(at)
                there = both
        left = [at for at in left[1:] if at not in chosen]
        if chosen:
            yield sorted(chosen), np.flatnonzero(there)


class _Search:
    """Forms that give a column, and what is found so far: no column is computed from one that is computed from it."""

    def __init__(
        self,
        columns: list[Column],
        values: Values,
        probe: Values,
        found: dict[str, Suspicion],
        parts: dict[str, set[str]],
        blank: set[str],
        settled: set[str],
    ) -> None:
        self.columns, self.values, self.probe = columns, values, probe
        self.unit = np.array([0.0 if c.decimals is None else 10.0**-c.decimals for c in columns])
        self.found, self.parts = found, parts
        self.blank, self.settled = blank, settled

    def done(self, y: int) -> bool:
        """Whether something is found of a column."""
        return self.columns[y].name in self.found

    def closes(self, y: int, inputs: tuple[int, ...]) -> bool:
        """Whether some input is computed from the column itself."""
        open_, seen = [self.columns[i].name for i in inputs], set[str]()
        while open_:
            name = open_.pop()
            if name == self.columns[y].name:
                return True
            if name not in seen:
                seen.add(name)
                open_ += self.parts.get(name, ())
        return False

    def pair(self, i: int, j: int) -> None:
        """Sums, differences, products and ratios of two columns."""
        for text, make, scaled in _forms(i, j, self.columns):
            form = make(self.probe)
            if not np.isfinite(form).all() or len(np.unique(form)) < 3:
                continue
            scale = _medians(self.probe / form) if scaled else np.ones(len(self.columns))
            # Twice what is allowed: the factor is not yet the one that somebody wrote.
            close = np.abs(self.probe - scale[:, None] * form) <= 2 * _allowed(self.unit, self.probe)
            for y in np.flatnonzero(close.all(axis=1)).tolist():
                factor = _nice(float(scale[y]))
                if y not in (i, j) and factor is not None:
                    self.take(y, (i, j), factor * make(self.values), _said(factor, text))

    def line(self, i: int, y: int) -> None:
        """A linear function of one column."""
        if not np.ptp(self.probe[i]):
            return
        slope, base = np.polyfit(self.probe[i], self.probe[y], 1)
        name, x, part = _quoted(self.columns[i].name), self.values[i], _nice(float(1 / slope)) if slope else None
        if part is not None and part != 1 and abs(base) < 1e-3 * np.ptp(self.probe[y]):
            self.take(y, (i,), x / part, f"{name} / {part:g}")
        a, b = _nice(float(slope)), 0.0 if abs(base) < 1e-9 else _nice(float(base))
        if a and b is not None:
            more = f" + {b:g}" if b > 0 else f" - {-b:g}" if b else ""
            self.take(y, (i,), a * x + b, _said(a, name) + more)

    def total(self, y: int) -> None:
        """A sum of three columns or more."""
        others = [i for i in range(len(self.columns)) if i != y and not self.done(i)]
        parts = self.probe[others].T
        if self.done(y) or len(others) < 3 or len(others) >= _PROBE:
            return
        weights = np.linalg.lstsq(parts, self.probe[y])[0]
        chosen = [i for i, weight in zip(others, weights, strict=True) if round(float(weight)) == 1]
        if (
            len(chosen) < 3
            or np.abs(weights - np.rint(weights)).max() > _ALMOST
            or np.rint(weights).sum() != len(chosen)
        ):
            return
        text = " + ".join(_quoted(self.columns[i].name) for i in chosen)
        self.take(y, tuple(chosen), self.values[chosen].sum(axis=0), text)

    def take(self, y: int, inputs: tuple[int, ...], made: Floats, text: str) -> None:
        """Keep a form that gives every row back, missing cells too."""
        if self.done(y) or self.closes(y, inputs):
            return
        if len(np.unique(self.probe[y])) < _DISTINCT:
            return
        name, given = self.columns[y].name, self.values[y]
        if not _agree(made, given, self.unit[y]):
            return
        same = float(np.mean(np.isnan(made) == np.isnan(given))) >= _SAME_MISSING
        sure = same and name in self.blank and all(self.columns[i].name in self.settled for i in inputs)
        message = f"follows from others in every row: {text}" + ("" if same else ", if none is missing")
        message += " (a missing cell gives a blank cell, not a code)" if same and name not in self.blank else ""
        self.found[name] = Suspicion(name, "derived", message, {}, {f"synthesis.passive.{name}": text}, sure=sure)
        self.parts[name] = {self.columns[i].name for i in inputs}


def _medians(rows: Values) -> Floats:
    """The median of each row without its missing cells; NumPy's own function for these takes many times as long."""
    medians: Floats = np.median(rows, axis=1)
    return np.nanmedian(rows, axis=1) if np.isnan(medians).any() else medians


def _forms(i: int, j: int, columns: list[Column]) -> Iterator[tuple[str, Callable[[Values], Floats], bool]]:
    """What may be made of two columns: in words, as a function of all columns, and whether times a factor."""
    a, b = _quoted(columns[i].name), _quoted(columns[j].name)
    yield f"{a} + {b}", lambda v: v[i] + v[j], False
    yield f"{a} - {b}", lambda v: v[i] - v[j], False
    yield f"{b} - {a}", lambda v: v[j] - v[i], False
    for p, q in _POWERS:
        yield _power(a, b, p, q), partial(_product, i=i, j=j, p=p, q=q), True


def _product(values: Values, i: int, j: int, p: int, q: int) -> Floats:
    return np.asarray(values[i] ** float(p) * values[j] ** float(q))


def _power(a: str, b: str, p: int, q: int) -> str:
    if p < 0:
        a, b, p, q = b, a, q, p
    first = a if p == 1 else f"{a}**{p}"
    second = b if abs(q) == 1 else f"{b}**{abs(q)}"
    return f"{first} {'*' if q > 0 else '/'} {second}"


def _allowed(unit: Floats, values: Values) -> Values:
    """Half a unit of the last digit, or the resolution of float64."""
    return np.maximum(0.5000001 * unit[:, None] * (unit[:, None] < 1), 1e-9 * np.abs(values)) + 1e-12


def _agree(made: Floats, given: Floats, unit: float) -> bool:
    """Whether what is computed is what is there, in all of enough rows in which neither is missing."""
    both = ~np.isnan(made) & ~np.isnan(given)
    allowed = _allowed(np.array([unit]), given[None])[0]
    return bool(both.sum() >= _PROBE and (np.abs(made - given) <= allowed)[both].all())


def _durations(table: Table, columns: Sequence[Column]) -> list[Suspicion]:
    """Numbers that are the time from one date to another, in days, weeks, months or years."""
    dates = {c.name: c.numbers() for c in table.columns if c.kind is Kind.DATE and c.size >= 2}
    pairs = list(permutations(list(dates)[:_DATES], 2))
    found = []
    for column in columns:
        given, unit = column.numbers(), 0.0 if column.decimals is None else 10.0**-column.decimals
        for (late, early), days in product(pairs, _SPANS):
            made = (dates[late] - dates[early]) / days
            if not _agree(made[:_FEW_ROWS], given[:_FEW_ROWS], unit) or not _agree(made, given, unit):
                continue
            span = f"{_quoted(late)} - {_quoted(early)}"
            text = span if days == 1 else f"({span}) / {days:g}"
            same = float(np.mean(np.isnan(made) == np.isnan(given))) >= _SAME_MISSING
            message = f"follows from others in every row: {text}" + ("" if same else ", if none is missing")
            passive = {f"synthesis.passive.{column.name}": text}
            found.append(Suspicion(column.name, "derived", message, {}, passive, sure=same))
            break
    return found


def _nice(number: float) -> float | None:
    """A factor that somebody may have written: of few digits."""
    for digits in range(7):
        near = round(number, digits)
        if near and abs(near - number) <= 1e-5 * abs(number):
            return near
    return None


def _said(factor: float, text: str) -> str:
    return text if factor == 1 else f"{factor:g} * {text}"


def _quoted(name: str) -> str:
    return name if name.isidentifier() else f"`{name}`"


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
    """Levels that are stretches of a number, such as groups of age."""
    found = []
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
                text = f"its levels are stretches of {number.name}: a group may contradict the number in synthetic rows"
                found.append(Suspicion(column.name, "groups", text, sure=False))
                break
    return found


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
