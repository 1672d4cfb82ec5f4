"""The summary of sets whose real table is not at hand: three sums over their partitions, wherever these are.

The first finds what bins and levels depend on, over all sets; the second, which candidate edges of bins are values; the
third counts. A set may be partitions on the workers of a cluster: then no row comes here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial, reduce
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from replicant.estimate.partitions import Parts, Source, partitioned
from replicant.table.times import is_times
from replicant.utility.bins import Bins, Grid, Spread, grid_of
from replicant.utility.summary import (
    NUMERIC,
    Outline,
    OutlineColumn,
    Tally,
    combine,
    conclude,
    leading,
    numbers_of,
    numeric,
    tally,
)

if TYPE_CHECKING:
    import pandas as pd

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
    spread
        Of numbers and dates.
    levels
        How often each level occurs.
    in_order
        Whether the levels have the order of a type; else they are sorted.
    """

    kind: str
    spread: Spread = field(default_factory=Spread)
    levels: Mapping[Any, int] = field(default_factory=dict)
    in_order: bool = False

    def __add__(self, other: _Profile) -> _Profile:
        known = self.spread.n or sum(self.levels.values())  # else nothing was there to tell the kind by
        kind = self.kind if known else other.kind
        levels = dict(self.levels)
        for level, count in other.levels.items():
            levels[level] = levels.get(level, 0) + count
        return _Profile(kind, self.spread + other.spread, levels, self.in_order and other.in_order)


_Profiles = dict[str, _Profile]
_Hits = dict[str, NDArray[np.bool_]]


def summarise_sets(
    sets: Sequence[pd.DataFrame | Sequence[Load] | Parts], kinds: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """Each column's figures over m sets, as `summarise` gives them, without a real side.

    Parameters
    ----------
    sets
        Frames, functions that load the partitions of one, or partitions elsewhere.
    kinds
        Kind of each column; by its type if it is not named.
    """
    sources = [partitioned(one) for one in sets]
    if not sources:
        return conclude(Outline(()), None, [])
    profiles = reduce(_added, (one.reduce(partial(_profiled, kinds=dict(kinds or {})), _added) for one in sources))
    plan = _outlined(profiles, sources)
    return conclude(plan, None, [one.reduce(partial(_counted, plan=plan), combine) for one in sources])


def _outlined(profiles: _Profiles, sources: Sequence[Source]) -> Outline:
    """Bins and levels for all sets."""
    grids = {name: grid_of(one.spread, None) for name, one in profiles.items() if one.kind in NUMERIC}
    open_grids = {name: (profiles[name].kind, grid) for name, grid in grids.items() if isinstance(grid, Grid)}
    hits: _Hits = {}
    if open_grids:
        hits = reduce(_either, (one.reduce(partial(_hit, grids=open_grids), _either) for one in sources))
    columns = []
    for name, one in profiles.items():
        if one.kind in NUMERIC:
            grid = grids[name]
            bins: Bins | None = grid.bins(hits[name]) if isinstance(grid, Grid) else grid
            columns.append(numeric(name, one.kind, bins))
        else:
            levels = list(one.levels) if one.in_order else sorted(one.levels, key=_sorting)
            shown, pooled = leading(levels, np.array([one.levels[level] for level in levels]))
            columns.append(OutlineColumn(name, one.kind, np.empty(0), levels=shown, pooled=pooled))
    return Outline(tuple(columns))


def _sorting(level: Any) -> tuple[str, Any]:
    """Values of one type are sorted among themselves."""
    return type(level).__name__, level


# --- what is mapped over partitions, and how it is combined -----------------------------------------------------------


def _profiled(frame: pd.DataFrame, weights: Floats | None, *, kinds: Mapping[str, str]) -> _Profiles:
    wanted = [name for name in frame.columns if kinds.get(str(name)) != "identifier"]
    return {str(name): _profile(frame[name], kinds.get(str(name)) or _guess(frame[name])) for name in wanted}


def _profile(series: pd.Series, kind: str) -> _Profile:
    import pandas as pd

    if kind in NUMERIC:
        numbers = numbers_of(series, kind, ())
        return _Profile(kind, Spread.of(numbers[~np.isnan(numbers)]))
    if isinstance(series.dtype, pd.CategoricalDtype):
        codes, found, in_order = series.cat.codes.to_numpy(), series.cat.categories, True
    else:
        codes, found = pd.factorize(series)
        in_order = False
    counts = np.bincount(codes[codes >= 0], minlength=len(found))
    return _Profile(kind, levels=dict(zip(found.tolist(), counts.tolist(), strict=True)), in_order=in_order)


def _added(one: _Profiles, other: _Profiles) -> _Profiles:
    return {name: profile + other[name] for name, profile in one.items()}


def _hit(frame: pd.DataFrame, weights: Floats | None, *, grids: Mapping[str, tuple[str, Grid]]) -> _Hits:
    return {name: grid.hits(numbers_of(frame[name], kind, ())) for name, (kind, grid) in grids.items()}


def _either(one: _Hits, other: _Hits) -> _Hits:
    return {name: hits | other[name] for name, hits in one.items()}


def _counted(frame: pd.DataFrame, weights: Floats | None, *, plan: Outline) -> Tally:
    return tally(frame, plan)


def _guess(series: pd.Series) -> str:
    import pandas as pd

    types = pd.api.types
    if isinstance(series.dtype, pd.CategoricalDtype):
        return "ordered" if series.dtype.ordered else "nominal"
    if types.is_bool_dtype(series):
        return "binary"
    if types.is_datetime64_any_dtype(series) or types.infer_dtype(series, skipna=True) == "date":
        return "date"
    return "continuous" if types.is_numeric_dtype(series) or is_times(series) else "nominal"
