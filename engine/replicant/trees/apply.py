"""New rows down a tree, and donors out of its leaves."""

from __future__ import annotations

import numpy as np

from .grow import ALL_SEEN, BITSET, MASK, RIGHT
from .jit import inner, kernel

__all__ = ["draw_donors", "find_leaves", "leaves_of_training_rows"]

ANEW = -1  # instead of a leaf: the row goes down once more, by itself


@inner
def in_sorted(pool, at, code):
    """Whether a level stored by `store_set` in sorted form goes left."""
    low = 0
    high = np.int64(pool[at])
    while low < high:
        half = (low + high) >> 1
        if pool[at + 2 + half] < code:
            low = half + 1
        else:
            high = half
    listed = low < np.int64(pool[at]) and pool[at + 2 + low] == code
    return listed == (pool[at + 1] == 1)


@inner
def step(table, x, at, row):
    """The node after `at` for the row of codes that begins at `row`; after a leaf comes the leaf itself.

    Both kinds of test are computed and one is taken, without a branch that the processor could guess wrong.
    """
    one = np.uint64(1)
    offset = at * np.uint64(4)
    code = x[row + np.uint64(table[offset])]
    threshold = table[offset + one]
    right = np.uint64(table[offset + np.uint64(2)])
    extra = table[offset + np.uint64(3)]
    # Missing is -1: as an unsigned number it is the largest code, or after the shift the smallest.
    ordered = np.uint64(np.uint32(code + extra) <= np.uint32(threshold + extra))
    in_mask = np.uint64((np.uint32(extra) >> np.uint32(code & 31)) & np.uint32(1))
    nominal = np.uint64(np.uint32(threshold) >> np.uint32(31))
    goes_left = (ordered & (one - nominal)) | (in_mask & nominal)
    return right + goes_left * (at + one - right)


@inner
def step_pooled(table, pool, x, at, row):
    """As `step`, for trees with level sets too large for a mask."""
    offset = at * np.uint64(4)
    threshold = table[offset + np.uint64(1)]
    if threshold >= MASK:
        return step(table, x, at, row)
    code = np.int64(x[row + np.uint64(table[offset])])
    extra = np.int64(table[offset + np.uint64(3)])
    if threshold == BITSET:
        goes_left = (pool[extra + (code >> 5)] >> np.uint32(code & 31)) & np.uint32(1) == 1
    else:
        goes_left = in_sorted(pool, extra, code)
    return at + np.uint64(1) if goes_left else np.uint64(table[offset + np.uint64(2)])


@inner
def is_unseen(table, pool, known, x, at, row):
    """Whether a node that has not seen everything has not seen the row's level."""
    offset = at * np.uint64(4)
    code = np.int64(x[row + np.uint64(table[offset])])
    threshold = table[offset + np.uint64(1)]
    if threshold >= 0:
        return code < 0
    if threshold == MASK:
        return (known >> np.uint32(code)) & np.uint32(1) == 0
    if threshold == BITSET:
        return (pool[np.int64(known) + (code >> 5)] >> np.uint32(code & 31)) & np.uint32(1) == 0
    return not in_sorted(pool, np.int64(known), code)


@inner
def hashed(u, count):
    """A number in [0, 1) by `u` and a count, as good as independent of `u` (Steele, Lea and Flood 2014, figure 17)."""
    z = np.uint64(u * 9007199254740992.0) + np.uint64(count + 1) * np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    z = z ^ (z >> np.uint64(31))
    return np.float64(z >> np.uint64(11)) * (1.0 / 9007199254740992.0)


@inner
def may_be_unseen(table, known, x, at, row):
    """1 where a node of a tree without a pool has not seen the row's level, else 0; without a branch, as `step`."""
    offset = at * np.uint64(4)
    code = x[row + np.uint64(table[offset])]
    nominal = np.uint32(table[offset + np.uint64(1)]) >> np.uint32(31)
    missing = np.uint32(code) >> np.uint32(31)
    return (~known >> np.uint32(code & 31)) & (nominal | missing) & np.uint32(1)


@inner
def leaf_of(table, pool, seen, start, end, x, row, chance, k):
    """Leaf of row k, whose codes begin at `row`."""
    at = np.uint64(0)
    after = step_pooled(table, pool, x, at, row)
    while after != at:
        if seen.shape[0] > 0 and seen[at] != ALL_SEEN and is_unseen(table, pool, seen[at], x, at, row):
            left = at + np.uint64(1)
            chosen = hashed(chance[k], -1 - np.int64(at)) * (end[at] - start[at])
            after = left if chosen < end[left] - start[left] else np.uint64(table[at * np.uint64(4) + np.uint64(2)])
        at = after
        after = step_pooled(table, pool, x, at, row)
    return at


@kernel
def find_leaves(table, pool, seen, start, end, codes, pitch, chance, leaf):
    """Leaf (node number) of every row of codes, which are `pitch` int32 each.

    Four rows go down together, so that the processor waits for four memory reads at once.

    Where there is `seen`, a level that a node has not seen goes to a child by chance, in proportion to its donors: by
    the row's own number in `chance`, uniform, and the node. No other stream is used, and donors that the number draws
    in the leaf are as good as independent of it. (Counts of other uses of `hashed` are not negative.)
    """
    pitch = np.uint64(pitch)
    one, two, three, four = np.uint64(1), np.uint64(2), np.uint64(3), np.uint64(4)
    n = np.uint64(leaf.shape[0])
    whole = n - n % four if pool.shape[0] == 0 else np.uint64(0)
    looks = seen.shape[0] > 0
    for row in range(np.uint64(0), whole, four):
        a = b = c = d = np.uint64(0)
        new_a = new_b = new_c = new_d = np.uint32(0)
        at = row * pitch
        moved = True
        while moved:
            if looks:
                new_a |= may_be_unseen(table, seen[a], codes, a, at)
                new_b |= may_be_unseen(table, seen[b], codes, b, at + pitch)
                new_c |= may_be_unseen(table, seen[c], codes, c, at + two * pitch)
                new_d |= may_be_unseen(table, seen[d], codes, d, at + three * pitch)
            next_a = step(table, codes, a, at)
            next_b = step(table, codes, b, at + pitch)
            next_c = step(table, codes, c, at + two * pitch)
            next_d = step(table, codes, d, at + three * pitch)
            moved = (next_a ^ a) | (next_b ^ b) | (next_c ^ c) | (next_d ^ d) != 0
            a, b, c, d = next_a, next_b, next_c, next_d
        leaf[row] = a if new_a == 0 else ANEW
        leaf[row + one] = b if new_b == 0 else ANEW
        leaf[row + two] = c if new_c == 0 else ANEW
        leaf[row + three] = d if new_d == 0 else ANEW
    for row in range(np.uint64(0) if looks else whole, n):
        if row >= whole or leaf[row] == ANEW:
            leaf[row] = leaf_of(table, pool, seen, start, end, codes, row * pitch, chance, row)


@kernel
def leaves_of_training_rows(nodes, start, end, donors, leaf):
    """Leaf of every row the tree was grown on, by row number."""
    for node in range(nodes.shape[0]):
        if nodes[node, RIGHT] == node:
            for i in range(start[node], end[node]):
                leaf[donors[i]] = node


@kernel
def draw_donors(leaf, start, end, donors, u, out):
    """A donor from each row's leaf, uniformly, by `u` in [0, 1)."""
    for i in range(leaf.shape[0]):
        node = np.uint32(leaf[i])
        first = start[node]
        out[i] = donors[first + np.int64(u[i] * (end[node] - first))]
