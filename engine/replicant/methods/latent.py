"""Latent normal variables behind the columns of a block, and their sampler.

A number is its own variable. Of two levels the second is where the variable is above 0; ordered levels lie between
thresholds; of k other levels the first is where all of k - 1 variables are below 0, and otherwise that of the largest.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from replicant.methods.base import Codes, Numbers, Response

__all__ = ["Variable"]


@dataclass(frozen=True, eq=False, slots=True)
class Variable:
    """How a column of the block and its latent variables translate.

    Attributes
    ----------
    is_number
        Whether the column is of numbers.
    first, width
        Where its latent variables are, and how many there are: 0 for a column of one level.
    codes
        Of levels, the codes of those that occur. Of numbers, (u,) the codes that occur, ascending.
    numbers
        Of numbers, (u,) those of the codes; empty for levels.
    ordered
        Whether levels lie between thresholds.
    centre, unit
        What numbers are standardized by; the unit is 0 if all are equal.
    """

    is_number: bool
    first: int
    width: int
    codes: Codes
    numbers: Numbers
    ordered: bool = False
    centre: float = 0.0
    unit: float = 1.0

    @classmethod
    def of(cls, y: Response, first: int) -> Variable:
        """That of a column.

        Parameters
        ----------
        y
            The column.
        first
            Latent variables before its own.
        """
        seen = y.codes >= 0
        codes, at = np.unique(y.codes[seen], return_index=True)
        if y.numbers is None:
            ordered = y.ordered and len(codes) > 2
            width = 1 if ordered else max(len(codes) - 1, 0)
            return cls(False, first, width, codes, np.empty(0), ordered)
        values = y.numbers[seen]
        top = float(np.abs(values).max(initial=0.0)) or 1.0
        centre = float((values / top).mean()) if len(values) else 0.0
        spread = float((values / top).std()) if len(values) else 0.0
        unit = spread if spread > 1e-12 * abs(centre) else 0.0
        return cls(True, first, 1, codes, values[at], False, centre * top, unit * top)

    @property
    def slice(self) -> slice:
        """The columns of its latent variables."""
        return slice(self.first, self.first + self.width)

    def levels(self, codes: Codes) -> Codes:
        """(n,) positions of codes among those that occur; -1 where a cell is missing, or has another code."""
        if not len(self.codes):
            return np.full(len(codes), -1, dtype=np.int32)
        at = np.minimum(np.searchsorted(self.codes, codes), len(self.codes) - 1)
        return np.where(self.codes[at] == codes, at, -1).astype(np.int32)

    def standard(self, codes: Codes) -> Numbers:
        """(n,) standardized numbers of codes, NaN where missing; of a code between two that occur, a number between."""
        if not len(self.codes):
            return np.full(len(codes), np.nan)
        unit = self.unit or 1.0
        values = np.interp(codes, self.codes, self.numbers / unit) - self.centre / unit
        return np.where(codes >= 0, values, np.nan)

    def decode(self, z: Numbers, thresholds: Numbers) -> npt.NDArray[Any]:
        """(n,) numbers or codes of (n, width) latent variables."""
        if self.is_number:
            return self.centre + self.unit * z[:, 0]
        if not self.width:
            return np.full(len(z), self.codes[0] if len(self.codes) else 0, dtype=np.int32)
        if self.ordered:
            return self.codes[np.searchsorted(thresholds, z[:, 0])]
        largest = z.argmax(axis=1)
        return self.codes[np.where(z[np.arange(len(z)), largest] > 0, largest + 1, 0)]

    def thresholds(self, levels: Codes) -> Numbers:
        """(k - 1,) thresholds of ordered levels by their shares; empty for other columns."""
        from scipy.special import ndtri

        if not self.ordered:
            return np.empty(0)
        count = np.bincount(levels[levels >= 0], minlength=len(self.codes))
        return np.asarray(ndtri(np.cumsum(count)[:-1] / count.sum()), dtype=np.float64)
