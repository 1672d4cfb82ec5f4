"""Groups of numbers between quantiles, for tables of counts."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from replicant.table.arrays import Floats

__all__ = ["GROUPS", "quantile_edges"]

GROUPS = 5


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
