"""The first stage of every model: the triangle of the design, counts, and what follows from them.

A tall matrix X = QR is reduced block by block to its triangle R (TSQR: Demmel, Grigori, Hoemmen & Langou 2012): the
triangle of stacked triangles is that of the stacked blocks. Nothing is squared, so collinearity shows at the precision
at which R's `lm` sees it, and a later stage can work in the coordinates X R^-1, in which the terms are orthonormal.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from replicant.errors import DataError
from replicant.estimate.design import Design, Prepared
from replicant.estimate.grounds import Coded, Coding, Grounds, Relations, listed, reduced, triangle_of
from replicant.estimate.levels import Factor
from replicant.table.arrays import Bools, Floats
from replicant.table.counts import summed

__all__ = ["Basis", "Moments", "basis_of", "check_outcome", "grounds_of", "levels_said", "moments", "rows_said"]

LARGEST = 1e150
"""Terms and responses beyond it are refused: their squares, and sums of them, would not be numbers any more."""


MOST_OUTCOMES = 50
"""Most distinct numbers of a response that a model takes for levels."""


@dataclass(frozen=True, eq=False, slots=True)
class Moments:
    """Sums over rows.

    Attributes
    ----------
    triangle
        (p + 1, p + 1) triangle of the design with the response behind it, less its offset, rows scaled by the root of
        their weights.
    rows, total
        Rows used, and the sum of their weights.
    counts
        Sums of weights by level of the response; empty for numbers.
    low, high
        Range of the response.
    dropped, undefined
        Rows left out, see `Design`.
    seen
        Levels that occur, see `Design`.
    """

    triangle: Floats
    rows: int
    total: float
    counts: Floats
    low: float
    high: float
    dropped: int
    undefined: dict[str, int]
    seen: tuple[Bools, ...]

    def combine(self, other: Moments) -> Moments:
        """The moments of both partitions together."""
        return Moments(
            triangle_of(np.vstack([self.triangle, other.triangle])),
            self.rows + other.rows,
            self.total + other.total,
            self.counts + other.counts,
            min(self.low, other.low),
            max(self.high, other.high),
            self.dropped + other.dropped,
            summed(self.undefined, other.undefined),
            tuple(a | b for a, b in zip(self.seen, other.seen, strict=True)),
        )


def map_moments(design: Design, levels: int) -> Moments:
    """The moments of one partition."""
    y, w = design.response, design.weights
    stacked = np.column_stack([design.matrix, design.target])
    if w is not None:
        stacked *= np.sqrt(w)[:, None]
    counts = np.bincount(y.astype(np.intp), w, levels).astype(np.float64) if levels else np.empty(0)
    low, high = (float(y.min()), float(y.max())) if y.size else (np.inf, -np.inf)
    total = float(len(y)) if w is None else float(w.sum())
    triangle = triangle_of(stacked)
    return Moments(triangle, len(y), total, counts, low, high, design.dropped, design.undefined, design.seen)


def moments(prepared: Prepared) -> Moments:
    """The first stage.

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
            fix="divide the column by a power of ten first, or declare the code that denotes missing values",
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
    relations
        The relations between the columns that the others follow from.
    """

    kept: np.ndarray[Any, np.dtype[np.intp]]
    r: Floats
    messages: tuple[str, ...]
    relations: Relations | None

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


def basis_of(prepared: Prepared, found: Moments) -> Basis:
    """Which terms can be estimated, as R's `lm` has it: what is a combination of those before it is not."""
    p = len(prepared.names)
    kept, r, relations = reduced(found.triangle[:p, :p] / np.sqrt(found.total))
    if relations is None:
        return Basis(kept, r, (), None)
    broken = [one for one in prepared.coded(found.seen, found.counts) if one.columns and one.broken]
    resting = {j for one in broken for j in one.columns}
    said = [_lacking(one) for one in broken]
    said += [_why(prepared.names, j, others) for j, others in relations.rows() if not others or j not in resting]
    return Basis(kept, r, tuple(said), relations)


def _lacking(factor: Coded) -> str:
    """What is to be said of a level on which the others rest."""
    if factor.coding == "together":
        whose, fix = "its contrasts rest on all levels", f"C({factor.column}, treatment) has others"
    else:
        whose, fix = "its other levels are compared with it", f'C({factor.column}, ref="...") names another'
    levels = f"the level{'s' * (len(factor.broken) > 1)} {listed(factor.broken)}" if factor.typed else "a level"
    return f"{factor.label}: no row has {levels}, and {whose}: they cannot be estimated ({fix})"


def _why(names: tuple[str, ...], j: int, others: Sequence[int]) -> str:
    if not others:
        return f"{names[j]}: 0 in every row (a level that does not occur); it cannot be estimated"
    shown = ", ".join(names[i] for i in others[:8]) + (f" and {len(others) - 8} more" if len(others) > 8 else "")
    return f"{names[j]}: collinear with {shown}; it cannot be estimated beside them"


def grounds_of(
    prepared: Prepared,
    found: Moments,
    basis: Basis,
    columns: Sequence[int] | np.ndarray[Any, Any] | None = None,
    response: Coding = "outcomes",
) -> Grounds:
    """What the terms of a fit rest on.

    Parameters
    ----------
    prepared, found, basis
        The model's data, its first stage, and the estimable coefficients.
    columns
        For each term the column of the design that it needs, -1 for none; by default the columns are the terms.
    response
        What the model makes of a response with levels.
    """
    at = np.arange(len(prepared.names)) if columns is None else np.asarray(columns)
    return Grounds(
        prepared.names, at.astype(np.intp), prepared.coded(found.seen, found.counts, response), basis.relations
    )


def rows_said(found: Moments) -> list[str]:
    """Messages about rows left out."""
    out = []
    if found.dropped:
        out.append(f"{found.dropped} rows with missing cells were left out")
    out += [f"{label} is no finite number in {count} rows: left out" for label, count in found.undefined.items()]
    return out


def check_outcome(model: str, levels: Factor) -> None:
    """Refuse numbers that are no levels as the response of a model of levels: it would have a term for each of them.

    Raises
    ------
    DataError
        They are too many.
    """
    if not levels.typed and len(levels.labels) > MOST_OUTCOMES:
        raise DataError(
            f"the response of {model} is a column of {len(levels.labels):,} distinct numbers",
            need=f"levels, or at most {MOST_OUTCOMES} distinct numbers",
            fix="take ols, or declare the column as ordered in the codebook if its numbers are codes",
        )


def levels_said(prepared: Prepared, found: Moments) -> list[str]:
    """Messages about levels of the response that do not occur (those of a term show as zeros, or as collinear)."""
    levels = prepared.response_levels
    if levels is None or not found.counts.size:
        return []
    absent = [label for label, count in zip(levels.labels, found.counts, strict=True) if count == 0]
    return [f"the response has no row with {label}" for label in absent]
