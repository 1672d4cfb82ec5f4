"""Donors by the codes of predictors, and where no donor has the same ones, by fewer predictors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from replicant.methods.base import Codes, Predictors

__all__ = ["DonorCells", "DonorCellsModel", "feature_codes"]

Longs = npt.NDArray[np.int64]


def feature_codes(x: Predictors, feature: int) -> Codes:
    """(size,) codes of one feature of some rows, a missing one (-1) included."""
    if x.codes is not None:
        return np.asarray(x.codes[:, feature])
    column: Codes = x.features.codes[feature]
    return column if x.rows is None else column[x.rows]


@dataclass(frozen=True, eq=False, slots=True)
class DonorCells:
    """The donors, sorted by their codes of some features, the first feature first.

    Cells of depth d hold the donors with the same codes of the first d features; the only one of depth 0 holds all
    donors. As donors are sorted, each cell is a range of them, and a cell is found from the one above it.

    Attributes
    ----------
    features
        Positions of the features.
    keys
        For each depth from 1: sorted, (cell above) * (number of codes) + (code), of the cells with enough donors.
    numbers
        The numbers of these cells among all of their depth.
    start, end
        For each depth from 0: the range of donors of each cell.
    donors
        Rows of the table, each as often as its weight.
    """

    features: tuple[int, ...]
    keys: tuple[Longs, ...]
    numbers: tuple[Longs, ...]
    start: tuple[Longs, ...]
    end: tuple[Longs, ...]
    donors: Codes

    @classmethod
    def of(cls, x: Predictors, features: Sequence[int], weights: Codes | None, fewest: int = 1) -> DonorCells:
        """Sort donors.

        Parameters
        ----------
        x
            All rows of the table.
        features
            Positions of the features that make up cells; the last is left out first.
        weights
            (n,) repetitions of the rows; 0: no donor.
        fewest
            Donors that a cell needs to be drawn from.
        """
        rows = np.arange(x.features.n) if weights is None else np.flatnonzero(weights)
        counted = np.ones(len(rows)) if weights is None else weights[rows].astype(np.float64)
        cell = np.zeros(len(rows), dtype=np.int64)
        keys, numbers, ends = [], [], [np.array([counted.sum()], dtype=np.int64)]
        for feature in features:
            found, cell = np.unique(_key(x, feature, cell, x.features.codes[feature][rows]), return_inverse=True)
            count = np.bincount(cell, counted, len(found)).astype(np.int64)
            kept = np.flatnonzero(count >= fewest)
            keys.append(found[kept])
            numbers.append(kept)
            ends.append(np.cumsum(count))
        order = np.argsort(cell, kind="stable")
        donors = rows[order] if weights is None else np.repeat(rows[order], weights[rows[order]])
        starts = [end - np.diff(end, prepend=0) for end in ends]
        return cls(tuple(features), tuple(keys), tuple(numbers), tuple(starts), tuple(ends), donors.astype(np.int32))

    def depths(self, x: Predictors) -> Longs:
        """(size,) of how many features the deepest cell is that each row finds."""
        return self._find(x, None)[0]

    def draw(self, x: Predictors, rng: np.random.Generator) -> Codes:
        """(size,) a random donor of the deepest cell that each row finds; see `Predictors.exclude_self`."""
        u = rng.random(x.size)
        if not x.exclude_self or x.rows is None:
            _, start, end = self._find(x, None)
            return self.donors[start + (u * (end - start)).astype(np.int64)]
        n = x.features.n
        count = np.bincount(self.donors, minlength=n)[x.rows]
        first = np.zeros(n, dtype=np.int64)
        first[self.donors[::-1]] = np.arange(len(self.donors))[::-1]
        own = first[x.rows], count
        _, start, end = self._find(x, own)
        skipped = np.where((own[0] >= start) & (own[0] < end) & (end - start > count), count, 0)
        at = start + (u * (end - start - skipped)).astype(np.int64)
        return self.donors[at + np.where(at >= own[0], skipped, 0)]

    def _find(self, x: Predictors, own: tuple[Longs, Longs] | None) -> tuple[Longs, Longs, Longs]:
        """Depth, start and end of the deepest cell of each row, with a donor that is not the row itself."""
        depth = np.zeros(x.size, dtype=np.int64)
        cell = np.zeros(x.size, dtype=np.int64)
        start = np.full(x.size, self.start[0][0])
        end = np.full(x.size, self.end[0][0])
        for d, feature in enumerate(self.features):
            if not len(self.keys[d]):
                break
            key = _key(x, feature, cell, feature_codes(x, feature))
            at = np.minimum(np.searchsorted(self.keys[d], key), len(self.keys[d]) - 1)
            number = self.numbers[d][at]
            below, above = self.start[d + 1][number], self.end[d + 1][number]
            goes = (depth == d) & (self.keys[d][at] == key)
            if own is not None:
                goes &= above - below > np.where((own[0] >= below) & (own[0] < above), own[1], 0)
            depth[goes] = d + 1
            cell, start, end = np.where(goes, number, cell), np.where(goes, below, start), np.where(goes, above, end)
        return depth, start, end


def _key(x: Predictors, feature: int, cell: Longs, codes: Codes) -> Longs:
    return cell * (int(x.features.sizes[feature]) + 1) + codes + 1


@dataclass(frozen=True, eq=False, slots=True)
class DonorCellsModel:
    """Cells of donors and the codes of the column, by row of the table.

    Attributes
    ----------
    cells
        Where a row finds its donors.
    codes
        (n,) the column's codes.
    notes
        Words of `NOTES`.
    """

    cells: DonorCells
    codes: Codes
    notes: tuple[str, ...] = ()

    def draw(self, x: Predictors, rng: np.random.Generator, /) -> Codes:
        return self.codes[self.cells.draw(x, rng)]
