"""Bases of splines as R's package splines has them: `bs`, B-splines, and `ns`, natural cubic splines.

The B-splines are scipy's, by de Boor's recursion. Beyond the outer knots `bs` continues the outer polynomials,
and `ns` continues as a straight line, as in R.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from replicant.table.arrays import Floats

__all__ = ["SplineBasis", "columns_of_spline", "inner_knots"]


def inner_knots(role: str, degree: int, df: int | None, intercept: bool) -> int:
    """How many inner knots a basis of `df` columns has."""
    if df is None:
        return 0
    return df - intercept - (degree if role == "bs" else 1)


def columns_of_spline(role: str, degree: int, df: int | None, knots: Sequence[float] | None, intercept: bool) -> int:
    """Number of columns of a basis."""
    count = inner_knots(role, degree, df, intercept) if knots is None else len(knots)
    return count + intercept + (degree if role == "bs" else 1)


@dataclass(frozen=True, eq=False)
class SplineBasis:
    """A basis with its knots.

    Attributes
    ----------
    role
        `bs` or `ns`.
    degree
        Of the polynomials; 3 for `ns`.
    knots
        The inner knots, ascending.
    low, high
        The outer knots.
    intercept
        Whether the constant is spanned too.
    """

    role: str
    degree: int
    knots: tuple[float, ...]
    low: float
    high: float
    intercept: bool

    @cached_property
    def _all_knots(self) -> Floats:
        ends = self.degree + 1
        return np.concatenate([np.repeat(self.low, ends), self.knots, np.repeat(self.high, ends)])

    def _polynomials(self, x: Floats, derivative: int = 0) -> Floats:
        """(n, k) all B-splines, or their derivatives."""
        from scipy.interpolate import BSpline

        knots = self._all_knots
        if derivative:
            each = np.eye(len(knots) - self.degree - 1)
            return np.asarray(BSpline(knots, each, self.degree).derivative(derivative)(x))
        return np.asarray(BSpline.design_matrix(x, knots, self.degree, extrapolate=True).toarray())

    @cached_property
    def _natural(self) -> Floats:
        """(k, k - 2) the splines whose second derivatives vanish at the outer knots, as R's `ns` takes them."""
        first = 0 if self.intercept else 1
        bent = self._polynomials(np.array([self.low, self.high]), 2)[:, first:]
        return np.asarray(np.linalg.qr(bent.T, mode="complete")[0][:, 2:])

    def columns(self, x: Floats) -> Floats:
        """(n, columns) of the basis at numbers; NaN where they are."""
        out = np.full((len(x), self._width), np.nan)
        there = np.isfinite(x)
        if there.any():
            out[there] = self._columns(x[there])
        return out

    @property
    def _width(self) -> int:
        return len(self.knots) + self.intercept + (self.degree if self.role == "bs" else 1)

    def _columns(self, x: Floats) -> Floats:
        first = 0 if self.intercept else 1
        if self.role == "bs":
            return self._polynomials(x)[:, first:]
        basis = self._polynomials(np.clip(x, self.low, self.high))
        for end, outside in ((self.low, x < self.low), (self.high, x > self.high)):
            if outside.any():
                basis[outside] += (x[outside] - end)[:, None] * self._polynomials(np.array([end]), 1)
        return basis[:, first:] @ self._natural
