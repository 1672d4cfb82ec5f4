"""New rows down a tree, and donors out of its leaves."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from .grow import ALL_SEEN, BITSET, MASK, RIGHT
from .jit import inner, kernel

__all__ = [
    "Likeness",
    "climb_from_self",
    "draw_donors",
    "draw_others",
    "find_leaves",
    "leaves_of_training_rows",
    "own_ranges",
    "replace_repeated",
]

ANEW = -1  # instead of a leaf: the row goes down once more, by itself
LARGE = 64  # entries of a leaf beyond which some are tried before all are looked at
TRIES = 8


class Likeness(NamedTuple):
    """What tells whether a row is about to become a copy of a record.

    Attributes
    ----------
    rows
        (k, F) int32 codes of the rows to be drawn, contiguous.
    codes
        (F, n) int32 of the records.
    compared
        (q,) int32 the predictors by which they are compared; none: no row is.
    bits, bases
        float64, where each predictor's begin, and of each of its codes, -1 first, the information: minus the binary
        logarithm of its share of the records.
    enough
        Of as much information fewer than one record is expected to agree by chance: the logarithm of their number.
    response
        (n,) int32 codes of what is drawn.
    """

    rows: Any
    codes: Any
    compared: Any
    bits: Any
    bases: Any
    enough: Any
    response: Any


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


@kernel
def own_ranges(leaf, cursor, donors, ordered, first, count):
    """The donors again, by row within each leaf, and where each row's own entries begin and how many they are.

    `leaf` is the leaf of each row, `cursor` a copy of the nodes' starts.
    """
    for row in donors:
        count[row] += 1
    for row in range(count.shape[0]):
        if count[row] > 0:
            at = cursor[leaf[row]]
            first[row] = at
            for i in range(at, at + count[row]):
                ordered[i] = row
            cursor[leaf[row]] = at + count[row]


@kernel
def climb_from_self(nodes, start, end, leaf, self_rows, first, count, parent):
    """For each row the smallest node that has another donor than the row itself, and how many others it has.

    Climbs only where all of a leaf is one row (repeated by its weight); a row that is alone in the whole table stays.
    `parent` is -1 for every node.
    """
    n = nodes.shape[0]
    for node in range(n):
        if nodes[node, RIGHT] != node:
            parent[node + 1] = node
            parent[nodes[node, RIGHT]] = node
    for i in range(leaf.shape[0]):
        node = leaf[i]
        row = self_rows[i]
        while end[node] - start[node] == count[row] and start[node] <= first[row] < end[node] and parent[node] >= 0:
            node = parent[node]
        leaf[i] = node


@kernel
def draw_others(leaf, start, end, donors, self_rows, first, count, u, out):
    """As `draw_donors`, passing over the row's own entries."""
    for i in range(leaf.shape[0]):
        node = leaf[i]
        row = self_rows[i]
        size = end[node] - start[node]
        inside = start[node] <= first[row] < end[node]
        others = size - count[row] if inside else size
        if others == 0:
            out[i] = row
            continue
        at = start[node] + np.int64(u[i] * others)
        if inside and at >= first[row]:
            at += count[row]
        out[i] = donors[at]


@inner
def donations(used, begin, end, donor):
    """To how many of a row's cells so far, which stand in this range, a record has donated."""
    count = np.uint64(0)
    for at in range(begin, end):
        count += np.uint64(used[at] == donor)
    return np.int64(count)


@inner
def agrees(like, i, donor):
    """Whether a record equals a row in all that was drawn."""
    equal = True
    for at in like.compared:
        if like.rows[i, at] != like.codes[at, donor]:
            equal = False
            break
    return equal


@inner
def is_rare(like, i):
    """Whether fewer than one record is expected to equal a row by chance."""
    bits = 0.0
    for at in like.compared:
        bits += like.bits[like.bases[at] + 1 + like.rows[i, at]]
    return bits >= like.enough


@inner
def is_alone(like, i, donor, donors, first, last):
    """Whether no other record of the leaf both equals the row and has the donor's value."""
    for at in range(first, last):
        other = donors[at]
        if other != donor and like.response[other] == like.response[donor] and agrees(like, i, other):
            return False
    return True


@inner
def may_donate(used, begin, close, most, like, rare, i, donor):
    """Whether a record may donate to a row."""
    return donations(used, begin, close, donor) < most and not (rare and agrees(like, i, donor))


@kernel
def replace_repeated(leaf, start, end, donors, u, rows, used, pitch, filled, most, like, out, repeated):
    """Replace donors that have donated to `most` cells of their row by others of the leaf, uniformly over these.

    So is a donor whose copy the row would become: once `most` cells have a donor, and the row equals it in all that is
    compared, is rare (see `Likeness`), and would equal no other record.

    `used` holds `pitch` cells for each row, the donors so far in the first `filled`; `rows` says which of its rows are
    drawn. The donors drawn, `out`, are replaced where needed and entered in the cell after these; `repeated` says where
    one has donated too often and the leaf had no other, and how many these are is returned.

    A leaf of few entries is looked at twice: how many may donate, and then which. Of a large one almost every entry
    may, so a few are tried first; whichever way one is found, each is as likely.
    """
    pitch = np.uint64(pitch)
    left_over = 0
    compares = filled >= most and like.compared.shape[0] > 0
    for i in range(leaf.shape[0]):
        row = np.uint64(rows[i])
        begin = row * pitch
        close = begin + np.uint64(filled)
        donor = out[i]
        often = donations(used, begin, close, donor) >= most
        first = np.int64(start[leaf[i]])
        size = np.int64(end[leaf[i]]) - first
        rare = compares and (often or agrees(like, i, donor)) and is_rare(like, i)
        again = often or (rare and is_alone(like, i, donor, donors, first, first + size))
        if again:
            count = np.int64(0)
            while again and size > LARGE and count < TRIES:
                other = donors[first + np.int64(hashed(u[i], count) * size)]
                count += 1
                if may_donate(used, begin, close, most, like, rare, i, other):
                    donor = other
                    again = False
            if again:
                others = 0
                for at in range(first, first + size):
                    others += np.int64(may_donate(used, begin, close, most, like, rare, i, donors[at]))
                wanted = np.int64(hashed(u[i], np.int64(TRIES)) * others)
                for at in range(first, first + size):
                    if may_donate(used, begin, close, most, like, rare, i, donors[at]):
                        if wanted == 0:
                            donor = donors[at]
                            again = False
                            break
                        wanted -= 1
            out[i] = donor
        used[close] = donor
        repeated[row] = again and often
        left_over += np.int64(again and often)
    return left_over
