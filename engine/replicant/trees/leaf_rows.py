"""How well leaves of several sizes tell the rows that a tree has not seen: one tree, read at every size at once.

A tree grown to small leaves holds those with larger ones: a row goes down until the node may not be split at a given
size, or the child would be smaller. Its donors there are judged by the energy score of the distribution they make,
E d(X, y) - E d(X, X') / 2 (Gneiting and Raftery 2007, equation 21), d being the distance of two numbers or whether two
classes differ. X and X' are different donors, so that the score is one of the distribution they are a sample of (Ferro
2014): a leaf is not judged by being small, but by what its splits chased in vain and by what its rows have in common.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from .features import Features
from .grow import RIGHT
from .jit import inner, kernel
from .tree import grow_tree

__all__ = ["Halves", "held_out_scores", "score_leaf_rows"]

Int32 = npt.NDArray[np.int32]
Float = npt.NDArray[np.float64]
Longs = npt.NDArray[np.int64]

FEWEST = 25
LOOKED_AT = 16  # donors of a node, of which every so many-th is looked at, so that there are no more than twice these


@inner
def distance(first, second, by_class):
    """Of two responses."""
    apart = abs(first - second)
    return min(apart, 1.0) if by_class else apart


@kernel
def score_leaf_rows(nodes, start, end, donors, by_class, held, leaf, sizes, smallest, reached, spread, scores):
    """Sum over rows held out of the energy score of their donors, for leaves of each size.

    Parameters
    ----------
    nodes, start, end
        A tree: see `Tree`.
    donors
        (N,) float64 responses of its donors: ranks, or classes as whole numbers.
    by_class
        Whether they are classes.
    held, leaf
        (h,) responses of the rows held out, and the leaf that each falls into.
    sizes, smallest
        (s,) int64: fewest rows of a leaf, and of a node that is split.
    reached, spread
        Work space for each node: (s, M), int32, where a row stops that would go down to it, zeros; and (M,), float64,
        -1.
    scores
        (s,) float64, zeros, which get the sums.
    """
    for size in range(sizes.shape[0]):
        for node in range(nodes.shape[0]):
            right = nodes[node, RIGHT]
            if right == node:
                continue
            splits = reached[size, node] == node and end[node] - start[node] >= smallest[size]
            for child in (np.int32(node + 1), right):
                stays = splits and end[child] - start[child] >= sizes[size]
                reached[size, child] = child if stays else reached[size, node]
    for row in range(held.shape[0]):
        last_node = np.int32(-1)
        score = 0.0
        for size in range(sizes.shape[0]):
            node = reached[size, leaf[row]]
            if node != last_node:
                last_node = node
                first, last = start[node], end[node]
                pace = (last - first) // LOOKED_AT + 1
                apart = 0.0
                count = 0
                for i in range(first, last, pace):
                    apart += distance(donors[i], held[row], by_class)
                    count += 1
                if spread[node] < 0.0:
                    within = 0.0
                    for i in range(first, last, pace):
                        for j in range(first, i, pace):
                            within += distance(donors[i], donors[j], by_class)
                    spread[node] = within / max(count * (count - 1), 1)
                score = apart / count - spread[node]
            scores[size] += score


@dataclass(frozen=True, eq=False, slots=True)
class Halves:
    """Rows to grow a tree on, and rows held out; the same ones for all responses.

    Attributes
    ----------
    grown, held
        Positions of the rows of each half.
    features
        The predictors of the first half.
    codes
        (h, F) int32 of the other one, contiguous.
    u
        (h,) uniform numbers, by which levels that a node has not seen go to one of its children.
    """

    grown: Longs
    held: Longs
    features: Features
    codes: Int32
    u: Float

    @classmethod
    def of(cls, features: Features, grown: Longs, held: Longs, rng: np.random.Generator) -> Halves:
        """The halves of given rows."""
        codes = np.ascontiguousarray(features.codes[:, held].T)
        return cls(grown, held, features.take(grown), codes, rng.random(len(held)))


def held_out_scores(
    halves: Halves,
    subset: npt.ArrayLike,
    response: npt.NDArray[Any],
    *,
    codes: Int32,
    n_classes: int,
    sizes: npt.NDArray[np.int64],
    weights: Int32 | None = None,
    minsplit: int | None = None,
    **settings: Any,
) -> Float | None:
    """Grow a tree on some rows, and say how leaves of several sizes serve others.

    Parameters
    ----------
    halves
        The rows.
    subset, response, n_classes, weights
        As for `grow_tree`, of all rows of the table.
    codes
        (n,) codes that have the order of the numbers, which are compared by their ranks.
    sizes
        (s,) fewest rows of a leaf, ascending.
    minsplit
        Fewest rows of a node that is split; None: three times those of a leaf.
    settings
        Other settings of `grow_tree`.

    Returns
    -------
    ndarray or None
        (s,) float64, the mean score for each size: the lower the better. None where fewer than `FEWEST` rows of a half
        have a weight.
    """
    repeats = None if weights is None else weights[halves.held]
    some = None if weights is None else weights[halves.grown]
    if some is not None and repeats is not None and min(np.count_nonzero(some), np.count_nonzero(repeats)) < FEWEST:
        return None
    smallest = 3 * sizes if minsplit is None else np.full_like(sizes, minsplit)
    own = response[halves.grown]
    tree = grow_tree(
        halves.features,
        subset,
        own,
        n_classes=n_classes,
        weights=some,
        minbucket=int(sizes[0]),
        minsplit=int(smallest[0]),
        **settings,
    )
    leaf = np.zeros(len(halves.held), dtype=np.int32)
    if len(tree.nodes) > 1:
        leaf = tree.leaves(halves.codes, halves.u)
    if n_classes:
        donors, others = own.astype(np.float64), response[halves.held].astype(np.float64)
    else:
        known = np.maximum(codes, 0)  # below 0 where rows have no weight
        ranks = _ranks(known[halves.grown], some, int(known.max()) + 1)
        donors, others = ranks[known[halves.grown]], ranks[known[halves.held]]
    if repeats is not None:
        leaf, others = np.repeat(leaf, repeats), np.repeat(others, repeats)
    scores = np.zeros(len(sizes))
    score_leaf_rows(
        tree.nodes,
        tree.start,
        tree.end,
        donors[tree.donors],
        n_classes > 0,
        others,
        leaf,
        sizes,
        smallest,
        np.zeros((len(sizes), len(tree.nodes)), dtype=np.int32),
        np.full(len(tree.nodes), -1.0),
        scores,
    )
    return scores / len(others)


def _ranks(codes: Int32, weights: Int32 | None, size: int) -> Float:
    """(size,) of each code twice how many of some codes are below it, or equal to it by half."""
    counts = np.bincount(codes, weights, minlength=size)
    return np.asarray(2 * np.cumsum(counts) - counts, dtype=np.float64)
