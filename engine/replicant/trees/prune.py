"""Cost-complexity collapse, bottom up, as rpart does while it grows.

A split is kept where the risk it and the splits below it remove, per split, exceeds `cp` times the root's risk. Where a
child's own complexity is below its parent's, the parent is judged as if that child had been collapsed (the weaker link
goes first). Breiman et al. 1984, chapter 3; the risk is the sum of squares, or the number of misclassified rows.
"""

from __future__ import annotations

import numpy as np

from .grow import ALL_SEEN, EXTRA, FEATURE, MASK, RIGHT, THRESHOLD
from .jit import kernel

__all__ = ["prune"]


@kernel
def prune(n, nodes, start, end, seen, risk, cp):
    """Collapse what `cp` does not allow of the first `n` nodes; the rest stays in preorder: nodes, start, end, seen."""
    floor = cp * risk[0]
    below = np.empty(n, np.float64)  # risk of the leaves under a node
    splits = np.zeros(n, np.int64)
    complexity = np.empty(n, np.float64)
    skip = np.empty(n, np.int64)  # where the preorder goes on after a node's subtree
    for i in range(n - 1, -1, -1):
        below[i] = risk[i]
        complexity[i] = floor
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

    # Close the gaps: a node's new position is the number of nodes kept before it.
    position = np.empty(n, np.int32)
    kept = 0
    i = 0
    while i < n:
        position[i] = kept
        kept += 1
        i = skip[i] if nodes[i, RIGHT] == i else i + 1
    new_nodes = np.empty((kept, 4), np.int32)
    new_start = np.empty(kept, np.int32)
    new_end = np.empty(kept, np.int32)
    new_seen = np.empty(kept if seen.shape[0] > 0 else 0, np.uint32)
    i = 0
    for k in range(kept):
        new_start[k] = start[i]
        new_end[k] = end[i]
        if seen.shape[0] > 0:
            new_seen[k] = ALL_SEEN if nodes[i, RIGHT] == i else seen[i]
        if nodes[i, RIGHT] == i:
            new_nodes[k, FEATURE] = 0
            new_nodes[k, THRESHOLD] = MASK
            new_nodes[k, RIGHT] = k
            new_nodes[k, EXTRA] = 0
            i = skip[i]
        else:
            new_nodes[k, FEATURE] = nodes[i, FEATURE]
            new_nodes[k, THRESHOLD] = nodes[i, THRESHOLD]
            new_nodes[k, RIGHT] = position[nodes[i, RIGHT]]
            new_nodes[k, EXTRA] = nodes[i, EXTRA]
            i += 1
    return new_nodes, new_start, new_end, new_seen
