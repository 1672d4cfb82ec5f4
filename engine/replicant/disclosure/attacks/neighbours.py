"""The nearest records of another table, by Gower's (1971) distance: exact, for any kinds of columns.

Numbers are ranks among the real values, from 0 to 1, so that no unit and no outlier decides; a missing number is at
distance 1 from any value and 0 from another missing one. Levels are equal (0) or not (1). The distance of two records
is the mean over columns.

All pairs are looked at, in blocks of single precision that stay in a core's cache: the work is targets times rows times
columns, so targets are a sample where tables are large.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from replicant.evaluation.rows import Integers, Rows

__all__ = ["Points", "distances", "nearest", "points", "ranks"]

BLOCK = 32
CHUNK = 4096
"""Targets and rows whose distances are held at once: half a megabyte."""

_LOST = np.float32(3)  # a missing number: further than 1 from any rank

Singles = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Points:
    """Records as points: (numeric columns, n) ranks and (columns of levels, n) codes."""

    ranks: Singles
    codes: NDArray[Any]

    def __len__(self) -> int:
        return int(self.ranks.shape[1])


def ranks(rows: Rows) -> Singles:
    """(n, p) Ranks of numbers among the real values; missing ones 3, and columns of levels 0."""
    found = np.zeros(rows.numbers.shape, np.float32)
    for j, column in enumerate(rows.coding.columns):
        if column.is_numeric:
            numbers = rows.numbers[:, j]
            size = len(column.reach)
            at = np.interp(numbers, column.reach, np.arange(size) / max(size - 1, 1)) if size else np.zeros(len(rows))
            found[:, j] = np.where(np.isnan(numbers), _LOST, at)
    return found


def points(rows: Rows) -> Points:
    """The records of a table as points."""
    numeric = rows.coding.is_numeric
    small = np.uint16 if max(rows.coding.sizes, default=0) <= np.iinfo(np.uint16).max else np.int32
    return Points(
        np.ascontiguousarray(ranks(rows)[:, numeric].T), np.ascontiguousarray(rows.groups[:, ~numeric].T.astype(small))
    )


def nearest(targets: Points, among: Points, k: int = 1, own: Integers | None = None) -> tuple[Singles, Integers]:
    """The k nearest records of a table to each target, nearest first.

    Parameters
    ----------
    targets, among
        Of the same columns.
    k
        How many; at most as many as there are.
    own
        (t,) Positions of the targets themselves in `among`, which are left out: leave one out.

    Returns
    -------
    distances, positions
        (t, k) each. Of records at the same distance the earlier ones are taken.
    """
    k = min(k, len(among) - (own is not None))
    found, at = np.full((len(targets), k), np.inf, np.float32), np.zeros((len(targets), k), np.int64)
    if k < 1:
        return found, at
    for rows, columns, block in _blocks(targets, among):
        if own is not None:
            inside = np.flatnonzero((own[rows] >= columns.start) & (own[rows] < columns.stop))
            block[inside, own[rows][inside] - columns.start] = np.inf
        best, where = found[rows], at[rows]
        better = block.argmin(axis=1)[:, None] if k == 1 else None
        for i in np.flatnonzero(block.min(axis=1) < best[:, -1]):
            new = better[i] if better is not None else np.flatnonzero(block[i] < best[i, -1])
            if len(new) > 4 * k:
                cut = np.partition(block[i, new], k - 1)[k - 1]
                new = new[block[i, new] <= cut]
            both = np.concatenate([best[i], block[i, new]])
            order = np.argsort(both, kind="stable")[:k]
            best[i], where[i] = both[order], np.concatenate([where[i], new + columns.start])[order]
    return found / np.float32(_width(targets)), at


def distances(a: Points, b: Points) -> Singles:
    """(a, b) The distances of all pairs."""
    found = np.empty((len(a), len(b)), np.float32)
    for rows, columns, block in _blocks(a, b):
        found[rows, columns] = block
    return found / np.float32(_width(a))


def _width(one: Points) -> int:
    return max(len(one.ranks) + len(one.codes), 1)


def _blocks(targets: Points, among: Points) -> Iterator[tuple[slice, slice, Singles]]:
    """Sums of distances of some targets to some rows; the block is overwritten by the next one."""
    clipped = [(a > 1).any() or (b > 1).any() for a, b in zip(targets.ranks, among.ranks, strict=True)]
    counting = np.uint8 if len(among.codes) < 256 else np.uint16
    for start in range(0, len(targets), BLOCK):
        rows = slice(start, min(start + BLOCK, len(targets)))
        for first in range(0, len(among), CHUNK):
            columns = slice(first, min(first + CHUNK, len(among)))
            shape = (rows.stop - rows.start, columns.stop - columns.start)
            total, gap, unequal = np.zeros(shape, np.float32), np.empty(shape, np.float32), np.zeros(shape, counting)
            for own, other, clip in zip(targets.ranks, among.ranks, clipped, strict=True):
                np.subtract(own[rows, None], other[columns], out=gap)
                np.abs(gap, out=gap)
                if clip:
                    np.minimum(gap, 1, out=gap)
                total += gap
            for code, codes in zip(targets.codes, among.codes, strict=True):
                unequal += code[rows, None] != codes[columns]
            total += unequal
            yield rows, columns, total
