"""Groups of numbers between quantiles, for tables of counts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from replicant.errors import SpecError, nearest
from replicant.evaluation.rows import numbers_of
from replicant.table.arrays import Floats

__all__ = ["GROUPS", "Grouped", "check_grouped", "quantile_edges", "written_edges"]

GROUPS = 5
MOST = 1000

Grouped: TypeAlias = "int | Mapping[str, int | Sequence[Any]]"
"""How many groups of numbers, or by column how many or where each but the first begins."""


def check_grouped(grouped: Grouped, numeric: Mapping[str, bool]) -> None:
    """Refuse what cannot be grouped.

    Parameters
    ----------
    grouped
        As given.
    numeric
        By column of both tables, whether its cells are numbers.

    Raises
    ------
    SpecError
        It names no column, or one of levels; or there are no groups, or too many.
    """
    for name, one in grouped.items() if isinstance(grouped, Mapping) else [("", grouped)]:
        if name and name not in numeric:
            raise SpecError(
                f"grouped names {name!r}, which is no column that both tables have{nearest(str(name), numeric)}",
                need="columns of numbers or dates",
            )
        if name and not numeric[name]:
            raise SpecError(
                f"grouped names {name!r}, a column of levels",
                need="columns of numbers or dates",
                fix="`labels` of a codebook make groups of levels",
            )
        if isinstance(one, int) and not 2 <= one <= MOST:
            raise SpecError(f"grouped asks for {one} groups", need=f"2 to {MOST}")


def written_edges(name: str, given: Sequence[Any]) -> Floats:
    """Where the groups of a column begin, as its owner says: numbers, or dates such as "2001-12-31"."""
    dates = any(isinstance(one, str) for one in given)
    try:
        edges = numbers_of(pd.Series(pd.to_datetime(list(given)) if dates else list(given)))
    except (TypeError, ValueError):
        edges = np.array([np.nan])
    if not 0 < len(edges) < MOST or not np.isfinite(edges).all() or (np.diff(edges) <= 0).any():
        raise SpecError(
            f"grouped has ends of groups of {name!r} that are no numbers or dates in ascending order",
            need="where each group but the first begins, such as [18, 30, 65]",
        )
    return edges


def quantile_edges(values: Floats, counts: NDArray[np.int64] | Floats, groups: int = GROUPS) -> Floats:
    """Where a column of numbers is cut into groups of about equal size, as synthpop cuts it.

    The cuts are the quantiles at 1/groups, 2/groups, ... that R computes by default (type 7 of Hyndman and Fan 1996).
    A group begins at its cut and ends before the next one; the last group holds the largest value too. Equal quantiles
    are one cut, so a column with heavy values has fewer groups.

    Parameters
    ----------
    values
        (d,) the distinct values, ascending, without missing ones and without codes of missing ones.
    counts
        (d,) how many rows have each. synthpop counts the rows of the real table and of all m sets together.
    groups
        How many groups are wanted.

    Returns
    -------
    Floats
        (at most groups - 1,) lower ends of the second and later groups, for
        `numpy.searchsorted(edges, x, side="right")`; empty where all values are equal.
    """
    if len(values) < 2:
        return np.empty(0)
    last = np.cumsum(counts)
    position = (last[-1] - 1) * np.arange(1, groups) / groups
    below = np.floor(position + 4 * np.finfo(float).eps * position)  # R's own allowance for the rounding of the product
    share = np.maximum(position - below, 0.0)
    low = values[np.minimum(np.searchsorted(last, below, side="right"), len(values) - 1)]
    high = values[np.minimum(np.searchsorted(last, below + 1, side="right"), len(values) - 1)]
    cuts = np.where(low == high, low, (1 - share) * low + share * high)
    return np.unique(cuts[(cuts > values[0]) & (cuts < values[-1])])
