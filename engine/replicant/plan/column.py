"""What is done to one column, and to one set of rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from replicant.spec.expression import Expression
    from replicant.table.dtypes import ColumnType
    from replicant.table.kinds import Kind

__all__ = ["ColumnPlan", "Partition"]


@dataclass(frozen=True, slots=True, eq=False)
class ColumnPlan:
    """What is done to one column.

    Attributes
    ----------
    name, kind
        The column and its kind.
    method
        `cart`, `sample`, `passive`, `keep`, `copy`, `surrogate`, or the name of a registered method.
    predictors
        Columns it may be predicted from, in table order. Which of them are usable at a visit depends on the sequence:
        see `Plan.predictors_of`.
    inputs
        For `passive`: the columns in the expression. For `copy`: the one column it is equal to.
    expression
        For `passive`: the parsed arithmetic.
    where
        (n,) bool, the cells to replace; None means every cell (none for `keep`).
    why
        Why this method, in a few words.
    parametric
        Whether nothing is fitted for it, or all of it by a method that says it is parametric.
    output
        For `passive` and `surrogate`: the type of what is computed, the same in every set.
    """

    name: str
    kind: Kind
    method: str
    predictors: tuple[str, ...] = ()
    inputs: tuple[str, ...] = ()
    expression: Expression | None = None
    where: NDArray[np.bool] | None = None
    why: str = ""
    parametric: bool = False
    output: ColumnType | None = None

    @property
    def is_fitted(self) -> bool:
        """Whether a model is fitted for it: not for `keep`, `passive`, `copy` and `surrogate`."""
        return self.method not in {"keep", "passive", "copy", "surrogate"}


@dataclass(frozen=True, slots=True, eq=False)
class Partition:
    """A set of rows that is synthesized by itself.

    Attributes
    ----------
    index
        0-based position among the partitions.
    rows
        int64 row positions in the table, ascending; None means all rows.
    k
        Number of rows to synthesize from it.
    """

    index: int
    rows: NDArray[np.int64] | None
    k: int
