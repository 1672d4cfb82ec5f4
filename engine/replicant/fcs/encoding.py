"""What all fits on one partition share: features, responses, and the cells to be replaced.

A column becomes one feature for the trees, or two. Levels and numbers are the first; the second says which kind
of missing value a cell holds, where there is more than one kind (trees send missing values one way, whatever the kind).

A response has one model or two. If some cells of a numeric column are missing, coded missing or a declared spike,
the *state* (an ordinary value, or which of these) is a class that is drawn first; an ordinary value is drawn after it,
from a model of the rows that have one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from replicant.methods import Clustered, Response
from replicant.plan.column import ColumnPlan
from replicant.plan.model import Plan
from replicant.plan.rules import broken_rows
from replicant.table import Column, Kind, Table
from replicant.table.arrays import Floats
from replicant.table.dtypes import ColumnType

if TYPE_CHECKING:
    import pandas as pd

    from replicant.trees import Features

__all__ = [
    "ColumnFeatures",
    "ColumnResponse",
    "Mask",
    "Prepared",
    "block_response",
    "encode_columns",
    "prepare",
    "response_of",
]

Int32 = npt.NDArray[np.int32]
Mask = npt.NDArray[np.bool_]

ORDINARY = 0  # the state of a cell with an ordinary value


@dataclass(frozen=True, eq=False, slots=True)
class ColumnFeatures:
    """How a column's codes become features.

    Attributes
    ----------
    first
        Position of its (first) feature.
    as_level
        The level code that a missing value of a nominal column gets, the first of them where there are several kinds of
        missing; -1 where missing stays missing.
    kinds
        The missing codes that occur, if each has a level or is distinguished by the second feature; otherwise empty.
    """

    first: int
    as_level: int
    kinds: tuple[int, ...]

    @property
    def positions(self) -> tuple[int, ...]:
        return (self.first, self.first + 1) if self.kinds and self.as_level < 0 else (self.first,)

    @property
    def levels(self) -> int:
        """How many levels missing values add to those of a nominal column."""
        return 0 if self.as_level < 0 else max(1, len(self.kinds))

    def encode(self, codes: Int32) -> list[Int32]:
        """One array per feature."""
        if self.as_level >= 0:
            out = np.where(codes < 0, np.int32(self.as_level), codes)
            for i, kind in enumerate(self.kinds):
                out[codes == kind] = self.as_level + i
            return [out]
        if not self.kinds:
            return [np.maximum(codes, np.int32(-1))]
        states = np.zeros(len(codes), dtype=np.int32)
        for i, kind in enumerate(self.kinds):
            states[codes == kind] = i + 1
        return [np.maximum(codes, np.int32(-1)), states]


@dataclass(frozen=True, eq=False, slots=True)
class ColumnResponse:
    """A column as a response.

    Attributes
    ----------
    value
        The response of a method, by row.
    state
        Classes: ordinary, or which special code. None for a response with one model.
    special
        The codes of states 1, 2 ...
    ordinary
        (n,) rows with an ordinary value; None for a response with one model.
    """

    value: Response
    state: Response | None = None
    special: tuple[int, ...] = ()
    ordinary: Mask | None = None


@dataclass(frozen=True, eq=False)
class Prepared:
    """One partition, encoded once for all fits, imputations and replicates.

    Attributes
    ----------
    table
        The partition's rows.
    partition
        Its index: part of every seed's address.
    k
        Synthetic rows to draw from it.
    where
        The rows of each column to be replaced, for columns of which only some are.
    outputs
        The types of computed columns.
    excluded
        (n,) rows that nothing is learnt from; None: there are none.
    canaries
        How many rows at the end of the table are planted: models see them, and no synthetic row stands in for one.
    """

    table: Table
    partition: int
    k: int
    where: dict[str, Mask]
    outputs: Mapping[str, ColumnType] = field(default_factory=dict)
    excluded: Mask | None = None
    canaries: int = 0

    @cached_property
    def _encoded(self) -> tuple[Features, dict[str, ColumnFeatures]]:
        return encode_columns(self.table)

    @property
    def features(self) -> Features:
        """All columns as predictors."""
        return self._encoded[0]

    @property
    def columns(self) -> dict[str, ColumnFeatures]:
        """How each column becomes features."""
        return self._encoded[1]

    @cached_property
    def responses(self) -> dict[tuple[str, bool], ColumnResponse]:
        """Filled as columns are first fitted."""
        return {}

    def response(self, name: str, missing_class: bool = True) -> ColumnResponse:
        """A column as a response: see `response_of`."""
        made = self.responses.get((name, missing_class))
        if made is None:
            made = self.responses[name, missing_class] = response_of(self.table[name], missing_class)
        return made

    def subset(self, predictors: tuple[str, ...]) -> Int32:
        """Positions of the features of some columns."""
        return np.array([f for name in predictors for f in self.columns[name].positions], dtype=np.int32)

    def frame(
        self,
        names: tuple[str, ...],
        rows: npt.NDArray[np.integer[Any]] | None = None,
        codes: Int32 | None = None,
        exact: Mapping[str, npt.NDArray[np.float64]] | None = None,
    ) -> pd.DataFrame:
        """Some columns in their own types, of the observed cells or of `codes` (p, k) and `exact`, at some rows."""
        import pandas as pd  # only methods that are not trees ask for frames

        cells = {
            name: self.table[name].restore(*self._cells(name, rows, codes, exact), self.outputs.get(name))
            for name in names
        }
        # The index says how many rows there are, also for the column visited first, which has no predictors.
        return pd.DataFrame(cells, index=pd.RangeIndex(self._size(rows, codes)), copy=False)

    def design(
        self,
        names: tuple[str, ...],
        rows: npt.NDArray[np.integer[Any]] | None = None,
        codes: Int32 | None = None,
        exact: Mapping[str, Floats] | None = None,
    ) -> Floats:
        """(size, q) the cells of some columns as numbers, for the same rows as `frame`.

        A constant; a column of numbers for each numeric one, 0 where that is missing; a 0 or 1 for each level but the
        first; and, of a column with missing cells, a 1 where it is missing.
        """
        matrix = [np.ones(self._size(rows, codes))]
        for name in names:
            column = self.table[name]
            chosen, computed = self._cells(name, rows, codes, exact)
            if column.is_numeric:
                numbers = column.numbers(chosen) if computed is None else computed
                matrix.append(np.nan_to_num(numbers))
            else:
                matrix += [(chosen == level).astype(np.float64) for level in range(1, column.size)]
            if column.has_missing:
                matrix.append((chosen < 0).astype(np.float64))
        return np.column_stack(matrix)

    def clustered(
        self,
        design: Floats,
        plan: Plan,
        planned: ColumnPlan,
        names: tuple[str, ...],
        rows: npt.NDArray[np.integer[Any]] | None = None,
        codes: Int32 | None = None,
    ) -> Clustered:
        """A design matrix with the cluster of each of its rows; those without one are a cluster of their own.

        Parameters
        ----------
        design
            Of the columns `names`.
        plan, planned
            The plan, and the column that is modelled.
        names, rows, codes
            See `design`.
        """
        column = self.table[planned.cluster]
        cluster, _ = self._cells(planned.cluster, rows, codes, None)
        slopes: list[int] = []
        at = 1
        for name in names:
            other = self.table[name]
            width = 1 if other.is_numeric else max(other.size - 1, 0)
            if name in planned.slopes:
                slopes.extend(range(at, at + width))
            at += width + other.has_missing
        own = np.where(cluster < 0, np.int32(column.size), cluster)
        return Clustered(design, own.astype(np.int32, copy=False), column.size + 1, tuple(slopes))

    def _cells(
        self,
        name: str,
        rows: npt.NDArray[np.integer[Any]] | None,
        codes: Int32 | None,
        exact: Mapping[str, Floats] | None,
    ) -> tuple[Int32, Floats | None]:
        """Codes, and computed numbers if there are such, of one column."""
        chosen = self.table[name].codes if codes is None else codes[self.table.names.index(name)]
        computed = (exact or {}).get(name)
        return (chosen, computed) if rows is None else (chosen[rows], None if computed is None else computed[rows])

    def _size(self, rows: npt.NDArray[np.integer[Any]] | None, codes: Int32 | None) -> int:
        return len(rows) if rows is not None else self.table.n if codes is None else codes.shape[1]


def prepare(table: Table, plan: Plan, partition: int = 0, canaries: int = 0) -> Prepared:
    """Encode a partition.

    Parameters
    ----------
    table
        The partition's rows (the whole table if there is one partition).
    plan
        The plan.
    partition
        Index of the partition.
    canaries
        How many rows at the end of the table are planted.
    """
    part = plan.partitions[partition]
    where = {
        column.name: column.where if part.rows is None else column.where[part.rows]
        for column in plan.columns
        if column.where is not None
    }
    excluded = broken_rows(plan.rules, table) if plan.excludes_broken else None
    if excluded is not None and not excluded.any():
        excluded = None
    made = Prepared(table, partition, part.k, where, plan.outputs, excluded, canaries)
    if plan.imputation is None:
        made.features  # noqa: B018  # now, and not by several threads at once
    return made


def encode_columns(table: Table) -> tuple[Features, dict[str, ColumnFeatures]]:
    """All columns of a table as predictors of trees, and how the codes of each become features."""
    columns: dict[str, ColumnFeatures] = {}
    codes: list[Int32] = []
    nominal: list[bool] = []
    sizes: list[int] = []
    values: list[npt.NDArray[np.float64] | None] = []
    for column in table.columns:
        made = _as_features(column, len(codes))
        columns[column.name] = made
        if column.kind is Kind.IDENTIFIER:
            # It predicts nothing, but keeps its position.
            codes.append(np.zeros(column.n, dtype=np.int32))
            nominal.append(False)
            sizes.append(1)
            values.append(None)
            continue
        codes.extend(made.encode(column.codes))
        levels = made.levels
        # Of two levels either order is exact, and the ordered scan is the cheaper one.
        nominal.append(column.kind in (Kind.NOMINAL, Kind.BINARY) and column.size + levels > 2)
        sizes.append(column.size + levels)
        values.append(column.values if column.is_numeric else None)
        if len(made.positions) > 1:
            nominal.append(True)
            sizes.append(len(made.kinds) + 1)
            values.append(None)
    from replicant.trees import encode_features  # a plan is made, and a table is read, without a compiler

    return encode_features(codes, nominal=nominal, values=values, sizes=sizes), columns


def _as_features(column: Column, first: int) -> ColumnFeatures:
    if column.kind is Kind.IDENTIFIER:
        return ColumnFeatures(first, -1, ())
    missing = column.has_missing
    kinds = _missing_kinds(column) if missing and column.missing_codes else ()
    kinds = kinds if len(kinds) > 1 else ()
    if column.kind in (Kind.NOMINAL, Kind.BINARY):
        return ColumnFeatures(first, column.size if missing else -1, kinds)
    return ColumnFeatures(first, -1, kinds)


def _missing_kinds(column: Column) -> tuple[int, ...]:
    return tuple(code for code in range(-1, -2 - len(column.missing_codes), -1) if (column.codes == code).any())


def _within_reach(column: Column) -> Floats:
    """The numbers, moved by a power of two, which changes no tree, where their squares would be no numbers."""
    numbers = column.numbers()
    if column.is_within_reach:
        return numbers
    largest = max(-column.values[0], column.values[-1])
    return np.asarray(np.ldexp(numbers, -np.frexp(largest)[1]), dtype=np.float64)


def _states(codes: Int32, special: tuple[int, ...]) -> Int32:
    """0 for an ordinary value, or which of the special codes a cell has."""
    states = np.zeros(len(codes), dtype=np.int32)
    for i, code in enumerate(special):
        states[codes == code] = i + 1
    return states


def block_response(column: Column, ordinary: Mask | None = None) -> Response:
    """A column of a block: cells that are missing, or not ordinary, are -1 among classes and NaN among numbers."""
    codes = np.maximum(column.codes, np.int32(-1))
    if ordinary is not None:
        codes = np.where(ordinary, codes, np.int32(-1))
    if column.is_numeric:
        return Response(codes, numbers=np.where(codes < 0, np.nan, column.numbers()), name=column.name)
    levels = tuple(column.levels())
    order = column.kind is Kind.ORDERED
    return Response(codes, classes=codes, n_classes=column.size, name=column.name, levels=levels, ordered=order)


def response_of(column: Column, missing_class: bool = True) -> ColumnResponse:
    """A column as a response.

    Parameters
    ----------
    column
        The column.
    missing_class
        Whether a missing cell of a categorical column is a class of its own. If not, it is a state, as for numbers.
    """
    codes = column.codes
    missing = column.has_missing
    if column.is_categorical and missing and not missing_class:
        special = _missing_kinds(column)
        states = _states(codes, special)
        filled = np.maximum(codes, np.int32(0))
        return ColumnResponse(
            value=Response(codes, classes=filled, n_classes=column.size),
            state=Response(states, classes=states, n_classes=len(special) + 1),
            special=special,
            ordinary=states == ORDINARY,
        )
    if column.is_categorical:
        kinds = _missing_kinds(column) if missing else ()
        classes = codes if not kinds else codes.copy()
        for i, kind in enumerate(kinds):
            classes[codes == kind] = column.size + i
        return ColumnResponse(Response(codes, classes=classes, n_classes=column.size + len(kinds)))
    numbers = _within_reach(column)
    special = (*(_missing_kinds(column) if missing else ()), *column.spikes)
    if not special:
        return ColumnResponse(Response(codes, numbers=numbers))
    states = _states(codes, special)
    ordinary = states == ORDINARY
    # Rows without an ordinary value have weight 0 in the fit of the values: any number may stand there that is one.
    filled = np.where(ordinary, numbers, numbers[ordinary].mean() if ordinary.any() else 0.0)
    return ColumnResponse(
        value=Response(codes, numbers=filled),
        state=Response(states, classes=states, n_classes=len(special) + 1),
        special=special,
        ordinary=ordinary,
    )
