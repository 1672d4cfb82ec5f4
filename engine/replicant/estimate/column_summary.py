"""Counts and moments of a column in some of its rows, which merge: the summaries of two partitions make that of both.

Descriptions, correlations, the summary of a release, the comparison of two and the tables of a study are views of
these. The least and the greatest number are cells of somebody, so only `Powers` holds them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Generic, Self, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from replicant.table.arrays import Floats
from replicant.table.counts import summed

__all__ = [
    "CoMoments",
    "ColumnSummary",
    "Moments",
    "Powers",
    "Summaries",
    "bin_counts",
    "combined",
    "comoments",
    "level_text",
    "moments",
    "powers",
]

M = TypeVar("M", bound="Moments")

Summaries: TypeAlias = "dict[str, ColumnSummary[M]]"


@dataclass(frozen=True, eq=False)
class Moments:
    """Count, mean, and sum of squares about it, which merge without cancellation (Chan, Golub & LeVeque 1983).

    Attributes
    ----------
    n, mean, m2
        Numbers; or arrays, of many figures at once. Of nothing all of them are 0.
    rest
        The part of the mean that is smaller than its last digit. Far from zero, two means differ by it.
    """

    n: Any
    mean: Any
    m2: Any
    rest: Any = 0.0

    @np.errstate(over="ignore", invalid="ignore")
    def combine(self, other: Self) -> Self:
        """The moments of both partitions together."""
        if not (np.any(self.n) and np.any(other.n)):
            return self if np.any(self.n) else other
        n, apart = self.n + other.n, self.distance(other)
        some = np.where(n > 0, n, 1.0)
        shift = self.rest + apart * (other.n / some)
        mean = self.mean + shift
        m2 = self.m2 + other.m2 + self._square(apart) * (self.n * other.n / some)
        return replace(self, n=n, mean=mean, rest=shift - (mean - self.mean), m2=m2)

    @staticmethod
    def _square(apart: Any) -> Any:
        return apart * apart

    def distance(self, other: Self) -> Any:
        """From this mean to another."""
        return (other.mean - self.mean) + (other.rest - self.rest)

    @property
    @np.errstate(all="ignore")
    def variance(self) -> Any:
        """Over n - 1; NaN of fewer than two."""
        return np.where(np.greater(self.n, 1), np.divide(self.m2, np.subtract(self.n, 1)), np.nan)[()]

    @property
    def sd(self) -> Any:
        """Standard deviation; NaN of fewer than two."""
        return np.sqrt(self.variance)

    @property
    @np.errstate(all="ignore")
    def error(self) -> Any:
        """Standard error of the mean."""
        return self.sd / np.sqrt(self.n)


@dataclass(frozen=True, eq=False, kw_only=True)
class Powers(Moments):
    """Moments up to the fourth (Pébay 2008), and the least and the greatest number.

    Attributes
    ----------
    m3, m4
        Sums of the third and fourth powers about the mean.
    low, high
        Of nothing infinite.
    rows
        Rows with a weight.
    """

    m3: float
    m4: float
    low: float
    high: float
    rows: int

    @np.errstate(over="ignore", invalid="ignore")
    def combine(self, other: Self) -> Self:
        """The powers of both partitions together."""
        a, b, both = self, other, super().combine(other)
        if not (a.n and b.n):
            return both
        n, d = both.n, np.float64(a.distance(b))
        m3 = a.m3 + b.m3 + d**3 * a.n * b.n * (a.n - b.n) / n**2 + 3 * d * (a.n * b.m2 - b.n * a.m2) / n
        m4 = (
            a.m4
            + b.m4
            + d**4 * a.n * b.n * (a.n**2 - a.n * b.n + b.n**2) / n**3
            + 6 * d**2 * (a.n**2 * b.m2 + b.n**2 * a.m2) / n**2
            + 4 * d * (a.n * b.m3 - b.n * a.m3) / n
        )
        return replace(both, m3=m3, m4=m4, low=min(a.low, b.low), high=max(a.high, b.high), rows=a.rows + b.rows)

    def per_row(self) -> Self:
        """With weights that are 1 on average: of survey weights only their relation to one another says something."""
        f = self.rows / self.n if self.n > 0 else 1.0
        return replace(self, **{name: getattr(self, name) * f for name in ("n", "m2", "m3", "m4")})

    @property
    @np.errstate(all="ignore")
    def skew(self) -> Any:
        """The third moment over the cube of the standard deviation: type 3 of `psych::skew`."""
        return self.m3 / np.float64(self.n) / self.sd**3

    @property
    @np.errstate(all="ignore")
    def kurtosis(self) -> Any:
        """The fourth moment over the fourth power of the standard deviation, less 3."""
        return self.m4 / np.float64(self.n) / self.sd**4 - 3


@dataclass(frozen=True, eq=False, kw_only=True)
class CoMoments(Moments):
    """Of several columns at once: (p,) means, and (p, p) sums of cross products about them.

    Attributes
    ----------
    squares
        Sum of squared weights.
    """

    squares: float

    @staticmethod
    def _square(apart: Floats) -> Floats:
        return np.outer(apart, apart)

    def combine(self, other: Self) -> Self:
        """The sums of both partitions together."""
        return replace(super().combine(other), squares=self.squares + other.squares)


@dataclass(frozen=True, eq=False)
class ColumnSummary(Generic[M]):
    """A column of some rows.

    Attributes
    ----------
    rows
        All of them.
    counts
        Cells by level, or by position of a level or bin.
    moments
        Of numbers; None of levels.
    """

    rows: int
    counts: Mapping[Any, int]
    moments: M | None = None

    @property
    def present(self) -> int:
        """Cells that are not missing."""
        return sum(self.counts.values()) if self.moments is None else int(self.moments.n)

    @property
    def missing(self) -> int:
        """Cells that are."""
        return self.rows - self.present

    def combine(self, other: ColumnSummary[M]) -> ColumnSummary[M]:
        """The summary of both partitions together."""
        both = None if self.moments is None or other.moments is None else self.moments.combine(other.moments)
        return ColumnSummary(self.rows + other.rows, summed(self.counts, other.counts), both)


def combined(one: Summaries[M], other: Summaries[M]) -> Summaries[M]:
    """The summaries of both partitions together, by name."""
    return {name: column.combine(other[name]) for name, column in one.items()}


@np.errstate(over="ignore", invalid="ignore")  # of numbers near the largest there is no standard deviation
def moments(values: Floats, weights: NDArray[Any] | None = None) -> Moments:
    """The moments of one partition; NaN are left out."""
    return _moments(*_weighted(values, weights))


@np.errstate(over="ignore", invalid="ignore")
def powers(values: Floats, weights: NDArray[Any] | None = None) -> Powers:
    """The powers of one partition; NaN are left out."""
    x, w = _weighted(values, weights)
    known = _moments(x, w)
    d = x - known.mean
    square = d * d
    m3, m4 = float(w @ (square * d)), float(w @ (square * square))
    low, high = float(x.min(initial=np.inf)), float(x.max(initial=-np.inf))
    return Powers(**vars(known), m3=m3, m4=m4, low=low, high=high, rows=len(x))


def _weighted(values: Floats, weights: NDArray[Any] | None) -> tuple[Floats, Floats]:
    """Numbers that are there and count, with their weights."""
    there = ~np.isnan(values)
    x = values[there]
    if weights is None:
        return x, np.ones(len(x))
    w = weights[there].astype(np.float64)
    return x[w > 0], w[w > 0]


def _moments(x: Floats, w: Floats) -> Moments:
    n = float(w.sum())
    if not n:
        return Moments(0.0, 0.0, 0.0)
    mean = float(w @ x / n)
    d = x - mean
    rest = float(w @ d / n)
    return Moments(n, mean, float(w @ (d * d)) - rest * rest * n, rest)


def comoments(matrix: Floats, weights: Floats | None = None) -> CoMoments:
    """The co-moments of the columns of one partition, in which no number is missing."""
    w = np.ones(len(matrix)) if weights is None else weights
    n = float(w.sum())
    mean = w @ matrix / n if n else np.zeros(matrix.shape[1])
    d = matrix - mean
    rest = w @ d / (n or 1.0)
    return CoMoments(n, mean, (d.T * w) @ d - n * np.outer(rest, rest), rest, squares=float(w @ w))


def bin_counts(values: Floats, edges: Floats, weights: NDArray[Any] | None = None) -> dict[int, int]:
    """How many numbers are in each bin; those beyond the edges count in the outermost ones. Without an edge, none."""
    if not len(edges):
        return {}
    there, bins = ~np.isnan(values), len(edges) - 1
    at = np.clip(np.searchsorted(edges, values[there], side="right") - 1, 0, bins - 1)
    counts = np.bincount(at, None if weights is None else weights[there], bins)
    return {i: int(count) for i, count in enumerate(counts)}


def level_text(level: Any) -> str:
    """A level as text: 1, 1.0 and "1" are one, for a file may have stored them in one way or the other."""
    return str(int(level)) if isinstance(level, float | np.floating) and level.is_integer() else str(level)
