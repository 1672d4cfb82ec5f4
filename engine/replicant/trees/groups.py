"""What the scans for splits share: the levels that occur in a node, where cuts may lie, and what counts as better."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from .jit import inner

__all__ = ["MARGIN", "Groups", "find_groups", "is_small", "parts", "sort_groups", "window"]

# A candidate must beat the best score so far by this factor, so that rounding never decides between splits that tie:
# the earlier predictor, then the lower value wins.
MARGIN = 1.0 + 1e-11


class Groups(NamedTuple):
    """Work space for the levels of a nominal predictor that occur in a node, in stream order.

    Attributes
    ----------
    start, count
        Of each level: its first entry relative to the node, entries.
    key
        What the levels are ordered by.
    order
        Positions in the above, sorted by `key`.
    """

    start: Any
    count: Any
    key: Any
    order: Any


@inner
def sort_groups(groups, n):
    """`groups.order`: the first `n` levels by key, ties in stream order (Shell's sort: little to do for few)."""
    key = groups.key
    order = groups.order
    for i in range(n):
        order[i] = i
    gap = 1
    while gap < n // 3:
        gap = 3 * gap + 1
    while gap > 0:
        for i in range(gap, n):
            moved = order[i]
            k = key[moved]
            j = i
            while j >= gap and (key[order[j - gap]] > k or (key[order[j - gap]] == k and order[j - gap] > moved)):
                order[j] = order[j - gap]
                j -= gap
            order[j] = moved
        gap //= 3


@inner
def find_groups(codes, at, length, groups):
    """Runs of equal codes in the stream: fills start and count; returns how many."""
    n = -1
    last = np.int64(-1)
    begin = np.uint64(at)
    for i in range(np.uint64(length)):
        code = np.int64(codes[begin + i])
        if code != last:
            n += 1
            groups.start[n] = np.int64(i)
            last = code
    n += 1
    for g in range(n - 1):
        groups.count[g] = groups.start[g + 1] - groups.start[g]
    groups.count[n - 1] = length - groups.start[n - 1]
    return n


@inner
def window(scanned, ahead, length, minbucket):
    """First entry after which a cut leaves `minbucket` on the left, and the end of those that leave it on the right."""
    last = length - minbucket - ahead
    if last > scanned - 1:
        last = scanned - 1
    if last < 0:
        last = 0
    first = minbucket - 1 - ahead
    if first < 0:
        first = 0
    if first > last:
        first = last
    return np.uint64(first), np.uint64(last)


@inner
def parts(scanned, ahead, length, minbucket, fewest):
    """Where cuts may lie: from the first, to the end of the last, a child is at least as large as `fewest`.

    In between are the first one and the end of those that leave `minbucket` on both sides.
    """
    first, last = window(scanned, ahead, length, fewest)
    near, far = window(scanned, ahead, length, minbucket)
    near = max(near, first)
    return first, near, max(far, near), last


@inner
def is_small(count, length, minbucket, fewest):
    """Whether the smaller child is below `minbucket`, and at least `fewest`."""
    smaller = min(count, length - count)
    return smaller < minbucket and smaller >= fewest
