"""Numbers and dates in order: one column is never, or hardly ever, above another, though by chance it often were."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from replicant.table.kinds import Kind
from replicant.table.suspicions.forms import quoted
from replicant.table.suspicions.model import Suspicion
from replicant.table.table import Table

__all__ = ["Order", "order_suspicions", "orders"]

NEARLY = 0.005
"""Share of rows in which they may be out of order."""

BY_CHANCE = 0.2
"""Share of rows in which they would be if the two columns had nothing to do with each other, at least."""

LEAST = 50
"""Rows in which both are there, at least."""

MOST = 20
"""Orders, the least likely by chance first; and columns of which pairs are tried, twice as many."""


@dataclass(frozen=True, slots=True)
class Order:
    """Two columns, of which the first is not above the second: in every row, if `exact`."""

    small: str
    large: str
    exact: bool


def orders(table: Table) -> list[Order]:
    """Pairs of numbers, or of dates, in order.

    Parameters
    ----------
    table
        The table.

    Returns
    -------
    list of Order
        The least likely by chance first; a <= c is left out where a <= b <= c.
    """
    columns = [column for column in table.columns if column.is_numeric and column.size > 2][: 2 * MOST]
    numbers = {column.name: column.numbers() for column in columns}
    found: dict[tuple[str, str], tuple[float, bool]] = {}
    for one, other in combinations(columns, 2):
        if (one.kind is Kind.DATE) != (other.kind is Kind.DATE):
            continue
        both = np.stack([numbers[one.name], numbers[other.name]])
        both = both[:, ~np.isnan(both).any(axis=0)]
        if both.shape[1] < LEAST or (both[0] == both[1]).all():
            continue
        for pair, (small, large) in (((one.name, other.name), both), ((other.name, one.name), both[::-1])):
            above = float((small > large).mean())
            if above <= NEARLY:
                chance = float(np.searchsorted(np.sort(large), small, side="left").mean()) / both.shape[1]
                if chance >= BY_CHANCE:
                    found[pair] = (chance, above == 0.0)
    names = list(numbers)
    direct = [(a, c) for a, c in found if not any((a, b) in found and (b, c) in found for b in names)]
    return [Order(*pair, found[pair][1]) for pair in sorted(direct, key=lambda pair: -found[pair][0])[:MOST]]


def order_suspicions(table: Table, derived: Sequence[Suspicion] = ()) -> list[Suspicion]:
    """Columns that are never above another one.

    Parameters
    ----------
    table
        The table.
    derived
        What can be computed from others: that needs no rule.
    """
    found, computed = [], {one.column for one in derived if one.code in {"derived", "equal"}}
    for one in orders(table):
        if one.exact and not {one.small, one.large} & computed:
            rule = f"{quoted(one.small)} <= {quoted(one.large)}"
            text = f'never above {one.large}: rules: ["{rule}"] keeps it so'
            found.append(Suspicion(one.small, "order", text, {}, {"synthesis.rules": [rule]}, sure=False))
    return found
