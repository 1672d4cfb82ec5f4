"""Rows as arrays, the same for the real table and for sets of any make: what every measure takes.

A `Coding` is fixed once for both, is small, and travels to where the partitions are; `Coding.rows` applies it to any
frame. Cells are equal in the arrays if and only if they are equal in the tables: a number is its bits, a level its
position, and a missing cell equals another missing one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from replicant.estimate.column_summary import level_text
from replicant.spec.rule_cells import Pairs
from replicant.table.arrays import Floats
from replicant.table.counts import distinct_values
from replicant.table.infer import numbers_in_text
from replicant.table.rounding import round_numbers
from replicant.table.times import hours_of, is_times

__all__ = ["CodedColumn", "Coding", "Integers", "RowCells", "Rows", "level_key", "numbers_of"]

Integers: TypeAlias = NDArray[np.int64]

MISSING = np.int64(np.iinfo(np.int64).min)
"""The cell of a missing value: as bits no number has it, for it would be minus zero, which is written as zero."""


def level_key(level: Any) -> str:
    """A level as text, the same in whatever form a file has it: 1, 1.0 and "1"; true and "True"."""
    text = level_text(level)
    return text.lower() if text in ("True", "False", "TRUE", "FALSE") else text


@dataclass(frozen=True, eq=False)
class CodedColumn:
    """How the cells of one column become codes.

    Attributes
    ----------
    name, kind
        The column, and what it measures.
    levels
        Of a column of levels: their keys, those of both tables.
    edges
        Of a column of numbers: lower ends of its groups but for the first.
    missing_codes
        Coded missing values of numbers, each a group of its own.
    decimals
        Digits after the point to which numbers are compared; None: all.
    reach
        Of numbers: where the real ones lie (ascending, at most a few thousand), by which distances are measured.
    """

    name: str
    kind: str
    levels: tuple[str, ...] = ()
    edges: Floats = field(default_factory=lambda: np.empty(0))
    missing_codes: tuple[float, ...] = ()
    decimals: int | None = None
    reach: Floats = field(default_factory=lambda: np.empty(0))

    @property
    def is_numeric(self) -> bool:
        """Whether its cells are numbers, dates among them."""
        return self.kind in ("continuous", "count", "date")

    @property
    def is_categorical(self) -> bool:
        """Whether its cells are levels."""
        return not self.is_numeric

    @property
    def is_time(self) -> bool:
        """Whether rules may compare it with times of day: what both tables hold does not tell."""
        return False

    @property
    def labels(self) -> tuple[str, ...]:
        """Its levels as text."""
        return self.levels

    def positions_of(self, level: str | float) -> list[int]:
        """The groups of levels that are written so."""
        key = level_key(level)
        return [at for at, one in enumerate(self.levels) if one == key]

    @property
    def size(self) -> int:
        """Number of groups, coded missing values and missing cells included."""
        groups = len(self.edges) + 1 + len(self.missing_codes) if self.is_numeric else len(self.levels)
        return groups + 1

    def coded(self, cells: pd.Series[Any]) -> tuple[Integers, NDArray[np.int32], Floats]:
        """(n,) cells, groups and numbers."""
        if not self.is_numeric:
            codes = self._levels(cells)
            return np.where(codes < 0, MISSING, codes), self._or_last(codes), np.full(len(codes), np.nan)
        numbers = numbers_of(cells)
        if self.decimals is not None:
            numbers = round_numbers(numbers, self.decimals)
        exact = (numbers + 0.0).view(np.int64)  # minus zero is zero
        lost = np.isnan(numbers)
        groups = np.searchsorted(self.edges, numbers, side="right")
        for position, code in enumerate(self.missing_codes):
            coded = numbers == code
            groups[coded] = len(self.edges) + 1 + position
            numbers = np.where(coded, np.nan, numbers)
        groups[lost] = -1
        return np.where(lost, MISSING, exact), self._or_last(groups), numbers

    def _or_last(self, codes: NDArray[Any]) -> NDArray[np.int32]:
        return np.where(codes < 0, self.size - 1, codes).astype(np.int32)

    def _levels(self, cells: pd.Series[Any]) -> Integers:
        position = {level: at for at, level in enumerate(self.levels)}
        values, codes = distinct_values(cells)
        known = np.array([*(position.get(level_key(value), -1) for value in values), -1], dtype=np.int64)
        return known[codes]


@dataclass(frozen=True, eq=False)
class Coding:
    """How rows become arrays: the columns that both tables have.

    Attributes
    ----------
    columns
        Of the tables.
    weight
        A column of weights; not among `columns`.
    """

    columns: tuple[CodedColumn, ...]
    weight: str | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """Of the columns."""
        return tuple(column.name for column in self.columns)

    @property
    def sizes(self) -> tuple[int, ...]:
        """Number of groups of each column, the missing one included."""
        return tuple(column.size for column in self.columns)

    @cached_property
    def is_numeric(self) -> NDArray[np.bool_]:
        """(p,) Which columns are numbers."""
        return np.array([column.is_numeric for column in self.columns], dtype=np.bool_)

    def rows(self, frame: pd.DataFrame) -> Rows:
        """The rows of a table, or of one of its partitions."""
        n, p = len(frame), len(self.columns)
        cells, groups, numbers = np.empty((n, p), np.int64), np.empty((n, p), np.int32), np.empty((n, p))
        for j, column in enumerate(self.columns):
            cells[:, j], groups[:, j], numbers[:, j] = column.coded(frame[column.name])
        weighted = self.weight is not None and self.weight in frame
        weights = frame[self.weight].to_numpy(dtype=np.float64, na_value=0.0) if weighted else None
        return Rows(self, cells, groups, numbers, weights)

    def only(self, names: Sequence[str]) -> Coding:
        """The same with some columns, in the order of their names."""
        by_name = {column.name: column for column in self.columns}
        return replace(self, columns=tuple(by_name[name] for name in names))


@dataclass(frozen=True, eq=False)
class Rows:
    """Rows of one table, or of one of its partitions, on the columns that both tables have.

    Attributes
    ----------
    coding
        What the columns are.
    cells
        (n, p) int64, equal if and only if the cells are equal.
    groups
        (n, p) int32: levels as they are, numbers in groups of about equal size; coded missing values have groups of
        their own, missing cells the last one.
    numbers
        (n, p) float64: numbers, dates as days; NaN where missing and for levels.
    weights
        (n,) or None.
    """

    coding: Coding
    cells: Integers
    groups: NDArray[np.int32]
    numbers: Floats
    weights: Floats | None = None

    def __len__(self) -> int:
        return len(self.cells)

    def take(self, index: NDArray[Any]) -> Rows:
        """Some rows: positions, or a mask."""
        weights = None if self.weights is None else self.weights[index]
        return Rows(self.coding, self.cells[index], self.groups[index], self.numbers[index], weights)

    def only(self, names: Sequence[str]) -> Rows:
        """Some columns, in that order."""
        known = {name: j for j, name in enumerate(self.coding.names)}
        at = [known[name] for name in names]
        coding = self.coding.only(names)
        return Rows(coding, self.cells[:, at], self.groups[:, at], self.numbers[:, at], self.weights)

    def combine(self, other: Rows) -> Rows:
        """The rows of both, one table below the other."""
        weights = None
        if self.weights is not None and other.weights is not None:
            weights = np.concatenate([self.weights, other.weights])
        cells, groups = np.concatenate([self.cells, other.cells]), np.concatenate([self.groups, other.groups])
        return Rows(self.coding, cells, groups, np.concatenate([self.numbers, other.numbers]), weights)


@dataclass(frozen=True, eq=False)
class RowCells:
    """What a rule asks of coded rows: see `replicant.spec.rule_cells.CellsOf`.

    Attributes
    ----------
    rows
        Of any table.
    """

    rows: Rows

    def column(self, name: str) -> CodedColumn:
        """How the cells of a column became codes."""
        return self.rows.coding.only([name]).columns[0]

    def codes(self, name: str) -> NDArray[np.int32]:
        """(n,) groups, -1 where a cell is missing, codes of missing among them."""
        column, groups = self.column(name), self.rows.only([name]).groups[:, 0]
        return np.where(groups >= column.size - 1 - len(column.missing_codes), np.int32(-1), groups)

    def numbers(self, name: str) -> Floats:
        """(n,) numbers, NaN where a cell is missing."""
        return np.asarray(self.rows.only([name]).numbers[:, 0])

    def pairs(self, inner: str, outer: str) -> Pairs:
        """Which groups of two columns stand beside each other."""
        return Pairs.of(self.codes(inner), self.codes(outer))


def numbers_of(cells: pd.Series[Any]) -> Floats:
    """(n,) float64 of cells of any form: numbers, texts that spell them, dates as days; NaN where they are none."""
    types = pd.api.types
    if types.is_numeric_dtype(cells) or types.is_bool_dtype(cells):
        plain: Floats = cells.to_numpy(dtype=np.float64, na_value=np.nan)
        return plain
    if types.is_datetime64_any_dtype(cells):
        utc = pd.to_datetime(cells, utc=True)
        since: Any = utc - pd.Timestamp(0, tz="UTC").as_unit("s")
        return np.asarray((since / pd.Timedelta(days=1)).to_numpy(dtype=np.float64, na_value=np.nan))
    if types.is_timedelta64_dtype(cells):
        spans: Any = pd.to_timedelta(cells) / pd.Timedelta(days=1)
        return np.asarray(spans.to_numpy(dtype=np.float64, na_value=np.nan))
    if is_times(cells):
        return hours_of(cells)
    values, codes = distinct_values(cells)
    return np.asarray(np.append(_numbers(values), np.nan)[codes])


def _numbers(values: Sequence[Any]) -> Floats:
    texts = [str(value) for value in values]
    numbers = numbers_in_text(texts)
    if np.isfinite(numbers).all():
        return np.asarray(numbers, dtype=np.float64)
    dates = pd.to_datetime(pd.Series(texts, dtype=object), format="ISO8601", errors="coerce", utc=True)
    if dates.notna().all():
        return numbers_of(dates)
    return np.asarray(numbers, dtype=np.float64)
