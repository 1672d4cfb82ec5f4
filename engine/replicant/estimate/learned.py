"""What terms such as `poly(x, 2)` and `ns(x, df = 3)` have to know of all rows before they are numbers of one row.

It is learned in stages over the partitions, whose results merge, so that it is the same however the rows are cut.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import Any, Protocol, TypeAlias, TypeVar

import numpy as np
import pandas as pd

from replicant.errors import DataError
from replicant.estimate.columns import compute
from replicant.estimate.formula import Formula
from replicant.estimate.partitions import Source, partitioned
from replicant.estimate.sketch import KEEP, Sketch, sketch
from replicant.estimate.splines import SplineBasis, inner_knots
from replicant.estimate.variable import Spline, Variable
from replicant.table.arrays import Floats

__all__ = ["LEARNING", "Learned", "learn", "learned_of", "learned_together"]

LEARNING = frozenset({"poly", "scale", "bs", "ns"})
"""Roles of variables that depend on the values of the data."""

S = TypeVar("S")


class Basis(Protocol):
    """Columns of numbers."""

    def columns(self, x: Floats, /) -> Floats:
        """(n,) or (n, k) of (n,) numbers."""
        ...


Learned: TypeAlias = "Mapping[str, Basis]"
"""By label of the variable."""


@dataclass(frozen=True, slots=True)
class _Scaled:
    centre: float
    spread: float

    def columns(self, x: Floats) -> Floats:
        return (x - self.centre) / self.spread


@dataclass(frozen=True, slots=True)
class _Powers:
    degree: int

    def columns(self, x: Floats) -> Floats:
        return np.vander(x, self.degree + 1, increasing=True)[:, 1:]


@dataclass(frozen=True, eq=False, slots=True)
class _Polynomials:
    """Orthogonal over the rows that they were learned from."""

    centre: float
    spread: float
    rotation: Floats

    def columns(self, x: Floats) -> Floats:
        powers = np.vander((x - self.centre) / self.spread, len(self.rotation), increasing=True)
        return np.ascontiguousarray((powers @ self.rotation)[:, 1:])


class Stacked:
    """Several sources as one: what is learned of the sets of a release is learned of all of them."""

    def __init__(self, sources: Sequence[Source]) -> None:
        self._sources = tuple(sources)

    @property
    def n_partitions(self) -> int:
        return sum(one.n_partitions for one in self._sources)

    @property
    def cached(self) -> bool:
        return all(one.cached for one in self._sources)

    @property
    def remote(self) -> bool:
        return any(one.remote for one in self._sources)

    def reduce(self, function: Callable[[pd.DataFrame, Floats | None], S], combine: Callable[[S, S], S], /) -> S:
        state = self._sources[0].reduce(function, combine)
        for one in self._sources[1:]:
            state = combine(state, one.reduce(function, combine))
        return state


def learned_together(
    formula: Formula, sets: Sequence[Any], weights: str | None = None, *, counted: bool = True
) -> dict[str, Basis] | None:
    """What a formula has learned of several sets at once, so that its terms mean the same in each; None: nothing.

    Parameters
    ----------
    formula
        The formula.
    sets
        Frames, functions that load partitions, or partitions elsewhere.
    weights, counted
        A column of weights, and whether they count rows.
    """
    if not any(variable.role in LEARNING for variable in formula.variables):
        return None
    sources = Stacked([partitioned(one, weights) for one in sets])
    return learned_of(formula, sources, counted=counted, sets=len(sets))


def learned_of(formula: Formula, source: Source, *, counted: bool = True, sets: int = 1) -> dict[str, Basis]:
    """What each variable of a formula that must learn has learned.

    Parameters
    ----------
    formula, source
        The formula, and the rows.
    counted
        Whether weights count rows; if not (survey weights), knots are quantiles of the rows as they are, as in R.
    sets
        How many sets the rows are of: polynomials are orthonormal over those of one.
    """
    return {v.label: learn(v, source, counted=counted, sets=sets) for v in formula.variables if v.role in LEARNING}


def learn(variable: Variable, source: Source, *, counted: bool = True, sets: int = 1) -> Basis:
    """What one variable has learned.

    Raises
    ------
    DataError
        If there are too few rows, or too few distinct values.
    """
    if variable.role in {"bs", "ns"}:
        return _spline(variable, source, counted)
    if variable.raw:
        return _Powers(variable.degree)
    first = source.reduce(partial(_sums, variable=variable, centre=0.0), np.add)
    if first[0] < 2:
        raise DataError(f"{variable.label} has fewer than two values", need="more rows")
    centre = float(first[1] / first[0]) if variable.centred else 0.0
    second = source.reduce(partial(_sums, variable=variable, centre=centre), np.add)
    spread = float(np.sqrt(second[2] / (second[0] - 1)))
    if not spread > 0:
        raise DataError(f"{variable.label} is of a column that is constant", need="a column that varies")
    if variable.role == "scale":
        return _Scaled(centre, spread if variable.scaled else 1.0)
    r = source.reduce(
        partial(_triangle, variable=variable, centre=centre, spread=spread),
        lambda a, b: np.asarray(np.linalg.qr(np.vstack([a, b]), mode="r")),
    )
    diagonal = np.diag(r)
    if len(r) <= variable.degree or (np.abs(diagonal) < 1e-9 * np.linalg.norm(r, axis=0)).any():
        raise DataError(
            f"{variable.label} needs more distinct values than there are", need=f"more than {variable.degree} values"
        )
    return _Polynomials(centre, spread, np.asarray(np.linalg.inv(r * np.sign(diagonal)[:, None])) * np.sqrt(sets))


def _values_of(variable: Variable, frame: pd.DataFrame, weights: Floats | None) -> tuple[Floats, Floats]:
    x = compute(variable.node, frame)[0]
    keep = np.isfinite(x) if weights is None else np.isfinite(x) & (weights > 0)
    return x[keep], np.ones(int(keep.sum())) if weights is None else weights[keep]


def _sums(frame: pd.DataFrame, weights: Floats | None, variable: Variable, centre: float) -> Floats:
    x, w = _values_of(variable, frame, weights)
    return np.array([w.sum(), w @ (x - centre), w @ (x - centre) ** 2])


def _triangle(frame: pd.DataFrame, weights: Floats | None, variable: Variable, centre: float, spread: float) -> Floats:
    x, w = _values_of(variable, frame, weights)
    basis = np.vander((x - centre) / spread, variable.degree + 1, increasing=True) * np.sqrt(w)[:, None]
    return np.asarray(np.linalg.qr(basis, mode="r"))


# -------------------------------------------------------------------- splines


def _spline(variable: Variable, source: Source, counted: bool) -> SplineBasis:
    said = variable.spline or Spline()
    count = inner_knots(variable.role, variable.degree, said.df, said.intercept) if said.knots is None else 0
    if said.boundary is not None and not count:
        low, high, knots = *said.boundary, said.knots or ()
    else:
        bounds = said.boundary or (-np.inf, np.inf)
        read = partial(_summary, variable=variable, counted=counted, bounds=bounds)
        whole = source.reduce(read, _combined)
        if not len(whole.points) or not whole.points[0] < whole.points[-1]:
            raise DataError(f"{variable.label} is of a column that is constant", need="a column that varies")
        low, high = said.boundary or (float(whole.points[0]), float(whole.points[-1]))
        shares = np.arange(1, count + 1) / (count + 1)
        knots = (
            said.knots
            if said.knots is not None
            else tuple(_quantiles(source, variable, counted, whole, shares, bounds))
        )
    inside = [low, *knots, high]
    if any(not a < b for a, b in pairwise(inside)):
        if said.knots is not None:
            raise DataError(
                f"{variable.label} has knots outside the range of its column", need="knots inside the outer ones"
            )
        raise DataError(
            f"{variable.label} needs more distinct values than there are: two of its knots coincide",
            need="a smaller df, or knots of your own",
        )
    return SplineBasis(variable.role, variable.degree, tuple(map(float, knots)), low, high, said.intercept)


def _read(
    frame: pd.DataFrame, weights: Floats | None, variable: Variable, counted: bool, bounds: tuple[float, float]
) -> tuple[Floats, Floats]:
    x, w = _values_of(variable, frame, weights)
    inside = (x >= bounds[0]) & (x <= bounds[1])
    return x[inside], w[inside] if counted else np.ones(int(inside.sum()))


def _summary(
    frame: pd.DataFrame, weights: Floats | None, variable: Variable, counted: bool, bounds: tuple[float, float]
) -> Sketch:
    x, w = _read(frame, weights, variable, counted, bounds)
    return sketch(x, w)


def _combined(a: Sketch, b: Sketch) -> Sketch:
    return a.combine(b, 2 * KEEP)


def _quantiles(
    source: Source, variable: Variable, counted: bool, whole: Sketch, shares: Floats, bounds: tuple[float, float]
) -> Floats:
    """R's quantiles (type 7), exactly: where the summary is not exact, what lies about a rank is looked at again."""
    h = (whole.total - 1) * shares
    below = np.floor(h)
    ranks = np.unique(np.concatenate([below, np.minimum(below + 1, np.ceil(whole.total) - 1)]))
    parts, before = [whole] * len(ranks), np.zeros(len(ranks))
    while any(part.error > 0 for part in parts):
        limits = [
            part.at_ranks(np.array([rank - less - part.error - 1, rank - less + part.error + 1]))
            for part, rank, less in zip(parts, ranks, before, strict=True)
        ]
        read = partial(_about, variable=variable, counted=counted, bounds=bounds, limits=limits)
        before, parts = source.reduce(read, _joined)
    value = {
        rank: part.at_ranks(np.array([rank - less]))[0]
        for rank, part, less in zip(ranks.tolist(), parts, before, strict=True)
    }
    low = np.array([value[rank] for rank in below.tolist()])
    high = np.array([value[min(rank + 1, np.ceil(whole.total) - 1)] for rank in below.tolist()])
    return np.asarray(low + (h - below) * (high - low))


def _about(
    frame: pd.DataFrame,
    weights: Floats | None,
    variable: Variable,
    counted: bool,
    bounds: tuple[float, float],
    limits: Sequence[Floats],
) -> tuple[Floats, list[Sketch]]:
    """For each pair of limits how many rows lie below it, and a summary of those within."""
    x, w = _read(frame, weights, variable, counted, bounds)
    before = np.array([w[x < low].sum() for low, _ in limits])
    return before, [sketch(x[at], w[at]) for at in ((x >= low) & (x <= high) for low, high in limits)]


def _joined(a: tuple[Floats, list[Sketch]], b: tuple[Floats, list[Sketch]]) -> tuple[Floats, list[Sketch]]:
    return a[0] + b[0], [_combined(one, other) for one, other in zip(a[1], b[1], strict=True)]
