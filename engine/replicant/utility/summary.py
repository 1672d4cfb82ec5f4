"""Real beside synthetic, as numbers: means, standard deviations, shares, counts in equal bins. Aggregates only.

Everything is a sum over rows, so a table that is never held as a whole can be summarised too: `outline` fixes bins and
levels once, `tally` counts one partition, `combine` adds two tallies, `conclude` makes the summary. `summarise` does
all of it for tables in memory, and `received.summarise_sets` for sets whose real table is not at hand.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from replicant.table.kinds import Kind
from replicant.table.times import hours_in, hours_of, is_times
from replicant.utility.bins import LARGEST, Bins, bins_of

if TYPE_CHECKING:
    import pandas as pd

    from replicant.table import Column, Table

__all__ = [
    "NUMERIC",
    "Outline",
    "OutlineColumn",
    "combine",
    "conclude",
    "leading",
    "numbers_of",
    "numeric",
    "outline",
    "summarise",
    "tally",
]

LEVELS = 8

NUMERIC = frozenset({"continuous", "count", "date"})

Tally = dict[str, dict[str, Any]]


@dataclass(frozen=True, eq=False)
class OutlineColumn:
    """What is counted of one column.

    Attributes
    ----------
    name, kind
        The column.
    edges
        (B + 1,) edges of the bins; empty for a categorical column, or one without values.
    labels
        Round numbers to write at the two ends of the bins.
    tails
        Whether the first and the last bin also count values further out.
    centre
        A round number near the mean, from which sums are taken (so that nothing is lost to rounding).
    missing_codes
        Coded missing values: counted as missing.
    levels
        The levels that are counted one by one.
    pooled
        How many further levels are counted together.
    """

    name: str
    kind: str
    edges: NDArray[np.float64]
    labels: tuple[float, float] = (0.0, 0.0)
    tails: tuple[bool, bool] = (False, False)
    centre: float = 0.0
    missing_codes: tuple[Any, ...] = ()
    levels: tuple[Any, ...] = ()
    pooled: int = 0

    @property
    def is_numeric(self) -> bool:
        """Whether it has a mean rather than shares."""
        return self.kind in NUMERIC


def numeric(name: str, kind: str, bins: Bins | None, missing_codes: tuple[Any, ...] = ()) -> OutlineColumn:
    """What is counted of a column of numbers; None where no value was there when the bins were made."""
    if bins is None:
        return OutlineColumn(name, kind, np.empty(0), missing_codes=missing_codes)
    return OutlineColumn(
        name, kind, bins.edges, labels=bins.labels, tails=bins.tails, centre=bins.centre, missing_codes=missing_codes
    )


@dataclass(frozen=True, eq=False)
class Outline:
    """What is counted of every column; small, picklable, and the same for all partitions and imputations."""

    columns: tuple[OutlineColumn, ...]


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
        JSON-able. `n` (real rows), `k` (synthetic rows), `m`, and `columns`, a list of dicts:

        - `name`, `kind`, `type` (`numeric` or `categorical`);
        - numeric: `edges`, `labels`, `tails` (see `OutlineColumn`); `real` and `synthetic` with `missing` (share),
          `mean`, `sd`, `counts` (per bin); dates count in days since 1970-01-01;
        - categorical: `levels`, `pooled`; `real` and `synthetic` with `missing` (share) and `shares` (of the cells that
          are not missing; one more than `levels` if any are pooled).

        `synthetic` holds means over the m sets, and under `each` the figures of every set.
    """
    if real is None:
        from replicant.utility.received import summarise_sets

        known = kinds if kinds is not None else getattr(synthetic, "kinds", {})
        return summarise_sets(list(synthetic), known)
    plan = outline(real)
    return conclude(plan, tally(real, plan), [tally(frame, plan) for frame in synthetic])


def outline(table: Table) -> Outline:
    """Fix the bins and levels for a real table."""
    return Outline(tuple(_outline_column(column) for column in table.columns if column.kind is not Kind.IDENTIFIER))


def tally(data: Table | pd.DataFrame, plan: Outline) -> Tally:
    """Count one table, real (encoded) or synthetic (a frame).

    Returns
    -------
    dict
        JSON-able; two of them are added with `combine`.
    """
    import pandas as pd

    if isinstance(data, pd.DataFrame):
        return {
            column.name: _count_numbers(column, numbers_of(data[column.name], column.kind, column.missing_codes))
            if column.is_numeric
            else _count_levels(column, data[column.name])
            for column in plan.columns
        }
    return {column.name: _count_encoded(column, data[column.name]) for column in plan.columns}


def combine(one: Tally, other: Tally) -> Tally:
    """The tally of two tables below one another."""
    return {
        name: {key: _add(value, other[name][key]) for key, value in figures.items()} for name, figures in one.items()
    }


def conclude(plan: Outline, real: Tally | None, synthetic: Sequence[Tally]) -> dict[str, Any]:
    """Make the summary (see `summarise`) of a real tally and one tally for each synthetic set."""
    columns = []
    for column in plan.columns:
        each = [_figures(column, one[column.name]) for one in synthetic]
        entry: dict[str, Any] = {"name": column.name, "kind": column.kind}
        if column.is_numeric:
            entry |= {"type": "numeric", "edges": column.edges.tolist()}
            entry |= {"labels": list(column.labels), "tails": list(column.tails)}
        else:
            entry |= {
                "type": "categorical",
                "levels": [_label(level) for level in column.levels],
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
        "columns": columns,
    }


# --- what is counted --------------------------------------------------------------------------------------------------


def _outline_column(column: Column) -> OutlineColumn:
    kind = str(column.kind)
    counts = np.bincount(column.codes[column.codes >= 0], minlength=column.size)
    if column.is_numeric:
        bins = bins_of(column.values, counts, column.decimals)
        return numeric(column.name, kind, bins, missing_codes=tuple(column.missing_codes))
    levels, pooled = leading(column.levels(), counts)
    codes = tuple(column.missing_codes)
    return OutlineColumn(column.name, kind, np.empty(0), levels=levels, pooled=pooled, missing_codes=codes)


def _label(level: Any) -> str:
    """A level as text; 1.0 of a column that has missing cells is 1."""
    return str(int(level)) if isinstance(level, float) and level.is_integer() else str(level)


def leading(levels: Sequence[Any], counts: NDArray[Any]) -> tuple[tuple[Any, ...], int]:
    """The levels to show, in their order: all of a few, otherwise the most frequent ones."""
    if len(levels) <= LEVELS:
        return tuple(levels), 0
    top = np.sort(np.argsort(-counts, kind="stable")[: LEVELS - 1])
    return tuple(levels[i] for i in top), len(levels) - len(top)


# --- counting ---------------------------------------------------------------------------------------------------------


def _count_encoded(column: OutlineColumn, encoded: Column) -> dict[str, Any]:
    present = encoded.codes[encoded.codes >= 0]
    counts = np.bincount(present, minlength=encoded.size)
    missing = encoded.n - len(present)
    if column.is_numeric:
        return _weighted(column, encoded.values, counts, encoded.n, missing)
    positions = {level: i for i, level in enumerate(encoded.levels())}
    shown = [int(counts[positions[level]]) for level in column.levels]
    return {"rows": encoded.n, "missing": missing, "counts": _with_rest(column, shown, len(present))}


def _count_numbers(column: OutlineColumn, numbers: NDArray[np.float64]) -> dict[str, Any]:
    present = numbers[~np.isnan(numbers)]
    return _weighted(column, present, None, len(numbers), len(numbers) - len(present))


def _weighted(
    column: OutlineColumn, values: NDArray[np.float64], weights: NDArray[Any] | None, rows: int, missing: int
) -> dict[str, Any]:
    if not len(column.edges):
        # Nothing was there when the bins were made: nothing can be synthesized either.
        return {"rows": rows, "missing": missing, "sum": 0.0, "squares": 0.0, "counts": []}
    with np.errstate(over="ignore", invalid="ignore"):
        off = values - column.centre
        weighted = off if weights is None else off * weights
        total, squares = float(weighted.sum()), float(weighted @ off)
    bins = len(column.edges) - 1
    position = np.clip(np.searchsorted(column.edges, values, side="right") - 1, 0, bins - 1)
    counts = np.bincount(position, weights=weights, minlength=bins)
    return {
        "rows": rows,
        "missing": missing,
        "sum": total,
        "squares": squares,
        "counts": [int(count) for count in counts],
    }


def _count_levels(column: OutlineColumn, series: pd.Series) -> dict[str, Any]:
    import pandas as pd

    if isinstance(series.dtype, pd.CategoricalDtype):
        codes, found = series.cat.codes.to_numpy(), series.cat.categories
    else:
        codes, found = pd.factorize(series)
    counts = np.bincount(codes[codes >= 0], minlength=len(found))
    positions = {level: i for i, level in enumerate(found.tolist())}
    shown, coded = (
        [int(counts[positions[value]]) if value in positions else 0 for value in values]
        for values in (column.levels, column.missing_codes)
    )
    present = int(counts.sum()) - sum(coded)
    return {"rows": len(series), "missing": len(series) - present, "counts": _with_rest(column, shown, present)}


def _with_rest(column: OutlineColumn, shown: list[int], present: int) -> list[int]:
    return [*shown, present - sum(shown)] if column.pooled else shown


def numbers_of(series: pd.Series, kind: str, missing_codes: tuple[Any, ...]) -> NDArray[np.float64]:
    """Cells as float64, missing and coded missing ones NaN, dates as days since 1970-01-01, times of day as hours."""
    import pandas as pd

    types = pd.api.types
    if kind == "date" and not types.is_numeric_dtype(series):
        # Datetimes, dates as objects, or ISO texts: on one clock, as the real column was encoded.
        texts = types.infer_dtype(series, skipna=True) == "string"
        moments = pd.to_datetime(series, utc=True, format="ISO8601" if texts else None)
        # The coarsest unit, so that the years that nanoseconds cannot count are no further away than others.
        return _days(moments - pd.Timestamp(0, tz="UTC").as_unit("s"))
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
    import pandas as pd

    days: NDArray[np.float64] = (durations / pd.Timedelta(days=1)).to_numpy(dtype=np.float64, na_value=np.nan)
    return days


# --- from counts to figures -------------------------------------------------------------------------------------------


def _figures(column: OutlineColumn, counted: dict[str, Any]) -> dict[str, Any]:
    rows, present = counted["rows"], counted["rows"] - counted["missing"]
    figures: dict[str, Any] = {"missing": counted["missing"] / rows if rows else 0.0}
    if not column.is_numeric:
        return figures | {"shares": [count / present if present else 0.0 for count in counted["counts"]]}
    mean = counted["sum"] / present if present else None
    if mean is not None and not abs(mean) < LARGEST:
        mean = None
    spread = counted["squares"] - counted["sum"] * mean if mean is not None else math.nan
    return figures | {
        "mean": None if mean is None else column.centre + mean,
        "sd": math.sqrt(max(spread, 0.0) / (present - 1)) if present > 1 and math.isfinite(spread) else None,
        "counts": counted["counts"],
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


def _add(one: Any, other: Any) -> Any:
    return [a + b for a, b in zip(one, other, strict=True)] if isinstance(one, list) else one + other
