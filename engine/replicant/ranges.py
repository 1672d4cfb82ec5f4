"""What a condition leaves to each row of the values of a column: codes, or numbers, as ranges."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["Ranges"]

Int32 = npt.NDArray[np.int32]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False, slots=True)
class Ranges:
    """For each row a set of codes, or of numbers, as ranges.

    Attributes
    ----------
    first
        (k + 1,) int32: the ranges of row i are `first[i]` up to `first[i + 1]`.
    low, high
        (R,) int32 codes or float64 numbers: a range holds those from `low` up to `high`, which is not in it. Ranges of
        a row are disjoint and ascend.
    """

    first: Int32
    low: npt.NDArray[Any]
    high: npt.NDArray[Any]

    @classmethod
    def of(cls, low: npt.NDArray[Any], high: npt.NDArray[Any], allowed: Mask) -> Ranges:
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

    @property
    def rows(self) -> npt.NDArray[np.intp]:
        """(R,) which row each range is of."""
        return np.repeat(np.arange(len(self)), np.diff(self.first))

    def take(self, rows: npt.NDArray[np.intp]) -> Ranges:
        """The sets of some of the rows."""
        counts = np.diff(self.first)[rows]
        first = np.zeros(len(rows) + 1, dtype=np.int32)
        np.cumsum(counts, out=first[1:])
        at = np.arange(first[-1], dtype=np.int32) + np.repeat(self.first[rows] - first[:-1], counts)
        return Ranges(first, self.low[at], self.high[at])

    def holds(self, values: npt.NDArray[Any] | int) -> Mask:
        """(k,) whether the set of each row holds a code or number: (k,), or one for all."""
        found = np.zeros(len(self), dtype=np.bool_)
        row = self.rows
        wanted = np.broadcast_to(values, found.shape)[row]
        found[row[(self.low <= wanted) & (wanted < self.high)]] = True
        return found

    def ordinary(self) -> Ranges:
        """The sets without codes below 0, which are cells that are missing."""
        return self.to(np.maximum(self.low, 0), self.high)

    def to(self, low: npt.NDArray[Any], high: npt.NDArray[Any]) -> Ranges:
        """Each range with other ends; those that are empty then are left out."""
        kept = low < high
        first = np.zeros(len(self) + 1, dtype=np.int32)
        np.cumsum(np.bincount(self.rows[kept], minlength=len(self)), out=first[1:])
        return Ranges(first, low[kept], high[kept])

    def members(self, values: npt.NDArray[Any]) -> Mask:
        """(k, v) whether the set of each row holds each of some codes: (v,), or (k, v) of its own."""
        values = np.broadcast_to(values, (len(self), values.shape[-1]))
        if not len(self.low):
            return np.zeros(values.shape, dtype=np.bool_)
        # Codes and ranges of one row come after those of the rows before it.
        span = (
            int(max(values.max(initial=0), self.high.max())) - min(int(values.min(initial=0)), int(self.low.min())) + 1
        )
        shift = np.arange(len(self), dtype=np.int64) * span
        at = np.searchsorted(self.low + shift[self.rows], values + shift[:, None], side="right") - 1
        found = np.maximum(at, 0)
        return np.asarray((at >= self.first[:-1, None]) & (values < self.high[found]))

    def both(self, other: Ranges) -> Ranges:
        """(k,) what the sets of two hold, row by row."""
        row = np.concatenate([self.rows, self.rows, other.rows, other.rows])
        at = np.concatenate([self.low, self.high, other.low, other.high])
        change = np.repeat(np.array([1, -1, 1, -1]), [len(self.low)] * 2 + [len(other.low)] * 2)
        order = np.lexsort((at, row))
        row, at, inside = row[order], at[order], np.cumsum(change[order])
        kept = np.flatnonzero((inside[:-1] == 2) & (at[:-1] < at[1:]))  # a row ends with none open
        first = np.zeros(len(self) + 1, dtype=np.int32)
        np.cumsum(np.bincount(row[kept], minlength=len(self)), out=first[1:])
        return Ranges(first, at[kept], at[kept + 1])

    @classmethod
    def without(cls, group: npt.NDArray[np.integer[Any]], codes: Int32, size: int, lowest: int, highest: int) -> Ranges:
        """Sets of all codes but some.

        Parameters
        ----------
        group, codes
            (e,) which set is without which code.
        size
            How many sets there are.
        lowest, highest
            The codes are from `lowest` up to `highest`, which is none.
        """
        group = np.concatenate([group, np.arange(size), np.arange(size)])
        codes = np.concatenate([codes, np.full(size, lowest - 1), np.full(size, highest)]).astype(np.int32)
        order = np.lexsort((codes, group))
        group, codes = group[order], codes[order]
        kept = np.flatnonzero((group[1:] == group[:-1]) & (codes[:-1] + 1 < codes[1:]))
        first = np.zeros(size + 1, dtype=np.int32)
        np.cumsum(np.bincount(group[kept], minlength=size), out=first[1:])
        return cls(first, codes[kept] + np.int32(1), codes[kept + 1])
