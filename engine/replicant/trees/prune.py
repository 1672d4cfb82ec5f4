"""Cost-complexity collapse, bottom up, as rpart does while it grows.

A split is kept where the risk it and the splits below it remove, per split, exceeds `cp` times the root's risk. Where a
child's own complexity is below its parent's, the parent is judged as if that child had been collapsed (the weaker link
goes first). Breiman et al. 1984, chapter 3; the risk is the sum of squares, or the number of misclassified rows.
"""

from __future__ import annotations

import numpy as np

from .grow import ALL_SEEN, EXTRA, FEATURE, MASK, RIGHT, THRESHOLD
from .jit import kernel, merged

__all__ = ["close_gaps", "prune"]


@kernel
def prune(nodes, start, end, seen, risk, cp, below, complexity, splits, skip):
    """Collapse what `cp` does not allow; the rest moves to the front, in preorder. Returns how many nodes that is.

    Parameters
    ----------
    nodes, start, end, seen, risk
        See `Growth`; `risk` has an entry for each node.
    cp
        Complexity parameter.
    below, complexity, splits, skip
        Work space for each node, float64 and int64: the risk of the leaves under it, its complexity, the splits there,
        and where the preorder goes on after its subtree.
    """
    n = risk.shape[0]
    floor = cp * risk[0]
    for i in range(n - 1, -1, -1):
        below[i] = risk[i]
        complexity[i] = floor
        splits[i] = 0
        skip[i] = i + 1
        if nodes[i, RIGHT] == i:
            continue
        left = i + 1
        right = np.int64(nodes[i, RIGHT])
        skip[i] = skip[right]
        left_risk, left_splits = below[left], splits[left]
        right_risk, right_splits = below[right], splits[right]
        gain = (risk[i] - (left_risk + right_risk)) / (left_splits + right_splits + 1)
        if complexity[right] > complexity[left]:
            if gain > complexity[left]:
                left_risk, left_splits = risk[left], 0
                gain = (risk[i] - (left_risk + right_risk)) / (right_splits + 1)
                if gain > complexity[right]:
                    right_risk, right_splits = risk[right], 0
        elif gain > complexity[right]:
            right_risk, right_splits = risk[right], 0
            gain = (risk[i] - (left_risk + right_risk)) / (left_splits + 1)
            if gain > complexity[left]:
                left_risk, left_splits = risk[left], 0
        gain = (risk[i] - (left_risk + right_risk)) / (left_splits + right_splits + 1)
        if gain <= floor:
            nodes[i, RIGHT] = i
        else:
            complexity[i] = gain
            below[i] = left_risk + right_risk
            splits[i] = left_splits + right_splits + 1

    return close_gaps(nodes, start, end, seen, skip, splits)


@merged
def close_gaps(nodes, start, end, seen, skip, position):
    """Move what is left of a tree to the front, in preorder: a new position is the number of nodes kept before."""
    n = skip.shape[0]
    kept = 0
    i = 0
    while i < n:
        position[i] = kept
        kept += 1
        i = skip[i] if nodes[i, RIGHT] == i else i + 1
    i = 0
    for k in range(kept):
        start[k] = start[i]
        end[k] = end[i]
        right = np.int64(nodes[i, RIGHT])
        leaf = right == i
        if seen.shape[0] > 0:
            seen[k] = ALL_SEEN if leaf else seen[i]
        nodes[k, FEATURE] = 0 if leaf else nodes[i, FEATURE]
        nodes[k, THRESHOLD] = MASK if leaf else nodes[i, THRESHOLD]
        nodes[k, RIGHT] = k if leaf else position[right]
        nodes[k, EXTRA] = 0 if leaf else nodes[i, EXTRA]
        i = skip[i] if leaf else i + 1
    return kept
