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
"""Fewer say too little."""


@dataclass(frozen=True, slots=True, eq=False)
class Orders:
    """What the orders of visits obey; all else is drawn at random, for every imputation of every replicate anew.

    Attributes
    ----------
    first
        Sets of columns that come first, one set after another, each in any order.
    rest
        Columns that come behind these, in any order.
    last
        Columns that come in any order behind all others.
    after
        Of a column, those that it comes after; one that comes after another stands behind it here.
    reason
        Why nothing is known.
    why
        Of each column whose position is not left to chance alone, why.
    rows
        Rows of the sample from which all this is.
    """

    first: tuple[tuple[str, ...], ...] = ()
    rest: tuple[str, ...] = ()
    last: tuple[str, ...] = ()
    after: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    reason: str = ""
    why: Mapping[str, str] = field(default_factory=dict)
    rows: int = 0

    def drawn(self, seed: int, *, imputation: int = 0, replicate: int = 0) -> str | tuple[str, ...]:
        """The order of one imputation in one replicate: a list of columns, or `random`.

        Parameters
        ----------
        seed
            The run's seed.
        imputation, replicate
            0-based address.
        """
        if self.reason:
            return "random"
        rng = stream(seed, Stage.ORDER_CHOICE, replicate=replicate, imputation=imputation)
        order = [part[at] for part in (*self.first, self.rest, self.last) for at in rng.permutation(len(part))]
        for name, others in self.after.items():
            behind = max(map(order.index, others), default=-1)
            at = order.index(name)
            if at < behind:
                order.insert(behind, order.pop(at))
        return tuple(order)


OrderSearch: TypeAlias = "Callable[[Sequence[ColumnPlan], Table, int], Orders]"
"""What finds orders, given the plans of all columns, the table and the seed."""


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
        return Orders(reason=f"{table.n} rows are fewer than the {FEWEST_ROWS} that tell what comes before what")
    if search is None:
        return Orders(reason="the plan was made without a search for better ones")
    return search(columns, table, seed)
