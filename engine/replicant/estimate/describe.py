"""Description: moments, quantiles and shares of columns, as `psych::describe` has them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from replicant.errors import DataError, SpecError, nearest
from replicant.estimate.design import Factor, codes_of, factors_of, numbers_of
from replicant.estimate.partitions import Source, columns_of, is_survey, partitioned
from replicant.estimate.sketch import KEEP, Sketch, sketch
from replicant.table.arrays import Floats

__all__ = ["Powers", "describe", "powers", "shares"]


@dataclass(frozen=True, eq=False, slots=True)
class Powers:
    """Sums of powers about the mean of one column, which merge without cancellation (Pébay 2008)."""

    n: float
    mean: float
    m2: float
    m3: float
    m4: float
    low: float
    high: float
    rows: int
    w2: float
    """Sums of w^2, w^2 (x - mean) and w^2 (x - mean)^2, for the error of a mean under survey weights."""
    w2_d: float
    w2_d2: float

    def moved(self, to: float) -> tuple[float, float, float]:
        """The last three about another mean."""
        by = self.mean - to
        return self.w2, self.w2_d + by * self.w2, self.w2_d2 + 2 * by * self.w2_d + by**2 * self.w2

    def combine(self, other: Powers) -> Powers:
        """The powers of both parts together."""
        a, b = self, other
        if a.n == 0 or b.n == 0:
            return b if a.n == 0 else a
        n, d = a.n + b.n, b.mean - a.mean
        mean = a.mean + d * b.n / n
        m2 = a.m2 + b.m2 + d**2 * a.n * b.n / n
        m3 = a.m3 + b.m3 + d**3 * a.n * b.n * (a.n - b.n) / n**2 + 3 * d * (a.n * b.m2 - b.n * a.m2) / n
        m4 = (
            a.m4
            + b.m4
            + d**4 * a.n * b.n * (a.n**2 - a.n * b.n + b.n**2) / n**3
            + 6 * d**2 * (a.n**2 * b.m2 + b.n**2 * a.m2) / n**2
            + 4 * d * (a.n * b.m3 - b.n * a.m3) / n
        )
        squares = (x + y for x, y in zip(a.moved(mean), b.moved(mean), strict=True))
        return Powers(n, mean, m2, m3, m4, min(a.low, b.low), max(a.high, b.high), a.rows + b.rows, *squares)

    def per_row(self) -> Powers:
        """With weights that are 1 on average: of survey weights only their relation to one another says something."""
        f = self.rows / self.n if self.n > 0 else 1.0
        return replace(
            self,
            **{name: getattr(self, name) * f for name in ("n", "m2", "m3", "m4")},
            **{name: getattr(self, name) * f**2 for name in ("w2", "w2_d", "w2_d2")},
        )


@np.errstate(over="ignore", invalid="ignore")  # of numbers near the largest there is no standard deviation
def powers(values: Floats, weights: Floats | None = None) -> Powers:
    """The powers of one partition; NaN are left out."""
    there = ~np.isnan(values)
    x = values[there]
    w = np.ones(len(x)) if weights is None else weights[there]
    x, w = x[w > 0], w[w > 0]
    if not len(x):
        return Powers(0.0, 0.0, 0.0, 0.0, 0.0, np.inf, -np.inf, 0, 0.0, 0.0, 0.0)
    n = float(w.sum())
    mean = float(w @ x / n)
    d = x - mean
    square = d * d
    sums = (float(w @ square), float(w @ (square * d)), float(w @ (square * square)))
    v = w * w
    squares = (float(v.sum()), float(v @ d), float(v @ square))
    return Powers(n, mean, *sums, float(x.min()), float(x.max()), len(x), *squares)


_State = list[tuple[Powers, Sketch]]


def _map(
    frame: pd.DataFrame, weights: Floats | None, columns: tuple[str, ...], factors: dict[str, Factor], keep: int
) -> _State:
    out = []
    for name in columns:
        if name in factors:
            values = codes_of(frame, name, factors[name]).astype(np.float64) + 1
            values[values == 0] = np.nan
        else:
            values = numbers_of(frame, name)
        out.append((powers(values, weights), sketch(values, weights, keep=keep)))
    return out


def _combine(a: _State, b: _State) -> _State:
    return [(p.combine(q), s.combine(t)) for (p, s), (q, t) in zip(a, b, strict=True)]


def _bound(data: Any, columns: Sequence[str] | None, weights: Any) -> tuple[Source, tuple[str, ...], dict[str, Factor]]:
    source = partitioned(data, weights)
    known = columns_of(source)
    chosen = known if columns is None else tuple(columns)
    for name in chosen:
        if name not in known:
            raise SpecError(f"unknown column{nearest(name, known)}", need="columns of the table")
    if not chosen:
        raise DataError("no columns", need="a table with columns")
    return source, chosen, factors_of(source, chosen)


def describe(
    data: Any,
    columns: Sequence[str] | None = None,
    *,
    weights: Any = None,
    weight_kind: str = "frequency",
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
    weight_kind
        `frequency`: a row stands for so many equal ones. `survey`: for so many of the population; `n` is then the
        number of rows, `sd` and `se` are those of `survey::svyvar` and `svymean` (independent rows, one stratum), and
        quantiles those of the weighted distribution, without interpolation.
    quantiles
        Shares; each gives a column such as `q25` (R's type 7).

    Returns
    -------
    DataFrame
        A row for each column: `column`, `levels` (0 for numbers; columns of levels are described by their codes from
        1, as psych does), `n`, `mean`, `sd`, `median`, `trimmed` (10 % on either side), `mad`, `min`, `max`, `range`,
        `skew` and `kurtosis` (type 3: moments over powers of the n - 1 standard deviation), `se`, the quantiles, and
        `rank_error`: the share of rows by which the rank of a median, trimmed end or quantile may be off. It is 0,
        exact, for one frame and for partitions of up to 8192 rows.
    """
    whole = not is_survey(weight_kind)
    source, chosen, factors = _bound(data, columns, weights)
    keep = 2**62 if source.n_partitions == 1 else KEEP
    state = source.reduce(partial(_map, columns=chosen, factors=factors, keep=keep), _combine)
    rows = []
    for name, (total, s) in zip(chosen, state, strict=True):
        p = total if whole else total.per_row()
        with np.errstate(all="ignore"):
            n = np.float64(p.n)
            sd = np.sqrt(np.float64(p.m2) / (n - 1)) if p.n > 1 else np.float64(np.nan)
            empty = p.n == 0
            row = {
                "column": name,
                "levels": len(factors[name].labels) if name in factors else 0,
                "n": p.n,
                "mean": np.nan if empty else p.mean,
                "sd": sd,
                "median": s.quantiles(np.array([0.5]), whole=whole)[0],
                "trimmed": s.trimmed(0.1, whole=whole),
                "mad": s.mad(whole=whole),
                "min": np.nan if empty else p.low,
                "max": np.nan if empty else p.high,
                "range": np.nan if empty else p.high - p.low,
                "skew": p.m3 / n / sd**3,
                "kurtosis": p.m4 / n / sd**4 - 3,
                "se": sd / np.sqrt(n) if whole else np.sqrt(n / (n - 1) * p.w2_d2) / n,
            }
            values = s.quantiles(np.asarray(quantiles), whole=whole)
            row |= {f"q{100 * q:g}": v for q, v in zip(quantiles, values, strict=True)}
            rows.append(row | {"rank_error": s.error / total.n if total.n else 0.0})
    return pd.DataFrame(rows)


def _count(
    frame: pd.DataFrame, weights: Floats | None, columns: tuple[str, ...], factors: dict[str, Factor]
) -> list[Floats]:
    """For each column (3, L + 1): rows, sums of weights and of their squares, by level; the first is missing."""
    w = np.ones(len(frame)) if weights is None else weights
    out = []
    for name in columns:
        codes = codes_of(frame, name, factors[name]).astype(np.intp) + 1
        size = len(factors[name].labels) + 1
        out.append(np.stack([np.bincount(codes, one, size) for one in ((w > 0) * 1.0, w, w * w)], dtype=np.float64))
    return out


def shares(
    data: Any, columns: Sequence[str] | None = None, *, weights: Any = None, weight_kind: str = "frequency"
) -> pd.DataFrame:
    """Shares of levels, missing cells aside.

    Parameters
    ----------
    data, columns, weights
        As for `describe`; all columns of levels unless given.
    weight_kind
        `frequency`: a row stands for so many equal ones. `survey`: for so many of the population; standard errors are
        then those of `survey::svymean` (independent rows, one stratum).

    Returns
    -------
    DataFrame
        `column`, `level`, `n` (rows, or the sum of their weights), `share`, `std_error` (binomial, or linearized):
        levels that do not occur have the share 0.
    """
    linearized = is_survey(weight_kind)
    source, chosen, factors = _bound(data, columns, weights)
    if columns is None:
        chosen = tuple(name for name in chosen if name in factors)
    for name in chosen:
        if name not in factors:
            raise SpecError(f"{name!r} is a column of numbers", need="columns of levels")
    state = source.reduce(
        partial(_count, columns=chosen, factors=factors), lambda a, b: [x + y for x, y in zip(a, b, strict=True)]
    )
    rows = []
    for name, counts in zip(chosen, state, strict=True):
        seen, sums, squares = counts[:, 1:]
        n, total = seen.sum(), sums.sum()
        with np.errstate(all="ignore"):
            share = sums / total
            if linearized:
                error = np.sqrt((squares * (1 - 2 * share) + squares.sum() * share**2) * n / (n - 1)) / total
            else:
                error = np.sqrt(share * (1 - share) / total)
        columns_of = (factors[name].values, sums, share, error)
        rows += [
            {"column": name, "level": level, "n": count, "share": p, "std_error": e}
            for level, count, p, e in zip(*columns_of, strict=True)
        ]
    return pd.DataFrame(rows, columns=["column", "level", "n", "share", "std_error"])
