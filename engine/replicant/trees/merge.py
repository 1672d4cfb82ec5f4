"""Leaves that do not protect their donors are merged with their neighbours, into the node above, until it does.

A leaf must hold so many distinct records, and so many distinct values of the response (l-diversity: Machanavajjhala et
al. 2007): else who knows a row's predictors knows whose value it has, or what it is. And the largest of its magnitudes
must not be known to the record with the second largest, from the leaf's total, to within so much of it (the p % rule:
Hundepool et al. 2012, 4.2.2): all but these two must add up to as much.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

from .grow import RIGHT
from .jit import kernel
from .prune import close_gaps

if TYPE_CHECKING:
    from .tree import Tree

__all__ = ["Least", "explained", "merge_leaves", "shortcomings"]

Int32 = npt.NDArray[np.int32]
Float = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]


class Least(NamedTuple):
    """What a leaf must hold.

    Attributes
    ----------
    records, values
        Fewest distinct records, and distinct codes of the response.
    share
        What all magnitudes but the two largest must add up to, as a share of the largest; 0: nothing.
    """

    records: int = 1
    values: int = 1
    share: float = 0.0


def shortcomings(tree: Tree, least: Least, codes: Int32, numbers: Float | None = None) -> Mask:
    """In what each node of a tree falls short.

    Parameters
    ----------
    tree
        The tree.
    least
        What its leaves must hold.
    codes, numbers
        (n,) codes and magnitudes of the response, by row of the table; numbers are needed for a share.

    Returns
    -------
    ndarray
        (3, M) bool, by what is asked for, in the order of `Least`, and node.
    """
    short = np.zeros((3, len(tree.nodes)), dtype=np.bool_)
    ranges = tree.start, tree.end, tree.donors
    records = np.arange(len(codes), dtype=np.int32)
    for i, (fewest, given) in enumerate(((least.records, records), (least.values, codes - codes.min()))):
        if fewest > 1:
            counts = np.zeros(len(tree.nodes), dtype=np.int32)
            count_distinct(*ranges, given.astype(np.int32), _unseen(int(given.max()) + 1), counts)
            short[i] = counts < fewest
    if least.share and numbers is not None:
        find_dominated(*ranges, numbers, least.share, _unseen(len(numbers)), short[2])
    return short


def merge_leaves(tree: Tree, short: Mask) -> Tree:
    """Merge the leaves of a tree that fall short, until none does.

    Parameters
    ----------
    tree
        The tree.
    short
        In what its nodes fall short.

    Returns
    -------
    Tree
        With one leaf, which may fall short itself, if nothing else is left.
    """
    if not short[:, tree.leaf_nodes].any():
        return tree
    fits = ~np.logical_or.reduce(short)
    nodes, start, end, seen = tree.nodes.copy(), tree.start.copy(), tree.end.copy(), tree.seen.copy()
    work = np.empty((2, len(nodes)), dtype=np.int64)
    kept = merge(nodes, start, end, seen, fits, work[0], work[1])
    seen = seen[:kept] if len(seen) else seen
    return replace(tree, nodes=nodes[:kept], start=start[:kept], end=end[:kept], seen=seen)


def explained(tree: Tree, response: Float | Int32) -> float:
    """The share of the response's variation that lies between the leaves of a tree.

    Parameters
    ----------
    tree
        The tree.
    response
        (n,) numbers, whose sums of squares are taken, or classes, whose Gini index is.

    Returns
    -------
    float
        0 where all of the response is alike.
    """
    leaves = tree.leaf_nodes
    start, sizes = tree.start[leaves], tree.end[leaves] - tree.start[leaves]
    given = response[tree.donors]
    if given.dtype.kind == "f":
        given = given - given.mean()
        total, between = np.square(given).sum(), (np.add.reduceat(given, start) ** 2 / sizes).sum()
    else:
        n, classes = len(given), int(given.max()) + 1
        of_leaf, counts = np.unique(np.repeat(np.arange(len(leaves)) * classes, sizes) + given, return_counts=True)
        chance = np.square(np.bincount(given)).sum() / n
        total, between = n - chance, (counts**2 / sizes[of_leaf // classes]).sum() - chance
    return float(between / total) if total > 0 else 0.0


def _unseen(size: int) -> Int32:
    return np.full(size, -1, dtype=np.int32)


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
def find_dominated(start, end, donors, numbers, share, last_seen, short):
    """Nodes whose magnitudes but the two largest add up to less than a share of the largest; `last_seen` is all -1."""
    for node in range(start.shape[0]):
        first, second, rest = 0.0, 0.0, 0.0
        for i in range(start[node], end[node]):
            if last_seen[donors[i]] == node:
                continue
            last_seen[donors[i]] = node
            number = numbers[donors[i]]
            if number > first:
                first, number = number, first
            if number > second:
                second, number = number, second
            rest += number
        short[node] = rest < share * first


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
