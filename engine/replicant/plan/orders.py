"""Orders of visits that suit the data, among which imputations choose: what `visit_sequence: auto` finds."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from replicant.plan.seeds import Stage, stream

if TYPE_CHECKING:
    from replicant.plan.column import ColumnPlan
    from replicant.spec.models import SynthesisSpec
    from replicant.table.table import Table

__all__ = ["FEWEST_ROWS", "OrderSearch", "Orders", "orders_for"]

FEWEST_ROWS = 50
"""With fewer, half of the rows says nothing about the other half."""


@dataclass(frozen=True, slots=True, eq=False)
class Orders:
    """Orders whose held-out score is good.

    Every imputation of every replicate takes one of them by its address; those of a replicate take different ones, as
    long as there are any.

    Attributes
    ----------
    pool
        The orders: every column that is drawn, exactly once in each. Empty: all orders are as good.
    reason
        Why the pool is empty.
    why
        Of each column, why it comes early or late, and what its score gains.
    gain, error
        How much better their mean score is than that of random orders, in nats per row, and its standard error.
    compared
        Orders that were scored.
    rows, fits
        Rows of the sample they were scored on, and trees that were grown for it.
    """

    pool: tuple[tuple[str, ...], ...] = ()
    reason: str = ""
    why: Mapping[str, str] = field(default_factory=dict)
    gain: float = 0.0
    error: float = 0.0
    compared: int = 0
    rows: int = 0
    fits: int = 0

    def chosen(self, seed: int, *, imputation: int = 0, replicate: int = 0) -> str | tuple[str, ...]:
        """The order of one imputation in one replicate: a list of columns, or `random`.

        Parameters
        ----------
        seed
            The run's seed.
        imputation, replicate
            0-based address.
        """
        if not self.pool:
            return "random"
        turn = stream(seed, Stage.ORDER_CHOICE, replicate=replicate).permutation(len(self.pool))
        return self.pool[turn[imputation % len(self.pool)]]


OrderSearch: TypeAlias = "Callable[[Sequence[ColumnPlan], Table, int, bool], Orders]"
"""What finds orders, given the plans of all columns, the table, the seed, and whether missing cells are drawn."""


def orders_for(
    spec: SynthesisSpec,
    columns: Sequence[ColumnPlan],
    table: Table,
    seed: int,
    search: OrderSearch | Orders | None,
) -> Orders:
    """Orders that suit the data, or why there are none.

    Parameters
    ----------
    spec
        What the user asks for.
    columns
        Plans of all columns, in table order.
    table
        The encoded table.
    seed
        The run's seed.
    search
        What finds orders; or those that were found before; None where nobody is to look at the cells.
    """
    if isinstance(search, Orders):
        return search
    drawn = [column for column in columns if column.is_fitted]
    if spec.conditioning == "observed":
        return Orders(reason="under observed conditioning every column is predicted from all others in any order")
    if sum(bool(column.predictors) for column in drawn) < 2:
        return Orders(reason="fewer than two columns are predicted from others")
    if table.n < FEWEST_ROWS:
        return Orders(reason=f"{table.n} rows are fewer than the {FEWEST_ROWS} that it takes to score an order")
    if search is None:
        return Orders(reason="the plan was made without a search for better ones")
    return search(columns, table, seed, spec.missing == "keep")
