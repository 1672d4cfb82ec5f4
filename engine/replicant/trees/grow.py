"""Growing: one loop over nodes, depth first, for either impurity.

Nothing recurses and no node is an object. A node is a range of the streams; the stack holds the ranges still to be
looked at. The left child of node i is i + 1 (preorder), so a node keeps only its right child.

Node table, int32 (nodes, 4), columns
    FEATURE     predictor that splits the node
    THRESHOLD   ordered predictor: codes up to it go left; MASK, BITSET or SORTED: a nominal one
    RIGHT       right child; a leaf is its own, and sends nothing left: its mask is empty
    EXTRA       ordered: 1 where missing goes left, else 0; MASK: the set of levels that go left, a bit each;
                BITSET, SORTED: where the set stands in the pool
and int32 `start`, `end`: the node's range of donors.

Where splits are corrected for chance (see `chance`) the table has one more column by itself, uint32
    seen        what the node has seen of its predictor: MASK: a bit for each level; BITSET, SORTED: where the set
                stands in the pool; ALL_SEEN; ordered: ALL_SEEN, or 0 where missing occurs elsewhere but not here
"""

from __future__ import annotations

import numpy as np

from .chance import bar_of_cut, chance_of, choices, worth_of_cut
from .groups import Groups
from .impurity import close_node, open_node, scale, scan_nominal, scan_ordered
from .jit import inner, kernel
from .streams import SMALL, copy_partition, copy_rows, fill_stream, fill_weighted, mark, partition

__all__ = ["ALL_SEEN", "BITSET", "EXTRA", "FEATURE", "LARGEST_BITSET", "MASK", "RIGHT", "SORTED", "THRESHOLD", "grow"]

FEATURE, THRESHOLD, RIGHT, EXTRA = 0, 1, 2, 3
MASK, BITSET, SORTED = -1, -2, -3
ALL_SEEN = 0xFFFFFFFF
LARGEST_MASK = 32
LARGEST_BITSET = 2048  # levels; sets of longer predictors are stored as sorted codes


@inner
def middle(values, base, below, above):
    """The largest code whose value is at most the midpoint between the values of two codes."""
    cut = 0.5 * (values[base + below] + values[base + above])
    low = below
    high = above
    while high - low > 1:
        half = (low + high) >> 1
        if values[base + half] <= cut:
            low = half
        else:
            high = half
    return low


@inner
def missing_in(codes, at, length, size):
    """How many entries at the end of a stream's range are missing (code `size`)."""
    low = 0
    high = length
    while low < high:
        half = (low + high) >> 1
        if codes[at + half] >= size:
            high = half
        else:
            low = half + 1
    return length - low


@inner
def store_set(pool, used, size, codes, at, length, goes_left, default_left):
    """Store which levels go left; levels absent from the node follow `default_left`.

    The stream holds the node's levels in the order of their codes. Returns the pool, how much of it is used, and what
    THRESHOLD and EXTRA say.
    """
    form = BITSET if size <= LARGEST_BITSET else SORTED
    words = (size + 31) >> 5
    pool = enlarged(pool, used + (words if form == BITSET else 2 + length))
    if form == BITSET:
        for w in range(used, used + words):
            pool[w] = np.uint32(0xFFFFFFFF) if default_left else np.uint32(0)
    count = 0
    last = np.int64(-1)
    for i in range(at, at + length):
        code = np.int64(codes[i])
        if code == last or goes_left[code] == default_left:
            continue
        last = code
        if form == BITSET:
            pool[used + (code >> 5)] ^= np.uint32(1) << np.uint32(code & 31)
        else:
            pool[used + 2 + count] = np.uint32(code)
            count += 1
    if size <= LARGEST_MASK:
        return pool, used, MASK, np.int32(pool[used])
    if form == BITSET:
        return pool, used + words, form, np.int32(used)
    # How many codes are listed, whether they go left, the codes ascending: the branch that absent levels do not take.
    pool[used] = np.uint32(count)
    pool[used + 1] = np.uint32(0) if default_left else np.uint32(1)
    return pool, used + 2 + count, form, np.int32(used)


@inner
def store_seen(pool, used, size, codes, at, length):
    """Store which levels occur in the node. Returns the pool, how much of it is used, and what `seen` says."""
    count = 0
    mask = np.uint32(0)
    last = np.int64(-1)
    for i in range(at, at + length):
        code = np.int64(codes[i])
        if code != last:
            last = code
            count += 1
            mask |= np.uint32(1) << np.uint32(code & 31)
    if count == size:
        return pool, used, np.uint32(ALL_SEEN)
    if size <= LARGEST_MASK:
        return pool, used, mask
    words = (size + 31) >> 5
    bits = size <= LARGEST_BITSET
    pool = enlarged(pool, used + (words if bits else 2 + count))
    if bits:
        for w in range(used, used + words):
            pool[w] = np.uint32(0)
    else:
        pool[used] = np.uint32(count)
        pool[used + 1] = np.uint32(1)
    end = used + 2
    last = np.int64(-1)
    for i in range(at, at + length):
        code = np.int64(codes[i])
        if bits:
            pool[used + (code >> 5)] |= np.uint32(1) << np.uint32(code & 31)
        elif code != last:
            last = code
            pool[end] = np.uint32(code)
            end += 1
    return pool, used + words if bits else end, np.uint32(used)


@inner
def enlarged(pool, needed):
    """The pool, doubled until `needed` words fit."""
    size = pool.shape[0]
    if needed <= size:
        return pool
    while size < needed:
        size *= 2
    larger = np.empty(size, np.uint32)
    for i in range(pool.shape[0]):
        larger[i] = pool[i]
    return larger


@kernel
def grow(
    policy,
    codes,
    order,
    sizes,
    nominal,
    values,
    bases,
    subset,
    weights,
    total,
    rows,
    keys,
    ys,
    minbucket,
    minsplit,
    maxdepth,
    corrected,
    repetition,
):
    """Grow one tree, before pruning.

    Parameters
    ----------
    policy
        `Anova` or `Gini`: the response by row, and the work space of its impurity.
    codes, order
        (F, n) int32: every predictor's codes by row (-1 missing), and rows sorted by code.
    sizes, nominal, values, bases
        Codes, kind, and the values of the codes (predictor f's from `bases[f]`), of every predictor.
    subset
        (p,) int32: the predictors that may be used.
    weights
        (n,) int32 repetitions of each row, or an empty array: once each.
    total
        Their sum, N.
    rows, keys, ys
        Buffers for p + 1 streams, from `streams.allocate`.
    corrected
        Whether gains are corrected for chance.
    repetition
        Sum of squared weights over their sum.

    Returns
    -------
    tuple
        The number of nodes; arrays that may be longer: nodes (., 4), start, end int32, risk float64; donors int32; the
        used length of the pool, and the pool uint32; `seen` uint32, which is empty where nothing is corrected.
    """
    p = subset.shape[0]
    weighted = weights.shape[0] > 0
    n = policy.y.shape[0]
    # Stream p has no codes of use: it carries rows and responses to the leaves whatever predictors are dropped.
    length = np.int64((p + 1) * total)
    spare = SMALL if total > SMALL else total
    most_levels = np.int64(1)
    for k in range(p):
        f = subset[k]
        if weighted:
            fill_weighted(order[f], codes[f], sizes[f], policy.y, weights, rows, keys, ys, k * total)
        else:
            fill_stream(order[f], codes[f], sizes[f], policy.y, rows, keys, ys, k * total)
        if nominal[f] and sizes[f] > most_levels:
            most_levels = np.int64(sizes[f])
    at = p * total
    for row in range(n):
        for _ in range(weights[row] if weighted else 1):
            rows[at] = row
            keys[at] = 0
            ys[at] = policy.y[row]
            at += 1

    groups = Groups(
        np.empty(most_levels, np.int32),
        np.empty(most_levels, np.int64),
        np.empty(most_levels, np.int64),
        np.empty(most_levels, np.float64),
        np.empty(most_levels, np.int64),
    )
    best_codes = np.empty(most_levels, np.int32)
    goes_left = np.zeros(most_levels, np.uint8)
    branch = np.empty(n, np.uint8)
    spare_rows = np.empty(total + 1, np.int32)
    spare_keys = np.empty(total + 1, np.int32)
    spare_ys = np.empty(total + 1, policy.y.dtype)

    capacity = 2 * (total // minbucket) + 3
    nodes = np.empty((capacity, 4), np.int32)
    start = np.empty(capacity, np.int32)
    end = np.empty(capacity, np.int32)
    risk = np.empty(capacity, np.float64)
    seen = np.empty(capacity if corrected else 0, np.uint32)
    donors = np.empty(total, np.int32)
    pool = np.empty(256, np.uint32)
    used = np.int64(0)

    # Predictors that still vary, by depth: a child looks only at those that varied in its parent.
    active = np.empty((maxdepth + 2, p), np.int32)
    n_active = np.empty(maxdepth + 2, np.int64)
    for k in range(p):
        active[0, k] = k
    n_active[0] = p

    # start, end, depth, parent (for its right child), buffer (0 large, 1 small), first entry of the small subtree
    stack = np.empty((2 * maxdepth + 4, 6), np.int32)
    stack[0, 0] = 0
    stack[0, 1] = total
    stack[0, 2] = 0
    stack[0, 3] = -1
    stack[0, 4] = 0
    stack[0, 5] = -1
    top = 1
    n_nodes = 0
    while top > 0:
        top -= 1
        s = np.int64(stack[top, 0])
        e = np.int64(stack[top, 1])
        depth = np.int64(stack[top, 2])
        parent = np.int64(stack[top, 3])
        buffer = np.int64(stack[top, 4])
        origin = np.int64(stack[top, 5])
        m = e - s
        me = n_nodes
        n_nodes += 1
        if parent >= 0:
            nodes[parent, RIGHT] = me
        nodes[me, FEATURE] = 0
        nodes[me, THRESHOLD] = MASK
        nodes[me, RIGHT] = me
        nodes[me, EXTRA] = 0
        start[me] = s
        end[me] = e
        here = s if buffer == 0 else length + s - origin
        pitch = total if buffer == 0 else spare
        risk[me], best = open_node(policy, ys, here + p * pitch, m)
        splits = best >= 0.0 and m >= minsplit and depth < maxdepth
        offset = unit = freedom = 1.0
        choice = 0.0
        floor = best
        if corrected:
            seen[me] = ALL_SEEN
            best = -np.inf
            if splits:
                offset, unit, freedom = scale(policy, ys, here + p * pitch, m)
        chance = chance_of(corrected, floor, offset, unit * repetition, freedom, m / repetition)

        best_k = -1
        best_cut = np.int64(0)
        best_ahead = np.int64(0)
        best_left = np.int64(0)
        best_set = 0
        n_kept = 0
        if splits:
            for j in range(n_active[depth]):
                k = active[depth, j]
                f = subset[k]
                at = here + k * pitch
                if keys[at] == keys[at + m - 1]:
                    continue
                active[depth + 1, n_kept] = k
                n_kept += 1
                if nominal[f]:
                    best, n_set, n_left = scan_nominal(policy, keys, ys, at, m, minbucket, best, groups, chance)
                    if n_set > 0:
                        best_k = k
                        best_set = n_set
                        best_left = n_left
                        for i in range(n_set):
                            best_codes[i] = groups.code[groups.order[i]]
                    continue
                missing = np.int64(0)
                if keys[at + m - 1] == sizes[f]:
                    missing = missing_in(keys, at, m, sizes[f])
                # Missing goes right with what is above the cut; then, where there is any, left with what is below.
                ahead = np.int64(0)
                while True:
                    scanned = m if ahead == 0 else m - missing
                    bar = best
                    if corrected:
                        choice = choices(keys, at, scanned, ahead, m, minbucket, 2 if missing > 0 else 1)
                        bar = bar_of_cut(chance, choice, best)
                    score, cut = scan_ordered(policy, keys, ys, at, scanned, ahead, m, minbucket, bar)
                    if cut > 0:
                        best = worth_of_cut(chance, choice, score) if corrected else score
                        best_k = k
                        best_cut = cut
                        best_ahead = ahead
                        best_left = cut + ahead
                    if ahead == missing:
                        break
                    ahead = missing
        n_active[depth + 1] = n_kept
        close_node(policy, ys, here + p * pitch, m)
        if best_k < 0:
            copy_rows(rows, here + p * pitch, m, donors, s)
            continue

        f = subset[best_k]
        at = here + best_k * pitch
        default_left = best_left >= m - best_left
        nodes[me, FEATURE] = f
        if nominal[f]:
            for i in range(best_set):
                goes_left[best_codes[i]] = True
            pool, used, nodes[me, THRESHOLD], nodes[me, EXTRA] = store_set(
                pool, used, sizes[f], keys, at, m, goes_left, default_left
            )
            if corrected:
                pool, used, seen[me] = store_seen(pool, used, sizes[f], keys, at, m)
            for i in range(m):
                branch[rows[at + i]] = goes_left[keys[at + i]]
            for i in range(best_set):
                goes_left[best_codes[i]] = False
        else:
            above = keys[at + best_cut]
            below = keys[at + best_cut - 1]
            seen_missing = keys[at + m - 1] == sizes[f]
            # Missing against the rest: every value is of the rest, also one above all in the node.
            nodes[me, THRESHOLD] = sizes[f] - 1 if above == sizes[f] else middle(values, bases[f], below, above)
            nodes[me, EXTRA] = best_ahead > 0 if seen_missing else default_left
            if corrected and not seen_missing and codes[f, order[f, n - 1]] < 0:
                seen[me] = 0
            mark(branch, rows, at, best_cut, 1)
            mark(branch, rows, at + best_cut, m - best_cut - best_ahead, 0)
            mark(branch, rows, at + m - best_ahead, best_ahead, 1)

        # Children that cannot be split need their rows and responses only.
        grows = depth + 1 < maxdepth and (best_left >= minsplit or m - best_left >= minsplit)
        child_buffer = buffer
        child_origin = origin
        if m <= spare:
            child_buffer = 1 - buffer
            child_origin = s if origin < 0 else origin
        there = s if child_buffer == 0 else length + s - child_origin
        child_pitch = total if child_buffer == 0 else spare
        for j in range(n_kept if grows else 0, -1, -1):
            k = np.int64(active[depth + 1, j - 1]) if j > 0 else p
            if m <= spare:
                copy_partition(rows, keys, ys, here + k * pitch, m, best_left, branch, there + k * child_pitch)
            elif k != best_k or nominal[f] or best_ahead > 0:  # else it is in order already
                partition(rows, keys, ys, here + k * pitch, m, branch, spare_rows, spare_keys, spare_ys)

        middle_at = s + best_left
        stack[top, 0] = middle_at
        stack[top, 1] = e
        stack[top, 2] = depth + 1
        stack[top, 3] = me
        stack[top, 4] = child_buffer
        stack[top, 5] = child_origin
        top += 1
        stack[top, 0] = s
        stack[top, 1] = middle_at
        stack[top, 2] = depth + 1
        stack[top, 3] = -1
        stack[top, 4] = child_buffer
        stack[top, 5] = child_origin
        top += 1
    return n_nodes, nodes, start, end, risk, donors, used, pool, seen
