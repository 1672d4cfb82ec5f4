"""The summary of sets whose real table is not at hand: three sums over their partitions, wherever these are.

The first finds what bins and levels depend on, over all sets; the second, which candidate edges of bins are values; the
third counts. A set may be partitions on the workers of a cluster: then no row comes here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial, reduce
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from replicant.estimate.column_summary import ColumnSummary, Powers, powers
from replicant.estimate.partitions import DeferredPartitions, Source, partitioned
from replicant.summaries.bins import Grid, grid_of
from replicant.summaries.summary import (
    NUMERIC,
    Outline,
    OutlineColumn,
    Tally,
    combine,
    conclude,
    leading,
    numbers_of,
    tally,
)
from replicant.table.counts import level_counts
from replicant.table.times import is_times

if TYPE_CHECKING:
    from replicant.estimate.partitions import Load
    from replicant.table.arrays import Floats

__all__ = ["summarise_sets"]


@dataclass(frozen=True, eq=False)
class _Profile:
    """What is known of a column before anything is counted in bins.

    Attributes
    ----------
    kind
        As the manifest says, or by its type.
    column
        Its levels, or the powers of numbers and dates.
    in_order
        Whether the levels have the order of a type; else they are sorted.
    """

    kind: str
    column: ColumnSummary[Powers]
    in_order: bool = False

    def combine(self, other: _Profile) -> _Profile:
        """The profile of both partitions together."""
        # A partition in which every cell is missing does not tell the kind.
        known = self if self.column.present else other
        if (self.column.moments is None) != (other.column.moments is None):
            return known
        return _Profile(known.kind, self.column.combine(other.column), self.in_order and other.in_order)


_Profiles = dict[str, _Profile]
_Hits = dict[str, NDArray[np.bool_]]


def summarise_sets(
    sets: Sequence[pd.DataFrame | Sequence[Load] | DeferredPartitions], kinds: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """Each column's figures over m sets, as `summarise` gives them, without the real table.

    Parameters
    ----------
    sets
        Frames, functions that load the partitions of one, or partitions elsewhere.
    kinds
        Kind of each column; by its type if it is not named.
    """
    sources = [partitioned(one) for one in sets]
    if not sources:
        return conclude((), None, [])
    profiles = reduce(_added, (one.reduce(partial(_profiled, kinds=dict(kinds or {})), _added) for one in sources))
    plan = _outlined(profiles, sources)
    return conclude(plan, None, [one.reduce(partial(_counted, plan=plan), combine) for one in sources])


def _outlined(profiles: _Profiles, sources: Sequence[Source]) -> Outline:
    """Bins and levels for all sets."""
    grids = {name: grid_of(one.column.moments, None) for name, one in profiles.items() if one.column.moments}
    open_grids = {name: (profiles[name].kind, grid) for name, grid in grids.items() if isinstance(grid, Grid)}
    hits: _Hits = {}
    if open_grids:
        hits = reduce(_either, (one.reduce(partial(_hit, grids=open_grids), _either) for one in sources))
    columns = []
    for name, one in profiles.items():
        if name in grids:
            grid = grids[name]
            columns.append(OutlineColumn(name, one.kind, grid.bins(hits[name]) if isinstance(grid, Grid) else grid))
        else:
            counts = one.column.counts
            levels = list(counts) if one.in_order else sorted(counts, key=_sorting)
            shown, pooled = leading(levels, np.array([counts[level] for level in levels]))
            columns.append(OutlineColumn(name, one.kind, levels=shown, pooled=pooled))
    return tuple(columns)


def _sorting(level: Any) -> tuple[str, Any]:
    """Values of one type are sorted among themselves."""
    return type(level).__name__, level


# --- what is mapped over partitions, and how it is combined -----------------------------------------------------------


def _profiled(frame: pd.DataFrame, weights: Floats | None, *, kinds: Mapping[str, str]) -> _Profiles:
    wanted = [name for name in frame.columns if kinds.get(str(name)) != "identifier"]
    return {str(name): _profile(frame[name], kinds.get(str(name)) or _guess(frame[name])) for name in wanted}


def _profile(series: pd.Series, kind: str) -> _Profile:
    if kind in NUMERIC:
        return _Profile(kind, ColumnSummary(len(series), {}, powers(numbers_of(series, kind, ()))))
    return _Profile(
        kind, ColumnSummary(len(series), level_counts(series)), isinstance(series.dtype, pd.CategoricalDtype)
    )


def _added(one: _Profiles, other: _Profiles) -> _Profiles:
    return {name: profile.combine(other[name]) for name, profile in one.items()}


def _hit(frame: pd.DataFrame, weights: Floats | None, *, grids: Mapping[str, tuple[str, Grid]]) -> _Hits:
    return {name: grid.hits(numbers_of(frame[name], kind, ())) for name, (kind, grid) in grids.items()}


def _either(one: _Hits, other: _Hits) -> _Hits:
    return {name: hits | other[name] for name, hits in one.items()}


def _counted(frame: pd.DataFrame, weights: Floats | None, *, plan: Outline) -> Tally:
    return tally(frame, plan)


def _guess(series: pd.Series) -> str:
    types = pd.api.types
    if isinstance(series.dtype, pd.CategoricalDtype):
        return "ordered" if series.dtype.ordered else "nominal"
    if types.is_bool_dtype(series):
        return "binary"
    if types.is_datetime64_any_dtype(series) or types.infer_dtype(series, skipna=True) == "date":
        return "date"
    return "continuous" if types.is_numeric_dtype(series) or is_times(series) else "nominal"
