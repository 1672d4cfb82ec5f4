"""Shares and totals of levels, by sums over partitions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from replicant.errors import SpecError
from replicant.estimate.describe import bound_columns
from replicant.estimate.levels import Factor, codes_of
from replicant.estimate.sampling import Sampling, sampling_of
from replicant.estimate.survey import linearized
from replicant.estimate.units import Units, UnitSums, combined, unit_sums, units_of
from replicant.table.arrays import Floats

__all__ = ["shares"]


def _count(
    frame: pd.DataFrame, weights: Floats | None, columns: tuple[str, ...], factors: dict[str, Factor]
) -> list[Floats]:
    """For each column (L,) sums of weights by level."""
    out = []
    for name in columns:
        codes = codes_of(frame, name, factors[name])
        there = codes >= 0
        size = len(factors[name].labels)
        out.append(np.bincount(codes[there], None if weights is None else weights[there], size).astype(np.float64))
    return out


def _by_unit(
    frame: pd.DataFrame,
    weights: Floats | None,
    columns: tuple[str, ...],
    factors: dict[str, Factor],
    sampling: Sampling,
) -> Sequence[UnitSums]:
    """For each column sums of weights by level: of each unit, or where rows are units of each stratum and level."""
    units = units_of(frame, sampling)
    w = np.ones(len(frame)) if weights is None else weights
    out = []
    for name in columns:
        codes = codes_of(frame, name, factors[name])
        size = len(factors[name].labels)
        there = (codes >= 0) & (w > 0)
        kept, codes, v = units.kept(there), codes[there].astype(np.intp), w[there]
        if units.rows:
            # Weights of one stratum and level about their own mean: where they are all alike no digit is lost.
            both = kept.codes * size + codes
            found, at = np.unique(both, return_inverse=True)
            keys = tuple((*units.keys[k // size], k % size) for k in found.tolist())
            out.append(unit_sums(kept, np.empty((len(v), 0))))
            out.append(unit_sums(Units(keys, at.reshape(-1), np.zeros(len(keys)), True), v[:, None], full=False))
        else:
            g = len(units.keys)
            sums = np.bincount(kept.codes * size + codes, v, g * size).astype(np.float64).reshape(g, size)
            drawn = unit_sums(kept, np.empty((len(v), 0)))
            out += [replace(drawn, sums=sums), drawn]
    return out


def _of_rows(strata: UnitSums, levels: UnitSums, size: int) -> tuple[UnitSums, Floats, Floats, Floats]:
    """Sums by stratum, and for each stratum and level the number of rows, their mean weight and its spread."""
    position = {key: i for i, key in enumerate(strata.keys)}
    grid = np.zeros((4, len(position), size))
    for key, used, sums, cross in zip(levels.keys, levels.used, levels.sums, levels.cross, strict=True):
        grid[:, position[key[:2]], key[2]] = used, sums[0], sums[0] / used, cross[0]
    count, total, mean, spread = grid
    return replace(strata, sums=total), count, mean, spread


def _errors(first: UnitSums, second: UnitSums, size: int, sampling: Sampling) -> tuple[Floats, Floats, Floats, float]:
    """Totals of the levels, the errors of their shares and of the totals, and degrees of freedom."""
    found = first
    if first.rows:
        found, count, mean, spread = _of_rows(first, second, size)
    totals = found.sums.sum(axis=0)
    n = totals.sum()
    errors, degrees = [], np.nan
    for share, scale in ((totals / n, n), (np.zeros(size), 1.0)):
        # A row adds w (1 - share) to its own level, and - w share to each other.
        sums = (found.sums - found.sums.sum(axis=1, keepdims=True) * share) / scale
        cross = np.empty(0)
        if first.rows:
            cross = np.empty(sums.shape)
            for level in range(size):
                factor = np.where(np.arange(size) == level, 1 - share[level], -share[level]) / scale
                off = factor * mean - (sums[:, level] / np.maximum(found.used, 1.0))[:, None]
                cross[:, level] = (spread * factor**2 + count * off**2).sum(axis=1)
        known = linearized(replace(found, sums=sums, cross=cross), sampling, full=False)
        errors.append(np.sqrt(known.variance))
        degrees = known.degrees
    return totals, errors[0], errors[1], degrees


def shares(
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
) -> pd.DataFrame:
    """Shares of levels, missing cells aside.

    Parameters
    ----------
    data, columns, weights
        As for `describe`; all columns of levels unless given.
    weight_kind, strata, clusters, fpc, nest, lonely_psu
        As for `replicant.estimate.fit`: of a survey, standard errors are those of `survey::svymean` and `svytotal`.

    Returns
    -------
    DataFrame
        `column`, `level`, `n` (rows, or the sum of their weights), `share`, `std_error` (binomial, or linearized):
        levels that do not occur have the share 0. Of a survey `n` is the estimated total, `total_se` its standard error
        and `df` the degrees of freedom of both. What is to be said of the weights is in `attrs["messages"]`.
    """
    source, chosen, factors = bound_columns(data, columns, weights)
    sampling = sampling_of(
        source, weights, weight_kind, strata=strata, clusters=clusters, fpc=fpc, nest=nest, lonely_psu=lonely_psu
    )
    if columns is None:
        chosen = tuple(name for name in chosen if name in factors)
    for name in chosen:
        if name not in factors:
            raise SpecError(
                f"{name!r} is a column of numbers",
                need="columns of levels",
                fix="describe gives the mean of numbers: of 0 and 1 it is the share of 1",
            )
    head = ["column", "level", "n", "share", "std_error"]
    rows: list[dict[str, Any]] = []
    if sampling.survey:
        head += ["total_se", "df"]
        mapped = partial(_by_unit, columns=chosen, factors=factors, sampling=sampling)
        by_unit = source.reduce(mapped, combined)
        for i, name in enumerate(chosen):
            size = len(factors[name].labels)
            with np.errstate(all="ignore"):
                totals, error, total_error, degrees = _errors(by_unit[2 * i], by_unit[2 * i + 1], size, sampling)
                share = totals / totals.sum()
            each = zip(factors[name].values, totals, share, error, total_error, strict=True)
            rows += [dict(zip(head, (name, *one, degrees), strict=True)) for one in each]
    else:
        counted = partial(_count, columns=chosen, factors=factors)
        state = source.reduce(counted, lambda a, b: [x + y for x, y in zip(a, b, strict=True)])
        for name, totals in zip(chosen, state, strict=True):
            with np.errstate(all="ignore"):
                share = totals / totals.sum()
                error = np.sqrt(share * (1 - share) / totals.sum())
            figures = zip(factors[name].values, totals, share, error, strict=True)
            rows += [dict(zip(head, (name, *one), strict=True)) for one in figures]
    out = pd.DataFrame(rows, columns=head)
    out.attrs["messages"] = list(sampling.said)
    return out
