"""Draws among the donors that a condition allows: uniform over those of the leaf, else of the nearest node with one.

A row's condition is a set of codes, given as ranges. The donors of a tree are kept as a wavelet matrix of their codes
(Claude, Navarro and Ordóñez 2015): it counts, and finds, the donors of any node whose codes lie in a range in as many
steps as a code has bits, however large the node is. A leaf with none is left for its parent, and so on, and no draw is
tried until it fits.

Another condition is on who a donor is: the row's own record may be ruled out. It is one donor, so a few draws are tried
first, and then all that the condition allows are looked at; whichever way one is found, each is as likely.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from replicant.ranges import Ranges

from .apply import hashed
from .grow import RIGHT
from .jit import inner, kernel

__all__ = ["NOBODY", "DonorsByCode"]

Int32 = npt.NDArray[np.int32]
Float = npt.NDArray[np.float64]

NOBODY = -1
"""Instead of a donor: no record of the table is allowed."""

MANY = 64  # ranges of codes up to which they are looked up in the order of codes
LARGE = 64  # entries of a leaf beyond which some are tried before all are looked at
TRIES = 8

_NONE: Int32 = np.empty(0, dtype=np.int32)

NO_CODES: Int32 = np.empty((0, 0), dtype=np.int32)
"""Instead of `DonorsByCode.zeros`: donors are not known by their codes."""

NO_SYMBOLS = _NONE
"""Nor are these known."""

EVERY: tuple[Int32, Int32, Int32] = (_NONE, _NONE, _NONE)
"""Instead of sets of codes, where donors are not known by them."""


@dataclass(frozen=True, eq=False, slots=True)
class DonorsByCode:
    """The donors of a tree by their codes.

    Attributes
    ----------
    zeros
        (bits, N + 1) int32: of the codes in the order of each bit, the highest first, how many of the first have a 0;
        `NO_CODES` where no condition is on codes.
    ordered
        (N,) the donors, in the order after the last bit; as they stand in the leaves where there are no bits.
    donors, symbols
        (N,) the donors as they stand in the leaves, and their codes less the lowest one; the latter is empty where
        there are no bits.
    lowest
        The code that counts as 0.
    end
        (M,) where the donors of each node end; `start` where they begin, `parent` the node above, -1 of the root.
    """

    zeros: Int32
    ordered: Int32
    donors: Int32
    symbols: Int32
    lowest: int
    start: Int32
    end: Int32
    parent: Int32

    @classmethod
    def of(cls, nodes: Int32, start: Int32, end: Int32, donors: Int32, codes: Int32 | None) -> DonorsByCode:
        """Of a tree.

        Parameters
        ----------
        nodes, start, end, donors
            See `Tree`.
        codes
            (n,) of the rows of the table; None: no condition is on codes.
        """
        inner_nodes = np.flatnonzero(nodes[:, RIGHT] != np.arange(len(nodes)))
        parent = np.full(len(nodes), -1, dtype=np.int32)
        parent[inner_nodes + 1] = inner_nodes
        parent[nodes[inner_nodes, RIGHT]] = inner_nodes
        if codes is None:
            return cls(NO_CODES, donors, donors, NO_SYMBOLS, 0, start, end, parent)
        of_donors = codes[donors]
        lowest = int(of_donors.min(initial=0))
        in_leaves = symbols = of_donors - np.int32(lowest)
        bits = max(1, int(symbols.max(initial=0)).bit_length())
        zeros = np.zeros((bits, len(donors) + 1), dtype=np.int32)
        ordered = donors
        for level in range(bits):
            is_zero = (symbols >> np.int32(bits - 1 - level)) & 1 == 0
            np.cumsum(is_zero, out=zeros[level, 1:])
            order = np.concatenate([np.flatnonzero(is_zero), np.flatnonzero(~is_zero)])
            symbols, ordered = symbols[order], ordered[order]
        return cls(zeros, ordered, donors, in_leaves, lowest, start, end, parent)

    def draw(
        self, leaf: Int32, u: Float, sets: Ranges | None, *, own: Int32 | None = None, repeats: Int32 | None = None
    ) -> tuple[Int32, Int32]:
        """A donor for each row among those that its set allows.

        Parameters
        ----------
        leaf, u
            (k,) leaves, and uniform numbers in [0, 1), on which the draw depends alone.
        sets
            The codes that are allowed, by row; None where donors are not known by their codes, and all are.
        own
            (k,) rows of the table that must not be the donors; None: every one may be.
        repeats
            (n,) how often each row of the table is among the donors; None: once. With `own`.

        Returns
        -------
        ndarray
            (k,) int32 donors; `NOBODY` where the table has none.
        ndarray
            (k,) int32 the node that each comes from.
        """
        out = np.full(len(leaf), NOBODY, dtype=np.int32)
        node = leaf.astype(np.int32, copy=True)
        given = _NONE if own is None else own, _NONE if repeats is None else repeats
        where = self.start, self.end, self.parent
        draw_allowed(node, where, self.arrays, u, self.wanted(sets), *given, out)
        return out, node

    def share(self, leaf: Int32, sets: Ranges) -> Float:
        """(k,) which part of a node's donors a set of codes allows, by row."""
        out = np.empty(len(leaf))
        count_allowed(leaf, self.start, self.end, self.arrays, self.wanted(sets), out)
        return out

    @property
    def arrays(self) -> tuple[Int32, Int32, Int32, Int32]:
        """Where kernels find donors: see `entries`."""
        return self.zeros, self.ordered, self.donors, self.symbols

    def wanted(self, sets: Ranges | None) -> tuple[Int32, Int32, Int32]:
        """Sets as the kernels take them: with codes as they are counted here."""
        if sets is None:
            return EVERY
        low = np.maximum(sets.low - np.int32(self.lowest), 0).astype(np.int32)
        high = np.maximum(sets.high - np.int32(self.lowest), 0).astype(np.int32)
        return sets.first, low, high


@inner
def below(zeros, begin, end, symbol):
    """How many entries of a range are below a symbol."""
    bits = zeros.shape[0]
    if symbol <= 0:
        return np.int64(0)
    if symbol >> bits:
        return np.int64(end - begin)
    a = np.int64(begin)
    b = np.int64(end)
    count = np.int64(0)
    for level in range(bits):
        zeros_a = np.int64(zeros[level, a])
        zeros_b = np.int64(zeros[level, b])
        if (symbol >> (bits - 1 - level)) & 1:
            total = np.int64(zeros[level, zeros.shape[1] - 1])
            count += zeros_b - zeros_a
            a = total + a - zeros_a
            b = total + b - zeros_b
        else:
            a = zeros_a
            b = zeros_b
    return count


@inner
def at_rank(zeros, begin, end, rank):
    """Position in the last order of the entry of a range that has so many before it by their symbols."""
    a = np.int64(begin)
    b = np.int64(end)
    for level in range(zeros.shape[0]):
        zeros_a = np.int64(zeros[level, a])
        zeros_b = np.int64(zeros[level, b])
        if rank >= zeros_b - zeros_a:
            total = np.int64(zeros[level, zeros.shape[1] - 1])
            rank -= zeros_b - zeros_a
            a = total + a - zeros_a
            b = total + b - zeros_b
        else:
            a = zeros_a
            b = zeros_b
    return a + rank


@inner
def is_wanted(symbol, first, last, low, high):
    """Whether some ranges of codes, in ascending order, hold a code."""
    close = last
    while first < last:
        half = (first + last) >> 1
        if high[half] <= symbol:
            first = half + 1
        else:
            last = half
    return first < close and low[first] <= symbol


@inner
def entries(by_code, begin, end, wanted, i):
    """How many donors of a node row i's set of codes allows: all, where they are not known by their codes.

    A set of more ranges than the node has donors is asked of each donor.
    """
    zeros, _, _, symbols = by_code
    if zeros.shape[0] == 0:
        return np.int64(end - begin)
    first, low, high = wanted
    ranges = first[i + 1] - first[i]
    total = np.int64(0)
    if ranges > MANY and ranges > end - begin:
        for at in range(begin, end):
            total += np.int64(is_wanted(symbols[at], first[i], first[i + 1], low, high))
        return total
    for j in range(first[i], first[i + 1]):
        total += below(zeros, begin, end, high[j]) - below(zeros, begin, end, low[j])
    return total


@inner
def entry(by_code, begin, end, wanted, i, rank):
    """The donor that has so many before it among those that row i's set allows."""
    zeros, ordered, donors, symbols = by_code
    if zeros.shape[0] == 0:
        return donors[begin + rank]
    first, low, high = wanted
    ranges = first[i + 1] - first[i]
    if ranges > MANY and ranges > end - begin:
        for at in range(begin, end):
            if is_wanted(symbols[at], first[i], first[i + 1], low, high):
                if rank == 0:
                    return donors[at]
                rank -= 1
        return np.int32(-1)
    for j in range(first[i], first[i + 1]):
        before = below(zeros, begin, end, low[j])
        count = below(zeros, begin, end, high[j]) - before
        if rank < count:
            return ordered[at_rank(zeros, begin, end, before + rank)]
        rank -= count
    return np.int32(-1)


@kernel
def count_allowed(leaf, start, end, by_code, wanted, out):
    """See `DonorsByCode.share`."""
    for i in range(leaf.shape[0]):
        begin = start[leaf[i]]
        close = end[leaf[i]]
        out[i] = entries(by_code, begin, close, wanted, i) / max(close - begin, 1)


@kernel
def draw_allowed(node, where, by_code, u, wanted, own, repeats, out):
    """See `DonorsByCode.draw`. `node` holds the leaves, and becomes the nodes."""
    start, end, parent = where
    for i in range(node.shape[0]):
        self_row = own[i] if own.shape[0] > 0 else np.int32(-1)
        at = node[i]
        total = np.int64(0)
        others = np.int64(0)
        while True:
            total = entries(by_code, start[at], end[at], wanted, i)
            others = total
            if self_row >= 0 and total > 0:
                # Only a node of nothing but the row itself is left: few entries, which are looked at.
                times = np.int64(repeats[self_row]) if repeats.shape[0] > 0 else np.int64(1)
                if total <= times:
                    for rank in range(total):
                        others -= np.int64(entry(by_code, start[at], end[at], wanted, i, rank) == self_row)
            if others > 0 or parent[at] < 0:
                break
            at = parent[at]
        node[i] = at
        if others == 0:
            continue
        found = np.int32(-1)
        for count in range(TRIES):
            rank = np.int64(hashed(u[i], count) * total)
            donor = entry(by_code, start[at], end[at], wanted, i, rank)
            if donor != self_row:
                found = donor
                break
        if found < 0:
            good = np.int64(0)
            for rank in range(total):
                good += np.int64(entry(by_code, start[at], end[at], wanted, i, rank) != self_row)
            chosen = np.int64(hashed(u[i], TRIES) * good)
            for rank in range(total):
                donor = entry(by_code, start[at], end[at], wanted, i, rank)
                if donor != self_row:
                    if chosen == 0:
                        found = donor
                        break
                    chosen -= 1
        out[i] = found
