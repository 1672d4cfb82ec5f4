"""Draws among the donors that a condition allows: uniform over those of the leaf, else of the nearest node with one.

A row's condition is a set of codes, given as ranges. The donors of a tree are kept as a wavelet matrix of their codes
(Claude, Navarro and Ordóñez 2015): it counts, and finds, the donors of any node whose codes lie in a range in as many
steps as a code has bits, however large the node is. A leaf with none is left for its parent, and so on, and no draw is
tried until it fits.

Other conditions are on who a donor is: the row's own record may be ruled out, and records that have donated to so many
of its cells are passed over where the node has others. They concern few donors, so a few draws are tried first, and
then all that the condition allows are looked at; whichever way one is found, each is as likely.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .apply import TRIES, donations, hashed
from .grow import RIGHT
from .jit import inner, kernel

__all__ = ["NOBODY", "CodeSets", "DonorsByCode"]

Int32 = npt.NDArray[np.int32]
Float = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

NOBODY = -1
"""Instead of a donor: no record of the table is allowed."""

_NONE: Int32 = np.empty(0, dtype=np.int32)


@dataclass(frozen=True, eq=False, slots=True)
class CodeSets:
    """For each row a set of codes, as ranges.

    Attributes
    ----------
    first
        (k + 1,) int32: the ranges of row i are `first[i]` up to `first[i + 1]`.
    low, high
        (R,) int32: a range holds the codes from `low` up to `high`, which is not in it. Ranges of a row are disjoint
        and ascend.
    """

    first: Int32
    low: Int32
    high: Int32

    @classmethod
    def of(cls, low: Int32, high: Int32, allowed: Mask) -> CodeSets:
        """Sets from the ranges of a grid.

        Parameters
        ----------
        low, high
            (k, s) ranges of each row, ascending and disjoint; empty ones may be among them.
        allowed
            (k, s) which of them belong to the set.
        """
        taken = allowed & (low < high)
        first = np.zeros(len(low) + 1, dtype=np.int32)
        np.cumsum(taken.sum(axis=1), out=first[1:])
        return cls(first, low[taken], high[taken])

    def __len__(self) -> int:
        return len(self.first) - 1

    def take(self, rows: npt.NDArray[np.intp]) -> CodeSets:
        """The sets of some of the rows."""
        counts = np.diff(self.first)[rows]
        first = np.zeros(len(rows) + 1, dtype=np.int32)
        np.cumsum(counts, out=first[1:])
        at = np.arange(first[-1], dtype=np.int32) + np.repeat(self.first[rows] - first[:-1], counts)
        return CodeSets(first, self.low[at], self.high[at])

    def holds(self, codes: Int32 | int) -> Mask:
        """(k,) whether the set of each row holds a code: (k,), or one for all."""
        found = np.zeros(len(self), dtype=np.bool_)
        row = np.repeat(np.arange(len(self)), np.diff(self.first))
        wanted = np.broadcast_to(codes, found.shape)[row]
        found[row[(self.low <= wanted) & (wanted < self.high)]] = True
        return found

    def ordinary(self) -> CodeSets:
        """The sets without codes below 0, which are cells that are missing."""
        low = np.maximum(self.low, 0)
        row = np.repeat(np.arange(len(self)), np.diff(self.first))
        kept = low < self.high
        first = np.zeros(len(self) + 1, dtype=np.int32)
        np.cumsum(np.bincount(row[kept], minlength=len(self)), out=first[1:])
        return CodeSets(first, low[kept], self.high[kept])

    def sizes(self) -> npt.NDArray[np.int64]:
        """(k,) how many codes each set holds."""
        row = np.repeat(np.arange(len(self)), np.diff(self.first))
        return np.bincount(row, self.high - self.low, minlength=len(self)).astype(np.int64)


@dataclass(frozen=True, eq=False, slots=True)
class DonorsByCode:
    """The donors of a tree by their codes.

    Attributes
    ----------
    zeros
        (bits, N + 1) int32: of the codes in the order of each bit, the highest first, how many of the first have a 0.
    ordered
        (N,) the donors, in the order after the last bit.
    lowest
        The code that counts as 0.
    end
        (M,) where the donors of each node end; `start` where they begin, `parent` the node above, -1 of the root.
    """

    zeros: Int32
    ordered: Int32
    lowest: int
    start: Int32
    end: Int32
    parent: Int32

    @classmethod
    def of(cls, nodes: Int32, start: Int32, end: Int32, donors: Int32, codes: Int32) -> DonorsByCode:
        """Of a tree.

        Parameters
        ----------
        nodes, start, end, donors
            See `Tree`.
        codes
            (n,) of the rows of the table.
        """
        of_donors = codes[donors]
        lowest = int(of_donors.min(initial=0))
        symbols = of_donors - np.int32(lowest)
        bits = max(1, int(symbols.max(initial=0)).bit_length())
        zeros = np.zeros((bits, len(donors) + 1), dtype=np.int32)
        ordered = donors
        for level in range(bits):
            is_zero = (symbols >> np.int32(bits - 1 - level)) & 1 == 0
            np.cumsum(is_zero, out=zeros[level, 1:])
            order = np.concatenate([np.flatnonzero(is_zero), np.flatnonzero(~is_zero)])
            symbols, ordered = symbols[order], ordered[order]
        inner_nodes = np.flatnonzero(nodes[:, RIGHT] != np.arange(len(nodes)))
        parent = np.full(len(nodes), -1, dtype=np.int32)
        parent[inner_nodes + 1] = inner_nodes
        parent[nodes[inner_nodes, RIGHT]] = inner_nodes
        return cls(zeros, ordered, lowest, start, end, parent)

    def draw(
        self,
        leaf: Int32,
        u: Float,
        sets: CodeSets,
        *,
        own: Int32 | None = None,
        repeats: Int32 | None = None,
        used: Int32 | None = None,
        filled: int = 0,
        most: int = 0,
        drawn: Int32 | None = None,
    ) -> tuple[Int32, Int32, Mask]:
        """A donor for each row among those that its set allows.

        Parameters
        ----------
        leaf, u
            (k,) leaves, and uniform numbers in [0, 1), on which the draw depends alone.
        sets
            The codes that are allowed, by row.
        own
            (k,) rows of the table that must not be the donors; None: every one may be.
        repeats
            (n,) how often each row of the table is among the donors; None: once. With `own`.
        used, filled, most
            (k, D) the donors of each row so far, in the first `filled` columns: those that occur `most` times are
            passed over where the node has others. None: nobody is passed over.
        drawn
            (k,) donors that the sets allow, which are replaced only where they are to be passed over; the node is then
            `leaf`.

        Returns
        -------
        ndarray
            (k,) int32 donors; `NOBODY` where the table has none.
        ndarray
            (k,) int32 the node that each comes from.
        ndarray
            (k,) bool, where the node has nobody but records that were to be passed over.
        """
        out = np.full(len(leaf), NOBODY, dtype=np.int32) if drawn is None else drawn.copy()
        node = leaf.astype(np.int32, copy=True)
        repeated = np.zeros(len(leaf), dtype=np.bool_)
        low = np.maximum(sets.low - np.int32(self.lowest), 0).astype(np.int32)
        high = np.maximum(sets.high - np.int32(self.lowest), 0).astype(np.int32)
        draw_allowed(
            node,
            (self.start, self.end, self.parent),
            self.zeros,
            self.ordered,
            u,
            sets.first,
            low,
            high,
            _NONE if own is None else own,
            _NONE if repeats is None else repeats,
            _NONE if used is None else used.reshape(-1),
            0 if used is None else used.shape[1],
            filled,
            most,
            out,
            repeated,
        )
        return out, node, repeated


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
def allowed_entry(zeros, ordered, begin, end, first, last, low, high, rank):
    """The donor of a node that has so many before it among those in some ranges of codes."""
    for i in range(first, last):
        before = below(zeros, begin, end, low[i])
        count = below(zeros, begin, end, high[i]) - before
        if rank < count:
            return ordered[at_rank(zeros, begin, end, before + rank)]
        rank -= count
    return np.int32(-1)


@kernel
def draw_allowed(
    node, where, zeros, ordered, u, first, low, high, own, repeats, used, pitch, filled, most, out, repeated
):
    """See `DonorsByCode.draw`. `node` holds the leaves, and becomes the nodes."""
    start, end, parent = where
    for i in range(node.shape[0]):
        self_row = own[i] if own.shape[0] > 0 else np.int32(-2)
        cells = np.uint64(i * pitch)
        close = cells + np.uint64(filled)
        if out[i] >= 0 and (most == 0 or donations(used, cells, close, out[i]) < most):
            continue
        at = node[i]
        total = np.int64(0)
        others = np.int64(0)
        while True:
            total = np.int64(0)
            for j in range(first[i], first[i + 1]):
                total += below(zeros, start[at], end[at], high[j]) - below(zeros, start[at], end[at], low[j])
            others = total
            if self_row >= 0 and total > 0:
                # Only a node of nothing but the row itself is left: few entries, which are looked at.
                times = np.int64(repeats[self_row]) if repeats.shape[0] > 0 else np.int64(1)
                if total <= times:
                    for rank in range(total):
                        donor = allowed_entry(
                            zeros, ordered, start[at], end[at], first[i], first[i + 1], low, high, rank
                        )
                        others -= np.int64(donor == self_row)
            if others > 0 or parent[at] < 0:
                break
            at = parent[at]
        node[i] = at
        if others == 0:
            out[i] = -1
            continue
        found = np.int32(-1)
        for count in range(TRIES):
            rank = np.int64(hashed(u[i], count) * total)
            donor = allowed_entry(zeros, ordered, start[at], end[at], first[i], first[i + 1], low, high, rank)
            if donor != self_row and (most == 0 or donations(used, cells, close, donor) < most):
                found = donor
                break
        # Strict first: those that have not donated too often. If there is none, any but the row itself.
        strict = most > 0
        while found < 0:
            good = np.int64(0)
            for rank in range(total):
                donor = allowed_entry(zeros, ordered, start[at], end[at], first[i], first[i + 1], low, high, rank)
                good += np.int64(donor != self_row and (not strict or donations(used, cells, close, donor) < most))
            wanted = np.int64(hashed(u[i], TRIES) * good)
            for rank in range(total if good > 0 else 0):
                donor = allowed_entry(zeros, ordered, start[at], end[at], first[i], first[i + 1], low, high, rank)
                if donor != self_row and (not strict or donations(used, cells, close, donor) < most):
                    if wanted == 0:
                        found = donor
                        break
                    wanted -= 1
            if strict and good == 0:
                repeated[i] = True
            strict = False
        out[i] = found
