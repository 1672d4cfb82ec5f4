"""The plan of an imputation: which cells, by which method, in which order, decided before the first chain.

The missing cells of a table are filled by chains of fully conditional specification (van Buuren 2007, 2018): a column
is drawn given all others, as they are at that moment, column after column, and all of that `maxit` times. The chains
are run by `replicant.fcs.chain`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from replicant.events import Event
from replicant.methods import Declaration
from replicant.plan.seeds import Stage, stream
from replicant.spec.imputation import Shift

if TYPE_CHECKING:
    from replicant.methods import Cart
    from replicant.spec.expression import Expression
    from replicant.spec.imputation import ImputationSpec

__all__ = ["ImputationPlan", "ImputedColumn"]


@dataclass(frozen=True, slots=True, eq=False)
class ImputedColumn:
    """What is done to one column with missing cells, or to a block of columns.

    Attributes
    ----------
    names
        The column, or the columns of the block, in table order.
    declaration
        The method, and what it declares.
    predictors
        The columns that it is predicted from, in table order.
    why
        Why this method, in a few words.
    shift
        What is done to its imputed numbers.
    expression
        Of a passive column: what it is computed from.
    random
        Predictors with a random slope.
    """

    names: tuple[str, ...]
    declaration: Declaration
    predictors: tuple[str, ...] = ()
    why: str = ""
    shift: Shift | None = None
    expression: Expression | None = None
    random: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The column, or the first one of the block."""
        return self.names[0]


@dataclass(frozen=True, eq=False, repr=False)
class ImputationPlan:
    """How the missing cells of a table are filled.

    Attributes
    ----------
    columns
        Those that are drawn, in table order; of a block the first column says where it stands.
    passive
        Those that are computed, each after its passive inputs.
    visit
        The rule of the sequence, or the user's list.
    order
        The columns of `columns` in the order in which they are visited; with `random`, in table order.
    maxit
        Iterations of each chain.
    spec
        What the user asked for.
    trees
        How trees grow, also those that draw which cells of a numeric column are a spike.
    design
        Columns that have a part in design matrices.
    cluster
        The column that holds the clusters.
    events
        What is unusual but valid.
    """

    columns: tuple[ImputedColumn, ...]
    passive: tuple[ImputedColumn, ...]
    visit: str | tuple[str, ...]
    order: tuple[str, ...]
    maxit: int
    spec: ImputationSpec
    trees: Cart
    design: frozenset[str]
    cluster: str | None = None
    events: tuple[Event, ...] = ()
    by_name: Mapping[str, ImputedColumn] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "by_name", {column.name: column for column in (*self.columns, *self.passive)})

    @property
    def uses_trees(self) -> bool:
        """Whether anything runs the compiled tree kernel."""
        return any(column.declaration.uses_trees for column in self.columns)

    def sequence(self, seed: int, imputation: int, replicate: int = 0) -> tuple[str, ...]:
        """The order of visits of one chain.

        Parameters
        ----------
        seed
            Of the run.
        imputation, replicate
            0-based address.

        Returns
        -------
        tuple of str
            Names of the columns, or of the first column of each block.
        """
        if self.visit != "random":
            return self.order
        rng = stream(seed, Stage.CHAIN_ORDER, replicate=replicate, imputation=imputation)
        return tuple(self.order[at] for at in rng.permutation(len(self.order)))
