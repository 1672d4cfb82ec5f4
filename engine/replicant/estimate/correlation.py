"""Correlations of columns, by sums over partitions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from replicant.errors import DataError, SpecError, nearest
from replicant.estimate.column_summary import CoMoments, comoments
from replicant.estimate.columns import numbers
from replicant.estimate.levels import factors_of
from replicant.estimate.partitions import columns_of, partitioned
from replicant.estimate.sampling import Sampling, sampling_of
from replicant.estimate.sketch import KEEP, Sketch, sketch
from replicant.estimate.survey import linearized
from replicant.estimate.units import UnitSums, unit_sums, units_of
from replicant.table.arrays import Floats
from replicant.table.names import names_of

__all__ = ["Correlation", "correlation"]

CELLS = 1 << 22
"""Most figures that are held at a time: of many rows and pairs."""


@dataclass(frozen=True, eq=False)
class Correlation:
    """Correlations.

    Attributes
    ----------
    columns
        k names.
    matrix
        (k, k).
    n
        Rows complete in these columns, or the sum of their weights; of survey weights the number of rows that would say
        as much if they counted alike, (sum w)^2 / sum w^2 (Kish 1965): what Fisher's z takes for n.
    method
        `pearson` or `spearman`.
    rank_error
        Spearman over large partitions: share of rows by which a rank may be off; 0: exact.
    messages
        Columns that do not vary; what is to be said of the weights.
    std_errors
        Standard errors of `estimates`: (1 - r^2) / sqrt(n - 3), or linearized, of a survey. NaN of ranks in a survey.
    df
        Degrees of freedom of these: infinite, or units less strata.
    """

    columns: tuple[str, ...]
    matrix: Floats
    n: float
    method: str
    rank_error: float = 0.0
    messages: tuple[str, ...] = ()
    std_errors: Floats = field(default_factory=lambda: np.empty(0))
    df: float = np.inf

    @property
    def frame(self) -> pd.DataFrame:
        """The matrix with its names."""
        return pd.DataFrame(self.matrix, index=list(self.columns), columns=list(self.columns))

    @property
    def terms(self) -> tuple[str, ...]:
        """Names of the pairs, `age:hgt`, in the order of `estimates`."""
        rows, columns = np.triu_indices(len(self.columns), 1)
        return tuple(f"{self.columns[i]}:{self.columns[j]}" for i, j in zip(rows, columns, strict=True))

    @property
    def estimates(self) -> Floats:
        """Correlations of the pairs; pool them by `transform="fisher_z"`."""
        return np.asarray(self.matrix[np.triu_indices(len(self.columns), 1)])


def _map(
    frame: pd.DataFrame, weights: Floats | None, columns: tuple[str, ...], sketches: list[Sketch] | None
) -> CoMoments:
    values = np.stack([numbers(frame, name) for name in columns], axis=1)
    complete = ~np.isnan(values).any(axis=1)
    values = values[complete]
    if sketches is not None:
        values = np.stack([s.ranks(values[:, j]) for j, s in enumerate(sketches)], axis=1)
    return comoments(values, None if weights is None else weights[complete])


def _by_unit(
    frame: pd.DataFrame,
    weights: Floats | None,
    columns: tuple[str, ...],
    scale: tuple[Floats, Floats, float],
    pairs: Floats,
    sampling: Sampling,
) -> UnitSums:
    """Sums by unit of what each row adds to each correlation: w (ab - r (a^2 + b^2) / 2) / sum w, standardized."""
    mean, spread, total = scale
    values = np.stack([numbers(frame, name) for name in columns], axis=1)
    w = np.ones(len(values)) if weights is None else weights
    complete = ~np.isnan(values).any(axis=1) & (w > 0)
    with np.errstate(all="ignore"):
        values, w = (values[complete] - mean) / spread, w[complete] / total
    units = units_of(frame, sampling).kept(complete)
    i, j = np.triu_indices(len(columns), 1)
    step = max(CELLS // len(i), 1)
    state: UnitSums | None = None
    for begin in range(0, max(len(values), 1), step):
        part = slice(begin, begin + step)
        a, b = values[part, i], values[part, j]
        added = (a * b - pairs / 2 * (a * a + b * b)) * w[part, None]
        # What was drawn is counted once.
        drawn = units.sampled if begin == 0 else np.zeros_like(units.sampled)
        one = unit_sums(replace(units, codes=units.codes[part], sampled=drawn), added, full=False)
        state = one if state is None else state.combine(one)
    assert state is not None
    return state


def _sketches(frame: pd.DataFrame, weights: Floats | None, columns: tuple[str, ...], keep: int) -> list[Sketch]:
    values = np.stack([numbers(frame, name) for name in columns], axis=1)
    complete = ~np.isnan(values).any(axis=1)
    w = None if weights is None else weights[complete]
    return [sketch(values[complete, j], w, keep=keep) for j in range(len(columns))]


def correlation(
    data: Any,
    columns: Sequence[str] | None = None,
    *,
    method: str = "pearson",
    weights: Any = None,
    weight_kind: str | None = None,
    strata: str | None = None,
    clusters: str | None = None,
    fpc: str | None = None,
    nest: bool = False,
    lonely_psu: str = "fail",
) -> Correlation:
    """Correlations of columns of numbers over the rows that are complete in them.

    Parameters
    ----------
    data
        A frame, or partitions of one.
    columns
        Which; all columns of numbers unless given.
    method
        `pearson`, or `spearman`: of ranks, which partitions find from merged sketches (exact up to 8192 rows each).
    weights
        A column's name, or arrays.
    weight_kind, strata, clusters, fpc, nest, lonely_psu
        As for `replicant.estimate.fit`: of a survey, Pearson's correlations have linearized standard errors.
    """
    if method not in {"pearson", "spearman"}:
        raise SpecError("the method of correlation is unknown", need="pearson or spearman")
    source = partitioned(data, weights)
    sampling = sampling_of(
        source, weights, weight_kind, strata=strata, clusters=clusters, fpc=fpc, nest=nest, lonely_psu=lonely_psu
    )
    if method == "spearman" and (strata is not None or clusters is not None):
        raise SpecError("Spearman's correlation takes no strata or clusters", need='method="pearson", or weights alone')
    known = columns_of(source)
    factors = factors_of(source, known)
    chosen = names_of(columns) if columns is not None else tuple(name for name in known if name not in factors)
    for name in chosen:
        if name not in known:
            raise SpecError(f"there is no column {name!r}{nearest(name, known)}", need="columns of numbers")
        if name in factors:
            raise SpecError(
                f"{name!r} has levels", need="columns of numbers", fix="shares and models take columns of levels"
            )
    if len(chosen) < 2:
        count = "there is 1 column" if chosen else "there are 0 columns"
        raise DataError(f"{count} of numbers", need="two or more", fix='name two: ["age", "income"]')
    ranks: list[Sketch] | None = None
    error = 0.0
    if method == "spearman":
        keep = 2**62 if source.n_partitions == 1 else KEEP
        ranks = source.reduce(
            partial(_sketches, columns=chosen, keep=keep),
            lambda a, b: [s.combine(t) for s, t in zip(a, b, strict=True)],
        )
        error = max(s.error for s in ranks) / max(ranks[0].total, 1.0)
    state = source.reduce(partial(_map, columns=chosen, sketches=ranks), CoMoments.combine)
    spread = np.sqrt(np.diag(state.m2))
    constant = tuple(f"{name} does not vary" for name, s in zip(chosen, spread, strict=True) if not s > 0)
    with np.errstate(all="ignore"):
        matrix = np.clip(state.m2 / np.outer(spread, spread), -1.0, 1.0)
    np.fill_diagonal(matrix, np.where(spread > 0, 1.0, np.nan))
    n = state.n**2 / state.squares if sampling.survey and state.squares > 0 else state.n
    messages = (*constant, *sampling.said)
    pairs = matrix[np.triu_indices(len(chosen), 1)]
    found = Correlation(chosen, matrix, n, method, error, messages)
    if not sampling.survey:
        with np.errstate(all="ignore"):
            return replace(found, std_errors=(1 - pairs**2) / np.sqrt(n - 3))
    if method == "spearman":
        return replace(found, std_errors=np.full(len(pairs), np.nan))
    scale = (state.mean, spread / np.sqrt(state.n), state.n)
    one = partial(_by_unit, columns=chosen, scale=scale, pairs=pairs, sampling=sampling)
    exact = linearized(source.reduce(one, UnitSums.combine), sampling, full=False)
    return replace(found, std_errors=np.sqrt(exact.variance), df=exact.degrees)
