"""Description: moments, quantiles and totals of columns, as `psych::describe` has them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from replicant.errors import DataError, SpecError, nearest, some
from replicant.estimate.column_summary import Powers, powers
from replicant.estimate.columns import numbers
from replicant.estimate.levels import Factor, codes_of, factors_of
from replicant.estimate.partitions import Source, columns_of, partitioned
from replicant.estimate.sampling import Sampling, sampling_of
from replicant.estimate.sketch import KEEP, Sketch, sketch
from replicant.estimate.survey import linearized
from replicant.estimate.units import UnitSums, combined, unit_sums, units_of
from replicant.table.arrays import Floats
from replicant.table.names import names_of

__all__ = ["bound_columns", "describe"]


def _values(frame: pd.DataFrame, name: str, factors: dict[str, Factor]) -> Floats:
    """Numbers, or codes of levels from 1; NaN missing."""
    if name not in factors:
        return numbers(frame, name)
    values = codes_of(frame, name, factors[name]).astype(np.float64) + 1
    values[values == 0] = np.nan
    return values


_State = list[tuple[Powers, Sketch]]


def _map(
    frame: pd.DataFrame, weights: Floats | None, columns: tuple[str, ...], factors: dict[str, Factor], keep: int
) -> _State:
    out = []
    for name in columns:
        values = _values(frame, name, factors)
        out.append((powers(values, weights), sketch(values, weights, keep=keep)))
    return out


def _combine(a: _State, b: _State) -> _State:
    return [(p.combine(q), s.combine(t)) for (p, s), (q, t) in zip(a, b, strict=True)]


def _by_unit(
    frame: pd.DataFrame,
    weights: Floats | None,
    columns: tuple[str, ...],
    factors: dict[str, Factor],
    means: list[tuple[float, float]],
    sampling: Sampling,
) -> Sequence[UnitSums]:
    """For each column, by sampling unit: the scores of the mean (of which the sum is 0), and of the total."""
    units = units_of(frame, sampling)
    w = np.ones(len(frame)) if weights is None else weights
    out = []
    for name, (mean, total) in zip(columns, means, strict=True):
        x = _values(frame, name, factors)
        there = ~np.isnan(x) & (w > 0)
        scores = np.stack([w[there] * (x[there] - mean) / total, w[there] * x[there]], axis=1)
        out.append(unit_sums(units.kept(there), scores, full=False))
    return out


def bound_columns(
    data: Any, columns: Sequence[str] | None, weights: Any
) -> tuple[Source, tuple[str, ...], dict[str, Factor]]:
    """The partitions, the columns chosen, and the levels of those that have them."""
    source = partitioned(data, weights)
    known = columns_of(source)
    chosen = known if columns is None else names_of(columns)
    for name in chosen:
        if name not in known:
            raise SpecError(
                f"there is no column {name!r}{nearest(name, known)}", need=f"columns of the table: {some(known)}"
            )
    if not chosen:
        raise DataError("the table has no columns", need="a table with columns")
    return source, chosen, factors_of(source, chosen)


def describe(
    data: Any,
    columns: Sequence[str] | None = None,
    *,
    weights: Any = None,
    weight_kind: str | None = None,
    strata: str | None = None,
    clusters: str | None = None,
    fpc: str | None = None,
    nest: bool = False,
    lonely_psu: str = "fail",
    quantiles: Sequence[float] = (),
) -> pd.DataFrame:
    """Describe columns, as `psych::describe` at its defaults.

    Parameters
    ----------
    data
        A frame, or partitions of one.
    columns
        Which; all unless given.
    weights
        A column's name, or arrays.
    weight_kind, strata, clusters, fpc, nest, lonely_psu
        As for `replicant.estimate.fit`. Of a survey `n` is the number of rows, `sd` is that of `survey::svyvar`, `se`
        that of `svymean`, `total` and `total_se` are those of `svytotal`, all with `na.rm`; quantiles are those of the
        weighted distribution, without interpolation.
    quantiles
        Shares; each gives a column such as `q25` (R's type 7).

    Returns
    -------
    DataFrame
        A row for each column: `column`, `levels` (0 for numbers; columns of levels are described by their codes from
        1, as psych does), `n`, `mean`, `sd`, `median`, `trimmed` (10 % on either side), `mad`, `min`, `max`, `range`,
        `skew` and `kurtosis` (type 3: moments over powers of the n - 1 standard deviation), `se`, the quantiles, and
        `rank_error`: the share of rows by which the rank of a median, trimmed end or quantile may be off. It is 0,
        exact, for one frame and for partitions of up to 8192 rows. Of a survey there are `total`, `total_se` and `df`,
        the degrees of freedom of mean and total (units less strata), too. What is to be said of the weights is in
        `attrs["messages"]`.
    """
    source, chosen, factors = bound_columns(data, columns, weights)
    sampling = sampling_of(
        source, weights, weight_kind, strata=strata, clusters=clusters, fpc=fpc, nest=nest, lonely_psu=lonely_psu
    )
    whole = not sampling.survey
    keep = 2**62 if source.n_partitions == 1 else KEEP
    state = source.reduce(partial(_map, columns=chosen, factors=factors, keep=keep), _combine)
    surveyed = _surveyed(source, chosen, factors, [p for p, _ in state], sampling) if sampling.survey else {}
    rows = []
    for name, (total, s) in zip(chosen, state, strict=True):
        p = total if whole else total.per_row()
        mean, low, high = (p.mean, p.low, p.high) if p.n else (np.nan,) * 3
        with np.errstate(all="ignore"):
            row = {
                "column": name,
                "levels": len(factors[name].labels) if name in factors else 0,
                "n": p.n,
                "mean": mean,
                "sd": p.sd,
                "median": s.quantiles(np.array([0.5]), whole=whole)[0],
                "trimmed": s.trimmed(0.1, whole=whole),
                "mad": s.mad(whole=whole),
                "min": low,
                "max": high,
                "range": high - low,
                "skew": p.skew,
                "kurtosis": p.kurtosis,
                "se": p.error,
            }
            row |= surveyed.get(name, {})
            values = s.quantiles(np.asarray(quantiles), whole=whole)
            row |= {f"q{100 * q:g}": v for q, v in zip(quantiles, values, strict=True)}
            rows.append(row | {"rank_error": s.error / total.n if total.n else 0.0})
    out = pd.DataFrame(rows)
    out.attrs["messages"] = list(sampling.said)
    return out


def _surveyed(
    source: Source,
    columns: tuple[str, ...],
    factors: dict[str, Factor],
    found: Sequence[Powers],
    sampling: Sampling,
) -> dict[str, dict[str, float]]:
    """Errors of means, totals with theirs, and degrees of freedom, by column."""
    means = [(p.mean, p.n) for p in found]
    one = partial(_by_unit, columns=columns, factors=factors, means=means, sampling=sampling)
    state = source.reduce(one, combined)
    out = {}
    for name, p, sums in zip(columns, found, state, strict=True):
        known = linearized(sums, sampling, full=False)
        errors = np.sqrt(known.variance) if p.n > 0 else np.full(2, np.nan)
        out[name] = {"se": errors[0], "total": p.mean * p.n if p.n > 0 else np.nan}
        out[name] |= {"total_se": errors[1], "df": known.degrees}
    return out
