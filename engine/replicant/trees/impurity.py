"""The two impurities a tree can be grown by, behind one set of functions.

`Anova` (within-node sum of squares) serves numbers, `Gini` serves classes; both as rpart's methods of that name. The
growth calls `open_node`, `scan_ordered`, `scan_nominal` and `close_node` on either, and numba picks the body by the
policy's type when it compiles, so there is one growth and no run-time dispatch.

A *score* is the policy's own monotone transform of the impurity's decrease; a candidate must beat the best so far by
`MARGIN` (relative), so that rounding never decides between splits that tie: the earlier predictor, then the lower
value wins.

Nominal predictors are split into two sets of levels. The best is found exactly by ordering the levels by their mean
response (numbers, two classes: Breiman et al. 1984, theorem 4.5), or, for more classes, by trying all sets where there
are few levels in the node. Beyond that the levels are ordered by the first principal component of their class shares
(Coppersmith, Hong and Hosking 1999), found by power iteration on the stream itself, so that neither the number of
levels nor that of classes makes a table.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import types
from numba.extending import overload

from .jit import OPTIONS, kernel

__all__ = ["MARGIN", "Anova", "Gini", "Groups", "close_node", "open_node", "scan_nominal", "scan_ordered"]

MARGIN = 1.0 + 1e-11
ALWAYS_EXHAUSTIVE = 6  # levels in the node: 31 sets are cheaper than any ordering
MOST_EXHAUSTIVE = 12  # 2047 sets, tried only where the node has at least as many rows
DENSE_CLASSES = 64  # beyond it a table of levels by classes is not kept
POWER_STEPS = 8
GOLDEN = 0.6180339887498949
SQUARES, MAJOR, PRESENT = 0, 1, 2  # places in Gini.state


class Anova(NamedTuple):
    """Sum of squares about the mean.

    Attributes
    ----------
    y
        (n,) float64 response by row.
    inverse
        (N + 1,) float64: 1 / i.
    state
        (1,) float64: the node's mean.
    """

    y: Any
    inverse: Any
    state: Any


class Gini(NamedTuple):
    """Gini index of the classes.

    Attributes
    ----------
    y
        (n,) int32 class by row.
    inverse
        (N + 1,) float64: 1 / i.
    total, left
        (K,) int64 work space, zero between nodes: the node's class counts, and those left of a candidate.
    axis
        (K,) float64 work space, zero between uses: the principal component over the classes.
    state
        (3,) int64: the node's sum of squared class counts, its largest class, how many classes it holds.
    """

    y: Any
    inverse: Any
    total: Any
    left: Any
    axis: Any
    state: Any


class Groups(NamedTuple):
    """Work space for the levels of a nominal predictor that occur in a node, in stream order.

    Attributes
    ----------
    code, start, count
        Of each level: its code, first entry relative to the node, entries.
    key
        What the levels are ordered by.
    order
        Positions in the above, sorted by `key`.
    """

    code: Any
    start: Any
    count: Any
    key: Any
    order: Any


_COMPILED = "this function has bodies for compiled code only"


def open_node(policy, ys, at, length, minbucket):
    """Prepare `policy` for a node; returns its risk (as cp counts it), and the score that a split must beat.

    A negative score says that the node is pure.
    """
    raise TypeError(_COMPILED)


def scan_ordered(policy, codes, ys, at, scanned, ahead, length, minbucket, best):
    """Best cut of an ordered predictor: the first `scanned` entries are cut, the last `ahead` go left beforehand.

    Returns (score, entries before the cut); the latter is 0 where nothing beats `best`.
    """
    raise TypeError(_COMPILED)


def scan_nominal(policy, codes, ys, at, length, minbucket, best, groups):
    """Best set of levels. Returns (score, levels in the set, entries in it); the set leads `groups.order`."""
    raise TypeError(_COMPILED)


def close_node(policy, ys, at, length):
    """Leave the work space as `open_node` expects it."""
    raise TypeError(_COMPILED)


def _is(policy: Any, kind: type) -> bool:
    return isinstance(policy, types.BaseNamedTuple) and getattr(policy, "instance_class", None) is kind


# ---------------------------------------------------------------- shared by both


@kernel
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


@kernel
def find_groups(codes, at, length, groups):
    """Runs of equal codes in the stream: fills code, start and count; returns how many."""
    n = -1
    last = np.int64(-1)
    begin = np.uint64(at)
    for i in range(np.uint64(length)):
        code = np.int64(codes[begin + i])
        if code != last:
            n += 1
            groups.code[n] = code
            groups.start[n] = np.int64(i)
            last = code
    n += 1
    for g in range(n - 1):
        groups.count[g] = groups.start[g + 1] - groups.start[g]
    groups.count[n - 1] = length - groups.start[n - 1]
    return n


@kernel
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


# ---------------------------------------------------------------- Anova


@kernel
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


@overload(open_node, jit_options=OPTIONS)
def _open_node(policy, ys, at, length, minbucket):
    if _is(policy, Anova):

        def open_anova(policy, ys, at, length, minbucket):
            begin = np.uint64(at)
            # About the first response, not about 0: the squares then cancel no more than the node is wide.
            origin = ys[begin]
            total, squares = moments(ys, at, length, origin)
            policy.state[0] = origin + total / length
            if squares == 0.0:
                return 0.0, -1.0
            squares -= total * total / length
            if squares < 0.0:
                squares = 0.0
            return squares, 1e-12 * squares / length

        return open_anova

    if _is(policy, Gini):

        def open_gini(policy, ys, at, length, minbucket):
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
            return np.float64(length - most), base * (1.0 + 1e-12) + 1e-12

        return open_gini
    return None


@kernel
def count_dense(total, spare, ys, at, length):
    """Count classes into `total`, every other entry by way of `spare`: equal neighbours need not wait for each other."""
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


@kernel
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


@kernel
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


@overload(close_node, jit_options=OPTIONS)
def _close_node(policy, ys, at, length):
    if _is(policy, Anova):

        def close_anova(policy, ys, at, length):
            pass

        return close_anova

    if _is(policy, Gini):

        def close_gini(policy, ys, at, length):
            clear_counts(policy.total, ys, at, length)

        return close_gini
    return None


@kernel
def clear_counts(counts, ys, at, length):
    """Zero the counts of the classes in a node, by whichever way is shorter."""
    if counts.shape[0] <= length:
        for k in range(counts.shape[0]):
            counts[k] = 0
    else:
        begin = np.uint64(at)
        for i in range(np.uint64(length)):
            counts[np.uint32(ys[begin + i])] = 0


@overload(scan_ordered, jit_options=OPTIONS)
def _scan_ordered(policy, codes, ys, at, scanned, ahead, length, minbucket, best):
    if _is(policy, Anova):

        def scan_anova(policy, codes, ys, at, scanned, ahead, length, minbucket, best):
            one = np.uint64(1)
            begin = np.uint64(at)
            mean = policy.state[0]
            inverse = policy.inverse
            size = np.uint64(length)
            left = 0.0
            for i in range(begin + np.uint64(length - ahead), begin + np.uint64(length)):
                left += ys[i] - mean
            first, last = window(scanned, ahead, length, minbucket)
            for i in range(begin, begin + first):
                left += ys[i] - mean
            bar = best * MARGIN
            cut = np.uint64(0)
            offset = np.uint64(ahead) + one
            for i in range(first, last):
                left += ys[begin + i] - mean
                score = left * left * (inverse[i + offset] * inverse[size - i - offset])
                if score > bar and codes[begin + i] != codes[begin + i + one]:
                    best = score
                    bar = score * MARGIN
                    cut = i + one
            return best, np.int64(cut)

        return scan_anova

    if _is(policy, Gini):

        def scan_gini(policy, codes, ys, at, scanned, ahead, length, minbucket, best):
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
            first, last = window(scanned, ahead, length, minbucket)
            bar = best * MARGIN
            cut = np.uint64(0)
            offset = np.uint64(ahead) + one
            size = np.uint64(length)
            for i in range(last):
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

        return scan_gini
    return None


@overload(scan_nominal, jit_options=OPTIONS)
def _scan_nominal(policy, codes, ys, at, length, minbucket, best, groups):
    if _is(policy, Anova):

        def nominal_anova(policy, codes, ys, at, length, minbucket, best, groups):
            n = find_groups(codes, at, length, groups)
            mean = policy.state[0]
            begin = np.uint64(at)
            for g in range(n):
                start = begin + np.uint64(groups.start[g])
                total = 0.0
                for i in range(start, start + np.uint64(groups.count[g])):
                    total += ys[i] - mean
                groups.key[g] = total * policy.inverse[groups.count[g]]
            sort_groups(groups, n)
            left = 0.0
            count = np.int64(0)
            bar = best * MARGIN
            n_set = 0
            n_left = np.int64(0)
            for j in range(n - 1):
                g = groups.order[j]
                count += groups.count[g]
                left += groups.key[g] * groups.count[g]
                if count >= minbucket and count <= length - minbucket:
                    score = left * left * (policy.inverse[count] * policy.inverse[length - count])
                    if score > bar:
                        best = score
                        bar = score * MARGIN
                        n_set = j + 1
                        n_left = count
            return best, n_set, n_left

        return nominal_anova

    if _is(policy, Gini):

        def nominal_gini(policy, codes, ys, at, length, minbucket, best, groups):
            n = find_groups(codes, at, length, groups)
            few = n <= ALWAYS_EXHAUSTIVE or (n <= MOST_EXHAUSTIVE and (1 << (n - 1)) <= length)
            if few and policy.total.shape[0] <= DENSE_CLASSES and policy.total.shape[0] > 2:
                return try_all_sets(policy, ys, at, length, minbucket, best, groups, n)
            order_by_component(policy, ys, at, length, groups, n)
            return scan_groups(policy, ys, at, length, minbucket, best, groups, n)

        return nominal_gini
    return None


# ---------------------------------------------------------------- Gini, nominal predictors


@kernel
def order_by_component(policy, ys, at, length, groups, n):
    """Order the levels by the first principal component of their class shares, weighted by their size."""
    axis = policy.axis
    begin = np.uint64(at)
    end = begin + np.uint64(length)
    # A direction that no class shares with another, leaning to the largest one; of two it is the answer already.
    for i in range(begin, end):
        k = np.uint32(ys[i])
        axis[k] = ((k + 1) * GOLDEN) % 1.0
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


@kernel
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


@kernel
def try_all_sets(policy, ys, at, length, minbucket, best, groups, n):
    """Try every set of levels without the last one, in Gray order: one level moves at a time."""
    total = policy.total
    left = policy.left
    n_classes = total.shape[0]
    table = np.zeros((n, n_classes), np.int64)
    begin = np.uint64(at)
    for g in range(n):
        start = begin + np.uint64(groups.start[g])
        for i in range(start, start + np.uint64(groups.count[g])):
            table[g, np.uint32(ys[i])] += 1
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
            a = left[k] + sign * table[g, k]
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
