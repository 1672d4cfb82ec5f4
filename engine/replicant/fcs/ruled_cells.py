"""The cells of rows in the making, as rules ask for them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from replicant.spec.rule_cells import Pairs
from replicant.table import Column

if TYPE_CHECKING:
    from replicant.fcs.ruled import Ruled

__all__ = ["RuledCells", "numbers_at"]

Int32 = npt.NDArray[np.int32]
Float = npt.NDArray[np.float64]
Rows = npt.NDArray[np.intp]


@dataclass(frozen=True, eq=False, slots=True)
class RuledCells:
    """Cells of rows in the making; those of one column may be given, and are what might be drawn."""

    ruled: Ruled
    rows: Rows | None
    given: str
    given_codes: Int32 | None
    given_exact: Float | None

    def column(self, name: str) -> Column:
        return self.ruled.prepared.table[name]

    def codes(self, name: str) -> Int32:
        if name == self.given and self.given_codes is not None:
            return self.given_codes
        planned = self.ruled.plan.column(name)
        if planned.expression is not None:
            numbers = self.numbers(name)
            column = self.column(name)
            flat = column.nearest_codes(column.rounded(numbers.reshape(-1)))
            shaped: Int32 = flat.reshape(numbers.shape)
            return shaped
        codes: Int32 = self.ruled.codes[self.ruled.plan.positions[name]]
        return codes if self.rows is None else codes[self.rows]

    def numbers(self, name: str) -> Float:
        column = self.column(name)
        if name == self.given and self.given_codes is not None:
            return self.given_exact if self.given_exact is not None else numbers_at(column, self.given_codes)
        expression = self.ruled.plan.column(name).expression
        if expression is not None:
            inputs = np.broadcast_arrays(*(self.numbers(other) for other in expression.names))
            shape = inputs[0].shape
            exact = expression.evaluate(
                {other: cells.reshape(-1) for other, cells in zip(expression.names, inputs, strict=True)}
            )
            return column.rounded(exact).reshape(shape)
        exact_numbers = self.ruled.exact.get(name)
        if exact_numbers is not None:
            return exact_numbers if self.rows is None else exact_numbers[self.rows]
        return numbers_at(column, self.codes(name))

    def pairs(self, inner: str, outer: str) -> Pairs:
        known = self.ruled.pairs.get((inner, outer))
        if known is None:
            table = self.ruled.prepared.table
            known = self.ruled.pairs[inner, outer] = Pairs.of(table[inner].codes, table[outer].codes)
        return known


def numbers_at(column: Column, codes: Int32) -> Float:
    """The numbers of codes of any shape."""
    return column.numbers(codes.reshape(-1)).reshape(codes.shape)
