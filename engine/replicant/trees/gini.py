"""The Gini index, for classes: rpart's method `class`.

The score of a split is the sum of squared class counts of each branch over its size.

Beyond two classes the best set of levels of a nominal predictor is found by trying all sets where there are few levels
in the node. Beyond that the levels are ordered by the first principal component of their class shares (Coppersmith,
Hong and Hosking 1999), by power iteration on the stream itself: neither the levels nor the classes make a table.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from .chance import SIGNIFICANT, bar_of_cut, bar_of_set, worth_of_cut, worth_of_levels, worth_of_set
from .groups import MARGIN, find_groups, is_small, parts, sort_groups
from .jit import inner

__all__ = [
    "DENSE_CLASSES",
    "MOST_EXHAUSTIVE",
    "Gini",
    "close_node",
    "open_node",
    "scale",
    "scan_level",
    "scan_nominal",
    "scan_ordered",
]

ALWAYS_EXHAUSTIVE = 6  # levels in the node: 31 sets are cheaper than any ordering
MOST_EXHAUSTIVE = 12  # 2047 sets, tried only where the node has at least as many rows
DENSE_CLASSES = 64  # beyond it a table of levels by classes is not kept
POWER_STEPS = 8
GOLDEN = 0.6180339887498949
SQUARES, MAJOR, PRESENT = 0, 1, 2  # positions in Gini.state


class Gini(NamedTuple):
    """A response of classes.

    Attributes
    ----------
    y
        (n,) int32 class by row.
    inverse
        (N + 1,) float64: 1 / i.
    total, left
        (K,) int64, zero between nodes: the node's class counts, and those left of a candidate.
    axis
        (K,) float64, zero between uses: a principal component over the classes.
    state
        (3,) int64: the node's sum of squared class counts, its largest class, how many classes it holds.
    by_shares
        Whether the risk that cp counts is the Gini index, not the misclassified entries.
    table
        Work space of `MOST_EXHAUSTIVE` x K int64 for a table of levels by classes, or nothing if K is large.
    """

    y: Any
    inverse: Any
    total: Any
    left: Any
    axis: Any
    state: Any
    by_shares: Any
    table: Any


@inner
def count_dense(total, spare, ys, at, length):
    """Count classes into `total`, every other entry by way of `spare`: equal neighbours do not wait."""
    one, two = np.uint64(1), np.uint64(2)
    begin = np.uint64(at)
    end = begin + np.uint64(length)
    for i in range(begin, end - one, two):
        total[np.uint32(ys[i])] += 1
        spare[np.uint32(ys[i + one])] += 1
    if length % 2 == 1:
        total[np.uint32(ys[end - one])] += 1
    for k in range(total.shape[0]):
        total[k] += spare[k]
        spare[k] = 0


@inner
def summary(total):
    """Sum of squared counts, largest count, its class, classes present."""
    squares = np.int64(0)
    most = np.int64(0)
    major = np.int64(0)
    present = np.int64(0)
    for k in range(total.shape[0]):
        n = total[k]
        squares += n * n
        present += n > 0
        if n > most:
            most = n
            major = k
    return squares, most, major, present


@inner
def count_sparse(total, ys, at, length):
    """Count classes into `total`, and what `summary` says of them, touching no class that does not occur."""
    squares = np.int64(0)
    most = np.int64(0)
    major = np.int64(0)
    present = np.int64(0)
    begin = np.uint64(at)
    for i in range(begin, begin + np.uint64(length)):
        k = np.uint32(ys[i])
        before = total[k]
        total[k] = before + 1
        squares += 2 * before + 1
        present += before == 0
        if before >= most:
            most = before + 1
            major = np.int64(k)
    return squares, most, major, present


@inner
def clear_counts(counts, ys, at, length):
    """Zero the counts of the classes in a node, by whichever way is shorter."""
    if counts.shape[0] <= length:
        for k in range(counts.shape[0]):
            counts[k] = 0
    else:
        begin = np.uint64(at)
        for i in range(np.uint64(length)):
            counts[np.uint32(ys[begin + i])] = 0


@inner
def open_node(policy, ys, at, length):
    """See `impurity.open_node`."""
    total = policy.total
    if 4 * total.shape[0] <= length:
        count_dense(total, policy.left, ys, at, length)
        squares, most, major, present = summary(total)
    else:
        squares, most, major, present = count_sparse(total, ys, at, length)
    policy.state[SQUARES] = squares
    policy.state[MAJOR] = major
    policy.state[PRESENT] = present
    if most == length:
        return 0.0, -1.0
    base = squares * policy.inverse[length]
    risk = length - base if policy.by_shares else np.float64(length - most)
    return risk, base * (1.0 + 1e-12) + 1e-12


@inner
def close_node(policy, ys, at, length):
    """See `impurity.close_node`."""
    clear_counts(policy.total, ys, at, length)


@inner
def scale(policy, ys, at, length):
    """See `impurity.scale`."""
    total = policy.total
    base = policy.state[SQUARES] * policy.inverse[length]
    unit = (length - base) / (length - 1.0)
    if policy.state[PRESENT] == 2:
        return base, unit, 1.0
    cubes = 0.0
    if total.shape[0] <= length:
        for k in range(total.shape[0]):
            count = np.float64(total[k])
            cubes += count * count * count
    else:
        begin = np.uint64(at)
        for i in range(begin, begin + np.uint64(length)):
            count = np.float64(total[np.uint32(ys[i])])
            cubes += count * count
    one = policy.inverse[length]
    squares = base * one
    others = 1.0 - squares
    freedom = others * others / (squares + squares * squares - 2.0 * cubes * (one * one * one))
    return base, unit / freedom, freedom


@inner
def scan_ordered(policy, codes, ys, at, scanned, ahead, length, minbucket, fewest, best, needed):
    """See `impurity.scan_ordered`."""
    one = np.uint64(1)
    begin = np.uint64(at)
    total = policy.total
    left = policy.left
    inverse = policy.inverse
    left_squares = np.int64(0)
    right_squares = policy.state[SQUARES]
    for i in range(begin + np.uint64(length - ahead), begin + np.uint64(length)):
        k = np.uint32(ys[i])
        a = left[k]
        left[k] = a + 1
        left_squares += 2 * a + 1
        right_squares -= 2 * (total[k] - a) - 1
    first, near, far, last = parts(scanned, ahead, length, minbucket, fewest)
    cut = np.uint64(0)
    offset = np.uint64(ahead) + one
    size = np.uint64(length)
    for low, high, least in ((np.uint64(0), near, needed), (near, far, best), (far, last, needed)):
        bar = max(best, least) * MARGIN
        for i in range(low, high):
            k = np.uint32(ys[begin + i])
            a = left[k]
            left[k] = a + 1
            left_squares += 2 * a + 1
            right_squares -= 2 * (total[k] - a) - 1
            score = left_squares * inverse[i + offset] + right_squares * inverse[size - i - offset]
            if score > bar and i >= first and codes[begin + i] != codes[begin + i + one]:
                best = score
                bar = score * MARGIN
                cut = i + one
    clear_counts(left, ys, at, length)
    return best, np.int64(cut)


@inner
def scan_nominal(policy, codes, ys, at, length, minbucket, best, groups, chance):
    """See `impurity.scan_nominal`; returns the levels that occur, too."""
    n = find_groups(codes, at, length, groups)
    base, slope, most = worth_of_levels(chance, apart(policy, ys, at, groups, n) if chance.corrected else 0.0, n)
    bar = bar_of_set(chance, base, slope, most, best)
    if bar == np.inf:
        return best, 0, np.int64(0), n
    few = n <= ALWAYS_EXHAUSTIVE or (n <= MOST_EXHAUSTIVE and (1 << (n - 1)) <= length)
    if few and policy.total.shape[0] <= DENSE_CLASSES and policy.total.shape[0] > 2:
        score, n_set, n_left = try_all_sets(policy, ys, at, length, minbucket, bar, groups, n)
    else:
        order_by_component(policy, ys, at, length, groups, n)
        score, n_set, n_left = scan_groups(policy, ys, at, length, minbucket, bar, groups, n)
    return worth_of_set(chance, base, slope, score) if n_set > 0 else best, n_set, n_left, n


@inner
def scan_level(policy, ys, at, length, minbucket, fewest, best, groups, n, choice, chance, tests):
    """See `impurity.scan_nominal`: one level against the others, after that."""
    total = policy.total
    left = policy.left
    begin = np.uint64(at)
    bar = max(bar_of_cut(chance, choice, best), bar_of_cut(chance, choice + tests, SIGNIFICANT)) * MARGIN
    level = -1
    for g in range(n):
        count = groups.count[g]
        if is_small(count, length, minbucket, fewest):
            start = begin + np.uint64(groups.start[g])
            end = start + np.uint64(count)
            left_squares = np.int64(0)
            right_squares = policy.state[SQUARES]
            for i in range(start, end):
                k = np.uint32(ys[i])
                a = left[k]
                left[k] = a + 1
                left_squares += 2 * a + 1
                right_squares -= 2 * (total[k] - a) - 1
            for i in range(start, end):
                left[np.uint32(ys[i])] = 0
            score = left_squares * policy.inverse[count] + right_squares * policy.inverse[length - count]
            if score > bar:
                best = worth_of_cut(chance, choice, score)
                bar = score * MARGIN
                level = g
    return best, level


@inner
def apart(policy, ys, at, groups, n):
    """The score of all levels apart: the sum of squared class counts of each over its size."""
    left = policy.left
    begin = np.uint64(at)
    score = 0.0
    for g in range(n):
        start = begin + np.uint64(groups.start[g])
        end = start + np.uint64(groups.count[g])
        squares = np.int64(0)
        for i in range(start, end):
            k = np.uint32(ys[i])
            a = left[k]
            left[k] = a + 1
            squares += 2 * a + 1
        score += squares * policy.inverse[groups.count[g]]
        for i in range(start, end):
            left[np.uint32(ys[i])] = 0
    return score


@inner
def order_by_component(policy, ys, at, length, groups, n):
    """Order the levels by the first principal component of their class shares, weighted by their size."""
    axis = policy.axis
    begin = np.uint64(at)
    end = begin + np.uint64(length)
    # A direction that no class shares with another, leaning to the largest one; of two it is the answer already.
    for i in range(begin, end):
        k = np.uint32(ys[i])
        share = (k + 1) * GOLDEN
        axis[k] = share - np.int64(share)
    axis[policy.state[MAJOR]] += 1.0
    steps = 1 if policy.state[PRESENT] == 2 else POWER_STEPS
    for step in range(steps):
        centre = 0.0
        for g in range(n):
            start = begin + np.uint64(groups.start[g])
            total = 0.0
            for i in range(start, start + np.uint64(groups.count[g])):
                total += axis[np.uint32(ys[i])]
            groups.key[g] = total / groups.count[g]
            centre += total
        centre /= length
        clear_counts(axis, ys, at, length)
        if step == steps - 1:
            break
        for g in range(n):
            start = begin + np.uint64(groups.start[g])
            deviation = groups.key[g] - centre
            for i in range(start, start + np.uint64(groups.count[g])):
                axis[np.uint32(ys[i])] += deviation
    sort_groups(groups, n)


@inner
def scan_groups(policy, ys, at, length, minbucket, best, groups, n):
    """Cut the ordered levels where the Gini score is best."""
    total = policy.total
    left = policy.left
    left_squares = np.int64(0)
    right_squares = policy.state[SQUARES]
    begin = np.uint64(at)
    count = np.int64(0)
    bar = best * MARGIN
    n_set = 0
    n_left = np.int64(0)
    for j in range(n - 1):
        g = groups.order[j]
        start = begin + np.uint64(groups.start[g])
        for i in range(start, start + np.uint64(groups.count[g])):
            k = np.uint32(ys[i])
            a = left[k]
            left[k] = a + 1
            left_squares += 2 * a + 1
            right_squares -= 2 * (total[k] - a) - 1
        count += groups.count[g]
        if count >= minbucket and count <= length - minbucket:
            score = left_squares * policy.inverse[count] + right_squares * policy.inverse[length - count]
            if score > bar:
                best = score
                bar = score * MARGIN
                n_set = j + 1
                n_left = count
    clear_counts(left, ys, at, length)
    return best, n_set, n_left


@inner
def try_all_sets(policy, ys, at, length, minbucket, best, groups, n):
    """Try every set of levels without the last one, in Gray order: one level moves at a time."""
    total = policy.total
    left = policy.left
    n_classes = total.shape[0]
    table = policy.table
    for i in range(n * n_classes):
        table[i] = 0
    begin = np.uint64(at)
    for g in range(n):
        start = begin + np.uint64(groups.start[g])
        for i in range(start, start + np.uint64(groups.count[g])):
            table[g * n_classes + np.int64(ys[i])] += 1
    count = np.int64(0)
    bar = best * MARGIN
    chosen = np.int64(0)
    n_left = np.int64(0)
    current = np.int64(0)
    for step in range(1, 1 << (n - 1)):
        g = 0
        while (step >> g) & 1 == 0:
            g += 1
        sign = -1 if (current >> g) & 1 else 1
        current ^= 1 << g
        count += sign * groups.count[g]
        left_squares = np.int64(0)
        right_squares = np.int64(0)
        for k in range(n_classes):
            a = left[k] + sign * table[g * n_classes + k]
            left[k] = a
            left_squares += a * a
            b = total[k] - a
            right_squares += b * b
        if count >= minbucket and count <= length - minbucket:
            score = left_squares * policy.inverse[count] + right_squares * policy.inverse[length - count]
            if score > bar:
                best = score
                bar = score * MARGIN
                chosen = current
                n_left = count
    for k in range(n_classes):
        left[k] = 0
    n_set = 0
    rest = n - 1
    for g in range(n):
        if (chosen >> g) & 1:
            groups.order[n_set] = g
            n_set += 1
    for g in range(n - 1, -1, -1):
        if not (chosen >> g) & 1:
            groups.order[rest] = g
            rest -= 1
    return best, n_set, n_left
