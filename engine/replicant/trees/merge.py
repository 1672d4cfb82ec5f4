"""Leaves that do not protect their donors are merged with their neighbours.

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

from .grow import ALL_SEEN, EXTRA, FEATURE, MASK, RIGHT, THRESHOLD
from .jit import kernel

if TYPE_CHECKING:
    from .features import Features
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


def merge_leaves(
    tree: Tree, least: Least, features: Features, codes: Int32, numbers: Float | None = None
) -> tuple[Tree, bool]:
    """Merge the leaves of a tree that fall short.

    Two leaves of a node become one. Where the neighbour of a leaf that falls short is divided further, it stays as it
    is, and the donors of the leaf go down there.

    Parameters
    ----------
    tree, least, codes, numbers
        As for `shortcomings`.
    features
        Predictors of the table.

    Returns
    -------
    Tree
        With one leaf, if nothing else is left.
    bool
        Whether that falls short.
    """
    while True:
        short = np.logical_or.reduce(shortcomings(tree, least, codes, numbers))
        if len(tree.nodes) == 1 or not short[tree.leaf_nodes].any():
            return tree, bool(short[0])
        tree = _without(tree, short, features)


def _without(tree: Tree, short: Mask, features: Features) -> Tree:
    """A tree without its leaves that fall short."""
    size = len(tree.nodes)
    nodes, seen, origin = np.empty_like(tree.nodes), np.empty_like(tree.seen), np.empty(size, dtype=np.int64)
    kept = take_out(tree.nodes.copy(), tree.seen, ~short, np.empty((3, size), dtype=np.int64), nodes, seen, origin)
    left = replace(
        tree, nodes=nodes[:kept], start=tree.start[origin[:kept]], end=tree.end[origin[:kept]], seen=seen[:kept]
    )
    leaf = left.training_leaves(features.n)
    moved = np.zeros(features.n, dtype=np.bool_)
    moved[tree.donors] = leaf[tree.donors] < 0
    rows = np.flatnonzero(moved)
    if not rows.size:
        return left
    leaf[rows] = left.leaves(np.ascontiguousarray(features.codes[:, rows].T))
    of_donors = leaf[tree.donors]
    counts = np.bincount(of_donors, minlength=kept)
    start = (np.cumsum(counts) - counts).astype(np.int32)
    end = (start + counts).astype(np.int32)
    close_ranges(left.nodes, end)
    return replace(left, start=start, end=end, donors=tree.donors[np.argsort(of_donors, kind="stable")])


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
def take_out(nodes, seen, fits, work, new, new_seen, origin):
    """Take leaves that do not fit out of a tree: the node above goes to its other child, or is a leaf as that is.

    `work` holds three numbers for each node. The rest is written to `new` and `new_seen` in preorder, with the
    former node that each comes from in `origin`. Returns how many there are.
    """
    instead, stack, parent = work[0], work[1], work[2]
    for i in range(nodes.shape[0] - 1, -1, -1):
        instead[i] = i
        right = np.int64(nodes[i, RIGHT])
        if right == i:
            continue
        a, b = instead[i + 1], instead[right]
        a_is_leaf, b_is_leaf = nodes[a, RIGHT] == a, nodes[b, RIGHT] == b
        if a_is_leaf and b_is_leaf:
            if not (fits[a] and fits[b]):
                nodes[i, RIGHT] = i
        elif a_is_leaf and not fits[a]:
            instead[i] = b
        elif b_is_leaf and not fits[b]:
            instead[i] = a
    stack[0], parent[0] = instead[0], -1
    top, kept = 0, 0
    while top >= 0:
        i = stack[top]
        if parent[top] >= 0:
            new[parent[top], RIGHT] = kept
        top -= 1
        right = np.int64(nodes[i, RIGHT])
        leaf = right == i
        origin[kept] = i
        new[kept, FEATURE] = 0 if leaf else nodes[i, FEATURE]
        new[kept, THRESHOLD] = MASK if leaf else nodes[i, THRESHOLD]
        new[kept, RIGHT] = kept
        new[kept, EXTRA] = 0 if leaf else nodes[i, EXTRA]
        if seen.shape[0] > 0:
            new_seen[kept] = ALL_SEEN if leaf else seen[i]
        if not leaf:
            stack[top + 1], parent[top + 1] = instead[right], kept
            stack[top + 2], parent[top + 2] = instead[i + 1], -1
            top += 2
        kept += 1
    return kept


@kernel
def close_ranges(nodes, end):
    """A node's donors end where those of its right child do."""
    for i in range(nodes.shape[0] - 1, -1, -1):
        end[i] = end[nodes[i, RIGHT]]
