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
        """(k, v) whether the set of each row holds each of some codes or numbers."""
        found = np.zeros((len(self), len(values)), dtype=np.bool_)
        np.logical_or.at(found, self.rows, (self.low[:, None] <= values) & (values < self.high[:, None]))
        return found
