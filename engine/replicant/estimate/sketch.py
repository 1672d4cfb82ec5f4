"""A summary of a distribution that merges: weighted points in order, with the error of every rank known.

A partition of up to `KEEP` rows is kept as it is, so that nothing is lost. A longer one, and a merged one of more than
`MOST` points, is thinned: neighbours are put together to groups of at most W / size, each standing at its middle point,
and a rank can then be wrong by that much more. `error` adds these up, so what is stated is a bound.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from replicant.table.arrays import Floats

__all__ = ["Sketch", "sketch"]

KEEP = 8192
MOST = 65536


@dataclass(frozen=True, eq=False, slots=True)
class Sketch:
    """Points in ascending order.

    Attributes
    ----------
    points, weights
        (k,) values and the number of rows of each.
    error
        Greatest error of a rank, in rows; 0: exact.
    """

    points: Floats
    weights: Floats
    error: float = 0.0

    def combine(self, other: Sketch, most: int = MOST) -> Sketch:
        """The sketch of both partitions together, of `most` points unless fewer are exact."""
        points = np.concatenate([self.points, other.points])
        order = np.argsort(points, kind="stable")
        weights = np.concatenate([self.weights, other.weights])[order]
        return _thinned(points[order], weights, self.error + other.error, most)

    @property
    def total(self) -> float:
        return float(self.weights.sum())

    def at_ranks(self, ranks: Floats) -> Floats:
        """Values at 0-based ranks."""
        ends = np.cumsum(self.weights)
        at = np.searchsorted(ends, ranks, side="right")
        return self.points[np.minimum(at, len(self.points) - 1)]

    def quantiles(self, shares: Floats, *, whole: bool = True) -> Floats:
        """R's default (type 7): linear between neighbours of rank (n - 1) p.

        Where weights are no whole numbers of rows (`whole`) there are no such neighbours: then the least value up to
        which there is a share p of the weights, as `survey::svyquantile`.
        """
        if not len(self.points):
            return np.full(len(shares), np.nan)
        if not whole:
            held = self.weights > 0
            ends = np.cumsum(self.weights[held])
            # Sums of fractions: a share that is reached but for rounding is reached.
            at = np.searchsorted(ends, np.asarray(shares, dtype=np.float64) * ends[-1] * (1 - 1e-12))
            return np.asarray(self.points[held][at])
        h = (self.total - 1) * np.asarray(shares, dtype=np.float64)
        below = np.floor(h)
        low, high = self.at_ranks(below), self.at_ranks(np.minimum(below + 1, np.ceil(self.total) - 1))
        return np.asarray(low + (h - below) * (high - low))

    def trimmed(self, share: float, *, whole: bool = True) -> float:
        """The mean without that share of the rows on either side, as R's `mean(trim=)`."""
        cut = np.floor(self.total * share) if whole else self.total * share
        ends = np.cumsum(self.weights)
        inside = np.minimum(ends, self.total - cut) - np.maximum(ends - self.weights, cut)
        inside = np.maximum(inside, 0.0)
        return float(inside @ self.points / inside.sum()) if inside.sum() > 0 else float("nan")

    def mad(self, *, whole: bool = True) -> float:
        """Median absolute deviation from the median, times 1.4826."""
        if not len(self.points):
            return float("nan")
        half = np.array([0.5])
        away = np.abs(self.points - self.quantiles(half, whole=whole)[0])
        order = np.argsort(away, kind="stable")
        return float(1.4826 * Sketch(away[order], self.weights[order]).quantiles(half, whole=whole)[0])

    def ranks(self, values: Floats) -> Floats:
        """Mid-ranks (from 1) of values: ties share the mean of their ranks."""
        ends = np.append(0.0, np.cumsum(self.weights))
        below = ends[np.searchsorted(self.points, values, side="left")]
        through = ends[np.searchsorted(self.points, values, side="right")]
        return np.asarray((below + through + 1) / 2)


def sketch(values: Floats, weights: Floats | None = None, *, keep: int = KEEP) -> Sketch:
    """The sketch of one partition; NaN are left out."""
    there = ~np.isnan(values)
    values = values[there]
    if weights is None:
        return _thinned(np.sort(values), np.ones(len(values)), 0.0, keep)
    order = np.argsort(values, kind="stable")
    return _thinned(values[order], weights[there][order], 0.0, keep)


def _thinned(points: Floats, weights: Floats, error: float, size: int) -> Sketch:
    if len(points) <= size:
        return Sketch(points, weights, error)
    # Equal points are one point: that loses nothing.
    starts = np.flatnonzero(np.append(True, points[1:] != points[:-1]))
    points, weights = points[starts], np.add.reduceat(weights, starts)
    if len(points) <= size:
        return Sketch(points, weights, error)
    ends = np.cumsum(weights)
    group = np.minimum((ends - weights / 2) * (size / ends[-1]), size - 1).astype(np.intp)
    group[0], group[-1] = -1, size  # the ends of the range stay
    first = np.flatnonzero(np.append(True, group[1:] != group[:-1]))
    last = np.append(first[1:], len(points)) - 1
    masses = np.add.reduceat(weights, first)
    lost = float(np.max(np.where(last > first, masses, 0.0)))
    return Sketch(points[(first + last) // 2], masses, error + lost)
