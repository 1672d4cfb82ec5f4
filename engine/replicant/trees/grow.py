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

from .chance import SIGNIFICANT, bar_of_cut, chance_of, choices, worth_of_cut
from .growth import NODES, TOP, USED
from .impurity import close_node, open_node, scale, scan_nominal, scan_ordered
from .jit import inner, kernel, merged
from .streams import SMALL, copy_partition, copy_rows, fill_responses, fill_stream, mark, partition

__all__ = [
    "ALL_SEEN",
    "BITSET",
    "EXTRA",
    "FEATURE",
    "LARGEST_BITSET",
    "MASK",
    "RIGHT",
    "SORTED",
    "THRESHOLD",
    "grow",
]

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

    The stream holds the node's levels in the order of their codes. Returns how much of the pool is used, and what
    THRESHOLD and EXTRA say.
    """
    form = BITSET if size <= LARGEST_BITSET else SORTED
    words = (size + 31) >> 5
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
        return used, MASK, np.int32(pool[used])
    if form == BITSET:
        return used + words, form, np.int32(used)
    # How many codes are listed, whether they go left, the codes ascending: the branch that absent levels do not take.
    pool[used] = np.uint32(count)
    pool[used + 1] = np.uint32(0) if default_left else np.uint32(1)
    return used + 2 + count, form, np.int32(used)


@inner
def store_seen(pool, used, size, codes, at, length):
    """Store which levels occur in the node. Returns how much of the pool is used, and what `seen` says."""
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
        return used, np.uint32(ALL_SEEN)
    if size <= LARGEST_MASK:
        return used, mask
    words = (size + 31) >> 5
    bits = size <= LARGEST_BITSET
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
    return used + words if bits else end, np.uint32(used)


@merged
def fill(response, predictors, weights, total, streams, growth):
    """The streams, and the root's range on the stack."""
    p = predictors.subset.shape[0]
    for k in range(p):
        f = predictors.subset[k]
        growth.active[0, k] = k
        fill_stream(streams, k * total, predictors.order[f], predictors.codes[f], predictors.sizes[f], weights)
    growth.active[0, p] = p
    # Stream p has no codes of use: it carries rows and responses to the leaves whatever predictors are dropped.
    at = p * total
    for row in range(growth.branch.shape[0]):
        for _ in range(weights[row] if weights.shape[0] > 0 else 1):
            streams.rows[at] = row
            streams.codes[at] = 0
            at += 1
    if response.by_class:
        fill_responses(streams.classes, streams.rows, response.gini.y, at)
    else:
        fill_responses(streams.numbers, streams.rows, response.anova.y, at)
    push(growth, 0, total, 0, -1, 0, -1)


@merged
def push(growth, start, end, depth, parent, buffer, origin):
    """Put a range on the stack."""
    top = growth.state[TOP]
    stack = growth.stack
    stack[top, 0] = start
    stack[top, 1] = end
    stack[top, 2] = depth
    stack[top, 3] = parent
    stack[top, 4] = buffer
    stack[top, 5] = origin
    growth.state[TOP] = top + 1


@merged
def find_split(response, predictors, streams, growth, chance, here, pitch, m, depth, minbucket, fewest, best):
    """The best split of a node whose streams begin at `here`.

    Returns the position of its predictor in the subset, -1 if there is none; for an ordered one the entries before the
    cut, and how many missing ones go left beforehand; for a nominal one how many levels are in the set, which are
    `growth.best_codes`; and how many entries go left.
    """
    keys = streams.codes
    groups = growth.groups
    active = growth.active
    p = predictors.subset.shape[0]
    best_k = np.int64(-1)
    best_cut = np.int64(0)
    best_ahead = np.int64(0)
    best_left = np.int64(0)
    best_set = np.int64(0)
    kept = 0
    choice = wider = 0.0
    tests = np.log(np.float64(active[depth, p]))  # a small child's split is to be significant among all predictors
    for j in range(active[depth, p]):
        k = np.int64(active[depth, j])
        f = predictors.subset[k]
        size = predictors.sizes[f]
        at = here + k * pitch
        last = keys[at + m - 1]
        if keys[at] == last:
            continue
        active[depth + 1, kept] = k
        kept += 1
        if predictors.nominal[f]:
            best, n_set, n_left = scan_nominal(response, streams, at, m, minbucket, fewest, best, groups, chance, tests)
            if n_set > 0:
                best_k = k
                best_set = n_set
                best_left = n_left
                for i in range(n_set):
                    growth.best_codes[i] = keys[at + groups.start[groups.order[i]]]
            continue
        missing = missing_in(keys, at, m, size) if last == size else np.int64(0)
        # Missing goes right with what is above the cut; then, where there is any, left with what is below.
        ahead = np.int64(0)
        while True:
            scanned = m if ahead == 0 else m - missing
            bar = needed = best
            if chance.corrected:
                base = predictors.rank_bases[f] if predictors.ranks.shape[0] > 0 else np.int64(0)
                scans = 2 if missing > 0 else 1
                choice = choices(keys, at, scanned, ahead, m, minbucket, scans, predictors.ranks, base)
                bar = bar_of_cut(chance, choice, best)
                if fewest < minbucket:
                    wider = choices(keys, at, scanned, ahead, m, fewest, scans, predictors.ranks, base)
                    needed = max(bar_of_cut(chance, wider, best), bar_of_cut(chance, wider + tests, SIGNIFICANT))
            score, cut = scan_ordered(response, streams, at, scanned, ahead, m, minbucket, fewest, bar, needed)
            if cut > 0:
                if min(cut + ahead, m - cut - ahead) < minbucket:
                    choice = wider
                best = worth_of_cut(chance, choice, score) if chance.corrected else score
                best_k = k
                best_cut = cut
                best_ahead = ahead
                best_left = cut + ahead
            if ahead == missing:
                break
            ahead = missing
    active[depth + 1, p] = kept
    return best_k, best_cut, best_ahead, best_set, best_left


@merged
def store_split(predictors, streams, growth, me, f, at, m, cut, ahead, n_set, n_left):
    """Enter the split of a node by predictor f, whose stream begins at `at`, and say of each row where it goes."""
    keys = streams.codes
    rows = streams.rows
    nodes = growth.nodes
    branch = growth.branch
    size = predictors.sizes[f]
    corrected = growth.seen.shape[0] > 0
    default_left = n_left >= m - n_left
    nodes[me, FEATURE] = f
    if predictors.nominal[f]:
        goes_left = growth.goes_left
        for i in range(n_set):
            goes_left[growth.best_codes[i]] = True
        used, nodes[me, THRESHOLD], nodes[me, EXTRA] = store_set(
            growth.pool, growth.state[USED], size, keys, at, m, goes_left, default_left
        )
        if corrected:
            used, growth.seen[me] = store_seen(growth.pool, used, size, keys, at, m)
        growth.state[USED] = used
        for i in range(m):
            branch[rows[at + i]] = goes_left[keys[at + i]]
        for i in range(n_set):
            goes_left[growth.best_codes[i]] = False
        return
    above = keys[at + cut]
    below = keys[at + cut - 1]
    seen_missing = keys[at + m - 1] == size
    # Missing against the rest: every value is of the rest, also one above all in the node.
    nodes[me, THRESHOLD] = size - 1 if above == size else middle(predictors.values, predictors.bases[f], below, above)
    nodes[me, EXTRA] = ahead > 0 if seen_missing else default_left
    if corrected and not seen_missing and predictors.codes[f, predictors.order[f, branch.shape[0] - 1]] < 0:
        growth.seen[me] = 0
    mark(branch, rows, at, m, cut, ahead)


@kernel
def grow(
    response,
    predictors,
    weights,
    total,
    streams,
    growth,
    minbucket,
    fewest,
    minsplit,
    maxdepth,
    repetition,
):
    """Grow one tree, before pruning.

    Parameters
    ----------
    response
        From `impurity.response_for`.
    predictors
        `Predictors`.
    weights
        (n,) int32 repetitions of each row, or an empty array: once each.
    total
        Their sum, N.
    streams
        p + 1 of them, from `streams.allocate`.
    growth
        From `start_growth`. Gains are corrected for chance if its `seen` is not empty.
    minbucket, fewest
        Fewest entries of a leaf; and of one that is worth `chance.SIGNIFICANT`. The same where gains are not corrected.
    repetition
        Sum of squared weights over their sum.

    Returns
    -------
    bool
        Whether the tree is grown. If not, the pool may be too short for the next node: with a longer one that begins
        the same, the growth goes on where it was.
    """
    nodes = growth.nodes
    state = growth.state
    stack = growth.stack
    active = growth.active
    corrected = growth.seen.shape[0] > 0
    p = predictors.subset.shape[0]
    length = np.int64((p + 1) * total)
    spare = SMALL if total > SMALL else total
    if state[NODES] == 0:
        fill(response, predictors, weights, total, streams, growth)
    longest = 2 * (growth.goes_left.shape[0] + 2)  # two sets of levels
    while state[TOP] > 0 and state[USED] + longest <= growth.pool.shape[0]:
        top = state[TOP] - 1
        state[TOP] = top
        s = np.int64(stack[top, 0])
        e = np.int64(stack[top, 1])
        depth = np.int64(stack[top, 2])
        parent = np.int64(stack[top, 3])
        buffer = np.int64(stack[top, 4])
        origin = np.int64(stack[top, 5])
        m = e - s
        me = state[NODES]
        state[NODES] = me + 1
        if parent >= 0:
            nodes[parent, RIGHT] = me
        nodes[me, FEATURE] = 0
        nodes[me, THRESHOLD] = MASK
        nodes[me, RIGHT] = me
        nodes[me, EXTRA] = 0
        growth.start[me] = s
        growth.end[me] = e
        here = s if buffer == 0 else length + s - origin
        pitch = total if buffer == 0 else spare
        carried = here + p * pitch
        risk, floor = open_node(response, streams, carried, m)
        growth.risk[me] = risk
        best = floor
        best_k = np.int64(-1)
        offset = unit = freedom = 1.0
        if corrected:
            growth.seen[me] = ALL_SEEN
            best = -np.inf
        if floor >= 0.0 and m >= minsplit and depth < maxdepth:
            if corrected:
                offset, unit, freedom = scale(response, streams, carried, m)
            chance = chance_of(corrected, floor, offset, unit * repetition, freedom, m / repetition)
            best_k, cut, ahead, n_set, n_left = find_split(
                response, predictors, streams, growth, chance, here, pitch, m, depth, minbucket, fewest, best
            )
        close_node(response, streams, carried, m)
        if best_k < 0:
            copy_rows(streams.rows, carried, m, growth.donors, s)
            continue

        f = predictors.subset[best_k]
        store_split(predictors, streams, growth, me, f, here + best_k * pitch, m, cut, ahead, n_set, n_left)

        # Children that cannot be split need their rows and responses only.
        grows = depth + 1 < maxdepth and (n_left >= minsplit or m - n_left >= minsplit)
        child_buffer = buffer
        child_origin = origin
        if m <= spare:
            child_buffer = 1 - buffer
            child_origin = s if origin < 0 else origin
        there = s if child_buffer == 0 else length + s - child_origin
        child_pitch = total if child_buffer == 0 else spare
        for j in range(active[depth + 1, p] if grows else 0, -1, -1):
            k = np.int64(active[depth + 1, j - 1]) if j > 0 else p
            at = here + k * pitch
            if m <= spare:
                copy_partition(response.by_class, streams, at, m, n_left, growth.branch, there + k * child_pitch)
            elif k != best_k or predictors.nominal[f] or ahead > 0:  # else it is in order already
                partition(response.by_class, streams, at, m, growth.branch, length + (p + 1) * spare)
        push(growth, s + n_left, e, depth + 1, me, child_buffer, child_origin)
        push(growth, s, s + n_left, depth + 1, -1, child_buffer, child_origin)
    return state[TOP] == 0
