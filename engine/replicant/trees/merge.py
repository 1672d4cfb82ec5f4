"""Leaves that do not protect their donors are merged with their neighbours, into the node above, until it does.

A leaf must hold so many distinct records, and so many distinct values of the response (l-diversity: Machanavajjhala et
al. 2007): else who knows a row's predictors knows whose value it has, or what it is.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from .grow import RIGHT
from .jit import kernel
from .prune import close_gaps

if TYPE_CHECKING:
    from .tree import Tree

__all__ = ["merge_leaves"]

Int32 = npt.NDArray[np.int32]


def merge_leaves(tree: Tree, codes: Int32, *, records: int = 1, values: int = 1) -> tuple[Tree, bool]:
    """Merge the leaves of a tree that hold too few distinct records, or values.

    Parameters
    ----------
    tree
        The tree.
    codes
        (n,) codes of the response, by row of the table.
    records, values
        Fewest distinct records, and distinct codes, of a leaf.

    Returns
    -------
    Tree
        With leaves that hold as many; with one leaf, if all of the rows do not.
    bool
        Whether every leaf holds as many.
    """
    fits = np.ones(len(tree.nodes), dtype=np.bool_)
    for least, given in ((records, np.arange(len(codes), dtype=np.int32)), (values, codes - codes.min())):
        if least > 1:
            last_seen = np.full(int(given.max()) + 1, -1, dtype=np.int32)
            counts = np.zeros(len(tree.nodes), dtype=np.int32)
            count_distinct(tree.start, tree.end, tree.donors, given.astype(np.int32), last_seen, counts)
            fits &= counts >= least
    if fits[tree.nodes[:, RIGHT] == np.arange(len(tree.nodes))].all():
        return tree, True
    nodes, start, end, seen = tree.nodes.copy(), tree.start.copy(), tree.end.copy(), tree.seen.copy()
    work = np.empty((2, len(nodes)), dtype=np.int64)
    kept = merge(nodes, start, end, seen, fits, work[0], work[1])
    seen = seen[:kept] if len(seen) else seen
    return replace(tree, nodes=nodes[:kept], start=start[:kept], end=end[:kept], seen=seen), bool(fits[0])


@kernel
def count_distinct(start, end, donors, codes, last_seen, counts):
    """How many distinct codes the donors of each node have; `last_seen` has an entry for each code, all -1."""
    for node in range(start.shape[0]):
        for i in range(start[node], end[node]):
            code = codes[donors[i]]
            if last_seen[code] != node:
                last_seen[code] = node
                counts[node] += 1


@kernel
def merge(nodes, start, end, seen, fits, skip, position):
    """Make a leaf of every node that has one below it which does not fit. Returns how many nodes are left."""
    for i in range(nodes.shape[0] - 1, -1, -1):
        skip[i] = i + 1
        right = np.int64(nodes[i, RIGHT])
        if right == i:
            continue
        skip[i] = skip[right]
        for child in (np.int64(i + 1), right):
            if nodes[child, RIGHT] == child and not fits[child]:
                nodes[i, RIGHT] = i
    return close_gaps(nodes, start, end, seen, skip, position)
