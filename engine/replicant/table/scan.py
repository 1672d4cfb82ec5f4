"""What one pass over a table in chunks learns: enough to say of every column what encoding the whole would say.

A chunk may show less than the table does: numbers that are 0 and 1 here are counts there, two levels of text are five,
a whole chunk is missing. So a scan decides nothing that other chunks could overturn. It collects facts whose merging is
associative and commutative, and the codebook is made of the facts of all chunks, by the functions that encode a table.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import reduce
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from replicant.errors import DataError, SpecError
from replicant.events import Event
from replicant.table.arrays import Codes, Floats, Typed
from replicant.table.checks import check_header, check_size
from replicant.table.codebook import Codebook, ColumnSpec, as_specs
from replicant.table.distinct import Distinct
from replicant.table.dtypes import ColumnType
from replicant.table.encode import (
    Numbers,
    as_numbers,
    check_spikes,
    coded_places,
    decimals_of,
    encode_table,
    judge,
    rounded_event,
    settle,
)
from replicant.table.extent import Extent, digits_of_seconds
from replicant.table.factor import MEASURED, Factor, Nature, factorize
from replicant.table.identifiers import SHARE, Verdict, distinct_of, verdict, warning
from replicant.table.infer import spells_dates
from replicant.table.keys import ROWS, repeated_keys
from replicant.table.kinds import Kind
from replicant.table.limits import MOST_LEVELS, too_many_levels
from replicant.table.oddities import absent_codes, absent_spikes, assumed_order, equal, flat, narrow, of_levels
from replicant.table.recode import check_labels, plan_columns, relabel
from replicant.table.rounding import to_decimals
from replicant.table.times import finest, is_time

__all__ = ["Scan", "ScannedColumn", "merge_scans", "scan"]

_NOTHING = ColumnSpec()
_MANY_DIGITS = 11
"""Stands for more digits after the point than are counted."""

_HOLE = np.uint64(0x7FF8_0000_0000_0001)
_EXACT = 2**53
_OBJECT = np.dtype(object)
_OBJECT_NUMBERS = {"integer", "floating", "mixed-integer-float"}
_OBJECT_DURATIONS = {"timedelta", "timedelta64"}

Place = tuple[int, int]
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
    places
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
    places: Mapping[Any, Place]
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
        values = (self.distinct or 0) if self.low is None else 1 + (self.low != self.high)
        return values + (self.missing > 0) + sum(count > 0 for count in self.coded) <= 1

    def merge(self, other: ScannedColumn) -> ScannedColumn:
        """Facts about the rows of both.

        Raises
        ------
        DataError
            Their cells do not belong into one column, or there are too many levels.
        """
        if self.digests.keys() & other.digests.keys():
            raise ValueError("the same chunk twice")
        known = [part for part in (self, other) if part.nature is not None]
        natures = {part.nature for part in known}
        types = self.types | other.types
        _check_types(self.name, natures, types)
        spells = _both(self.spells, other.spells, lambda a, b: a if a is b else Nature.TEXT)
        measured = spells is not Nature.TEXT or natures != {Nature.TEXT}
        counted = all(part.levels is not None for part in known)
        levels = _summed([part.levels for part in known]) if counted else None
        values = _joined([part.values for part in known])
        if levels is not None and len(levels) > MOST_LEVELS:
            _check_levels(self.name, next(iter(natures), None), spells, values)
            levels = None
        places = dict(self.places)
        for level, place in other.places.items():
            places[level] = min(place, places.get(level, place))
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
            places,
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
        if self.places:
            return sorted(levels, key=self.places.__getitem__)
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
        decimals = None if self.decimals == _MANY_DIGITS else self.decimals
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
            # Categories of another sort are the same in every part where one dtype holds them all.
            shared = self.nature is Nature.CATEGORY and len({chunk for chunk, _ in self.places.values()}) <= 1
            if not shared and not _plain(self.levels):
                raise _no_label(self.name)
            known = self._ordered()
        counts = self.levels or {}
        codes = np.array([place for place, level in enumerate(known) if counts.get(level, 1)], dtype=np.int32)
        stored = self.type()
        factor = Factor(codes, _typed(known, stored.dtype), self.nature or Nature.TEXT, stored)
        column = settle(self.name, factor, spec, [])
        return column.kind, column.levels(), None


@dataclass(frozen=True, slots=True)
class Scan:
    """What is known of the rows of some chunks.

    Attributes
    ----------
    rows
        How many there are.
    columns
        Facts about each column, in the table's order.
    keys
        What is said of keys whose values bind rows together, judged by the beginning of the first chunk.
    """

    rows: int
    columns: tuple[ScannedColumn, ...]
    keys: tuple[Event, ...] = ()

    def __getitem__(self, name: str) -> ScannedColumn:
        return next(column for column in self.columns if column.name == name)

    def codebook(self, columns: Mapping[str, ColumnSpec | Mapping[str, Any]] | None = None) -> Codebook:
        """What each column is: kinds and levels fixed, so that any part of the table is encoded as the whole would be.

        Parameters
        ----------
        columns
            What was declared, the same as in `scan`.

        Raises
        ------
        DataError, SpecError
            As `encode_table` of the whole table.
        """
        check_size(self.rows, len(self.columns))
        specs = _specs(columns)
        return Codebook({column.name: self._spec(column, specs.get(column.name)) for column in self.columns})

    def _spec(self, column: ScannedColumn, said: ColumnSpec | None) -> ColumnSpec:
        said = _NOTHING if said is None else said
        found = column.verdict()
        if said.kind is None and said.levels is None and found is not None and found.level == "identifier":
            return said.model_copy(update={"kind": Kind.IDENTIFIER})
        kind, levels, decimals = column.judged(said)
        listed = levels if kind.is_categorical and _plain(levels) else None
        if listed is not None:
            check_labels(column.name, said, {level: (column.levels or {}).get(level, 1) for level in listed})
        return said.model_copy(update={"kind": kind, "levels": listed, "decimals": decimals})

    def oddities(self, columns: Mapping[str, ColumnSpec | Mapping[str, Any]] | None = None) -> list[Event]:
        """What is odd about columns, identifiers and keys among them; as `encode_table` says it of the whole."""
        specs = _specs(columns)
        events: list[Event] = narrow(len(self.columns))
        for column in self.columns:
            said = specs.get(column.name, _NOTHING)
            events.extend(_remarks(column, said, self._spec(column, said)))
        for later, earlier in self.equal(columns).items():
            events.append(equal(later, earlier))
        for column in self.columns:
            said, found = specs.get(column.name, _NOTHING), column.verdict()
            declared = said.kind is not None or said.levels is not None
            if found is None or said.kind is Kind.IDENTIFIER or (found.level == "identifier" and not declared):
                continue
            kind, _, _ = column.judged(said)
            events.append(warning(column.name, found, kind, declared=declared))
        return [*events, *self.keys]

    def conform(self, frame: pd.DataFrame) -> pd.DataFrame:
        """A part of the table with the types of the whole, which missing cells and categories elsewhere decide too."""
        types = {c.source: c.dtype() for c in self.columns if not c.recoded and c.nature is not None}
        other = {name: dtype for name, dtype in types.items() if not _is_of(frame[name].dtype, dtype)}
        return frame.astype(other) if other else frame

    def equal(self, columns: Mapping[str, ColumnSpec | Mapping[str, Any]] | None = None) -> dict[str, str]:
        """Columns that equal an earlier one in every cell, with the first such column, as `Table.equal`."""
        seen: dict[Any, str] = {}
        out: dict[str, str] = {}
        specs = _specs(columns)
        for column in self.columns:
            said = specs.get(column.name, _NOTHING)
            if self._spec(column, said).kind is Kind.IDENTIFIER:
                continue
            kind, levels, _ = column.judged(said)
            alone = column.low == column.high if kind.is_numeric else len(levels) < 2
            if alone:
                continue
            marks = tuple(
                (chunk, numbers if kind.is_numeric else cells or numbers)
                for chunk, (numbers, cells, _) in sorted(column.digests.items())
            )
            key = (kind.is_numeric, tuple(said.missing_codes), tuple(levels), marks)
            if key in seen:
                out[column.name] = seen[key]
            else:
                seen[key] = column.name
        return out

    def alike(self) -> tuple[str, ...]:
        """Columns that may follow from another, or another from them: in no chunk do they tell other cells apart."""
        groups: dict[tuple[bytes, ...], list[str]] = {}
        for column in self.columns:
            marks = tuple(pattern for _, (_, _, pattern) in sorted(column.digests.items()))
            groups.setdefault(marks, []).append(column.name)
        found = {name for group in groups.values() if len(group) > 1 for name in group}
        return tuple(column.name for column in self.columns if column.name in found)


def _remarks(column: ScannedColumn, said: ColumnSpec, settled: ColumnSpec) -> Iterator[Event]:
    """What is unusual about one column: as declared, and as it is in the codebook of the whole."""
    name, kind = column.name, settled.kind
    if column.is_flat:
        yield flat(name, empty=column.low is None and not column.distinct and column.missing > 0)
    if column.rounded:
        yield rounded_event(name, column.rounded, said)
    if kind is None or kind is Kind.IDENTIFIER:
        return
    yield from absent_codes(name, column.held)
    if kind.is_numeric:
        yield from absent_spikes(name, column.spiked)
        return
    if kind is Kind.ORDERED and column.nature is Nature.TEXT and said.levels is None and said.labels is None:
        yield assumed_order(name)
    counts = np.empty(0, np.int64) if column.values is None else column.values.counts
    if column.levels is not None:
        known = settled.levels or [level for level in column.levels if level not in said.missing_codes]
        counts = np.array([column.levels.get(level, 0) for level in known], dtype=np.int64)
    yield from of_levels(name, counts)


def scan(
    frame: pd.DataFrame,
    columns: Mapping[str, ColumnSpec | Mapping[str, Any]] | None = None,
    *,
    drop: Collection[str] = (),
    chunk: int = 0,
) -> Scan:
    """Facts about one chunk of a table.

    Parameters
    ----------
    frame
        The rows of the chunk.
    columns
        What is declared of the columns, as for `encode_table`; the same for all chunks.
    drop
        Columns to leave out.
    chunk
        Number of the chunk in the order of the rows.

    Raises
    ------
    DataError
        The chunk holds what a table cannot hold, or more than `MOST_LEVELS` levels in a column.
    SpecError
        What was declared cannot be.
    """
    check_header(list(frame.columns))
    specs = _specs(columns)
    raw: dict[Any, pd.Series[Any]] = dict(frame.items())
    found = tuple(
        _column(name, source, raw[source], specs.get(name), chunk)
        for name, source in plan_columns(list(raw), specs, drop)
    )
    return Scan(len(frame), found, () if chunk else _keys(frame, specs, drop))


def _keys(frame: pd.DataFrame, specs: Mapping[str, ColumnSpec], drop: Collection[str]) -> tuple[Event, ...]:
    head = frame.head(ROWS)
    return tuple(repeated_keys(encode_table(head, specs, drop=drop, judged=True).columns)) if len(head) > 1 else ()


def merge_scans(*scans: Scan) -> Scan:
    """Facts about the rows of all, in whatever order they come.

    Raises
    ------
    DataError
        The chunks differ in their columns, or in what these hold.
    """
    return reduce(_merged, scans)


def _merged(one: Scan, other: Scan) -> Scan:
    if [c.name for c in one.columns] != [c.name for c in other.columns]:
        raise DataError(
            "parts of the table differ in their columns",
            need="the same columns in every part",
            fix="write the parts again with one schema",
        )
    columns = tuple(a.merge(b) for a, b in zip(one.columns, other.columns, strict=True))
    return Scan(one.rows + other.rows, columns, (*one.keys, *other.keys))


def _specs(columns: Mapping[str, ColumnSpec | Mapping[str, Any]] | None) -> dict[str, ColumnSpec]:
    return as_specs(columns)


def _column(name: str, source: str, cells: pd.Series[Any], said: ColumnSpec | None, chunk: int) -> ScannedColumn:
    spec = said or _NOTHING
    raw = factorize(name, cells)
    recoded, spec = relabel(name, raw, spec)
    factor, rounded = to_decimals(name, recoded, spec)
    column = None
    if spec.kind is not None or spec.levels is not None:
        # What is declared of the whole must hold of every part, so a part is refused at once.
        column = settle(name, factor, spec, [])
    counts = np.bincount(factor.codes + 1, minlength=len(factor.uniques) + 1)[1:]
    bare = factor.nature is Nature.TEXT and raw.type.dtype == object and not len(factor.uniques)
    numbers = as_numbers(name, factor, spec)
    low = high = decimals = None
    fine = -1
    coded = (0,) * len(spec.missing_codes)
    held = tuple(place >= 0 for place in coded_places(factor, spec))
    spikes = dict.fromkeys(spec.spike)
    spiked = (False,) * len(spikes)
    if numbers is not None:
        coded = tuple(int(counts[place]) if place >= 0 else 0 for place in numbers.coded)
        kept = column.values if column is not None and column.is_numeric else numbers.all[numbers.kept]
        spiked = tuple(np.isin(list(spikes), kept).tolist())
        if len(kept):
            low, high = float(kept.min()), float(kept.max())
            decimals = column.decimals if column is not None and column.is_numeric else decimals_of(factor, kept)
            if factor.nature is Nature.DATE:
                decimals = 0 if bool((np.floor(kept) == kept).all()) else None
            elif factor.nature is Nature.TIME:
                decimals = None
            decimals = _MANY_DIGITS if decimals is None else decimals
            fine = _fineness(factor, spec, kept)
    missing = len(factor.codes) - int(counts.sum())
    levels, places = _levels(factor, spec, counts, chunk)
    text = factor.nature is Nature.TEXT and spec.kind is None and spec.levels is None
    spells = _spelt(factor, spec, numbers) if text else None
    values = distinct_of(factor, factor.numbers() if factor.nature in MEASURED else None, coded_places(factor, spec))
    if levels is not None and len(levels) > MOST_LEVELS:
        _check_levels(name, factor.nature, spells, values)
        levels = None
    return ScannedColumn(
        name,
        source,
        recoded is not raw,
        None if bare else factor.nature,
        frozenset([_type_of(factor.type, bare)]),
        missing,
        coded,
        held,
        spiked,
        low,
        high,
        decimals,
        levels,
        places,
        spells,
        values,
        factor.type.digits,
        (chunk, factor.type.missing) if missing else None,
        rounded,
        {chunk: _digests(factor, numbers, levels)},
        fine,
    )


def _fineness(factor: Factor, spec: ColumnSpec, numbers: Floats) -> int:
    """Digits after the point of a second; -1 where all are whole days, and of what is neither dates nor times."""
    if factor.nature is Nature.TIME:
        return digits_of_seconds(numbers / 24)
    dated = factor.nature in (Nature.DATE, Nature.DURATION) or spec.kind is Kind.DATE
    if not dated and not (factor.nature is Nature.TEXT and spec.kind is None and spells_dates(factor)):
        return -1
    return -1 if (np.floor(numbers) == numbers).all() else digits_of_seconds(numbers)


def _spelt(factor: Factor, spec: ColumnSpec, numbers: Numbers | None) -> Nature | None:
    """What the texts spell; None where there is none but coded missing values."""
    if numbers is None:
        others = len(factor.uniques) - sum(place >= 0 for place in coded_places(factor, spec))
        return Nature.TEXT if others else None
    return Nature.DATE if spells_dates(factor) else Nature.NUMBER


def _levels(
    factor: Factor, spec: ColumnSpec, counts: npt.NDArray[np.intp], chunk: int
) -> tuple[dict[Any, int] | None, dict[Any, Place]]:
    """Cells of each distinct value, if these may turn out to be levels."""
    if spec.kind is not None:
        apart = spec.kind.is_categorical
    else:
        apart = spec.levels is not None or factor.nature not in MEASURED
    if not apart:
        return None, {}
    values = [value.item() if isinstance(value, np.generic) else value for value in factor.uniques]
    found = dict(zip(values, counts.tolist(), strict=True))
    if factor.nature is not Nature.CATEGORY:
        return found, {}
    return found, {value: (chunk, place) for place, value in enumerate(values)}


def _digests(factor: Factor, numbers: Numbers | None, levels: Mapping[Any, int] | None) -> tuple[bytes, bytes, bytes]:
    as_number = as_level = b""
    if numbers is not None:
        marks = (numbers.all + 0.0).view(np.uint64)
        for i, place in enumerate(numbers.coded):
            if place >= 0:
                marks[place] = _HOLE + np.uint64(i + 1)
        as_number = _digest(factor.codes, marks)
    if levels is not None:
        as_level = _digest(factor.codes, np.array([_mark(level) for level in levels], dtype=np.uint64))
    if factor.codes.max(initial=-1) < 0:
        # A part without a value is equal to any other such part, whatever its cells would have been.
        as_number = as_level = _digest(factor.codes, np.empty(0, dtype=np.uint64))
    return as_number, as_level, hashlib.blake2b(_numbered(factor.codes).data, digest_size=16).digest()


def _numbered(codes: Codes) -> Codes:
    """The codes numbered by where each occurs first; what is missing stays so."""
    first = np.zeros(int(codes.max(initial=-1)) + 2, dtype=np.int32)
    first[codes[::-1]] = np.arange(len(codes), dtype=np.int32)[::-1]
    first[-1] = -1
    return first.take(codes)


def _digest(codes: Codes, marks: npt.NDArray[np.uint64]) -> bytes:
    return hashlib.blake2b(np.append(marks, _HOLE).take(codes).data, digest_size=16).digest()


def _mark(level: Any) -> int:
    """64 bits that stand for a level; numbers and true/false that are equal have the same."""
    if isinstance(level, (bool, int, float)) and abs(level) <= _EXACT:
        return int(np.float64(level + 0.0).view(np.uint64))
    return int.from_bytes(hashlib.blake2b(str(level).encode("utf-8", "surrogatepass"), digest_size=8).digest(), "big")


def _type_of(stored: ColumnType, bare: bool) -> tuple[Any, str]:
    dtype = stored.dtype
    if isinstance(dtype, pd.CategoricalDtype):
        return pd.CategoricalDtype(None, dtype.ordered), ""
    return dtype, "" if bare else stored.python


def _check_types(name: str, natures: set[Any], types: frozenset[tuple[Any, str]]) -> None:
    objects = {python for _, python in types if python}
    if len(natures) <= 1 and (len(objects) <= 1 or objects <= _OBJECT_NUMBERS or objects <= _OBJECT_DURATIONS):
        return
    found = sorted(nature.name.lower() for nature in natures) if len(natures) > 1 else sorted(objects)
    raise DataError(
        f"column {name!r} holds cells of {len(found)} types in different parts of the table ({', '.join(found)})",
        need="cells of one type in a column (missing cells apart)",
        fix=f"convert {name!r} to one type in every part, or leave it out",
    )


def _summed(counts: list[Mapping[Any, int] | None]) -> dict[Any, int]:
    out: dict[Any, int] = {}
    for part in counts:
        for level, count in (part or {}).items():
            out[level] = out.get(level, 0) + count
    return out


def _check_levels(name: str, nature: Nature | None, spells: Nature | None, values: Distinct | None) -> None:
    """Refuse so many levels, unless they are numbers or dates in words, or an undeclared identifier's."""
    declared = spells is None and nature is not Nature.CATEGORY
    if declared or (spells in (None, Nature.TEXT) and (values is None or values.share < SHARE)):
        raise too_many_levels(name, MOST_LEVELS)


def _joined(parts: list[Distinct | None]) -> Distinct | None:
    known = [part for part in parts if part is not None]
    return reduce(Distinct.merge, known) if known and len(known) == len(parts) else None


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
    if not _plain(levels):
        return pd.Index(levels, dtype=object, tupleize_cols=False)
    try:
        return pd.Index(levels)
    except UnicodeError:  # half a character, which only objects can hold
        return pd.Index(levels, dtype=object)


def _is_of(found: Any, wanted: Any) -> bool:
    """Whether a part has the type of the whole; how categories are stored does not matter."""
    if not (isinstance(wanted, pd.CategoricalDtype) and isinstance(found, pd.CategoricalDtype)):
        return bool(found == wanted)
    known: Any = wanted.categories
    return known is None or (found.ordered == wanted.ordered and list(found.categories) == list(known))


def _plain(levels: Iterable[Any]) -> bool:
    return all(isinstance(level, (str, int, float, bool)) for level in levels)


def _no_label(name: str) -> SpecError:
    return SpecError(
        f"column {name!r} is to have levels, but its values are neither text, numbers nor true/false",
        need="levels that a codebook can list, so that all parts of the table have the same",
        fix=f"convert {name!r} to text, or declare columns.{name}.labels",
    )
