"""A partition with missing cells: what all chains on it have in common, made once.

Which cells are drawn and from which rows a model of them is fitted, responses, the layout of the design matrix, and a
template without missing cells, whose features the trees of all chains start from.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from replicant.fcs.encoding import ColumnFeatures, ColumnResponse, block_response, encode_columns, response_of
from replicant.methods import Response
from replicant.plan.imputation import ImputationPlan, ImputedColumn
from replicant.plan.imputed_cells import cells_to_impute, rows_ignored
from replicant.table import Column, Table

if TYPE_CHECKING:
    from replicant.trees import Features

__all__ = ["ChainTable", "Visit", "with_codes"]

TOGETHER = 100_000  # numbers in the design matrices of chains that run side by side

Int32 = npt.NDArray[np.int32]
Rows = npt.NDArray[np.intp]
Float = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False, slots=True)
class Visit:
    """What a visit needs that never changes.

    Attributes
    ----------
    column
        What is done.
    rows, fit
        The rows to draw, and those to fit on.
    weights
        (n,) 1 where a row is fitted on.
    response
        Of the rows fitted on (`design`, `clusters`), or of all rows (`codes`); of a block those of its columns.
    design
        Rows of the design matrix that predict.
    subset
        Features that predict.
    random
        Positions in `design` of predictors with a random slope.
    together
        Whether its method draws for several chains at once.
    """

    column: ImputedColumn
    rows: Rows
    fit: Rows
    weights: Int32
    response: ColumnResponse
    block: tuple[Response, ...]
    design: Rows
    subset: Int32
    random: tuple[int, ...]
    together: bool


@dataclass(frozen=True, eq=False, repr=False)
class ChainTable:
    """The rows of a partition, and all that chains on it have in common.

    Attributes
    ----------
    table
        The rows as they are.
    plan
        What to do.
    seed, partition
        Where streams come from.
    """

    table: Table
    plan: ImputationPlan
    seed: int
    partition: int = 0

    @cached_property
    def cells(self) -> dict[str, Mask]:
        """The cells that are imputed, by column: of those with a method, and a row to learn from."""
        wanted = cells_to_impute(self.plan.spec, self.table)
        computed = {column.name for column in self.plan.passive}
        learnt = {
            name
            for planned in self.plan.columns
            if self._fitted_on(planned).any()
            for name in planned.names
            if (self.table[name].codes >= 0).any()
        }
        return {name: cells for name, cells in wanted.items() if name in computed | learnt}

    @cached_property
    def template(self) -> Table:
        """The table with an observed value in every cell that is to be imputed."""
        columns = []
        for column in self.table.columns:
            cells = self.cells.get(column.name)
            if cells is None or not self._observed(column).any():
                columns.append(column)
                continue
            first = column.codes[int(np.argmax(self._observed(column)))]
            columns.append(with_codes(column, np.where(cells, first, column.codes).astype(np.int32, copy=False)))
        return replace(self.table, columns=tuple(columns))

    @cached_property
    def positions(self) -> dict[str, int]:
        """Position of each column in the table."""
        return {name: at for at, name in enumerate(self.table.names)}

    @cached_property
    def visits(self) -> dict[str, Visit]:
        """By column, or first column of a block: those that have cells to impute and others to learn from."""
        made = {}
        for planned in self.plan.columns:
            if not any(name in self.cells for name in planned.names):
                continue
            todo = np.zeros(self.table.n, dtype=np.bool_)
            for name in planned.names:
                todo |= self.cells.get(name, False)
            made[planned.name] = self._visit(planned, np.flatnonzero(todo), self._fitted_on(planned))
        return made

    @cached_property
    def traced(self) -> tuple[str, ...]:
        """Columns whose imputed cells are followed: those that are drawn, and those computed from them."""
        names = {name for visit in self.visits.values() for name in visit.column.names if name in self.cells}
        names |= {column.name for column in self.plan.passive if column.name in self.cells}
        return tuple(name for name in self.table.names if name in names)

    @cached_property
    def imputed_rows(self) -> dict[str, Rows]:
        """The rows to impute of every column that is followed."""
        return {name: np.flatnonzero(self.cells[name]) for name in self.traced}

    @cached_property
    def layout(self) -> dict[str, tuple[int, ...]]:
        """The rows of the design matrix that each column has; row 0 is the constant."""
        found: dict[str, tuple[int, ...]] = {}
        at = 1
        for column in self.template.columns:
            if column.name not in self.plan.design:
                continue
            size = len(self.coded_levels(column)) if column.is_categorical else 1
            size += column.has_missing
            found[column.name] = tuple(range(at, at + size))
            at += size
        if self._has_cluster_means:
            for column in self.template.columns:
                if column.name in found and column.is_numeric:
                    found[column.name] += (at,)
                    at += 1
        return found

    @property
    def _has_cluster_means(self) -> bool:
        return self.plan.spec.cluster_means and self.clusters is not None

    def design(self) -> Float:
        """The design matrix of the template, one row for each of its columns; empty if nobody needs one."""
        return self._small_design.copy() if self.together > 1 else self._design()

    @cached_property
    def _small_design(self) -> Float:
        return self._design()

    def _design(self) -> Float:
        if not any(visit.column.declaration.works_on != "codes" for visit in self.visits.values()):
            return np.empty((0, 0))
        size = 1 + max((row for rows in self.layout.values() for row in rows), default=0)
        matrix = np.zeros((size, self.table.n))
        matrix[0] = 1.0
        everywhere = np.arange(self.table.n)
        for name, rows in self.layout.items():
            column = self.template[name]
            numbers = np.nan_to_num(column.numbers()) if column.is_numeric else None
            self.write_design(matrix, name, everywhere, column.codes, numbers)
            if column.has_missing:
                matrix[rows[1 if column.is_numeric else -1]] = column.codes < 0
        return matrix

    def write_design(self, matrix: Float, name: str, rows: Rows, codes: Int32, exact: Float | None) -> None:
        """Write cells of a column into a design matrix."""
        column, layout = self.template[name], self.layout[name]
        if column.is_categorical:
            for row, level in zip(layout, self.coded_levels(column), strict=False):
                matrix[row][rows] = codes == level
            return
        matrix[layout[0]][rows] = column.values.take(codes, mode="clip") if exact is None else exact
        if self._has_cluster_means:
            assert self.clusters is not None
            cluster, size = self.clusters
            sums = np.bincount(cluster, matrix[layout[0]], size)
            matrix[layout[-1]] = (sums / np.bincount(cluster, minlength=size))[cluster]

    @cached_property
    def _levels(self) -> dict[str, Int32]:
        found = {}
        for column in self.table.columns:
            if column.is_categorical and column.name in self.plan.design:
                # A level that never occurs would be a column of zeros; the first that occurs is the base.
                found[column.name] = np.flatnonzero(column.counts)[1:].astype(np.int32)
        return found

    def coded_levels(self, column: Column) -> Int32:
        """The levels that have a row of the design matrix."""
        return self._levels[column.name]

    @cached_property
    def encoded(self) -> tuple[Features, dict[str, ColumnFeatures]]:
        """The template as features of trees."""
        return encode_columns(self.template)

    @cached_property
    def uses_features(self) -> bool:
        """Whether any visit looks at features."""
        return any(
            visit.column.declaration.works_on == "codes" or visit.response.state is not None
            for visit in self.visits.values()
        )

    @cached_property
    def together(self) -> int:
        """How many chains run side by side: of a large table one, for which it makes no difference."""
        if self.plan.visit == "random" or not any(visit.together for visit in self.visits.values()):
            return 1
        size = self.table.n * (1 + sum(len(rows) for rows in self.layout.values()))
        return max(1, TOGETHER // max(size, 1))

    @cached_property
    def clusters(self) -> tuple[Int32, int] | None:
        """The cluster of each row, and how many there are: a missing one is a cluster of its own."""
        if self.plan.cluster is None:
            return None
        codes = self.table[self.plan.cluster].codes
        _, cluster = np.unique(codes, return_inverse=True)
        return cluster.astype(np.int32), int(cluster.max(initial=-1)) + 1

    def passives(self, name: str) -> Sequence[ImputedColumn]:
        """Passive columns that a change of a column changes, in their order."""
        return self._following.get(name, ())

    @cached_property
    def _following(self) -> dict[str, list[ImputedColumn]]:
        found: dict[str, list[ImputedColumn]] = {}
        reached: dict[str, set[str]] = {}
        for column in self.plan.passive:
            if column.name not in self.cells:
                continue
            roots = set(column.predictors).union(*(reached.get(other, ()) for other in column.predictors))
            reached[column.name] = roots
            for root in roots:
                found.setdefault(root, []).append(column)
        return found

    def _fitted_on(self, planned: ImputedColumn) -> Mask:
        """The rows that a column, or any column of a block, is learnt from."""
        known = np.zeros(self.table.n, dtype=np.bool_)
        for name in planned.names:
            known |= self._observed(self.table[name])
        return known if self._ignored is None else known & ~self._ignored

    @cached_property
    def _ignored(self) -> Mask | None:
        return rows_ignored(self.plan.spec.ignore, self.table)

    def _observed(self, column: Column) -> Mask:
        return np.asarray(column.codes >= 0)

    def _visit(self, planned: ImputedColumn, rows: Rows, fit: Mask) -> Visit:
        table, declared = self.table, planned.declaration
        at = np.flatnonzero(fit)
        block: tuple[Response, ...] = ()
        if declared.block:
            block = tuple(block_response(table[name].take(at)) for name in planned.names)
            response = ColumnResponse(block[0])
        else:
            column = table[planned.name]
            if declared.works_on == "codes":
                # The kernel looks at all rows, those of weight 0 too: some value has to be there.
                response = response_of(self.template[planned.name])
            else:
                response = response_of(column.take(at))
            if declared.draws_missing or not column.spikes:
                response = replace(response, state=None, special=(), ordinary=None)
        design: list[int] = []
        if declared.works_on in {"design", "clusters"}:
            layout = self.layout
            design = [0, *(row for name in planned.predictors for row in layout.get(name, ()))]
        slopes = {row for name in planned.random for row in self.layout.get(name, ())}
        subset: list[int] = []
        if declared.works_on == "codes" or response.state is not None:
            features = self.encoded[1]
            subset = [position for name in planned.predictors for position in features[name].positions]
        return Visit(
            planned,
            rows,
            at,
            fit.astype(np.int32),
            response,
            block,
            np.array(design, dtype=np.intp),
            np.array(subset, dtype=np.int32),
            tuple(i for i, row in enumerate(design) if row in slopes),
            declared.draws_each and response.state is None,
        )


def with_codes(column: Column, codes: Int32) -> Column:
    """The column with other cells."""
    return replace(column, codes=codes)
