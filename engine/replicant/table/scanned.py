"""What is known of one column of a table in chunks, and how the facts of two chunks become those of both."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import reduce
from typing import Any

import numpy as np
import pandas as pd

from replicant.errors import DataError, SpecError
from replicant.table.arrays import Floats, Typed
from replicant.table.codebook import ColumnSpec
from replicant.table.counts import summed
from replicant.table.distinct import Distinct
from replicant.table.dtypes import ColumnType
from replicant.table.encode import check_spikes, judge, settle
from replicant.table.extent import Extent
from replicant.table.factor import MEASURED, Factor, Nature
from replicant.table.identifiers import SHARE, Verdict, verdict
from replicant.table.kinds import Kind
from replicant.table.limits import MOST_LEVELS, too_many_levels
from replicant.table.times import finest, is_time

__all__ = ["MANY_DIGITS", "Position", "ScannedColumn", "check_levels", "is_plain"]

MANY_DIGITS = 11
"""The number of decimals from which they are no longer counted."""

_EXACT = 2**53
_OBJECT = np.dtype(object)
_OBJECT_NUMBERS = {"integer", "floating", "mixed-integer-float"}
_OBJECT_DURATIONS = {"timedelta", "timedelta64"}

Position = tuple[int, int]
"""Where a category was first seen: the chunk, and its position among the categories there."""


@dataclass(frozen=True, slots=True)
class ScannedColumn:
    """Facts about one column, of one chunk or of several.

    Attributes
    ----------
    name, source
        The column, and the raw column it is made from.
    nature
        What the cells physically are; None as long as nothing but missing cells of no type were seen.
    recoded
        Whether its values are labels of raw ones.
    types
        The types its cells came in, categories left out, with what the objects are where they are objects.
    missing
        Missing cells, coded missing values not counted.
    coded
        Cells that hold each of the declared coded missing values; none where these can only be levels.
    held, spiked
        Whether each of the declared coded missing values, and each of the declared spikes, is among the values.
    low, high
        Least and greatest number (dates: days since 1970), coded missing values left out; None if there is none.
    decimals
        Digits after the point that the numbers need, 11 for more than ten; None if there are no numbers.
    levels
        Cells that hold each level, of a column whose values may be levels, unused categories included. None for
        numbers, and for dates written as text once they are too many.
    positions
        For categories, where each was first seen.
    spells
        What all texts spell: dates, numbers (where coded missing values among texts are declared), or text; None if
        there was no text.
    values
        Distinct values, of columns that may be identifiers; None of numbers that are not all whole.
    digits
        Of decimals, the most digits before and after the point.
    hole
        The first chunk with a missing cell, and, of objects, what stands in it.
    rounded
        Cells that had more digits after the point than are declared.
    digests
        For each chunk, a digest of its cells as numbers and one as levels (empty where they are none), and one of which
        cells are alike, whatever they hold.
    fine
        Of dates, durations and times of day, the digits after the point of a second; -1 where all are whole days.
    """

    name: str
    source: str
    recoded: bool
    nature: Nature | None
    types: frozenset[tuple[Any, str]]
    missing: int
    coded: tuple[int, ...]
    held: tuple[bool, ...]
    spiked: tuple[bool, ...]
    low: float | None
    high: float | None
    decimals: int | None
    levels: Mapping[Any, int] | None
    positions: Mapping[Any, Position]
    spells: Nature | None
    values: Distinct | None
    digits: tuple[int, int] | None
    hole: tuple[int, Any] | None
    rounded: int
    digests: Mapping[int, tuple[bytes, bytes, bytes]]
    fine: int = -1

    @property
    def extent(self) -> Extent:
        """Where its numbers lie, and how fine they are."""
        return Extent(self.low, self.high, self.fine < 0, max(self.fine, 0))

    @property
    def distinct(self) -> int | None:
        """Levels that occur; None for numbers, which are not counted."""
        return None if self.levels is None else sum(count > 0 for count in self.levels.values())

    @property
    def is_flat(self) -> bool:
        """Whether all cells are alike: of one value, missing, or one coded missing value."""
        return self._values + (self.missing > 0) + sum(count > 0 for count in self.coded) <= 1

    @property
    def is_single(self) -> bool:
        """Whether some cells are missing and all others alike."""
        return self._values == 1 and (self.missing > 0 or any(self.coded))

    @property
    def _values(self) -> int:
        """Values that are known to differ: none, one, or more."""
        return (self.distinct or 0) if self.low is None else 1 + (self.low != self.high)

    def merge(self, other: ScannedColumn) -> ScannedColumn:
        """Facts about the rows of both.

        Raises
        ------
        DataError
            Their cells do not belong into one column, or there are too many levels.
        """
        if self.digests.keys() & other.digests.keys():
            raise ValueError("the same chunk twice")
        known = [one for one in (self, other) if one.nature is not None]
        natures = {one.nature for one in known}
        types = self.types | other.types
        _check_types(self.name, natures, types)
        spells = _both(self.spells, other.spells, lambda a, b: a if a is b else Nature.TEXT)
        measured = spells is not Nature.TEXT or natures != {Nature.TEXT}
        counted = all(part.levels is not None for part in known)
        levels = summed(*(part.levels or {} for part in known)) if counted else None
        values = _joined([part.values for part in known])
        if levels is not None and len(levels) > MOST_LEVELS:
            check_levels(self.name, next(iter(natures), None), spells, values)
            levels = None
        positions = dict(self.positions)
        for level, position in other.positions.items():
            positions[level] = min(position, positions.get(level, position))
        return ScannedColumn(
            self.name,
            self.source,
            self.recoded,
            next(iter(natures), None),
            types,
            self.missing + other.missing,
            tuple(a + b for a, b in zip(self.coded, other.coded, strict=True)),
            tuple(a or b for a, b in zip(self.held, other.held, strict=True)),
            tuple(a or b for a, b in zip(self.spiked, other.spiked, strict=True)),
            _both(self.low, other.low, min) if measured else None,
            _both(self.high, other.high, max) if measured else None,
            _both(self.decimals, other.decimals, max) if measured else None,
            levels,
            positions,
            spells,
            values,
            _both(self.digits, other.digits, lambda a, b: (max(a[0], b[0]), max(a[1], b[1]))),
            _both(self.hole, other.hole, lambda a, b: min(a, b, key=lambda hole: hole[0])),
            self.rounded + other.rounded,
            {**self.digests, **other.digests},
            max(self.fine, other.fine),
        )

    def verdict(self) -> Verdict | None:
        """Whether it is an identifier by its content, or near one."""
        if self.values is None or self.nature is None or self.recoded:
            return None
        return verdict(self.name, self.nature, self.values, dated=self.spells is Nature.DATE)

    def dtype(self) -> Any:
        """The dtype that the cells of the whole table have in a dataframe; of one with labels, the dtype of these."""
        known = {dtype for dtype, _ in self.types}
        if any(isinstance(dtype, pd.CategoricalDtype) for dtype in known):
            ordered = any(dtype.ordered for dtype in known if isinstance(dtype, pd.CategoricalDtype))
            return pd.CategoricalDtype(None if self.levels is None else _index(self._ordered()), ordered)
        if len(known) == 1:
            return next(iter(known))
        # Missing cells make integers floats, or nullable integers where floats would lose digits.
        nullable = [dtype for dtype in known if not isinstance(dtype, np.dtype)]
        if nullable and all(map(is_time, nullable)):
            return finest(nullable)
        if nullable:
            return nullable[0]
        if any(dtype.kind == "O" for dtype in known):
            return _OBJECT
        whole = [dtype for dtype in known if dtype.kind in "iu" and dtype.itemsize == 8]
        far = max(-(self.low or 0.0), self.high or 0.0)
        if whole and far > _EXACT:
            return pd.UInt64Dtype() if whole[0].kind == "u" else pd.Int64Dtype()
        return np.result_type(*known)

    def _ordered(self) -> list[Any]:
        levels = self.levels or {}
        if self.positions:
            return sorted(levels, key=self.positions.__getitem__)
        return sorted(levels)

    def judged(self, spec: ColumnSpec) -> tuple[Kind, list[Any], int | None]:
        """Kind, levels in order, and digits after the point: as encoding the whole table finds them.

        Raises
        ------
        DataError, SpecError
            The whole cannot be what was declared of it.
        """
        if spec.kind is Kind.IDENTIFIER:
            return spec.kind, [], None
        listed = spec.kind is None and spec.levels is not None
        if listed or (spec.kind is not None and spec.kind.is_categorical):
            return self._as_levels(spec)
        check_spikes(self.name, spec)
        text = self.nature in (Nature.TEXT, None)
        spelt = text and self.spells in (Nature.DATE, Nature.NUMBER)
        numeric = spec.kind is not None or self.nature in MEASURED or spelt
        if not numeric:
            return self._as_levels(spec)
        numbers = self._numbers()
        decimals = None if self.decimals == MANY_DIGITS else self.decimals
        stored = self.type().number
        if stored is not None and stored.kind != "f":
            decimals = 0
        nature = self.nature or Nature.TEXT
        if spelt:
            nature = self.spells or nature
        factor = Factor(np.empty(0, np.int32), np.empty(0), nature, self.type())
        kind, _ = judge(factor, spec, numbers, decimals)
        if kind.is_categorical:
            seen = [code for code, count in zip(spec.missing_codes, self.coded, strict=True) if count]
            return self._as_levels(spec.model_copy(update={"kind": kind}), None if spelt else sorted({0, 1, *seen}))
        if self.nature is Nature.DATE or spec.kind is Kind.DATE:
            decimals = None
        return kind, [], decimals if spec.decimals is None else spec.decimals

    def _numbers(self) -> Floats:
        """Numbers of the same kind as all of them, ascending: the ends, and something between if they are not alone."""
        if self.low is None or self.high is None:
            return np.empty(0)
        if self.low == self.high:
            return np.array([self.low])
        between = [] if self.decimals == 0 else [(self.low + self.high) / 2]
        return np.array([self.low, *between, self.high])

    def type(self) -> ColumnType:
        """The type of the cells of the whole table; of a column with labels, that of its raw cells."""
        dtype = self.dtype()
        python = next((python for _, python in sorted(self.types, key=str) if python), "")
        whole_days = self.nature is Nature.DATE and self.decimals in (0, None)
        hole = None if self.hole is None else self.hole[1]
        return ColumnType(dtype, python if dtype == _OBJECT else "", hole, self.digits, whole_days)

    def _as_levels(self, spec: ColumnSpec, known: list[Any] | None = None) -> tuple[Kind, list[Any], None]:
        """As if encoding a table in which every distinct value occurs once."""
        if known is None:
            if self.levels is None:
                raise too_many_levels(self.name, MOST_LEVELS)
            # Categories of another sort are the same in every chunk if one dtype holds them all.
            shared = self.nature is Nature.CATEGORY and len({chunk for chunk, _ in self.positions.values()}) <= 1
            if not shared and not is_plain(self.levels):
                raise _no_label(self.name)
            known = self._ordered()
        counts = self.levels or {}
        codes = np.array([position for position, level in enumerate(known) if counts.get(level, 1)], dtype=np.int32)
        stored = self.type()
        factor = Factor(codes, _typed(known, stored.dtype), self.nature or Nature.TEXT, stored)
        column = settle(self.name, factor, spec, [])
        return column.kind, column.levels(), None


def _check_types(name: str, natures: set[Any], types: frozenset[tuple[Any, str]]) -> None:
    objects = {python for _, python in types if python}
    if len(natures) <= 1 and (len(objects) <= 1 or objects <= _OBJECT_NUMBERS or objects <= _OBJECT_DURATIONS):
        return
    found = sorted(nature.name.lower() for nature in natures) if len(natures) > 1 else sorted(objects)
    raise DataError(
        f"column {name!r} holds cells of {len(found)} types in different chunks of the table ({', '.join(found)})",
        need="cells of one type in a column (missing cells apart)",
        fix=f"convert {name!r} to one type in every file, or leave it out",
    )


def check_levels(name: str, nature: Nature | None, spells: Nature | None, values: Distinct | None) -> None:
    """Refuse so many levels, unless they are numbers or dates in words, or an undeclared identifier's."""
    declared = spells is None and nature is not Nature.CATEGORY
    if declared or (spells in (None, Nature.TEXT) and (values is None or values.share < SHARE)):
        raise too_many_levels(name, MOST_LEVELS)


def _joined(values: list[Distinct | None]) -> Distinct | None:
    known = [one for one in values if one is not None]
    return reduce(Distinct.merge, known) if known and len(known) == len(values) else None


def _both(one: Any, other: Any, join: Callable[[Any, Any], Any]) -> Any:
    """What both say, or the one that says something."""
    if one is None:
        return other
    return one if other is None else join(one, other)


def _typed(values: list[Any], dtype: Any) -> Typed:
    if isinstance(dtype, pd.CategoricalDtype):
        return dtype.categories
    if not isinstance(dtype, np.dtype):
        return pd.array(values, dtype=dtype)
    if dtype != _OBJECT:
        return np.array(values, dtype=dtype)
    out = np.empty(len(values), dtype=object)
    out[:] = values
    return out


def _index(levels: list[Any]) -> Any:
    if not is_plain(levels):
        return pd.Index(levels, dtype=object, tupleize_cols=False)
    try:
        return pd.Index(levels)
    except UnicodeError:  # half a character, which only objects can hold
        return pd.Index(levels, dtype=object)


def is_plain(levels: Iterable[Any]) -> bool:
    return all(isinstance(level, (str, int, float, bool)) for level in levels)


def _no_label(name: str) -> SpecError:
    return SpecError(
        f"column {name!r} is to have levels, but its values are neither text, numbers nor true/false",
        need="levels that a codebook can list, so that all partitions of the table have the same",
        fix=f"convert {name!r} to text, or declare columns.{name}.labels",
    )
