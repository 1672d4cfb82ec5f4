"""The within-node sum of squares, for numbers: rpart's method `anova`.

The score of a split is its decrease over the node's size.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from .chance import SIGNIFICANT, bar_of_cut, bar_of_set, worth_of_cut, worth_of_levels, worth_of_set
from .groups import MARGIN, find_groups, is_small, parts, sort_groups
from .jit import inner

__all__ = ["Anova", "open_node", "scale", "scan_level", "scan_nominal", "scan_ordered"]

MEAN, SQUARES = 0, 1  # positions in Anova.state


class Anova(NamedTuple):
    """A response of numbers.

    Attributes
    ----------
    y
        (n,) float64 response by row.
    inverse
        (N + 1,) float64: 1 / i.
    state
        (2,) float64: the node's mean and sum of squares.
    """

    y: Any
    inverse: Any
    state: Any


@inner
def moments(ys, at, length, origin):
    """Sum and sum of squares of `ys - origin`, in four strands: an addition need not wait for the one before."""
    one, two, three, four = np.uint64(1), np.uint64(2), np.uint64(3), np.uint64(4)
    begin = np.uint64(at)
    end = begin + np.uint64(length)
    whole = end - np.uint64(length) % four
    total_a = total_b = total_c = total_d = 0.0
    squares_a = squares_b = squares_c = squares_d = 0.0
    for i in range(begin, whole, four):
        a = ys[i] - origin
        b = ys[i + one] - origin
        c = ys[i + two] - origin
        d = ys[i + three] - origin
        total_a += a
        total_b += b
        total_c += c
        total_d += d
        squares_a += a * a
        squares_b += b * b
        squares_c += c * c
        squares_d += d * d
    for i in range(whole, end):
        a = ys[i] - origin
        total_a += a
        squares_a += a * a
    return (total_a + total_b) + (total_c + total_d), (squares_a + squares_b) + (squares_c + squares_d)


@inner
def open_node(policy, ys, at, length):
    """See `impurity.open_node`."""
    begin = np.uint64(at)
    # About the first response, not about 0: the squares then cancel no more than the node is wide.
    origin = ys[begin]
    total, squares = moments(ys, at, length, origin)
    policy.state[MEAN] = origin + total / length
    if squares == 0.0:
        return 0.0, -1.0
    squares -= total * total / length
    if squares < 0.0:
        squares = 0.0
    policy.state[SQUARES] = squares
    return squares, 1e-12 * squares / length


@inner
def scale(policy, length):
    """See `impurity.scale`."""
    return 0.0, policy.state[SQUARES] * policy.inverse[length] / (length - 1.0), 1.0


@inner
def scan_ordered(policy, codes, ys, at, scanned, ahead, length, minbucket, fewest, best, needed):
    """See `impurity.scan_ordered`."""
    one = np.uint64(1)
    begin = np.uint64(at)
    mean = policy.state[MEAN]
    inverse = policy.inverse
    size = np.uint64(length)
    left = 0.0
    for i in range(begin + np.uint64(length - ahead), begin + np.uint64(length)):
        left += ys[i] - mean
    first, near, far, last = parts(scanned, ahead, length, minbucket, fewest)
    for i in range(begin, begin + first):
        left += ys[i] - mean
    cut = np.uint64(0)
    offset = np.uint64(ahead) + one
    for low, high, least in ((first, near, needed), (near, far, best), (far, last, needed)):
        bar = max(best, least) * MARGIN
        for i in range(low, high):
            left += ys[begin + i] - mean
            score = left * left * (inverse[i + offset] * inverse[size - i - offset])
            if score > bar and codes[begin + i] != codes[begin + i + one]:
                best = score
                bar = score * MARGIN
                cut = i + one
    return best, np.int64(cut)


@inner
def scan_nominal(policy, codes, ys, at, length, minbucket, best, groups, chance):
    """See `impurity.scan_nominal`: the levels in the order of their mean. Returns how many occur, too."""
    n = find_groups(codes, at, length, groups)
    mean = policy.state[MEAN]
    begin = np.uint64(at)
    between = 0.0
    for g in range(n):
        start = begin + np.uint64(groups.start[g])
        total = 0.0
        for i in range(start, start + np.uint64(groups.count[g])):
            total += ys[i] - mean
        groups.key[g] = total * policy.inverse[groups.count[g]]
        between += total * groups.key[g]
    base, slope, most = worth_of_levels(chance, between * policy.inverse[length], n)
    bar = bar_of_set(chance, base, slope, most, best)
    if bar == np.inf:
        return best, 0, np.int64(0), n
    sort_groups(groups, n)
    left = 0.0
    count = np.int64(0)
    bar *= MARGIN
    n_set = 0
    n_left = np.int64(0)
    for j in range(n - 1):
        g = groups.order[j]
        count += groups.count[g]
        left += groups.key[g] * groups.count[g]
        if count >= minbucket and count <= length - minbucket:
            score = left * left * (policy.inverse[count] * policy.inverse[length - count])
            if score > bar:
                best = worth_of_set(chance, base, slope, score)
                bar = score * MARGIN
                n_set = j + 1
                n_left = count
    return best, n_set, n_left, n


@inner
def scan_level(policy, length, minbucket, fewest, best, groups, n, choice, chance, tests):
    """See `impurity.scan_nominal`: one level against the others, after that."""
    bar = max(bar_of_cut(chance, choice, best), bar_of_cut(chance, choice + tests, SIGNIFICANT)) * MARGIN
    level = -1
    for g in range(n):
        count = groups.count[g]
        if is_small(count, length, minbucket, fewest):
            left = groups.key[g] * count
            score = left * left * (policy.inverse[count] * policy.inverse[length - count])
            if score > bar:
                best = worth_of_cut(chance, choice, score)
                bar = score * MARGIN
                level = g
    return best, level
