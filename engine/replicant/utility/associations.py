"""Associations of all pairs of columns: correlations, correlation ratios and Cramér's V, from sums over rows.

Of two columns of numbers the association is Pearson's correlation (and Spearman's, that of the ranks), of a column of
levels and one of numbers the correlation ratio, of two columns of levels Cramér's V, missing cells being a level.
Numbers are taken in pairs that are both known. Sums of partitions add up; ranks need the rows together.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from replicant.table.arrays import Bools, Floats
from replicant.utility.tables import Layout, layout_of

__all__ = ["Associated", "Sums", "ranked"]


@dataclass(frozen=True, eq=False)
class Associated:
    """What is needed to sum over the rows of any partition.

    Attributes
    ----------
    is_numeric
        (p,) which columns are numbers.
    sizes
        Number of groups of each column; of numbers it does not matter.
    center, spread
        (p,) numbers are shifted and scaled by these first, so that sums of squares keep their digits: about the mean
        and the deviation of the real column.
    """

    is_numeric: Bools
    sizes: tuple[int, ...]
    center: Floats
    spread: Floats

    @classmethod
    def of(cls, numbers: Floats, is_numeric: Bools, sizes: tuple[int, ...]) -> Associated:
        """By the numbers of a sample of the real rows."""
        known = np.isfinite(numbers)
        count = np.maximum(known.sum(axis=0), 1)
        center = np.where(known, numbers, 0.0).sum(axis=0) / count
        spread = np.sqrt((np.where(known, numbers - center, 0.0) ** 2).sum(axis=0) / count)
        return cls(is_numeric, tuple(sizes), center, np.where(spread > 0, spread, 1.0))

    @cached_property
    def levels(self) -> Layout:
        """The tables of pairs of columns of levels."""
        at = np.flatnonzero(~self.is_numeric)
        return layout_of(self.sizes, (), [(int(i), int(j)) for a, i in enumerate(at) for j in at[a + 1 :]])

    def sums(self, numbers: Floats, groups: NDArray[np.int32], weights: Floats | None = None) -> Sums:
        """The sums of a partition.

        Parameters
        ----------
        numbers
            (n, p) NaN where missing.
        groups
            (n, p) codes of levels.
        weights
            (n,) of the rows.
        """
        q = np.flatnonzero(self.is_numeric)
        known = np.isfinite(numbers[:, q])
        z = np.where(known, (numbers[:, q] - self.center[q]) / self.spread[q], 0.0)
        one = known.astype(np.float64)
        w = one if weights is None else one * weights[:, None]
        wz = z if weights is None else z * weights[:, None]
        crossed = np.stack([w.T @ one, wz.T @ one, (wz * z).T @ one, wz.T @ z])
        within = []
        for j in np.flatnonzero(~self.is_numeric):
            code, size = groups[:, j].astype(np.intp), self.sizes[j]
            counts = [np.bincount(code, w[:, i], size) for i in range(len(q))]
            totals = [np.bincount(code, wz[:, i], size) for i in range(len(q))]
            within.append(np.array([counts, totals]).reshape(2, len(q), size))
        return Sums(self, crossed, tuple(within), self.levels.count(groups, weights))


@dataclass(frozen=True, eq=False)
class Sums:
    """Sums over rows.

    Attributes
    ----------
    of
        What was summed.
    crossed
        (4, q, q) of pairs of numbers: weights, sums, squares of the first, products.
    within
        For each column of levels (2, q, size): weights and sums of each number by level.
    counts
        Of the tables of two columns of levels.
    """

    of: Associated
    crossed: Floats
    within: tuple[Floats, ...]
    counts: Floats

    def combine(self, other: Sums) -> Sums:
        """The sums of both partitions together."""
        within = tuple(a + b for a, b in zip(self.within, other.within, strict=True))
        return Sums(self.of, self.crossed + other.crossed, within, self.counts + other.counts)

    @cached_property
    def matrix(self) -> Floats:
        """(p, p) the association of every pair, 1 in the diagonal; NaN where a column is constant or a pair unknown."""
        numeric = self.of.is_numeric
        q, c = np.flatnonzero(numeric), np.flatnonzero(~numeric)
        out = np.full((len(numeric),) * 2, np.nan)
        np.fill_diagonal(out, 1.0)
        with np.errstate(divide="ignore", invalid="ignore"):
            n, sums, squares, products = self.crossed
            spread = n * squares - sums**2
            spread = np.where(spread > 1e-12 * n * squares, spread, np.nan)
            r = (n * products - sums * sums.T) / np.sqrt(spread * spread.T)
            np.fill_diagonal(r, 1.0)
            out[np.ix_(q, q)] = np.clip(r, -1, 1)
            total = np.diag(spread) / np.diag(n)
            for j, (counts, sums_of) in zip(c, self.within, strict=True):
                between = np.where(counts > 0, sums_of**2 / counts, 0.0).sum(axis=1)
                between -= sums_of.sum(axis=1) ** 2 / counts.sum(axis=1)
                out[j, q] = out[q, j] = np.sqrt(np.clip(between / total, 0, 1))
        layout = self.of.levels
        for t, (first, second) in enumerate(layout.tables):
            out[first, second] = out[second, first] = _cramer(layout.block(self.counts, t))
        return out


def ranked(numbers: Floats) -> Floats:
    """(n, p) ranks of the known numbers of each column, ties sharing their mean: for Spearman's correlations."""
    from scipy.stats import rankdata

    if not len(numbers):
        return numbers
    return np.asarray(rankdata(numbers, axis=0, nan_policy="omit"), dtype=np.float64)


def _cramer(table: Floats) -> float:
    """Cramér's V (1946) of a table, of levels that occur; NaN if one column has a single one."""
    table = table[table.sum(axis=1) > 0][:, table.sum(axis=0) > 0]
    least = min(table.shape) - 1
    if least < 1:
        return np.nan
    expected = np.outer(table.sum(axis=1), table.sum(axis=0)) / table.sum()
    return float(np.sqrt(((table - expected) ** 2 / expected).sum() / table.sum() / least))
