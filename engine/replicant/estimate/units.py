"""Which sampling unit each row belongs to, and sums over units that merge across partitions.

A unit (a school, a household) may have rows in several partitions: sums are kept by its name and added up, and only
then centred within strata. Where every row is a unit of its own there is nothing to name: a stratum's count, mean and
cross products about the mean are then enough, and merge without cancellation (Chan, Golub & LeVeque 1983).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np
import pandas as pd

from replicant.errors import DataError, SpecError, nearest
from replicant.estimate.sampling import Sampling
from replicant.table.arrays import Floats

__all__ = ["Key", "UnitSums", "Units", "combined", "unit_sums", "units_of"]

Key: TypeAlias = "tuple[Any, ...]"
"""(stratum, fpc) where rows are units, else (stratum, fpc, unit)."""
Ints: TypeAlias = "np.ndarray[Any, np.dtype[np.intp]]"


@dataclass(frozen=True, eq=False, slots=True)
class Units:
    """The units of the rows of one partition.

    Attributes
    ----------
    keys
        G keys.
    codes
        (n,) which of them a row belongs to; -1: that is missing.
    sampled
        (G,) how many rows of each were drawn: also those that are left out of an analysis.
    rows
        Whether each row is a unit of its own.
    missing
        Rows of no known unit.
    """

    keys: tuple[Key, ...]
    codes: Ints
    sampled: Floats
    rows: bool
    missing: int = 0

    def kept(self, chosen: np.ndarray[Any, Any]) -> Units:
        """Of some of the rows; what was drawn stays as it was."""
        return replace(self, codes=self.codes[chosen])

    def beside(self, other: Units) -> Units:
        """Both partitions as one."""
        keys, (a, b) = _merged(self.keys, other.keys)
        sampled = np.zeros(len(keys))
        sampled[a] += self.sampled
        sampled[b] += other.sampled
        codes = np.concatenate([a[self.codes], b[other.codes]])
        return Units(keys, codes, sampled, self.rows, self.missing + other.missing)


def units_of(frame: pd.DataFrame, sampling: Sampling) -> Units:
    """The units of a partition.

    Raises
    ------
    SpecError
        If there is no such column.
    DataError
        If a stratum or a unit of a survey is missing in some rows.
    """
    survey = sampling.survey
    rows = sampling.clusters is None if survey else False
    last = sampling.clusters if survey else sampling.cluster
    parts: list[tuple[Ints, list[Any]]] = []
    n = len(frame)
    for what, name in (("strata", sampling.strata), ("fpc", sampling.fpc)):
        parts.append(_named(frame, name, what) if name is not None else (np.zeros(n, dtype=np.intp), [None]))
    missing = None
    if last is not None:
        codes, values = _named(frame, last, "clusters" if survey else "cluster", survey)
        missing = codes < 0 if not survey else None
        if sampling.within is not None:
            source, sources = _named(frame, sampling.within, "clusters")
            codes, values = _crossed([(source, sources), (codes, values)])
        parts.append((codes, values))
    codes, keys = _crossed(parts)
    if missing is not None:
        codes = np.where(missing, -1, codes)
    there = codes if missing is None else codes[~missing]
    sampled = np.bincount(there, minlength=len(keys)).astype(np.float64)
    return Units(tuple(keys), codes, sampled, rows, n - len(there))


def _named(frame: pd.DataFrame, name: str, what: str, whole: bool = True) -> tuple[Ints, list[Any]]:
    """Codes and values of a column; `whole`: nothing may be missing."""
    if name not in frame.columns:
        known = [str(column) for column in frame.columns]
        raise SpecError(
            f"{what} names {name!r}, which is not a column of the table",
            need=f"a column of the table{nearest(name, known)}",
        )
    codes, values = pd.factorize(frame[name])
    if whole and (missing := int(np.count_nonzero(codes < 0))):
        raise DataError(
            f"{name!r} is missing in {missing} rows, and {what} needs it in every row",
            need="to know how each row came into the sample",
            fix="give what is missing a value of its own, or leave these rows out",
        )
    return codes.astype(np.intp), pd.Index(values).tolist()


def _crossed(parts: Sequence[tuple[Ints, list[Any]]]) -> tuple[Ints, list[Key]]:
    """The combinations of several columns that occur. A code of -1 (missing) counts as the last value."""
    sizes = [max(len(values), 1) for _, values in parts]
    flat = np.zeros(len(parts[0][0]), dtype=np.int64)
    radix = 1
    for (codes, _), size in zip(parts, sizes, strict=True):
        flat = flat * size + np.where(codes < 0, size - 1, codes)
        radix *= size
        if radix > 1 << 40:
            raise DataError(
                "strata and clusters have too many values", need="fewer than a million million combinations"
            )
    found, codes = np.unique(flat, return_inverse=True)
    keys = []
    for number in found.tolist():
        left = number
        key: list[Any] = []
        for (_, values), size in zip(reversed(parts), reversed(sizes), strict=True):
            left, at = divmod(left, size)
            key.append(values[at] if values else None)
        keys.append(tuple(reversed(key)))
    return codes.reshape(-1).astype(np.intp), keys


def _merged(a: tuple[Key, ...], b: tuple[Key, ...]) -> tuple[tuple[Key, ...], tuple[Ints, Ints]]:
    """All keys, and where those of either part are among them."""
    if a == b:
        same = np.arange(len(a))
        return a, (same, same)
    index = {key: i for i, key in enumerate(a)}
    at = np.array([index.setdefault(key, len(index)) for key in b], dtype=np.intp)
    return tuple(index), (np.arange(len(a)), at)


@dataclass(frozen=True, eq=False, slots=True)
class UnitSums:
    """Vectors of rows, summed by unit.

    Attributes
    ----------
    keys, rows, missing
        As of `Units`.
    sampled, used
        (G,) rows drawn, and rows that are in the sums.
    sums
        (G, k).
    cross
        Where rows are units: (G, k, k) cross products about the mean, or (G, k) of each figure with itself. Else empty.
    """

    keys: tuple[Key, ...]
    rows: bool
    sampled: Floats
    used: Floats
    sums: Floats
    cross: Floats
    missing: int = 0

    def combine(self, other: UnitSums) -> UnitSums:
        """The sums of both partitions together."""
        keys, (a, b) = _merged(self.keys, other.keys)
        g, k = len(keys), self.sums.shape[1]
        sampled, used, sums = np.zeros(g), np.zeros(g), np.zeros((g, k))
        mine, theirs = np.zeros(g), np.zeros(g)
        for at, one, counts in ((a, self, mine), (b, other, theirs)):
            sampled[at] += one.sampled
            counts[at] = one.used
            sums[at] += one.sums
        used = mine + theirs
        if not self.rows:
            return UnitSums(keys, False, sampled, used, sums, self.cross, self.missing + other.missing)
        cross = np.zeros((g, *self.cross.shape[1:]))
        cross[a] += self.cross
        cross[b] += other.cross
        both = np.flatnonzero((mine > 0) & (theirs > 0))
        if both.size:
            means = [np.zeros((g, k)), np.zeros((g, k))]
            means[0][a], means[1][b] = _means(self), _means(other)
            apart = (means[1] - means[0])[both]
            share = mine[both] * theirs[both] / used[both]
            cross[both] += _products(apart, apart, share, cross.ndim)
        return UnitSums(keys, True, sampled, used, sums, cross)


def _means(of: UnitSums) -> Floats:
    return np.asarray(of.sums / np.maximum(of.used, 1.0)[:, None])


def _products(a: Floats, b: Floats, scale: Floats, ndim: int) -> Floats:
    """(G, k, k) outer products of rows, or (G, k) products, scaled."""
    if ndim == 2:
        return np.asarray(a * b * scale[:, None])
    return np.asarray(a[:, :, None] * b[:, None, :] * scale[:, None, None])


def unit_sums(units: Units, values: Floats, *, full: bool = True) -> UnitSums:
    """The sums of one partition.

    Parameters
    ----------
    units
        Of its rows.
    values
        (n, k).
    full
        Whether products of different figures are wanted, or of each with itself only.
    """
    g, k = len(units.keys), values.shape[1]
    used = np.bincount(units.codes, minlength=g).astype(np.float64)
    if not units.rows:
        sums = np.zeros((g, k))
        for j in range(k):
            sums[:, j] = np.bincount(units.codes, values[:, j], g)
        return UnitSums(units.keys, False, units.sampled, used, sums, np.empty(0), units.missing)
    sums = np.zeros((g, k))
    cross = np.zeros((g, k, k) if full else (g, k))
    order = np.argsort(units.codes, kind="stable") if g > 1 else None
    ordered = values if order is None else values[order]
    ends = np.concatenate([[0], np.cumsum(used)]).astype(np.intp)
    for i in range(g):
        one = ordered[ends[i] : ends[i + 1]]
        if len(one):
            sums[i] = one.sum(axis=0)
            off = one - sums[i] / len(one)
            cross[i] = off.T @ off if full else (off * off).sum(axis=0)
    return UnitSums(units.keys, True, units.sampled, used, sums, cross)


def combined(a: Sequence[UnitSums], b: Sequence[UnitSums]) -> Sequence[UnitSums]:
    """The sums of both partitions together, one by one."""
    return [x.combine(y) for x, y in zip(a, b, strict=True)]
