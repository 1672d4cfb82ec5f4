"""How many distinct values a column has, from chunks of it: exact while they are few, estimated beyond.

Each chunk keeps the values with the smallest hashes, and the number of cells of each: a random sample of the
distinct values, not of the cells (Bar-Yossef et al. 2002, k minimum values). Two chunks are merged by keeping the
smallest of both, in any order, so the chunks of a table give the result of the whole table.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from replicant.table.arrays import Floats, Typed

__all__ = ["MOST", "Distinct", "hashes_of"]

MOST = 8192
"""Values that are kept. Beyond, the number of distinct values is known to about 1 %."""

Hashes = npt.NDArray[np.uint64]


@dataclass(frozen=True, eq=False, slots=True, repr=False)
class Distinct:
    """Distinct values of some cells.

    Attributes
    ----------
    hashes
        (k,) the smallest hashes of distinct values, ascending; all of them if there are at most `MOST`.
    counts
        (k,) cells that hold each of these values.
    values
        (k,) these values as numbers; NaN for values that are not numbers.
    cells
        Cells that hold a value.
    """

    hashes: Hashes
    counts: npt.NDArray[np.int64]
    values: Floats
    cells: int

    @classmethod
    def of(cls, uniques: Typed, numbers: Floats | None, counts: npt.NDArray[Any]) -> Distinct:
        """Of distinct values.

        Parameters
        ----------
        uniques
            (K,) distinct values, each in one or more cells.
        numbers
            (K,) these as numbers; None if they are none.
        counts
            (K,) cells that hold each.
        """
        hashes = hashes_of(uniques)
        order = np.argsort(hashes, kind="stable")[:MOST]
        values = np.full(len(order), np.nan) if numbers is None else numbers[order]
        return cls(hashes[order], counts[order].astype(np.int64), values, int(counts.sum()))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Distinct) and self._bytes() == other._bytes()

    __hash__ = None  # type: ignore[assignment]

    def _bytes(self) -> tuple[bytes, bytes, int]:
        return self.hashes.tobytes(), self.counts.tobytes(), self.cells

    @property
    def size(self) -> int:
        """How many distinct values there are, at least those kept."""
        kept = len(self.hashes)
        if kept < MOST:
            return kept
        return min(self.cells, max(kept, round((kept - 1) * 2.0**64 / float(self.hashes[-1]))))

    @property
    def share(self) -> float:
        """Distinct values as a share of the cells; 0 where there are none."""
        return self.size / self.cells if self.cells else 0.0

    def merge(self, other: Distinct) -> Distinct:
        """Of the cells of both."""
        hashes, position = np.unique(np.concatenate([self.hashes, other.hashes]), return_inverse=True)
        counts = np.bincount(position, np.concatenate([self.counts, other.counts]), len(hashes)).astype(np.int64)
        values = np.empty(len(hashes))
        values[position] = np.concatenate([self.values, other.values])
        return Distinct(hashes[:MOST], counts[:MOST], values[:MOST], self.cells + other.cells)


def hashes_of(values: Typed) -> Hashes:
    """64 bits of each value: equal ones for equal values, whole numbers alike in whatever type they are stored."""
    array = np.asarray(values)
    if array.dtype.kind == "O":
        if len(array) and all(isinstance(value, int) and not isinstance(value, bool) for value in array):
            fits = all(-(2**63) <= value < 2**63 for value in array)
            array = array.astype(np.int64) if fits else array.astype(str).astype(object)
        else:
            array = np.array([str(value) for value in array], dtype=object)
    elif array.dtype.kind == "f":
        whole = np.rint(array.astype(np.float64))  # half a float does not reach 2^63
        far = np.abs(whole) >= 2.0**63
        array = array if far.any() or (whole != array).any() else whole.astype(np.int64)
    elif array.dtype.kind == "U":
        array = array.astype(object)
    elif array.dtype.kind in "iu":
        array = array.astype(np.int64)
    return np.asarray(pd.util.hash_array(array, categorize=False), dtype=np.uint64)
