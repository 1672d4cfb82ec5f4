"""Real beside synthetic, as numbers: means, standard deviations, shares, counts in equal bins. Aggregates only.

A view of column summaries, which merge, so that a table in partitions can be summarised too: `outline` fixes bins and
levels once, `tally` counts one partition, `combine` adds two tallies, `conclude` makes the summary. `summarise` does
all of it for tables in memory, and `received.summarise_sets` for sets whose real table is not at hand.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from replicant.estimate.column_summary import ColumnSummary, Moments, bin_counts, level_text, moments
from replicant.summaries.bins import LARGEST, Bins, bins_of
from replicant.table import Column
from replicant.table.counts import level_counts, summed
from replicant.table.kinds import Kind
from replicant.table.times import hours_in, hours_of, is_times

if TYPE_CHECKING:
    from replicant.table import Table

__all__ = [
    "NUMERIC",
    "Outline",
    "OutlineColumn",
    "combine",
    "conclude",
    "leading",
    "numbers_of",
    "outline",
    "summarise",
    "tally",
]

LEVELS = 8

NUMERIC = frozenset({"continuous", "count", "date"})

Tally = dict[str, dict[str, Any]]
"""The summary of each column, JSON-able."""

_OTHER = -1


@dataclass(frozen=True, eq=False)
class OutlineColumn:
    """What is counted of one column.

    Attributes
    ----------
    name, kind
        The column.
    bins
        Of numbers.
    missing_codes
        Coded missing values: counted as missing.
    levels
        The levels that are counted one by one.
    pooled
        How many further levels are counted together.
    """

    name: str
    kind: str
    bins: Bins = field(default_factory=Bins)
    missing_codes: tuple[Any, ...] = ()
    levels: tuple[Any, ...] = ()
    pooled: int = 0

    @property
    def is_numeric(self) -> bool:
        """Whether it has a mean rather than shares."""
        return self.kind in NUMERIC


Outline = tuple[OutlineColumn, ...]
"""What is counted of every column; small, picklable, and the same for all partitions and imputations."""


def summarise(
    real: Table | None, synthetic: Iterable[pd.DataFrame], kinds: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """Compare the synthetic sets with the real table, column by column.

    Parameters
    ----------
    real
        The encoded real table; None if it is not at hand (a release that was received).
    synthetic
        The m frames: a list, a `Synthesis`, a `Release`.
    kinds
        Kind of each column, where `real` is None; default what `synthetic` says of itself (`.kinds`), or the dtypes.

    Returns
    -------
    dict
        JSON-able. `n` (real rows), `k` (synthetic rows), `m`, `completed` (whether the sets are not synthetic, but the
        real rows with their missing cells filled), and `columns`, a list of dicts:

        - `name`, `kind`, `type` (`numeric` or `categorical`);
        - numeric: `edges`, `labels`, `tails` (see `Bins`); `real` and `synthetic` with `missing` (share),
          `mean`, `sd`, `counts` (per bin); dates count in days since 1970-01-01;
        - categorical: `levels`, `pooled`; `real` and `synthetic` with `missing` (share) and `shares` (of the cells that
          are not missing; one more than `levels` if any are pooled).

        `synthetic` holds means over the m sets, and under `each` the figures of every set.
    """
    if real is None:
        from replicant.summaries.received import summarise_sets

        known = kinds if kinds is not None else getattr(synthetic, "kinds", {})
        return summarise_sets(list(synthetic), known)
    plan = outline(real)
    return conclude(plan, tally(real, plan), [tally(frame, plan) for frame in synthetic])


def outline(table: Table) -> Outline:
    """Fix the bins and levels for a real table."""
    return tuple(_outline_column(column) for column in table.columns if column.kind is not Kind.IDENTIFIER)


def tally(data: Table | pd.DataFrame, plan: Outline) -> Tally:
    """Count one table, real (encoded) or synthetic (a frame).

    Returns
    -------
    dict
        JSON-able; two of them are added with `combine`.
    """
    return {column.name: _as_json(_summary(column, data[column.name])) for column in plan}


def combine(one: Tally, other: Tally) -> Tally:
    """The tally of two tables below one another."""
    return {name: _as_json(_of_json(figures).combine(_of_json(other[name]))) for name, figures in one.items()}


def conclude(
    plan: Outline, real: Tally | None, synthetic: Sequence[Tally], *, completed: bool = False
) -> dict[str, Any]:
    """Make the summary (see `summarise`) of a real tally and one tally for each set, synthetic or `completed`."""
    columns = []
    for column in plan:
        each = [_figures(column, one[column.name]) for one in synthetic]
        entry: dict[str, Any] = {"name": column.name, "kind": column.kind}
        if column.is_numeric:
            bins = column.bins
            entry |= {"type": "numeric", "edges": bins.edges.tolist()}
            entry |= {"labels": list(bins.labels), "tails": list(bins.tails)}
        else:
            entry |= {
                "type": "categorical",
                "levels": [level_text(level) for level in column.levels],
                "pooled": column.pooled,
            }
        entry["real"] = _figures(column, real[column.name]) if real is not None else None
        entry["synthetic"] = {**_average(each), "each": [_without_counts(figures) for figures in each]}
        columns.append(entry)

    def rows(one: Tally) -> int:
        return next((int(figures["rows"]) for figures in one.values()), 0)

    return {
        "n": rows(real) if real is not None else None,
        "k": rows(synthetic[0]) if synthetic else 0,
        "m": len(synthetic),
        "completed": completed,
        "columns": columns,
    }


# --- what is counted --------------------------------------------------------------------------------------------------


def _outline_column(column: Column) -> OutlineColumn:
    kind, codes = str(column.kind), tuple(column.missing_codes)
    if column.is_numeric:
        return OutlineColumn(column.name, kind, bins_of(column.values, column.counts, column.decimals), codes)
    levels, pooled = leading(column.levels(), column.counts)
    return OutlineColumn(column.name, kind, levels=levels, pooled=pooled, missing_codes=codes)


def leading(levels: Sequence[Any], counts: NDArray[Any]) -> tuple[tuple[Any, ...], int]:
    """The levels to show, in their order: all of a few, otherwise the most frequent ones."""
    if len(levels) <= LEVELS:
        return tuple(levels), 0
    top = np.sort(np.argsort(-counts, kind="stable")[: LEVELS - 1])
    return tuple(levels[i] for i in top), len(levels) - len(top)


# --- counting ---------------------------------------------------------------------------------------------------------


def _summary(column: OutlineColumn, cells: Column | pd.Series[Any]) -> ColumnSummary[Moments]:
    """Numbers are counted by bin, levels by position, the pooled ones together."""
    rows = cells.n if isinstance(cells, Column) else len(cells)
    if column.is_numeric:
        if isinstance(cells, Column):
            values, weights = cells.values, cells.counts
        else:
            values, weights = numbers_of(cells, column.kind, column.missing_codes), None
        return ColumnSummary(rows, bin_counts(values, column.bins.edges, weights), moments(values, weights))
    if isinstance(cells, Column):
        found = dict(zip(cells.levels(), cells.counts.tolist(), strict=True))
    else:
        found = level_counts(cells)
    position = {level: i for i, level in enumerate(column.levels)}
    coded = set(column.missing_codes)
    parts = ({position.get(level, _OTHER): count} for level, count in found.items() if level not in coded)
    return ColumnSummary(rows, summed(*parts))


def _as_json(summary: ColumnSummary[Moments]) -> dict[str, Any]:
    known = summary.moments
    return {
        "rows": summary.rows,
        "counts": [[key, count] for key, count in summary.counts.items()],
        "moments": None if known is None else [float(one) for one in (known.n, known.mean, known.m2, known.rest)],
    }


def _of_json(figures: Mapping[str, Any]) -> ColumnSummary[Moments]:
    known = figures["moments"]
    return ColumnSummary(figures["rows"], dict(figures["counts"]), None if known is None else Moments(*known))


def numbers_of(series: pd.Series, kind: str, missing_codes: tuple[Any, ...]) -> NDArray[np.float64]:
    """Cells as float64, missing and coded missing ones NaN, dates as days since 1970-01-01, times of day as hours."""
    types = pd.api.types
    if kind == "date" and not types.is_numeric_dtype(series):
        # Datetimes, dates as objects, or ISO texts: on one clock, as the real column was encoded.
        texts = types.infer_dtype(series, skipna=True) == "string"
        times = pd.to_datetime(series, utc=True, format="ISO8601" if texts else None)
        # The coarsest unit, so that the years that nanoseconds cannot count are no further away than others.
        return _days(times - pd.Timestamp(0, tz="UTC").as_unit("s"))
    if types.is_timedelta64_dtype(series):
        return _days(series)
    if is_times(series):
        hours = hours_of(series)
        coded = hours_in(missing_codes)
        return hours if coded is None else np.where(np.isin(hours, coded), np.nan, hours)
    if not types.is_numeric_dtype(series):
        series = pd.to_numeric(series.astype(object), errors="coerce")
    numbers: NDArray[np.float64] = series.to_numpy(dtype=np.float64, na_value=np.nan)
    codes = [float(code) for code in missing_codes if isinstance(code, int | float)]
    return np.where(np.isin(numbers, codes), np.nan, numbers) if codes else numbers


def _days(durations: Any) -> NDArray[np.float64]:
    days: NDArray[np.float64] = (durations / pd.Timedelta(days=1)).to_numpy(dtype=np.float64, na_value=np.nan)
    return days


# --- from counts to figures -------------------------------------------------------------------------------------------


def _figures(column: OutlineColumn, figures: Mapping[str, Any]) -> dict[str, Any]:
    summary = _of_json(figures)
    present, known = summary.present, summary.moments
    missing = {"missing": summary.missing / summary.rows if summary.rows else 0.0}
    if known is None:
        shown = [*range(len(column.levels)), *([_OTHER] if column.pooled else [])]
        return missing | {"shares": [summary.counts.get(at, 0) / present if present else 0.0 for at in shown]}
    there = present and abs(known.mean) < LARGEST
    return missing | {
        "mean": float(known.mean) if there else None,
        "sd": float(known.sd) if there and math.isfinite(known.sd) else None,
        "counts": [summary.counts.get(at, 0) for at in range(len(column.bins.edges) - 1)],
    }


def _average(each: Sequence[dict[str, Any]]) -> dict[str, Any]:
    if not each:
        return {}
    return {key: _mean([figures[key] for figures in each]) for key in each[0]}


def _mean(values: list[Any]) -> Any:
    if isinstance(values[0], list):
        return [_mean(list(position)) for position in zip(*values, strict=True)]
    known = [value for value in values if value is not None]
    return math.fsum(known) / len(known) if known else None


def _without_counts(figures: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in figures.items() if key != "counts"}
