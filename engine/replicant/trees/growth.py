"""What a tree consists of while it grows: its nodes, and all the memory that the growth works in.

It is made here, and not by compiled code: see `jit`.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from .features import Features
from .groups import Groups

__all__ = ["NODES", "TOP", "USED", "Growth", "Predictors", "start_growth"]

TOP, NODES, USED = 0, 1, 2  # positions in Growth.state


class Predictors(NamedTuple):
    """What trees are grown on: see `Features`, and `subset`, (p,) int32, those that may be used.

    `ranks` and `rank_bases` are those of `Features.ranks`.
    """

    codes: Any
    order: Any
    sizes: Any
    nominal: Any
    values: Any
    bases: Any
    subset: Any
    ranks: Any
    rank_bases: Any


class Growth(NamedTuple):
    """A tree that grows, and the work space.

    Attributes
    ----------
    nodes, start, end, seen
        The node table, longer than there are nodes; `seen` is empty where nothing is corrected.
    risk
        float64: of each node, as cp counts it.
    donors
        (N,) int32.
    pool
        uint32: the level sets.
    state
        (3,) int64: ranges on the stack, nodes so far, how much of the pool is used.
    stack
        (., 6) int32: start, end, depth, parent (for its right child), buffer (0 large, 1 small), first entry of the
        small subtree.
    active
        (., p + 1) int32: by depth the predictors that still vary, and last how many; a child looks only at those that
        varied in its parent.
    branch
        (n,) uint8, by row.
    goes_left, best_codes
        uint8, zero between nodes, and int32: as long as the longest nominal predictor.
    groups
        Of that length, too.
    """

    nodes: Any
    start: Any
    end: Any
    seen: Any
    risk: Any
    donors: Any
    pool: Any
    state: Any
    stack: Any
    active: Any
    branch: Any
    goes_left: Any
    best_codes: Any
    groups: Groups


def start_growth(
    features: Features, predictors: int, total: int, minbucket: int, maxdepth: int, corrected: bool
) -> Growth:
    """The growth of a tree of `total` entries, on so many predictors, before its first node."""
    levels = features.levels
    capacity = 2 * (total // minbucket) + 3
    return Growth(
        np.empty((capacity, 4), np.int32),
        np.empty(capacity, np.int32),
        np.empty(capacity, np.int32),
        np.empty(capacity if corrected else 0, np.uint32),
        np.empty(capacity, np.float64),
        np.empty(total, np.int32),
        np.empty(max(256, 2 * (levels + 2)), np.uint32),
        np.zeros(3, np.int64),
        np.empty((2 * maxdepth + 4, 6), np.int32),
        np.empty((maxdepth + 2, predictors + 1), np.int32),
        np.empty(features.n, np.uint8),
        np.zeros(levels, np.uint8),
        np.empty(levels, np.int32),
        Groups(
            np.empty(levels, np.int64),
            np.empty(levels, np.int64),
            np.empty(levels, np.float64),
            np.empty(levels, np.int64),
        ),
    )
