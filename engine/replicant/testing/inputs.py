"""What methods are given, made from plain arrays: responses, predictors, design matrices, clusters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from replicant.methods import Clustered, Predictors, Response

__all__ = ["Rows", "Target", "given", "joined"]

Floats = npt.NDArray[np.float64]
Codes = npt.NDArray[np.int32]


@dataclass(frozen=True, eq=False, slots=True)
class Rows:
    """The predictors of some rows.

    Attributes
    ----------
    numbers
        (n, a) float64, NaN where missing.
    levels
        (n, b) int32, -1 where missing.
    sizes
        (b,) how many levels each has.
    cluster
        (n,) int32, 0 ... n_clusters - 1.
    n_clusters
        How many clusters there are.
    random
        Which columns of `numbers` have a random slope.
    """

    numbers: Floats
    levels: Codes
    sizes: tuple[int, ...]
    cluster: Codes
    n_clusters: int = 1
    random: tuple[int, ...] = ()

    @classmethod
    def of(cls, numbers: Any = (), levels: Any = (), sizes: Sequence[int] = (), n: int = 0, **clusters: Any) -> Rows:
        """Rows of one-dimensional columns; `n` is needed where there is no column."""
        a = [np.asarray(one, dtype=np.float64) for one in numbers]
        b = [np.asarray(one, dtype=np.int32) for one in levels]
        size = len(a[0]) if a else len(b[0]) if b else n
        return cls(
            np.column_stack(a) if a else np.empty((size, 0)),
            np.column_stack(b).astype(np.int32) if b else np.empty((size, 0), dtype=np.int32),
            tuple(sizes),
            np.asarray(clusters.pop("cluster", np.zeros(size)), dtype=np.int32),
            **clusters,
        )

    @property
    def n(self) -> int:
        """Number of rows."""
        return len(self.cluster)

    def take(self, rows: npt.NDArray[Any]) -> Rows:
        """Some of the rows, in an order."""
        return replace(self, numbers=self.numbers[rows], levels=self.levels[rows], cluster=self.cluster[rows])

    def design(self, missing: Rows) -> Floats:
        """A constant, numbers, levels but the first, and where cells are missing of the columns that have such."""
        matrix = [np.ones(self.n)]
        for j in range(self.numbers.shape[1]):
            matrix.append(np.nan_to_num(self.numbers[:, j]))
            if np.isnan(missing.numbers[:, j]).any():
                matrix.append(np.isnan(self.numbers[:, j]).astype(np.float64))
        for j, size in enumerate(self.sizes):
            matrix += [(self.levels[:, j] == level).astype(np.float64) for level in range(1, size)]
            if (missing.levels[:, j] < 0).any():
                matrix.append((self.levels[:, j] < 0).astype(np.float64))
        return np.column_stack(matrix)

    def slopes(self, missing: Rows) -> tuple[int, ...]:
        """Positions of `random` in the design matrix."""
        gaps = np.asarray(np.isnan(missing.numbers).any(axis=0))
        return tuple(1 + j + int(gaps[:j].sum()) for j in self.random)


@dataclass(frozen=True, eq=False, slots=True)
class Target:
    """A column to be modelled.

    Attributes
    ----------
    values
        (n,) float64 numbers, or int32 classes. Missing, of a block only: NaN, or -1.
    n_classes
        0 for numbers.
    """

    values: npt.NDArray[Any]
    n_classes: int = 0

    @classmethod
    def numbers(cls, values: Any) -> Target:
        return cls(np.asarray(values, dtype=np.float64))

    @classmethod
    def classes(cls, values: Any, n_classes: int) -> Target:
        return cls(np.asarray(values, dtype=np.int32), n_classes)

    @property
    def support(self) -> npt.NDArray[Any]:
        """What a code means: the distinct numbers, ascending, or the classes."""
        if self.n_classes:
            return np.arange(self.n_classes, dtype=np.int32)
        return np.unique(self.values[~np.isnan(self.values)])

    def take(self, rows: npt.NDArray[Any]) -> Target:
        """Some of the rows."""
        return Target(self.values[rows], self.n_classes)

    def response(self) -> Response:
        """As a method gets it."""
        if self.n_classes:
            return Response(self.values.copy(), classes=self.values.copy(), n_classes=self.n_classes)
        codes = np.searchsorted(self.support, self.values).astype(np.int32)
        codes[np.isnan(self.values)] = -1
        return Response(codes, numbers=self.values.copy())


def joined(one: Rows, other: Rows) -> Rows:
    """The rows of both, below one another."""
    return replace(
        one,
        numbers=np.concatenate([one.numbers, other.numbers]),
        levels=np.concatenate([one.levels, other.levels]),
        cluster=np.concatenate([one.cluster, other.cluster]),
    )


def given(works_on: str, rows: Rows, table: Rows, *, at: npt.NDArray[Any] | None = None) -> Any:
    """What a method that works on codes, a design matrix or clusters is given.

    Parameters
    ----------
    works_on
        As the method declares.
    rows
        The rows to be fitted on or drawn; of a method that works on codes only those to be drawn.
    table
        All rows that there are.
    at
        For a method that works on codes, positions of `rows` in the table, if that is how they are given; None: their
        codes are given, or, where `rows` is `table` itself, they are all rows in order.
    """
    if works_on == "design":
        return rows.design(table)
    if works_on == "clusters":
        return Clustered(rows.design(table), rows.cluster.copy(), rows.n_clusters, rows.slopes(table))
    return _predictors(rows, table, at)


def _predictors(rows: Rows, table: Rows, at: npt.NDArray[Any] | None) -> Predictors:
    from replicant.trees import encode_features

    codes: list[Codes] = []
    values: list[Floats | None] = []
    own: list[Codes] = []
    for j in range(table.numbers.shape[1]):
        numbers = table.numbers[:, j]
        distinct = np.unique(numbers[~np.isnan(numbers)])
        values.append(distinct)
        codes.append(_ranks(distinct, numbers))
        own.append(_ranks(distinct, rows.numbers[:, j]))
    gaps = [bool((table.levels[:, j] < 0).any()) for j in range(len(table.sizes))]
    for j, size in enumerate(table.sizes):
        values.append(None)
        codes.append(np.where(table.levels[:, j] < 0, size, table.levels[:, j]).astype(np.int32))
        own.append(np.where(rows.levels[:, j] < 0, size, rows.levels[:, j]).astype(np.int32))
    sizes = [len(one) for one in values if one is not None]
    sizes += [size + gap for size, gap in zip(table.sizes, gaps, strict=True)]
    n_numbers, size = table.numbers.shape[1], table.n
    nominal = [False] * n_numbers + [size > 2 for size in sizes[n_numbers:]]
    encoded = codes or [np.zeros(size, dtype=np.int32)]  # a table has a column at least
    features = encode_features(encoded, nominal=nominal or [False], values=values or [None], sizes=sizes or [1])
    subset = np.arange(len(codes), dtype=np.int32)
    frame = _Frame(rows)
    if at is not None:
        return Predictors(features, subset, rows.n, rows=at.astype(np.int32), _frame=frame)
    if rows is table:
        return Predictors(features, subset, rows.n, _frame=frame)
    new = np.column_stack(own).astype(np.int32) if own else np.zeros((rows.n, 1), dtype=np.int32)
    return Predictors(features, subset, rows.n, codes=np.ascontiguousarray(new), _frame=frame)


def _ranks(distinct: Floats, numbers: Floats) -> Codes:
    codes = np.searchsorted(distinct, numbers).astype(np.int32)
    codes[np.isnan(numbers)] = -1
    return codes


@dataclass(frozen=True, slots=True)
class _Frame:
    """The rows as a frame, for methods that ask for one."""

    rows: Rows

    def __call__(self) -> Any:
        import pandas as pd

        rows = self.rows
        cells: dict[str, Any] = {f"x{j}": rows.numbers[:, j] for j in range(rows.numbers.shape[1])}
        for j, size in enumerate(rows.sizes):
            dtype = pd.CategoricalDtype([f"l{level}" for level in range(size)])
            cells[f"g{j}"] = pd.Categorical.from_codes(rows.levels[:, j], dtype=dtype)
        return pd.DataFrame(cells, index=pd.RangeIndex(rows.n))
