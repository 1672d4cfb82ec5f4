"""Estimands without an interval: descriptive statistics, means, counts, distributions, and copied cells."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from replicant.estimate.column_summary import bin_counts, moments, powers
from replicant.studies.arm import Arm, Set
from replicant.studies.estimand import Floats, Head, Measured
from replicant.table import Column
from replicant.table.counts import code_counts

__all__ = ["STATISTICS", "Average", "Copies", "copies", "counts", "densities", "description", "means"]

STATISTICS = ("mean", "sd", "median", "min", "max", "skew", "kurtosis")
BINS = 40
ROWS_ALIKE, ROWS_FOUND = "whole row", "whole row, any"


@dataclass(frozen=True, eq=False)
class Average:
    """Figures of one table, averaged over the sets.

    Attributes
    ----------
    head
        The head of its table, with one field.
    compute
        (T,) figures of one set of an arm.
    """

    head: Head
    compute: Callable[[Arm, int], Floats]

    @property
    def heads(self) -> tuple[Head, ...]:
        return (self.head,)

    def measure(self, arm: Arm) -> Measured:
        if arm.is_sample and not self.head.sample:
            return {}
        figures = [self.compute(arm, i) for i in range(len(arm.sets))]
        return {self.head.name: np.mean(figures, axis=0)[None, :]}


def _bound(
    name: str,
    title: str | None,
    kind: str,
    terms: list[str],
    keys: list[dict[str, Any]],
    compute: Callable[[Arm, int], Floats],
    original: Arm,
    *,
    draws: bool = False,
) -> Average:
    head = Head(name, title, kind, tuple(terms), tuple(keys), ("estimate",), compute(original, 0), draws=draws)
    return Average(head, compute)


def description(name: str, title: str | None, columns: tuple[str, ...], original: Arm) -> Average:
    """Mean, sd, median, min, max, skew and kurtosis; columns of levels by their codes, with psych's asterisk."""

    at = [original.table.names.index(column) for column in columns]

    def compute(arm: Arm, i: int) -> Floats:
        return np.array([_statistics(_described(arm.table.columns[j], arm.sets[i], j)) for j in at]).ravel()

    keys = [{"column": column, "statistic": statistic} for column in columns for statistic in STATISTICS]
    marked = {name: f"{name}*" if original.table[name].is_categorical else name for name in columns}
    terms = [f"{marked[key['column']]} {key['statistic']}" for key in keys]
    return _bound(name, title, "describe", terms, keys, compute, original)


def means(name: str, title: str | None, columns: tuple[str, ...], original: Arm) -> Average:
    """Means, kept for every replicate: their sampling distributions."""
    at = [original.table.names.index(column) for column in columns]

    def compute(arm: Arm, i: int) -> Floats:
        known = [moments(_numbers(arm.table.columns[j], arm.sets[i], j)) for j in at]
        return np.array([one.mean if one.n else np.nan for one in known])

    keys = [{"column": column} for column in columns]
    return _bound(name, title, "means", list(columns), keys, compute, original, draws=True)


def counts(name: str, title: str | None, columns: tuple[str, ...], original: Arm) -> Average:
    """Counts of levels, kept for every replicate."""
    table = original.table
    at = [table.names.index(column) for column in columns]
    keys = [{"column": c, "level": str(level)} for c in columns for level in table[c].levels()]

    def compute(arm: Arm, i: int) -> Floats:
        found = [code_counts(arm.sets[i].codes[j], arm.table.columns[j].size) for j in at]
        return np.concatenate(found).astype(np.float64)

    terms = [f"{key['column']} {key['level']}" for key in keys]
    return _bound(name, title, "counts", terms, keys, compute, original, draws=True)


def densities(name: str, title: str | None, columns: tuple[str, ...], original: Arm) -> Average:
    """Shares of levels, or of forty bins between a column's ends: real and synthetic distributions."""
    table = original.table
    at = [table.names.index(column) for column in columns]
    edges = [None if table.columns[j].is_categorical else _edges(table.columns[j]) for j in at]
    keys: list[dict[str, Any]] = []
    for column, cut in zip(columns, edges, strict=True):
        if cut is None:
            keys += [{"column": column, "kind": "levels", "level": str(level)} for level in table[column].levels()]
        else:
            keys += [
                {"column": column, "kind": "numeric", "low": float(low), "high": float(high)}
                for low, high in pairwise(cut)
            ]

    def compute(arm: Arm, i: int) -> Floats:
        return np.concatenate(
            [_shares(arm.table.columns[j], arm.sets[i], j, c) for j, c in zip(at, edges, strict=True)]
        )

    number: dict[str, int] = {}
    terms = []
    for key in keys:
        number[key["column"]] = number.get(key["column"], 0) + 1
        terms.append(f"{key['column']} {key.get('level', number[key['column']])}")
    return _bound(name, title, "densities", terms, keys, compute, original)


@dataclass(frozen=True, eq=False)
class Copies:
    """The share of synthetic cells that equal those of the paired row, or, by chance, those of another.

    Whole rows are compared in the columns that are drawn: `whole row` with that row, `whole row, any` with all rows
    of the original data.
    """

    head: Head
    columns: tuple[int, ...]
    drawn: tuple[int, ...]
    codes: NDArray[np.int32]
    known: NDArray[np.uint64]

    @property
    def heads(self) -> tuple[Head, ...]:
        return (self.head,)

    def measure(self, arm: Arm) -> Measured:
        if arm.is_sample:
            return {}
        return {self.head.name: np.mean([self._of(arm, one) for one in arm.sets], axis=0)[None, :]}

    def _of(self, arm: Arm, one: Set) -> Floats:
        own = self.codes[:, one.rows]
        equal = one.codes == own
        for name, numbers in one.exact.items():
            j = arm.table.names.index(name)
            real = arm.table.columns[j].numbers(own[j])
            # To the fifteen digits that a file holds.
            equal[j] = np.isclose(numbers, real, rtol=1e-14, atol=0.0, equal_nan=True)
        drawn = list(self.drawn)
        alike = equal[drawn].all(axis=0).mean()
        found = np.isin(_hashes(one.codes[drawn]), self.known).mean()
        return np.array([*equal[list(self.columns)].mean(axis=1), alike, found])


def copies(name: str, title: str | None, columns: tuple[str, ...], drawn: tuple[str, ...], original: Arm) -> Copies:
    """Compare these columns cell by cell, and rows in the columns that are `drawn`."""
    table = original.table
    codes = np.stack([column.codes for column in table.columns])
    rows = tuple(table.names.index(column) for column in drawn)
    terms = (*columns, ROWS_ALIKE, ROWS_FOUND)
    keys = tuple({"column": c, "kind": str(table[c].kind), "drawn": c in drawn} for c in columns)
    keys += ({"column": ROWS_ALIKE}, {"column": ROWS_FOUND})
    head = Head(name, title, "copies", terms, keys, ("estimate",), None, sample=False)
    known = np.unique(_hashes(codes[list(rows)]))
    return Copies(head, tuple(table.names.index(column) for column in columns), rows, codes, known)


def _numbers(column: Column, one: Set, j: int) -> Floats:
    exact = one.exact.get(column.name)
    return column.numbers(one.codes[j]) if exact is None else exact


def _described(column: Column, one: Set, j: int) -> Floats:
    """Numbers, or codes of levels from 1, without what is missing."""
    if not column.is_categorical:
        values = _numbers(column, one, j)
        return values[~np.isnan(values)]
    codes = one.codes[j]
    return np.asarray(codes[codes >= 0] + 1.0)


def _statistics(values: Floats) -> tuple[float, ...]:
    """Those of `estimate.describe`, without a frame on the way: this is done for every column of every set."""
    p = powers(values)
    if p.n == 0:
        return (np.nan,) * len(STATISTICS)
    return p.mean, float(p.sd), float(np.median(values)), p.low, p.high, float(p.skew), float(p.kurtosis)


def _edges(column: Column) -> Floats:
    values = column.values
    if not len(values):
        return np.array([0.0, 1.0])
    low, high = float(values[0]), float(values[-1])
    if len(values) <= BINS and column.decimals == 0:
        # Whole numbers get a bin each.
        return np.arange(low - 0.5, high + 1) if high - low < BINS else np.linspace(low - 0.5, high + 0.5, BINS + 1)
    if high - low == np.inf:  # the distance is no number, but each half of it is
        return np.linspace(low / 2, high / 2, BINS + 1) * 2
    return np.linspace(low, high, BINS + 1) if high > low else np.array([low - 0.5, low + 0.5])


def _shares(column: Column, one: Set, j: int, edges: Floats | None) -> Floats:
    if edges is None:
        found = code_counts(one.codes[j], column.size).astype(np.float64)
    else:
        numbers = _numbers(column, one, j)
        # Computed values may lie beyond the ends: they count in the outermost bins.
        found = np.array([*bin_counts(numbers, edges).values()], dtype=np.float64)
    total = found.sum()
    return found / total if total > 0 else np.full(len(found), np.nan)


def _hashes(codes: NDArray[np.int32]) -> NDArray[np.uint64]:
    """One number for each row: rows that are equal have equal ones, others practically never."""
    total = np.full(codes.shape[1], 0x9E3779B97F4A7C15, dtype=np.uint64)
    for one in codes:
        total ^= one.astype(np.int64).view(np.uint64) + np.uint64(0x9E3779B97F4A7C15)
        total *= np.uint64(0xBF58476D1CE4E5B9)
        total ^= total >> np.uint64(29)
    return total
