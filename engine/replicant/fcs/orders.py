"""Orders of visits that suit the data: random ones, but for what a sample of the rows says.

All orders would be equally good if conditional distributions were known. Trees, and regressions in their leaves, know
some of them better than others: the effect of a product is found where its factors come before the column that it
explains, and few others do; it is lost in their distribution given that column. A column of many levels is predicted
better than it predicts. All else is left to chance, so that sets differ in their orders, and with them in the errors
that an order makes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from graphlib import CycleError, TopologicalSorter
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from replicant.fcs.interactions import Interaction, interactions, rank_scores
from replicant.plan.orders import Orders
from replicant.plan.seeds import Stage, stream
from replicant.table.kinds import Kind

if TYPE_CHECKING:
    from replicant.plan.column import ColumnPlan
    from replicant.table.column import Column
    from replicant.table.table import Table

__all__ = ["find_orders"]

SAMPLE_ROWS = 2000
MOST_COLUMNS = 60  # whose products are looked at
MANY_LEVELS = 100


def find_orders(columns: Sequence[ColumnPlan], table: Table, seed: int) -> Orders:
    """What a random sample of the rows says of the order of visits.

    Parameters
    ----------
    columns
        Plans of all columns, in table order; two of them at least are predicted from others.
    table
        The encoded table.
    seed
        The run's seed.

    Returns
    -------
    Orders
    """
    rng = stream(seed, Stage.ORDER_SCORE)
    rows = slice(None) if table.n <= SAMPLE_ROWS else rng.choice(table.n, SAMPLE_ROWS, replace=False)
    fitted = {column.name: column for column in columns if column.is_fitted}
    many = {name: levels for name in fitted if (levels := _levels(table[name], rows)) > MANY_LEVELS}
    ranked = [
        table[column.name]
        for column in columns
        if (column.is_fitted or column.is_kept) and table[column.name].kind not in (Kind.NOMINAL, Kind.IDENTIFIER)
    ]
    scores = np.array([rank_scores(column.codes[rows], column.size) for column in ranked if column.size > 1])
    names = [column.name for column in ranked if column.size > 1]
    if len(names) > MOST_COLUMNS:
        lone = np.argsort(_explained(scores).round(9), kind="stable")[:MOST_COLUMNS]
        scores, names = scores[lone], [names[at] for at in lone]
    rules = _Rules(fitted)
    found = interactions(scores.T) if len(names) > 1 else []
    for one in sorted(found, key=lambda one: len(set(one.factors)), reverse=True):
        rules.add(names[one.response], tuple(dict.fromkeys(names[at] for at in one.factors)), one)
    early = {name for three in rules.sets for name in three}
    last = tuple(name for name in many if name not in early)
    rest = [name for name in fitted if name not in early and name not in last]
    return Orders(
        # A parity of two columns is lost behind columns with many values more easily than the other way round.
        first=tuple(sorted(map(tuple, rules.sets), key=lambda three: max(table[name].size for name in three))),
        rest=tuple(rest),
        last=last,
        after=rules.after,
        why=rules.why | {name: f"last: {many[name]} levels" for name in last},
        rows=min(table.n, SAMPLE_ROWS),
    )


def _levels(column: Column, rows: slice | NDArray[np.int64]) -> int:
    """Levels of a nominal column that occur; 0 of any other."""
    if column.kind is not Kind.NOMINAL or column.size <= MANY_LEVELS:
        return 0
    return int(np.count_nonzero(np.bincount(np.maximum(column.codes[rows], 0))))


def _explained(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """(columns,) the share of each column's variance that the others explain."""
    p, n = scores.shape
    inverse = np.linalg.inv(scores @ scores.T / n + np.eye(p) * p / n)
    return np.asarray(1 - 1 / np.diag(inverse))


@dataclass(slots=True)
class _Rules:
    """What orders obey: columns after others, and sets that come first; and why."""

    fitted: Mapping[str, ColumnPlan]
    after: dict[str, tuple[str, ...]] = field(default_factory=dict)
    sets: list[dict[str, None]] = field(default_factory=list)
    why: dict[str, str] = field(default_factory=dict)

    def add(self, name: str, factors: tuple[str, ...], one: Interaction) -> None:
        """Take in an interaction, as far as those before it allow; squares behind all others."""
        early = {other for there in self.sets for other in there}
        if len(factors) == 1 and name in early and factors[0] not in early:
            return  # what comes first does not wait for what does not
        directed = one.directed and name in self.fitted and set(factors) <= set(self.fitted[name].predictors)
        directed = directed and self._put_after(name, tuple(other for other in factors if other in self.fitted))
        if directed:
            what, leave = ("their product", "they leave") if len(factors) > 1 else ("its square", "it leaves")
            share = f"{what} explains {100 * one.share:.0f} % of what {leave}"
            self.why.setdefault(name, f"after {' and '.join(factors)}: {share}")
        if len(factors) == 1:
            return
        three = tuple(other for other in (*factors, name) if other in self.fitted)
        for other in three:
            beside = " and ".join(column for column in (*factors, name) if column != other)
            self.why.setdefault(other, f"beside {beside}, with which it has an interaction")
        home = next((at for at, there in enumerate(self.sets) if len(there.keys() & set(three)) > 1), len(self.sets))
        fresh = [other for other in three if other not in early]
        if home < len(self.sets):
            self.sets[home].update(dict.fromkeys(fresh))
        elif fresh:
            self.sets.append(dict.fromkeys(fresh))

    def _put_after(self, name: str, factors: tuple[str, ...]) -> bool:
        """Whether a column can come after others, beside all that is so already; if so, it does."""
        after = {**self.after, name: tuple(dict.fromkeys((*self.after.get(name, ()), *factors)))}
        try:
            order = tuple(TopologicalSorter(after).static_order())
        except CycleError:
            return False
        self.after = {other: after[other] for other in order if other in after}
        return True
