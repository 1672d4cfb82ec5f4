"""Groups of about equal size for numbers, so that they can be tabulated."""

from __future__ import annotations

import numpy as np

from replicant.table.arrays import Floats

__all__ = ["GROUPS", "quantile_edges"]

GROUPS = 5


def quantile_edges(values: Floats, counts: Floats, groups: int = GROUPS) -> Floats:
    """Lower ends of the groups but for the first: quantiles of values that occur so often, without repetitions.

    Parameters
    ----------
    values
        Distinct, ascending.
    counts
        How often each occurs.
    groups
        How many are wanted; ties may leave fewer.
    """
    if not len(values):
        return np.empty(0)
    ends = np.cumsum(counts)
    at = np.searchsorted(ends, ends[-1] * np.arange(1, groups) / groups)
    edges = np.unique(values[at])
    return np.asarray(edges[edges > values[0]])
