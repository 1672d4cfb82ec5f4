"""What is done to one column, and to one set of rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from replicant.methods import Declaration, Origin

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
    declaration
        The method, and what it declares.
    predictors
        Columns it may be predicted from, in table order. Which of them are usable at a visit depends on the sequence:
        see `Plan.predictors_of`.
    options
        Options of the method that were given for this column; the declaration has them already.
    inputs
        For `passive`: the columns in the expression. For `copy`: the one column it is equal to.
    expression
        For `passive`: the parsed arithmetic.
    where
        (n,) bool, the cells to replace; None means every cell (none for `keep`).
    why
        Why this method, in a few words.
    levels
        Number of levels; 0 for numbers.
    has_states
        Whether a tree draws which cells are missing or a spike, before the method draws the others.
    block
        Of a method that models several columns together, all of them in table order.
    after
        Columns that must be visited before it, whatever the sequence.
    cluster, slopes
        Of a method for clusters, the column that holds them, and the predictors that have a random slope.
    output
        For `passive` and `surrogate`: the type of what is computed, the same in every set.
    """

    name: str
    kind: Kind
    declaration: Declaration
    predictors: tuple[str, ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict)
    inputs: tuple[str, ...] = ()
    expression: Expression | None = None
    where: NDArray[np.bool] | None = None
    why: str = ""
    levels: int = 0
    has_states: bool = False
    block: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    cluster: str = ""
    slopes: tuple[str, ...] = ()
    output: ColumnType | None = None

    @property
    def method(self) -> str:
        """The name of its method."""
        return self.declaration.name

    @property
    def is_fitted(self) -> bool:
        """Whether a model is fitted for it."""
        return self.declaration.origin is Origin.MODEL

    @property
    def is_kept(self) -> bool:
        """Whether every cell stays as observed."""
        return self.declaration.origin is Origin.OBSERVED

    @property
    def is_computed(self) -> bool:
        """Whether it follows from `inputs`."""
        return self.declaration.origin is Origin.COMPUTED

    @property
    def is_new(self) -> bool:
        """Whether its values are made up."""
        return self.declaration.origin is Origin.NEW

    @property
    def parametric(self) -> bool:
        """Whether nothing is fitted for it, or all of it by a method that says it is parametric."""
        return not self.is_fitted or (self.declaration.parametric and not self.has_states)

    @property
    def uses_trees(self) -> bool:
        """Whether anything of it runs the compiled tree kernel."""
        return self.declaration.uses_trees or self.has_states


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
