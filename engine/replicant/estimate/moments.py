"""The first pass of every model: the triangle of the design, counts, and what follows from them.

A tall matrix X = QR is reduced block by block to its triangle R (TSQR: Demmel, Grigori, Hoemmen & Langou 2012): the
triangle of stacked triangles is that of the stacked blocks. Nothing is squared, so collinearity shows at the precision
at which R's `lm` sees it, and a later pass can work in the coordinates X R^-1, in which the terms are orthonormal.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from replicant.errors import DataError
from replicant.estimate.design import Design, Prepared
from replicant.table.arrays import Floats

__all__ = ["Basis", "Moments", "basis_of", "moments"]

ALIASED = 1e-7  # R's tolerance in lm: what is left of a term beside those before it, relative to its length

LARGEST = 1e150
"""Terms and responses beyond it are refused: their squares, and sums of them, would not be numbers any more."""


@dataclass(frozen=True, eq=False, slots=True)
class Moments:
    """Sums over rows.

    Attributes
    ----------
    triangle
        (p + 1, p + 1) triangle of the design with the response behind it, rows scaled by the root of their weights.
    rows, total
        Rows used, and the sum of their weights.
    counts
        Sums of weights by level of the response; empty for numbers.
    low, high
        Range of the response.
    dropped, undefined
        Rows left out, see `Design`.
    """

    triangle: Floats
    rows: int
    total: float
    counts: Floats
    low: float
    high: float
    dropped: int
    undefined: dict[str, int]

    def combine(self, other: Moments) -> Moments:
        """The moments of both parts together."""
        undefined = dict(self.undefined)
        for label, count in other.undefined.items():
            undefined[label] = undefined.get(label, 0) + count
        return Moments(
            _triangle(np.vstack([self.triangle, other.triangle])),
            self.rows + other.rows,
            self.total + other.total,
            self.counts + other.counts,
            min(self.low, other.low),
            max(self.high, other.high),
            self.dropped + other.dropped,
            undefined,
        )


def _triangle(matrix: Floats) -> Floats:
    r = np.asarray(np.linalg.qr(matrix, mode="r"))
    missing = matrix.shape[1] - r.shape[0]
    return r if missing <= 0 else np.vstack([r, np.zeros((missing, matrix.shape[1]))])


def map_moments(design: Design, levels: int) -> Moments:
    """The moments of one partition."""
    y, w = design.response, design.weights
    stacked = np.column_stack([design.matrix, y])
    if w is not None:
        stacked *= np.sqrt(w)[:, None]
    counts = np.bincount(y.astype(np.intp), w, levels).astype(np.float64) if levels else np.empty(0)
    low, high = (float(y.min()), float(y.max())) if y.size else (np.inf, -np.inf)
    total = float(len(y)) if w is None else float(w.sum())
    return Moments(_triangle(stacked), len(y), total, counts, low, high, design.dropped, design.undefined)


def moments(prepared: Prepared) -> Moments:
    """The first pass.

    Raises
    ------
    DataError
        Where no complete row is left, or values are too large to be squared and added.
    """
    levels = prepared.response_levels
    size = 0 if levels is None else len(levels.labels)
    out = prepared.reduce(lambda design: map_moments(design, size), Moments.combine)
    if out.rows == 0:
        raise DataError(
            f"no complete row is left for {prepared.formula.text!r} ({out.dropped} have missing cells)",
            need="rows in which every column of the formula is known",
        )
    # Infinite or no number where the squares cannot be held at all.
    large = np.flatnonzero(~(np.abs(out.triangle).max(axis=0) < LARGEST))
    if large.size:
        names = (*prepared.names, str(getattr(prepared.formula.response, "label", "the response")))
        raise DataError(
            f"{names[large[0]]} has values so large that sums of squares cannot be held",
            need=f"values below {LARGEST:g}",
            fix="divide the column by a power of ten first, or declare the code that stands for missing",
        )
    return out


@dataclass(frozen=True, eq=False)
class Basis:
    """The terms that can be estimated, and orthonormal coordinates for them.

    Attributes
    ----------
    kept
        Positions of the terms kept, in order: a term that is a combination of those before it is not.
    r
        (k, k) triangle of these, divided by the root of the sum of weights.
    messages
        Which terms are not, and why.
    """

    kept: np.ndarray[Any, np.dtype[np.intp]]
    r: Floats
    messages: tuple[str, ...]

    @cached_property
    def rotation(self) -> Floats:
        """(k, k): `X[:, kept] @ rotation` has orthonormal columns; coefficients come back as `rotation @ gamma`."""
        return np.asarray(np.linalg.inv(self.r))

    @cached_property
    def sizes(self) -> Floats:
        """(k,) root mean square of each term."""
        return np.asarray(np.linalg.norm(self.r, axis=0))

    def rotate(self, matrix: Floats) -> Floats:
        """The terms of a partition in these coordinates."""
        return (matrix if len(self.kept) == matrix.shape[1] else matrix[:, self.kept]) @ self.rotation

    def spread(self, values: Floats, size: int) -> Floats:
        """Estimates, or a covariance, of the kept terms among all, NaN elsewhere."""
        out = np.full((size,) * values.ndim, np.nan)
        out[np.ix_(*(self.kept,) * values.ndim)] = values
        return out


def basis_of(prepared: Prepared, found: Moments, notes: bool = True) -> Basis:
    """Which terms can be estimated."""
    p = len(prepared.names)
    full = found.triangle[:p, :p] / np.sqrt(found.total)
    norms = np.linalg.norm(full, axis=0)
    kept, r, out = np.arange(p), full, []
    while len(kept):
        left = np.abs(np.diag(r))
        aliased = np.flatnonzero(left <= ALIASED * norms[kept])
        if not aliased.size:
            break
        j = int(aliased[0])
        out.append(_why(prepared.names, kept, j, r, float(norms[kept[j]])))
        kept = np.delete(kept, j)
        r = _triangle(full[:, kept])[: len(kept)] if len(kept) else np.empty((0, 0))
    return Basis(kept, r, tuple(out) if notes else ())


def _why(names: tuple[str, ...], kept: np.ndarray[Any, Any], j: int, r: Floats, norm: float) -> str:
    name = names[kept[j]]
    if norm == 0:
        return f"{name}: 0 in every row (a level that does not occur); it cannot be estimated"
    share = np.linalg.solve(r[:j, :j], r[:j, j]) * np.linalg.norm(r[:, :j], axis=0) if j else np.empty(0)
    others = [names[kept[i]] for i in np.flatnonzero(np.abs(share) > 1e-6 * np.abs(share).max(initial=0.0))]
    shown = ", ".join(others[:8]) + (f" and {len(others) - 8} more" if len(others) > 8 else "")
    return f"{name}: collinear with {shown}; it cannot be estimated beside them"


def rows_said(found: Moments) -> list[str]:
    """Messages about rows left out."""
    out = []
    if found.dropped:
        out.append(f"{found.dropped} rows with missing cells were left out")
    out += [f"{label} is no finite number in {count} rows: left out" for label, count in found.undefined.items()]
    return out


def levels_said(prepared: Prepared, found: Moments) -> list[str]:
    """Messages about levels of the response that do not occur (those of a term show as zeros, or as collinear)."""
    levels = prepared.response_levels
    if levels is None or not found.counts.size:
        return []
    absent = [label for label, count in zip(levels.labels, found.counts, strict=True) if count == 0]
    return [f"the response has no row with {label}" for label in absent]
