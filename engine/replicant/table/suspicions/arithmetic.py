"""Columns of numbers that are arithmetic on others, in every row or nearly: a search bounded in columns and in rows.

A form is tried on a few rows for all columns at once; what fits there is then held against all rows. Sums, differences,
products, ratios and powers of two columns, lines, sums of several, products of powers of several (least squares on
logarithms), and a ratio to a sum, such as `200 * z / (x + y)`. Factors are numbers that somebody may have written. A
form holds in a row if the difference is what rounding leaves: of the column itself, or of the columns that it is
computed from.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import numpy.typing as npt

from replicant.table.arrays import Codes, Floats
from replicant.table.column import Column
from replicant.table.kinds import Kind
from replicant.table.suspicions.forms import (
    ENOUGH,
    Make,
    Values,
    agreement,
    allowed,
    factors,
    medians,
    multiple,
    nice,
    power_of,
    product,
    quoted,
)
from replicant.table.suspicions.model import Suspicion, coded
from replicant.table.table import Table

__all__ = ["Derivation", "candidates", "derivations"]

_PROBES = 3
_SOME = 20_000
_CLOSE = 0.9
"""Share of the rows of a probe in which a form is near a column, to be held against all rows."""

_ROUGHLY = 0.05
"""Or half of them, this near, as a share of the column's interquartile range."""

_ALMOST = 0.02
"""How far from a whole number a weight may be for the rounding of the terms."""

_MOST = 40
"""Columns of numbers of which pairs are tried."""

_TRIPLES = 16
"""Columns of which ratios to sums are tried."""

_DISTINCT = 10
_SAME_MISSING = 0.99
"""Share of rows in which a column is missing exactly if what it follows from is."""

_POWERS = ((1, 1), (1, -1), (-1, 1), (1, -2), (-2, 1), (1, 2), (2, 1))
_EXPONENTS = np.array([-3, -2, -1, -0.5, 0, 0.5, 1, 2, 3])


@dataclass(frozen=True, slots=True)
class Derivation:
    """A column that can be computed.

    Attributes
    ----------
    column
        Its name.
    text
        The expression.
    inputs
        Names of the columns in it.
    share
        Of the rows in which no cell is missing, those in which it holds.
    exact
        Whether it gives every row back; rounding of the inputs explains the rest otherwise.
    same
        Whether the column is missing where an input is, and nowhere else (nearly).
    blank
        Whether its missing cells are blank: a computed one is, and no code.
    settled
        Whether it is certain which values of the inputs are codes of missing.
    """

    column: str
    text: str
    inputs: tuple[str, ...]
    share: float
    exact: bool
    same: bool
    blank: bool
    settled: bool

    @property
    def sure(self) -> bool:
        """Whether it can be taken as it is."""
        return self.exact and self.same and self.blank and self.settled

    @property
    def words(self) -> str:
        """What was found, in words."""
        if self.share == 1:
            rows = "every row" if self.exact else "every row, but for rounding"
        else:
            rows = f"{min(99.9, 100 * self.share):.1f} % of the rows"
        return f"follows from others in {rows}: {self.text}"


def candidates(table: Table) -> list[Column]:
    """Columns of numbers of which forms are tried."""
    columns = [c for c in table.columns if c.kind in (Kind.CONTINUOUS, Kind.COUNT) and c.size >= _DISTINCT]
    return [c for c in columns if c.name not in table.equal and c.dtype.number is not None][:_MOST]


def derivations(table: Table, codes: Sequence[Suspicion] = ()) -> list[Derivation]:
    """Columns that can be computed, none from one that is computed from it.

    Parameters
    ----------
    table
        The table.
    codes
        What is suspected of codes of missing among numbers: nothing is computed of these.
    """
    columns = candidates(table)
    if len(columns) < 2:
        return []
    n = table.n
    rows = np.arange(n) if n <= _SOME else np.random.default_rng(n).choice(n, _SOME, replace=False)
    values = np.stack([_numbers(column, column.codes[rows], codes) for column in columns])
    # A value computed from a coded cell is missing: a blank cell only, and only for a code that is certain.
    blank = {c.name for c in columns if not (c.codes < -1).any()} - {one.column for one in codes}
    settled = {c.name for c in columns} - {one.column for one in codes if not one.sure}
    found: dict[str, Derivation] = {}
    for chosen, whole in _rounds(np.isnan(values)):
        if len(chosen) < 2:
            continue
        search = _Search([columns[at] for at in chosen], values[chosen], whole, found, blank, settled)
        with np.errstate(all="ignore"):
            search.run()
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
        need = max(ENOUGH, int(there.sum()) // 2)
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
        whole: npt.NDArray[np.intp],
        found: dict[str, Derivation],
        blank: set[str],
        settled: set[str],
    ) -> None:
        self.columns, self.values = columns, values
        self.names = [quoted(column.name) for column in columns]
        spaced = np.linspace(0, len(whole) - 1, ENOUGH).astype(int)
        others = np.random.default_rng(len(whole)).integers(0, len(whole), (_PROBES - 1, ENOUGH))
        # One row that disagrees spoils a least squares fit: others may be without one.
        self.probes = [values[:, whole[rows]] for rows in (spaced, *others)]
        self.probe = self.probes[0]
        self.unit = np.array([0.0 if c.decimals is None else 10.0**-c.decimals for c in columns])
        self.varied = np.array([len(np.unique(row)) >= _DISTINCT for row in self.probe])
        self.allowed = 2 * allowed(self.unit[:, None], self.probe)
        self.tight = _ROUGHLY * (np.quantile(self.probe, 0.75, axis=1) - np.quantile(self.probe, 0.25, axis=1))
        self.found = found
        self.blank, self.settled = blank, settled
        self.pending: list[tuple[int, Sequence[int], Make, str]] | None = []

    def run(self) -> None:
        """Try all forms, the simplest first: what gives every row back before what gives nearly every row."""
        count = len(self.columns)
        for i, j in combinations(range(count), 2):
            self.pair(i, j)
        for i, j in combinations(range(min(count, _TRIPLES)), 2):
            self.ratios(i, j)
        for probe in self.probes:
            self.probe = probe
            for i, y in combinations(range(count), 2):
                self.line(i, y)
            for y in range(count):
                self.total(y)
                self.powers(y)
        pending, self.pending = self.pending, None
        for y, inputs, make, text in pending or ():
            self.take(y, inputs, make, text)

    def done(self, y: int) -> bool:
        """Whether something is found of a column."""
        return self.columns[y].name in self.found

    def closes(self, y: int, inputs: Sequence[int]) -> bool:
        """Whether some input is computed from the column itself."""
        open_, seen = [self.columns[i].name for i in inputs], set[str]()
        while open_:
            name = open_.pop()
            if name == self.columns[y].name:
                return True
            if name not in seen:
                seen.add(name)
                open_ += self.found[name].inputs if name in self.found else ()
        return False

    def close(self, forms: Values, scale: Values) -> npt.NDArray[np.bool_]:
        """(forms, columns) whether a form is near a column in the rows of the probe: in nearly all, or mostly."""
        gaps = np.abs(self.probe - scale[..., None] * forms[:, None])
        near = (gaps <= self.allowed).mean(axis=-1) >= _CLOSE
        roughly = (gaps <= self.tight[:, None]).mean(axis=-1) >= 0.5
        return np.asarray((near | roughly) & self.varied)

    def scales(self, forms: Values) -> Values:
        """(forms, columns) the factor that a form is to be multiplied with."""
        return medians(self.probe / forms[:, None])

    def pair(self, i: int, j: int) -> None:
        """Sums, differences, products and ratios of two columns."""
        a, b = self.names[i], self.names[j]
        made = [self.probe[i] + self.probe[j], self.probe[i] - self.probe[j], self.probe[j] - self.probe[i]]
        powers = [self.probe[i] ** float(p) * self.probe[j] ** float(q) for p, q in _POWERS]
        forms = np.array([*made, *powers])
        scale = np.ones((len(forms), len(self.columns)))
        scale[len(made) :] = self.scales(forms[len(made) :])
        close = self.close(forms, scale)
        close[:, [i, j]] = False
        close[[not np.isfinite(form).all() or len(np.unique(form)) < 3 for form in forms]] = False
        for form, y in np.argwhere(close).tolist():
            if form < len(made):
                text, make = (
                    (f"{a} + {b}", lambda v: v[i] + v[j]),
                    (f"{a} - {b}", lambda v: v[i] - v[j]),
                    (f"{b} - {a}", lambda v: v[j] - v[i]),
                )[form]
                self.take(y, (i, j), make, text)
            else:
                p, q = _POWERS[form - len(made)]
                text = product({a: p, b: q})
                self.scaled(y, (i, j), power_of({i: p, j: q}), float(scale[form, y]), text)

    def line(self, i: int, y: int) -> None:
        """A linear function of one column."""
        if not np.ptp(self.probe[i]) or self.done(y):
            return
        slope, base = np.polyfit(self.probe[i], self.probe[y], 1)
        name, part = self.names[i], nice(float(1 / slope)) if slope else None
        if part is not None and part != 1 and abs(base) < 1e-3 * np.ptp(self.probe[y]):
            self.take(y, (i,), lambda v: v[i] / part, f"{name} / {part:g}")
        a, b = nice(float(slope)), 0.0 if abs(base) < 1e-9 else nice(float(base))
        if a and b is not None:
            more = f" + {b:g}" if b > 0 else f" - {-b:g}" if b else ""
            self.take(y, (i,), lambda v: a * v[i] + b, multiple(a, name) + more)

    def total(self, y: int) -> None:
        """A sum of three columns or more."""
        others = [i for i in range(len(self.columns)) if i != y and not self.done(i)]
        if self.done(y) or len(others) < 3 or len(others) >= ENOUGH:
            return
        weights = np.linalg.lstsq(self.probe[others].T, self.probe[y])[0]
        chosen = [i for i, weight in zip(others, weights, strict=True) if round(float(weight)) == 1]
        if (
            len(chosen) < 3
            or np.abs(weights - np.rint(weights)).max() > _ALMOST
            or np.rint(weights).sum() != len(chosen)
        ):
            return
        self.take(y, chosen, lambda v: v[chosen].sum(axis=0), " + ".join(self.names[i] for i in chosen))

    def powers(self, y: int) -> None:
        """A product of powers of two to four columns that are positive."""
        positive: npt.NDArray[np.bool_] = np.all(self.probe > 0, axis=1)
        others = [i for i in np.flatnonzero(positive).tolist() if i != y and not self.done(i)]
        if self.done(y) or not positive[y] or not 2 <= len(others) <= ENOUGH // 2:
            return
        logs = np.log(self.probe[others]).T
        solved = np.linalg.lstsq(np.column_stack([np.ones(ENOUGH), logs]), np.log(self.probe[y]))[0]
        nearest = _EXPONENTS[np.abs(solved[1:, None] - _EXPONENTS).argmin(axis=1)]
        powers = {i: float(power) for i, power in zip(others, nearest, strict=True) if power}
        if not 2 <= len(powers) <= 4 or np.abs(solved[1:] - nearest).max() > 2 * _ALMOST:
            return
        make = power_of(powers)
        scale = float(np.median(self.probe[y] / make(self.probe)))
        self.scaled(y, tuple(powers), make, scale, product({self.names[i]: p for i, p in powers.items()}))

    def ratios(self, i: int, j: int) -> None:
        """A column over, or times, the sum of two, or their difference relative to one."""
        few = self.probe[: min(len(self.columns), _TRIPLES)]
        a, b = self.names[i], self.names[j]
        both, gap = few[i] + few[j], few[i] - few[j]
        if not np.ptp(both) or not np.ptp(gap):
            return  # one follows from the other, and what is left is a form of one column
        groups = ((few / both, "sum below"), (both / few, "sum above"), (few * both, "times"), (gap / few, "change"))
        for forms, kind in groups:
            sound: npt.NDArray[np.bool_] = np.isfinite(forms).all(axis=1)
            sound &= np.ptp(forms, axis=1) > 0
            scale = self.scales(forms)
            close = self.close(forms, scale) & sound[:, None]
            close[:, [i, j]] = False
            for z, y in np.argwhere(close).tolist():
                if y == z or self.done(y) or (z in (i, j) and kind in ("sum above", "times")):
                    continue
                inputs = tuple(dict.fromkeys((i, j, z)))
                factor, name = float(scale[z, y]), self.names[z]
                if kind == "change" and factor < 0:
                    self.scaled(y, inputs, lambda v, z=z: (v[j] - v[i]) / v[z], -factor, f"({b} - {a}) / {name}")  # type: ignore[misc]
                    continue
                text, make = {
                    "sum below": (f"{name} / ({a} + {b})", lambda v, z=z: v[z] / (v[i] + v[j])),
                    "sum above": (f"({a} + {b}) / {name}", lambda v, z=z: (v[i] + v[j]) / v[z]),
                    "times": (f"{name} * ({a} + {b})", lambda v, z=z: v[z] * (v[i] + v[j])),
                    "change": (f"({a} - {b}) / {name}", lambda v, z=z: (v[i] - v[j]) / v[z]),
                }[kind]
                self.scaled(y, inputs, make, factor, text)

    def scaled(self, y: int, inputs: Sequence[int], make: Make, scale: float, text: str) -> None:
        """Keep a form with the simplest factor near `scale` that gives the rows back."""
        for factor in factors(scale):
            if self.done(y):
                return
            self.take(y, inputs, lambda v, factor=factor: factor * make(v), multiple(factor, text))  # type: ignore[misc]

    def take(self, y: int, inputs: Sequence[int], make: Make, text: str) -> None:
        """Keep a form that gives nearly every row back."""
        if self.done(y) or not self.varied[y] or self.closes(y, inputs):
            return
        given, made = self.values[y], make(self.values)
        slack = self._slack(make, made, inputs) if self.pending is None else None
        seen = agreement(made, given, float(self.unit[y]), self.values[list(inputs)], slack)
        if self.pending is not None and not (seen and seen[1]):
            self.pending.append((y, inputs, make, text))
            return
        if seen is None:
            return
        name, names = self.columns[y].name, tuple(self.columns[i].name for i in inputs)
        self.found[name] = Derivation(
            name,
            text,
            names,
            *seen,
            same=float(np.mean(np.isnan(made) == np.isnan(given))) >= _SAME_MISSING,
            blank=name in self.blank,
            settled=all(one in self.settled for one in names),
        )

    def _slack(self, make: Make, made: Floats, inputs: Sequence[int]) -> Callable[[], Floats]:
        """How far the rounding of the inputs moves what is computed; whole numbers are as they are."""

        def slack() -> Floats:
            total = np.zeros_like(made)
            for i in inputs:
                if 0 < self.unit[i] < 1:
                    moved = self.values.copy()
                    moved[i] += self.unit[i] / 2
                    total += np.abs(make(moved) - made)
            return total

        return slack
